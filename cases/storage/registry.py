"""The queries of the registry: what the administrator keeps, page by page, and what the city's files brought."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from sqlalchemy import delete, func, inspect, or_, select

from cases.storage.sealed import Sealed
from cases.storage.tables import Base, CaseRow, MetaRow, StaffRow, UnitRow
from cases.storage.working import TaskRow
from cases.workflow import OPEN

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

Row = TypeVar("Row", bound=Base)
# What of a table is shown at once.
LISTED = 30
LOADED = "loaded:"
# Also in `cases.city`, which this part may not import.
VERSION = "city_version"


@dataclass(frozen=True)
class Wanted:
    """What a list shows: rows with `needle` in one of `search`, with these values, in the units below a path.

    `below` is the name of the column with the unit's id and the path; `since` a column and the moment that it must
    not lie before. `order` are names of columns; one with a minus before it goes down.
    """

    search: Sequence[str] = ()
    needle: str = ""
    equal: Mapping[str, object] | None = None
    below: tuple[str, str] | None = None
    since: tuple[str, datetime] | None = None
    order: Sequence[str] = ()
    page: int = 1


@dataclass(frozen=True)
class Listing(Generic[Row]):
    """One page of a list, and how many rows the whole list has."""

    rows: Sequence[Row]
    total: int
    page: int
    pages: int


class RegistryQueries:
    """The part of the case book that the administrator fills."""

    _session: Session

    def add_all(self, rows: Iterable[Base]) -> None:
        """Put many new rows into the transaction at once."""
        self._session.add_all(rows)
        self._session.flush()

    def lock_city(self) -> None:
        """Make this transaction the only one that changes the city, and read anew what it has read of it before.

        SQLite's writers are alone anyway. On PostgreSQL the row with the city's version is what they queue for.
        """
        self._session.execute(select(MetaRow.value).where(MetaRow.key == VERSION).with_for_update())
        self._session.expire_all()

    def rows_of(self, kind: type[Row]) -> Sequence[Row]:
        """Return all rows of a table in the order of their keys."""
        return self._session.scalars(select(kind).order_by(*inspect(kind).primary_key)).all()

    def count_of(self, kind: type[Base]) -> int:
        """Return how many rows a table has."""
        return self._session.scalar(select(func.count()).select_from(kind)) or 0

    def listing(self, kind: type[Row], wanted: Wanted) -> Listing[Row]:
        """Return the page of a table that is wanted, or the nearest there is."""
        query = select(kind).where(*_conditions(self._session, kind, wanted))
        total = self._session.scalar(select(func.count()).select_from(query.subquery())) or 0
        pages = max(1, -(-total // LISTED))
        page = min(max(1, wanted.page), pages)
        order = [
            getattr(kind, name.removeprefix("-")).desc() if name.startswith("-") else getattr(kind, name)
            for name in wanted.order
        ]
        query = query.order_by(*order, *inspect(kind).primary_key).offset((page - 1) * LISTED).limit(LISTED)
        return Listing(self._session.scalars(query).all(), total, page, pages)

    def unit_codes(self) -> dict[int, str]:
        """Return the code of each unit by its id."""
        return {row[0]: row[1] for row in self._session.execute(select(UnitRow.id, UnitRow.code))}

    def logins(self) -> dict[int, str]:
        """Return the login of each account by its id."""
        return {row[0]: row[1] for row in self._session.execute(select(StaffRow.id, StaffRow.login))}

    def units_like(self, needle: str, limit: int) -> Sequence[UnitRow]:
        """Return so many units in use whose name or code has these words in it."""
        fits = or_(UnitRow.name.icontains(needle, autoescape=True), UnitRow.code.icontains(needle, autoescape=True))
        query = select(UnitRow).where(fits, UnitRow.active).order_by(UnitRow.id).limit(limit)
        return self._session.scalars(query).all()

    def staff_like(self, needle: str, limit: int) -> Sequence[StaffRow]:
        """Return so many accounts in use whose name or login has these words in it."""
        fits = or_(StaffRow.name.icontains(needle, autoescape=True), StaffRow.login.icontains(needle, autoescape=True))
        query = select(StaffRow).where(fits, StaffRow.active).order_by(StaffRow.id).limit(limit)
        return self._session.scalars(query).all()

    def open_by_holder(self) -> dict[int, int]:
        """Return how many open cases each unit holds, by its id."""
        query = select(CaseRow.holder_id, func.count()).where(CaseRow.state.in_(OPEN)).group_by(CaseRow.holder_id)
        return {row[0]: row[1] for row in self._session.execute(query)}

    def asked_units(self) -> dict[int, int]:
        """Return how many tasks in cases each unit has still to answer, by its id."""
        waits = TaskRow.answered_at.is_(None), TaskRow.cancelled_at.is_(None)
        query = select(TaskRow.unit_id, func.count()).where(*waits).group_by(TaskRow.unit_id)
        return {row[0]: row[1] for row in self._session.execute(query)}

    def loaded(self) -> dict[str, str]:
        """Return the digest of each row as the city's files brought it, by the digest of its key."""
        query = select(MetaRow.key, MetaRow.value).where(MetaRow.key.startswith(LOADED))
        return {key.removeprefix(LOADED): value for key, value in self._session.execute(query)}

    def remember_loaded(self, digests: Mapping[str, str]) -> None:
        """Put these digests in the stead of those that were remembered."""
        self._session.execute(delete(MetaRow).where(MetaRow.key.startswith(LOADED)))
        self._session.add_all(MetaRow(key=LOADED + key, value=value) for key, value in digests.items())
        self._session.flush()


def _conditions(session: Session, kind: type[Base], wanted: Wanted) -> Iterator[ColumnElement[bool]]:
    if wanted.needle:
        yield or_(*(_holding(session, kind, name, wanted.needle) for name in wanted.search))
    for name, value in (wanted.equal or {}).items():
        yield getattr(kind, name) == value
    if wanted.below is not None:
        name, path = wanted.below
        yield getattr(kind, name).in_(select(UnitRow.id).where(UnitRow.path.startswith(path, autoescape=True)))
    if wanted.since is not None:
        name, moment = wanted.since
        yield getattr(kind, name) >= moment


def _holding(session: Session, kind: type[Base], name: str, needle: str) -> ColumnElement[bool]:
    """Return what is so of the rows that have some words in a column; a sealed one is opened, row by row."""
    column = getattr(kind, name)
    if not isinstance(column.type, Sealed):
        found: ColumnElement[bool] = column.icontains(needle, autoescape=True)
        return found
    [key] = inspect(kind).primary_key
    opened = session.execute(select(key, column).where(column != ""))
    return key.in_([row[0] for row in opened if needle.lower() in row[1].lower()])
