"""A burst is answered once: what follows is taken in silence, and one short line at its end says what came.

The line is an outbox row that waits a little; each further part rewrites it and lets it wait anew.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

from bot import phrases
from cases import messages
from cases.intake import GATHERING
from cases.messages import Message
from cases.numbers import number_of, spoken
from cases.storage.outbox import BURST
from cases.workflow import Action

if TYPE_CHECKING:
    from datetime import datetime

    from cases.storage import Book
    from cases.storage.tables import CaseRow

# What comes so soon after the last part belongs to the same burst; so long after the last one it has ended.
PAUSE = timedelta(seconds=60)
QUIET = timedelta(seconds=20)


def running(case: CaseRow, now: datetime) -> bool:
    """Say whether the last part of this case came a moment ago."""
    return case.gathering_until is not None and now - (case.gathering_until - GATHERING) <= PAUSE


def note(book: Book, case: CaseRow, now: datetime) -> None:
    """Owe the line about what came in silence, a part of which came just now."""
    row = book.burst_note(case.id) or messages.owe(book, case, Message(BURST), now, at=now + QUIET)
    if row is not None:
        number = spoken(number_of(case.id))
        row.text = phrases.BURST_NOTE.format(parts=_parts(book, case, row.created_at), number=number)
        row.next_try_at = now + QUIET


def ended(book: Book, case: CaseRow) -> str:
    """Take back the waiting line and return what it would have named, or an empty string."""
    row = book.burst_note(case.id)
    if row is None:
        return ""
    parts = _parts(book, case, row.created_at)
    book.drop(row)
    return parts


def _parts(book: Book, case: CaseRow, since: datetime) -> str:
    """Return in words what was added since then: 2句话、3张照片、位置."""
    kinds = {part.history_id: part.kind for part in book.attachments(case.id)}
    counts: Counter[str] = Counter()
    for row in book.history(case.id):
        if row.action == Action.SUPPLEMENT and row.at >= since:
            counts[kinds.get(row.id) or ("text" if row.text else "place")] += 1
    return "、".join(words.format(count=counts[kind]) for kind, words in phrases.PARTS.items() if counts[kind])
