"""What follows a step besides the new state: one function for each effect that the transition table names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cases import callbacks, labels, ledger, limits
from cases.ledger import SYSTEM
from cases.messages import tell_staff
from cases.workflow import Action, Effect, Relation

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from cases.city import City, Unit
    from cases.ledger import Who
    from cases.storage import Book
    from cases.storage.tables import CaseRow, HistoryRow, StaffRow
    from cases.workflow import Rule


@dataclass(frozen=True)
class Change:
    """One step, with everything its effects need; `unit`: where the case goes, if the step says so."""

    book: Book
    city: City
    case: CaseRow
    rule: Rule
    row: HistoryRow
    who: Who
    now: datetime
    unit: Unit | None


def _take(change: Change) -> None:
    change.case.handler_id = change.who.staff_id
    if change.case.first_unit_id is None:
        change.case.first_unit_id = change.case.holder_id


def _hold(change: Change) -> None:
    ledger.hold(change.case, change.city, change.unit or change.city.units[change.case.holder_id], change.now)
    if change.unit is not None and change.who.kind == "staff":
        tell_staff(change.book, change.case, "came", change.now, unit_id=change.unit.id)


def _sender(change: Change) -> None:
    by_centre = Relation.DISPATCHER in change.who.relations or change.who.unit_id is None
    change.case.sender_id = None if by_centre else change.who.unit_id


def _returned(change: Change) -> None:
    change.case.returns += 1
    if change.case.returns >= limits.RETURNS:
        change.case.attention = "returned"


def _contacted(change: Change) -> None:
    if change.case.contacted_at is None:
        change.case.contacted_at = change.now


def _extend(change: Change) -> None:
    case, clock = change.case, ledger.clock_of(change.city, change.case)
    hours = case.extension_hours or 0.0
    case.finish_by = limits.extended(case.finish_by, hours, change.now, clock)
    case.extension_hours, case.extensions = None, case.extensions + 1


def _pause(change: Change) -> None:
    if change.case.resident_id is not None and change.case.paused_at is None:
        change.case.paused_at = change.now


def _resume(change: Change) -> None:
    case = change.case
    if case.paused_at is None:
        return
    clock = ledger.clock_of(change.city, case)
    case.accept_by, case.contact_by, case.finish_by = (
        limits.resumed(deadline, case.paused_at, change.now, clock)
        for deadline in (case.accept_by, case.contact_by, case.finish_by)
    )
    case.paused_at = None


def _stop(change: Change) -> None:
    case = change.case
    case.resolved_at, case.gathering_until = change.now, None
    case.solved = ""  # what was said of an earlier result is not said of this one
    case.handler_id = change.who.staff_id
    case.extension_hours = None


def _label(change: Change) -> None:
    if change.who.staff_id is not None:
        labels.record(change.book, change.case, change.who.staff_id, change.now, finished=True)


def _failed(change: Change) -> None:
    case = change.case
    case.failed_checks += 1
    case.resolved_at = case.contacted_at = None
    case.outcome = ""
    case.rating, case.rating_words = None, ""
    if case.failed_checks >= limits.FAILURES and case.supervised_at is None:
        text = f"第 {case.failed_checks} 次核查不通过"
        leader = nearest_leader(change.book, change.city, case)
        supervise(change.book, change.city, case, leader, limits.SUPERVISION_DAYS, change.now)
        ledger.record(change.book, case, Action.SUPERVISE, SYSTEM, change.now, text=text)


def nearest_leader(book: Book, city: City, case: CaseRow) -> StaffRow | None:
    """Return the leader nearest above a case's holder, or None."""
    path = city.units[case.holder_id].path
    leaders = [each for each in book.leaders() if path.startswith(city.units[each.unit_id].path)]
    return max(leaders, key=lambda each: len(city.units[each.unit_id].path), default=None)


def supervise(book: Book, city: City, case: CaseRow, leader: StaffRow | None, days: float, now: datetime) -> None:
    """Put a case under supervision, with a date and a leader's name; holder and leader are told."""
    case.supervised_at, case.supervisor_id = now, leader.id if leader is not None else None
    case.supervise_by = city.worktime(city.units[case.holder_id]).add(now, days * limits.DAY_HOURS)
    name = leader.name if leader is not None else "派单台"
    text = f"{name}督办，{limits.spoken_time(case.supervise_by, now)}前办好"
    tell_staff(book, case, "supervised", now, unit_id=case.holder_id, text=text)
    if leader is not None:
        tell_staff(book, case, "supervised", now, staff_id=leader.id, text=text)


def _end(change: Change) -> None:
    case = change.case
    case.supervised_at = case.supervise_by = case.supervisor_id = None
    case.paused_at = case.extension_hours = case.gathering_until = None
    for task in change.book.tasks(case.id):
        if task.answered_at is None and task.cancelled_at is None:
            task.cancelled_at = change.now
            tell_staff(change.book, case, "task_cancelled", change.now, unit_id=task.unit_id)
    callbacks.after_end(change.book, change.city, case, change.now)


EFFECTS: dict[Effect, Callable[[Change], None]] = {
    Effect.TAKE: _take,
    Effect.HOLD: _hold,
    Effect.SENDER: _sender,
    Effect.RETURNED: _returned,
    Effect.CONTACTED: _contacted,
    Effect.EXTEND: _extend,
    Effect.PAUSE: _pause,
    Effect.RESUME: _resume,
    Effect.STOP: _stop,
    Effect.LABEL: _label,
    Effect.FAILED: _failed,
    Effect.END: _end,
}
