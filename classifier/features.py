"""The features of texts: hashes of their characters' and words' runs, weighed by TF-IDF.

Every run of a text has a 64-bit hash that comes from one running sum over its characters (a polynomial hash modulo
2^64, whose inverse powers exist because the base is odd). So all runs of a whole batch are hashed by a few array
operations, and single texts and batches, training and serving go the same way.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.sparse import csr_matrix

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt

    from classifier.text import Prepared, Segmenter

    Floats = npt.NDArray[np.floating[Any]]
    Whole = npt.NDArray[np.int64]
    Indices = npt.NDArray[np.int32]
    Hashes = npt.NDArray[np.uint64]

_U = np.uint64
_BASE = _U(0x9E3779B97F4A7C15)
_STEPS = (31, 29, 32)
_FACTORS = (_U(0xBF58476D1CE4E5B9), _U(0x94D049BB133111EB))
_SALT = _U(0x632BE59BD9B4E019)
_SPACE = ord(" ")
# Texts are hashed so many at a time.
BATCH = 512
# A bucket of the look-up table for so many terms: most buckets are empty, so that strange runs are told at once.
_BUCKETS = 8


class Group(NamedTuple):
    """Runs that are weighed together: of characters or words, so long, of the title or the whole; and their weight."""

    unit: str
    sizes: tuple[int, ...]
    part: str
    weight: float


# Chosen by cross-validation on letters, hotline tickets and short messages: docs/classifier.md.
GROUPS = (
    Group("characters", (1, 2), "whole", 1.0),
    Group("characters", (3,), "whole", 0.35),
    Group("words", (1,), "whole", 0.5),
    Group("characters", (1, 2), "title", 1.0),
    Group("characters", (3,), "title", 0.35),
    Group("words", (1,), "title", 0.5),
)


class Runs(NamedTuple):
    """All runs of a batch: the row, hash and group of each, and where it stands in the joined text."""

    rows: Indices
    hashes: Hashes
    groups: npt.NDArray[np.uint8]
    starts: Indices
    sizes: Indices


@cache
def _powers(inverse: bool, count: int) -> Hashes:  # noqa: FBT001 - a cache key
    base = _inverse(int(_BASE)) if inverse else _BASE
    powers = np.ones(count, dtype=np.uint64)
    known = 1
    with np.errstate(over="ignore"):
        while known < count:
            more = min(known, count - known)
            powers[known : known + more] = powers[:more] * (powers[known - 1] * base)
            known += more
    return powers


def _inverse(odd: int) -> np.uint64:
    """Return the inverse of an odd number modulo 2^64, by Newton's steps."""
    found = 1
    for _ in range(7):
        found = found * (2 - odd * found) % (1 << 64)
    return _U(found)


def _mixed(hashes: Hashes, salt: int) -> Hashes:
    """Return hashes whose bits all depend on all bits, and on which kind of run it is (splitmix64's finaliser)."""
    with np.errstate(over="ignore"):
        hashes = hashes + _U(salt) * _SALT
        for step, factor in zip(_STEPS, _FACTORS, strict=False):
            hashes = (hashes ^ (hashes >> _U(step))) * factor
    return hashes ^ (hashes >> _U(_STEPS[-1]))


class Batch:
    """Some prepared texts as one row of characters, whose runs can be asked for."""

    def __init__(self, texts: Sequence[Prepared], segmenter: Segmenter) -> None:
        self._texts = texts
        self._segmenter = segmenter
        joined = "\n".join(each.text for each in texts)
        self._codes = np.frombuffer(joined.encode("utf-32-le"), dtype=np.uint32)
        count = len(self._codes)
        capacity = 1 << max(12, count.bit_length())
        self._inverse = _powers(inverse=True, count=capacity)
        self._sums = np.zeros(count + 1, dtype=np.uint64)
        with np.errstate(over="ignore"):
            np.cumsum(
                self._codes.astype(np.uint64) * _powers(inverse=False, count=capacity)[:count], out=self._sums[1:]
            )
        sizes = np.fromiter((len(each.text) for each in texts), dtype=np.int64, count=len(texts))
        self._starts = np.cumsum(sizes + 1) - sizes - 1
        self._ends = {"whole": self._starts + sizes}
        self._ends["title"] = self._starts + np.fromiter((each.title for each in texts), np.int64, len(texts))
        self._row_of = np.repeat(np.arange(len(texts), dtype=np.int32), sizes + 1)[:count]

    def runs(self) -> Runs:
        """Return the runs of all groups."""
        words = self._words()
        found = [
            self._characters(at, group) if group.unit == "characters" else self._worded(at, group, *words)
            for at, group in enumerate(GROUPS)
            if group.part == "whole" or any(each.title for each in self._texts)
        ]
        return Runs(*(np.concatenate(parts) for parts in zip(*found, strict=True)))

    def _words(self) -> tuple[Whole, Whole]:
        """Return where the words start and how long they are; spaces are none."""
        sizes = [np.fromiter(map(len, self._segmenter.cut(each.text)), dtype=np.int64) for each in self._texts]
        ends = [np.cumsum(lengths) + start for lengths, start in zip(sizes, self._starts, strict=True)]
        lengths = np.concatenate(sizes) if sizes else np.zeros(0, np.int64)
        starts = (np.concatenate(ends) if ends else np.zeros(0, np.int64)) - lengths
        told = self._codes[starts] != _SPACE
        return starts[told], lengths[told]

    def _characters(self, at: int, group: Group) -> Runs:
        room = self._ends[group.part][self._row_of] - np.arange(len(self._codes))
        found = []
        for size in group.sizes:
            last = max(len(self._codes) + 1 - size, 0)
            fits = room[:last] >= size
            with np.errstate(over="ignore"):
                raw = (self._sums[size:] - self._sums[:last])[fits] * self._inverse[:last][fits]
            starts = np.flatnonzero(fits).astype(np.int32)
            rows, groups = self._row_of[:last][fits], np.full(len(starts), at, dtype=np.uint8)
            found.append(Runs(rows, _mixed(raw, at * 8 + size + 1), groups, starts, np.full_like(starts, size)))
        return Runs(*(np.concatenate(parts) for parts in zip(*found, strict=True)))

    def _worded(self, at: int, group: Group, starts: Whole, lengths: Whole) -> Runs:
        inside = starts + lengths <= self._ends[group.part][self._row_of[starts]]
        starts, lengths = starts[inside], lengths[inside]
        with np.errstate(over="ignore"):
            raw = (self._sums[starts + lengths] - self._sums[starts]) * self._inverse[starts]
        groups = np.full(len(starts), at, dtype=np.uint8)
        short = starts.astype(np.int32), lengths.astype(np.int32)
        return Runs(self._row_of[starts], _mixed(raw, at * 8 + 1), groups, *short)


@dataclass(frozen=True)
class Vocabulary:
    """The known runs: `hashes` in ascending order, with the inverse document frequency and the group of each."""

    hashes: Hashes
    idf: Floats
    groups: npt.NDArray[np.uint8]
    buckets: Whole
    shift: int

    @classmethod
    def of(cls, hashes: Hashes, idf: Floats, groups: npt.NDArray[np.uint8]) -> Vocabulary:
        """Return a vocabulary with its look-up table."""
        bits = max(4, (len(hashes) * _BUCKETS).bit_length())
        buckets = np.zeros((1 << bits) + 1, dtype=np.int64)
        np.cumsum(np.bincount((hashes >> _U(64 - bits)).astype(np.int64), minlength=1 << bits), out=buckets[1:])
        return cls(hashes, idf.astype(np.float32), groups, buckets.astype(np.int32), 64 - bits)

    def columns(self, hashes: Hashes) -> Whole:
        """Return the column of each hash, -1 for an unknown one."""
        top = (hashes >> _U(self.shift)).astype(np.int64)
        at, end = self.buckets[top].astype(np.int64), self.buckets[top + 1].astype(np.int64)
        found = np.full(len(hashes), -1, dtype=np.int64)
        open_ = np.flatnonzero(at < end)
        while len(open_):
            hit = self.hashes[at[open_]] == hashes[open_]
            found[open_[hit]] = at[open_[hit]]
            open_ = open_[~hit]
            at[open_] += 1
            open_ = open_[at[open_] < end[open_]]
        return found

    def weigh(self, runs: Runs, texts: int) -> csr_matrix:
        """Return the features (texts, terms): sublinear TF-IDF, each group's part of a text of length its weight."""
        columns = self.columns(runs.hashes)
        known = columns >= 0
        width = len(self.hashes)
        keys = runs.rows[known].astype(np.int64) * max(width, 1) + columns[known]
        keys, counts = np.unique(keys, return_counts=True)
        rows, columns = np.divmod(keys, max(width, 1))
        values = (1 + np.log(counts.astype(np.float32))) * self.idf[columns]
        parts = rows * len(GROUPS) + self.groups[columns]
        lengths = np.sqrt(np.bincount(parts, weights=values * values, minlength=texts * len(GROUPS)))
        weights = np.array([group.weight for group in GROUPS])
        values = values * (weights[self.groups[columns]] / lengths[parts]).astype(np.float32)
        ends = np.searchsorted(rows, np.arange(texts + 1))
        return csr_matrix((values.astype(np.float32), columns, ends), shape=(texts, width))


def learn(chunks: Iterable[Runs], texts: int, least: int, most: int) -> Vocabulary:
    """Return the runs that occur in `least` or more of the texts, at most the `most` frequent ones.

    `chunks` have the runs of parts of the texts; each part's rows are its own, and one at a time is in memory.
    """
    pairs = [_documents(runs) for runs in chunks]
    hashes = np.concatenate([found for found, _, _ in pairs])
    groups = np.concatenate([group for _, group, _ in pairs])
    counts = np.concatenate([count for _, _, count in pairs])
    order = np.argsort(hashes, kind="stable")
    hashes, groups, counts = hashes[order], groups[order], counts[order]
    first = np.flatnonzero(_new(hashes))
    frequency = np.add.reduceat(counts, first) if len(first) else counts
    hashes, groups = hashes[first], groups[first]
    if len(hashes) > most:
        least = max(least, int(np.partition(frequency, -most)[-most]))
    kept = frequency >= least
    idf = np.log((1 + texts) / (1 + frequency[kept])) + 1
    return Vocabulary.of(hashes[kept], idf, groups[kept].astype(np.uint8))


def _documents(runs: Runs) -> tuple[Hashes, npt.NDArray[np.uint8], Whole]:
    """Return the different hashes of some texts, their groups, and in how many of the texts each occurs."""
    order = np.lexsort((runs.rows, runs.hashes))
    hashes, rows, groups = runs.hashes[order], runs.rows[order], runs.groups[order]
    new = _new(hashes, rows)
    hashes, groups = hashes[new], groups[new]
    first = np.flatnonzero(_new(hashes))
    return hashes[first], groups[first], np.diff(np.append(first, len(hashes)))


def _new(*sorted_keys: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Say of each place in sorted keys whether anything differs from the place before."""
    new = np.ones(len(sorted_keys[0]), dtype=np.bool_)
    new[1:] = np.any([key[1:] != key[:-1] for key in sorted_keys], axis=0)
    return new
