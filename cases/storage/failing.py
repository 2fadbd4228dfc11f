"""The table of work that broke by a fault of ours, and its queries."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - SQLAlchemy reads the annotations
from typing import TYPE_CHECKING, Any

from sqlalchemy import String, UniqueConstraint, func, or_, select
from sqlalchemy.orm import Mapped, mapped_column

from cases.storage.outbox import LONGEST
from cases.storage.sealed import SealedFields
from cases.storage.tables import Base

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

SHOWN = 200


class FailureRow(Base):
    """Work that broke: `kind` (a key of `cases.failures.KINDS`) and `key` name it, `reason` says where the code broke.

    `message`: what a resident sent, as it came, when it was this that could not be taken. After `tries` tries it is
    given up: then it waits until somebody has it tried again.
    """

    __tablename__ = "failures"
    __table_args__ = (UniqueConstraint("kind", "key"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    key: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(String(200))
    tries: Mapped[int] = mapped_column(default=0)
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
    next_try_at: Mapped[datetime] = mapped_column(index=True)
    given_up_at: Mapped[datetime | None] = mapped_column(index=True)
    message: Mapped[dict[str, Any]] = mapped_column(SealedFields, default=dict)


class FailureQueries:
    """The part of the case book that broken work is in."""

    _session: Session

    def failure(self, kind: str, key: str) -> FailureRow | None:
        """Return what is known of a piece of work that broke, for changing."""
        query = select(FailureRow).where(FailureRow.kind == kind, FailureRow.key == key)
        return self._session.scalars(query.with_for_update().execution_options(populate_existing=True)).one_or_none()

    def failures_of(self, kind: str) -> Sequence[FailureRow]:
        """Return all broken work of one kind."""
        return self._session.scalars(select(FailureRow).where(FailureRow.kind == kind)).all()

    def failures_due(self, kind: str, now: datetime, limit: int) -> Sequence[int]:
        """Return ids of broken work of this kind that is to be tried again, the longest due first."""
        due = or_(FailureRow.next_try_at <= now, FailureRow.next_try_at > now + LONGEST)  # later: a clock was off
        query = select(FailureRow.id).where(FailureRow.kind == kind, FailureRow.given_up_at.is_(None), due)
        return self._session.scalars(query.order_by(FailureRow.next_try_at).limit(limit)).all()

    def given_up(self) -> Sequence[FailureRow]:
        """Return what was given up, the newest first."""
        query = select(FailureRow).where(FailureRow.given_up_at.is_not(None))
        return self._session.scalars(query.order_by(FailureRow.given_up_at.desc()).limit(SHOWN)).all()

    def given_up_count(self) -> int:
        """Return how much was given up."""
        query = select(func.count()).select_from(FailureRow).where(FailureRow.given_up_at.is_not(None))
        return self._session.scalar(query) or 0
