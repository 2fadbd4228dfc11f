"""Training: TF-IDF of words and characters, a linear SVM, and a temperature that makes its margins honest."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import minimize_scalar
from sklearn.metrics import accuracy_score, f1_score
from sklearn.svm import LinearSVC

from classifier.data import DataError, Example
from classifier.model import VIEWS, Model, softmax, tokenise, transform, vectorizer
from classifier.text import prepare_all

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from scipy.sparse import csr_matrix

    from classifier.model import Floats, Tokens

    Whole = npt.NDArray[np.int64]

FOLDS = 4
MAX_FEATURES = 200_000
REGULARISATION = 0.3
# From this many examples on, a feature seen once is noise.
LARGE = 5_000


def train(examples: Sequence[Example], seed: int = 0) -> tuple[Model, dict[str, float]]:
    """Return the model and its cross-validated metrics (`accuracy`, `macro_f1`, over out-of-fold guesses).

    The same examples and seed give the same model. A label with one example is learnt, but not measured.
    Raises DataError when there are fewer than two labels.
    """
    unique = list(dict.fromkeys((example.text.strip(), example.label) for example in examples))
    labels = tuple(sorted({label for _, label in unique}))
    if len(labels) < 2:  # noqa: PLR2004 - one label is nothing to tell apart
        raise DataError(f"training needs at least two labels, found {len(labels)}: {', '.join(labels)}")
    tokens = tokenise(prepare_all([text for text, _ in unique]))
    targets = np.array([labels.index(label) for _, label in unique], dtype=np.int64)
    rng = np.random.default_rng(seed)

    margins, measured = _held_out_margins(tokens, targets, len(labels), rng)
    temperature = _temperature(margins[measured], targets[measured])
    guessed = margins[measured].argmax(axis=1)
    metrics = {
        "accuracy": round(float(accuracy_score(targets[measured], guessed)), 4),
        "macro_f1": round(float(f1_score(targets[measured], guessed, average="macro")), 4),
    }
    vectorizers, features = _fit_features(tokens)
    weights, bias = _fit_linear(features, targets, len(labels))
    return Model(labels, vectorizers, weights, bias, temperature), metrics


def label_counts(examples: Sequence[Example]) -> dict[str, int]:
    """Return how many examples each label has, in the order of the labels."""
    return dict(sorted(Counter(example.label for example in examples).items()))


def _fit_features(tokens: Tokens) -> tuple[dict[str, Any], csr_matrix]:
    size = len(next(iter(tokens.values())))
    options = {"min_df": 2 if size >= LARGE else 1, "max_features": MAX_FEATURES}
    vectorizers = {view: vectorizer(**options).fit(tokens[view]) for view in VIEWS}
    return vectorizers, transform(vectorizers, tokens)


def _part(tokens: Tokens, rows: Whole) -> Tokens:
    return {view: [lists[at] for at in rows] for view, lists in tokens.items()}


def _fit_linear(features: csr_matrix, targets: Whole, labels: int) -> tuple[Floats, Floats]:
    """Return weights (labels, features) and bias (labels,); two labels get mirrored rows."""
    machine = LinearSVC(C=REGULARISATION, random_state=0, class_weight="balanced")
    machine.fit(features, targets)
    weights = np.zeros((labels, features.shape[1]), dtype=np.float32)
    bias = np.full(labels, -10.0, dtype=np.float32)
    if len(machine.classes_) == 2:  # noqa: PLR2004 - scikit-learn keeps one row for two classes
        low, high = machine.classes_
        weights[high], bias[high] = machine.coef_[0], machine.intercept_[0]
        weights[low], bias[low] = -machine.coef_[0], -machine.intercept_[0]
    else:
        weights[machine.classes_], bias[machine.classes_] = machine.coef_, machine.intercept_
    return weights, bias


def _held_out_margins(
    tokens: Tokens, targets: Whole, labels: int, rng: np.random.Generator
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Return margins (texts, labels) from models that had not seen the text, and which texts have them."""
    folds = _folds(targets, rng)
    margins = np.zeros((len(targets), labels), dtype=np.float32)
    for fold in range(FOLDS):
        inside, outside = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        if not len(outside) or len(set(targets[inside])) < 2:  # noqa: PLR2004 - nothing to tell apart
            folds[outside] = -1
            continue
        vectorizers, features = _fit_features(_part(tokens, inside))
        weights, bias = _fit_linear(features, targets[inside], labels)
        margins[outside] = transform(vectorizers, _part(tokens, outside)) @ weights.T + bias
    if not (folds >= 0).any():
        raise DataError("training needs at least two examples of two labels each")
    return margins, folds >= 0


def _folds(targets: Whole, rng: np.random.Generator) -> Whole:
    """Deal each label's examples round the folds; a label's only example is -1: always trained on."""
    folds = np.full(len(targets), -1, dtype=np.int64)
    for target in np.unique(targets):
        members = rng.permutation(np.flatnonzero(targets == target))
        if len(members) > 1:
            folds[members] = (np.arange(len(members)) + rng.integers(FOLDS)) % FOLDS
    return folds


def _temperature(margins: Floats, targets: Whole) -> float:
    """Return the divisor of the margins that makes the true labels most likely."""

    def loss(log_temperature: float) -> float:
        rows = softmax(margins / np.exp(log_temperature))
        return float(-np.log(rows[np.arange(len(targets)), targets] + 1e-12).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-4.0, 3.0), method="bounded").x))
