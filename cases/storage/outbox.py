"""The queries about what is owed to residents: order, ways, receipts."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, Select, delete, select, update
from sqlalchemy.orm import aliased

from cases.storage.tables import AttachmentRow, CaseRow, GrantRow, OutboxRow

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

# `OutboxRow.notice` of the note on what came in silence.
BURST = "burst"
# What WeChat counts goes no further back.
COUNTED = timedelta(hours=48)
NOTICES = ("template", "subscription")
# No lease and no back-off is as long as this.
LONGEST = timedelta(minutes=10)


class OutboxQueries:
    """The part of the case book that the messages are in."""

    _session: Session
    _owed: list[OutboxRow | AttachmentRow]

    def earlier_owed(self, row: OutboxRow) -> datetime | None:
        """Return when the message that this resident has to get before this one is tried next, or None."""
        query = (
            select(OutboxRow.next_try_at)
            .where(OutboxRow.resident_id == row.resident_id, OutboxRow.id < row.id, OutboxRow.notice != BURST)
            .where(OutboxRow.state.in_(("waiting", "sending")))
            .order_by(OutboxRow.id)
        )
        return self._session.scalars(query.limit(1)).first()

    def wake_next(self, row: OutboxRow, now: datetime) -> None:
        """Let the resident's message that had to wait for this one be tried now."""
        query = (
            select(OutboxRow)
            .where(OutboxRow.resident_id == row.resident_id, OutboxRow.id > row.id, OutboxRow.state == "waiting")
            .order_by(OutboxRow.id)
        )
        later = self._session.scalars(query.limit(1).with_for_update()).first()
        if later is not None and later.next_try_at > now:
            later.next_try_at = now
            self._owed.append(later)

    def wake_held(self, resident_id: int, now: datetime) -> None:
        """Let what waits for the morning go out now: the resident is awake, or is being woken anyway."""
        query = select(OutboxRow).where(
            OutboxRow.resident_id == resident_id,
            OutboxRow.state == "waiting",
            OutboxRow.attempts == 0,
            OutboxRow.next_try_at > now,
            OutboxRow.notice != BURST,
        )
        for row in self._session.scalars(query.with_for_update()):
            row.next_try_at = now
            self._owed.append(row)

    def burst_note(self, case_id: int) -> OutboxRow | None:
        """Return the note on what came in silence that waits to be sent about this case."""
        query = select(OutboxRow).where(
            OutboxRow.case_id == case_id, OutboxRow.notice == BURST, OutboxRow.state == "waiting"
        )
        return self._session.scalars(query.with_for_update()).first()

    # -- ways --------------------------------------------------------------------------------------------------

    def pushed_to(self, resident_id: int, now: datetime) -> Sequence[datetime]:
        """Return when customer-service messages went to this resident, as far back as WeChat counts them."""
        query = select(OutboxRow.sent_at).where(
            OutboxRow.resident_id == resident_id,
            OutboxRow.channel == "customer_service",
            OutboxRow.sent_at >= now - COUNTED,
        )
        return [at for at in self._session.scalars(query) if at is not None]

    def has_earlier_photo(self, row: OutboxRow) -> bool:
        """Say whether another photo of the same news goes, or went, before this one."""
        query = select(OutboxRow.id).where(
            OutboxRow.resident_id == row.resident_id,
            OutboxRow.history_id == row.history_id,
            OutboxRow.attachment_id.is_not(None),
            OutboxRow.id < row.id,
        )
        return self._session.scalars(query.limit(1)).first() is not None

    def grants(self, resident_id: int, template_id: str) -> int:
        """Return how many more notices of this template the resident agreed to."""
        return self._session.scalar(select(GrantRow.remaining).where(*_grant(resident_id, template_id))) or 0

    def grant(self, resident_id: int, template_id: str, *, by: int) -> None:
        """Note that the resident agreed to one more (1), or that one was used (-1)."""
        query = select(GrantRow).where(*_grant(resident_id, template_id)).with_for_update()
        row = self._session.scalars(query).one_or_none()
        if row is None:
            row = GrantRow(resident_id=resident_id, template_id=template_id, remaining=0)
            self._session.add(row)
        row.remaining = max(0, row.remaining + by)
        self._session.flush()

    def revoke(self, resident_id: int, template_id: str | None = None) -> None:
        """Note that the resident wants no more notices of this template, or of any."""
        query = delete(GrantRow).where(GrantRow.resident_id == resident_id)
        self._session.execute(query if template_id is None else query.where(GrantRow.template_id == template_id))

    # -- receipts, and what is sent again ----------------------------------------------------------------------

    def receipted(self, resident_id: int, msgid: str) -> OutboxRow | None:
        """Return the notice that a receipt is about; it may be quicker than our note of the name that WeChat gave."""
        query = select(OutboxRow).where(OutboxRow.resident_id == resident_id, OutboxRow.channel.in_(NOTICES))
        named = self._session.scalars(query.where(OutboxRow.msgid == msgid).with_for_update()).first()
        if named is not None or not msgid:
            return named
        unnamed = query.where(OutboxRow.msgid == "", OutboxRow.state.in_(("sending", "sent"))).order_by(OutboxRow.id)
        return self._session.scalars(unnamed.limit(1).with_for_update()).first()

    def kept_back(self, resident_id: int, since: datetime) -> Sequence[OutboxRow]:
        """Return what this resident is to get whole when they write again, owed since then, oldest first."""
        query = (
            select(OutboxRow)
            .where(OutboxRow.resident_id == resident_id, OutboxRow.when_back, OutboxRow.created_at >= since)
            .order_by(OutboxRow.id)
        )
        return self._session.scalars(query.with_for_update()).all()

    def owe_again(self, row: OutboxRow, now: datetime, at: datetime) -> None:
        """Let a message go once more, whole, at this moment."""
        row.state, row.channel, row.msgid, row.error, row.when_back = "waiting", "", "", "", False
        row.attempts, row.created_at, row.next_try_at, row.sent_at = 0, now, at, None

    def astray(self, now: datetime) -> bool:
        """Say whether something waits longer after a try than anything does: a clock was off when it was tried."""
        return any(self._session.scalar(_astray(kind, now).limit(1)) is not None for kind in (OutboxRow, AttachmentRow))

    def bring_back(self, now: datetime) -> None:
        """Let what went astray be tried now."""
        for kind in (OutboxRow, AttachmentRow):
            self._session.execute(update(kind).where(kind.id.in_(_astray(kind, now))).values(next_try_at=now))

    def wake_failed(self, now: datetime) -> None:
        """Let everything that waits after a failure be tried now: WeChat takes calls again."""
        for kind in (OutboxRow, AttachmentRow):
            failed = select(kind.id).where(kind.state == "waiting", kind.attempts > 0, kind.next_try_at > now)
            free = self._session.scalars(failed.with_for_update(skip_locked=True)).all()
            self._session.execute(update(kind).where(kind.id.in_(free)).values(next_try_at=now))


def _astray(kind: type[OutboxRow | AttachmentRow], now: datetime) -> Select[int]:
    waits = kind.state.in_(("waiting", "sending")), kind.attempts > 0, kind.next_try_at > now + LONGEST
    return select(kind.id).where(*waits)


def _grant(resident_id: int, template_id: str) -> tuple[ColumnElement[bool], ...]:
    return GrantRow.resident_id == resident_id, GrantRow.template_id == template_id


def cases_unheard() -> Select[int]:
    """Return the query for cases whose reporter did not get the last message."""
    later = aliased(OutboxRow)
    reached = select(later.id).where(
        later.case_id == OutboxRow.case_id,
        later.resident_id == OutboxRow.resident_id,
        later.id > OutboxRow.id,
        later.state.in_(("sent", "delivered")),
    )
    return (
        select(OutboxRow.case_id)
        .join(CaseRow, CaseRow.id == OutboxRow.case_id)
        .where(OutboxRow.state == "undeliverable", OutboxRow.resident_id == CaseRow.resident_id, ~reached.exists())
    )
