"""The charts of homes as plain values for SVG: today's hours, and seven days of what came, ended and was left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from web.console.charts import Bar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cases.overview import Day

WIDTH, HEIGHT = 336, 96
HOUR_HEIGHT = 56


@dataclass(frozen=True)
class Hour(Bar):
    """One hour's bar; `ahead`: the hour is still to come."""

    ahead: bool


@dataclass(frozen=True)
class DayBars:
    """One day's two bars, with the middle under which its name stands."""

    middle: float
    came: tuple[float, float, float]
    ended: tuple[float, float, float]
    label: str
    words: str


@dataclass(frozen=True)
class Flow:
    """Seven days: their bars, and the line of what was still open at the end of each, with its lowest and highest."""

    days: tuple[DayBars, ...]
    points: str
    dots: tuple[tuple[float, float, int], ...]


def hours(counts: Sequence[int], present: int) -> list[Hour]:
    """Return a bar for each hour of a day, the present one included."""
    highest, step = max(*counts, 1), WIDTH / len(counts)
    found = []
    for hour, count in enumerate(counts):
        height = round(HOUR_HEIGHT * count / highest, 1)
        label = f"{hour}点" if hour % 6 == 0 else ""
        words = f"{hour}点：{count} 件"
        x, width = round(hour * step + step * 0.1, 1), round(step * 0.8, 1)
        found.append(Hour(x, HOUR_HEIGHT - height, width, height, label, words, hour > present))
    return found


def flow(days: Sequence[Day]) -> Flow:
    """Return the bars and the line of these days."""
    highest = max(1, *(max(day.came.count, day.ended.count) for day in days))
    step = WIDTH / len(days)
    bars = []
    for at, day in enumerate(days):
        middle = round((at + 0.5) * step, 1)
        label = f"{day.day.month}-{day.day.day:02d}"
        words = f"{label}：新来 {day.came.count} 件，结束 {day.ended.count} 件，还没完 {day.stood.count} 件"
        came, ended = (_bar(count, highest) for count in (day.came.count, day.ended.count))
        bars.append(DayBars(middle, (middle - 13, *came), (middle + 1, *ended), label, words))
    dots = _dots([day.stood.count for day in days], step)
    return Flow(tuple(bars), " ".join(f"{x},{y}" for x, y, _ in dots), dots)


def _bar(count: int, highest: int) -> tuple[float, float]:
    """Return where a bar begins and how high it is."""
    height = round(HEIGHT * count / highest, 1)
    return round(HEIGHT - height, 1), height


def _dots(counts: Sequence[int], step: float) -> tuple[tuple[float, float, int], ...]:
    """Return the points of the line of what was left, in a strip of its own: its scale is not that of the bars."""
    low, high = min(counts), max(counts)
    spread = max(high - low, 1)
    return tuple(
        (round((at + 0.5) * step, 1), round(44 - 24 * (count - low) / spread, 1), count)
        for at, count in enumerate(counts)
    )
