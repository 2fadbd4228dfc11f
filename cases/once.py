"""A form that is sent twice is carried out once: the browser gives it a key, and the first outcome is remembered.

A phone that lost its connection does not know whether what it sent came through, and sends it again.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from cases.storage import Book
    from cases.storage.desk import SentRow

# So long a key is remembered; phones give up a little earlier (`web/static/outbox.js`).
KEPT = timedelta(days=7)
ADDRESS_CHARACTERS = 300
KEY = re.compile(r"[0-9A-Za-z-]{16,64}")


class AlreadySent(Exception):  # noqa: N818 - no fault: the page that followed the first time
    """A form with this key was carried out before; `address` is what followed it, or empty."""

    def __init__(self, address: str) -> None:
        super().__init__("sent before")
        self.address = address


def claim(book: Book, staff_id: int, key: str, now: datetime) -> SentRow | None:
    """Take a form's key for this transaction; None for a form without one. Raises AlreadySent.

    The act belongs into the same transaction, and its outcome into the row: if it fails, the key is free again.
    """
    if not KEY.fullmatch(key):
        return None
    row, made = book.claim_key(staff_id, key, now)
    if not made:
        raise AlreadySent(row.outcome)
    return row


def check(book: Book, staff_id: int, key: str) -> None:
    """Raise AlreadySent for a key that was carried out: its case may be out of sight since."""
    row = book.sent(staff_id, key) if KEY.fullmatch(key) else None
    if row is not None:
        raise AlreadySent(row.outcome)


def finish(row: SentRow | None, address: str) -> None:
    """Remember what followed a form that was carried out; an address that is too long is forgotten."""
    if row is not None:
        row.outcome = address if len(address) <= ADDRESS_CHARACTERS else ""


def to_purge(book: Book, now: datetime) -> bool:
    """Say whether there are keys to forget."""
    return book.old_keys(now - KEPT)


def purge(book: Book, now: datetime) -> None:
    """Forget keys that no phone sends again."""
    book.drop_old_keys(now - KEPT)
