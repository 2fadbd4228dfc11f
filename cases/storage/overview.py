"""The queries behind the figures on people's homes, and behind what is checked at the set-up."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import and_, case, func, select
from sqlalchemy.orm import aliased

from cases.storage.learning import ReleaseRow
from cases.storage.lists import in_scope
from cases.storage.security import SessionRow
from cases.storage.tables import (
    AttachmentRow,
    CaseRow,
    HistoryRow,
    InboxRow,
    OutboxRow,
    ResidentRow,
    StaffRow,
    UnitRow,
)
from cases.workflow import Action, State

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from cases.storage.scope import Scope


class Deed(NamedTuple):
    """What somebody of a unit did to a case, when, and since when it had been theirs."""

    unit_id: int
    case_id: int
    at: datetime
    since: datetime


class OverviewQueries:
    """The part of the case book that counts."""

    _session: Session

    # -- cases -------------------------------------------------------------------------------------------------

    def oldest_in(self, scope: Scope) -> datetime | None:
        """Return when the oldest case in a scope was opened, or None when there is none."""
        query = select(CaseRow.opened_at).where(*in_scope(scope)).order_by(CaseRow.opened_at)
        return self._session.scalars(query.limit(1)).first()

    def opened_in(self, scope: Scope) -> list[datetime]:
        """Return when each case in a scope was opened."""
        return list(self._session.scalars(select(CaseRow.opened_at).where(*in_scope(scope))))

    def by_span(self, scope: Scope, which: str, spans: Sequence[tuple[datetime, datetime]]) -> list[int]:
        """Return how many cases in a scope were opened, or ended, in each of some spans."""
        column = {"opened": CaseRow.opened_at, "ended": CaseRow.ended_at}[which]
        sums = [func.sum(case((and_(column >= begins, column < ends), 1), else_=0)) for begins, ends in spans]
        return [int(count or 0) for count in self._session.execute(select(*sums).where(*in_scope(scope))).one()]

    def among(self, scope: Scope, case_ids: Collection[int]) -> set[int]:
        """Return which of some cases are in a scope."""
        wanted, found = sorted(case_ids), set[int]()
        for at in range(0, len(wanted), BATCH):
            query = select(CaseRow.id).where(CaseRow.id.in_(wanted[at : at + BATCH]), *in_scope(scope))
            found |= set(self._session.scalars(query))
        return found

    def by_holder(self, scope: Scope) -> dict[int, int]:
        """Return how many cases in a scope each unit holds."""
        query = select(CaseRow.holder_id, func.count()).where(*in_scope(scope)).group_by(CaseRow.holder_id)
        return {int(unit): int(count) for unit, count in self._session.execute(query)}

    def by_kind(self, scope: Scope) -> dict[str, int]:
        """Return how many cases in a scope are of each kind; those still unknown are not in it."""
        query = select(CaseRow.category_code, func.count()).where(*in_scope(scope), CaseRow.category_code.is_not(None))
        return {str(kind): int(count) for kind, count in self._session.execute(query.group_by(CaseRow.category_code))}

    def by_rating(self, scope: Scope) -> dict[str, int]:
        """Return how many cases in a scope were rated how; an empty key for those that were not."""
        query = select(CaseRow.rating, func.count()).where(*in_scope(scope)).group_by(CaseRow.rating)
        return {str(rating or ""): int(count) for rating, count in self._session.execute(query)}

    def deeds(self, action: Action, path: str, since: datetime) -> list[Deed]:
        """Return what people of the unit of this path, and of those below, did since then, the oldest first."""
        before = aliased(HistoryRow)
        came = (
            select(func.max(before.id))
            .where(before.case_id == HistoryRow.case_id, before.id < HistoryRow.id, before.to_state == State.ASSIGNED)
            .scalar_subquery()
        )
        query = (
            select(StaffRow.unit_id, HistoryRow.case_id, HistoryRow.at, came)
            .join(StaffRow, StaffRow.id == HistoryRow.staff_id)
            .join(UnitRow, UnitRow.id == StaffRow.unit_id)
            .where(HistoryRow.action == action, HistoryRow.at >= since)
            .where(UnitRow.path.startswith(path, autoescape=True))
            .order_by(HistoryRow.id)
        )
        rows = self._session.execute(query).all()
        times = self._times({came_id for *_, came_id in rows if came_id is not None})
        return [Deed(unit, case_id, at, times.get(came_id or 0, at)) for unit, case_id, at, came_id in rows]

    def _times(self, history_ids: set[int]) -> dict[int, datetime]:
        wanted = sorted(history_ids)
        times: dict[int, datetime] = {}
        for at in range(0, len(wanted), BATCH):
            query = select(HistoryRow.id, HistoryRow.at).where(HistoryRow.id.in_(wanted[at : at + BATCH]))
            times |= {int(row_id): moment for row_id, moment in self._session.execute(query)}
        return times

    # -- the service -------------------------------------------------------------------------------------------

    def undelivered(self, since: datetime) -> dict[str, int]:
        """Return how many messages since then could not be delivered, by the reason, the most frequent first."""
        query = (
            select(OutboxRow.error, func.count())
            .where(OutboxRow.state == "undeliverable", OutboxRow.created_at >= since)
            .group_by(OutboxRow.error)
            .order_by(func.count().desc(), OutboxRow.error)
        )
        return {str(error): int(count) for error, count in self._session.execute(query)}

    def files_failed(self, since: datetime) -> dict[str, int]:
        """Return how many files since then could not be fetched, by the reason, the most frequent first."""
        query = (
            select(AttachmentRow.error, func.count())
            .where(AttachmentRow.state == "failed", AttachmentRow.created_at >= since)
            .group_by(AttachmentRow.error)
            .order_by(func.count().desc(), AttachmentRow.error)
        )
        return {str(error): int(count) for error, count in self._session.execute(query)}

    def longest_due(self) -> datetime | None:
        """Return since when a message, a file or a card has been due that nobody has taken up; None: none waits."""
        queries = [
            select(func.min(kind.next_try_at)).where(kind.state == "waiting") for kind in (OutboxRow, AttachmentRow)
        ]
        found = [self._session.scalar(query) for query in queries]
        return min((each for each in found if each is not None), default=None)

    def last_received(self) -> datetime | None:
        """Return when the last delivery came from WeChat, or None while none ever did."""
        query = select(InboxRow.received_at).order_by(InboxRow.id.desc()).limit(1)
        return self._session.scalars(query).first()

    def scanned_grids(self) -> int:
        """Return of how many grids a resident has scanned the code."""
        query = select(func.count(ResidentRow.scene_grid_id.distinct()))
        return self._session.scalar(query) or 0

    def last_release(self) -> ReleaseRow | None:
        """Return what was last put to use of the classifier, or None."""
        return self._session.scalars(select(ReleaseRow).order_by(ReleaseRow.id.desc()).limit(1)).first()

    # -- people ------------------------------------------------------------------------------------------------

    def staffed_units(self) -> dict[int, set[str]]:
        """Return the roles of the active accounts of each unit that has any."""
        found: dict[int, set[str]] = {}
        for unit_id, role in self._session.execute(select(StaffRow.unit_id, StaffRow.role).where(StaffRow.active)):
            found.setdefault(int(unit_id), set()).add(str(role))
        return found

    def never_came(self) -> int:
        """Return how many active accounts have never been signed in with, as far as sessions are kept."""
        seen = select(SessionRow.staff_id)
        query = select(func.count()).select_from(StaffRow).where(StaffRow.active, StaffRow.id.not_in(seen))
        return self._session.scalar(query) or 0

    def must_change(self) -> int:
        """Return how many active accounts still have the password that somebody else knows."""
        query = select(func.count()).select_from(StaffRow).where(StaffRow.active, StaffRow.must_change)
        return self._session.scalar(query) or 0

    def has_own_admin(self) -> bool:
        """Say whether there is an active administrator other than the sample city's."""
        query = select(StaffRow.id).where(StaffRow.role == "admin", StaffRow.active, ~StaffRow.sample)
        return self._session.scalars(query.limit(1)).first() is not None


# So many ids are asked for at once.
BATCH = 1000
