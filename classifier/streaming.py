"""Training on more texts than should be held in memory: several readings of one source, each in batches.

First reading: labels, a sample, the texts held out. Then the vocabulary of the sample, and the weights by averaged
stochastic gradient descent over all texts, each a few times. Memory depends on the sample, not on the source.
"""

from __future__ import annotations

import random
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from classifier import training
from classifier.data import DataError
from classifier.features import BATCH, learn
from classifier.model import Model, features

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from classifier.data import Example
    from classifier.features import Vocabulary
    from classifier.model import Floats, Language
    from classifier.training import Progress

SAMPLE, HELD_OUT = 60_000, 10_000
READINGS = 2
CHUNK = 4096
# A run is kept when it occurs in so many texts of the sample.
LEAST = 3
PENALTY = 1e-6


class Survey(NamedTuple):
    """What the first reading finds: how many texts each label has, a sample of them, and others to measure by."""

    counts: Counter[str]
    sample: list[Example]
    held_out: list[Example]


def train(
    examples: Iterable[Example], seed: int, language: Language, progress: Progress
) -> tuple[Model, dict[str, float]]:
    """Return the model and its metrics on texts held out. The same source and seed give the same model."""
    progress(0.01, "many texts: reading them as a stream")
    survey = _survey(examples, random.Random(seed))  # noqa: S311 - a repeatable choice
    labels = tuple(sorted(survey.counts))
    if len(labels) < 2:  # noqa: PLR2004 - one label is nothing to tell apart
        raise DataError(f"training needs at least two labels, found {len(labels)}: {', '.join(labels)}")
    progress(0.1, f"{sum(survey.counts.values())} texts, {len(labels)} labels: looking for the words of a sample")
    vocabulary = _vocabulary(survey.sample, language, len(labels))
    weights, bias = _descend(examples, survey, labels, (language, vocabulary), progress)
    progress(0.95, "measuring on texts held out")
    texts = [example.text for example in survey.held_out]
    targets = np.array([labels.index(example.label) for example in survey.held_out], dtype=np.int64)
    margins = features(language, vocabulary, texts) @ weights + bias
    calibration = training.calibration_of(margins, targets)
    progress(1.0, "done")
    return Model(labels, language, vocabulary, weights, bias, calibration), training.metrics_of(margins, targets)


def _survey(examples: Iterable[Example], rng: random.Random) -> Survey:
    """Read all once; keep so many as a sample, each as likely as any other, whatever the order of the source."""
    counts: Counter[str] = Counter()
    kept: list[Example] = []
    for at, example in enumerate(examples):
        counts[example.label] += 1
        if len(kept) < SAMPLE + HELD_OUT:
            kept.append(example)
        elif (place := rng.randrange(at + 1)) < len(kept):
            kept[place] = example
    rng.shuffle(kept)
    held = min(HELD_OUT, len(kept) // 10)
    return Survey(counts, kept[held:], kept[:held])


def _vocabulary(sample: list[Example], language: Language, labels: int) -> Vocabulary:
    prepared = language.prepared([example.text for example in sample])
    parts = (language.runs(prepared[at : at + BATCH]) for at in range(0, len(prepared), BATCH))
    return learn(parts, len(prepared), LEAST, training.most_terms(labels))


def _descend(
    examples: Iterable[Example],
    survey: Survey,
    labels: tuple[str, ...],
    space: tuple[Language, Vocabulary],
    progress: Progress,
) -> tuple[Floats, Floats]:
    """Return weights and bias, learnt in some readings; the texts held out are left out, wherever they stand."""
    from sklearn.linear_model import SGDClassifier  # noqa: PLC0415 - loads for over a second; serving does without

    known = {label: at for at, label in enumerate(labels)}
    held = {example.text.strip() for example in survey.held_out}
    machine = SGDClassifier(loss="modified_huber", alpha=PENALTY, average=True, random_state=0)
    even = sum(survey.counts.values()) / len(labels)
    help_ = np.array([(even / survey.counts[label]) ** training.BALANCE for label in labels])
    done, total = 0, READINGS * sum(survey.counts.values())
    for _ in range(READINGS):
        source = (example for example in examples if example.text.strip() not in held)
        for chunk in _chunks(source):
            targets = np.array([known[example.label] for example in chunk], dtype=np.int64)
            found = features(*space, [example.text for example in chunk])
            machine.partial_fit(found, targets, classes=np.arange(len(labels)), sample_weight=help_[targets])
            done += len(chunk)
            progress(0.15 + 0.8 * done / total, f"learning: {done} of {total} texts")
    return training.spread(machine.coef_, machine.intercept_, machine.classes_, len(labels))


def _chunks(examples: Iterator[Example]) -> Iterator[list[Example]]:
    while chunk := list(islice(examples, CHUNK)):
        yield chunk
