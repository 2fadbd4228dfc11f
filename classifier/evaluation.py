"""How good a model is on labelled texts that it has not seen."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from classifier.model import LEVELS, two_levels
from classifier.training import hashes_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from classifier.data import Example
    from classifier.model import Floats, Model

BINS = 15
# So many texts at a time fit the processor's caches best.
BATCH = 64


@dataclass(frozen=True)
class Evaluation:
    """`per_class`: label → precision, recall, f1, support. `coverage`: share answered → accuracy there.

    `seen`: how many of the texts the model was trained on; None where it does not know. `group_accuracy`: of the first
    level, where labels have two.
    """

    accuracy: float
    macro_f1: float
    per_class: dict[str, dict[str, float]]
    top2_accuracy: float
    ece: float
    coverage: dict[str, float]
    texts_per_second: float
    group_accuracy: float | None = None
    seen: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the figures as one JSON-ready object; those that these labels do not have are left out."""
        return {name: value for name, value in asdict(self).items() if name != "seen" and value is not None}


def evaluate(model: Model, examples: Sequence[Example]) -> Evaluation:
    """Measure `model` on `examples`; a label that the model does not know counts as wrong."""
    from sklearn.metrics import precision_recall_fscore_support  # noqa: PLC0415 - loads for over a second; serving does without

    texts = [example.text for example in examples]
    truth = np.array([example.label for example in examples])
    model.predict(texts[:1])  # the segmenter's loading is no part of the speed
    started = time.perf_counter()
    rows = np.concatenate([model.probabilities(texts[at : at + BATCH]) for at in range(0, len(texts), BATCH)])
    seconds = time.perf_counter() - started

    names = np.array(model.labels)
    order = np.argsort(-rows, axis=1, kind="stable")
    guesses = names[order[:, 0]]
    right = guesses == truth
    confidence = rows.max(axis=1)
    labels = sorted(set(truth))
    figures = precision_recall_fscore_support(truth, guesses, labels=labels, zero_division=0)
    known = np.isin(hashes_of(texts), model.seen)
    return Evaluation(
        accuracy=_round(right.mean()),
        macro_f1=_round(figures[2].mean()),
        per_class={
            label: {
                "precision": _round(figures[0][at]),
                "recall": _round(figures[1][at]),
                "f1": _round(figures[2][at]),
                "support": int(figures[3][at]),
            }
            for at, label in enumerate(labels)
        },
        top2_accuracy=_round((names[order[:, :2]] == truth[:, None]).any(axis=1).mean()),
        ece=_round(expected_calibration_error(confidence, right)),
        coverage={str(share): _round(accuracy_at(share, confidence, right)) for share in (0.8, 0.9)},
        texts_per_second=round(len(texts) / seconds, 1),
        group_accuracy=_group_accuracy(truth, guesses),
        seen=int(known.sum()) if len(model.seen) else None,
    )


def _group_accuracy(truth: npt.NDArray[np.str_], guesses: npt.NDArray[np.str_]) -> float | None:
    """Return how often the first level is right, None where labels have one level."""
    if not two_levels(truth):
        return None
    pairs = zip(truth, guesses, strict=True)
    right = [label.partition(LEVELS)[0] == guess.partition(LEVELS)[0] for label, guess in pairs]
    return _round(float(np.mean(right)))


def expected_calibration_error(confidence: Floats, right: npt.NDArray[np.bool_]) -> float:
    """Return the mean gap between confidence and accuracy over 15 equal bins, weighted by their sizes."""
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = [
        abs(confidence[bins == at].mean() - right[bins == at].mean()) * (bins == at).mean()
        for at in range(BINS)
        if (bins == at).any()
    ]
    return float(sum(gaps))


def accuracy_at(share: float, confidence: Floats, right: npt.NDArray[np.bool_]) -> float:
    """Return the accuracy on the `share` of texts that the model is surest of."""
    count = max(1, round(len(right) * share))
    surest = np.argsort(-confidence, kind="stable")[:count]
    return float(right[surest].mean())


def _round(value: float) -> float:
    return round(float(value), 4)
