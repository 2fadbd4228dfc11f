from dataclasses import replace

import pytest

from cases.access import Actor, Subject, may_send_to, relations
from cases.routing import CONFIDENT, Category, Guess, Located, decide
from cases.workflow import Relation

SURE, UNSURE = CONFIDENT + 0.2, CONFIDENT - 0.2
MANHOLE = Category("facility/manhole", "井盖缺损", "市政设施", "dept-urban", True, True, (1, 2, 24))  # noqa: FBT003
CLUTTER = Category("housing/clutter", "楼道堆物", "房屋物业", "grid", True, False, (4, 8, 24))  # noqa: FBT003
WAGES = Category("livelihood/wages", "拖欠工资", "民生保障", "dept-labour", False, False, (4, 16, 80))  # noqa: FBT003
HERE = Located("翠湖小区3栋", 1, "text")
VAGUE = Located("文昌路", None, "text")


@pytest.mark.parametrize(
    ("category", "probability", "place", "queue", "ask"),
    [
        (MANHOLE, SURE, HERE, "dept-urban", False),
        (CLUTTER, SURE, HERE, "grid", False),
        (MANHOLE, UNSURE, HERE, "dispatch", False),
        (MANHOLE, SURE, None, "dispatch", True),
        (CLUTTER, SURE, VAGUE, "dispatch", True),
        (WAGES, SURE, None, "dept-labour", False),
        (WAGES, UNSURE, None, "dispatch", False),
    ],
)
def test_the_queue(category: Category, probability: float, place: Located | None, queue: str, *, ask: bool) -> None:
    """Sure and placed goes to its queue; a doubt or a place that is needed and missing goes to the dispatchers."""
    decision = decide(Guess(category.code, probability), category, place)
    assert (decision.queue, decision.ask_place) == (queue, ask)
    assert len(decision.reasons) >= 2


def test_without_a_classifier_the_dispatchers_decide() -> None:
    """No guess is no reason to lose a case, and the case says why."""
    decision = decide(None, None, HERE, no_guess="分类器暂时用不了")
    assert decision.queue == "dispatch"
    assert any("分类器暂时用不了" in reason for reason in decision.reasons)


def actor(role: str, path: str) -> Actor:
    """Return a member of staff at the unit with this path."""
    return Actor(1, "某人", role, int(path.strip("/").split("/")[-1]), path)


DISTRICT, STREET, COMMUNITY, GRID = "/1/2/", "/1/2/3/", "/1/2/3/4/", "/1/2/3/4/5/"
DEPARTMENT, DISPATCH = "/1/2/9/", "/1/2/8/"


R = Relation
HELD = {R.HOLDER}


@pytest.mark.parametrize(
    ("role", "path", "expected"),
    [
        ("grid_officer", GRID, {R.HOLDER}),
        ("grid_officer", "/1/2/3/4/6/", set()),
        ("community", COMMUNITY, {R.SUPERIOR, R.ABOVE, R.WHISTLER}),
        ("street", STREET, {R.SUPERIOR, R.WHISTLER}),
        ("street", "/1/2/7/", set()),
        ("district", DISTRICT, {R.SUPERIOR}),
        ("department", DEPARTMENT, set()),
        ("dispatcher", DISPATCH, {R.DISPATCHER}),
        ("leader", DISTRICT, {R.OBSERVER}),
        ("admin", DISTRICT, set()),
    ],
)
def test_who_is_what_to_a_grids_case(role: str, path: str, expected: set[Relation]) -> None:
    """A case in a grid is its grid's, its superiors' and the dispatchers' business, and nobody else's."""
    assert relations(actor(role, path), Subject("grid", GRID, GRID)) == expected


def test_a_unit_sees_what_lies_in_its_area() -> None:
    """A community sees a case of its grid that a department holds, and may whistle, but not take it away."""
    held_by_department = Subject("department", DEPARTMENT, GRID)
    assert relations(actor("community", COMMUNITY), held_by_department) == {R.LOCAL, R.WHISTLER}
    assert relations(actor("grid_officer", GRID), held_by_department) == frozenset()
    assert relations(actor("dispatcher", DISPATCH), held_by_department) == {R.DISPATCHER, R.ABOVE}
    assert relations(actor("district", DISTRICT), held_by_department) == {R.SUPERIOR, R.ABOVE}


def test_who_is_limited_to_some_kinds_sees_those_only() -> None:
    """A group that is not theirs, or not known yet, is no business of somebody who is limited to groups."""
    limited = replace(actor("department", DEPARTMENT), groups=frozenset({"市政设施"}))
    for group, expected in (("市政设施", HELD), ("环境卫生", set()), (None, set())):
        assert relations(limited, Subject("department", DEPARTMENT, GRID, group=group)) == expected


def test_helpers_callers_and_patrols() -> None:
    """Units that were asked, that asked, and who reported are told apart; dispatchers verify other platforms' cases."""
    asked = Subject("grid", GRID, GRID, helpers=frozenset({9}), callers=frozenset({4}))
    assert relations(actor("department", DEPARTMENT), asked) == {R.HELPER}
    assert R.CALLER in relations(actor("community", COMMUNITY), asked)
    patrol = Subject("department", DEPARTMENT, GRID, reporter_id=1, from_resident=False)
    assert relations(actor("grid_officer", GRID), patrol) == {R.REPORTER}
    platform = Subject("grid", GRID, GRID, from_resident=False)
    assert relations(actor("dispatcher", DISPATCH), platform) == {R.DISPATCHER, R.REPORTER}


def test_departments_pass_cases_on_through_the_dispatchers_only() -> None:
    """A department may not send to another; centres send down into their own part; dispatchers send anywhere."""
    held = frozenset(HELD)
    department, grid = actor("department", DEPARTMENT), actor("grid_officer", GRID)
    assert not may_send_to(department, "/1/2/10/", "department", held)
    assert not may_send_to(department, DISTRICT, "district", held)
    assert not may_send_to(grid, COMMUNITY, "community", held)
    assert may_send_to(actor("community", COMMUNITY), GRID, "grid", held)
    assert may_send_to(actor("district", DISTRICT), DEPARTMENT, "department", held)
    assert not may_send_to(actor("street", STREET), DEPARTMENT, "department", held)
    dispatcher = actor("dispatcher", DISPATCH)
    assert may_send_to(dispatcher, DEPARTMENT, "department", frozenset({R.DISPATCHER}))
    assert not may_send_to(dispatcher, DISPATCH, "dispatch", frozenset({R.DISPATCHER}))
