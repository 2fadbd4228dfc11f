"""Work that breaks by a fault of ours: tried three times, then left where people see it and have it tried again.

What breaks for reasons of the outside (WeChat refuses, the database is away) is not meant: each has its own way.
"""

from __future__ import annotations

import hashlib
import traceback
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cases import audit
from cases.storage.engine import DatabaseError, RefusedByDatabase
from cases.storage.failing import FailureRow
from cases.storage.tables import AttachmentRow, OutboxRow

if TYPE_CHECKING:
    from datetime import datetime

    from cases.access import Actor
    from cases.storage import Book

# Who has broken work tried again: dispatchers see the residents' words with it, administrators the reasons.
ROLES = frozenset({"dispatcher", "admin"})
TRIES = 3
# So long after the first try, and after the second.
BACK_OFF = (timedelta(seconds=5), timedelta(seconds=30))
REASON_CHARACTERS = 200
GIVEN_UP = "程序出错，试了三次都没成"
MESSAGE = "message"
KINDS = {
    MESSAGE: "居民发来的消息没收好",
    "outbox": "给居民的消息没发出去",
    "attachment": "居民发来的文件没取到",
    "reading": "语音、照片里的字没认出来",
    "case": "到期的工单没自动办结",
    "resident": "居民要求删除的信息没删掉",
    "alarm": "警情没叫到下一个人",
    "card": "时限提醒没发出",
    "pause": "停着的时限没恢复",
    "order": "批量办理没办成",
    "training": "分类器没训练成",
}
_ROOT = Path(__file__).resolve().parent.parent


def is_ours(error: Exception) -> bool:
    """Say whether an error is a fault of ours, and not a database that is away, locked, or between two versions."""
    return isinstance(error, RefusedByDatabase) or not isinstance(error, DatabaseError)


def key_of(*names: str) -> str:
    """Return a key that tells nothing of the names that it stands for."""
    return hashlib.sha256("\0".join(names).encode()).hexdigest()


def reason_of(error: BaseException) -> str:
    """Return which error it was and where in our code; not its text, which may hold what a resident said."""
    ours = [
        f"{Path(frame.filename).relative_to(_ROOT)}:{frame.lineno}"
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).is_relative_to(_ROOT) and ".venv" not in frame.filename
    ]
    return " · ".join([type(error).__name__, *ours[-1:]])[:REASON_CHARACTERS]


def note(
    book: Book, kind: str, key: str, error: BaseException, now: datetime, message: dict[str, Any] | None = None
) -> FailureRow:
    """Write down that a piece of work broke: it is tried again later, and given up after so many tries."""
    book.lock_name(f"failure {kind} {key}")
    row = book.failure(kind, key)
    if row is None:
        row = FailureRow(kind=kind, key=key, first_at=now, tries=0, message=message or {})
    row.tries, row.reason, row.last_at = row.tries + 1, reason_of(error), now
    given_up = row.tries >= TRIES
    row.given_up_at = now if given_up else None
    row.next_try_at = now + BACK_OFF[min(row.tries, len(BACK_OFF)) - 1]
    _rest(book, row, now, given_up=given_up)
    return book.add(row)


def _rest(book: Book, row: FailureRow, now: datetime, *, given_up: bool) -> None:
    """Let a message or file wait as long as its failure does, or end: those after it go on."""
    owed = _owed(book, row)
    if isinstance(owed, OutboxRow):
        owed.state, owed.error = ("undeliverable", GIVEN_UP) if given_up else ("waiting", "")
        owed.next_try_at, owed.attempts = row.next_try_at, max(1, owed.attempts)
        if given_up:
            book.wake_next(owed, now)
    elif isinstance(owed, AttachmentRow):
        owed.state, owed.error = ("failed", GIVEN_UP) if given_up else ("waiting", "")
        owed.next_try_at, owed.attempts = row.next_try_at, max(1, owed.attempts)


def _owed(book: Book, row: FailureRow) -> OutboxRow | AttachmentRow | None:
    if row.kind == "outbox":
        return book.lock_row(OutboxRow, int(row.key))
    return book.lock_row(AttachmentRow, int(row.key)) if row.kind == "attachment" else None


def settle(book: Book, kind: str, key: str) -> None:
    """Forget that a piece of work broke: it is done."""
    row = book.failure(kind, key)
    if row is not None:
        book.drop(row)


def resting(book: Book, kind: str, now: datetime) -> dict[str, bool]:
    """Return the broken work of one kind by its key, and whether it is to be left alone now."""
    until = now + BACK_OFF[-1]  # later than that is a clock that was off
    return {row.key: row.given_up_at is not None or now < row.next_try_at <= until for row in book.failures_of(kind)}


def retry(book: Book, row: FailureRow, me: Actor, now: datetime) -> None:
    """Have what was given up tried again, as often as at first."""
    row.tries, row.given_up_at, row.next_try_at = 0, None, now
    owed = _owed(book, row)
    if isinstance(owed, OutboxRow):
        book.owe_again(owed, now, now)
    elif isinstance(owed, AttachmentRow):
        owed.state, owed.attempts, owed.error = "waiting", 0, ""
        owed.created_at = owed.next_try_at = now
    audit.note(book, me, "retry", KINDS[row.kind], row.reason, now)


def dismiss(book: Book, row: FailureRow, me: Actor, now: datetime) -> None:
    """Forget what was given up: somebody has seen to it another way."""
    audit.note(book, me, "dismiss", KINDS[row.kind], row.reason, now)
    book.drop(row)


def forget(book: Book, account: str, openid: str) -> int:
    """Drop what a resident sent and could not be taken; return how much."""
    found = [row for row in book.failures_of(MESSAGE) if _is_from(row, account, openid)]
    for row in found:
        book.drop(row)
    return len(found)


def _is_from(row: FailureRow, account: str, openid: str) -> bool:
    return (row.message.get("account"), row.message.get("openid")) == (account, openid)
