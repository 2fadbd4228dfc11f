"""Keys to the HTTP API: each acts as one member of staff, with exactly their rights. Only a key's digest is kept."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING

from cases import audit
from cases.storage.tables import StaffRow
from cases.storage.working import TokenRow

if TYPE_CHECKING:
    from datetime import datetime

    from cases.storage import Book, Store

# So that a key that has leaked is recognised where it lies.
PREFIX = "wgt_"
BYTES = 32
NAME_CHARACTERS = 60
LONGEST = 200
# That a key is in use is written down once in so long, not at every call.
USED_AGAIN = timedelta(hours=1)


def issue(book: Book, account: StaffRow, name: str, now: datetime) -> str:
    """Make a key that acts as this account, and return it: it can never be read again. Raises LookupError."""
    if not account.active:
        raise LookupError(f"账号 {account.login} 已经停用")
    if not name.strip() or any(token.name == name.strip() for token in book.tokens_of(account.id)):
        raise LookupError("请给令牌起个名字，和这个账号别的令牌不一样。")
    key = PREFIX + secrets.token_urlsafe(BYTES)
    name = name.strip()[:NAME_CHARACTERS]
    book.add(TokenRow(staff_id=account.id, name=name, digest=_digest(key), created_at=now))
    audit.note(book, None, "token", account.login, f"发放“{name}”", now)
    return key


def revoke(book: Book, account: StaffRow, name: str | None, now: datetime) -> int:
    """End the account's key of this name, or all of them; return how many ended."""
    ended = [token for token in book.tokens_of(account.id) if name is None or token.name == name]
    for token in ended:
        token.revoked_at = now
        audit.note(book, None, "token", account.login, f"收回“{token.name}”", now)
    return len(ended)


def owner(store: Store, key: str, now: datetime, *, samples_allowed: bool) -> int | None:
    """Return the id of the staff member as whom this key acts, or None for what is no key, or no longer one.

    In production the sample city's accounts have no keys, as they have no logins.
    """
    if not key.startswith(PREFIX) or len(key) > LONGEST:
        return None
    with store.read() as book:
        token = book.token(_digest(key))
        account = book.get(StaffRow, token.staff_id) if token is not None else None
    if token is None or token.revoked_at is not None or account is None or (account.sample and not samples_allowed):
        return None
    if token.used_at is None or now - token.used_at >= USED_AGAIN:
        with store.write() as book:
            row = book.lock_row(TokenRow, token.id)
            if row is not None:
                row.used_at = now
    return token.staff_id


def _digest(key: str) -> str:
    """Return the SHA-256 of a key: it is long and random, so that nothing slower is needed."""
    return hashlib.sha256(key.encode()).hexdigest()
