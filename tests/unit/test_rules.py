from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cases.routing import CONFIDENT, Category, Guess, Located, Ruling, decide
from cases.rule_changes import applied, same_live, saving
from cases.rule_checks import NEVER, Known, build
from cases.rules import UNREADABLE, Draft, Facts, Rule, first, hours_of, matches, read_rule, written

NOISE = Category("noise/life", "生活噪音", "噪音扰民", "dept-police", True, False, (4, 8, 24))  # noqa: FBT003
SQUARE = Category("noise/square", "广场舞", "噪音扰民", "grid", True, False, (4, 8, 24))  # noqa: FBT003
WAGES = Category("livelihood/wages", "拖欠工资", "民生保障", "dept-labour", False, False, (4, 16, 80))  # noqa: FBT003
FRESH = replace(WAGES, code="livelihood/new", name="新鲜事", auto=False)
KNOWN = Known(
    {each.code: each for each in (NOISE, SQUARE, WAGES, FRESH)},
    {
        "district": ("安澜区", "district", "/1/"),
        "street-cuihu": ("翠湖街道办事处", "street", "/1/2/"),
        "community-cuihu": ("翠湖社区", "community", "/1/2/3/"),
        "grid-1": ("第1网格", "grid", "/1/2/3/4/"),
        "street-linjiang": ("临江街道办事处", "street", "/1/5/"),
        "dept-police": ("公安分局", "department", "/1/9/"),
        "dept-health": ("卫生健康局", "department", "/1/10/"),
    },
    CONFIDENT,
)
# A Saturday in July, 23:30 in China.
NIGHT = datetime(2026, 7, 18, 15, 30, tzinfo=UTC)
FACTS = Facts(
    "noise/life", 0.8, CONFIDENT, frozenset({"district", "street-cuihu", "community-cuihu"}), NIGHT, "楼上夜里唱歌"
)
HERE = Located("翠湖小区3栋", 1, "text")


def draft(rule_id: int = 1, queue: str = "dept-police", *, active: bool = True, **conditions: Any) -> Draft:
    """Return a rule with these conditions."""
    return Draft(rule_id, f"规则{rule_id}", active, conditions, queue)


def built(*drafts: Draft) -> tuple[Rule, ...]:
    """Return these rules as they are asked."""
    return build(drafts, KNOWN)


@pytest.mark.parametrize(
    ("conditions", "fits"),
    [
        ({"kinds": ["noise/life"]}, True),
        ({"kinds": ["noise"]}, True),
        ({"kinds": ["noise/square", "livelihood"]}, False),
        ({"areas": ["street-cuihu"]}, True),
        ({"areas": ["street-linjiang"]}, False),
        ({"areas": ["street-linjiang", "community-cuihu"]}, True),
        ({"hours": [22, 6]}, True),
        ({"hours": [8, 18]}, False),
        ({"hours": [23, 24]}, True),
        ({"months": [6, 7, 8]}, True),
        ({"months": [1]}, False),
        ({"days": "rest"}, True),
        ({"days": "working"}, False),
        ({"words": ["唱歌", "装修"]}, True),
        ({"words": ["装修"]}, False),
        ({"at_least": 0.8}, True),
        ({"at_least": 0.81}, False),
        ({"below": 0.8}, False),
        ({"below": 0.9, "at_least": 0.5}, True),
        ({"kinds": ["noise"], "areas": ["street-cuihu"], "hours": [22, 6], "months": [7], "words": ["唱"]}, True),
        ({"kinds": ["noise"], "areas": ["street-linjiang"], "hours": [22, 6]}, False),
    ],
)
def test_conditions(conditions: dict[str, Any], *, fits: bool) -> None:
    """Every condition that is named must hold; of several values of one, any is enough."""
    assert matches(read_rule(draft(**conditions)), FACTS) == fits


def test_how_sure_the_guess_must_be() -> None:
    """A rule with kinds wants a guess good enough by itself, unless it says how good; one with words needs none."""
    unsure = replace(FACTS, probability=0.3)
    assert not matches(read_rule(draft(kinds=["noise"])), unsure)
    assert matches(read_rule(draft(kinds=["noise"], at_least=0.2)), unsure)
    assert matches(read_rule(draft(kinds=["noise"], below=0.4)), unsure)
    assert matches(read_rule(draft(words=["唱歌"])), replace(unsure, code=None, probability=0.0))
    assert not matches(read_rule(draft(kinds=["noise"])), replace(FACTS, threshold=NEVER))


def test_hours_pass_midnight() -> None:
    """From 22 to 6 is the night; the whole day has no hours to name; the same hour twice is none."""
    assert hours_of((22, 6)) == {22, 23, 0, 1, 2, 3, 4, 5}
    assert hours_of((22, 24)) == {22, 23}
    assert len(hours_of(None)) == 24
    assert hours_of((8, 8)) == frozenset()


def test_the_first_that_fits_decides() -> None:
    """Rules are asked in order; those switched off are not asked; broken ones that would have fitted are named."""
    rules = built(
        draft(1, active=False, words=["唱歌"]),
        draft(2, words=["装修"]),
        draft(3, queue="gone", words=["唱歌"]),
        draft(4, words=["夜里"]),
        draft(5, words=["楼上"]),
    )
    rule, broken = first(rules, FACTS)
    assert rule is not None
    assert rule.id == 4
    assert [each.id for each in broken] == [3]


@pytest.mark.parametrize(
    ("rules", "fault"),
    [
        ([draft()], "一个条件也没有"),
        ([draft(kinds=["gone/kind"])], "类别都已经没有了"),
        ([draft(areas=["gone"])], "街道、社区都已经没有了"),
        ([draft(areas=["grid-1"])], "街道、社区都已经没有了"),
        ([draft(hours=[8, 8])], "一个小时也没有"),
        ([draft(at_least=0.8, below=0.5)], "没有哪个判断两样都合"),
        ([draft(queue="gone", words=["唱"])], "单位已经没有了"),
        ([draft(queue="street-cuihu", words=["唱"])], "不是部门"),
        ([draft(hours=["x"])], UNREADABLE),
        ([draft(kinds="noise")], UNREADABLE),
        ([draft(1, kinds=["noise"]), draft(2, kinds=["noise/life"], hours=[22, 6])], "前面的“规则1”"),
        ([draft(1, words=["唱"]), draft(2, words=["唱歌", "唱戏"])], "前面的“规则1”"),
        ([draft(1, areas=["district"]), draft(2, areas=["community-cuihu"], kinds=["noise"])], "前面的“规则1”"),
        ([draft(1, hours=[20, 8]), draft(2, hours=[22, 6], months=[7])], "前面的“规则1”"),
        ([draft(1, below=0.5), draft(2, below=0.3, words=["唱"])], "前面的“规则1”"),
    ],
)
def test_what_can_never_fire_is_broken(rules: list[Draft], fault: str) -> None:
    """Gone names, conditions that exclude each other, and a rule that an earlier one always forestalls are broken."""
    assert fault in built(*rules)[-1].fault


@pytest.mark.parametrize(
    "rules",
    [
        [draft(1, kinds=["noise/life"]), draft(2, kinds=["noise"])],
        [draft(1, kinds=["noise"], hours=[22, 6]), draft(2, kinds=["noise"])],
        [draft(1, kinds=["noise"]), draft(2, kinds=["noise"], at_least=0.2)],
        [draft(1, kinds=["livelihood"]), draft(2, kinds=["livelihood/new"], at_least=0.6)],
        [draft(1, words=["唱歌"]), draft(2, words=["唱"])],
        [draft(1, areas=["community-cuihu"]), draft(2, areas=["street-cuihu"])],
        [draft(1, days="working", words=["唱"]), draft(2, words=["唱"])],
        [draft(1, active=False, words=["唱"]), draft(2, words=["唱"])],
        [draft(1, queue="gone", words=["唱"]), draft(2, words=["唱"])],
    ],
)
def test_what_can_fire_is_not_broken(rules: list[Draft]) -> None:
    """A later rule that takes what an earlier one leaves is sound; so is one behind a rule that is off or broken."""
    assert built(*rules)[-1].fault == ""


def test_a_partly_void_rule_goes_on() -> None:
    """Of several kinds one is gone: the rule works for the others and says so."""
    [rule] = built(draft(kinds=["noise/life", "gone/kind"]))
    assert rule.fault == ""
    assert "1 个类别" in rule.hint
    assert matches(rule, FACTS)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (
            draft(kinds=["noise"], areas=["street-cuihu"], hours=[22, 6], months=[6, 7, 8]),
            "夏季（6–8月）晚上10点到早上6点，翠湖街道的噪音扰民，送公安分局",
        ),
        (draft(queue="dept-health", words=["黑诊所", "无证"]), "话里有“黑诊所”或“无证”，送卫生健康局"),
        (draft(queue="dispatch", below=0.6), "把握低于60%，送派单台"),
        (draft(queue="grid", kinds=["noise/square"], days="rest"), "休息日，广场舞，送所在网格"),
        (draft(queue="community", areas=["street-linjiang"], months=[1, 3]), "1、3月，临江街道的事，送所在社区"),
    ],
)
def test_rules_are_said_in_a_sentence(rule: Draft, said: str) -> None:
    """What a rule does is a sentence that can be read aloud."""
    assert built(rule)[0].said == said


def test_conditions_are_kept_as_written() -> None:
    """A rule read and written again is the same; what it does not ask for is not kept."""
    rule = draft(kinds=["noise"], hours=[22, 6], months=[7], days="rest", words=["唱"], at_least=0.5)
    assert written(read_rule(rule)) == rule.conditions


# -- in the decision ---------------------------------------------------------------------------------------------


def ruled(queue: str, guess: Guess | None, category: Category | None, place: Located | None) -> tuple[str, bool]:
    """Return where a rule to this queue sends, and whether the place is to be asked."""
    [rule] = built(draft(7, queue=queue, words=["唱"]))
    decision = decide(guess, category, place, ruling=Ruling(rule))
    assert decision.rule_id == 7
    assert f"按规则“规则7”：{rule.said}" in decision.reasons
    return decision.queue, decision.ask_place


@pytest.mark.parametrize(
    ("queue", "category", "place", "expected"),
    [
        ("dept-police", NOISE, HERE, ("dept-police", False)),
        ("dept-police", NOISE, None, ("dispatch", True)),
        ("dept-police", WAGES, None, ("dept-police", False)),
        ("dept-police", None, None, ("dept-police", True)),
        ("dispatch", WAGES, None, ("dispatch", False)),
        ("community", NOISE, HERE, ("community", False)),
        ("community", WAGES, None, ("dispatch", True)),
        ("grid", NOISE, Located("交界", None, "location", grids=(1, 2), claim="community-x"), ("community-x", False)),
    ],
)
def test_where_a_rule_sends(
    queue: str, category: Category | None, place: Located | None, expected: tuple[str, bool]
) -> None:
    """A rule sends below the usual threshold too; what needs a place waits for it; what lies between is claimed."""
    guess = Guess(category.code, 0.2) if category else None
    assert ruled(queue, guess, category, place) == expected


def test_broken_rules_are_named_in_the_reasons() -> None:
    """A broken rule that would have decided is named with the reason, and what is usual happens."""
    [broken] = built(draft(queue="gone", words=["唱"]))
    decision = decide(Guess(NOISE.code, 0.9), NOISE, HERE, ruling=Ruling(None, (broken,)))
    assert (decision.queue, decision.rule_id) == ("dept-police", None)
    assert any("“规则1”失效，没有用上" in reason for reason in decision.reasons)


def test_a_new_kind_waits_for_the_dispatchers() -> None:
    """Guesses of a kind that is not yet trusted go to the dispatchers; a resident's own choice is no guess."""
    decision = decide(Guess(FRESH.code, 0.99), FRESH, None)
    assert decision.queue == "dispatch"
    assert "新类别，先由派单员确认" in decision.reasons
    assert decide(Guess(FRESH.code, 1.0, chosen=True), FRESH, None).queue == "dept-labour"


def test_a_kind_has_its_own_threshold() -> None:
    """A kind's own threshold counts in the stead of the city's, both ways."""
    strict, lax = replace(WAGES, confident=0.9), replace(WAGES, confident=0.2)
    assert decide(Guess(WAGES.code, 0.8), strict, None).queue == "dispatch"
    assert decide(Guess(WAGES.code, 0.3), lax, None).queue == "dept-labour"


# -- changes -----------------------------------------------------------------------------------------------------


def test_changes_are_made_on_paper_first() -> None:
    """Each change gives the rules as they would be, and it is known whether it alters where cases go."""
    rules = (draft(1, words=["唱"]), draft(2, words=["哭"], active=False), draft(3, words=["笑"]))

    def after(do: str, rule_id: int) -> list[int]:
        return [each.id for each in applied(rules, {"do": do, "id": rule_id})]

    assert after("up", 3) == [1, 3, 2]
    assert after("down", 3) == [1, 2, 3]
    assert after("delete", 1) == [2, 3]
    assert same_live(rules, applied(rules, {"do": "up", "id": 3}))
    assert same_live(rules, applied(rules, {"do": "delete", "id": 2}))
    assert same_live(rules, applied(rules, saving(replace(rules[0], name="另一个名字"))))
    assert not same_live(rules, applied(rules, {"do": "on", "id": 2}))
    assert not same_live(rules, applied(rules, saving(replace(rules[0], queue="dispatch"))))
    assert applied(rules, saving(draft(0, words=["新"])))[-1].active is False
    with pytest.raises(KeyError):
        applied(rules, {"do": "on", "id": 9})


def test_the_calendar_counts_makeup_days() -> None:
    """Working days are those of the Chinese calendar: a holiday on a Thursday is a day of rest."""
    rule = read_rule(draft(days="rest"))
    holiday = datetime(2026, 10, 1, 4, tzinfo=UTC)
    assert matches(rule, replace(FACTS, at=holiday))
    assert not matches(rule, replace(FACTS, at=holiday + timedelta(days=14)))
