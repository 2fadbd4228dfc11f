"""Trying a rule set on last month's cases before it goes live: what would have gone elsewhere, and where to."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from cases.deciding import decide_case, outline_of, place_of
from cases.rule_checks import build

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from cases.city import City
    from cases.rules import Draft, Rule
    from cases.storage import Book
    from cases.storage.tables import CaseRow

LATELY = timedelta(days=31)
# So many cases are tried, the latest first; and so many of those that move are shown.
MOST, SHOWN = 5000, 50


@dataclass(frozen=True)
class Moved:
    """A case that would go elsewhere: the units, and the name of the rule that sends it (empty: none does)."""

    case: CaseRow
    before: str
    after: str
    rule: str


@dataclass(frozen=True)
class Rehearsal:
    """What a rule set would have done: of how many cases, which flows how often, and the first cases of them.

    `capped`: there were more cases than are tried. `fired` counts, for each rule, the cases that it would decide.
    """

    tried: int
    moved: int
    flows: tuple[tuple[str, str, int], ...]
    shown: tuple[Moved, ...]
    fired: dict[int, int]
    capped: bool


def rehearse(book: Book, city: City, drafts: Sequence[Draft], now: datetime) -> Rehearsal:
    """Decide last month's cases by the city's rules and by these, as they stood when they came in."""
    cases = book.opened_since(now - LATELY, MOST + 1)
    return compare(city, cases[:MOST], build(drafts, city.known), capped=len(cases) > MOST)


def compare(city: City, cases: Sequence[CaseRow], rules: Sequence[Rule], *, capped: bool = False) -> Rehearsal:
    """Decide each case twice and count what differs."""
    names = {rule.id: rule.name for rule in rules}
    moved: list[Moved] = []
    fired: Counter[int] = Counter()
    for case in cases:
        place = outline_of(case) if case.grid_id is not None else place_of(city, case)
        old, new = decide_case(city, case, place=place), decide_case(city, case, rules, place)
        before, after = (city.queue_unit(each.queue, case.grid_id) for each in (old, new))
        if new.rule_id is not None:
            fired[new.rule_id] += 1
        if before.id != after.id:
            moved.append(Moved(case, before.name, after.name, names.get(new.rule_id or 0, "")))
    flows = Counter((each.before, each.after) for each in moved)
    counted = tuple((before, after, count) for (before, after), count in flows.most_common())
    return Rehearsal(len(cases), len(moved), counted, tuple(moved[:SHOWN]), dict(fired), capped)
