"""What has just happened, for those who look on: cases that changed, and notices, since one last asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cases import access, facts
from cases.access import hears_unit
from cases.numbers import number_of
from cases.storage.tables import CaseRow

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cases.access import Actor, Subject
    from cases.city import City
    from cases.storage import Book

# On PostgreSQL a row may come into sight after one with a higher id: so many ids below the last one are read again.
OVERLAP = 200
MOST = 500


@dataclass(frozen=True)
class Changed:
    """A case that changed: its number, and what of it counts for who may see it."""

    number: str
    subject: Subject


@dataclass(frozen=True)
class Told:
    """A notice to a member of staff or to a unit: its kind, and the case's number."""

    kind: str
    number: str
    staff_id: int | None
    unit_id: int | None


@dataclass(frozen=True)
class News:
    """What happened between two looks."""

    changed: tuple[Changed, ...] = ()
    told: tuple[Told, ...] = ()

    def of(self, actor: Actor) -> News:
        """Return what of it is this person's business."""
        unit = hears_unit(actor)
        return News(
            tuple(each for each in self.changed if access.relations(actor, each.subject)),
            tuple(each for each in self.told if each.staff_id == actor.staff_id or each.unit_id == (unit or None)),
        )

    def __bool__(self) -> bool:
        return bool(self.changed or self.told)


@dataclass
class Reader:
    """Reads on from where it stopped: the last ids of history and notices, and those seen lately."""

    history_id: int = -1
    notice_id: int = -1
    _seen: set[int] = field(default_factory=set)
    _seen_notices: set[int] = field(default_factory=set)

    def read(self, book: Book, city: City) -> News:
        """Return what is new since the last call; the first call only notes where things stand."""
        history = book.history_since(self.history_id - OVERLAP, MOST) if self.history_id >= 0 else []
        notices = book.notices_since(self.notice_id - OVERLAP, MOST) if self.notice_id >= 0 else []
        if self.history_id < 0:
            self.history_id, self.notice_id = book.last_ids()
            self._seen = {each for each, _ in book.history_since(self.history_id - OVERLAP, MOST)}
            self._seen_notices = {row.id for row in book.notices_since(self.notice_id - OVERLAP, MOST)}
        fresh = {case_id for row_id, case_id in history if row_id not in self._seen}
        told = [row for row in notices if row.id not in self._seen_notices]
        self.history_id = max([self.history_id, *(row_id for row_id, _ in history)])
        self.notice_id = max([self.notice_id, *(row.id for row in notices)])
        self._seen |= {row_id for row_id, _ in history}
        self._seen_notices |= {row.id for row in notices}
        self._seen = {each for each in self._seen if each > self.history_id - OVERLAP}
        self._seen_notices = {each for each in self._seen_notices if each > self.notice_id - OVERLAP}
        return News(
            tuple(_changed(book, city, sorted(fresh))),
            tuple(Told(row.kind, number_of(row.case_id), row.staff_id, row.unit_id) for row in told),
        )


def _changed(book: Book, city: City, case_ids: Iterable[int]) -> Iterable[Changed]:
    for case_id in case_ids:
        case = book.get(CaseRow, case_id)
        if case is not None:
            yield Changed(number_of(case_id), facts.subject_of(city, case, book.tasks(case_id)))
