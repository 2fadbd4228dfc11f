"""A rule's form: what it offers, and what was filled in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cases.rule_words import clock, explain
from cases.rules import BY_PLACE, DISPATCH, HOURS, MONTHS, REST, WORKING, Draft, Rule, group_of, read_rule, written
from web.console.present import Choice
from web.uploads import whole

if TYPE_CHECKING:
    from werkzeug.datastructures import MultiDict

    from cases.city import City

NAME_CHARACTERS, NOTE_CHARACTERS, WORD_CHARACTERS, WORDS = 60, 200, 20, 20
PERCENT = 100
Grouped = tuple[tuple[Choice, tuple[Choice, ...]], ...]


@dataclass(frozen=True)
class RuleForm:
    """What a rule's form shows. `kinds` and `areas` are in groups, each of which can be chosen whole."""

    id: int
    active: bool
    name: str
    note: str
    kinds: Grouped
    areas: Grouped
    begins: tuple[Choice, ...]
    ends: tuple[Choice, ...]
    months: tuple[Choice, ...]
    days: tuple[Choice, ...]
    words: str
    at_least: str
    below: str
    queues: tuple[tuple[str, tuple[Choice, ...]], ...]
    chosen_kinds: int
    chosen_areas: int


def form_of(city: City, rule: Rule) -> RuleForm:
    """Return the form of a rule."""
    begin, end = rule.hours or (-1, -1)
    days = (("", "不限"), (WORKING, "只在工作日"), (REST, "只在休息日"))
    return RuleForm(
        id=rule.id,
        active=rule.active,
        name=rule.name,
        note=rule.note,
        kinds=_kinds(city, rule),
        areas=_areas(city, rule),
        begins=tuple(Choice(str(hour), clock(hour), hour == begin) for hour in HOURS[:-1]),
        ends=tuple(Choice(str(hour), clock(hour) if hour % 24 else "半夜12点", hour == end) for hour in HOURS[1:]),
        months=tuple(Choice(str(month), f"{month}月", month in rule.months) for month in MONTHS),
        days=tuple(Choice(value, name, value == rule.days) for value, name in days),
        words="，".join(rule.words),
        at_least=_percent(rule.at_least),
        below=_percent(rule.below),
        queues=_queues(city, rule.queue),
        chosen_kinds=len(rule.kinds),
        chosen_areas=len(rule.areas),
    )


def draft_from(city: City, form: MultiDict[str, str], known: Draft | None) -> tuple[Draft, str]:
    """Return the rule that was filled in, and what is wrong with what was filled in."""
    rule = Rule(known.id if known else 0, "", active=known.active if known else False, queue=form.get("queue", ""))
    begin, end = form.get("begin", ""), form.get("end", "")
    at_least, below = _share(form.get("at_least", "")), _share(form.get("below", ""))
    rule = replace(
        rule,
        name=form.get("name", "").strip()[:NAME_CHARACTERS],
        note=form.get("note", "").strip()[:NOTE_CHARACTERS],
        kinds=frozenset(form.getlist("kinds")),
        areas=frozenset(form.getlist("areas")),
        hours=(int(begin), int(end)) if _short(begin) and _short(end) else None,
        months=frozenset(int(month) for month in form.getlist("months") if _short(month)),
        days=form.get("days", ""),
        words=_words(form.get("words", "")),
        at_least=at_least if isinstance(at_least, float) else None,
        below=below if isinstance(below, float) else None,
    )
    draft = Draft(rule.id, rule.name, rule.active, written(rule), rule.queue, rule.note)
    if not draft.name:
        draft = replace(draft, name=explain(read_rule(draft), city.known)[:NAME_CHARACTERS])
    return draft, _wrong(begin, end, at_least, below)


def _short(text: str) -> bool:
    """Say whether a text is a number as hours and months are."""
    return text.isascii() and text.isdigit() and len(text) <= len("12")


def _wrong(begin: str, end: str, at_least: float | str | None, below: float | str | None) -> str:
    if bool(begin) != bool(end):
        return "时段要选起和止两头，或者都不选。"
    if isinstance(at_least, str) or isinstance(below, str):
        return "把握请填 1 到 99 之间的整数，或者空着。"
    return ""


def _words(text: str) -> tuple[str, ...]:
    for mark in ",、;；\n":
        text = text.replace(mark, "，")
    found = (word.strip()[:WORD_CHARACTERS] for word in text.split("，"))
    return tuple(dict.fromkeys(filter(None, found)))[:WORDS]


def _share(text: str) -> float | str | None:
    """Return per cent as a share, None for an empty field, the text itself where it is no such number."""
    text = text.strip()
    if not text:
        return None
    return whole(text) / PERCENT if 0 < whole(text) < PERCENT else text


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share * PERCENT:.0f}"


def _kinds(city: City, rule: Rule) -> Grouped:
    groups: dict[str, list[Choice]] = {}
    names: dict[str, str] = {}
    for code, category in city.categories.items():
        groups.setdefault(group_of(code), []).append(Choice(code, category.name, code in rule.kinds))
        names[group_of(code)] = category.group_name
    return tuple((Choice(group, names[group], group in rule.kinds), tuple(kinds)) for group, kinds in groups.items())


def _areas(city: City, rule: Rule) -> Grouped:
    """Return the units above the grid, the streets with their communities."""

    def choice(code: str, name: str) -> Choice:
        return Choice(code, name.removesuffix("办事处"), code in rule.areas)

    def below(path: str) -> tuple[Choice, ...]:
        communities = (unit for unit in units if unit.kind == "community" and unit.path.startswith(path))
        return tuple(choice(unit.code, unit.name) for unit in communities)

    units = [unit for unit in city.units.values() if unit.active]
    above = [unit for unit in units if unit.kind in {"city", "district", "street"}]
    return tuple((choice(unit.code, unit.name), below(unit.path) if unit.kind == "street" else ()) for unit in above)


def _queues(city: City, chosen: str) -> tuple[tuple[str, tuple[Choice, ...]], ...]:
    units = [unit for unit in city.units.values() if unit.active]
    departments = [(unit.code, unit.name) for unit in units if unit.kind == "department"]
    groups = (("按地点", [*BY_PLACE.items()]), ("派单", [(DISPATCH, "派单台")]), ("部门", departments))
    return tuple(
        (group, tuple(Choice(code, name, code == chosen) for code, name in choices)) for group, choices in groups
    )
