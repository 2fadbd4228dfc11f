"""While WeChat takes no calls, one message asks now and then for all, and the others wait for it.

So there is no storm of calls in vain, and no long wait after it is over. Kept in the case book, for all processes.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cases.storage import Book

KEY = "wechat_outage"
# So long after the first call that failed, the second, and all others somebody asks again.
PROBES = (timedelta(seconds=5), timedelta(seconds=15), timedelta(minutes=1))
# Whoever asks has so long; then it is another's turn.
TURN = timedelta(seconds=40)


def waits_until(book: Book, now: datetime) -> datetime | None:
    """Return until when nobody calls, or None: go ahead. In an outage whoever goes ahead asks for all."""
    known = book.meta(KEY)
    if not known:
        return None
    tries, until = _read(known)
    if until > now:
        return until
    _write(book, tries, now + TURN)
    return None


def note(book: Book, now: datetime) -> datetime:
    """Note that a call failed as any other would; return when somebody asks again."""
    known = book.meta(KEY)
    tries = _read(known)[0] if known else 0
    until = now + PROBES[min(tries, len(PROBES) - 1)]
    _write(book, tries + 1, until)
    return until


def end(book: Book) -> bool:
    """Note that a call went through; say whether there was an outage."""
    if not book.meta(KEY):
        return False
    book.set_meta(KEY, "")
    return True


def _read(known: str) -> tuple[int, datetime]:
    tries, _, until = known.partition(" ")
    return int(tries), datetime.fromisoformat(until)


def _write(book: Book, tries: int, until: datetime) -> None:
    book.set_meta(KEY, f"{tries} {until.isoformat()}")
