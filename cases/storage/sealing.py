"""The queries of keys: digests, and sealing what is there anew with the newest key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Text, select, type_coerce, update

from cases.storage.sealed import INDEX_KEY, Sealed, SealedFields, keys_of
from cases.storage.tables import Base, MetaRow, StaffRow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Column
    from sqlalchemy.orm import Session

    from cases.storage.sealed import Keys

# What is sealed by those who use it, and not by its column.
BY_HAND = (StaffRow.__table__.c.totp_secret, MetaRow.__table__.c.value)
RESEALED_AT_ONCE = 200


def sealed_columns() -> list[str]:
    """Return the names, as `table.column`, of all columns that hold sealed values."""
    return [f"{each.table.name}.{each.name}" for each in _columns()]


def _columns() -> Iterator[Column[str]]:
    for table in Base.metadata.sorted_tables:
        yield from (each for each in table.columns if isinstance(each.type, Sealed | SealedFields) or each in BY_HAND)


class SealingQueries:
    """The part of the case book that knows of keys."""

    _session: Session

    def digest(self, value: str) -> str:
        """Return what stands for a value where it has to be compared and not read."""
        return self._keys().digest(value)

    def reseal(self, column_name: str, after: str | int | None) -> tuple[int, str | int | None]:
        """Seal the next values of a column with the newest key; return how many were not, and how far this came.

        `after`: how far the last call came, None at first, and None is returned at the end. A value that somebody
        changes at the same time is left to them: they have the newest key too.
        """
        [column] = [each for each in _columns() if f"{each.table.name}.{each.name}" == column_name]
        [key] = column.table.primary_key
        raw, vault = type_coerce(column, Text), self._keys().vault
        query = select(key, raw).where(raw != "").order_by(key).limit(RESEALED_AT_ONCE)
        if column.table.name == MetaRow.__tablename__:
            query = query.where(key == INDEX_KEY)
        rows = self._session.execute(query.where(key > after) if after is not None else query).all()
        done = 0
        for row_id, sealed in rows:
            renewed = vault.renewed(sealed)
            if renewed is not None:
                change = update(column.table).where(key == row_id, raw == sealed)
                done += self._session.execute(change.values({column: type_coerce(renewed, Text)})).rowcount  # type: ignore[attr-defined]
        return done, rows[-1][0] if len(rows) == RESEALED_AT_ONCE else None

    def _keys(self) -> Keys:
        return keys_of(self._session.get_bind().dialect)
