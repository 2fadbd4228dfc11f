"""The queries about staff: who is away, who stands in, what each has in hand, who is there, keys to the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import and_, case, func, select

from cases.storage.tables import CaseRow, StaffRow, UnitRow
from cases.storage.working import AbsenceRow, TokenRow
from cases.workflow import UNRESOLVED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session


class Load(NamedTuple):
    """How many open cases a unit holds, and how many of them are danger that nobody has acknowledged."""

    unit_id: int
    cases: int
    danger: int


class StaffingQueries:
    """The part of the case book that knows who is there."""

    _session: Session

    # -- absence -----------------------------------------------------------------------------------------------

    def absence_of(self, staff_id: int, now: datetime) -> AbsenceRow | None:
        """Return the absence that this person is on now, the one that lasts longest; None while they are there."""
        query = select(AbsenceRow).where(AbsenceRow.staff_id == staff_id, _running(now))
        return self._session.scalars(query.order_by(AbsenceRow.until_at.desc()).limit(1)).one_or_none()

    def absences(self, staff_ids: Iterable[int], now: datetime) -> Sequence[AbsenceRow]:
        """Return the absences of these people that are not over, the nearest first."""
        query = select(AbsenceRow).where(AbsenceRow.staff_id.in_(list(staff_ids)), AbsenceRow.until_at > now)
        return self._session.scalars(query.order_by(AbsenceRow.from_at, AbsenceRow.id)).all()

    def overlapping(self, staff_id: int, from_at: datetime, until_at: datetime) -> AbsenceRow | None:
        """Return an absence of this person that has some of this time in it."""
        query = select(AbsenceRow).where(
            AbsenceRow.staff_id == staff_id, AbsenceRow.from_at < until_at, AbsenceRow.until_at > from_at
        )
        return self._session.scalars(query.limit(1)).one_or_none()

    def covered_units(self, staff_id: int, steps: int, now: datetime) -> set[int]:
        """Return the units of the people on leave for whom this one stands in, as a backup's backup too."""
        asked, found, level = {staff_id}, set[int](), {staff_id}
        away = select(AbsenceRow.staff_id).where(_running(now))
        for _ in range(steps):
            query = select(StaffRow.id, StaffRow.unit_id).where(
                StaffRow.backup_id.in_(level), StaffRow.active, StaffRow.id.in_(away), StaffRow.id.not_in(asked)
            )
            rows = self._session.execute(query).all()
            level = {int(row[0]) for row in rows}
            if not level:
                break
            asked |= level
            found |= {int(row[1]) for row in rows}
        return found

    def lent(self) -> Sequence[int]:
        """Return the ids of the open cases that somebody of another unit handles for the holder."""
        query = (
            select(CaseRow.id)
            .join(StaffRow, StaffRow.id == CaseRow.handler_id)
            .where(CaseRow.state.in_(UNRESOLVED), StaffRow.unit_id != CaseRow.holder_id)
        )
        return self._session.scalars(query.order_by(CaseRow.id)).all()

    def away_with_cases(self, now: datetime) -> Sequence[AbsenceRow]:
        """Return the running absences of people who still have open cases in hand."""
        busy = select(CaseRow.handler_id).where(CaseRow.state.in_(UNRESOLVED), CaseRow.handler_id.is_not(None))
        query = select(AbsenceRow).where(_running(now), AbsenceRow.staff_id.in_(busy))
        return self._session.scalars(query.order_by(AbsenceRow.id)).all()

    # -- people ------------------------------------------------------------------------------------------------

    def lock_person(self, staff_id: int) -> StaffRow | None:
        """Return an account for changing, fresh, or None.

        Whoever only refers to it (a line of history) need not wait, and so cannot be waited for in a circle.
        """
        lock = {"key_share": True}
        return self._session.get(StaffRow, staff_id, with_for_update=lock, populate_existing=True)

    def people_below(self, path: str) -> Sequence[StaffRow]:
        """Return the active accounts of the unit with this path and of all below it, unit by unit."""
        query = (
            select(StaffRow)
            .join(UnitRow, UnitRow.id == StaffRow.unit_id)
            .where(StaffRow.active, UnitRow.path.startswith(path, autoescape=True))
            .order_by(UnitRow.id, StaffRow.id)
        )
        return self._session.scalars(query).all()

    def colleagues(self, unit_id: int) -> Sequence[StaffRow]:
        """Return the active accounts of a unit."""
        query = select(StaffRow).where(StaffRow.active, StaffRow.unit_id == unit_id).order_by(StaffRow.id)
        return self._session.scalars(query).all()

    def backed_up_by(self, staff_id: int) -> Sequence[StaffRow]:
        """Return the people for whom this one stands in."""
        return self._session.scalars(select(StaffRow).where(StaffRow.backup_id == staff_id)).all()

    # -- what they have in hand --------------------------------------------------------------------------------

    def in_hand(self, staff_id: int) -> Sequence[int]:
        """Return the ids of the open cases that this person handles, in the order in which they are locked."""
        query = select(CaseRow.id).where(CaseRow.handler_id == staff_id, CaseRow.state.in_(UNRESOLVED))
        return self._session.scalars(query.order_by(CaseRow.id)).all()

    def in_hand_counts(self) -> dict[int, int]:
        """Return how many open cases each person handles; who has none is not in it."""
        query = (
            select(CaseRow.handler_id, func.count())
            .where(CaseRow.state.in_(UNRESOLVED), CaseRow.handler_id.is_not(None))
            .group_by(CaseRow.handler_id)
        )
        return {int(staff_id): int(count) for staff_id, count in self._session.execute(query) if staff_id is not None}

    def loads(self) -> list[Load]:
        """Return the units that hold open cases, with how many."""
        rings = and_(CaseRow.alarmed_at.is_not(None), CaseRow.acknowledged_at.is_(None))
        query = (
            select(CaseRow.holder_id, func.count(), func.sum(case((rings, 1), else_=0)))
            .where(CaseRow.state.in_(UNRESOLVED))
            .group_by(CaseRow.holder_id)
            .order_by(CaseRow.holder_id)
        )
        return [Load(int(unit), int(count), int(danger or 0)) for unit, count, danger in self._session.execute(query)]

    def present(self, now: datetime) -> set[tuple[int, str]]:
        """Return the pairs of unit and role of which somebody is active and not away."""
        away = select(AbsenceRow.staff_id).where(_running(now))
        query = select(StaffRow.unit_id, StaffRow.role).where(StaffRow.active, StaffRow.id.not_in(away)).distinct()
        return {(int(unit_id), str(role)) for unit_id, role in self._session.execute(query)}

    # -- keys to the API ---------------------------------------------------------------------------------------

    def token(self, digest: str) -> TokenRow | None:
        """Return the key with this digest, or None."""
        return self._session.scalars(select(TokenRow).where(TokenRow.digest == digest)).one_or_none()

    def tokens_of(self, staff_id: int) -> Sequence[TokenRow]:
        """Return the keys of this person that are not revoked, the oldest first."""
        query = select(TokenRow).where(TokenRow.staff_id == staff_id, TokenRow.revoked_at.is_(None))
        return self._session.scalars(query.order_by(TokenRow.id)).all()


def _running(now: datetime) -> ColumnElement[bool]:
    return and_(AbsenceRow.from_at <= now, AbsenceRow.until_at > now)
