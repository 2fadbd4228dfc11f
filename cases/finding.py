"""Finding cases: what was typed, the names in it, and the cases that it may mean for this person."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cases import contacts, facts, handling, search
from cases.search import tag
from cases.storage.tables import CaseRow
from classifier.text import fold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cases.access import Actor
    from cases.city import City
    from cases.search import Piece, Query
    from cases.storage import Book, Filter, QueuePage

# Of a name that more units bear, the first ones are looked for.
NAMED = 100


@dataclass(frozen=True)
class Found:
    """A page of what was found, the query that found it, and the case whose number was typed, if it is theirs.

    `behind`: the index is still being made, older cases may be missing.
    """

    page: QueuePage
    query: Query
    case: CaseRow | None = None
    behind: bool = False


def find(book: Book, city: City, actor: Actor, typed: str, wanted: Filter, order: str = "due", page: int = 1) -> Found:
    """Return the cases that `actor` may see and that fit what was typed and chosen."""
    query = read(book, city, actor, typed)
    found = book.find(handling.findable(city, actor), replace(wanted, query=query), order, page)
    return Found(found, query, _by_number(book, city, actor, query), book.terms_behind())


def read(book: Book, city: City, actor: Actor, typed: str) -> Query:
    """Return what was typed as a query; its words may be part of the names of units, kinds and staff."""
    query = search.parse(typed, veiled=actor.role == "dispatcher")
    return search.with_names(query, lambda words: _named(book, city, words))


def _by_number(book: Book, city: City, actor: Actor, query: Query) -> CaseRow | None:
    case = book.get(CaseRow, query.case_id) if query.case_id is not None else None
    return case if case is not None and facts.relations(book, city, actor, case) else None


def _named(book: Book, city: City, words: str) -> tuple[str, ...]:
    """Return the tags of the units, kinds and people in whose names these words are."""
    bearing = set(_bearing([unit.name for unit in city.units.values()], words))
    units = [unit.id for at, unit in enumerate(city.units.values()) if at in bearing]
    kinds = list(city.categories.values())
    tags = [tag(of, unit) for unit in units[:NAMED] for of in ("held", "grid")]
    tags += [tag("kind", kinds[at].code) for at in _bearing([kind.full_name for kind in kinds], words)[:NAMED]]
    return (*tags, *(tag("staff", each) for each in book.staff_named(words)))


def _bearing(names: Sequence[str], words: str) -> list[int]:
    """Return at which places of a list the words are in the name."""
    return [at for at, name in enumerate(fold("\n".join(names)).split("\n")) if words in name]


def excerpts(book: Book, found: Found) -> dict[int, tuple[Piece, ...]]:
    """Return for each case of a page where the words are found in it, numbers masked; else the report's beginning."""
    said = book.texts_of([case.id for case in found.page.cases])
    shown = {}
    for case in found.page.cases:
        texts = [contacts.hidden(words) for words in said.get(case.id, ())]
        best = next((words for words in texts if search.hits(words, found.query)), contacts.hidden(case.text))
        shown[case.id] = search.snippet(best, found.query)
    return shown
