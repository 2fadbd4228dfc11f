"""The same matter twice: suggested by meaning, place and time; joined by staff, and taken apart again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from cases import facts, ledger
from cases.geo import metres
from cases.ledger import SYSTEM, NotAllowed
from cases.messages import Message, owe
from cases.numbers import number_of, spoken
from cases.storage.tables import CaseRow, FollowerRow
from cases.words import JOINED, title_of
from cases.workflow import UNRESOLVED, Action

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from cases.access import Actor
    from cases.city import City
    from cases.deeds import Deed
    from cases.storage import Book

# What is looked at: cases in work, opened within so many days of each other, in the same grid or so near.
LATELY = timedelta(days=30)
NEAR_METRES = 300.0
LOOKED_AT = 200
SHOWN = 5
# From this likeness on (0 to 1: kind and meaning a quarter each, place 0.3, time 0.2) two cases may be one matter.
LIKELY = 0.5
# Of another kind the words must be so much alike: the same door has many matters.
SURE_MEANING = 0.45
# So near is as good as the same spot.
VERY_NEAR = 30.0


@dataclass(frozen=True)
class Twin:
    """A case that may be about the same matter: how alike (0 to 1), and why, in words."""

    case: CaseRow
    likeness: float
    why: str


def suggest(
    book: Book, city: City, actor: Actor, case: CaseRow, alike: Callable[[str, Sequence[str]], Sequence[float]]
) -> list[Twin]:
    """Return the cases in work that may be the same matter, the likeliest first; only those that `actor` may see.

    `alike` compares a text with others: likeness in meaning from 0 to 1 for each.
    """
    if case.state not in UNRESOLVED or not case.text.strip():
        return []
    around = [each for each in book.cases_around(case, LATELY, LOOKED_AT) if distance(case, each) is not None]
    scores = alike(case.text, [each.text for each in around])
    twins = [_twin(case, each, score) for each, score in zip(around, scores, strict=True)]
    likely = sorted((twin for twin in twins if twin.likeness >= LIKELY), key=lambda twin: -twin.likeness)
    return [twin for twin in likely if facts.relations(book, city, actor, twin.case)][:SHOWN]


def distance(one: CaseRow, other: CaseRow) -> float | None:
    """Return how far two cases are apart in metres, 0 for the same words; None: too far, or nobody knows."""
    if one.place_words and one.place_words == other.place_words:
        return 0.0
    if one.lon is not None and one.lat is not None and other.lon is not None and other.lat is not None:
        apart = metres(one.lon, one.lat, other.lon, other.lat)
        return apart if apart <= NEAR_METRES else None
    return NEAR_METRES if one.grid_id is not None and one.grid_id == other.grid_id else None


def _twin(case: CaseRow, other: CaseRow, meaning: float) -> Twin:
    apart = distance(case, other) or 0.0
    days = abs(case.opened_at - other.opened_at) / timedelta(days=1)
    same_kind = case.category_code is not None and case.category_code == other.category_code
    place, time = 1 - apart / NEAR_METRES, 1 - days / LATELY.days
    likeness = 0.0
    if (meaning >= SURE_MEANING or same_kind) and bool(case.urgent) == bool(other.urgent):
        likeness = 0.25 * same_kind + 0.25 * meaning + 0.3 * place + 0.2 * time
    said = ["同一类"] if same_kind else []
    said += ["说的话很像"] if meaning >= LIKELY else []
    said.append(_where(case, other, apart))
    return Twin(other, round(min(likeness, 1.0), 3), "，".join(said))


def _where(case: CaseRow, other: CaseRow, apart: float) -> str:
    if case.place_words and case.place_words == other.place_words:
        return "同一个地方"
    if apart >= NEAR_METRES:
        return "同一个网格"
    return f"相距约 {apart:.0f} 米" if apart >= VERY_NEAR else "离得很近"


def merge(deed: Deed) -> None:
    """Let this case end in another one: its resident follows that one, and keeps hearing."""
    target = deed.book.get(CaseRow, deed.inputs.other)
    if target is None or not facts.relations(deed.book, deed.city, deed.actor, target) or target.id == deed.case.id:
        raise NotAllowed("没有找到要并入的工单，请核对号码。")
    if target.state not in UNRESOLVED:  # `handling.act` has locked both
        raise NotAllowed("要并入的工单已经不在办了。")
    number = spoken(number_of(target.id))
    row = deed.step(Action.MERGE, text=f"和工单 {number} 是同一件事。{deed.inputs.text}".strip())
    deed.case.merged_into_id = target.id
    follow(deed.book, deed.case, target, deed.now)
    text = JOINED.format(title=title_of(deed.case.text), number=spoken(number_of(deed.case.id)), other=number)
    owe(deed.book, deed.case, Message("merged", text), deed.now, history_id=row.id)


def follow(book: Book, case: CaseRow, target: CaseRow, now: datetime) -> None:
    """Let the reporter of `case`, and those who followed it, follow `target`; its history says so."""
    known = set(book.followers(target.id)) | {target.resident_id}
    for resident_id in (case.resident_id, *book.followers(case.id)):
        if resident_id is not None and resident_id not in known:
            book.add(FollowerRow(case_id=target.id, resident_id=resident_id, created_at=now))
            known.add(resident_id)
    ledger.record(book, target, "joined", SYSTEM, now, text=f"工单 {spoken(number_of(case.id))}")


def unmerge(deed: Deed) -> None:
    """Take a merged case apart again: it goes on by itself, where it was."""
    target = deed.book.get(CaseRow, deed.case.merged_into_id) if deed.case.merged_into_id is not None else None
    deed.step(Action.UNMERGE)
    deed.case.merged_into_id = None
    if target is None:
        return
    others = {each.resident_id for each in deed.book.merged_into(target.id) if each.id != deed.case.id}
    if deed.case.resident_id is not None and deed.case.resident_id not in others:
        deed.book.unfollow(target.id, deed.case.resident_id)
    ledger.record(deed.book, target, "parted", SYSTEM, deed.now, text=f"工单 {spoken(number_of(deed.case.id))}")
