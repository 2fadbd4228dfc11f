"""The queries about labels, trainings and releases."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import and_, case, func, or_, select

from cases.storage.learning import LabelRow, ReleaseRow, TrainingRow
from cases.storage.tables import CaseRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import Select
    from sqlalchemy.orm import Session

BATCH = 1000


class Judged(NamedTuple):
    """One guess of the classifier that a person has judged: when, of which kind, how sure it was, whether right."""

    labelled_at: datetime
    label: str
    guess: str
    probability: float
    origin: str
    model_version: str | None


class Count(NamedTuple):
    """How many labels a kind has in all, said by a person, in the frozen test set, and since when the newest is."""

    label: str
    total: int
    by_people: int
    test: int
    newest: datetime


class LabelQueries:
    """The part of the case book that the learning loop is in."""

    _session: Session

    def label_of(self, case_id: int) -> LabelRow | None:
        """Return the label of a case, or None."""
        return self._session.scalars(select(LabelRow).where(LabelRow.case_id == case_id)).one_or_none()

    def forget_label(self, case_id: int) -> None:
        """Delete the label of a case, and the text with it."""
        row = self.label_of(case_id)
        if row is not None:
            self._session.delete(row)

    def label_counts(self) -> list[Count]:
        """Return the counts of each kind that has labels, the most frequent first."""
        person = case((LabelRow.origin != "handled", 1), else_=0)
        test = case((LabelRow.part == "test", 1), else_=0)
        query = (
            select(LabelRow.label, func.count(), func.sum(person), func.sum(test), func.max(LabelRow.labelled_at))
            .where(LabelRow.active)
            .group_by(LabelRow.label)
            .order_by(func.count().desc(), LabelRow.label)
        )
        return [Count(*row) for row in self._session.execute(query)]

    def origin_counts(self) -> dict[tuple[str, int | None], int]:
        """Return how many labels there are of each origin and member of staff."""
        query = select(LabelRow.origin, LabelRow.staff_id, func.count()).where(LabelRow.active)
        rows = self._session.execute(query.group_by(LabelRow.origin, LabelRow.staff_id))
        return {(str(origin), staff_id): int(count) for origin, staff_id, count in rows}

    def labels(self, *, part: str | None = None) -> Iterator[LabelRow]:
        """Yield the labels in use, or those of one part, in the order in which they were made, in batches."""
        last = 0
        while True:
            query = select(LabelRow).where(LabelRow.active, LabelRow.id > last).order_by(LabelRow.id).limit(BATCH)
            rows = self._session.scalars(query.where(LabelRow.part == part) if part is not None else query).all()
            if not rows:
                return
            yield from rows
            last = rows[-1].id

    def labels_since(self, moment: datetime | None) -> int:
        """Return how many labels people have made since then."""
        query = select(func.count()).select_from(LabelRow).where(LabelRow.active, LabelRow.origin != "handled")
        if moment is not None:
            query = query.where(LabelRow.labelled_at > moment)
        return self._session.scalar(query) or 0

    def labels_of(self, label: str, limit: int) -> Sequence[LabelRow]:
        """Return the newest labels of a kind."""
        query = select(LabelRow).where(LabelRow.label == label, LabelRow.active).order_by(LabelRow.labelled_at.desc())
        return self._session.scalars(query.limit(limit)).all()

    def known_source_keys(self, keys: Iterable[str]) -> set[str]:
        """Return those of some keys under which labels were imported already."""
        found: set[str] = set()
        wanted = list(keys)
        for at in range(0, len(wanted), BATCH):
            query = select(LabelRow.source_key).where(LabelRow.source_key.in_(wanted[at : at + BATCH]))
            found |= {key for key in self._session.scalars(query) if key is not None}
        return found

    def conflicts(self, limit: int) -> list[Sequence[LabelRow]]:
        """Return the labels of each text that people gave different kinds, the newest text first."""
        texts = self._session.scalars(_disputed().order_by(func.max(LabelRow.id).desc()).limit(limit)).all()
        return [
            self._session.scalars(
                select(LabelRow).where(LabelRow.text == text, LabelRow.active).order_by(LabelRow.id)
            ).all()
            for text in texts
        ]

    def conflict_count(self) -> int:
        """Return how many texts people gave different kinds."""
        return self._session.scalar(select(func.count()).select_from(_disputed().subquery())) or 0

    def labels_with(self, text: str) -> Sequence[LabelRow]:
        """Return all labels of one text, the oldest first."""
        return self._session.scalars(select(LabelRow).where(LabelRow.text == text).order_by(LabelRow.id)).all()

    def judged(self, since: datetime) -> list[Judged]:
        """Return the guesses that people have judged since then, the oldest first."""
        columns = (LabelRow.labelled_at, LabelRow.label, LabelRow.guess, LabelRow.probability, LabelRow.origin)
        query = (
            select(*columns, LabelRow.model_version)
            .where(LabelRow.active, LabelRow.guess.is_not(None), LabelRow.labelled_at >= since)
            .order_by(LabelRow.labelled_at)
        )
        return [
            Judged(at, label, guess or "", probability or 0.0, origin, version)
            for at, label, guess, probability, origin, version in self._session.execute(query)
        ]

    def recent_texts(self, since: datetime, limit: int) -> Sequence[CaseRow]:
        """Return the newest cases with words, opened since then."""
        query = select(CaseRow).where(CaseRow.opened_at >= since, CaseRow.text != "").order_by(CaseRow.id.desc())
        return self._session.scalars(query.limit(limit)).all()

    def opened_doubtful(self, since: datetime) -> list[tuple[datetime, float | None, str | None]]:
        """Return for each case opened since then when, how sure the classifier was, and the kind that it has now."""
        query = select(CaseRow.opened_at, CaseRow.certainty, CaseRow.category_code).where(
            CaseRow.opened_at >= since, CaseRow.text != ""
        )
        return [(row[0], row[1], row[2]) for row in self._session.execute(query)]

    def search_texts(self, words: Sequence[str], limit: int) -> Sequence[CaseRow]:
        """Return the newest cases whose text holds all of these words."""
        query = select(CaseRow).order_by(CaseRow.id.desc())
        for word in words:
            query = query.where(CaseRow.text.contains(word, autoescape=True))
        return self._session.scalars(query.limit(limit)).all()

    # -- trainings and releases -------------------------------------------------------------------------------------

    def trainings(self, limit: int) -> Sequence[TrainingRow]:
        """Return the newest trainings, the newest first."""
        return self._session.scalars(select(TrainingRow).order_by(TrainingRow.id.desc()).limit(limit)).all()

    def training_of(self, version: str | None) -> TrainingRow | None:
        """Return the training that a version came from; None for one that was not trained here."""
        query = select(TrainingRow).where(TrainingRow.version == version).order_by(TrainingRow.id.desc())
        return self._session.scalars(query.limit(1)).one_or_none() if version is not None else None

    def training_in_work(self) -> TrainingRow | None:
        """Return the training that waits or runs, if there is one."""
        query = select(TrainingRow).where(TrainingRow.state.in_(("waiting", "running"))).order_by(TrainingRow.id)
        return self._session.scalars(query.limit(1)).one_or_none()

    def training_to_do(self, unheard_since: datetime) -> int | None:
        """Return the id of a training that waits, or whose worker was not heard of since then."""
        lost = and_(TrainingRow.state == "running", TrainingRow.beat_at < unheard_since)
        query = select(TrainingRow.id).where(or_(TrainingRow.state == "waiting", lost)).order_by(TrainingRow.id)
        return self._session.scalar(query.limit(1))

    def releases(self, limit: int) -> Sequence[ReleaseRow]:
        """Return the newest releases, the newest first."""
        return self._session.scalars(select(ReleaseRow).order_by(ReleaseRow.id.desc()).limit(limit)).all()


def _disputed() -> Select[str]:
    """Return the query for the texts under which people put different kinds."""
    texts = select(LabelRow.text).where(LabelRow.active).group_by(LabelRow.text)
    return texts.having(func.count(LabelRow.label.distinct()) > 1)
