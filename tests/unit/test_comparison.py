from datetime import UTC, datetime, timedelta

import pytest

from cases import figures
from cases.comparison import comparison, objections, promise
from cases.figures import Share
from cases.labels import masked
from cases.orders import Columns, preview, usual_columns
from cases.routing import Category
from cases.sheets import Line, Sheet
from cases.storage.labels import Judged
from classifier import Evaluation

NOW = datetime(2026, 6, 3, 4, 0, tzinfo=UTC)


def evaluation(macro: float, **kinds: float) -> Evaluation:
    """Return figures with this macro-F1, and the F1 of each kind."""
    rows = {name: {"precision": f1, "recall": f1, "f1": f1, "support": 20} for name, f1 in kinds.items()}
    return Evaluation(0.9, macro, rows, 0.95, 0.02, {"0.8": 0.97, "0.9": 0.95}, 1000.0)


@pytest.mark.parametrize(
    ("before", "after", "named"),
    [
        (evaluation(0.80, a=0.8, b=0.8), evaluation(0.795, a=0.75, b=0.84), []),
        (evaluation(0.80, a=0.8, b=0.8), evaluation(0.794, a=0.79, b=0.8), ["宏F1"]),
        (evaluation(0.80, a=0.8, b=0.8), evaluation(0.81, a=0.7499, b=0.9), ["路灯"]),
        (evaluation(0.80, a=0.8), evaluation(0.70, a=0.6), ["宏F1", "路灯"]),
        (None, evaluation(0.2, a=0.1), []),
    ],
)
def test_a_worse_version_is_objected_to(before: Evaluation | None, after: Evaluation, named: list[str]) -> None:
    """More than half a point of macro-F1, or five points of one kind, are named; less is not, nor without a rival."""
    report = comparison(before, after, ["a"], ["a"], [], [])
    found = objections(report, {"a": "路灯"})
    assert len(found) == len(named)
    assert all(name in words for name, words in zip(named, found, strict=True))


def test_the_learning_curve_promises_what_its_last_doubling_brought() -> None:
    """Twice the labels bring what the last doubling did; never less than nothing; of too few points nothing is said."""
    assert promise([(50, 0.7), (100, 0.8), (200, 0.86)]) == pytest.approx(0.06)
    assert promise([(100, 0.9), (200, 0.89)]) == 0.0
    assert promise([(100, 0.9)]) is None


def judged(days: float, label: str, guess: str, probability: float) -> Judged:
    """Return a guess that somebody judged so many days ago."""
    return Judged(NOW - timedelta(days=days), label, guess, probability, "confirmation", "v1")


def test_the_threshold_is_drawn_from_judged_cases() -> None:
    """Above a threshold so many of the cases lie, and so many of those were right."""
    rows = [judged(1, "a", "a", 0.9), judged(1, "b", "a", 0.6), judged(1, "b", "b", 0.5), judged(1, "b", "a", 0.1)]
    steps = {step.threshold: step for step in figures.curve(rows)}
    assert (steps[0.5].covered, steps[0.5].right) == (Share(3, 4), Share(2, 3))
    assert (steps[0.7].covered.value, steps[0.7].right.value) == (0.25, 1.0)
    assert figures.curves_by_kind(rows) == {}
    assert set(figures.curves_by_kind(rows * 10)) == {"a"}


def test_what_is_due_is_said_and_why() -> None:
    """Many new labels, a new kind with labels, a fall, more doubt: each is a reason, and without one none is given."""
    weeks = [(figures.week_of(NOW - timedelta(weeks=8 - at)), Share(90 if at < 4 else 80, 100)) for at in range(8)]
    reasons = figures.due(250, weeks, [], [], {"单车": 25, "别的": 3})
    assert [word in " ".join(reasons) for word in ("250", "单车", "10 个百分点", "别的")] == [True, True, True, False]
    assert figures.due(5, [], [], [], {}) == []


def test_weeks_begin_on_monday_in_china() -> None:
    """Sunday 23:00 UTC is Monday in China, and belongs to the new week."""
    assert figures.week_of(datetime(2026, 5, 31, 23, 0, tzinfo=UTC)) == figures.week_of(NOW)
    assert figures.week_of(datetime(2026, 5, 31, 15, 0, tzinfo=UTC)) != figures.week_of(NOW)


def test_a_changed_mix_is_seen() -> None:
    """The kinds whose shares changed most come first, with both shares; of few cases nothing is said."""
    opened = [(NOW - timedelta(days=60), "a")] * 800 + [(NOW - timedelta(days=60), "b")] * 200
    assert figures.mix_shift([*opened, (NOW - timedelta(days=2), "b")], NOW) == []  # of one case
    mix = figures.mix_shift([*opened, *[(NOW - timedelta(days=2), "b")] * 500], NOW)
    assert {mix[0][0], mix[1][0]} == {"a", "b"}
    assert figures.shifted(mix) == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("我电话13812345678，找我", "我电话〔电话〕，找我"),
        ("138-1234-5678", "〔电话〕"),
        ("身份证110101199003077758丢了", "身份证〔证件号〕丢了"),
        ("鲁A12345占了消防通道", "〔车牌〕占了消防通道"),
        ("座机0531-88881234", "座机〔电话〕"),
        ("写信给 li.si@example.com", "写信给 〔邮箱〕"),
        ("128号楼下，2026年5月坏的", "128号楼下，2026年5月坏的"),
    ],
)
def test_numbers_that_tell_who_somebody_is_are_masked(text: str, hidden: str) -> None:
    """Phones, papers, plates and addresses of mail are masked; house numbers and dates are not."""
    assert masked(text) == hidden


KINDS = {
    "facility/light": Category(
        "facility/light", "路灯", "市政设施", "grid", needs_place=True, urgent=False, hours=(1, 2, 3)
    ),
    "noise/street": Category("noise/street", "噪音", "噪音", "grid", needs_place=True, urgent=False, hours=(1, 2, 3)),
}


def test_past_orders_are_looked_at_row_by_row() -> None:
    """Columns are found by usual names; faulty rows are named; a kind that nobody knows is picked or left out."""
    rows = [
        ("1", "路灯不亮，电话13812345678", "路 灯", "2026/5/1 8:30"),
        ("2", "广场舞太吵", "扰民", "2026-05-02"),
        ("3", "", "路灯", ""),
        ("4", "灯坏了", "路灯", "昨天"),
        ("1", "路灯又坏了", "路灯", ""),
        ("5", "别的事", "没有这类", ""),
    ]
    names = ("工单号", "诉求内容", "类别", "受理时间")
    lines = tuple(Line(at, dict(zip(names, row, strict=True))) for at, row in enumerate(rows, start=2))
    sheet = Sheet(names, lines)
    columns = usual_columns(names)
    assert columns == Columns("诉求内容", "类别", "受理时间", "工单号")
    found = preview(sheet, columns, KINDS, {"扰民": "noise/street"}, NOW)
    assert [(order.text, order.label) for order in found.orders] == [
        ("路灯不亮，电话〔电话〕", "facility/light"),
        ("广场舞太吵", "noise/street"),
    ]
    assert found.orders[0].said_at == datetime(2026, 5, 1, 0, 30, tzinfo=UTC)
    assert [fault[:5] for fault in found.faults] == ["第 4 行", "第 5 行", "第 6 行", "第 7 行"]
    assert preview(sheet, columns, KINDS, {"路灯": "", "路 灯": ""}, NOW).orders == []
