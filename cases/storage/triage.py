"""The queries of the triage board: what waits for a dispatcher, and what was decided before."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import and_, case, func, or_, select

from cases.storage.labels import BATCH
from cases.storage.learning import LabelRow
from cases.storage.tables import CaseRow, CategoryRow, HistoryRow
from cases.workflow import UNRESOLVED, Action, State

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session


class Waiting(NamedTuple):
    """The cases that wait for a decision, as far as a list goes (ids, the first to decide first), and how many do."""

    ids: tuple[int, ...]
    total: int


class Decided(NamedTuple):
    """A case whose kind somebody has said: its label, the kind, and the unit that has it."""

    label_id: int
    labelled_at: datetime
    case_id: int
    kind: str
    unit_id: int


class TriageQueries:
    """The part of the case book that the triage board reads."""

    _session: Session

    def waiting_cases(self, unit_id: int, limit: int) -> Waiting:
        """Return the new cases of the dispatchers' unit: danger, urgent kinds, returned or called for, then the rest.

        Those whose resident was asked and has not answered come last. Among equals the least certain is first (no
        guess at all is least), then the oldest.
        """
        mine = and_(CaseRow.holder_id == unit_id, CaseRow.state == State.NEW)
        query = (
            select(CaseRow.id)
            .outerjoin(CategoryRow, CategoryRow.code == CaseRow.category_code)
            .where(mine)
            .order_by(_rank(), CaseRow.certainty.is_not(None), CaseRow.certainty, CaseRow.opened_at, CaseRow.id)
        )
        total = self._session.scalar(select(func.count()).select_from(CaseRow).where(mine))
        return Waiting(tuple(self._session.scalars(query.limit(limit))), total or 0)

    def counts_of_resident(self, resident_id: int) -> tuple[int, int]:
        """Return how many cases a resident has, and how many of them are in work."""
        in_work = func.sum(case((CaseRow.state.in_(UNRESOLVED), 1), else_=0))
        row = self._session.execute(select(func.count(), in_work).where(CaseRow.resident_id == resident_id)).one()
        return int(row[0]), int(row[1] or 0)

    def decided(self, undecided_unit: int, limit: int) -> list[Decided]:
        """Return the cases decided last, the newest first; those that came back to the dispatchers are not."""
        query = (
            select(LabelRow.id, LabelRow.labelled_at, CaseRow.id, LabelRow.label, CaseRow.holder_id)
            .join(CaseRow, CaseRow.id == LabelRow.case_id)
            .where(LabelRow.active, CaseRow.holder_id != undecided_unit)
            .order_by(LabelRow.labelled_at.desc(), LabelRow.id.desc())
        )
        return [Decided(*row) for row in self._session.execute(query.limit(limit))]

    def label_texts(self, ids: Iterable[int]) -> dict[int, str]:
        """Return the texts of some labels."""
        wanted, texts = list(ids), dict[int, str]()
        for at in range(0, len(wanted), BATCH):
            query = select(LabelRow.id, LabelRow.text).where(LabelRow.id.in_(wanted[at : at + BATCH]))
            texts |= {int(label_id): str(text) for label_id, text in self._session.execute(query)}
        return texts

    def last_return(self, case_id: int) -> HistoryRow | None:
        """Return the line of history with which a handler last gave this case back, or None."""
        query = select(HistoryRow).where(HistoryRow.case_id == case_id, HistoryRow.action == Action.RETURN)
        return self._session.scalars(query.order_by(HistoryRow.id.desc()).limit(1)).one_or_none()

    def waits_for_answer(self, case_id: int) -> bool:
        """Say whether the resident was asked something and has not written since."""
        query = select(HistoryRow.action).where(HistoryRow.case_id == case_id, HistoryRow.action.in_(TALK))
        return self._session.scalar(query.order_by(HistoryRow.id.desc()).limit(1)) == Action.ASK

    def senders_of(self, case_ids: Sequence[int]) -> dict[int, int | None]:
        """Return for each of some cases who sent it where it is."""
        query = select(HistoryRow.case_id, HistoryRow.staff_id).where(
            HistoryRow.case_id.in_(case_ids), HistoryRow.action == Action.SEND
        )
        return {int(case_id): staff_id for case_id, staff_id in self._session.execute(query.order_by(HistoryRow.id))}


TALK = (Action.ASK, Action.SUPPLEMENT)


def _rank() -> ColumnElement[int]:
    """Return the place of a case among those that wait, 0 first."""
    about = HistoryRow.case_id == CaseRow.id
    returned = select(HistoryRow.id).where(about, HistoryRow.action == Action.RETURN).correlate(CaseRow).exists()
    talk = select(HistoryRow.action).where(about, HistoryRow.action.in_(TALK)).order_by(HistoryRow.id.desc())
    last = talk.limit(1).correlate(CaseRow).scalar_subquery()
    return case(
        (CaseRow.urgent, 0),
        (last == Action.ASK, 4),
        (CategoryRow.urgent, 1),
        (or_(CaseRow.attention != "", returned), 2),
        else_=3,
    )
