"""Signed links to a resident's own pages, such as the bot and its notices send. They expire; nothing in them is secret.

A link holds the resident's id, a mark that only this resident has (ids may be given again after an erasure), and the
page; no openid, no phone, no words.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer

from bot import phrases
from bot.protocol import REPLY_BYTES
from cases.numbers import number_of
from cases.storage.tables import ResidentRow

if TYPE_CHECKING:
    from cases.storage import Book
    from cases.storage.tables import CaseRow

LIFETIME = timedelta(days=7)
SALT = "residents-link"
PAGES = "/h5/"


class BadLink(Exception):  # noqa: N818 - the house's word for a refusal
    """A link opens nothing; `expired`: it once did."""

    def __init__(self, *, expired: bool) -> None:
        super().__init__("expired" if expired else "forged")
        self.expired = expired


@dataclass(frozen=True)
class Visit:
    """What a link opens: whose pages, and which of them (a path below `/h5/`)."""

    resident_id: int
    mark: str
    page: str


def with_link(words: str, link: str) -> str:
    """Return the words with the link below them, if WeChat takes both: half a link is none."""
    both = f"{words}\n{link}"
    return both if words and link and len(both.encode()) <= REPLY_BYTES else words


class Links:
    """Makes and reads the links. Without a public address there are none."""

    def __init__(self, key: str, base: str) -> None:
        self._key, self.base = key.encode(), base
        self._signer = URLSafeTimedSerializer(key, salt=SALT, signer_kwargs={"digest_method": hashlib.sha256})

    def to(self, resident: ResidentRow, page: str = "") -> str:
        """Return the address that opens this resident's page, or nothing when the public address is not known."""
        if not self.base:
            return ""
        token = self._signer.dumps([resident.id, self.mark(resident), page])
        return f"{self.base}{PAGES}s/{token}"

    def offer(self, resident: ResidentRow, case: CaseRow | None = None) -> str:
        """Return the line that offers the page of this case, or of all; empty without a public address."""
        address = self.to(resident, f"cases/{number_of(case.id)}" if case is not None else "")
        return phrases.PAGE.format(address=address) if address else ""

    def read(self, token: str) -> Visit:
        """Return what a token opens. Raises BadLink."""
        try:
            resident_id, mark, page = self._signer.loads(token, max_age=int(LIFETIME.total_seconds()))
        except SignatureExpired:
            raise BadLink(expired=True) from None
        except (BadSignature, ValueError, TypeError):
            raise BadLink(expired=False) from None
        return Visit(resident_id, mark, page)

    def mark(self, resident: ResidentRow) -> str:
        """Return what only this resident has, and what tells nothing about them."""
        who = f"{SALT}|{resident.account}|{resident.openid}".encode()
        return hmac.new(self._key, who, hashlib.sha256).hexdigest()[:16]

    def whose(self, book: Book, resident_id: int, mark: str) -> ResidentRow | None:
        """Return the resident with this id and mark; None when they are gone."""
        resident = book.get(ResidentRow, resident_id)
        same = resident is not None and hmac.compare_digest(self.mark(resident), mark)
        return resident if same else None
