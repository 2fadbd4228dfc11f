"""A trained classifier: three TF-IDF views of a text, one linear layer, one temperature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfVectorizer

from classifier import text as prepare

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.floating[Any]]

# The views of a text, and what each weighs: chosen by cross-validation on short messages and on hotline tickets.
VIEWS = {"words": prepare.words, "short_runs": prepare.short_runs, "long_runs": prepare.long_runs}
WEIGHTS = {"words": 0.3, "short_runs": 1.0, "long_runs": 0.3}


@dataclass(frozen=True)
class Guess:
    """A label and how probable it is (0 to 1)."""

    label: str
    probability: float


Tokens = dict[str, list[list[str]]]


def vectorizer(**options: Any) -> TfidfVectorizer:  # noqa: ANN401 - handed on as they are
    """Return the TF-IDF vectorizer of one view; it takes each text as its list of tokens."""
    return TfidfVectorizer(analyzer=list, sublinear_tf=True, dtype=np.float32, **options)


def tokenise(prepared: Sequence[str]) -> Tokens:
    """Return for each view the token lists of prepared texts."""
    return {view: [cut(text) for text in prepared] for view, cut in VIEWS.items()}


@dataclass(frozen=True)
class Model:
    """Predicts labels; `weights` is (labels, features), `bias` is (labels,), margins divide by `temperature`."""

    labels: tuple[str, ...]
    vectorizers: dict[str, TfidfVectorizer]
    weights: Floats
    bias: Floats
    temperature: float
    version: str = "unsaved"

    def probabilities(self, texts: Sequence[str]) -> Floats:
        """Return an array (texts, labels) whose rows sum to 1."""
        tokens = tokenise(prepare.prepare_all(texts))
        margins = transform(self.vectorizers, tokens) @ self.weights.T + self.bias
        return softmax(margins / self.temperature)

    def predict(self, texts: Sequence[str], top: int = 1) -> list[list[Guess]]:
        """Return for each text its `top` most probable labels, best first."""
        if not texts:
            return []
        rows = self.probabilities(texts)
        order = np.argsort(-rows, axis=1, kind="stable")[:, :top]
        return [[Guess(self.labels[at], float(row[at])) for at in best] for row, best in zip(rows, order, strict=True)]


def transform(vectorizers: dict[str, TfidfVectorizer], tokens: Tokens) -> csr_matrix:
    """Return the features (texts, terms of all views) of tokenised texts."""
    return hstack([vectorizers[view].transform(tokens[view]) * WEIGHTS[view] for view in VIEWS], format="csr")


def softmax(margins: Floats) -> Floats:
    """Return each row as probabilities."""
    shifted = np.exp(margins - margins.max(axis=1, keepdims=True))
    result: Floats = shifted / shifted.sum(axis=1, keepdims=True)
    return result
