"""A trained classifier: three TF-IDF views of a text, one linear layer, one temperature.

Features are computed here for training and serving alike. scikit-learn fits vocabulary, idf and weights; its
vectorizer spends milliseconds on checks for a single text, so the arithmetic of serving is our own few lines.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_matrix

from classifier import text as prepare

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.floating[Any]]

# The views of a text, and what each weighs: chosen by cross-validation on short messages and on hotline tickets.
VIEWS = {"words": prepare.words, "short_runs": prepare.short_runs, "long_runs": prepare.long_runs}
WEIGHTS = {"words": 0.3, "short_runs": 1.0, "long_runs": 0.3}

Tokens = dict[str, list[list[str]]]


@dataclass(frozen=True)
class Guess:
    """A label and how probable it is (0 to 1)."""

    label: str
    probability: float


@dataclass(frozen=True)
class View:
    """What one view knows: a column (from 0) for each term, and the terms' inverse document frequencies."""

    columns: dict[str, int]
    idf: Floats


def tokenise(prepared: Sequence[str]) -> Tokens:
    """Return for each view the token lists of prepared texts."""
    return {view: [cut(text) for text in prepared] for view, cut in VIEWS.items()}


def features(views: dict[str, View], tokens: Tokens) -> csr_matrix:
    """Return the features (texts, terms of all views): TF-IDF with sublinear tf, each view of length its weight."""
    texts = len(next(iter(tokens.values())))
    columns: list[npt.NDArray[np.int32]] = []
    values: list[Floats] = []
    ends = [0]
    for at in range(texts):
        offset, size = 0, 0
        for name, view in views.items():
            found, weighed = _weigh(view, tokens[name][at], WEIGHTS[name])
            columns.append(found + np.int32(offset))
            values.append(weighed)
            offset, size = offset + len(view.columns), size + len(found)
        ends.append(ends[-1] + size)
    width = sum(len(view.columns) for view in views.values())
    if not texts:
        return csr_matrix((0, width), dtype=np.float32)
    return csr_matrix((np.concatenate(values), np.concatenate(columns), ends), shape=(texts, width), dtype=np.float32)


def _weigh(view: View, tokens: list[str], weight: float) -> tuple[npt.NDArray[np.int32], Floats]:
    """Return the columns of the known terms and their values, of Euclidean length `weight` (or 0 without any)."""
    counts = {view.columns[term]: count for term, count in Counter(tokens).items() if term in view.columns}
    columns = np.fromiter(counts.keys(), dtype=np.int32, count=len(counts))
    values = (1 + np.log(np.fromiter(counts.values(), dtype=np.float32, count=len(counts)))) * view.idf[columns]
    length = float(np.sqrt(values @ values))
    return columns, values * np.float32(weight / length) if length else values


@dataclass(frozen=True)
class Model:
    """Predicts labels; `weights` is (terms, labels), `bias` is (labels,), margins divide by `temperature`."""

    labels: tuple[str, ...]
    views: dict[str, View]
    weights: Floats
    bias: Floats
    temperature: float
    version: str = "unsaved"

    def probabilities(self, texts: Sequence[str]) -> Floats:
        """Return an array (texts, labels) whose rows sum to 1."""
        found = features(self.views, tokenise(prepare.prepare_all(texts)))
        return softmax((found @ self.weights + self.bias) / self.temperature)

    def predict(self, texts: Sequence[str], top: int = 1) -> list[list[Guess]]:
        """Return for each text its `top` most probable labels, best first."""
        if not texts:
            return []
        rows = self.probabilities(texts)
        order = np.argsort(-rows, axis=1, kind="stable")[:, :top]
        return [[Guess(self.labels[at], float(row[at])) for at in best] for row, best in zip(rows, order, strict=True)]


def softmax(margins: Floats) -> Floats:
    """Return each row as probabilities."""
    shifted = np.exp(margins - margins.max(axis=1, keepdims=True))
    result: Floats = shifted / shifted.sum(axis=1, keepdims=True)
    return result
