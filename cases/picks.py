"""The lists behind the figures of a home: each has a key (`red`, `came.week`, `held.urban`) and shows what is counted.

A pick is part of what somebody may look at anyway: it only narrows their own queue, or all that their lists show.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from cases import access, handling, words
from cases.figures import week_of
from cases.handling import ListOf
from cases.storage import Did, Narrow, Scope
from cases.workflow import SETTLED, UNRESOLVED, Action, State
from cases.worktime import CHINA, midnight

if TYPE_CHECKING:
    from collections.abc import Callable

    from cases.access import Actor
    from cases.city import City, Unit

WEEK = timedelta(days=7)
OPEN_STATES = frozenset(map(str, UNRESOLVED))
SETTLED_STATES = frozenset(map(str, SETTLED))
CONTENT = frozenset({"satisfied", "fair"})
# Spans with a name of their own, as they are said.
SPANS = {"today": "今天", "days": "近七天", "week": "本周", "before": "上周同期"}


@dataclass(frozen=True)
class Ground:
    """What picks are made from: who asks, their own queue, all that their lists show, and the moment."""

    city: City
    actor: Actor
    own: Scope
    wide: Scope
    now: datetime


def day_begins(now: datetime) -> datetime:
    """Return when the day began, in China's time."""
    return midnight(now.astimezone(CHINA).date())


def week_begins(now: datetime) -> datetime:
    """Return when the week began: on Monday, in China's time."""
    return midnight(week_of(now))


def ground(city: City, actor: Actor, now: datetime) -> Ground | None:
    """Return what picks are made from; None for somebody who has no lists."""
    lists = handling.lists_of(city, actor)
    if not lists:
        return None
    wide = next((each.scope for each in lists if each.key == "all"), lists[0].scope)
    own = Scope(OPEN_STATES, holder_id=actor.unit_id, kinds=handling.kinds_of(city, actor))
    return Ground(city, actor, own, replace(wide, states=None), now)


def pick(city: City, actor: Actor, key: str, now: datetime) -> ListOf | None:
    """Return the list with this key, or None when there is no such list for this person."""
    found, (name, _, about) = ground(city, actor, now), key.partition(".")
    made = PICKS[name](found, about) if found is not None and name in PICKS else None
    return ListOf(key, *made) if made is not None else None


def span_of(about: str, now: datetime) -> tuple[datetime, datetime] | None:
    """Return from when until when `today`, seven `days`, this `week`, the one `before` until now, or a day lasts."""
    today = day_begins(now)
    if about == "today":
        return today, today + timedelta(days=1)
    if about == "days":
        return since(now), today + timedelta(days=1)
    if about == "week":
        return week_begins(now), week_begins(now) + WEEK
    if about == "before":
        return week_begins(now) - WEEK, now - WEEK
    try:
        begins = midnight(date.fromisoformat(about))
        return begins, begins + timedelta(days=1)
    except (ValueError, OverflowError):
        return None


Made = tuple[str, Scope] | None


def _narrowed(scope: Scope, name: str, states: frozenset[str] | None, only: Narrow) -> Made:
    return name, replace(scope, states=states, only=only)


# -- one's own queue ---------------------------------------------------------------------------------------------


def _overdue(on: Ground, _about: str) -> Made:
    return _narrowed(on.own, "已超期", OPEN_STATES, Narrow(at=on.now, card="red"))


def _due_today(on: Ground, _about: str) -> Made:
    ends = day_begins(on.now) + timedelta(days=1)
    return _narrowed(on.own, "今天到期", OPEN_STATES, Narrow(due=(on.now, ends)))


def _to_accept(on: Ground, _about: str) -> Made:
    return _narrowed(on.own, "等受理", frozenset({str(State.ASSIGNED)}), Narrow())


def _to_verify(on: Ground, _about: str) -> Made:
    if on.actor.role not in access.HANDLING_ROLES:
        return None
    mine = Scope(reporter_id=on.actor.staff_id, kinds=on.own.kinds)
    return _narrowed(mine, "我上报的，等我核查", frozenset({str(State.RESOLVED)}), Narrow())


def _own_rated(on: Ground, about: str) -> Made:
    """Return what this unit closed this week: all of it, with one rating, or with none."""
    week = week_begins(on.now), week_begins(on.now) + WEEK
    if about not in {"", "none", *words.RATINGS}:
        return None
    ratings = frozenset({about}) if about in words.RATINGS else None
    only = Narrow(ended=week, ratings=ratings, rated=False if about == "none" else None)
    return _narrowed(on.own, f"本周办结{RATED.get(about, '')}", SETTLED_STATES, only)


RATED = {"none": "，没有评价"} | {key: f"，{name}" for key, name in words.RATINGS.items()}


# -- what waits for dispatchers ----------------------------------------------------------------------------------


def _to_decide(on: Ground, about: str) -> Made:
    if on.actor.role != "dispatcher":
        return None
    only = Narrow(returned=True) if about == "returned" else Narrow()
    name = "退回派单台的" if about == "returned" else "等派单的"
    return _narrowed(on.own, name, frozenset({str(State.NEW)}), only)


# -- all that one looks after ------------------------------------------------------------------------------------


def _card(card: str, name: str) -> Callable[[Ground, str], Made]:
    """Return a pick of what has a card; of one unit's where its code is named."""

    def made(on: Ground, about: str) -> Made:
        scope = _of_unit(on, about)
        return _narrowed(scope[1], scope[0] + name, OPEN_STATES, Narrow(at=on.now, card=card)) if scope else None

    return made


def _alarm(about_alarm: str, name: str) -> Callable[[Ground, str], Made]:
    return lambda on, _about: _narrowed(on.wide, name, OPEN_STATES, Narrow(alarm=about_alarm))


def _held(on: Ground, about: str) -> Made:
    scope = _of_unit(on, about)
    return _narrowed(scope[1], f"{scope[0]}在办", OPEN_STATES, Narrow()) if scope and about else None


def _of_unit(on: Ground, code: str) -> tuple[str, Scope] | None:
    """Return all that one looks after, or only what the unit of this code holds; None for an unknown one."""
    unit = _unit(on.city, code)
    if not code or unit is None:
        return None if code else ("", on.wide)
    held = on.wide.holder_id in {None, unit.id}
    return (f"{unit.name}：", replace(on.wide, holder_id=unit.id)) if held else None


def _unit(city: City, code: str) -> Unit | None:
    return next((unit for unit in city.units.values() if unit.code == code), None)


def _came(on: Ground, about: str) -> Made:
    span = span_of(about, on.now)
    return _narrowed(on.wide, f"{_said(about)}新来的", None, Narrow(opened=span)) if span else None


def _kind(span: str) -> Callable[[Ground, str], Made]:
    """Return a pick of what came of one kind in a span."""

    def made(on: Ground, code: str) -> Made:
        kind, kinds = on.city.categories.get(code), on.wide.kinds
        if kind is None or (kinds is not None and code not in kinds):
            return None
        scope = replace(on.wide, kinds=frozenset({code}))
        return _narrowed(scope, f"{_said(span)}新来的{kind.name}", None, Narrow(opened=span_of(span, on.now)))

    return made


def _ended(on: Ground, about: str) -> Made:
    span = span_of(about, on.now)
    return _narrowed(on.wide, f"{_said(about)}结束的", None, Narrow(ended=span)) if span else None


def _stood(on: Ground, about: str) -> Made:
    span = span_of(about, on.now)
    if span is None:
        return None
    return _narrowed(on.wide, f"{_said(about)}结束时还没完的", None, Narrow(stood_at=min(span[1], on.now)))


def _settled(name: str, **only: object) -> Callable[[Ground, str], Made]:
    """Return a pick of what was settled in a span, and how."""

    def made(on: Ground, about: str) -> Made:
        span = span_of(about, on.now)
        narrow = Narrow(ended=span, **only)  # type: ignore[arg-type]
        return _narrowed(on.wide, f"{_said(about)}{name}", SETTLED_STATES, narrow) if span else None

    return made


def _late(on: Ground, about: str) -> Made:
    """Return what is past its time to finish without a result, now or a week ago."""
    at = {"": on.now, "before": on.now - WEEK}.get(about)
    name = "过了办结时限的" if not about else "上周这时过了办结时限的"
    return _narrowed(on.wide, name, None, Narrow(late_at=at)) if at is not None else None


def _did(action: Action, name: str) -> Callable[[Ground, str], Made]:
    """Return a pick of what people of a unit did something to in the last seven days."""

    def made(on: Ground, code: str) -> Made:
        unit = _unit(on.city, code)
        if unit is None:
            return None
        only = Narrow(did=Did(str(action), unit.id, since(on.now)))
        return _narrowed(on.wide, f"{unit.name}近七天{name}", None, only)

    return made


def since(now: datetime) -> datetime:
    """Return when the last seven days began: today, and the six before."""
    return day_begins(now) - timedelta(days=6)


def _said(about: str) -> str:
    if about in SPANS:
        return SPANS[about]
    day = date.fromisoformat(about)
    return f"{day.month}月{day.day}日"


PICKS: dict[str, Callable[[Ground, str], Made]] = {
    "overdue": _overdue,
    "due-today": _due_today,
    "to-accept": _to_accept,
    "to-verify": _to_verify,
    "own-closed": _own_rated,
    "to-decide": _to_decide,
    "red": _card("red", "红牌"),
    "yellow": _card("yellow", "黄牌"),
    "ringing": _alarm("ringing", "没人签收的警情"),
    "danger": _alarm("on", "还没结束的警情"),
    "held": _held,
    "came": _came,
    "kind": _kind("week"),
    "kind-before": _kind("before"),
    "ended": _ended,
    "stood": _stood,
    "settled": _settled("办结的"),
    "in-time": _settled("按时办结的", in_time=True),
    "solved": _settled("居民确认解决的", solved=True),
    "rated": _settled("有评价的", rated=True),
    "content": _settled("满意和基本满意的", ratings=CONTENT),
    "late": _late,
    "accepted": _did(Action.ACCEPT, "受理的"),
    "gave-back": _did(Action.RETURN, "退回的"),
}
