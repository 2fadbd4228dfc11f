"""Scopes and filters as conditions on cases, and the orders of lists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import and_, false, func, or_, select

from cases.storage.narrow import in_states, narrowing, with_card
from cases.storage.outbox import cases_unheard
from cases.storage.tables import AttachmentRow, CaseRow, CategoryRow, UnitRow
from cases.storage.work import with_called, with_open_task, with_part
from cases.workflow import OPEN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Select

    from cases.storage.scope import Filter, Reach, Scope

PAGE = 30
# Nearest deadline first and cases without one last; the order of their numbers; most urged first.
ORDERS = {
    "due": (CaseRow.due_at.is_(None), CaseRow.due_at, CaseRow.id.desc()),
    "newest": (CaseRow.id.desc(),),
    "oldest": (CaseRow.id,),
    "urges": (CaseRow.urges.desc(), CaseRow.due_at.is_(None), CaseRow.due_at, CaseRow.id.desc()),
}


@dataclass(frozen=True)
class QueuePage:
    """One page of a list and how many cases the whole list has.

    `more`: there are more than `total`, which nobody counted; `among`: not all cases were looked through, only the
    newest ones in which the words occur, so many of them.
    """

    cases: Sequence[CaseRow]
    total: int
    page: int
    pages: int
    more: bool = False
    among: int | None = None


def turned(total: int, page: int, size: int = PAGE) -> tuple[int, int]:
    """Return the page of a list that is shown, this one or the nearest there is, and how many there are."""
    pages = max(1, -(-total // size))
    return min(max(1, page), pages), pages


def within(scope: Scope) -> Select[CaseRow]:
    """Return the query for the cases in a scope."""
    return select(CaseRow).where(*in_scope(scope))


def in_scope(scope: Scope) -> list[ColumnElement[bool]]:
    """Return what is so of every case in a scope, and of no other."""
    found: list[ColumnElement[bool]] = []
    if scope.states is not None:
        found.append(in_states(scope.states, scope.only))
    if scope.holder_id is not None:
        found.append(CaseRow.holder_id == scope.holder_id)
    if scope.attention:
        found.append(CaseRow.attention != "")
    if scope.unheard:
        found.append(CaseRow.id.in_(cases_unheard()))
    if scope.supervised:
        found.append(CaseRow.supervised_at.is_not(None))
    if scope.kinds is not None:
        found.append(CaseRow.category_code.in_(scope.kinds))
    if scope.below is not None:
        found.append(_below(scope.below) if scope.only is None else _checked_below(scope.below))
    found += narrowing(scope.only) if scope.only is not None else ()
    return [*found, *_having_part(scope), *([_reached(scope.reach)] if scope.reach is not None else [])]


def _having_part(scope: Scope) -> list[ColumnElement[bool]]:
    """Return what is so of cases in which a person or unit has had a part."""
    found: list[ColumnElement[bool]] = []
    if scope.reporter_id is not None:
        found.append(CaseRow.reporter_id == scope.reporter_id)
    if scope.first_unit is not None:
        found.append(and_(CaseRow.first_unit_id == scope.first_unit, CaseRow.holder_id != scope.first_unit))
    for unit_id, cases in ((scope.asked_of, with_open_task), (scope.asked_by, with_called)):
        if unit_id is not None:
            found.append(CaseRow.id.in_(cases(unit_id)))
    return found


def _below(path: str) -> ColumnElement[bool]:
    units = _units_below(path)
    return or_(CaseRow.holder_id.in_(units), CaseRow.grid_id.in_(units))


def _checked_below(path: str) -> ColumnElement[bool]:
    """Return the same, wrapped: SQLite looks at the few rows of a span of time, not at all of these units."""
    units = _units_below(path)
    return or_(func.coalesce(CaseRow.holder_id, 0).in_(units), func.coalesce(CaseRow.grid_id, 0).in_(units))


def _units_below(path: str) -> Select[int]:
    return select(UnitRow.id).where(UnitRow.path.startswith(path, autoescape=True))


def _reached(reach: Reach) -> ColumnElement[bool]:
    """Return what is so of a case that is somebody's business: `cases.access.relations` in the database's words."""
    ways: list[ColumnElement[bool]] = []
    if reach.holders:
        ways.append(CaseRow.holder_id.in_(reach.holders))
    if reach.below is not None:
        ways.append(_below(reach.below))
    if reach.reporter_id is not None:
        ways.append(CaseRow.reporter_id == reach.reporter_id)
    if reach.part_of is not None:
        first = CaseRow.first_unit_id == reach.part_of
        ways.append(CaseRow.id.in_(with_part(reach.part_of)))
        ways.append(and_(first, CaseRow.state.in_(OPEN), CaseRow.holder_id != reach.part_of))
    return or_(*ways) if ways else false()


def fitting(wanted: Filter) -> list[ColumnElement[bool]]:
    """Return what is so of the cases that a filter lets through, but for the words."""
    found: list[ColumnElement[bool]] = []
    if wanted.states is not None:
        found.append(CaseRow.state.in_(wanted.states))
    if wanted.kinds is not None:
        found.append(CaseRow.category_code.in_(wanted.kinds))
    if wanted.below is not None:
        found.append(CaseRow.holder_id.in_(_units_below(wanted.below)))
    if wanted.opened_from is not None:
        found.append(CaseRow.opened_at >= wanted.opened_from)
    if wanted.opened_to is not None:
        found.append(CaseRow.opened_at < wanted.opened_to)
    if wanted.ratings is not None:
        found.append(CaseRow.rating.in_(wanted.ratings))
    if wanted.anonymous is not None:
        found.append(CaseRow.anonymous.is_(wanted.anonymous))
    return [*found, *_pressing(wanted), *_pictured(wanted)]


def _pressing(wanted: Filter) -> list[ColumnElement[bool]]:
    """Return what is so of cases with a card (`cases.limits.card`), and of urgent ones."""
    found: list[ColumnElement[bool]] = []
    if wanted.card is not None and wanted.at is not None:
        found += with_card(wanted.card, wanted.at)
    if wanted.urgent is not None:
        kinds = select(CategoryRow.code).where(CategoryRow.urgent)
        known = and_(CaseRow.category_code.is_not(None), CaseRow.category_code.in_(kinds))
        found.append(or_(CaseRow.urgent, known) if wanted.urgent else and_(~CaseRow.urgent, ~known))
    return found


def _pictured(wanted: Filter) -> list[ColumnElement[bool]]:
    if wanted.photos is None:
        return []
    photo = select(AttachmentRow.id).where(AttachmentRow.case_id == CaseRow.id, AttachmentRow.kind == "photo").exists()
    return [photo if wanted.photos else ~photo]
