"""From rows to what the table asks: what somebody is to a case, and which conditions are met now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cases import access, limits
from cases.access import SCREENING_ROLES, Subject
from cases.workflow import OPEN, Condition, Facts, Relation

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cases.access import Actor
    from cases.city import City, Unit
    from cases.ledger import Who
    from cases.storage import Book
    from cases.storage.tables import CaseRow
    from cases.storage.working import TaskRow

C = Condition


def relations(book: Book, city: City, actor: Actor, case: CaseRow) -> frozenset[Relation]:
    """Return what `actor` is to this case."""
    return access.relations(actor, subject_of(city, case, book.tasks(case.id)))


def subject_of(city: City, case: CaseRow, tasks: Sequence[TaskRow]) -> Subject:
    """Return what of a case counts for who may see and do what."""
    holder = city.units[case.holder_id]
    category = city.categories.get(case.category_code or "")
    standing = [task for task in tasks if task.cancelled_at is None]
    return Subject(
        holder_kind=holder.kind,
        holder_path=holder.path,
        grid_path=city.units[case.grid_id].path if case.grid_id is not None else None,
        group=category.group_name if category is not None else None,
        reporter_id=case.reporter_id,
        first_unit=case.first_unit_id if case.state in OPEN else None,
        from_resident=case.resident_id is not None,
        helpers=frozenset(task.unit_id for task in standing),
        callers=frozenset(task.by_unit_id for task in standing),
    )


def above(city: City, unit: Unit) -> Unit | None:
    """Return the centre one level above a unit, or None."""
    parent = city.units.get(unit.parent_id) if unit.parent_id is not None else None
    return parent if parent is not None and parent.kind in SCREENING_ROLES else None


def returns_to(city: City, case: CaseRow) -> Unit:
    """Return the unit that gets a case which is given back now: who sent it, from the second time the dispatchers."""
    sender = city.units.get(case.sender_id) if case.sender_id is not None else None
    known = sender is not None and sender.id != case.holder_id and case.returns == 0
    return sender if known and sender is not None else city.dispatch


def facts_of(book: Book, city: City, case: CaseRow, who: Who) -> Facts:
    """Return which conditions are met now, for this case and this person."""
    tasks = [task for task in book.tasks(case.id) if task.cancelled_at is None]
    return Facts(frozenset({*_of_alarm(case), *_of_place(city, case, who), *_of_tasks(tasks, who), *_of_course(case)}))


def _of_alarm(case: CaseRow) -> Iterable[Condition]:
    if case.alarmed_at is None or case.alarm_ended_at is not None:
        yield C.ALARM_QUIET
        if case.alarmed_at is not None and case.alarm_reviewed_at is None:
            yield C.ALARM_OVER
    else:
        yield C.ALARM_ON if case.acknowledged_at is not None else C.ALARM_RINGS


def _of_place(city: City, case: CaseRow, who: Who) -> Iterable[Condition]:
    holder = city.units[case.holder_id]
    if Relation.HOLDER in who.relations:
        yield C.HOLDS
    if holder.kind == "grid":
        yield C.AT_GRID
    if holder.kind == "dispatch":
        yield C.AT_DISPATCH
    if above(city, holder) is not None:
        yield C.HAS_ABOVE
    if returns_to(city, case).kind != "dispatch":
        yield C.SENT_BY_UNIT


def _of_tasks(tasks: Sequence[TaskRow], who: Who) -> Iterable[Condition]:
    busy = [task for task in tasks if task.answered_at is None]
    mine = [task for task in busy if task.unit_id == who.unit_id]
    if mine:
        yield C.TASK_OPEN
    if any(task.arrived_at is None and task.kind == "whistle" for task in mine):
        yield C.NOT_ARRIVED
    if not any(task.kind == "help" for task in busy):
        yield C.HELPERS_DONE
    asked = [task for task in tasks if task.by_unit_id == who.unit_id]
    if any(task.answered_at is None for task in asked):
        yield C.HELPERS_BUSY
    if any(task.answered_at is not None and not task.verdict and task.kind == "whistle" for task in asked):
        yield C.ANSWERED


def _of_course(case: CaseRow) -> Iterable[Condition]:
    yield C.SAID_UNSOLVED if case.outcome == "unsolved" else C.SAID_SOLVED
    yield C.SUPERVISED if case.supervised_at is not None else C.NOT_SUPERVISED
    if case.returns < limits.RETURNS:
        yield C.MAY_RETURN
    if case.extension_hours is not None:
        yield C.EXTENSION_ASKED
    elif case.extensions < limits.EXTENSIONS:
        yield C.MAY_EXTEND
    if case.rating is None:
        yield C.NOT_RATED
    if case.paused_at is not None:
        yield C.PAUSED
