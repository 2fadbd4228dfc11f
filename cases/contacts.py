"""Residents' numbers: who may see them, each look recorded; for all others they are masked in every text."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from cases import audit
from cases.ledger import NotAllowed
from cases.numbers import number_of
from cases.phones import PAPER, PAPER_SIGN, PHONE, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from cases.access import Actor
    from cases.storage import Book
    from cases.storage.tables import CaseRow, HistoryRow

WHY = ("联系居民办理", "核实情况", "回访", "其他")
# Who has looked reads the case's texts as they are for so long: a working day.
SEEN = timedelta(hours=12)
HEAD, TAIL = 3, 4
# What phones' keyboards write for digits in Chinese text.
WIDE = str.maketrans("０１２３４５６７８９－＋", "0123456789-+")


@dataclass(frozen=True)
class Offer:
    """What a case's page says of the resident's numbers: masked, and whether this person may look at them."""

    masked: tuple[str, ...]
    may: bool
    anonymous: bool
    reasons: tuple[str, ...] = WHY


def numbers(case: CaseRow, history: Iterable[HistoryRow]) -> list[str]:
    """Return the numbers that the resident left in their own words, digits only, each once; none when anonymous."""
    if case.anonymous:
        return []
    said = "\n".join([case.text, *(row.text for row in history if row.who == "resident")]).translate(WIDE)
    found = (plain(match[0]) for match in PHONE.finditer(PAPER.sub(PAPER_SIGN, said)))
    return list(dict.fromkeys(found))


def masked(number: str) -> str:
    """Return a number of which only the ends can be read: 138****5678."""
    digits = plain(number)
    return digits[:HEAD] + "*" * (len(digits) - HEAD - TAIL) + digits[-TAIL:]


def hidden(text: str) -> str:
    """Return a text with its phone numbers masked and without the numbers of identity papers."""
    without_papers = PAPER.sub(PAPER_SIGN, text.translate(WIDE))
    return PHONE.sub(lambda match: masked(match[0]), without_papers)


def may_look(actor: Actor) -> bool:
    """Say whether somebody may look at residents' numbers: a right of its own, which dispatchers have."""
    return actor.contacts or actor.role == "dispatcher"


def offer(actor: Actor, case: CaseRow, history: Sequence[HistoryRow]) -> Offer:
    """Return what the page of a case says of the resident's numbers."""
    return Offer(tuple(masked(each) for each in numbers(case, history)), may_look(actor), case.anonymous)


def look(book: Book, actor: Actor, case: CaseRow, why: str, now: datetime) -> list[str]:
    """Return the resident's numbers and note the look, with its reason, in the audit trail.

    The caller has checked that the case is this person's business. Nothing is noted where there is nothing to see.
    Raises NotAllowed without the right, and without one of the reasons in WHY.
    """
    if not may_look(actor):
        raise NotAllowed("您的账号不能看居民的电话。要联系居民，请在工单里回复，或请派单员帮忙。")
    if why not in WHY:
        raise NotAllowed("请先选为什么要看。")
    found = numbers(case, book.history(case.id))
    if found:
        audit.note(book, actor, "contact", number_of(case.id), why, now)
    return found


def has_looked(book: Book, actor: Actor, case: CaseRow, now: datetime) -> bool:
    """Say whether this person has lately looked at this case's numbers, so that its texts hide nothing from them.

    Who lost the right, or whose case became anonymous, has not.
    """
    if case.anonymous or not may_look(actor):
        return False
    return book.has_line(actor.staff_id, "contact", number_of(case.id), now - SEEN)


def readable(text: str, *, looked: bool) -> str:
    """Return a text of a case as this person may read it: as it is when they have looked, else with masked numbers."""
    return text if looked else hidden(text)
