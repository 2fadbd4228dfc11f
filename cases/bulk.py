"""One action on several cases: ordered, held back for some seconds in which it can be undone, then done one by one.

What is done to a case cannot be taken back: residents hear of it. So an order waits first, as a row in the database;
the sweeper carries it out, each case in a transaction of its own, and keeps what came of it.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING

from cases import accounts, handling
from cases.handling import Inputs, NoSuchCase
from cases.ledger import NotAllowed
from cases.storage.desk import BulkRow
from cases.workflow import Action

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from cases.access import Actor
    from cases.city import City, CityCache
    from cases.storage import Book, Store
    from cases.storage.tables import CaseRow

ACTIONS = (Action.SEND, Action.ACCEPT, Action.ASSIGN, Action.REPLY, Action.NOTE, Action.SUPERVISE)
HELD_BACK = timedelta(seconds=10)
# An order that nobody carried out for so long is not: by now somebody has done it by hand.
STALE = timedelta(minutes=10)
MOST = 100
GONE = "已经不在您这里了。"
NOBODY = "您的账号已停用。"


def able(book: Book, city: City, actor: Actor, case_ids: Sequence[int], action: Action) -> list[CaseRow]:
    """Return which of these cases this person may do this to now."""
    cases = [case for case_id in case_ids if (case := _case(book, city, actor, case_id)) is not None]
    return [case for case in cases if any(rule.action is action for rule in handling.possible(book, city, actor, case))]


def _case(book: Book, city: City, actor: Actor, case_id: int) -> CaseRow | None:
    try:
        return handling.access_case(book, city, actor, case_id)[0]
    except NoSuchCase:
        return None


def order(book: Book, actor: Actor, action: Action, inputs: Inputs, case_ids: Sequence[int], now: datetime) -> BulkRow:
    """Keep an order for later. Raises NotAllowed when there is nothing to do, or too much."""
    if action not in ACTIONS or not case_ids:
        raise NotAllowed("请先勾选工单。")
    if len(case_ids) > MOST:
        raise NotAllowed(f"一次最多 {MOST} 件。")
    return book.add(
        BulkRow(
            staff_id=actor.staff_id,
            action=str(action),
            inputs={key: value for key, value in asdict(inputs).items() if key in FIELDS},
            case_ids=list(case_ids),
            created_at=now,
            due_at=now + HELD_BACK,
        )
    )


# What an order can hold of an action's inputs: no photos, nothing that is about one case.
FIELDS = frozenset({"text", "unit", "person", "days"})


def undo(book: Book, actor: Actor, bulk_id: int) -> bool:
    """Take an order of one's own back; say whether it was in time."""
    row = book.lock_row(BulkRow, bulk_id)
    if row is None or row.staff_id != actor.staff_id or row.state != "waiting" or row.results:
        return False
    row.state = "undone"
    return True


def too_late(row: BulkRow, now: datetime) -> bool:
    """Say whether an order was not carried out when it should have been, and nobody counts on it any more."""
    return row.state == "waiting" and not row.results and now - row.due_at > STALE


def run(store: Store, cities: CityCache, bulk_id: int, clock: Callable[[], datetime]) -> None:
    """Carry an order out, as far as it is not yet: a second run does nothing twice."""
    with store.read() as book:
        row = book.get(BulkRow, bulk_id)
        going = row is not None and row.state == "waiting"
        wanted = list(row.case_ids) if row is not None and going and not too_late(row, clock()) else []
    for case_id in wanted:
        try:
            with store.write() as book:
                _one(book, cities.current(book), bulk_id, case_id, clock())
        except NoSuchCase:
            _note(store, bulk_id, case_id, GONE)
        except NotAllowed as refusal:
            _note(store, bulk_id, case_id, str(refusal))
    with store.write() as book:
        row = book.lock_row(BulkRow, bulk_id)
        if row is not None and row.state == "waiting":
            row.state = "done" if wanted else "undone"
            row.inputs = {}  # words for residents are in the cases now


def _one(book: Book, city: City, bulk_id: int, case_id: int, now: datetime) -> None:
    """Do the order to one case; what has its result already, or was undone, is left alone."""
    row = book.lock_row(BulkRow, bulk_id)
    if row is None or row.state != "waiting" or str(case_id) in row.results:
        return
    actor = accounts.actor_of(book, city, row.staff_id, now)
    if actor is None:
        raise NotAllowed(NOBODY)
    handling.act(book, city, actor, case_id, Action(row.action), Inputs(**row.inputs), now)
    row.results = {**row.results, str(case_id): ""}


def _note(store: Store, bulk_id: int, case_id: int, why: str) -> None:
    """Keep why a case was left as it is."""
    with store.write() as book:
        row = book.lock_row(BulkRow, bulk_id)
        if row is not None and row.state == "waiting":
            row.results = {**row.results, str(case_id): why}
