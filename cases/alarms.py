"""Danger to life: a named person on duty is called, then the next, then everyone; measures, the end, a review."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from cases import facts, ledger, limits
from cases.ledger import SYSTEM
from cases.messages import tell_staff
from cases.storage.tables import StaffRow
from cases.workflow import Relation

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from cases.access import Actor
    from cases.city import City
    from cases.storage import Book
    from cases.storage.tables import CaseRow

PATIENCE = timedelta(minutes=limits.ALARM_MINUTES)
# What the history calls it when the circle was widened.
WIDENED = "alarm_widened"


def ringing(book: Book, city: City, actor: Actor, now: datetime) -> Sequence[CaseRow]:
    """Return the unacknowledged alarms that this person is to see: dispatchers and who is called at once."""
    found = []
    for case in book.alarms():
        held = facts.relations(book, city, actor, case)
        late = case.alarmed_at is not None and now - case.alarmed_at >= PATIENCE and case.alarm_called_id is None
        called = case.alarm_called_id == actor.staff_id
        if called or Relation.DISPATCHER in held or (late and held):
            found.append(case)
    return found


def escalate(book: Book, city: City, case: CaseRow, now: datetime) -> None:
    """Call whoever is next on the duty roster; when nobody is left and time has passed, everyone who could help."""
    if case.alarmed_at is None or case.acknowledged_at is not None or case.attention == "alarm":
        return
    since = case.alarm_called_at or case.alarmed_at
    patient = now - since < PATIENCE
    if case.alarm_called_at is not None and patient:
        return
    person = _next_on_duty(book, city, case, now)
    if person is not None:
        case.alarm_called_id, case.alarm_called_at = person.id, now
        ledger.record(book, case, "called_out", SYSTEM, now, text=f"请{person.name}签收")
        tell_staff(book, case, "alarm", now, staff_id=person.id)
    elif not patient:
        _widen(book, case, now)


def _next_on_duty(book: Book, city: City, case: CaseRow, now: datetime) -> StaffRow | None:
    """Return who is called next: those on duty for the holder, then for each unit above it, then for dispatch."""
    holder = city.units[case.holder_id]
    units = [holder, *reversed(city.chain(holder)), city.dispatch]
    if case.grid_id is not None:
        units += [*reversed(city.chain(city.units[case.grid_id]))]
    order = {unit.id: at for at, unit in reversed(list(enumerate(units)))}
    turns = sorted(book.on_duty(order, now), key=lambda turn: (order[turn.unit_id], turn.position, turn.id))
    people = list(dict.fromkeys(turn.staff_id for turn in turns))
    rest = people[people.index(case.alarm_called_id) + 1 :] if case.alarm_called_id in people else people
    if case.alarm_called_id is not None and case.alarm_called_id not in people:
        rest = []
    found = (book.get(StaffRow, staff_id) for staff_id in rest)
    return next((person for person in found if person is not None and person.active), None)


def _widen(book: Book, case: CaseRow, now: datetime) -> None:
    """Note in the history that nobody acknowledged in time, so that all who look after the place see it now."""
    text = f"{limits.ALARM_MINUTES}分钟没人签收，已提醒所有人"
    ledger.record(book, case, WIDENED, SYSTEM, now, text=text)
    case.attention, case.alarm_called_id = "alarm", None
    tell_staff(book, case, "alarm", now, unit_id=case.holder_id)
