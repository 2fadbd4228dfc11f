"""One matter, many residents: the same thing already reported nearby, and who follows whose case."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from cases import lifecycle, merging
from cases.geo import metres
from cases.ledger import REPORTER
from cases.storage.tables import CaseRow
from cases.workflow import Action, Facts, State, find

if TYPE_CHECKING:
    from datetime import datetime

    from cases.city import City
    from cases.storage import Book

# The same kind of thing, so near and so lately, is probably the same thing.
NEAR_METRES = 150.0
LATELY = timedelta(days=14)
# Only a place that somebody named or sent can be near another.
NAMED = frozenset({"text", "location"})


@dataclass(frozen=True)
class Nearby:
    """A neighbour's case about the same thing, and how many residents it counts so far."""

    case: CaseRow
    residents: int


def nearby(book: Book, city: City, case: CaseRow, now: datetime) -> Nearby | None:
    """Return the case of neighbours that this one is probably about, the one with most residents, or None.

    Nothing is said of matters that are no public thing: those without a place, and danger to life.
    """
    category = city.categories.get(case.category_code or "")
    sure = case.category_by != "classifier" or city.sure(case.category_code, case.guesses)
    if category is None or not category.needs_place or not sure or case.urgent or case.place_source not in NAMED:
        return None
    found = [each for each in book.same_kind(case, now - LATELY) if not each.urgent and _near(case, each)]
    counted = [Nearby(each, heat(book, each)) for each in found]
    return max(counted, key=lambda one: one.residents, default=None)


def heat(book: Book, case: CaseRow) -> int:
    """Return how many residents a case counts: who reported it, and who follows."""
    return len(book.followers(case.id)) + (case.resident_id is not None)


def _near(one: CaseRow, other: CaseRow) -> bool:
    if other.place_source not in NAMED:
        return False
    if one.lon is None or one.lat is None or other.lon is None or other.lat is None:
        return bool(one.place_words) and one.place_words == other.place_words
    return metres(one.lon, one.lat, other.lon, other.lat) <= NEAR_METRES


def join(book: Book, city: City, case: CaseRow, target: CaseRow, now: datetime, *, words: str = "") -> None:
    """Let the reporter of `case` follow `target`; what they told goes there, and their own case ends in it.

    A case that is in somebody's hands already goes on by itself.
    """
    merging.follow(book, case, target, now)
    if find(State(case.state), Action.MERGE, REPORTER.relations, Facts()) is None:
        return
    lifecycle.step(book, city, case, Action.MERGE, REPORTER, now, text=words)
    case.merged_into_id = target.id


def leading(book: Book, case: CaseRow) -> CaseRow:
    """Return the case that tells how this one stands: itself, or the one that it was merged into."""
    target = book.get(CaseRow, case.merged_into_id) if case.merged_into_id is not None else None
    return target or case
