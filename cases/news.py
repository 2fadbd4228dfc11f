"""What has just happened, for those who look on: cases that changed, and notices, since one last asked."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from cases import access, facts
from cases.access import hears_unit
from cases.numbers import number_of
from cases.storage.tables import CaseRow, HistoryRow
from cases.storage.working import NoticeRow
from cases.workflow import Action

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cases.access import Actor, Subject
    from cases.city import City
    from cases.storage import Book

# On PostgreSQL a row may come into sight after one with a higher id: so many ids below the last one are read again.
OVERLAP = 200
MOST = 500
# What brings a case to a holder.
COMING = frozenset({"open", str(Action.SEND), str(Action.ESCALATE), str(Action.RETURN)})
Row = TypeVar("Row", HistoryRow, NoticeRow)


@dataclass(frozen=True)
class Changed:
    """A case that changed: its number, what of it counts for who may see it, and whether it came to a new holder."""

    number: str
    subject: Subject
    came: bool = False


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
            tuple(each for each in self.told if each.staff_id == actor.staff_id or (unit and each.unit_id == unit)),
        )

    def came_to(self, actor: Actor) -> list[str]:
        """Return the numbers of the cases that came to this person's unit."""
        return [each.number for each in self.changed if each.came and each.subject.holder_path == actor.unit_path]

    def __bool__(self) -> bool:
        return bool(self.changed or self.told)


@dataclass
class _Seen:
    """Where one has read to in a table whose rows may come into sight out of order."""

    last: int = -1
    ids: set[int] = field(default_factory=set)

    @property
    def since(self) -> int:
        """From which id on to read."""
        return self.last - OVERLAP

    def fresh(self, rows: Sequence[Row]) -> list[Row]:
        """Return the rows that were not seen before, and note them."""
        found = [row for row in rows if row.id not in self.ids]
        self.last = max([self.last, *(row.id for row in rows)])
        self.ids = {each for each in self.ids | {row.id for row in rows} if each > self.since}
        return found


class Reader:
    """Reads on from where it stopped."""

    def __init__(self) -> None:
        self._history, self._notices = _Seen(), _Seen()

    def read(self, book: Book, city: City) -> News:
        """Return what is new since the last call; the first call only notes where things stand."""
        if self._history.last < 0:
            self._history.last, self._notices.last = book.last_ids()
            self._history.fresh(book.history_since(self._history.since, MOST))
            self._notices.fresh(book.notices_since(self._notices.since, MOST))
            return News()
        happened: dict[int, set[str]] = defaultdict(set)
        for line in self._history.fresh(book.history_since(self._history.since, MOST)):
            happened[line.case_id].add(line.action)
        told = self._notices.fresh(book.notices_since(self._notices.since, MOST))
        return News(
            tuple(_changed(book, city, happened)),
            tuple(Told(row.kind, number_of(row.case_id), row.staff_id, row.unit_id) for row in told),
        )


def _changed(book: Book, city: City, happened: dict[int, set[str]]) -> Iterable[Changed]:
    for case_id, actions in sorted(happened.items()):
        case = book.get(CaseRow, case_id)
        if case is not None:
            subject = facts.subject_of(city, case, book.tasks(case_id))
            yield Changed(number_of(case_id), subject, came=not actions.isdisjoint(COMING))
