"""The queries of what watches over the service: signs of life, alarms, how old what waits is, how quiet it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, case, delete, func, or_, select, text

from cases.storage.signs import AlarmRow, HeartbeatRow
from cases.storage.tables import AttachmentRow, InboxRow, OutboxRow
from cases.storage.working import AuditRow

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

# One process decides about alarms at a time.
LOCK = 7_302_602


class WatchQueries:
    """The part of the case book that tells how the service itself is."""

    _session: Session

    # -- signs of life -----------------------------------------------------------------------------------------

    def beat(self, process: str, now: datetime, late_at: datetime) -> None:
        """Note that a process works, and from when on its next sign of life is late."""
        self._session.merge(HeartbeatRow(process=process, at=now, late_at=late_at))

    def beats(self) -> Sequence[HeartbeatRow]:
        """Return the last sign of life of every process."""
        return self._session.scalars(select(HeartbeatRow).order_by(HeartbeatRow.process)).all()

    def end_beat(self, process: str) -> None:
        """Forget a process: it ended in order, or its machine is no more."""
        self._session.execute(delete(HeartbeatRow).where(HeartbeatRow.process == process))

    # -- alarms ------------------------------------------------------------------------------------------------

    def lock_alarms(self) -> Sequence[AlarmRow]:
        """Return the alarms that are known, for changing; nobody else decides about them in the meantime."""
        if self._session.get_bind().dialect.name == "postgresql":
            self._session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
        return self.known_alarms()

    def known_alarms(self) -> Sequence[AlarmRow]:
        """Return the alarms that are on, and those whose end is still to be told, the oldest first."""
        query = select(AlarmRow).order_by(AlarmRow.began_at, AlarmRow.key)
        return self._session.scalars(query.execution_options(populate_existing=True)).all()

    # -- what waits --------------------------------------------------------------------------------------------

    def oldest_due(self, kind: type[OutboxRow | AttachmentRow], now: datetime) -> datetime | None:
        """Return since when a message or a file has been due that nobody has taken up; None: none is."""
        query = select(func.min(kind.next_try_at)).where(
            kind.state.in_(("waiting", "sending")), kind.next_try_at <= now
        )
        return self._session.scalar(query)

    # -- how much there is -------------------------------------------------------------------------------------

    def received_in(self, spans: Sequence[tuple[datetime, datetime]]) -> int:
        """Return how many deliveries came within some spans of time, which do not overlap."""
        if not spans:
            return 0
        within = [and_(InboxRow.received_at >= begins, InboxRow.received_at < ends) for begins, ends in spans]
        query = select(func.sum(case((or_(*within), 1), else_=0))).where(
            InboxRow.received_at >= min(begins for begins, _ in spans)
        )
        return int(self._session.scalar(query) or 0)

    def heard_since(self, resident_id: int, since: datetime, *, but: str) -> int:
        """Return how many deliveries of a resident came since then, without those of the kind `but`."""
        query = select(func.count()).select_from(InboxRow).where(InboxRow.resident_id == resident_id)
        return self._session.scalar(query.where(InboxRow.received_at > since, InboxRow.kind != but)) or 0

    def told_since(self, resident_id: int, since: datetime, kind: str) -> bool:
        """Say whether a delivery of this kind of a resident is kept since then."""
        query = select(InboxRow.id).where(InboxRow.resident_id == resident_id, InboxRow.received_at > since)
        return self._session.scalar(query.where(InboxRow.kind == kind).limit(1)) is not None

    def first_received(self, since: datetime) -> datetime | None:
        """Return when the first delivery since then came, or None."""
        return self._session.scalar(select(func.min(InboxRow.received_at)).where(InboxRow.received_at >= since))

    def outbox_by_fate(self, since: datetime) -> dict[tuple[str, str], int]:
        """Return how many messages that were owed since then are in which state and went which way."""
        query = select(OutboxRow.state, OutboxRow.channel, func.count()).where(OutboxRow.created_at >= since)
        rows = self._session.execute(query.group_by(OutboxRow.state, OutboxRow.channel))
        return {(str(state), str(channel)): int(count) for state, channel, count in rows}

    def logins_failed(self, since: datetime) -> int:
        """Return how many times since then somebody did not get in with an account that there is."""
        query = select(func.count()).select_from(AuditRow)
        return self._session.scalar(query.where(AuditRow.action == "login_failed", AuditRow.at >= since)) or 0
