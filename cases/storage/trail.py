"""The queries of the audit trail, which is only added to: its end, its lines in order, and what is old enough to go."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from sqlalchemy import Select, delete, func, select, text

from cases.storage.working import AuditRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

Query = TypeVar("Query", bound=Select[Any])
BATCH = 1000
PAGE = 50


class Line(NamedTuple):
    """A line of the trail as it is read in long runs."""

    id: int
    at: datetime
    staff_id: int | None
    action: str
    subject: str
    detail: str
    previous: str
    digest: str


@dataclass(frozen=True)
class Sought:
    """Which lines of the trail are looked for; what is None or empty does not matter."""

    staff_id: int | None = None
    action: str = ""
    subject: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class TrailPage:
    """One page of the trail, the newest line first, and how many lines fit in all."""

    lines: Sequence[AuditRow]
    total: int
    page: int
    pages: int


class TrailQueries:
    """The part of the case book that the audit trail is in."""

    _session: Session
    _last: list[Callable[[], None]]

    def lock_name(self, name: str) -> None:
        """Let transactions that say this name come one after the other; the lock ends with the transaction.

        SQLite's writers are alone anyway (`BEGIN IMMEDIATE`).
        """
        if self._session.get_bind().dialect.name == "postgresql":
            key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
            self._session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})

    def at_the_end(self, do: Callable[[], None]) -> None:
        """Do this as the last of the transaction: what it locks is held for a moment, and after all other locks."""
        self._last.append(do)

    def finish(self) -> None:
        """Do what was left for the end of the transaction."""
        while self._last:
            self._last.pop(0)()

    def sought(self, what: Sought, page: int = 1) -> TrailPage:
        """Return a page of the lines that fit, or the nearest page there is."""
        query = _limited(select(AuditRow), what)
        total = self._session.scalar(select(func.count()).select_from(query.subquery())) or 0
        pages = max(1, -(-total // PAGE))
        page = min(max(1, page), pages)
        query = query.order_by(AuditRow.id.desc()).offset((page - 1) * PAGE).limit(PAGE)
        return TrailPage(self._session.scalars(query).all(), total, page, pages)

    def trail(self, what: Sought) -> Iterator[Line]:
        """Yield the lines that fit, the oldest first, in batches that are not all held at once."""
        columns = [getattr(AuditRow, name) for name in Line._fields]
        query = _limited(select(*columns), what).order_by(AuditRow.id).limit(BATCH)
        last = 0
        while batch := [Line(*row) for row in self._session.execute(query.where(AuditRow.id > last))]:
            yield from batch
            last = batch[-1].id

    def has_lines_before(self, moment: datetime) -> bool:
        """Say whether any line is older than this."""
        return self._session.scalars(select(AuditRow.id).where(AuditRow.at < moment).limit(1)).first() is not None

    def last_line(self, before: datetime | None = None) -> AuditRow | None:
        """Return the newest line; `before`: the newest of those ahead of the first that is not older than this."""
        query = select(AuditRow).order_by(AuditRow.id.desc()).limit(1)
        if before is not None:
            kept = select(func.min(AuditRow.id)).where(AuditRow.at >= before).scalar_subquery()
            query = query.where(AuditRow.at < before, func.coalesce(AuditRow.id < kept, True))
        return self._session.scalars(query).one_or_none()

    def drop_lines(self, until_id: int) -> int:
        """Delete the lines up to this one, itself included; return how many. The database refuses young ones."""
        count = select(func.count()).select_from(AuditRow).where(AuditRow.id <= until_id)
        found = self._session.scalar(count) or 0
        self._session.execute(delete(AuditRow).where(AuditRow.id <= until_id))
        return found

    def has_line(self, staff_id: int, action: str, subject: str, since: datetime) -> bool:
        """Say whether this person has done this to this since then."""
        query = _limited(select(AuditRow), Sought(staff_id, action, subject, since)).limit(1)
        return self._session.scalars(query).first() is not None


def _limited(query: Query, what: Sought) -> Query:
    for wanted, column in ((what.action, AuditRow.action), (what.subject, AuditRow.subject)):
        if wanted:
            query = query.where(column == wanted)
    if what.staff_id is not None:
        query = query.where(AuditRow.staff_id == what.staff_id)
    if what.since is not None:
        query = query.where(AuditRow.at >= what.since)
    if what.until is not None:
        query = query.where(AuditRow.at < what.until)
    return query
