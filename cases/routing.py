"""Where a case goes, and why: category × place × confidence → queue, each step said in plain words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cases.rules import BY_PLACE

if TYPE_CHECKING:
    from cases.rules import Rule

# Below this probability a guess is a doubt and the dispatchers decide, unless the administrator has set another.
CONFIDENT = 0.45


@dataclass(frozen=True)
class Guess:
    """A category's code and how probable the classifier finds it; `chosen`: the resident said so themselves."""

    code: str
    probability: float
    chosen: bool = False


@dataclass(frozen=True)
class Category:
    """One kind of matter. `queue` is `grid`, `street`, or the code of a department.

    `auto`: its guesses are acted on; `confident`: from which probability, where it has a threshold of its own.
    """

    code: str
    name: str
    group_name: str
    queue: str
    needs_place: bool
    urgent: bool
    hours: tuple[float, float, float]
    auto: bool = True
    confident: float | None = None

    def threshold(self, usual: float) -> float:
        """Return from which probability a guess of this kind is acted on: its own, or what is usual."""
        return usual if self.confident is None else self.confident

    @property
    def full_name(self) -> str:
        """Group and name, as people read it."""
        return f"{self.group_name}·{self.name}"


@dataclass(frozen=True)
class Located:
    """Where the matter is: words for people, the grid if it is known, and how we know.

    `note` says to staff what is doubtful or particular about it. `options` are the places that it may be, when the
    resident could tell. Between grids they could not: then `grids` are those that may claim it, and `claim` is the
    queue of whoever gives it to one of them.
    """

    words: str
    grid_id: int | None
    source: str
    lon: float | None = None
    lat: float | None = None
    note: str = ""
    options: tuple[str, ...] = ()
    grids: tuple[int, ...] = ()
    claim: str = ""

    @property
    def known(self) -> bool:
        """Say whether nothing is left to ask about the place."""
        return self.grid_id is not None or bool(self.claim)


@dataclass(frozen=True)
class Decision:
    """`queue` is `dispatch`, `grid`, `street`, `community` or a unit's code; `reasons` are for people to read.

    `rule_id` is the administrator's rule that decided.
    """

    queue: str
    category: Category | None
    reasons: tuple[str, ...]
    ask_place: bool
    rule_id: int | None = None


@dataclass(frozen=True)
class Ruling:
    """What the administrator's rules say about a case: the rule that decides, the broken ones that would have."""

    rule: Rule | None
    broken: tuple[Rule, ...] = ()


PLACE_SOURCES = {
    "text": "话里提到",
    "location": "发来定位",
    "scene": "扫了网格二维码",
    "photo": "照片里的字",
    "usual": "这位居民常报的网格",
    "burst": "刚说的另一件事也在这里",
    "staff": "工作人员填写",
}


def decide(
    guess: Guess | None,
    category: Category | None,
    place: Located | None,
    *,
    confident: float = CONFIDENT,
    no_guess: str = "没有判断",
    ruling: Ruling | None = None,
) -> Decision:
    """Decide the queue: the administrator's rule if one fits, else what is usual for the kind.

    No guess (`no_guess` says why), a doubt, a new kind, or a needed place unknown: the dispatchers.
    """
    reasons = [_about_place(place)]
    if guess is not None and category is not None:
        reasons.append(_about_kind(guess, category))
    reasons += [f"规则“{rule.name}”失效，没有用上：{rule.fault}" for rule in (ruling.broken if ruling else ())]
    if ruling is not None and ruling.rule is not None:
        return _by_rule(ruling.rule, category, place, reasons)
    wants_place = category is None or category.needs_place or category.queue in BY_PLACE
    ask_place = wants_place and (place is None or not place.known)
    if guess is None or category is None:
        return Decision("dispatch", None, (*reasons, f"{no_guess}，交派单员"), ask_place)
    doubt = _doubt(guess, category, confident)
    if doubt:
        return Decision("dispatch", category, (*reasons, doubt), ask_place)
    if ask_place:
        return Decision("dispatch", category, (*reasons, "还缺地点，先放派单台"), ask_place)
    reasons.append(f"这一类由{BY_PLACE.get(category.queue, '主管部门')}办理")
    queue = _claimed(category.queue, place, reasons)
    return Decision(queue, category, tuple(reasons), ask_place=False)


def _by_rule(rule: Rule, category: Category | None, place: Located | None, reasons: list[str]) -> Decision:
    reasons.append(f"按规则“{rule.name}”：{rule.said}")
    by_place = rule.queue in BY_PLACE
    unknown = place is None or not place.known
    ask_place = unknown and (by_place or category is None or category.needs_place)
    if unknown and (by_place or (category is not None and category.needs_place and rule.queue != "dispatch")):
        reasons.append("还缺地点，先放派单台")
        return Decision("dispatch", category, tuple(reasons), ask_place, rule.id)
    queue = _claimed(rule.queue, place, reasons)
    return Decision(queue, category, tuple(reasons), ask_place, rule.id)


def _claimed(queue: str, place: Located | None, reasons: list[str]) -> str:
    """Return the queue, or that of whoever has to find out which of two grids it is."""
    if queue in BY_PLACE and place is not None and place.grid_id is None:
        reasons.append("网格还没定，先放上一级，等认领")
        return place.claim
    return queue


def _about_kind(guess: Guess, category: Category) -> str:
    if guess.chosen:
        return f"居民说这是“{category.full_name}”"
    return f"判断为“{category.full_name}”，把握 {guess.probability:.0%}"


def _doubt(guess: Guess, category: Category, confident: float) -> str:
    """Return why a guess is not acted on; empty if it is."""
    threshold = category.threshold(confident)
    if guess.chosen:
        return ""
    if not category.auto:
        return "新类别，先由派单员确认"
    return f"把握低于 {threshold:.0%}，交派单员确认" if guess.probability < threshold else ""


def _about_place(place: Located | None) -> str:
    if place is None:
        return "没有说地点"
    doubt = "" if place.known else "还不能确定网格"
    return f"地点：{place.words}（{'，'.join(filter(None, (PLACE_SOURCES[place.source], place.note, doubt)))}）"
