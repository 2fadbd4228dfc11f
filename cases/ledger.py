"""What a case's steps are written with: who acts, a line of history, a photo kept with it, and the clocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cases import limits
from cases.limits import Allowance, Deadlines
from cases.storage.tables import AttachmentRow, HistoryRow
from cases.workflow import UNRESOLVED, Relation, State

if TYPE_CHECKING:
    from datetime import datetime

    from cases.city import City, Unit
    from cases.storage import Book
    from cases.storage.tables import CaseRow
    from cases.worktime import Worktime


class NotAllowed(Exception):  # noqa: N818 - the house's word for a refusal
    """The action is not open to this person in this state; the message is for their eyes."""


class TooLate(NotAllowed):
    """The action is not open now, perhaps because somebody was quicker."""


@dataclass(frozen=True)
class Photo:
    """A photo from one of our pages: checked, and in the media store already; of the matter `before` or `after`.

    Staff's spoken notes come the same way: of `kind` voice, so long; `reads`: an engine is to find the words in it.
    """

    file: str
    mime: str
    phase: str = ""
    kind: str = "photo"
    seconds: float | None = None
    reads: bool = False


@dataclass(frozen=True)
class Who:
    """Who acts, and what they are to the case; of staff also their unit."""

    kind: str
    relations: frozenset[Relation]
    staff_id: int | None = None
    unit_id: int | None = None


REPORTER = Who("resident", frozenset({Relation.REPORTER}))
SYSTEM = Who("system", frozenset({Relation.SYSTEM}))
BOT = Who("bot", frozenset())


def record(
    book: Book,
    case: CaseRow,
    action: str,
    who: Who,
    now: datetime,
    *,
    text: str = "",
    public: bool = False,
    before: str | None = None,
) -> HistoryRow:
    """Add one line to a case's history."""
    row = HistoryRow(
        case_id=case.id,
        at=now,
        who=who.kind,
        staff_id=who.staff_id,
        action=str(action),
        from_state=before,
        to_state=case.state if before is not None else None,
        text=text,
        public=public,
    )
    return book.add(row)


def attach(book: Book, row: HistoryRow, photo: Photo, now: datetime) -> AttachmentRow:
    """Keep a photo or spoken note with the line of history that it came with."""
    attachment = AttachmentRow(
        case_id=row.case_id,
        history_id=row.id,
        kind=photo.kind,
        phase=photo.phase,
        seconds=photo.seconds,
        reading="waiting" if photo.reads else "",
        state="stored",
        file=photo.file,
        mime=photo.mime,
        next_try_at=now,
        created_at=now,
    )
    return book.add(attachment)


# -- clocks ----------------------------------------------------------------------------------------------------


def is_urgent(city: City, case: CaseRow) -> bool:
    """Say whether a case counts round the clock: danger, or an urgent kind."""
    category = city.categories.get(case.category_code or "")
    return case.urgent or bool(category and category.urgent)


def clock_of(city: City, case: CaseRow, unit: Unit | None = None) -> Worktime:
    """Return the working time in which this case's limits count, with its holder or with `unit`."""
    return limits.clock(city.worktime(unit or city.units[case.holder_id]), urgent=is_urgent(city, case))


def allowance_of(city: City, case: CaseRow, unit: Unit) -> Allowance:
    """Return how long each step may take when `unit` has the case."""
    if case.urgent:
        return limits.DANGER
    category, urgent = city.categories.get(case.category_code or ""), is_urgent(city, case)
    own = category is not None and (urgent or unit.kind != "dispatch")
    base = Allowance(*category.hours) if own and category is not None else limits.DISPATCH
    kind = case.category_code if own else None
    return limits.choose(city.specials, base, kind=kind, level=unit.kind, urgent=urgent)


def hold(case: CaseRow, city: City, unit: Unit, now: datetime) -> None:
    """Put a case into a unit's queue, with new limits from now on."""
    allowance = allowance_of(city, case, unit)
    times = limits.deadlines(now, allowance, clock_of(city, case, unit))
    case.holder_id, case.handler_id = unit.id, None
    case.accept_by, case.contact_by, case.finish_by = times.accept_by, times.contact_by, times.finish_by
    case.verify_days = allowance.verify_days
    case.paused_at = case.extension_hours = None
    refresh_due(city, case, now)


def refresh_due(city: City, case: CaseRow, now: datetime) -> None:
    """Set the deadline that counts in the case's present state; for a new one the cards begin anew."""
    due_at = limits.due(
        State(case.state),
        Deadlines(case.accept_by, case.contact_by, case.finish_by),
        contacted=case.contacted_at is not None,
        resolved_at=case.resolved_at,
        paused=case.paused_at is not None,
        verify_days=case.verify_days,
    )
    if due_at == case.due_at and (case.alert_at is not None or case.alert_step):
        return  # its cards go on, or all of them were shown
    # A pause moves no limit that had passed before it: what was shown of that one is not shown again.
    late = case.due_at is None and due_at is not None and due_at <= now
    if case.paused_at is None and not late:
        case.alert_step = 0
    case.due_at = due_at
    counts = State(case.state) in UNRESOLVED
    case.alert_at = limits.alert_at(case.alert_step, due_at, now, clock_of(city, case)) if counts else None
