"""While WeChat takes no calls, one message asks now and then for all, and the others wait for it.

So there is no storm of calls in vain, and no long wait after it is over. Kept in the case book, for all processes.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from cases.storage import Book

KEY = "wechat_outage"
# So long after the first call that failed, the second, and all others somebody asks again.
PROBES = (timedelta(seconds=5), timedelta(seconds=15), timedelta(minutes=1))
# Whoever asks has so long; then it is another's turn.
TURN = timedelta(seconds=40)


def waits_until(book: Book, now: datetime) -> datetime | None:
    """Return until when nobody calls, or None: go ahead. In an outage whoever goes ahead asks for all."""
    known = _read(book)
    if known is None:
        return None
    if now < known.until <= now + PROBES[-1]:  # later than that is a clock that was off
        return known.until
    _write(book, Outage(known.tries, now + TURN, known.since))
    return None


def note(book: Book, now: datetime) -> datetime:
    """Note that a call failed as any other would; return when somebody asks again."""
    known = _read(book) or Outage(0, now, now)
    until = now + PROBES[min(known.tries, len(PROBES) - 1)]
    _write(book, Outage(known.tries + 1, until, known.since))
    return until


def end(book: Book) -> bool:
    """Note that a call went through; say whether there was an outage."""
    if not book.meta(KEY):
        return False
    book.set_meta(KEY, "")
    return True


def since(book: Book) -> datetime | None:
    """Return since when WeChat has taken no calls, or None."""
    known = _read(book)
    return known.since if known is not None else None


class Outage(NamedTuple):
    """How often it was asked in vain, when somebody asks again, and since when it lasts."""

    tries: int
    until: datetime
    since: datetime


def _read(book: Book) -> Outage | None:
    known = book.meta(KEY)
    if not known:
        return None
    tries, until, since = known.split()
    return Outage(int(tries), datetime.fromisoformat(until), datetime.fromisoformat(since))


def _write(book: Book, outage: Outage) -> None:
    book.set_meta(KEY, f"{outage.tries} {outage.until.isoformat()} {outage.since.isoformat()}")
