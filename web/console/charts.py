"""Small charts as plain values for SVG: bars of weeks, a curve, a heat map. Sizes are in units of the drawing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from cases.figures import Share

WIDTH, HEIGHT = 320, 120
GAP = 0.25
CELL = 18
MOST_KINDS = 30


@dataclass(frozen=True)
class Bar:
    """One week: where its bar stands and how high, the words under it and about it."""

    x: float
    y: float
    width: float
    height: float
    label: str
    words: str


@dataclass(frozen=True)
class Cell:
    """One field of the heat map; `share` of the row, `right` on the diagonal."""

    x: int
    y: int
    share: float
    right: bool
    words: str


@dataclass(frozen=True)
class HeatMap:
    """Kinds by kinds: rows are what people say, columns what the classifier says."""

    names: tuple[str, ...]
    cells: tuple[Cell, ...]
    size: int


def bars(weeks: Sequence[tuple[date, Share]]) -> list[Bar]:
    """Return a bar for each week, as high as its share."""
    step = WIDTH / max(len(weeks), 6)
    return [
        Bar(
            round(at * step, 1),
            round(HEIGHT * (1 - share.value), 1),
            round(step * (1 - GAP), 1),
            round(HEIGHT * share.value, 1),
            f"{week:%m-%d}",
            f"{week:%m-%d} 起的一周：{share.total} 件里 {share.part} 件，{share.value:.0%}",
        )
        for at, (week, share) in enumerate(weeks)
    ]


def line(points: Sequence[Sequence[float]]) -> list[tuple[float, float, str]]:
    """Return a learning curve's points, evenly apart, lowest to highest over the whole height, with their words."""
    if not points:
        return []
    values = [value for _, value in points]
    low, high = min(values), max(values)
    spread = max(high - low, 0.05)
    step = (WIDTH - 40) / max(len(points) - 1, 1)
    return [
        (
            round(20 + at * step, 1),
            round(HEIGHT - 25 - (value - low) / spread * (HEIGHT - 45), 1),
            f"{labels:.0f} 条 {value:.1%}",
        )
        for at, (labels, value) in enumerate(points)
    ]


def heat_map(confusion: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> HeatMap:
    """Return what is taken for what, for the kinds with most texts."""
    totals: dict[str, int] = {}
    for each in confusion:
        totals[each["truth"]] = totals.get(each["truth"], 0) + each["count"]
    kinds = sorted(totals, key=lambda kind: (-totals[kind], kind))[:MOST_KINDS]
    places = {kind: at for at, kind in enumerate(kinds)}
    cells = [
        Cell(
            places[each["guess"]] * CELL,
            places[each["truth"]] * CELL,
            round(each["count"] / totals[each["truth"]], 3),
            each["truth"] == each["guess"],
            f"“{names.get(each['truth'])}”被看成“{names.get(each['guess'])}”：{each['count']} 件",
        )
        for each in confusion
        if each["truth"] in places and each["guess"] in places
    ]
    return HeatMap(tuple(names.get(kind, kind) for kind in kinds), tuple(cells), len(kinds) * CELL)
