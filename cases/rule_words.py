"""What a rule does, as a sentence that the administrator reads aloud."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cases.rules import BY_PLACE, DISPATCH, REST, UNREADABLE, WORKING, Rule, group_of

if TYPE_CHECKING:
    from cases.rule_checks import Known

_SEASONS = {
    frozenset({3, 4, 5}): "春季（3–5月）",
    frozenset({6, 7, 8}): "夏季（6–8月）",
    frozenset({9, 10, 11}): "秋季（9–11月）",
    frozenset({12, 1, 2}): "冬季（12–2月）",
}
_DAYS = {WORKING: "工作日", REST: "休息日"}
_PARTS_OF_DAY = ((6, "凌晨"), (9, "早上"), (12, "上午"), (13, "中午"), (18, "下午"), (24, "晚上"))
SHOWN = 5


def explain(rule: Rule, known: Known) -> str:
    """Return when a rule applies and where it sends: 夏季（6–8月）晚上10点到早上6点，翠湖街道的噪音扰民，送公安分局."""
    if rule.fault == UNREADABLE:
        return f"送{target(rule.queue, known)}"
    when = "".join(filter(None, (_months(rule.months), _DAYS.get(rule.days, ""), _hours(rule.hours))))
    parts = [when, _what(rule, known), _words(rule.words), _certainty(rule), f"送{target(rule.queue, known)}"]
    return "，".join(filter(None, parts))


def target(queue: str, known: Known) -> str:
    """Return where a queue is, in words."""
    if queue in BY_PLACE:
        return BY_PLACE[queue]
    if queue == DISPATCH:
        return "派单台"
    return known.units[queue][0] if queue in known.units else "（单位没有了）"


def clock(hour: int) -> str:
    """Return an hour of the day as one says it: 晚上10点."""
    hour %= 24
    part = next(name for until, name in _PARTS_OF_DAY if hour < until)
    return f"{part}{hour if hour <= 12 else hour - 12}点"  # noqa: PLR2004 - as people speak


def _months(months: frozenset[int]) -> str:
    if not months:
        return ""
    if months in _SEASONS:
        return _SEASONS[months]
    first, last = min(months), max(months)
    if len(months) > 1 and len(months) == last - first + 1:
        return f"{first}–{last}月"
    return f"{'、'.join(map(str, sorted(months)))}月"


def _hours(hours: tuple[int, int] | None) -> str:
    return f"{clock(hours[0])}到{clock(hours[1])}" if hours else ""


def _what(rule: Rule, known: Known) -> str:
    where = _listed([_area(code, known) for code in sorted(rule.areas)])
    groups = {group_of(code): category.group_name for code, category in known.categories.items()}
    kinds = [
        known.categories[each].name if each in known.categories else groups.get(each, "（类别没有了）")
        for each in sorted(rule.kinds)
    ]
    return f"{where}的{_listed(kinds) or '事'}" if where else _listed(kinds)


def _area(code: str, known: Known) -> str:
    return known.units[code][0].removesuffix("办事处") if code in known.units else "（单位没有了）"


def _listed(names: list[str]) -> str:
    return "、".join(names[:SHOWN]) + (f"等{len(names)}种" if len(names) > SHOWN else "")


def _words(words: tuple[str, ...]) -> str:
    return f"话里有{'或'.join(f'“{word}”' for word in words)}" if words else ""


def _certainty(rule: Rule) -> str:
    if rule.at_least is not None and rule.below is not None:
        return f"把握在{rule.at_least:.0%}到{rule.below:.0%}之间"
    if rule.at_least is not None:
        return f"把握不低于{rule.at_least:.0%}"
    return f"把握低于{rule.below:.0%}" if rule.below is not None else ""
