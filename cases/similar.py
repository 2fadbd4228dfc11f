"""Neighbours in meaning: where cases that say much the same went before.

The cases decided last lie in memory as what the released model makes of their words: numbers, no texts. Two things are
compared: which kinds the words speak for and against (the model's margins) and, with less weight, the words.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_matrix, vstack

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from cases.city import City
    from cases.storage import Book
    from cases.storage.triage import Decided
    from classifier import Model

    Floats = npt.NDArray[np.floating[Any]]

KEPT = 2000
MOST = 12
# Chosen on held-out reports of the starter corpus: above it, where three or more agree, four of five were right.
ALIKE = 0.45
WORDS_COUNT = 0.2
FEWEST = 3
RENEW_SECONDS = 60.0


@dataclass(frozen=True)
class Alike:
    """How many similar cases there are (at most MOST), which units have them, of which kinds; most frequent first."""

    total: int = 0
    units: tuple[tuple[int, int], ...] = ()
    kinds: tuple[tuple[str, int], ...] = ()

    @property
    def agreed(self) -> str:
        """The kind that half of them are of, at least three; else nothing."""
        kind, count = self.kinds[0] if self.kinds else ("", 0)
        return kind if count >= max(FEWEST, self.total / 2) else ""


@dataclass(frozen=True)
class _Known:
    """The decided cases of one model: a row of `meaning` and of `words` for each."""

    model: Model
    cases: Sequence[Decided]
    meaning: Floats
    words: csr_matrix
    read_at: float
    at: dict[tuple[int, Any], int] = field(default_factory=dict)


class Similar:
    """Finds decided cases that are like a text. Read anew at most each minute, and when another model is released."""

    def __init__(self, model: Callable[[], Model | None], renew_seconds: float = RENEW_SECONDS) -> None:
        self._model, self._renew_seconds = model, renew_seconds
        self._known: _Known | None = None
        self._lock = threading.Lock()

    def to(self, book: Book, city: City, text: str, case_id: int | None = None) -> Alike:
        """Return what became of the cases most like this text, itself not counted; nothing without a model."""
        model = self._model()
        if model is None or not text.strip():
            return Alike()
        known = self._current(book, city, model)
        if known is None or not known.cases:
            return Alike()
        meaning, words = _rows(model, [text])
        likeness = (1 - WORDS_COUNT) * (known.meaning @ meaning[0])
        likeness = likeness + WORDS_COUNT * (known.words @ words.T).toarray().ravel()
        best = np.argsort(-likeness, kind="stable")[: MOST + 1]
        alike = [known.cases[at] for at in best if likeness[at] >= ALIKE and known.cases[at].case_id != case_id][:MOST]
        units, kinds = Counter(each.unit_id for each in alike), Counter(each.kind for each in alike)
        return Alike(len(alike), tuple(units.most_common()), tuple(kinds.most_common()))

    def likeness(self, text: str, others: Sequence[str]) -> list[float]:
        """Return how much a text is like each of the others in meaning, from 0 to 1; without a model 0 for all."""
        model = self._model()
        if model is None or not others:
            return [0.0] * len(others)
        meaning, words = _rows(model, [text, *others])
        same = (1 - WORDS_COUNT) * (meaning[1:] @ meaning[0]) + WORDS_COUNT * (words[1:] @ words[0].T).toarray().ravel()
        return [float(max(0.0, min(1.0, each))) for each in same]

    def _current(self, book: Book, city: City, model: Model) -> _Known | None:
        """Return the decided cases, read anew when it is time; while another thread reads them, the former ones."""
        known = self._known
        stale = known is None or known.model is not model or time.monotonic() - known.read_at >= self._renew_seconds
        if stale and self._lock.acquire(blocking=known is None):
            try:
                known = self._known = _read(book, city, model, self._known)
            finally:
                self._lock.release()
        return known if known is not None and known.model is model else None


def _read(book: Book, city: City, model: Model, before: _Known | None) -> _Known:
    """Read the decided cases; of those known before, the rows are kept."""
    cases = book.decided(city.dispatch.id, KEPT)
    old = before if before is not None and before.model is model else None
    rows = old.at if old is not None else {}
    fresh = [each for each in cases if _key(each) not in rows]
    texts = book.label_texts(each.label_id for each in fresh)
    meaning, words = _rows(model, [texts[each.label_id] for each in fresh])
    if old is not None:
        meaning, words = np.vstack([old.meaning, meaning]), csr_matrix(vstack([old.words, words]))
    offset = len(old.cases) if old is not None else 0
    at = rows | {_key(each): offset + number for number, each in enumerate(fresh)}
    order = [at[_key(each)] for each in cases]
    places = {_key(each): number for number, each in enumerate(cases)}
    return _Known(model, cases, meaning[order], words[order], time.monotonic(), places)


def _key(each: Decided) -> tuple[int, Any]:
    return each.label_id, each.labelled_at


def _rows(model: Model, texts: Sequence[str]) -> tuple[Floats, csr_matrix]:
    """Return texts as unit rows: what they speak for and against, and their words."""
    features = model.features(texts)
    margins = np.asarray(features @ model.weights) + model.bias
    return _unit(margins - margins.mean(axis=1, keepdims=True)), features


def _unit(rows: Floats) -> Floats:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    scaled: Floats = (rows / np.where(lengths > 0, lengths, 1)).astype(np.float32)
    return scaled
