"""How well a model of the sample city's kinds routes the matters of a real hotline, for tests and bench.

The hotline's tickets are no part of the project: they stand beside the repository, where they are at all.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from classifier import Model

HOTLINE = Path(__file__).resolve().parents[2] / "shared" / "data" / "hotline.train.jsonl"
TABLE = Path(__file__).parent / "data" / "hotline_departments.csv"
# What the hotline itself could not place.
UNPLACED = {None, "", "其他"}
BATCH = 1000


def departments() -> dict[str, str]:
    """Return for each kind of matter the department that the hotline would hand it to."""
    with TABLE.open(encoding="utf-8", newline="") as stream:
        return {row["kind"]: row["department"] for row in csv.DictReader(stream)}


def tickets(most: int | None = None) -> list[tuple[str, str]]:
    """Return what residents told the hotline, each with its department: all, or `most` evenly from the whole file."""
    read_in: list[dict[str, Any]] = [json.loads(line) for line in HOTLINE.read_text(encoding="utf-8").splitlines()]
    told = [
        (row["text_res"], row["dept"]) for row in read_in if row.get("text_res") and row.get("dept") not in UNPLACED
    ]
    if most is None or most >= len(told):
        return told
    return [told[at * len(told) // most] for at in range(most)]


def kinds_of(model: Model, texts: Sequence[str]) -> list[str]:
    """Return the likeliest kind of each text."""
    batches = (texts[start : start + BATCH] for start in range(0, len(texts), BATCH))
    return [guesses[0].label for batch in batches for guesses in model.predict(batch)]


def starter_accuracy(model: Model, most: int | None = None) -> float:
    """Return the share of the hotline's matters (all, or `most`) whose likeliest kind leads to their department."""
    table, told = departments(), tickets(most)
    guessed = kinds_of(model, [text for text, _ in told])
    return sum(table.get(kind) == department for kind, (_, department) in zip(guessed, told, strict=True)) / len(told)
