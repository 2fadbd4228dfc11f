"""The learning loop's beginning: the starter classifiers, trained from the shipped corpus.

Two models of one kind: `matters` tells the kinds of matter apart, `intents` what a message wants (`report` or one of
the `chat/…` labels).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import classifier
from cases.city_files import CORPUS
from classifier.package import current_version
from classifier.training import label_counts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from classifier import Example

MATTERS, INTENTS = "matters", "intents"
REPORT = "report"
SEED = 20260901


def starter_sets() -> dict[str, list[Example]]:
    """Return the starter corpus as the two models need it."""
    reports = classifier.read_examples(CORPUS / "reports.jsonl")
    terms = classifier.read_examples(CORPUS / "terms.jsonl")
    others = classifier.read_examples(CORPUS / "others.jsonl")
    as_reports = [classifier.Example(example.text, REPORT) for example in reports]
    return {MATTERS: reports + terms, INTENTS: as_reports + others}


def train_starters(models_dir: Path) -> Iterator[tuple[str, dict[str, float]]]:
    """Train and release each starter model that has no released version yet; yield its name and metrics."""
    missing = [name for name in (MATTERS, INTENTS) if current_version(models_dir / name) is None]
    sets = starter_sets() if missing else {}
    for name in missing:
        model, metrics = classifier.train(sets[name], seed=SEED)
        counts = label_counts(sets[name])
        classifier.save(model, models_dir / name, seed=SEED, metrics=metrics, label_counts=counts)
        yield name, metrics
