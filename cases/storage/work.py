"""The queries about working together: tasks, callbacks, notices to staff, cards, duty, limits, answers, plans."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, delete, func, or_, select, update

from cases.storage.tables import CaseRow, FollowerRow, HistoryRow, StaffRow
from cases.storage.working import (
    CallbackRow,
    CannedRow,
    DayRow,
    DutyRow,
    LimitRow,
    NoticeRow,
    PlanRow,
    TaskRow,
)
from cases.workflow import SETTLED, UNRESOLVED

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime, timedelta

    from sqlalchemy import Select
    from sqlalchemy.orm import Session

NOTICES_SHOWN = 50
DEGREES = 0.005
# So many cases of one kind are compared with a new one.
SAME_KIND = 200


class WorkQueries:
    """The part of the case book that people's working together is in."""

    _session: Session

    # -- tasks -------------------------------------------------------------------------------------------------

    def tasks(self, case_id: int) -> Sequence[TaskRow]:
        """Return what other units were asked to do in a case, oldest first."""
        return self._session.scalars(select(TaskRow).where(TaskRow.case_id == case_id).order_by(TaskRow.id)).all()

    def tasks_since(self, since: datetime) -> Sequence[TaskRow]:
        """Return the whistles since then, oldest first."""
        query = select(TaskRow).where(TaskRow.kind == "whistle", TaskRow.asked_at >= since)
        return self._session.scalars(query.order_by(TaskRow.id)).all()

    # -- the same matter ------------------------------------------------------------------------------------------

    def cases_around(self, case: CaseRow, span: timedelta, limit: int) -> Sequence[CaseRow]:
        """Return cases in work, opened within `span` of this one: of its grid, its place's words, or with a point."""
        near = [CaseRow.place_words == case.place_words] if case.place_words else []
        if case.grid_id is not None:
            near.append(CaseRow.grid_id == case.grid_id)
        if case.lon is not None and case.lat is not None:
            # A hundredth of a degree is about a kilometre: a first sieve.
            near.append(CaseRow.lon.between(case.lon - DEGREES, case.lon + DEGREES))
        if not near:
            return []
        query = select(CaseRow).where(CaseRow.id != case.id, CaseRow.state.in_(UNRESOLVED), or_(*near))
        query = query.where(CaseRow.opened_at.between(case.opened_at - span, case.opened_at + span))
        return self._session.scalars(query.order_by(CaseRow.id.desc()).limit(limit)).all()

    def same_kind(self, case: CaseRow, since: datetime) -> Sequence[CaseRow]:
        """Return other residents' cases in work of the same kind, opened since then, the oldest first."""
        query = (
            select(CaseRow)
            .where(CaseRow.category_code == case.category_code, CaseRow.opened_at >= since, CaseRow.id != case.id)
            .where(CaseRow.state.in_(UNRESOLVED), CaseRow.resident_id != case.resident_id)
            .order_by(CaseRow.id)
        )
        return self._session.scalars(query.limit(SAME_KIND)).all()

    def merged_into(self, case_id: int) -> Sequence[CaseRow]:
        """Return the cases whose reporters follow this one instead."""
        return self._session.scalars(select(CaseRow).where(CaseRow.merged_into_id == case_id)).all()

    def unfollow(self, case_id: int, resident_id: int) -> None:
        """Let a resident follow a case no longer."""
        query = delete(FollowerRow).where(FollowerRow.case_id == case_id, FollowerRow.resident_id == resident_id)
        self._session.execute(query)

    # -- callbacks ---------------------------------------------------------------------------------------------

    def open_callback(self, case_id: int) -> CallbackRow | None:
        """Return the call that is still to be made about a case, or None."""
        query = select(CallbackRow).where(CallbackRow.case_id == case_id, CallbackRow.done_at.is_(None))
        return self._session.scalars(query.limit(1)).one_or_none()

    def callbacks(self, limit: int) -> Sequence[CallbackRow]:
        """Return the calls to be made, the most pressing first: bad ratings, then by date."""
        query = _to_call(select(CallbackRow))
        return self._session.scalars(
            query.order_by(CallbackRow.why != "bad", CallbackRow.due_at, CallbackRow.id).limit(limit)
        ).all()

    def callbacks_waiting(self) -> int:
        """Return how many calls are to be made."""
        return self._session.scalar(_to_call(select(func.count()).select_from(CallbackRow))) or 0

    def callbacks_of(self, case_id: int) -> Sequence[CallbackRow]:
        """Return the calls about a case, oldest first."""
        query = select(CallbackRow).where(CallbackRow.case_id == case_id).order_by(CallbackRow.id)
        return self._session.scalars(query).all()

    def forget_words(self, case_id: int) -> None:
        """Blank what calls and notices to staff tell of a case's resident."""
        for kind in (CallbackRow, NoticeRow):
            self._session.execute(update(kind).where(kind.case_id == case_id).values(text=""))

    # -- notices to staff --------------------------------------------------------------------------------------

    def notices(self, staff_id: int, unit_id: int) -> Sequence[NoticeRow]:
        """Return the latest notices for a person and their unit, the newest first."""
        query = select(NoticeRow).where(_for(staff_id, unit_id)).order_by(NoticeRow.id.desc())
        return self._session.scalars(query.limit(NOTICES_SHOWN)).all()

    def unread(self, staff_id: int, unit_id: int) -> int:
        """Return how many notices a person and their unit have not read."""
        query = select(func.count()).select_from(NoticeRow).where(_for(staff_id, unit_id), NoticeRow.read_at.is_(None))
        return self._session.scalar(query) or 0

    def read_notices(self, staff_id: int, unit_id: int, now: datetime, *, case_id: int | None = None) -> None:
        """Take notices as read: all of them, or those about one case."""
        query = update(NoticeRow).where(_for(staff_id, unit_id), NoticeRow.read_at.is_(None)).values(read_at=now)
        self._session.execute(query if case_id is None else query.where(NoticeRow.case_id == case_id))

    def history_since(self, row_id: int, limit: int) -> Sequence[HistoryRow]:
        """Return what happened after the history row with this id, the oldest first."""
        query = select(HistoryRow).where(HistoryRow.id > row_id).order_by(HistoryRow.id)
        return self._session.scalars(query.limit(limit)).all()

    def notices_since(self, row_id: int, limit: int) -> Sequence[NoticeRow]:
        """Return the notices after the one with this id, the oldest first."""
        query = select(NoticeRow).where(NoticeRow.id > row_id).order_by(NoticeRow.id)
        return self._session.scalars(query.limit(limit)).all()

    def last_ids(self) -> tuple[int, int]:
        """Return the highest ids of history and of notices."""
        history = self._session.scalar(select(func.max(HistoryRow.id))) or 0
        return history, self._session.scalar(select(func.max(NoticeRow.id))) or 0

    # -- time ----------------------------------------------------------------------------------------------------

    def alerts_due(self, now: datetime, limit: int) -> Sequence[int]:
        """Return ids of the cases whose next card is due, the longest due first."""
        query = select(CaseRow.id).where(CaseRow.alert_at <= now, CaseRow.state.in_(UNRESOLVED))
        return self._session.scalars(query.order_by(CaseRow.alert_at).limit(limit)).all()

    def alarms(self, uncalled_since: datetime | None = None) -> Sequence[CaseRow]:
        """Return the cases with danger to life that nobody has acknowledged, oldest first.

        `uncalled_since`: only those for which nobody has been called since then, and not everybody yet.
        """
        query = (
            select(CaseRow)
            .where(CaseRow.alarmed_at.is_not(None), CaseRow.acknowledged_at.is_(None), CaseRow.state.in_(UNRESOLVED))
            .order_by(CaseRow.alarmed_at)
        )
        if uncalled_since is not None:
            called_lately = CaseRow.alarm_called_at.is_not(None) & (CaseRow.alarm_called_at >= uncalled_since)
            query = query.where(~called_lately, CaseRow.attention != "alarm")
        return self._session.scalars(query).all()

    def unverified(self, before: datetime, limit: int) -> Sequence[int]:
        """Return ids of resolved cases whose residents should have verified before this moment."""
        query = select(CaseRow.id).where(CaseRow.state == "resolved", CaseRow.due_at < before).limit(limit)
        return self._session.scalars(query).all()

    def paused_since(self, before: datetime, limit: int) -> Sequence[int]:
        """Return ids of the cases whose clocks have stood since before then."""
        query = select(CaseRow.id).where(CaseRow.paused_at < before, CaseRow.state.in_(UNRESOLVED))
        return self._session.scalars(query.limit(limit)).all()

    # -- people --------------------------------------------------------------------------------------------------

    def leaders(self) -> Sequence[StaffRow]:
        """Return the leaders with an account in use."""
        query = select(StaffRow).where(StaffRow.role == "leader", StaffRow.active)
        return self._session.scalars(query.order_by(StaffRow.id)).all()

    def staff_of(self, unit_ids: Collection[int]) -> Sequence[StaffRow]:
        """Return the accounts in use of these units."""
        query = select(StaffRow).where(StaffRow.unit_id.in_(unit_ids), StaffRow.active)
        return self._session.scalars(query.order_by(StaffRow.id)).all()

    def on_duty(self, unit_ids: Collection[int], now: datetime) -> Sequence[DutyRow]:
        """Return who is on duty now for any of these units, the first to call first."""
        query = select(DutyRow).where(DutyRow.starts_at <= now, DutyRow.ends_at > now, DutyRow.unit_id.in_(unit_ids))
        return self._session.scalars(query.order_by(DutyRow.position, DutyRow.id)).all()

    # -- what the administrator fills ----------------------------------------------------------------------------

    def limits(self) -> Sequence[LimitRow]:
        """Return the limits that differ from their kind's own."""
        return self._session.scalars(select(LimitRow).order_by(LimitRow.id)).all()

    def days(self) -> Sequence[DayRow]:
        """Return the days of which the administrator has said whether offices work."""
        return self._session.scalars(select(DayRow).order_by(DayRow.day)).all()

    def canned(self, unit_ids: Collection[int]) -> Sequence[CannedRow]:
        """Return the prepared answers of these units, and those of all."""
        query = select(CannedRow).where(or_(CannedRow.unit_id.is_(None), CannedRow.unit_id.in_(unit_ids)))
        return self._session.scalars(query.order_by(CannedRow.title, CannedRow.id)).all()

    def plan(self, key: str) -> PlanRow | None:
        """Return the plan for a kind of danger, else the general one, if there is one."""
        return self._session.get(PlanRow, key) or self._session.get(PlanRow, "general")


def _to_call(query: Select[Any]) -> Select[Any]:
    """Narrow a query to calls that are to be made: a case that was taken up again is not asked about."""
    settled = select(CaseRow.id).where(CaseRow.state.in_(SETTLED))
    return query.where(CallbackRow.done_at.is_(None), CallbackRow.case_id.in_(settled))


def _for(staff_id: int, unit_id: int) -> ColumnElement[bool]:
    return or_(NoticeRow.staff_id == staff_id, NoticeRow.unit_id == unit_id)


def with_called(unit_id: int) -> Select[int]:
    """Return the ids of the cases in which this unit waits for others that it asked, or has to judge an answer."""
    waits = or_(TaskRow.answered_at.is_(None), TaskRow.kind == "whistle")
    return select(TaskRow.case_id).where(
        TaskRow.by_unit_id == unit_id, TaskRow.cancelled_at.is_(None), TaskRow.verdict == "", waits
    )


def with_open_task(unit_id: int) -> Select[int]:
    """Return the ids of the cases in which this unit still has to answer."""
    return select(TaskRow.case_id).where(
        TaskRow.unit_id == unit_id, TaskRow.answered_at.is_(None), TaskRow.cancelled_at.is_(None)
    )


def with_part(unit_id: int) -> Select[int]:
    """Return the ids of the cases in which this unit was asked for its part, or asked others for theirs."""
    either = or_(TaskRow.unit_id == unit_id, TaskRow.by_unit_id == unit_id)
    return select(TaskRow.case_id).where(either, TaskRow.cancelled_at.is_(None))
