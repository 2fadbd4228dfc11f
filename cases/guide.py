"""The office guide: what residents ask about offices and papers, and where to go with what is not handled here.

The administrator fills it. A question finds an entry by the characters it shares with one of the entry's names.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# An entry answers when so much of one of its names is in the question, by weight; so close behind, another may too.
ANSWERS = 0.6
CLOSE = 0.1
OFFERED = 2


@dataclass(frozen=True)
class Entry:
    """One matter of the guide. `elsewhere`: it is not handled here, and the entry says who does."""

    id: int
    title: str
    names: tuple[str, ...]
    what: str
    where: str
    hours: str
    papers: str
    phone: str
    elsewhere: bool


class Guide:
    """Finds the entries that a question is about."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = tuple(entries)
        self._names = [(entry, _pairs(name)) for entry in self.entries for name in (entry.title, *entry.names)]
        counts = Counter(pair for _, pairs in self._names for pair in pairs)
        self._weights = {pair: 1 + math.log(len(self._names) / count) for pair, count in counts.items()}

    def titled(self, text: str) -> Entry | None:
        """Return the entry whose title a text is, as when it was tapped."""
        return next((entry for entry in self.entries if entry.title == text.strip()), None)

    def find(self, question: str) -> tuple[Entry, ...]:
        """Return the entry that a question is about; two when it may be either; none when it is about neither."""
        exact = self.titled(question)
        if exact is not None:
            return (exact,)
        asked = _pairs(question)
        scores: dict[Entry, float] = {}
        for entry, pairs in self._names:
            shared = sum(self._weights[pair] for pair in pairs & asked)
            whole = sum(self._weights[pair] for pair in pairs)
            scores[entry] = max(scores.get(entry, 0.0), shared / whole if whole else 0.0)
        ranked = sorted((entry for entry in scores if scores[entry] >= ANSWERS), key=lambda entry: -scores[entry])
        return tuple(entry for entry in ranked if scores[ranked[0]] - scores[entry] <= CLOSE)[:OFFERED]


def _pairs(text: str) -> frozenset[str]:
    """Return the neighbouring characters in a text, two by two."""
    letters = [character for character in text.lower() if character.isalnum()]
    return frozenset(first + second for first, second in pairwise(letters))
