"""How well words fit a name that they are not: letters wrong, missing, too many, or others that sound the same.

A name may be written with other characters that sound or look the same (soft), or mistyped (hard). How much is
forgiven depends on where: what tells a name from others of its kind (翠湖 of 翠湖小区) must stay recognisable, or every
estate that we do not know would become one that we do.
"""

from __future__ import annotations

from dataclasses import dataclass

from cases.places import kind_of
from cases.sounds import alike

SOFT, HARD = 0.5, 1.0
SHORTEST, LONG = 3, 6
# A kind as long as 农贸市场 is known with a slip in it; so much longer what is particular may have one slip more.
LONG_KIND, LONGER = 4, 5
# An estate whose name ends in another of these is another estate.
_ENDINGS = frozenset("城苑园府庭居邸湾里轩阁都郡庄院村路街巷桥区厂")


@dataclass(frozen=True)
class Fit:
    """How words fit a name: how far they reach in the text, and how many letters differ, softly and hard."""

    end: int
    soft: int
    hard: int


@dataclass(frozen=True)
class _Slip:
    """One difference: at this letter of the name, what the name has, and what the words have instead."""

    at: int
    letter: str
    written: str

    @property
    def soft(self) -> bool:
        return bool(self.letter and self.written) and alike(self.letter, self.written)


def fit(name: str, text: str, start: int) -> Fit | None:
    """Return how the words at `start` of a text fit a name, None if they are too far from it."""
    most = 2 if len(name) >= LONG else 1
    window = text[start : start + len(name) + most]
    if len(window) < SHORTEST:
        return None
    slips, length = _align(name, window)
    soft = sum(slip.soft for slip in slips)
    hard = len(slips) - soft
    written = window[:length]
    forgiven = _core_holds(name, slips) and (not hard or _kind_holds(name, written, slips))
    if length < SHORTEST or not written.isalnum() or hard > (most if len(name) > SHORTEST else 0) or not forgiven:
        return None
    return Fit(start + length, soft, hard)


def _core_holds(name: str, slips: list[_Slip]) -> bool:
    """Say whether what is particular about a name is still there: half of it as it is, a long one with one slip."""
    kind = len(kind_of(name))
    core = len(name) - kind or len(name)
    within = [slip for slip in slips if slip.at < core]
    hard = [slip for slip in slips if not slip.soft]
    doubled = all(slip.written and not slip.letter and slip.written in name for slip in hard)
    if hard and not doubled and core < SHORTEST and kind < LONG_KIND:
        return False
    lost = sum(not slip.soft for slip in within)
    if lost > (1 if core > SHORTEST or doubled else 0) or (lost and len(within) > 1 + core // LONGER):
        return False
    leading = bool(slips) and not slips[0].letter and slips[0].at == 0
    return not leading and 2 * len(within) <= core + core % 2 and len(slips) < len(name) - 1


def _kind_holds(name: str, written: str, slips: list[_Slip]) -> bool:
    """Say whether the words do not name something of another kind, or of another ending."""
    kind, said = kind_of(name), kind_of(written)
    if said and said != kind and not kind.endswith(said):
        return False
    if len(kind) == 1 and written[-1] != kind:
        return False
    last = slips[-1]
    replaced = bool(last.letter and last.written) and not last.soft and last.at == len(name) - 1
    return not (replaced and last.written in _ENDINGS)


def _align(name: str, window: str) -> tuple[list[_Slip], int]:
    """Return the cheapest slips that turn a name into the beginning of a window, and how long that is."""
    rows = [[column * HARD for column in range(len(window) + 1)]]
    for letter in name:
        above = rows[-1]
        row = [above[0] + HARD]
        for column, written in enumerate(window):
            swap = above[column] + (0 if letter == written else SOFT if alike(letter, written) else HARD)
            row.append(min(swap, above[column + 1] + HARD, row[column] + HARD))
        rows.append(row)
    last = rows[-1]
    length = min(
        range(1, len(last)),
        key=lambda column: (last[column], name[-1] != window[column - 1], abs(column - len(name))),
    )
    return _slips(name, window[:length], rows), length


def _slips(name: str, words: str, rows: list[list[float]]) -> list[_Slip]:
    slips, row, column = [], len(name), len(words)
    while row or column:
        here = rows[row][column]
        if row and column and here == rows[row - 1][column - 1] + _cost(name[row - 1], words[column - 1]):
            row, column = row - 1, column - 1
            if name[row] != words[column]:
                slips.append(_Slip(row, name[row], words[column]))
        elif column and here == rows[row][column - 1] + HARD:
            column -= 1
            slips.append(_Slip(row, "", words[column]))
        else:
            row -= 1
            slips.append(_Slip(row, name[row], ""))
    return slips[::-1]


def _cost(letter: str, written: str) -> float:
    return 0 if letter == written else SOFT if alike(letter, written) else HARD
