"""What staff arrange for themselves: how the console looks to them, filters, orders over many cases, forms sent."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - SQLAlchemy reads the annotations
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, ForeignKey, Index, String, UniqueConstraint, and_, delete, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from cases.storage.tables import Base

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session


class PreferenceRow(Base):
    """How one member of staff wants the console (`cases.preferences`)."""

    __tablename__ = "preferences"
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), primary_key=True)
    chosen: Mapped[dict[str, Any]] = mapped_column(JSON)


class FilterRow(Base):
    """A filter that a member of staff keeps under a name; `query` is the list's address without its path."""

    __tablename__ = "saved_filters"
    __table_args__ = (UniqueConstraint("staff_id", "name"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    name: Mapped[str] = mapped_column(String(20))
    query: Mapped[str] = mapped_column(String(500))


class BulkRow(Base):
    """One action on several cases, not carried out before `due_at`: until then it can be taken back.

    `state`: waiting, undone or done; `results`: by case id what came of it, empty for done, else why not.
    """

    __tablename__ = "bulk_orders"
    __table_args__ = (Index(None, "state", "due_at"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    action: Mapped[str] = mapped_column(String(20))
    inputs: Mapped[dict[str, Any]] = mapped_column(JSON)
    case_ids: Mapped[list[Any]] = mapped_column(JSON)
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(10), default="waiting")
    results: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


class SentRow(Base):
    """A form that was carried out, by the key that the browser gave it; `outcome`: the address that followed."""

    __tablename__ = "sent_keys"
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), primary_key=True)
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    outcome: Mapped[str] = mapped_column(String(300), default="")


class DeskQueries:
    """The part of the case book about how people work at it."""

    _session: Session

    def filters_of(self, staff_id: int) -> Sequence[FilterRow]:
        """Return the filters that somebody keeps, by name."""
        query = select(FilterRow).where(FilterRow.staff_id == staff_id).order_by(FilterRow.name)
        return self._session.scalars(query).all()

    def filter_count(self, staff_id: int) -> int:
        """Return how many filters somebody keeps."""
        query = select(func.count()).select_from(FilterRow).where(FilterRow.staff_id == staff_id)
        return self._session.scalar(query) or 0

    def drop_filter(self, row: FilterRow) -> None:
        """Forget a filter."""
        self._session.delete(row)

    def bulk_due(self, now: datetime, limit: int) -> Sequence[int]:
        """Return ids of the orders whose time to be taken back is over, oldest first."""
        query = select(BulkRow.id).where(BulkRow.state == "waiting", BulkRow.due_at <= now)
        return self._session.scalars(query.order_by(BulkRow.due_at).limit(limit)).all()

    def bulks_of(self, staff_id: int, since: datetime) -> Sequence[BulkRow]:
        """Return somebody's orders that still wait, or were due since then, the newest first; none that was undone."""
        going = or_(BulkRow.state == "waiting", and_(BulkRow.state == "done", BulkRow.due_at >= since))
        query = select(BulkRow).where(BulkRow.staff_id == staff_id, going).order_by(BulkRow.id.desc())
        return self._session.scalars(query).all()

    def claim_key(self, staff_id: int, key: str, now: datetime) -> tuple[SentRow, bool]:
        """Return the row of this key, and whether it is this transaction's own: others wait here until it is over."""
        insert = postgresql.insert if self._session.get_bind().dialect.name == "postgresql" else sqlite.insert
        new = insert(SentRow).values(staff_id=staff_id, key=key, at=now, outcome="").on_conflict_do_nothing()
        made = self._session.execute(new.returning(SentRow.key)).first() is not None
        return self._session.get_one(SentRow, (staff_id, key), populate_existing=True), made

    def sent(self, staff_id: int, key: str) -> SentRow | None:
        """Return the row of a key that was carried out, or None."""
        return self._session.get(SentRow, (staff_id, key))

    def old_keys(self, before: datetime) -> bool:
        """Say whether there are keys of forms that were carried out before this moment."""
        return self._session.scalar(select(SentRow.key).where(SentRow.at < before).limit(1)) is not None

    def drop_old_keys(self, before: datetime) -> None:
        """Forget the keys of forms that were carried out before this moment."""
        self._session.execute(delete(SentRow).where(SentRow.at < before))
