"""The administrator's routing rules: what a rule asks for, and which of them decides about a case.

Rules are asked in their order and the first that fits decides, after danger to life and before what is usual for the
kind. A rule has conditions; each that it names must hold, and of each it may name several of which one is enough:

    kinds     kinds (`noise/square`) or whole groups (`noise`)
    areas     units above the grid
    hours     [from, to] in China, may pass midnight
    months    1 to 12
    days      `working` or `rest`
    words     one of them stands in the text
    at_least  the first guess is at least so probable
    below     it is less probable

A rule that names kinds fires only where the guess is good enough to be routed by itself, unless it has its own
condition on how probable it must be.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

from cases.worktime import CHINA, Calendar

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime

WORKING, REST = "working", "rest"
# Queues that are found by the place; the dispatchers; any other is a department's code.
BY_PLACE = {"grid": "所在网格", "street": "所在街道", "community": "所在社区"}
DISPATCH = "dispatch"
UNREADABLE = "条件读不懂，请打开重新填写"
HOURS, MONTHS = range(25), range(1, 13)
Choice = TypeVar("Choice", int, str)


@dataclass(frozen=True)
class Draft:
    """A rule as it is kept: its conditions as they were written."""

    id: int
    name: str
    active: bool
    conditions: Mapping[str, Any]
    queue: str
    note: str = ""


@dataclass(frozen=True)
class Rule:
    """A rule as it is asked.

    `said`: what it does, as a sentence; `fault`: why it can never fire; `hint`: what in it is void, the rest works.
    """

    id: int
    name: str
    active: bool
    queue: str
    kinds: frozenset[str] = frozenset()
    areas: frozenset[str] = frozenset()
    hours: tuple[int, int] | None = None
    months: frozenset[int] = frozenset()
    days: str = ""
    words: tuple[str, ...] = ()
    at_least: float | None = None
    below: float | None = None
    note: str = ""
    said: str = ""
    fault: str = ""
    hint: str = ""

    @property
    def own_certainty(self) -> bool:
        """Say whether the rule says itself how probable the guess must be."""
        return self.at_least is not None or self.below is not None


@dataclass(frozen=True)
class Facts:
    """What rules ask about a case. `threshold`: from which probability its kind is routed by itself.

    `areas` are the codes of all units that the place lies in; `probability` of a kind that the resident chose is 1.
    """

    code: str | None
    probability: float
    threshold: float
    areas: frozenset[str]
    at: datetime
    text: str
    calendar: Calendar = field(default_factory=Calendar)


def read_rule(draft: Draft) -> Rule:
    """Return a rule as it is asked; one whose conditions cannot be read has that as its fault."""
    plain = Rule(draft.id, draft.name, draft.active, draft.queue, note=draft.note)
    given = draft.conditions
    try:
        hours = given.get("hours")
        return replace(
            plain,
            kinds=_codes(given, "kinds"),
            areas=_codes(given, "areas"),
            hours=(_one_of(hours[0], HOURS), _one_of(hours[1], HOURS)) if hours else None,
            months=frozenset(_one_of(month, MONTHS) for month in given.get("months") or ()),
            days=_one_of(given.get("days") or "", ("", WORKING, REST)),
            words=tuple(filter(None, (str(word).strip() for word in given.get("words") or ()))),
            at_least=_share(given, "at_least"),
            below=_share(given, "below"),
        )
    except (TypeError, ValueError, IndexError, KeyError, AttributeError):
        return replace(plain, fault=UNREADABLE)


def written(rule: Rule) -> dict[str, Any]:
    """Return a rule's conditions as they are kept; what it does not ask for is not there."""
    conditions: dict[str, Any] = {
        "kinds": sorted(rule.kinds),
        "areas": sorted(rule.areas),
        "hours": list(rule.hours) if rule.hours else None,
        "months": sorted(rule.months),
        "days": rule.days,
        "words": list(rule.words),
        "at_least": rule.at_least,
        "below": rule.below,
    }
    return {name: value for name, value in conditions.items() if value not in (None, "", [])}


def matches(rule: Rule, facts: Facts) -> bool:
    """Say whether all that a rule asks for holds."""
    return (
        _of_kind(rule, facts)
        and _certain(rule, facts)
        and (not rule.areas or bool(rule.areas & facts.areas))
        and _at(rule, facts.at, facts.calendar)
        and (not rule.words or any(word in facts.text for word in rule.words))
    )


def first(rules: Iterable[Rule], facts: Facts) -> tuple[Rule | None, list[Rule]]:
    """Return the rule that decides, if any, and the broken ones before it that would have."""
    broken: list[Rule] = []
    for rule in rules:
        if not rule.active or rule.fault == UNREADABLE or not matches(rule, facts):
            continue
        if not rule.fault:
            return rule, broken
        broken.append(rule)
    return None, broken


def names_kind(kinds: frozenset[str], code: str) -> bool:
    """Say whether kinds and groups name this kind."""
    return code in kinds or group_of(code) in kinds


def group_of(code: str) -> str:
    """Return the group of a kind: noise of noise/square."""
    return code.partition("/")[0]


def hours_of(hours: tuple[int, int] | None) -> frozenset[int]:
    """Return the hours of the day from the first to before the second, past midnight if need be; None means all."""
    if hours is None:
        return frozenset(range(24))
    begin, end = hours[0] % 24, hours[1]
    return frozenset(range(begin, end)) if begin <= end else frozenset((*range(begin, 24), *range(end)))


def _of_kind(rule: Rule, facts: Facts) -> bool:
    return not rule.kinds or (facts.code is not None and names_kind(rule.kinds, facts.code))


def _certain(rule: Rule, facts: Facts) -> bool:
    if rule.own_certainty:
        low, high = rule.at_least or 0.0, 2.0 if rule.below is None else rule.below
        return low <= facts.probability < high
    return not rule.kinds or facts.probability >= facts.threshold


def _at(rule: Rule, moment: datetime, calendar: Calendar) -> bool:
    local = moment.astimezone(CHINA)
    return (
        local.hour in hours_of(rule.hours)
        and (not rule.months or local.month in rule.months)
        and (not rule.days or calendar.is_working_day(local.date()) == (rule.days == WORKING))
    )


def _codes(given: Mapping[str, Any], name: str) -> frozenset[str]:
    value = given.get(name) or ()
    if isinstance(value, str):
        raise TypeError(f"{name} is a list")
    return frozenset(map(str, value))


def _share(given: Mapping[str, Any], name: str) -> float | None:
    value = given.get(name)
    return None if value is None else _within(float(value))


def _within(value: float) -> float:
    if not 0 <= value <= 1:
        raise ValueError(f"{value} is no probability")
    return value


def _one_of(value: Choice, allowed: Collection[Choice]) -> Choice:
    if value not in allowed:
        raise ValueError(f"{value!r} is none of these")
    return value
