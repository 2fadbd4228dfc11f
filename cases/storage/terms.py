"""The index of terms: SQLite's FTS5, or PostgreSQL's tsvector with a GIN index, behind one interface.

Neither database parses anything: terms are cut by `cases.search`, the index takes them as they are. The newest cases
are found first, so that a word which half of all cases have costs no more than a rare one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import text
from sqlalchemy.orm import Mapped, mapped_column

from cases.search import Phrase, tag
from cases.storage.tables import Base
from cases.workflow import OPEN, State

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlalchemy.orm import Session

    from cases.search import Entry, Query, Term
    from cases.storage.scope import Filter, Reach, Scope

# Of more kinds than these the database itself sees which fit.
MOST_KINDS = 40
# Pages of the index that are merged in one step: a tenth of a second.
MERGED = 500
# Every case has it: there is no "not" without something that is not left out.
ANY = tag("case", "any")
# No case has it: what may be none of nothing is nothing.
NONE = tag("case", "none")
# PostgreSQL looks through so many of the newest cases before it looks through all, or a bitmap of half of them is made.
WINDOWS = (30_000, 300_000)


class TermsDueRow(Base):
    """A case whose entry in the index is to be made anew by the sweeper. `case_terms` itself is not a table of ours."""

    __tablename__ = "terms_due"
    case_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


@dataclass(frozen=True)
class Asked:
    """What is asked of the index: one of each group must occur, none of `without`; ids above `low`, below `high`."""

    groups: tuple[tuple[Phrase | str, ...], ...]
    without: tuple[Phrase | str, ...] = ()
    low: int = 0
    high: int = 2**31 - 1


class TermIndex(Protocol):
    """The terms of all cases, within one transaction."""

    def put(self, entries: Mapping[int, Entry]) -> None:
        """Let these cases be found by these terms, and by no others."""

    def drop(self, case_ids: Iterable[int]) -> None:
        """Let these cases be found by nothing."""

    def newest(self, asked: Asked, most: int) -> Sequence[int]:
        """Return the ids of the newest cases that fit, the newest first."""

    def tidy(self, *, begin: bool) -> bool:
        """Do a step of putting the index's parts into one, and say whether there is more to do."""


def ask(query: Query, sieve: Iterable[tuple[str, ...]]) -> Asked:
    """Return what the index is asked for a query within the tags of a sieve."""
    groups = tuple(tuple(_ways(term)) for term in query.terms) + tuple(sieve)
    return Asked(groups or ((ANY,),), tuple(way for term in query.without for way in _ways(term)))


def _ways(term: Term) -> Iterator[Phrase | str]:
    if term.phrase is not None:
        yield term.phrase
    yield from term.tags


def sieve(scope: Scope, wanted: Filter) -> list[tuple[str, ...]]:
    """Return groups of tags of which a case that fits has one each; what the tags cannot say is left open."""
    groups: list[tuple[str, ...]] = []
    if scope.reach is not None:
        groups.append(tuple(_reach(scope.reach)) or (NONE,))
    if scope.holder_id is not None:
        groups.append((tag("held", scope.holder_id),))
    groups += [(_unit(path),) for path in (scope.below, wanted.below) if path is not None]
    for states in (scope.states, wanted.states):
        if states is not None and len(states) < len(State):
            groups.append(tuple(tag("state", each) for each in sorted(states)) or (NONE,))
    for kinds in (scope.kinds, wanted.kinds):
        if kinds is not None and len(kinds) <= MOST_KINDS:
            groups.append(tuple(tag("kind", each) for each in sorted(kinds)) or (NONE,))
    if wanted.ratings is not None:
        groups.append(tuple(tag("rated", each) for each in sorted(wanted.ratings)) or (NONE,))
    groups += [(tag(name, "any"),) for name in ("photos", "anonymous") if getattr(wanted, name)]
    return list(dict.fromkeys(groups))


def by_tags(wanted: Filter, order: str) -> bool:
    """Say whether the index is quicker than the rows where no words are asked for.

    Of cases in work the rows have an index of their own, which is also exact in its order.
    """
    if order == "oldest" or wanted.card is not None or (wanted.states is not None and wanted.states <= OPEN):
        return False
    chosen = (wanted.states, wanted.kinds, wanted.below, wanted.ratings, wanted.opened_from, wanted.opened_to)
    return any(each is not None for each in chosen) or bool(wanted.photos or wanted.anonymous or wanted.urgent)


def _reach(reach: Reach) -> Iterator[str]:
    yield from (tag("held", each) for each in sorted(reach.holders))
    if reach.below is not None:
        yield _unit(reach.below)
    if reach.reporter_id is not None:
        yield tag("by", reach.reporter_id)
    if reach.part_of is not None:
        yield tag("part", reach.part_of)


def _unit(path: str) -> str:
    return tag("unit", path.rstrip("/").rpartition("/")[2])


class SqliteTerms:
    """FTS5: a row's id is the case's; signs below 128 that are no letters part terms, all others belong to them."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def put(self, entries: Mapping[int, Entry]) -> None:
        """Let these cases be found by these terms, and by no others."""
        rows = [{"id": key, "terms": " ".join([*each.line(), *sorted(each.tags)])} for key, each in entries.items()]
        if rows:
            self._session.execute(text("INSERT OR REPLACE INTO case_terms (rowid, terms) VALUES (:id, :terms)"), rows)

    def drop(self, case_ids: Iterable[int]) -> None:
        """Let these cases be found by nothing."""
        for case_id in case_ids:
            self._session.execute(text("DELETE FROM case_terms WHERE rowid = :id"), {"id": case_id})

    def newest(self, asked: Asked, most: int) -> Sequence[int]:
        """Return the ids of the newest cases that fit, the newest first."""
        query = text(
            "SELECT rowid FROM case_terms WHERE case_terms MATCH :asked AND rowid > :low AND rowid < :high"
            " ORDER BY rowid DESC LIMIT :most"
        )
        words = " AND ".join(f"({' OR '.join(map(_fts, group))})" for group in asked.groups)
        words = f"({words}) NOT ({' OR '.join(map(_fts, asked.without))})" if asked.without else words
        values = {"asked": words, "low": asked.low, "high": asked.high, "most": most}
        return [int(found) for found in self._session.scalars(query, values)]

    def tidy(self, *, begin: bool) -> bool:
        """Merge some pages. What was deleted stays in FTS5's older parts until they are merged, then it is gone."""
        before = self._session.scalar(text("SELECT total_changes()")) or 0
        step = text("INSERT INTO case_terms (case_terms, rank) VALUES ('merge', :pages)")
        self._session.execute(step, {"pages": -MERGED if begin else MERGED})
        return (self._session.scalar(text("SELECT total_changes()")) or 0) - before > 1


def _fts(way: Phrase | str) -> str:
    if isinstance(way, str):
        return f'"{way}"'
    return f'"{" ".join(way.terms)}"{" *" if way.open_end else ""}'


class PostgresTerms:
    """A tsvector written term by term: words with their positions, tags without."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def put(self, entries: Mapping[int, Entry]) -> None:
        """Let these cases be found by these terms, and by no others."""
        query = text(
            "INSERT INTO case_terms (case_id, terms) VALUES (:id, CAST(:terms AS tsvector))"
            " ON CONFLICT (case_id) DO UPDATE SET terms = excluded.terms"
        )
        rows = [{"id": key, "terms": _vector(entry)} for key, entry in sorted(entries.items())]
        if rows:
            self._session.execute(query, rows)

    def drop(self, case_ids: Iterable[int]) -> None:
        """Let these cases be found by nothing."""
        self._session.execute(text("DELETE FROM case_terms WHERE case_id = ANY(:ids)"), {"ids": list(case_ids)})

    def newest(self, asked: Asked, most: int) -> Sequence[int]:
        """Return the ids of the newest cases that fit, the newest first."""
        words = " & ".join(f"({' | '.join(map(_tsquery, group))})" for group in asked.groups)
        words += "".join(f" & !({_tsquery(way)})" for way in asked.without)
        query = text(
            "SELECT case_id FROM case_terms WHERE terms @@ CAST(:asked AS tsquery) AND case_id > :low"
            " AND case_id < :high ORDER BY case_id DESC LIMIT :most"
        )
        found: list[int] = []
        for low, high in self._windows(asked):
            values = {"asked": words, "low": low, "high": high, "most": most - len(found)}
            found += self._session.scalars(query, values)
            if len(found) >= most:
                break
        return found

    def tidy(self, *, begin: bool) -> bool:  # noqa: ARG002 - there are no steps
        """Bring what waits in the index's own list to its place."""
        self._session.execute(text("SELECT gin_clean_pending_list('ix_case_terms_terms')"))
        return False

    def _windows(self, asked: Asked) -> Iterator[tuple[int, int]]:
        """Yield spans of ids, the newest first; each joins the one before."""
        last = self._session.scalar(text("SELECT max(case_id) FROM case_terms")) or 0
        high = min(asked.high, last + 1)
        for low in (*(high - span for span in WINDOWS), asked.low):
            if low <= asked.low:
                yield asked.low, high
                return
            yield low, high
            high = low + 1


def _vector(entry: Entry) -> str:
    places: dict[str, list[int]] = {}
    for at, term in enumerate(entry.line(), 1):
        places.setdefault(term, []).append(at)
    words = [f"{_quoted(term)}:{','.join(map(str, at))}" for term, at in places.items()]
    return " ".join([*words, *map(_quoted, sorted(entry.tags))])


def _tsquery(way: Phrase | str) -> str:
    if isinstance(way, str):
        return _quoted(way)
    terms = [*map(_quoted, way.terms)]
    return f"({' <-> '.join(terms)}{':*' if way.open_end else ''})"


def _quoted(term: str) -> str:
    return "'" + term.replace("\\", "\\\\").replace("'", "''") + "'"


def index_of(session: Session) -> TermIndex:
    """Return the index of the database behind a session."""
    return PostgresTerms(session) if session.get_bind().dialect.name == "postgresql" else SqliteTerms(session)
