"""The queries about what has been kept long enough: how much it is, and clearing some of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Text, delete, func, or_, select, type_coerce, update

from cases.storage.desk import SentRow
from cases.storage.security import SessionRow
from cases.storage.tables import AttachmentRow, CaseRow, InboxRow, OutboxRow, ResidentRow
from cases.storage.working import AuditRow, NoticeRow
from cases.workflow import OPEN

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from datetime import datetime

    from sqlalchemy import Select
    from sqlalchemy.orm import Session

    Old = Callable[[datetime], Select[int]]

GOING = ("waiting", "sending")


def _deliveries(before: datetime) -> Select[int]:
    """Return the deliveries from before then that are still as they came."""
    whole = or_(type_coerce(InboxRow.fields, Text) != "", type_coerce(InboxRow.reply, Text) != "")
    return select(InboxRow.id).where(InboxRow.received_at < before, whole).order_by(InboxRow.id)


def _messages(before: datetime) -> Select[int]:
    """Return the messages, with their words, of cases that ended before then."""
    old = select(OutboxRow.id).join(CaseRow, CaseRow.id == OutboxRow.case_id).where(CaseRow.ended_at < before)
    return old.where(OutboxRow.text != "", OutboxRow.state.not_in(GOING)).order_by(OutboxRow.id)


def _files(before: datetime) -> Select[int]:
    """Return the photos, voices and videos of cases that ended before then."""
    old = select(AttachmentRow.id).join(CaseRow, CaseRow.id == AttachmentRow.case_id)
    return old.where(CaseRow.ended_at < before, AttachmentRow.state != "waiting").order_by(AttachmentRow.id)


def _residents(before: datetime) -> Select[int]:
    """Return the residents who were here last before then and have nothing that is still worked on."""
    waiting = select(CaseRow.id).where(CaseRow.resident_id == ResidentRow.id, CaseRow.state.in_(OPEN))
    old = select(ResidentRow.id).where(ResidentRow.last_seen_at < before, ~waiting.exists())
    return old.order_by(ResidentRow.id)


def _of(kind: type[NoticeRow | SessionRow | AuditRow], moment: str) -> Old:
    return lambda before: select(kind.id).where(getattr(kind, moment) < before).order_by(kind.id)


OLD: dict[str, Old] = {
    "inbox": _deliveries,
    "outbox": _messages,
    "media": _files,
    "residents": _residents,
    "notices": _of(NoticeRow, "created_at"),
    "sessions": _of(SessionRow, "created_at"),
    "audit": _of(AuditRow, "at"),
    "keys": lambda before: select(SentRow.staff_id).where(SentRow.at < before),
}


class RetentionQueries:
    """The part of the case book that knows what is old."""

    _session: Session

    def count_old(self, what: str, before: datetime) -> int:
        """Return how much of this is older than it should be."""
        return self._session.scalar(select(func.count()).select_from(OLD[what](before).subquery())) or 0

    def old(self, what: str, before: datetime, limit: int) -> Sequence[int]:
        """Return ids of the oldest of it."""
        return self._session.scalars(OLD[what](before).limit(limit)).all()

    def empty_deliveries(self, ids: Collection[int]) -> None:
        """Leave of deliveries only that they came."""
        self._session.execute(update(InboxRow).where(InboxRow.id.in_(ids)).values(fields={}, reply=""))

    def empty_messages(self, ids: Collection[int]) -> None:
        """Leave of messages to residents only that they went, and how."""
        self._session.execute(update(OutboxRow).where(OutboxRow.id.in_(ids)).values(text=""))

    def drop_files(self, ids: Collection[int]) -> list[str]:
        """Delete photos, voices and videos with their words; return the names of the files."""
        files = self._session.scalars(select(AttachmentRow.file).where(AttachmentRow.id.in_(ids))).all()
        sent = update(OutboxRow).where(OutboxRow.attachment_id.in_(ids), OutboxRow.state.not_in(GOING))
        self._session.execute(sent.values(attachment_id=None))
        self._session.execute(delete(AttachmentRow).where(AttachmentRow.id.in_(ids)))
        return [file for file in files if file]

    def drop_notices(self, ids: Collection[int]) -> None:
        """Delete notices to staff."""
        self._session.execute(delete(NoticeRow).where(NoticeRow.id.in_(ids)))

    def known_files(self, names: Collection[str]) -> set[str]:
        """Return those of some files that belong to a case."""
        return set(self._session.scalars(select(AttachmentRow.file).where(AttachmentRow.file.in_(names))))
