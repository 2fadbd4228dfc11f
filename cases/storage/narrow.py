"""What figures count, as conditions on cases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, func, or_, select

from cases.storage.tables import CaseRow, HistoryRow, StaffRow
from cases.workflow import UNRESOLVED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from sqlalchemy import ColumnElement, Select

    from cases.storage.scope import Did, Narrow


def narrowing(only: Narrow) -> list[ColumnElement[bool]]:
    """Return what is so of the cases that a figure counts."""
    return [*_when(only), *_outcome(only), *_pressing(only)]


def in_states(states: Iterable[str], only: Narrow | None) -> ColumnElement[bool]:
    """Return that a case is in one of these states; wrapped where a span in which it ended leaves fewer to look at."""
    column = func.coalesce(CaseRow.state, "") if only is not None and only.ended is not None else CaseRow.state
    return column.in_(states)


def with_card(card: str, at: datetime) -> list[ColumnElement[bool]]:
    """Return what is so of cases that have a red or a yellow card at this moment (`cases.limits.card`)."""
    alerted = or_(CaseRow.alert_step > 0, CaseRow.alert_at <= at)
    late = CaseRow.due_at <= at
    return [CaseRow.state.in_(UNRESOLVED), late if card == "red" else and_(CaseRow.due_at > at, alerted)]


def _when(only: Narrow) -> Iterator[ColumnElement[bool]]:
    for span, column in ((only.due, CaseRow.due_at), (only.opened, CaseRow.opened_at), (only.ended, CaseRow.ended_at)):
        if span is not None:
            yield and_(column >= span[0], column < span[1])
    if only.stood_at is not None:
        yield _opened_before(only.stood_at)
        yield or_(CaseRow.ended_at.is_(None), CaseRow.ended_at >= only.stood_at)
    if only.late_at is not None:
        yield and_(_opened_before(only.late_at), CaseRow.finish_by <= only.late_at)
        yield or_(CaseRow.ended_at.is_(None), CaseRow.ended_at > only.late_at)
        yield or_(CaseRow.resolved_at.is_(None), CaseRow.resolved_at > only.late_at)
    if only.did is not None:
        yield CaseRow.id.in_(_done(only.did))


def _opened_before(at: datetime) -> ColumnElement[bool]:
    """Return that a case was opened before this; wrapped, as nearly all were, so that few are looked at."""
    return func.coalesce(CaseRow.opened_at, at) < at


def _done(did: Did) -> Select[int]:
    people = select(StaffRow.id).where(StaffRow.unit_id == did.unit_id)
    query = select(HistoryRow.case_id).where(HistoryRow.action == did.action, HistoryRow.at >= did.since)
    return query.where(HistoryRow.staff_id.in_(people))


def _outcome(only: Narrow) -> Iterator[ColumnElement[bool]]:
    if only.in_time:
        yield CaseRow.resolved_at <= CaseRow.finish_by
    if only.solved:
        yield CaseRow.solved == "solved"
    if only.ratings is not None:
        yield CaseRow.rating.in_(only.ratings)
    if only.rated is not None:
        yield CaseRow.rating.is_not(None) if only.rated else CaseRow.rating.is_(None)


def _pressing(only: Narrow) -> Iterator[ColumnElement[bool]]:
    if only.card and only.at is not None:
        yield from with_card(only.card, only.at)
    if only.returned:
        yield CaseRow.returns > 0
    if only.alarm:
        yield CaseRow.alarmed_at.is_not(None)
        yield CaseRow.acknowledged_at.is_(None) if only.alarm == "ringing" else CaseRow.alarm_ended_at.is_(None)
