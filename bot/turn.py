"""One message in its transaction: what was said, and what the dialogue knows and decides while it answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from cases.workflow import OPEN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from bot.links import Links
    from bot.understanding import Reading
    from cases.city import City
    from cases.intake import MediaPart
    from cases.routing import Located
    from cases.storage import Book
    from cases.storage.tables import CaseRow, ResidentRow

# So long the resident's next words are the answer to a question from staff.
ANSWER_OPEN = timedelta(days=3)


@dataclass(frozen=True)
class Said:
    """What one message brings: words (typed or spoken), a file, a place; and what the models make of the words."""

    text: str = ""
    media: MediaPart | None = None
    place: Located | None = None
    reading: Reading | None = None
    chances: Mapping[str, float] = field(default_factory=dict)
    danger_guess: tuple[str, float] | None = None


@dataclass
class Turn:
    """One message in its transaction. `case` is the case that it turned out to be about.

    `other_id`: the other case of a question that has just been answered.
    `link` is a line below the reply that opens a page: for the resident alone, so no history keeps it.
    """

    book: Book
    city: City
    resident: ResidentRow
    now: datetime
    quiet_since: datetime
    links: Links
    link: str = ""
    case: CaseRow | None = None
    taken: bool = False
    other_id: int | None = None

    @property
    def gathering(self) -> CaseRow | None:
        """The open case that this resident's messages still belong to: one that staff ask about, or the last told."""
        resident = self.resident
        if resident.asked == "answer" and resident.asked_at and self.now - resident.asked_at < ANSWER_OPEN:
            case = self.asked()[1]
            if case is not None and case.state in OPEN:
                return case
        return self.book.gathering_case(resident.id, self.now)

    def asked(self) -> tuple[str | None, CaseRow | None]:
        """Return what the bot waits for, and about which case."""
        case_id = self.resident.asked_case_id
        return self.resident.asked, self.book.lock_case(case_id) if case_id is not None else None

    def show(self, cases: Sequence[CaseRow]) -> None:
        """Offer the page of the case that a reply tells of, or the list when it tells of several."""
        if cases:
            self.link = self.links.offer(self.resident, cases[0] if len(cases) == 1 else None)

    def ask(self, what: str | None, case: CaseRow | None = None, *, other_id: int | None = None) -> None:
        """Wait for an answer of this kind about this case; None: for nothing."""
        resident = self.resident
        self.other_id = resident.asked_other_id
        resident.asked, resident.asked_at = what, self.now if what else None
        resident.asked_case_id, resident.asked_other_id = case.id if case is not None else None, other_id
