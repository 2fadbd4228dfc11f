"""Two versions of the classifier on the same frozen texts: how good each is, where they differ, whether one may go out.

Plain functions over labels; no models, no database. Shares are from 0 to 1.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from classifier import Evaluation

# By so much may a new version be worse: macro-F1 in all, and F1 of a single kind.
MOST_MACRO_LOSS, MOST_KIND_LOSS = 0.005, 0.05
# Rounding is no loss.
ROUNDING = 1e-9
FIGURES = ("accuracy", "macro_f1", "top2_accuracy", "ece")


@dataclass(frozen=True)
class Kind:
    """One kind of matter in the frozen set: how many texts it has there, its F1 before (None: unknown) and after."""

    label: str
    support: int
    before: float | None
    after: float
    precision: float
    recall: float

    @property
    def loss(self) -> float:
        """By how much it became worse."""
        return (self.before or 0.0) - self.after


@dataclass(frozen=True)
class Confusion:
    """So many texts of `truth` are taken for `guess`."""

    truth: str
    guess: str
    count: int


def comparison(
    champion: Evaluation | None,
    challenger: Evaluation,
    truths: Sequence[str],
    guesses: Sequence[str],
    curve: Sequence[tuple[int, float]],
    moved: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """Return the comparison as plain values, to be kept and shown.

    `curve`: labels learnt from → accuracy. `moved`: recent cases that would get another kind.
    """
    return {
        "texts": len(truths),
        "before": _figures(champion) if champion is not None else None,
        "after": _figures(challenger),
        "kinds": [asdict(kind) for kind in _kinds(champion, challenger)],
        "confusion": [asdict(each) for each in confusions(truths, guesses)],
        "curve": [list(point) for point in curve],
        "moved": [dict(each) for each in moved],
    }


def _figures(evaluation: Evaluation) -> dict[str, Any]:
    return {name: getattr(evaluation, name) for name in FIGURES} | {"coverage": evaluation.coverage}


def _kinds(champion: Evaluation | None, challenger: Evaluation) -> list[Kind]:
    known = champion.per_class if champion is not None else {}
    return [
        Kind(
            str(label),
            int(row["support"]),
            known[label]["f1"] if label in known else None,
            row["f1"],
            row["precision"],
            row["recall"],
        )
        for label, row in challenger.per_class.items()
    ]


def confusions(truths: Sequence[str], guesses: Sequence[str]) -> list[Confusion]:
    """Return how often each kind is taken for each, the right ones too, the most frequent first."""
    counts = Counter(zip(truths, guesses, strict=True))
    return [Confusion(truth, guess, count) for (truth, guess), count in counts.most_common()]


def kinds_of(report: Mapping[str, Any]) -> list[Kind]:
    """Return the kinds of a kept comparison."""
    return [Kind(**row) for row in report["kinds"]]


def objections(report: Mapping[str, Any], names: Mapping[str, str]) -> list[str]:
    """Return why the new version should not go out, for people to read; empty: it may. `names`: of the kinds."""
    if report["before"] is None:
        return []
    found = []
    loss = report["before"]["macro_f1"] - report["after"]["macro_f1"]
    if loss > MOST_MACRO_LOSS + ROUNDING:
        found.append(f"各类平均（宏F1）从 {report['before']['macro_f1']:.1%} 降到 {report['after']['macro_f1']:.1%}")
    found += [
        f"“{names.get(kind.label, kind.label)}”从 {kind.before:.0%} 降到 {kind.after:.0%}（测试题 {kind.support} 件）"
        for kind in kinds_of(report)
        if kind.before is not None and kind.loss > MOST_KIND_LOSS + ROUNDING
    ]
    return found


def promise(curve: Sequence[Sequence[float]]) -> float | None:
    """Return what twice as many labels would bring by the curve's last doubling, in accuracy; None: it cannot tell.

    Accuracy grows about evenly with each doubling, ever more slowly: so this is rather too much than too little.
    """
    points = [(labels, accuracy) for labels, accuracy in curve if labels > 0]
    if len(points) < 2:  # noqa: PLR2004 - a line needs two points
        return None
    (half, lower), (whole, upper) = points[-2], points[-1]
    return max(0.0, upper - lower) if whole >= 2 * half * 0.9 else None
