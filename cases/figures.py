"""How the classifier does in daily work, from what people said afterwards: right or not, drift, doubt, and what is due.

Plain functions over rows. Shares are from 0 to 1; a week begins on Monday, in China's time.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from cases.worktime import CHINA

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime

    from cases.storage.labels import Judged

WEEKS = 12
STEP = 0.05
# With fewer judged cases than this, a kind has no curve of its own.
ENOUGH = 30
# A training is due after so many new labels, or when so much has changed.
MANY_LABELS, WORSE, MORE_DOUBT, MIX_SHIFT = 200, 0.05, 0.1, 0.15
LATELY, BEFORE = timedelta(days=28), timedelta(days=90)
# A new kind may go by itself when so many of its guesses in the frozen set were right, of so many.
GOOD_ENOUGH, TESTED = 0.85, 5
WANTED_LABELS = 20
# Of fewer cases than this, before or lately, a mix says nothing.
MIX_LEAST = 200


@dataclass(frozen=True)
class Share:
    """So many of a total."""

    part: int
    total: int

    @property
    def value(self) -> float:
        """The share; 0 of nothing."""
        return self.part / self.total if self.total else 0.0


@dataclass(frozen=True)
class Step:
    """What sending by itself above a probability means: how many cases, and how many of those rightly."""

    threshold: float
    covered: Share
    right: Share


def week_of(moment: datetime) -> date:
    """Return the Monday of the week that a moment lies in."""
    day = moment.astimezone(CHINA).date()
    return day - timedelta(days=day.weekday())


def is_right(row: Judged) -> bool:
    """Say whether a guess was what people say."""
    return row.guess == row.label


def weekly(rows: Iterable[Judged]) -> list[tuple[date, Share]]:
    """Return how many guesses of each week were right, the oldest week first."""
    found: dict[date, list[bool]] = defaultdict(list)
    for row in rows:
        found[week_of(row.labelled_at)].append(is_right(row))
    return [(week, Share(sum(right), len(right))) for week, right in sorted(found.items())][-WEEKS:]


def by_kind(rows: Iterable[Judged]) -> dict[str, Share]:
    """Return of each kind that was guessed how often rightly, the most frequent first."""
    found: dict[str, list[bool]] = defaultdict(list)
    for row in rows:
        found[row.guess].append(is_right(row))
    ranked = sorted(found.items(), key=lambda each: -len(each[1]))
    return {kind: Share(sum(right), len(right)) for kind, right in ranked}


def curve(rows: Sequence[Judged], *more: float) -> list[Step]:
    """Return what each threshold from 5 % to 95 %, and some more, would have meant for the judged cases."""
    steps = []
    for threshold in sorted({*(round(at * STEP, 2) for at in range(1, round(1 / STEP))), *more}):
        above = [is_right(row) for row in rows if row.probability >= threshold]
        steps.append(Step(threshold, Share(len(above), len(rows)), Share(sum(above), len(above))))
    return steps


def curves_by_kind(rows: Iterable[Judged]) -> dict[str, list[Step]]:
    """Return a curve of its own for each guessed kind that has enough judged cases."""
    found: dict[str, list[Judged]] = defaultdict(list)
    for row in rows:
        found[row.guess].append(row)
    return {kind: curve(members) for kind, members in found.items() if len(members) >= ENOUGH}


def doubt_by_week(opened: Iterable[tuple[datetime, float | None]], confident: float) -> list[tuple[date, Share]]:
    """Return how many cases of each week the classifier was unsure of, the oldest week first."""
    found: dict[date, list[bool]] = defaultdict(list)
    for at, certainty in opened:
        found[week_of(at)].append(certainty is None or certainty < confident)
    return [(week, Share(sum(doubts), len(doubts))) for week, doubts in sorted(found.items())][-WEEKS:]


def mix_shift(opened: Iterable[tuple[datetime, str | None]], now: datetime) -> list[tuple[str, float, float]]:
    """Return the kinds whose share of all cases changed most: the kind, its share before, and lately."""
    lately: Counter[str] = Counter()
    before: Counter[str] = Counter()
    for at, kind in opened:
        if kind is not None and at > now - LATELY - BEFORE:
            (lately if at > now - LATELY else before)[kind] += 1
    if min(lately.total(), before.total()) < MIX_LEAST:
        return []
    shares = [(kind, before[kind] / before.total(), lately[kind] / lately.total()) for kind in {*lately, *before}]
    return sorted(shares, key=lambda each: (-abs(each[2] - each[1]), each[0]))


def shifted(mix: Iterable[tuple[str, float, float]]) -> float:
    """Return how far two mixes are apart: 0 the same, 1 nothing in common (total variation)."""
    return sum(abs(after - before) for _, before, after in mix) / 2


def is_good_enough(right: Share) -> bool:
    """Say whether a kind's guesses in the frozen set allow sending by itself."""
    return right.total >= TESTED and right.value >= GOOD_ENOUGH


def due(
    new_labels: int,
    weeks: Sequence[tuple[date, Share]],
    doubt: Sequence[tuple[date, Share]],
    mix: Sequence[tuple[str, float, float]],
    unknown_kinds: Mapping[str, int],
) -> list[str]:
    """Return why a training is due, for people to read; empty: it is not.

    `unknown_kinds`: kinds that the version in use does not know, with their labels.
    """
    found = []
    if new_labels >= MANY_LABELS:
        found.append(f"上次训练后又有 {new_labels} 条新标注")
    found += [
        f"新类别“{name}”已有 {count} 条标注，训练后就能认出来"
        for name, count in unknown_kinds.items()
        if count >= WANTED_LABELS
    ]
    fall = _rise(weeks)
    if fall is not None and -fall > WORSE:
        found.append(f"最近四周的正确率比之前低了 {-fall * 100:.0f} 个百分点")
    rise = _rise(doubt)
    if rise is not None and rise > MORE_DOUBT:
        found.append(f"最近四周拿不准的比之前多了 {rise * 100:.0f} 个百分点")
    if shifted(mix) > MIX_SHIFT and new_labels:
        found.append("最近四周来的事和之前很不一样")
    return found


def _rise(weeks: Sequence[tuple[date, Share]]) -> float | None:
    """Return by how much the last four weeks are above the ones before; None where there is too little."""
    last, before = weeks[-4:], weeks[:-4]
    lately, earlier = (
        Share(sum(share.part for _, share in part), sum(share.total for _, share in part)) for part in (last, before)
    )
    enough = lately.total >= ENOUGH and earlier.total >= ENOUGH
    return lately.value - earlier.value if enough else None
