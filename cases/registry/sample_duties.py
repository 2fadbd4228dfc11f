"""The sample city's duty roster: the coming days, dispatchers first, then the streets' own staff."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from itertools import islice
from typing import TYPE_CHECKING

from cases.storage.working import DutyRow
from cases.worktime import CHINA

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cases.storage import Book
    from cases.storage.tables import StaffRow

DAYS = 14
CHANGE = time(8, 30)
# Who is on duty, by the kind of their unit; so many of a unit each day, the first one called first.
ROLES = {"dispatch": "dispatcher", "street": "street"}
CALLED = 2


def make(book: Book, now: datetime) -> None:
    """Add a roster of the fourteen days from `now` on, unless there is one that goes beyond now."""
    if any(duty.ends_at > now for duty in book.rows_of(DutyRow)):
        return
    units = {unit.id: unit for unit in book.units() if unit.kind in ROLES and unit.active}
    people: dict[int, list[StaffRow]] = {unit_id: [] for unit_id in units}
    for account in book.staff():
        if account.active and account.unit_id in units and account.role == ROLES[units[account.unit_id].kind]:
            people[account.unit_id].append(account)
    order = sorted(people, key=lambda unit_id: units[unit_id].kind != "dispatch")
    first = now.astimezone(CHINA).date()
    for number in range(-1, DAYS):
        starts = datetime.combine(first + timedelta(days=number), CHANGE, CHINA)
        book.add_all(duty for unit_id in order for duty in _day(unit_id, people[unit_id], starts, number))


def _day(unit_id: int, people: Sequence[StaffRow], starts: datetime, number: int) -> Iterator[DutyRow]:
    """Yield the turns of one unit's day; whoever was second yesterday is first today."""
    turned = [*people[number % len(people) :], *people[: number % len(people)]] if people else []
    for position, account in enumerate(islice(turned, CALLED), start=1):
        yield DutyRow(
            unit_id=unit_id,
            staff_id=account.id,
            starts_at=starts,
            ends_at=starts + timedelta(days=1),
            position=position,
        )
