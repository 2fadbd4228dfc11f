"""Where a case goes, and why: category × place × confidence → queue, each step said in plain words."""

from __future__ import annotations

from dataclasses import dataclass

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
    """One kind of matter. `queue` is `grid`, `street`, or the code of a department."""

    code: str
    name: str
    group_name: str
    queue: str
    needs_place: bool
    urgent: bool
    hours: tuple[float, float, float]

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
    """`queue` is `dispatch`, `grid`, `street` or a department's code; `reasons` are for people to read."""

    queue: str
    category: Category | None
    reasons: tuple[str, ...]
    ask_place: bool


# The queues that are found by the place.
BY_PLACE = {"grid": "所在网格", "street": "所在街道"}
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
) -> Decision:
    """Decide the queue. No guess (`no_guess` says why), a doubt, or a needed place unknown: the dispatchers."""
    reasons = [_about_place(place)]
    wants_place = category is None or category.needs_place or category.queue in {"grid", "street"}
    ask_place = wants_place and (place is None or not place.known)
    if guess is None or category is None:
        return Decision("dispatch", None, (*reasons, f"{no_guess}，交派单员"), ask_place)
    share = f"判断为“{category.full_name}”，把握 {guess.probability:.0%}"
    if guess.chosen:
        share = f"居民说这是“{category.full_name}”"
    elif guess.probability < confident:
        reasons.append(f"{share}，低于 {confident:.0%}，交派单员确认")
        return Decision("dispatch", category, tuple(reasons), ask_place)
    if ask_place:
        return Decision("dispatch", category, (*reasons, share, "还缺地点，先放派单台"), ask_place)
    target = BY_PLACE.get(category.queue, "主管部门")
    reasons += [share, f"这一类由{target}办理"]
    if category.queue in BY_PLACE and place is not None and place.grid_id is None:
        return Decision(place.claim, category, (*reasons, "网格还没定，先放上一级，等认领"), ask_place=False)
    return Decision(category.queue, category, tuple(reasons), ask_place=False)


def _about_place(place: Located | None) -> str:
    if place is None:
        return "没有说地点"
    doubt = "" if place.known else "还不能确定网格"
    return f"地点：{place.words}（{'，'.join(filter(None, (PLACE_SOURCES[place.source], place.note, doubt)))}）"
