"""What comes with an action: as the page would offer it, and as nobody should send it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st

from cases import facts, handling, tasks, words
from cases.handling import Inputs
from cases.ledger import Photo
from cases.own import Given
from cases.workflow import UNRESOLVED, Action

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hypothesis.strategies import DataObject, SearchStrategy

    from cases.access import Actor
    from cases.city import City
    from cases.storage import Book
    from cases.storage.tables import CaseRow

AFTER = Photo("after.jpg", "image/jpeg", "after")
BEFORE = Photo("before.jpg", "image/jpeg", "before")
SAID = "已经处理好了"
UNITS = (
    "", "nowhere", "dispatch", "city", "district", "street-cuihu", "street-beiguan", "community-cuihu",
    "community-liuyin", "grid-cuihu-01", "grid-cuihu-02", "grid-linjiang-01", "dept-urban", "dept-water",
    "dept-emergency", "dept-police",
)  # fmt: skip


def proper(book: Book, city: City, actor: Actor, case: CaseRow, action: Action, data: DataObject) -> Inputs | None:
    """Return inputs with which an offered action has to succeed; None: there is nothing to choose from."""
    held = facts.relations(book, city, actor, case)
    chosen: dict[str, object] = {"text": SAID, "hours": 2.0, "days": 2.0, "where": "物业", "photos": (AFTER,)}
    chosen["reason"] = _one(data, sorted(words.RETURN_REASONS))
    chosen["how"] = _one(data, sorted(words.CONTACTS))
    if action is Action.SEND:
        chosen["unit"] = _one(data, [unit.code for unit in handling.targets(book, city, actor, case)])
    elif action in {Action.ASK_HELP, Action.WHISTLE}:
        waiting = {task.unit_id for task in book.tasks(case.id) if task.answered_at is None}
        units = [unit for unit in tasks.askable(city, actor, case, held, action) if unit.id not in waiting]
        chosen["units"] = tuple({_one(data, [unit.code for unit in units]) for _ in range(2)}) if units else None
    elif action is Action.ASSIGN:
        chosen["person"] = _one(data, [each.id for each in book.staff_of([case.holder_id])])
    elif action is Action.MERGE:
        chosen["other"] = _one(data, [each.id for each in _targets(book, city, actor, case)])
    elif action in {Action.CONFIRM_TASK, Action.EMPTY_TASK, Action.CANCEL_TASK}:
        chosen["task"] = _one(data, [task.id for task in tasks.choices(book, case.id, actor.unit_id, action)])
    return None if None in chosen.values() else Inputs(**chosen)  # type: ignore[arg-type]


def _one(data: DataObject, choices: Sequence[object]) -> object | None:
    return data.draw(st.sampled_from(list(choices))) if choices else None


def _targets(book: Book, city: City, actor: Actor, case: CaseRow) -> list[CaseRow]:
    return [
        each
        for each in book.every_case()
        if each.id != case.id and each.state in UNRESOLVED and facts.relations(book, city, actor, each)
    ]


def givings() -> SearchStrategy[Given]:
    """Return what a resident may fill in on a page."""
    return st.builds(
        Given,
        text=st.sampled_from(("", SAID)),
        rating=st.sampled_from(("", *words.RATINGS)),
        solved=st.sampled_from(("", *words.SOLVED)),
    )


def anything() -> SearchStrategy[Inputs]:
    """Return inputs of any kind, most of them wrong for most actions."""
    return st.builds(
        Inputs,
        text=st.sampled_from(("", "  ", SAID, SAID, SAID, "好" * 501)),
        unit=st.sampled_from(UNITS),
        units=st.lists(st.sampled_from(UNITS), max_size=3).map(tuple),
        category=st.sampled_from(("", "", "facility/manhole", "housing/clutter", "nothing")),
        reason=st.sampled_from(("", "other", "nothing", *words.RETURN_REASONS)),
        where=st.sampled_from(("", "物业")),
        how=st.sampled_from(("", "nothing", *words.CONTACTS)),
        person=st.integers(0, 120),
        days=st.sampled_from((0.0, 0.5, 2.0, 16.0, -1.0, float("inf"), float("nan"))),
        hours=st.sampled_from((0.0, 0.01, 2.0, 120.0, 121.0, -5.0, float("inf"), float("nan"))),
        other=st.integers(0, 8),
        task=st.integers(0, 12),
        photos=st.sampled_from(((), (AFTER,), (BEFORE,), (BEFORE, AFTER))),
    )
