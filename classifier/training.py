"""Training: TF-IDF of characters and words, a linear SVM, and a curve that makes its margins honest.

Few texts are held in memory and learnt by scikit-learn's LinearSVC. Many (`data.LARGE`) are read as a stream: the
vocabulary comes from a sample, the weights from averaged stochastic gradient descent (SGDClassifier) over all of them;
memory stays bounded and time grows linearly.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.sparse import csr_matrix, vstack

from classifier.data import LARGE, DataError, is_large, unlike
from classifier.features import BATCH, learn
from classifier.model import Calibration, Language, Model
from classifier.text import Prepared

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import numpy.typing as npt

    from classifier.data import Example
    from classifier.features import Vocabulary
    from classifier.model import Floats

    Whole = npt.NDArray[np.int64]
    # Told how far a training is (0 to 1) and what it does now; what it raises ends the training.
    Progress = Callable[[float, str], None]

# So many folds below so many examples: of few, each fold must leave nearly all to learn from, or the probabilities come
# out too modest.
FOLDS = ((5_000, 10), (20_000, 4), (LARGE + 1, 2))
# From so many examples on, a run that occurs once is noise.
LARGE_SET = 5_000
MAX_TERMS, MAX_WEIGHTS = 400_000, 24_000_000
REGULARISATION = 0.8
# How much rare labels are helped: 0 not at all, 1 as if all were equally frequent.
BALANCE = 0.5
# Residents write short lines, but labelled texts are often long: openings and titles alone are learnt as well.
OPENINGS, LONG, SHORT_WEIGHT = (30, 60), 120, 0.3
# The margin of a label that a fold has not seen.
UNSEEN = -10.0
HASHED_TEXTS = 500_000
# Beyond this the calibrating curve has one shape.
MOST_SHIFT = 8.0


class Matrix(NamedTuple):
    """What the SVM learns from: features, labels, weights, and which text each row comes from."""

    found: csr_matrix
    targets: Whole
    weights: Floats
    texts: Whole


def silent(_done: float, _words: str) -> None:
    """Tell nobody."""


def train(
    examples: Iterable[Example],
    seed: int = 0,
    *,
    language: Language | None = None,
    progress: Progress = silent,
    measure: bool = True,
) -> tuple[Model, dict[str, float]]:
    """Return the model and its cross-validated metrics (`accuracy`, `macro_f1`, over out-of-fold guesses).

    The same examples and seed give the same model. A label with one example is learnt, but not measured. Without
    `measure` there are no metrics and the probabilities are not calibrated. `examples` may be read several times.
    Raises DataError when there are fewer than two labels.
    """
    language = language or Language()
    if is_large(examples):
        from classifier import streaming  # noqa: PLC0415 - it builds on this module

        return streaming.train(examples, seed, language, progress)
    unique, counts = unlike(examples)
    labels = tuple(sorted({example.label for example in unique}))
    if len(labels) < 2:  # noqa: PLR2004 - one label is nothing to tell apart
        raise DataError(f"training needs at least two labels, found {len(labels)}: {', '.join(labels)}")
    progress(0.02, f"{len(unique)} texts, {len(labels)} labels: looking for their words")
    targets = np.array([labels.index(example.label) for example in unique], dtype=np.int64)
    prepared = language.prepared([example.text for example in unique])
    vocabulary, matrix = _matrix(language, prepared, targets, len(labels))
    calibration, metrics = Calibration(), dict[str, float]()
    if measure:
        margins, measured = _held_out_margins(matrix, targets, len(labels), np.random.default_rng(seed), progress)
        calibration = calibration_of(margins[measured], targets[measured], np.array(counts)[measured])
        metrics = metrics_of(margins[measured], targets[measured])
    progress(0.8, "learning from all texts")
    weights, bias = fit_linear(matrix, len(labels))
    model = Model(
        labels, language, vocabulary, weights, bias, calibration, hashes_of(example.text for example in unique)
    )
    progress(1.0, "done")
    return model, metrics


def hashes_of(texts: Iterable[str]) -> npt.NDArray[np.uint64]:
    """Return a hash of each text in ascending order, by which a model knows again what it was trained on."""
    from hashlib import blake2b  # noqa: PLC0415 - nobody else needs it

    found = {int.from_bytes(blake2b(text.strip().encode(), digest_size=8).digest(), "big") for text in texts}
    return np.sort(np.fromiter(found, dtype=np.uint64, count=len(found)))[:HASHED_TEXTS]


def label_counts(examples: Iterable[Example]) -> dict[str, int]:
    """Return how many examples each label has, in the order of the labels."""
    return dict(sorted(Counter(example.label for example in examples).items()))


def most_terms(labels: int) -> int:
    """Return how many terms a model of so many labels may have: its file stays below 60 MB."""
    return min(MAX_TERMS, MAX_WEIGHTS // labels)


def openings(text: Prepared) -> list[Prepared]:
    """Return what a resident might have sent of a long text: its title, the beginnings of the rest."""
    rest = text.text[text.title + 1 :] if text.title else text.text
    title = [Prepared(text.text[: text.title])] if text.title else []
    return title + [Prepared(rest[:size]) for size in OPENINGS if text.title or len(rest) > LONG]


def _matrix(language: Language, prepared: Sequence[Prepared], targets: Whole, labels: int) -> tuple[Vocabulary, Matrix]:
    """Return the vocabulary of some texts, and the features of them and of their openings."""
    least = 2 if len(prepared) >= LARGE_SET else 1
    vocabulary = learn(map(language.runs, _batches(prepared)), len(prepared), least, most_terms(labels))
    found = [vocabulary.weigh(language.runs(batch), len(batch)) for batch in _batches(prepared)]
    short = [(at, opening) for at, text in enumerate(prepared) for opening in openings(text)]
    found += [vocabulary.weigh(language.runs(batch), len(batch)) for batch in _batches([text for _, text in short])]
    texts = np.array([*range(len(prepared)), *(at for at, _ in short)], dtype=np.int64)
    weights = np.where(np.arange(len(texts)) < len(prepared), 1.0, SHORT_WEIGHT)
    return vocabulary, Matrix(csr_matrix(vstack(found)), targets[texts], weights, texts)


def _batches(texts: Sequence[Prepared]) -> list[Sequence[Prepared]]:
    return [texts[at : at + BATCH] for at in range(0, len(texts), BATCH)]


def class_weights(targets: Whole) -> dict[int, float]:
    """Return how much an example of each label counts."""
    labels, counts = np.unique(targets, return_counts=True)
    even = len(targets) / len(labels)
    return {int(label): float((even / count) ** BALANCE) for label, count in zip(labels, counts, strict=True)}


def fit_linear(matrix: Matrix, labels: int) -> tuple[Floats, Floats]:
    """Return weights (terms, labels) and bias (labels,); two labels get mirrored columns."""
    from sklearn.svm import LinearSVC  # noqa: PLC0415 - loads for over a second; serving does without

    machine = LinearSVC(C=REGULARISATION, random_state=0, class_weight=class_weights(matrix.targets))
    machine.fit(matrix.found, matrix.targets, sample_weight=matrix.weights)
    return spread(machine.coef_, machine.intercept_, machine.classes_, labels)


def spread(rows: Floats, offsets: Floats, known: Whole, labels: int) -> tuple[Floats, Floats]:
    """Return scikit-learn's coefficients as (terms, labels) and (labels,), labels unseen far below all others."""
    if len(known) == 2:  # noqa: PLR2004 - scikit-learn keeps one row for two classes
        rows, offsets = np.vstack([-rows, rows]), np.concatenate([-offsets, offsets])
    weights = np.zeros((rows.shape[1], labels), dtype=np.float32)
    bias = np.full(labels, UNSEEN, dtype=np.float32)
    # Kept as half-precision numbers, and rounded before anything is measured.
    weights[:, known], bias[known] = rows.T.astype(np.float16), offsets
    return weights, bias


def metrics_of(margins: Floats, targets: Whole) -> dict[str, float]:
    """Return accuracy and macro-F1 of the guesses that margins (texts, labels) make."""
    from sklearn.metrics import accuracy_score, f1_score  # noqa: PLC0415 - loads for over a second; serving does without

    guessed = margins.argmax(axis=1)
    return {
        "accuracy": round(float(accuracy_score(targets, guessed)), 4),
        "macro_f1": round(float(f1_score(targets, guessed, average="macro")), 4),
    }


def _held_out_margins(
    matrix: Matrix, targets: Whole, labels: int, rng: np.random.Generator, progress: Progress
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Return margins (texts, labels) from models that had not seen the text, and which texts have them.

    The vocabulary is that of all texts; it knows no labels.
    """
    count = next(count for below, count in FOLDS if len(targets) < below)
    folds = _folds(targets, count, rng)
    margins = np.zeros((len(targets), labels), dtype=np.float32)
    for fold in range(count):
        progress(0.1 + 0.7 * fold / count, f"measuring: part {fold + 1} of {count}")
        outside = np.flatnonzero(folds == fold)
        inside = np.flatnonzero(folds[matrix.texts] != fold)
        if not len(outside) or len(set(matrix.targets[inside])) < 2:  # noqa: PLR2004 - nothing to tell apart
            folds[outside] = -1
            continue
        known = Matrix(matrix.found[inside], matrix.targets[inside], matrix.weights[inside], matrix.texts[inside])
        weights, bias = fit_linear(known, labels)
        margins[outside] = matrix.found[outside] @ weights + bias
    if not (folds >= 0).any():
        raise DataError("training needs at least two examples of two labels each")
    return margins, folds >= 0


def _folds(targets: Whole, count: int, rng: np.random.Generator) -> Whole:
    """Deal each label's examples round the folds; a label's only example is -1: always trained on."""
    folds = np.full(len(targets), -1, dtype=np.int64)
    for target in np.unique(targets):
        members = rng.permutation(np.flatnonzero(targets == target))
        if len(members) > 1:
            folds[members] = (np.arange(len(members)) + rng.integers(count)) % count
    return folds


def calibration_of(margins: Floats, targets: Whole, counts: Floats | None = None) -> Calibration:
    """Return the curve under which the true labels are most likely; `counts`: how often each text occurs."""
    from scipy.optimize import minimize  # noqa: PLC0415 - loads for over a second; serving does without

    shares = np.ones(len(targets)) if counts is None else counts
    rows = np.arange(len(targets))

    def curve(found: Floats) -> Calibration:
        """Return a curve; its power is told apart from its shift, which else would stand for each other."""
        shift = min(float(found[1]), MOST_SHIFT)
        return Calibration(float(np.exp(found[0])), shift, float(np.exp(found[2]) * (1 + np.exp(shift))))

    def loss(found: Floats) -> float:
        chances = curve(found).probabilities(margins)[rows, targets]
        return float(-(shares * np.log(chances + 1e-12)).sum() / shares.sum())

    options = {"maxiter": 400, "xatol": 1e-3, "fatol": 1e-5}
    return curve(minimize(loss, np.array([0.7, 1.0, 0.0]), method="Nelder-Mead", options=options).x)
