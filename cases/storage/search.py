"""The queries that find cases, and what keeps the index of their terms true."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, delete, event, false, func, insert, or_, select, text, true
from sqlalchemy.orm import attributes

from cases.numbers import number_of
from cases.search import entry_of, has_phone, tag
from cases.storage.lists import ORDERS, PAGE, QueuePage, fitting, in_scope, turned
from cases.storage.tables import AttachmentRow, CaseRow, CategoryRow, HistoryRow, StaffRow, UnitRow
from cases.storage.terms import ANY, TermsDueRow, ask, by_tags, index_of, sieve
from cases.storage.working import TaskRow
from cases.workflow import OPEN

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Row, Select
    from sqlalchemy.orm import Session

    from cases.search import Entry
    from cases.storage.scope import Filter, Scope
    from cases.storage.tables import Base
    from cases.storage.terms import Asked

# So many of the newest cases in which the words occur are looked at; so many are counted.
CANDIDATES, COUNTED = 3000, 1000
# So many cases with a phone's last digits are read for the whole number.
PHONES_READ = 300
NAMED = 100
# Clocks differ by less.
SLACK_IDS = 50
# What of a case is in its entry: words, and what makes its tags.
WORDS = ("text", "place_words", "result", "rating_words")
TAGGED = (
    *("anonymous", "state", "category_code", "grid_id", "holder_id", "handler_id", "reporter_id", "first_unit_id"),
    *("rating", "urgent"),
)
WORDS_OF = {CaseRow: WORDS, HistoryRow: ("text",), AttachmentRow: ("transcript",)}
PUT_OFF = "INSERT INTO terms_due (case_id) VALUES (:id) ON CONFLICT (case_id) DO UPDATE SET case_id = excluded.case_id"


class SearchQueries:
    """The part of the case book that finds cases.

    `_touched`: the cases whose entries change, and whether something is found no longer; `_moved`: units with another
    path, whose cases are other people's business now.
    """

    _session: Session
    _touched: dict[int, bool]
    _moved: set[int]

    # -- finding -----------------------------------------------------------------------------------------------

    def find(self, scope: Scope, wanted: Filter, order: str = "due", page: int = 1) -> QueuePage:
        """Return a page of the cases in `scope` that are wanted. Rights are the scope's: nothing else is looked at."""
        if not wanted.query and (not by_tags(wanted, order) or self.terms_behind()):
            return self._plain(scope, wanted, order, page)
        ids, among = self._candidates(scope, wanted, order)
        # Wrapped, so that no index tempts the database away from the rows that are known.
        fits = func.coalesce(and_(true(), *in_scope(scope), *fitting(wanted)), false())
        query = select(CaseRow.id).where(CaseRow.id.in_(self._listed(ids)), fits)
        fit = self._with_phones(wanted, list(self._session.scalars(query.order_by(*ORDERS[order]))))
        total = min(len(fit), COUNTED)
        page, pages = turned(total, page)
        shown = fit[:total][(page - 1) * PAGE : page * PAGE]
        rows = {row.id: row for row in self._session.scalars(select(CaseRow).where(CaseRow.id.in_(shown)))}
        more = len(fit) > COUNTED
        among = None if more and order == "newest" else among
        return QueuePage([rows[each] for each in shown], total, page, pages, more, among)

    def count_found(self, scope: Scope, wanted: Filter) -> tuple[int, bool]:
        """Return how many cases are wanted, counted up to a thousand, and whether there are more."""
        found = self.find(scope, wanted, "newest")
        return found.total, found.more

    def _plain(self, scope: Scope, wanted: Filter, order: str, page: int) -> QueuePage:
        """Return a page of what is wanted without any words."""
        counted = select(CaseRow.id).where(*in_scope(scope), *fitting(wanted)).limit(COUNTED + 1)
        count = self._session.scalar(select(func.count()).select_from(counted.subquery())) or 0
        total, more = min(count, COUNTED), count > COUNTED
        page, pages = turned(total, page)
        query = select(CaseRow).where(*in_scope(scope), *fitting(wanted)).order_by(*ORDERS[order])
        rows = self._session.scalars(query.offset((page - 1) * PAGE).limit(PAGE)).all()
        return QueuePage(rows, total, page, pages, more)

    def _candidates(self, scope: Scope, wanted: Filter, order: str) -> tuple[set[int], int | None]:
        """Return the ids of the newest cases that may be wanted; by deadline, those in work are looked for apart.

        Without words everything is checked on the rows: what still waits for its tags is among them.
        """
        index, tags = index_of(self._session), sieve(scope, wanted)
        if wanted.urgent:
            kinds = self._session.scalars(select(CategoryRow.code).where(CategoryRow.urgent))
            tags.append((tag("urgent", "any"), *(tag("kind", code) for code in kinds)))
        asked = self._spanned(ask(wanted.query, tags), wanted)
        found = set(index.newest(asked, CANDIDATES))
        among = CANDIDATES if len(found) >= CANDIDATES else None
        in_work_too = wanted.states is None or bool(wanted.states & OPEN)
        if among is not None and order in {"due", "urges"} and in_work_too:
            in_work = tuple(tag("state", state) for state in sorted(OPEN))
            found |= set(index.newest(self._spanned(ask(wanted.query, [*tags, in_work]), wanted), CANDIDATES))
        if not wanted.query:
            due = select(TermsDueRow.case_id).order_by(TermsDueRow.case_id.desc()).limit(CANDIDATES)
            found |= set(self._session.scalars(due))
        return found, among

    def _spanned(self, asked: Asked, wanted: Filter) -> Asked:
        """Narrow what is asked to the numbers that were given in the wanted time."""
        low = self._first_since(wanted.opened_from) - SLACK_IDS if wanted.opened_from is not None else asked.low
        high = self._first_since(wanted.opened_to) + SLACK_IDS if wanted.opened_to is not None else asked.high
        return type(asked)(asked.groups, asked.without, max(0, low), high)

    def _first_since(self, moment: datetime) -> int:
        """Return about the first id that was given since then: ids follow the clock."""
        low, high = 0, (self._session.scalar(select(func.max(CaseRow.id))) or 0) + 1
        while low < high:
            middle = (low + high) // 2
            query = select(CaseRow.opened_at).where(CaseRow.id > middle).order_by(CaseRow.id).limit(1)
            opened = self._session.scalar(query)
            low, high = (middle + 1, high) if opened is not None and opened < moment else (low, middle)
        return low

    def _listed(self, ids: Collection[int]) -> Select[int]:
        """Return ids as a list that the database reads at once."""
        if self._session.get_bind().dialect.name == "postgresql":
            return select(func.unnest(text("CAST(:ids AS integer[])").bindparams(ids=list(ids))))
        each = func.json_each(str(sorted(ids))).table_valued("value")
        return select(each.c.value)

    def _with_phones(self, wanted: Filter, ids: list[int]) -> list[int]:
        """Return those of some cases whose texts have the whole numbers that were asked for."""
        for phone in [term.phone for term in wanted.query.terms if term.phone]:
            said = self.texts_of(ids[:PHONES_READ])
            ids = [each for each in ids[:PHONES_READ] if has_phone(said.get(each, ()), phone)]
        return ids

    def staff_named(self, words: str) -> Sequence[int]:
        """Return the ids of the accounts whose names have these words in them."""
        query = select(StaffRow.id).where(StaffRow.name.contains(words, autoescape=True)).order_by(StaffRow.id)
        return self._session.scalars(query.limit(NAMED)).all()

    def texts_of(self, case_ids: Collection[int]) -> dict[int, list[str]]:
        """Return for each of some cases the texts that it is found by, the report first."""
        said: dict[int, list[str]] = defaultdict(list)
        case = select(CaseRow.id, CaseRow.text, CaseRow.place_words, CaseRow.result, CaseRow.rating_words)
        for case_id, *texts in self._session.execute(case.where(CaseRow.id.in_(case_ids))):
            said[case_id] += filter(None, texts)
        for case_id, words in self._session.execute(
            select(HistoryRow.case_id, HistoryRow.text)
            .where(HistoryRow.case_id.in_(case_ids), HistoryRow.who != "system", HistoryRow.text != "")
            .order_by(HistoryRow.id)
        ):
            said[case_id].append(words)
        heard = select(AttachmentRow.case_id, AttachmentRow.transcript).where(AttachmentRow.transcript != "")
        for case_id, words in self._session.execute(heard.where(AttachmentRow.case_id.in_(case_ids))):
            said[case_id].append(words)
        return said

    # -- the index ---------------------------------------------------------------------------------------------

    def watch(self) -> None:
        """Note from now on whose words or tags change, whatever changes them."""
        event.listen(self._session, "after_flush", lambda session, _context: self._note(session))

    def _note(self, session: Session) -> None:
        for row in (*session.new, *session.dirty, *session.deleted):
            if isinstance(row, CaseRow | HistoryRow | AttachmentRow | TaskRow):
                case_id = row.id if isinstance(row, CaseRow) else row.case_id
                less = row in session.deleted or (row in session.dirty and _less(row))
                if less or row in session.new or not isinstance(row, CaseRow) or _changed(row, (*WORDS, *TAGGED)):
                    self._touched[case_id] = less or self._touched.get(case_id, False)
            elif isinstance(row, UnitRow) and row in session.dirty and _changed(row, ("path",)):
                self._moved.add(row.id)

    def renew_touched(self) -> None:
        """Leave the cases that were touched in this transaction to the sweeper; where words went, they go at once.

        The row that waits for the sweeper is locked until the commit, so that it never writes what it read before.
        """
        self._session.flush()
        touched, self._touched = dict(sorted(self._touched.items())), {}
        if touched:
            self._session.execute(text(PUT_OFF), [{"id": case_id} for case_id in touched])
            self.renew([case_id for case_id, less in touched.items() if less])
        moved, self._moved = self._moved, set()
        if moved:
            self._put_off(or_(CaseRow.holder_id.in_(moved), CaseRow.grid_id.in_(moved)))

    def renew(self, case_ids: Sequence[int]) -> None:
        """Let these cases be found by what they hold now."""
        if not case_ids:
            return
        index, entries = index_of(self._session), self._entries(case_ids)
        index.put(entries)
        index.drop([each for each in case_ids if each not in entries])

    def put_off_all(self) -> int:
        """Leave the entries of all cases to the sweeper, and return how many they are."""
        self._put_off(true())
        return self.terms_due()

    def _put_off(self, which: ColumnElement[bool]) -> None:
        known = select(TermsDueRow.case_id)
        cases = select(CaseRow.id).where(which, CaseRow.id.not_in(known))
        self._session.execute(insert(TermsDueRow).from_select(["case_id"], cases))

    def terms_due(self) -> int:
        """Return how many cases wait for their entries."""
        return self._session.scalar(select(func.count()).select_from(TermsDueRow)) or 0

    def terms_wait(self) -> bool:
        """Say whether a case waits for its entry."""
        return self._session.scalar(select(TermsDueRow.case_id).limit(1)) is not None

    def terms_behind(self) -> bool:
        """Say whether so many cases wait for their entries that not everything is found: after a migration."""
        query = select(TermsDueRow.case_id).offset(CANDIDATES).limit(1)
        return self._session.scalar(query) is not None

    def renew_due(self, limit: int) -> int:
        """Make the entries of some of the cases that wait for them, the newest first; return how many."""
        query = select(TermsDueRow.case_id).order_by(TermsDueRow.case_id.desc()).limit(limit)
        due = sorted(self._session.scalars(query.with_for_update(skip_locked=True)))
        self._session.execute(delete(TermsDueRow).where(TermsDueRow.case_id.in_(due)))
        self.renew(due)
        return len(due)

    def tidy_terms(self, *, begin: bool) -> bool:
        """Do a step of tidying the index: nothing is left in it of what was deleted. Say whether there is more."""
        return index_of(self._session).tidy(begin=begin)

    def _entries(self, case_ids: Sequence[int]) -> dict[int, Entry]:
        query = select(CaseRow.id, *(getattr(CaseRow, name) for name in TAGGED)).where(CaseRow.id.in_(case_ids))
        rows, texts = self._session.execute(query).all(), self.texts_of(case_ids)
        hands, parts = self._hands(case_ids), self._parts(case_ids)
        paths = self._paths({row.holder_id for row in rows} | {row.grid_id for row in rows if row.grid_id is not None})
        entries = {}
        for row in rows:
            tags = {ANY, *parts[row.id], *hands[row.id], *_tags_of(row)}
            above = f"{paths.get(row.holder_id, '')}/{paths.get(row.grid_id, '')}"
            tags |= {tag("unit", unit) for unit in above.split("/") if unit}
            entries[row.id] = entry_of(number_of(row.id), texts[row.id], tags, anonymous=row.anonymous)
        return entries

    def _hands(self, case_ids: Sequence[int]) -> dict[int, set[str]]:
        hands: dict[int, set[str]] = defaultdict(set)
        query = select(HistoryRow.case_id, HistoryRow.staff_id).where(HistoryRow.case_id.in_(case_ids))
        for case_id, staff_id in self._session.execute(query.where(HistoryRow.staff_id.is_not(None))):
            hands[case_id].add(tag("staff", staff_id))
        return hands

    def _parts(self, case_ids: Sequence[int]) -> dict[int, set[str]]:
        parts: dict[int, set[str]] = defaultdict(set)
        query = select(TaskRow.case_id, TaskRow.unit_id, TaskRow.by_unit_id).where(TaskRow.case_id.in_(case_ids))
        photos = select(AttachmentRow.case_id).where(AttachmentRow.case_id.in_(case_ids), AttachmentRow.kind == "photo")
        for case_id in self._session.scalars(photos):
            parts[case_id].add(tag("photos", "any"))
        for case_id, *units in self._session.execute(query.where(TaskRow.cancelled_at.is_(None))):
            parts[case_id] |= {tag("part", unit) for unit in units}
        return parts

    def _paths(self, unit_ids: Iterable[int]) -> dict[int, str]:
        query = select(UnitRow.id, UnitRow.path).where(UnitRow.id.in_(unit_ids))
        return {int(unit_id): str(path) for unit_id, path in self._session.execute(query)}


def _tags_of(row: Row[Any]) -> set[str]:
    """Return the tags that stand in a case's own row."""
    ids = {"kind": row.category_code, "grid": row.grid_id, "staff": row.handler_id, "by": row.reporter_id}
    ids |= {"state": row.state, "held": row.holder_id, "part": row.first_unit_id, "rated": row.rating}
    flags = {name for name in ("urgent", "anonymous") if getattr(row, name)}
    return {tag(kind, value) for kind, value in ids.items() if value is not None} | {tag(name, "any") for name in flags}


def _less(row: Base) -> bool:
    """Say whether a changed row has words no longer that it had, or hides a number that it showed."""
    for name in WORDS_OF.get(type(row), ()):
        before = attributes.get_history(row, name).deleted or ()
        if any(old and old not in getattr(row, name) for old in before):
            return True
    return isinstance(row, CaseRow) and _changed(row, ("anonymous",))


def _changed(row: Base, names: Iterable[str]) -> bool:
    return any(attributes.get_history(row, name).has_changes() for name in names)
