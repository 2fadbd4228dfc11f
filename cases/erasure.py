"""Forgetting a resident, for good: in the database, among the files, for the classifier, and in what is restored later.

The cases stay, for the record of what was done; the words, places, voices and photos that came from the resident go.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from cases import audit, failures, ledger
from cases.storage.erasures import ErasureRow

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from cases.storage import Book, Store
    from cases.storage.tables import ResidentRow
    from cases.tombstones import Stones, Tombstones

    Only = Callable[[Book, ResidentRow], bool]

# How routing's reason about the place begins (cases/routing.py).
ABOUT_PLACE = "地点："
BATCH = 200


@dataclass
class Erased:
    """What went: cases made anonymous, files, messages; and which versions of the classifier had learnt from it."""

    residents: int = 0
    cases: int = 0
    messages: int = 0
    files: list[str] = field(default_factory=list)
    versions: list[str] = field(default_factory=list)


class _Undone(Exception):  # noqa: N818 - no error: the end of a rehearsal
    """What was done shall not be kept."""


@dataclass(frozen=True)
class Forgetting:
    """What it takes to forget somebody: the case book, what removes a file, and the file of who was forgotten."""

    store: Store
    remove: Callable[[str], None]
    tombstones: Tombstones

    def forget(self, openid: str, now: datetime, only: Only = lambda _book, _resident: True) -> Erased:
        """Forget a resident, delete their files, and see to it that they stay forgotten.

        In every account that they wrote to, or in those for which `only` says so, asked under the resident's lock.
        """
        with self.store.write() as book:
            erased = erase_resident(book, openid, now, only)
        for file in erased.files:
            self.remove(file)
        self.keep()
        return erased

    def keep(self) -> int:
        """Write down beside the database who was forgotten; return how many were not there yet."""
        with self.store.read() as book:
            return self.tombstones.keep(book)

    def rehearse(self, openid: str, now: datetime) -> Erased:
        """Return what would go, and let everything stay."""
        erased = Erased()
        with suppress(_Undone), self.store.write() as book:
            erased = erase_resident(book, openid, now)
            raise _Undone
        return erased

    def reapply(self, now: datetime) -> Erased:
        """Forget again whom an older backup has brought back: everybody who was forgotten after they wrote first.

        Somebody who was forgotten and came back by themselves stays. Run it before anybody can write; running it again
        is harmless.
        """
        stones, total, last = self.tombstones.read(), Erased(), 0
        while True:
            with self.store.read() as book:
                rows = book.residents_after(last, BATCH)
                back = [row.openid for row in rows if _is_back(stones, book, row)]
            for openid in back:
                again = self.forget(openid, now, only=partial(_is_back, stones))
                total.residents, total.cases = total.residents + again.residents, total.cases + again.cases
                total.messages, total.files = total.messages + again.messages, total.files + again.files
            if len(rows) < BATCH:
                return total
            last = rows[-1].id


def _is_back(stones: Stones, book: Book, resident: ResidentRow) -> bool:
    forgotten = stones.when(_known_by(resident))
    return forgotten is not None and book.first_heard(resident) <= forgotten


def _known_by(resident: ResidentRow) -> str:
    return f"{resident.account}|{resident.openid}"


def erase_resident(book: Book, openid: str, now: datetime, only: Only = lambda _book, _resident: True) -> Erased:
    """Forget a resident in every account, or in those for which `only` says so; the caller deletes the files."""
    erased = Erased()
    for resident in book.resident(openid):
        book.lock_resident(resident.account, resident.openid)
        if not only(book, resident):
            continue
        cases = book.all_cases_of(resident.id)
        learnt = book.learnt_by([case.id for case in cases])
        book.add(ErasureRow(digest=_known_by(resident), at=now, versions=learnt))
        erased.versions += learnt
        for case in cases:
            erased.files += book.forget_talk(case)
            case.resident_id, case.text, case.rating_words = None, "", ""
            case.reasons = [reason for reason in case.reasons if not reason.startswith(ABOUT_PLACE)]
            case.place_words, case.lon, case.lat, case.evidence = "", None, None, []
            book.forget_label(case.id)
            ledger.record(book, case, "erase", ledger.SYSTEM, now, text="居民的个人信息已删除")
            erased.cases += 1
        failures.forget(book, resident.account, resident.openid)
        erased.messages += book.forget_resident(resident)
        erased.residents += 1
    if erased.residents:
        erased.versions = list(dict.fromkeys(erased.versions))
        taught = f"，分类器 {'、'.join(erased.versions)} 可能学过" if erased.versions else ""
        what = f"{erased.cases} 个工单转为匿名，删掉 {len(erased.files)} 个文件"
        audit.note(book, None, "erase", "居民", f"{what}{taught}", now)
    return erased
