"""Who was forgotten: no identity, only what tells it again when an older backup brings them back."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - SQLAlchemy reads the annotations
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, delete, func, select
from sqlalchemy.orm import Mapped, mapped_column

from cases.storage.learning import LabelRow, TrainingRow
from cases.storage.sealed import INDEX_KEY, Found, keys_of
from cases.storage.tables import Base, FollowerRow, GrantRow, InboxRow, MetaRow, OutboxRow, ResidentRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from cases.storage.sealed import Keys


class ErasureRow(Base):
    """Somebody was forgotten: the digest of account and openid, and when. Kept in a file as well (`cases.tombstones`).

    `versions` of the classifier that had learnt from their words, with numbers hidden, before.
    """

    __tablename__ = "erasures"
    id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(Found, index=True)
    at: Mapped[datetime]
    versions: Mapped[list[Any]] = mapped_column(JSON, default=list)


class ErasureQueries:
    """The part of the case book about those who are forgotten."""

    _session: Session

    def erasures(self) -> list[tuple[str, datetime]]:
        """Return the digest of everybody who was forgotten, and when, the oldest first."""
        query = select(ErasureRow.digest, ErasureRow.at).order_by(ErasureRow.id)
        return [(row[0], row[1]) for row in self._session.execute(query)]

    def index_key(self) -> str:
        """Return the key of all digests: it is none of the secrets that open anything."""
        sealed = self._session.scalar(select(MetaRow.value).where(MetaRow.key == INDEX_KEY))
        return self._keys().vault.read(sealed or "")

    def residents_after(self, last_id: int, limit: int) -> Sequence[ResidentRow]:
        """Return the next residents by id."""
        query = select(ResidentRow).where(ResidentRow.id > last_id).order_by(ResidentRow.id).limit(limit)
        return self._session.scalars(query).all()

    def first_heard(self, resident: ResidentRow) -> datetime:
        """Return when a resident wrote first; for one of whom no delivery is kept, when they were here last."""
        query = select(func.min(InboxRow.received_at)).where(InboxRow.resident_id == resident.id)
        return self._session.scalar(query) or resident.last_seen_at

    def learnt_by(self, case_ids: Sequence[int]) -> list[str]:
        """Return the versions of the classifier that may have learnt from the words of these cases, oldest first."""
        taught = select(func.min(LabelRow.said_at)).where(LabelRow.case_id.in_(case_ids), LabelRow.part == "train")
        since = self._session.scalar(taught)
        if since is None:
            return []
        query = select(TrainingRow.version).where(TrainingRow.version.is_not(None), TrainingRow.ended_at >= since)
        return [version for version in self._session.scalars(query.order_by(TrainingRow.id)) if version is not None]

    def forget_resident(self, resident: ResidentRow) -> int:
        """Delete a resident and everything that they sent and that is owed to them; return how many messages."""
        self._session.flush()
        for kind in (OutboxRow, FollowerRow, GrantRow):
            self._session.execute(delete(kind).where(kind.resident_id == resident.id))
        count = select(func.count()).select_from(InboxRow).where(InboxRow.resident_id == resident.id)
        messages = self._session.scalar(count) or 0
        self._session.execute(delete(InboxRow).where(InboxRow.resident_id == resident.id))
        self._session.delete(resident)
        return messages

    def _keys(self) -> Keys:
        return keys_of(self._session.get_bind().dialect)
