"""Danger to life: the duty desk is alerted at once and has to acknowledge; silence widens the circle."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from cases import handling, lifecycle, limits
from cases.lifecycle import SYSTEM
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
    """Return the unacknowledged alarms that this person is to see: dispatchers at once, after a while all above it."""
    found = []
    for case in book.alarms():
        held = handling.relations(city, actor, case)
        late = case.alarmed_at is not None and now - case.alarmed_at >= PATIENCE
        if Relation.DISPATCHER in held or (late and held):
            found.append(case)
    return found


def widen(book: Book, case: CaseRow, now: datetime) -> None:
    """Note in the history that nobody acknowledged in time, so that all who look after the place see it now."""
    if any(row.action == WIDENED and case.alarmed_at and row.at >= case.alarmed_at for row in book.history(case.id)):
        return
    text = f"{limits.ALARM_MINUTES}分钟没人签收，已提醒上级"
    lifecycle.record(book, case, WIDENED, SYSTEM, now, text=text)
    case.attention = "alarm"
