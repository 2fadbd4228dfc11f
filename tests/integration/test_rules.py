from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from bot.assembly import utc_now
from cases.rehearsal import rehearse
from cases.rules import Draft
from cases.storage.learning import RuleRow
from cases.storage.tables import CaseRow, CategoryRow
from tests.integration.people import TOKEN_FIELD, Resident

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from werkzeug.test import TestResponse

    from bot.assembly import House
    from tests.integration.people import Staff

MANHOLE = "翠湖小区3栋楼下井盖坏了，老人差点摔倒"
CLUTTER = "柳荫苑5栋楼道里堆满了纸箱和杂物，走不过去"


@pytest.fixture
def admin(staff: Callable[[str], Staff]) -> Staff:
    """Give the administrator."""
    return staff("admin")


def put_rule(house: House, queue: str, *, active: bool = True, name: str = "试一条", **conditions: Any) -> int:
    """Put a rule into the database as if it had always been there."""
    with house.store.write() as book:
        position = len(book.rules()) + 1
        row = RuleRow(
            position=position, name=name, active=active, conditions=conditions, queue=queue, changed_at=utc_now()
        )
        book.add(row)
        book.set_meta("city_version", f"rules-{position}-{name}")
        return row.id


def rules_of(house: House) -> list[tuple[str, bool]]:
    """Return the names of the rules in their order, and which are on."""
    with house.store.read() as book:
        return [(row.name, row.active) for row in book.rules()]


def holder(house: House, case: CaseRow) -> str:
    """Return the code of the unit that holds a case."""
    with house.store.read() as book:
        return house.cities.current(book).units[case.holder_id].code


def post(admin: Staff, address: str, **form: object) -> TestResponse:
    """Post a form of the rules' pages and follow it."""
    return admin.post(address, admin.client.get("/console/rules").text, **form)


def apply_from(admin: Staff, page: TestResponse) -> TestResponse:
    """Press the button of a trial."""
    token = re.search(r'name="token" value="([^"]+)"', page.text)
    assert token, page.text[:2000]
    return post(admin, "/console/rules/apply", token=token[1])


def figures(page: TestResponse) -> tuple[int, int]:
    """Return how many cases a trial tried, and how many would go elsewhere."""
    found = re.search(r'data-tried="(\d+)" data-moved="(\d+)"', page.text)
    assert found, page.text[:3000]
    return int(found[1]), int(found[2])


# -- deciding ----------------------------------------------------------------------------------------------------


def test_a_rule_decides_before_what_is_usual(house: House, resident: Resident, staff: Callable[[str], Staff]) -> None:
    """A case that fits a rule goes where the rule says, and tells which rule, which version and how sure."""
    rule_id = put_rule(house, "dept-water", areas=["street-cuihu"], words=["井盖"])
    resident.say(MANHOLE)
    case = resident.case()
    assert (holder(house, case), case.rule_id) == ("dept-water", rule_id)
    assert any(reason.startswith("按规则“试一条”：翠湖街道的事，话里有“井盖”") for reason in case.reasons)
    assert case.certainty == pytest.approx(case.guesses[0]["probability"], abs=1e-3)
    with house.store.write() as book:
        row = book.get(CaseRow, case.id)
        assert row is not None
        row.evidence = ["井盖", "坏"]
    page = staff("water").open(case).text
    assert "这些字眼起了作用" in page
    assert str(case.model_version) in page
    assert "按规则“试一条”" in page


def test_a_rule_may_send_what_nobody_understood(house: House, resident: Resident) -> None:
    """A rule by words fires although the classifier is not sure; the resident is not told a kind that is a guess."""
    put_rule(house, "dept-health", words=["黑诊所"])
    with house.store.write() as book:
        book.set_meta("confident", "0.999")
        book.set_meta("city_version", "unsure")
    reply = resident.say("翠湖小区3栋一楼有个黑诊所")
    assert holder(house, resident.case()) == "dept-health"
    assert "卫生健康局" in reply
    assert "这是“" not in reply


def test_danger_comes_before_every_rule(house: House, resident: Resident) -> None:
    """Danger to life goes to the dispatchers whatever the rules say."""
    put_rule(house, "dept-water", words=["着火"])
    resident.say("翠湖小区3栋着火了，有人被困")
    case = resident.case()
    assert (holder(house, case), case.rule_id) == ("dispatch", None)


def test_a_broken_rule_is_named(house: House, resident: Resident) -> None:
    """A rule whose department is gone is not skipped silently: the case says that it was of no use, and why."""
    put_rule(house, "dept-gone", words=["井盖"])
    resident.say(MANHOLE)
    case = resident.case()
    assert holder(house, case) == "dept-urban"
    assert any("规则“试一条”失效，没有用上：要送去的单位已经没有了" in reason for reason in case.reasons)


def test_a_new_kind_is_confirmed_first(house: House, resident: Resident) -> None:
    """While a kind does not route by itself its cases go to the dispatchers, and say so."""
    with house.store.write() as book:
        row = book.get(CategoryRow, "facility/manhole")
        assert row is not None
        row.auto = False
        book.set_meta("city_version", "waiting")
    resident.say(MANHOLE)
    case = resident.case()
    assert holder(house, case) == "dispatch"
    assert "新类别，先由派单员确认" in case.reasons


# -- the trial ---------------------------------------------------------------------------------------------------


def test_a_rule_set_is_tried_on_last_months_cases(house: House, resident: Resident, neighbour: Resident) -> None:
    """The trial counts what would have gone elsewhere, from where to where, and leaves the cases alone."""
    resident.say(MANHOLE)
    neighbour.say(CLUTTER)
    resident.say("新的：柳荫苑2栋门口井盖没了")
    with house.store.write() as book:
        row = book.get(CaseRow, resident.cases()[-1].id)
        assert row is not None
        row.opened_at = utc_now() - timedelta(days=40)
    drafts = [Draft(1, "井盖归水务", active=True, conditions={"words": ["井盖"]}, queue="dept-water")]
    with house.store.read() as book:
        city = house.cities.current(book)
        found = rehearse(book, city, drafts, utc_now())
    assert (found.tried, found.moved, found.capped) == (2, 1, False)
    assert found.flows == (("城市管理局", "水务局", 1),)
    assert found.fired == {1: 1}
    [moved] = found.shown
    assert (moved.before, moved.after, moved.rule) == ("城市管理局", "水务局", "井盖归水务")
    assert holder(house, resident.cases()[0]) == "dept-urban"


def test_the_trial_says_when_it_stops(
    house: House, resident: Resident, neighbour: Resident, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With more cases than are tried at once, the latest are tried, and the trial says so."""
    resident.say(MANHOLE)
    neighbour.say(CLUTTER)
    monkeypatch.setattr("cases.rehearsal.MOST", 1)
    with house.store.read() as book:
        found = rehearse(book, house.cities.current(book), [], utc_now())
    assert (found.tried, found.capped) == (1, True)


# -- the pages ---------------------------------------------------------------------------------------------------


def test_only_administrators_see_the_rules(staff: Callable[[str], Staff]) -> None:
    """Rules are the administrator's."""
    for path in ("/console/rules", "/console/rules/edit", "/console/rules/trial"):
        assert staff("dispatcher").client.get(path).status_code == 403


def test_no_rules_yet(admin: Staff) -> None:
    """The empty page says what rules are good for and how to begin."""
    assert "还没有规则" in admin.client.get("/console/rules").text


def test_from_the_form_to_the_live_rule(house: House, admin: Staff, resident: Resident) -> None:
    """A new rule is kept switched off; switching it on shows the trial first, and only its button makes it live."""
    resident.say(MANHOLE)
    page = post(admin, "/console/rules/save", id="0", words="井盖，窨井", queue="dept-water", name="")
    assert "还没启用" in page.text
    assert rules_of(house) == [("话里有“井盖”或“窨井”，送水务局", False)]
    with house.store.read() as book:
        [row] = book.rules()
    page = post(admin, "/console/rules/change", id=row.id, do="on")
    assert figures(page) == (1, 1)
    assert rules_of(house)[0][1] is False
    assert "已启用" in apply_from(admin, page).text
    assert rules_of(house)[0][1] is True
    resident.say(f"新的：{MANHOLE}")
    assert holder(house, resident.cases()[-1]) == "dept-water"
    assert "派了 1 件" in admin.client.get("/console/rules").text


def test_what_is_live_changes_only_after_a_trial(house: House, admin: Staff) -> None:
    """Editing, moving, stopping and deleting a live rule all show the trial; the rules stay until its button."""
    first = put_rule(house, "dept-water", name="甲", words=["井盖"])
    put_rule(house, "dept-health", name="乙", words=["井"])
    for do in ("down", "off", "delete"):
        page = post(admin, "/console/rules/change", id=first, do=do)
        assert "试算：" in page.text
        assert rules_of(house) == [("甲", True), ("乙", True)]
    page = post(admin, "/console/rules/save", id=first, words="路灯", queue="dept-water", name="甲")
    assert "试算：修改“甲”" in page.text
    assert "已保存" in apply_from(admin, page).text
    with house.store.read() as book:
        assert book.rules()[0].conditions == {"words": ["路灯"]}


def test_a_change_that_moves_nothing_needs_no_trial(house: House, admin: Staff) -> None:
    """A new name, and whatever is done to a rule that is off, is done at once."""
    first = put_rule(house, "dept-water", name="甲", words=["井盖"])
    second = put_rule(house, "dept-health", name="乙", active=False, words=["诊所"])
    assert "已上移" in post(admin, "/console/rules/change", id=second, do="up").text
    assert "已保存" in post(admin, "/console/rules/save", id=first, words="井盖", queue="dept-water", name="丙").text
    assert "已删除" in post(admin, "/console/rules/change", id=second, do="delete").text
    assert rules_of(house) == [("丙", True)]


def test_a_trial_of_other_rules_is_shown_anew(house: House, admin: Staff) -> None:
    """When the rules have changed since the trial, its button does nothing but show it again."""
    first = put_rule(house, "dept-water", active=False, name="甲", words=["井盖"])
    page = post(admin, "/console/rules/change", id=first, do="on")
    put_rule(house, "dept-health", name="乙", words=["诊所"])
    again = apply_from(admin, page)
    assert "请按现在的再看一遍" in again.text
    assert rules_of(house) == [("甲", False), ("乙", True)]
    assert "已启用" in apply_from(admin, again).text


def test_a_forged_trial_does_nothing(house: House, admin: Staff) -> None:
    """Nothing goes live without a trial that this server has shown."""
    put_rule(house, "dept-water", active=False, name="甲", words=["井盖"])
    assert "试算过期了" in post(admin, "/console/rules/apply", token="forged").text
    assert rules_of(house) == [("甲", False)]


@pytest.mark.parametrize(
    ("form", "fault"),
    [
        ({"queue": "dept-water"}, "一个条件也没有"),
        ({"queue": "nowhere", "words": "井盖"}, "单位已经没有了"),
        ({"queue": "dept-water", "begin": "8"}, "起和止两头"),
        ({"queue": "dept-water", "begin": "8", "end": "8"}, "一个小时也没有"),
        ({"queue": "dept-water", "at_least": "很大"}, "1 到 99"),
        ({"queue": "dept-water", "at_least": "80", "below": "50"}, "两样都合"),
        ({"queue": "dept-water", "months": "13"}, "条件读不懂"),
    ],
)
def test_a_rule_that_makes_no_sense_is_not_kept(house: House, admin: Staff, form: dict[str, str], fault: str) -> None:
    """The form comes back with what was filled in and what is wrong with it."""
    page = post(admin, "/console/rules/save", id="0", name="甲乙丙", **form)
    assert page.status_code == 400
    assert fault in page.text
    assert 'value="甲乙丙"' in page.text
    assert rules_of(house) == []


def test_broken_rules_are_shown_with_the_way_to_mend(house: House, admin: Staff) -> None:
    """The list marks a rule that can no longer fire, and says why and what to do."""
    put_rule(house, "dept-water", name="甲", words=["井"])
    put_rule(house, "dept-health", name="乙", words=["井盖"])
    page = admin.client.get("/console/rules").text
    assert 'data-state="broken"' in page
    assert "前面的“甲”已经把这些都拦下了，轮不到它。请把它移到前面，或者改条件" in page


def test_all_fields_come_back(house: House, admin: Staff) -> None:
    """What a form keeps is in it when it is opened again."""
    form = {
        "kinds": ["noise", "facility/manhole"],
        "areas": ["street-cuihu", "community-linjiang"],
        "begin": "22",
        "end": "6",
        "months": ["6", "7", "8"],
        "days": "rest",
        "words": "唱歌，打牌",
        "at_least": "30",
        "below": "90",
        "queue": "dept-police",
        "note": "去年夏天投诉多",
    }
    post(admin, "/console/rules/save", id="0", name="夏夜", **form)
    with house.store.read() as book:
        [row] = book.rules()
    assert row.conditions == {
        "kinds": ["facility/manhole", "noise"],
        "areas": ["community-linjiang", "street-cuihu"],
        "hours": [22, 6],
        "months": [6, 7, 8],
        "days": "rest",
        "words": ["唱歌", "打牌"],
        "at_least": 0.3,
        "below": 0.9,
    }
    page = admin.client.get(f"/console/rules/edit?id={row.id}").text
    assert page.count(" checked") == 7
    for value in ("唱歌，打牌", "夏夜", "去年夏天投诉多"):
        assert f'value="{value}"' in page


def test_a_rule_that_is_gone(app: Flask, admin: Staff) -> None:
    """Who still has a deleted rule on the screen is told, and nothing breaks."""
    assert app
    page = admin.client.get("/console/rules/edit?id=99", follow_redirects=True)
    assert "已经被删掉了" in page.text
    assert "没有改" in post(admin, "/console/rules/change", id="99", do="on").text
    assert TOKEN_FIELD.search(page.text)


def test_the_trial_has_an_address(house: House, admin: Staff) -> None:
    """A trial can be reloaded: it lives at an address that carries what it is about."""
    rule_id = put_rule(house, "dept-water", active=False, name="甲", words=["井盖"])
    token = TOKEN_FIELD.search(admin.client.get("/console/rules").text)
    assert token
    form = {"csrf_token": token[1], "id": rule_id, "do": "on"}
    answer = admin.client.post("/console/rules/change", data=form)
    address = answer.headers["Location"]
    assert parse_qs(urlsplit(address).query)["token"]
    assert admin.client.get(address).status_code == 200
