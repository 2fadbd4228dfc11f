"""Training: TF-IDF of words and characters, a linear SVM, and a temperature that makes its margins honest."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from classifier.data import DataError, Example
from classifier.model import Model, View, features, softmax, tokenise
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
# The margin of a label that a fold has not seen.
UNSEEN = -10.0


def train(examples: Sequence[Example], seed: int = 0) -> tuple[Model, dict[str, float]]:
    """Return the model and its cross-validated metrics (`accuracy`, `macro_f1`, over out-of-fold guesses).

    The same examples and seed give the same model. A label with one example is learnt, but not measured.
    Raises DataError when there are fewer than two labels.
    """
    from sklearn.metrics import accuracy_score, f1_score  # noqa: PLC0415 - loads for over a second; serving does without

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
    views = _fit_views(tokens)
    weights, bias = _fit_linear(features(views, tokens), targets, len(labels))
    return Model(labels, views, weights, bias, temperature), metrics


def label_counts(examples: Sequence[Example]) -> dict[str, int]:
    """Return how many examples each label has, in the order of the labels."""
    return dict(sorted(Counter(example.label for example in examples).items()))


def _fit_views(tokens: Tokens) -> dict[str, View]:
    """Learn each view's terms and their inverse document frequencies."""
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415 - loads for over a second; serving does without

    size = len(next(iter(tokens.values())))
    fitted = {
        name: TfidfVectorizer(analyzer=list, min_df=2 if size >= LARGE else 1, max_features=MAX_FEATURES).fit(lists)
        for name, lists in tokens.items()
    }
    return {
        name: View({term: int(at) for term, at in one.vocabulary_.items()}, one.idf_.astype(np.float32))
        for name, one in fitted.items()
    }


def _part(tokens: Tokens, rows: Whole) -> Tokens:
    return {view: [lists[at] for at in rows] for view, lists in tokens.items()}


def _fit_linear(found: csr_matrix, targets: Whole, labels: int) -> tuple[Floats, Floats]:
    """Return weights (terms, labels) and bias (labels,); two labels get mirrored columns."""
    from sklearn.svm import LinearSVC  # noqa: PLC0415 - loads for over a second; serving does without

    machine = LinearSVC(C=REGULARISATION, random_state=0, class_weight="balanced")
    machine.fit(found, targets)
    rows, offsets = machine.coef_, machine.intercept_
    if len(machine.classes_) == 2:  # noqa: PLR2004 - scikit-learn keeps one row for two classes
        rows, offsets = np.vstack([-rows, rows]), np.concatenate([-offsets, offsets])
    weights = np.zeros((found.shape[1], labels), dtype=np.float32)
    bias = np.full(labels, UNSEEN, dtype=np.float32)
    weights[:, machine.classes_], bias[machine.classes_] = rows.T, offsets
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
        known = _part(tokens, inside)
        views = _fit_views(known)
        weights, bias = _fit_linear(features(views, known), targets[inside], labels)
        margins[outside] = features(views, _part(tokens, outside)) @ weights + bias
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
    from scipy.optimize import minimize_scalar  # noqa: PLC0415 - loads for over a second; serving does without

    def loss(log_temperature: float) -> float:
        rows = softmax(margins / np.exp(log_temperature))
        return float(-np.log(rows[np.arange(len(targets)), targets] + 1e-12).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-4.0, 3.0), method="bounded").x))
