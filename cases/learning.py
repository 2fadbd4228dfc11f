"""The learning loop's beginning: the starter classifiers, trained from the shipped corpus.

Three models of one kind: `matters` tells the kinds of matter apart, `intents` what a message wants, `dangers` which
danger to life it speaks of (`none`: of no present one).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import classifier
from cases.city_files import CORPUS
from classifier.model import Language
from classifier.package import labels_of
from classifier.text import Places
from classifier.training import label_counts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from cases.storage import Book, Store
    from classifier import Example

MATTERS, INTENTS, DANGERS = "matters", "intents", "dangers"
REPORT, NO_DANGER = "report", "none"
SEED = 20260901


def starter_sets() -> dict[str, list[Example]]:
    """Return the starter corpus as the models need it."""
    reports, terms, others, dangers = (
        classifier.read_examples(CORPUS / f"{name}.jsonl") for name in ("reports", "terms", "others", "dangers")
    )
    return {
        MATTERS: reports + terms,
        INTENTS: others + _rest(reports, others, REPORT),
        DANGERS: dangers + _rest(reports + others, dangers, NO_DANGER),
    }


def terms() -> tuple[str, ...]:
    """Return the words of the trade, which are kept whole when texts are cut."""
    return tuple(example.text for example in classifier.read_examples(CORPUS / "terms.jsonl"))


def language(book: Book) -> Language:
    """Return what the classifier knows of this city: its places' names and aliases, and the words of the trade."""
    names = {name for row in book.places() for name in (row.name, *map(str, row.aliases))}
    return Language(Places(tuple(names)), terms())


def _language(store: Store | None) -> Language:
    if store is None:
        return Language(terms=terms())
    with store.read() as book:
        return language(book)


def _rest(examples: Sequence[Example], known: Sequence[Example], label: str) -> list[Example]:
    """Return the examples whose texts are not known otherwise, under one label."""
    texts = {example.text for example in known}
    return [classifier.Example(example.text, label) for example in examples if example.text not in texts]


def _of_use(folder: Path, name: str) -> bool:
    """Say whether a version is released, and not one of an earlier form or with intents that mean nothing now.

    Only the manifest is read. A version whose files are damaged stays the released one: `/readyz` names it.
    """
    try:
        labels = labels_of(folder)
    except classifier.PackageError:
        return False
    return name != INTENTS or not any("/" in label for label in labels)


def train_starters(models_dir: Path, store: Store | None = None) -> Iterator[tuple[str, dict[str, float]]]:
    """Train and release each starter model that has no released version of use; yield its name and metrics.

    `store`: the case book with the city's places, which the model of matters hides; without it there are none.
    """
    missing = [name for name in (MATTERS, INTENTS, DANGERS) if not _of_use(models_dir / name, name)]
    sets = starter_sets() if missing else {}
    for name in missing:
        known = _language(store) if name == MATTERS else Language()
        model, metrics = classifier.train(sets[name], seed=SEED, language=known)
        counts = label_counts(sets[name])
        classifier.save(model, models_dir / name, seed=SEED, metrics=metrics, label_counts=counts)
        yield name, metrics
