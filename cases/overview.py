"""What somebody's home shows: figures, each counted on exactly the list that it leads to (`cases.picks`)."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from datetime import timedelta
from statistics import median
from typing import TYPE_CHECKING

from cases import absence, access, handling, picks, words
from cases.storage import Narrow
from cases.workflow import Action
from cases.worktime import CHINA

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from cases.access import Actor
    from cases.city import City
    from cases.handling import ListOf
    from cases.storage import Book, Scope
    from cases.storage.overview import Deed
    from cases.storage.tables import CaseRow

# Whose day is a queue of their own, and who looks after others' as well.
OFFICERS = frozenset({"grid_officer", "grid_leader", "department"})
CENTRES = access.SCREENING_ROLES
PRESSING, NAMED, DAYS = 10, 5, 7
HOURS = 24
# Of fewer accepted cases a unit's median says nothing.
LEAST_ACCEPTED = 3


@dataclass(frozen=True)
class Figure:
    """A number of cases: the list that shows them (`key`), what they are, words beside it, and whether it presses.

    `of`: the list that it is a share of, with its count.
    """

    key: str
    name: str
    count: int
    beside: str = ""
    presses: bool = False
    of: Figure | None = None

    @property
    def share(self) -> str:
        """The share in per cent; a dash of nothing."""
        return f"{self.count / self.of.count:.0%}" if self.of is not None and self.of.count else "—"


@dataclass(frozen=True)
class Pair:
    """A figure, and the same one for last week as far as the same moment."""

    now: Figure
    before: Figure


@dataclass(frozen=True)
class Day:
    """What came and ended on a day, and what was still open at its end."""

    day: date
    came: Figure
    ended: Figure
    stood: Figure


@dataclass(frozen=True)
class UnitFigure:
    """A figure about one unit."""

    name: str
    figure: Figure


@dataclass(frozen=True)
class Officer:
    """The day of somebody with a queue."""

    figures: tuple[Figure, ...]
    closed: Figure
    ratings: tuple[Figure, ...]
    pressing: Sequence[CaseRow]
    waiting: int


@dataclass(frozen=True)
class Dispatcher:
    """What waits at the dispatchers' desk. `hours`: how many cases came in each hour of today so far."""

    oldest: datetime | None
    figures: tuple[Figure, ...]
    callbacks: int
    came: Figure
    hours: tuple[int, ...]
    deserted: tuple[UnitFigure, ...]


@dataclass(frozen=True)
class Centre:
    """How cases flow in an area, and where they stand still. `slow`: the median hours until a case is accepted."""

    own: tuple[Figure, ...]
    figures: tuple[Figure, ...]
    days: tuple[Day, ...]
    late: tuple[UnitFigure, ...]
    slow: tuple[UnitFigure, ...]
    back: tuple[UnitFigure, ...]


@dataclass(frozen=True)
class Leader:
    """An area in two minutes."""

    pairs: tuple[Pair, ...]
    alarms: tuple[Figure, ...]
    supervised: Sequence[CaseRow]
    supervised_count: int
    grown: tuple[Pair, ...]


class Count:
    """Counts lists by their keys, for one person at one moment."""

    def __init__(self, book: Book, city: City, actor: Actor, now: datetime) -> None:
        self.book, self.city, self.actor, self.now = book, city, actor, now
        self._lists = {each.key: each for each in handling.lists_of(city, actor)}

    @property
    def wide(self) -> Scope:
        """All that this person looks after. Raises KeyError for somebody without lists."""
        found = picks.ground(self.city, self.actor, self.now)
        if found is None:
            raise KeyError(self.actor.role)
        return replace(found.wide, only=Narrow())

    def list_of(self, key: str) -> ListOf:
        """Return a list. Raises KeyError for one that this person does not have."""
        found = self._lists.get(key) or picks.pick(self.city, self.actor, key, self.now)
        if found is None:
            raise KeyError(key)
        return found

    def scope(self, key: str) -> Scope:
        """Return what a list shows."""
        return self.list_of(key).scope

    def figure(self, key: str, name: str = "", beside: str = "", *, presses: bool = False) -> Figure:
        """Count a list."""
        found = self.list_of(key)
        count = self.book.count(found.scope)
        return Figure(key, name or found.name, count, beside, presses=presses and count > 0)

    def share(self, key: str, name: str, of: Figure) -> Figure:
        """Count a list that is a part of another one."""
        return Figure(key, name, self.book.count(self.scope(key)) if of.count else 0, of=of)


def officer(book: Book, city: City, actor: Actor, now: datetime) -> Officer:
    """Return the day of somebody who handles cases: what is late, what is due, what is new, what was asked of them."""
    on = Count(book, city, actor, now)
    mine = book.queue(on.scope("mine"))
    ratings = book.by_rating(on.scope("own-closed"))
    names = {key: words.RATINGS[key] for key in words.RATINGS} | {"none": "没有评价"}
    return Officer(
        figures=(*_own(on), on.figure("to-verify", "等我核查"), on.figure("asked", "请我协办")),
        closed=Figure("own-closed", "本周办结", sum(ratings.values())),
        ratings=tuple(
            Figure(f"own-closed.{key}", name, ratings.get("" if key == "none" else key, 0))
            for key, name in names.items()
        ),
        pressing=mine.cases[:PRESSING],
        waiting=mine.total,
    )


def _own(on: Count) -> tuple[Figure, ...]:
    return (
        on.figure("overdue", presses=True),
        on.figure("due-today"),
        on.figure("to-accept"),
    )


def dispatcher(book: Book, city: City, actor: Actor, now: datetime) -> Dispatcher:
    """Return what waits at the dispatchers' desk, and what comes in today."""
    on = Count(book, city, actor, now)
    local = [moment.astimezone(CHINA).hour for moment in book.opened_in(on.scope("came.today"))]
    came = Counter(local)
    deserted = [each.unit for each in absence.deserted(book, city, now)]
    return Dispatcher(
        oldest=book.oldest_in(on.scope("to-decide")),
        figures=(
            on.figure("to-decide", "逐件派单"),
            on.figure("to-decide.returned", "退回来的"),
            on.figure("attention", "要过问"),
            on.figure("ringing", "警情没人签收", presses=True),
            on.figure("danger", "警情还没结束"),
            on.figure("unheard", "没送到"),
        ),
        callbacks=book.callbacks_waiting(),
        came=Figure("came.today", "今天新来的", len(local)),
        hours=tuple(came[hour] for hour in range(HOURS)),
        deserted=tuple(UnitFigure(unit.name, on.figure(f"held.{unit.code}", "在办")) for unit in deserted[:NAMED]),
    )


def centre(book: Book, city: City, actor: Actor, now: datetime) -> Centre:
    """Return how cases flow in the area of a community, street, district or city, and where they stand still."""
    on = Count(book, city, actor, now)
    return Centre(
        own=_own(on),
        figures=(
            on.figure("red", "红牌", presses=True),
            on.figure("yellow", "黄牌"),
            on.figure("supervised", "督办"),
            on.figure("resolved", "待核查"),
        ),
        days=_days(on),
        late=_late_units(on),
        slow=_slow_units(on),
        back=_returning_units(on),
    )


def _days(on: Count) -> tuple[Day, ...]:
    """Return today and the days before. What stood at the end of a day follows from the day after it."""
    today, found = on.now.astimezone(CHINA).date(), list[Day]()
    days = [today - timedelta(days=back) for back in range(DAYS)]
    midnights = [picks.day_begins(on.now) + timedelta(days=1 - back) for back in range(DAYS + 1)]
    spans = list(zip(midnights[1:], midnights, strict=False))
    came = on.book.by_span(on.scope("came.days"), "opened", spans)
    ended = on.book.by_span(on.scope("ended.days"), "ended", spans)
    stood = on.book.count(on.scope(f"stood.{today}"))
    for day, in_, out in zip(days, came, ended, strict=True):
        figures = Figure(f"came.{day}", "新来", in_), Figure(f"ended.{day}", "结束", out)
        found.append(Day(day, *figures, Figure(f"stood.{day}", "还没完", stood)))
        stood += out - in_
    return tuple(reversed(found))


def _late_units(on: Count) -> tuple[UnitFigure, ...]:
    counts = Counter(on.book.by_holder(on.scope("red")))
    units = [(on.city.units[unit_id], count) for unit_id, count in counts.most_common(NAMED)]
    return tuple(UnitFigure(unit.name, Figure(f"red.{unit.code}", "红牌", count)) for unit, count in units)


def _slow_units(on: Count) -> tuple[UnitFigure, ...]:
    waits: dict[int, list[float]] = defaultdict(list)
    deeds = on.book.deeds(Action.ACCEPT, on.actor.unit_path, picks.since(on.now))
    for deed in deeds:
        waits[deed.unit_id].append((deed.at - deed.since).total_seconds() / 3600)
    enough = {unit_id: median(each) for unit_id, each in waits.items() if len(each) >= LEAST_ACCEPTED}
    slowest = sorted(enough.items(), key=lambda each: (-each[1], each[0]))[:NAMED]
    beside = {unit_id: f"一半等了 {_hours(hours)} 以上" for unit_id, hours in slowest}
    return _of_units(on, "accepted", deeds, beside)


def _hours(hours: float) -> str:
    return f"{hours:.1f} 小时" if hours >= 1 else f"{hours * 60:.0f} 分钟"


def _returning_units(on: Count) -> tuple[UnitFigure, ...]:
    deeds = on.book.deeds(Action.RETURN, on.actor.unit_path, picks.since(on.now))
    most = Counter(deed.unit_id for deed in deeds).most_common(NAMED)
    return _of_units(on, "gave-back", deeds, dict.fromkeys((unit_id for unit_id, _ in most), ""))


def _of_units(on: Count, name: str, deeds: Sequence[Deed], beside: dict[int, str]) -> tuple[UnitFigure, ...]:
    """Count for some units the cases of what they did, as far as this person sees them, as their lists do."""
    cases = {unit_id: {deed.case_id for deed in deeds if deed.unit_id == unit_id} for unit_id in beside}
    seen = on.book.among(on.wide, set().union(*cases.values()))
    units = ((on.city.units[unit_id], len(cases[unit_id] & seen), words) for unit_id, words in beside.items())
    return tuple(UnitFigure(unit.name, Figure(f"{name}.{unit.code}", "", count, words)) for unit, count, words in units)


def leader(book: Book, city: City, actor: Actor, now: datetime) -> Leader:
    """Return five figures with last week's beside them, what is supervised, danger, and the kinds that grew most."""
    on = Count(book, city, actor, now)
    this, last = _week(on, "week"), _week(on, "before")
    supervised = book.queue(on.scope("supervised"))
    return Leader(
        pairs=(
            *(Pair(now_, before) for now_, before in zip(this, last, strict=True)),
            Pair(on.figure("late", "过了时限还没办完", presses=True), on.figure("late.before", "上周这时")),
        ),
        alarms=(on.figure("ringing", "警情没人签收", presses=True), on.figure("danger", "警情还没结束")),
        supervised=supervised.cases[:PRESSING],
        supervised_count=supervised.total,
        grown=_grown(on),
    )


def _week(on: Count, about: str) -> tuple[Figure, ...]:
    settled, rated = on.figure(f"settled.{about}"), on.figure(f"rated.{about}")
    return (
        on.figure(f"came.{about}", "本周新来的"),
        on.share(f"in-time.{about}", "本周按时办结", settled),
        on.share(f"solved.{about}", "居民确认解决", settled),
        on.share(f"content.{about}", "满意和基本满意", rated),
    )


def _grown(on: Count) -> tuple[Pair, ...]:
    this, last = (on.book.by_kind(on.scope(f"came.{about}")) for about in ("week", "before"))
    grown = sorted(this, key=lambda kind: (last.get(kind, 0) - this[kind], kind))[:NAMED]
    return tuple(
        Pair(
            Figure(f"kind.{kind}", on.city.categories[kind].name, this[kind]),
            Figure(f"kind-before.{kind}", "上周同期", last.get(kind, 0)),
        )
        for kind in grown
        if this[kind] > last.get(kind, 0)
    )


def open_to_nobody(book: Book, city: City) -> list[str]:
    """Return the names of the units in use to which cases may go and that have no account that could handle them."""
    staffed, found = book.staffed_units(), []
    for unit in city.units.values():
        wanted = frozenset({"dispatcher"}) if unit.kind == "dispatch" else access.HANDLING_ROLES
        if unit.active and not staffed.get(unit.id, set()) & wanted:
            found.append(unit.name)
    return found
