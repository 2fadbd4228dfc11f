"""A trained classifier: TF-IDF features of a text, one linear layer, and what makes its margins honest."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.sparse import csr_matrix, vstack

from classifier.features import BATCH, GROUPS, Batch, Vocabulary
from classifier.text import Places, Prepared, prepare, segmenter

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt

    from classifier.features import Runs

    Floats = npt.NDArray[np.floating[Any]]

# Between the two levels of a label: group/kind.
LEVELS = "/"


def two_levels(labels: Iterable[str]) -> bool:
    """Say whether labels have two levels: then all have."""
    return all(LEVELS in label for label in labels)


@dataclass(frozen=True)
class Guess:
    """A label and how probable it is (0 to 1)."""

    label: str
    probability: float


@dataclass(frozen=True)
class Language:
    """What a model knows of its city: place names, which it hides, and terms, which it keeps whole."""

    places: Places = field(default_factory=Places)
    terms: tuple[str, ...] = ()

    def prepared(self, texts: Sequence[str]) -> list[Prepared]:
        """Return each text in its one shape."""
        return [prepare(text, self.places) for text in texts]

    def runs(self, prepared: Sequence[Prepared]) -> Runs:
        """Return all runs of prepared texts."""
        return Batch(prepared, segmenter(self.terms)).runs()


class Calibration(NamedTuple):
    """From margins to probabilities: each label's own chance is a logistic curve, and the labels share one whole.

    The curve is `sigmoid(scale * margin + shift) ** power`, the same for all labels, fitted to guesses on unseen texts.
    """

    scale: float = 2.0
    shift: float = 0.0
    power: float = 2.0

    def probabilities(self, margins: Floats) -> Floats:
        """Return margins (texts, labels) as rows that sum to 1."""
        return softmax(-self.power * np.logaddexp(0, -(self.scale * margins + self.shift)))


@dataclass(frozen=True)
class Model:
    """Predicts labels; `weights` is (terms, labels), `bias` is (labels,).

    `seen` has a hash of each text that it was trained on, in ascending order; empty where there were too many.
    """

    labels: tuple[str, ...]
    language: Language
    vocabulary: Vocabulary
    weights: Floats
    bias: Floats
    calibration: Calibration
    seen: npt.NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, dtype=np.uint64))
    version: str = "unsaved"

    def features(self, texts: Sequence[str]) -> csr_matrix:
        """Return the features (texts, terms) of texts: rows of similar texts have a large inner product."""
        return features(self.language, self.vocabulary, texts)

    def probabilities(self, texts: Sequence[str]) -> Floats:
        """Return an array (texts, labels) whose rows sum to 1."""
        return self.calibration.probabilities(self.features(texts) @ self.weights + self.bias)

    def predict(self, texts: Sequence[str], top: int = 1) -> list[list[Guess]]:
        """Return for each text its `top` most probable labels, best first."""
        if not texts:
            return []
        rows = self.probabilities(texts)
        order = np.argsort(-rows, axis=1, kind="stable")[:, :top]
        return [[Guess(self.labels[at], float(row[at])) for at in best] for row, best in zip(rows, order, strict=True)]

    def evidence(self, text: str, label: str, most: int = 5) -> list[str]:
        """Return the words of `text` that spoke most for `label`, rather than for the other labels, best first."""
        if label not in self.labels:
            return []
        [prepared] = self.language.prepared([text])
        spoke = self._spoke(prepared, self.labels.index(label))
        found: dict[str, float] = {}
        at = 0
        for word in segmenter(self.language.terms).cut(prepared.text):
            share = float(spoke[at : at + len(word)].sum())
            at += len(word)
            if len(word) > 1 and not word.isdigit():
                found[word] = max(found.get(word, 0.0), share)
        return sorted((word for word, share in found.items() if share > 0), key=lambda word: -found[word])[:most]

    def strange_words(self, texts: Sequence[str], least: int, most: int = 20) -> list[tuple[str, int]]:
        """Return words that the model has not learnt although so many texts have them, the most frequent first."""
        counts: Counter[str] = Counter()
        cutter = segmenter(self.language.terms)
        for prepared in self.language.prepared(texts):
            counts.update({word for word in cutter.cut(prepared.text) if len(word) > 1 and word.isalpha()})
        words = [word for word, count in counts.items() if count >= least]
        known = self._known_words(words)
        strange = [(word, counts[word]) for word in words if word not in known]
        return sorted(strange, key=lambda each: (-each[1], each[0]))[:most]

    def _known_words(self, words: Sequence[str]) -> set[str]:
        """Return those of some words that the model has learnt as words."""
        runs = Batch([Prepared(word) for word in words], segmenter(self.language.terms)).runs()
        columns = self.vocabulary.columns(runs.hashes)
        lengths = np.array([len(word) for word in words], dtype=np.int64)[runs.rows] if len(words) else runs.rows
        worded = np.array([group.unit == "words" for group in GROUPS])[runs.groups]
        return {words[row] for row in runs.rows[(columns >= 0) & worded & (runs.sizes == lengths)].tolist()}

    def _spoke(self, prepared: Prepared, label: int) -> Floats:
        """Return for each character how much the runs over it spoke for a label."""
        runs = self.language.runs([prepared])
        row = self.vocabulary.weigh(runs, 1)
        shares = dict(zip(row.indices.tolist(), row.data.tolist(), strict=True))
        columns = self.vocabulary.columns(runs.hashes)
        spoke = np.zeros(len(prepared.text))
        for column, start, size in zip(columns.tolist(), runs.starts.tolist(), runs.sizes.tolist(), strict=True):
            if column >= 0:
                weights = self.weights[column]
                spoke[start : start + size] += shares[column] * float(weights[label] - weights.mean()) / size
        return spoke


def features(language: Language, vocabulary: Vocabulary, texts: Sequence[str]) -> csr_matrix:
    """Return the features (texts, terms) of texts, some hundred at a time."""
    parts = [
        vocabulary.weigh(language.runs(language.prepared(texts[at : at + BATCH])), len(texts[at : at + BATCH]))
        for at in range(0, len(texts), BATCH)
    ]
    if len(parts) == 1:
        return parts[0]
    return csr_matrix(vstack(parts)) if parts else csr_matrix((0, len(vocabulary.hashes)), dtype=np.float32)


def softmax(margins: Floats) -> Floats:
    """Return each row as probabilities."""
    shifted = np.exp(margins - margins.max(axis=1, keepdims=True))
    result: Floats = shifted / shifted.sum(axis=1, keepdims=True)
    return result
