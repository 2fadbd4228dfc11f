"""What keeps a rule from ever firing: names that are gone, conditions that exclude each other, a rule before it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cases.rule_words import explain
from cases.rules import BY_PLACE, DISPATCH, Rule, group_of, hours_of, names_kind, read_rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cases.routing import Category
    from cases.rules import Draft

AREAS = frozenset({"city", "district", "street", "community"})
# More than any probability: a kind that still waits for its first confirmations.
NEVER = 2.0


@dataclass(frozen=True)
class Known:
    """What rules may name: kinds by code; units by code with name, kind and path; the city's threshold."""

    categories: Mapping[str, Category]
    units: Mapping[str, tuple[str, str, str]]
    confident: float

    def threshold(self, code: str | None) -> float:
        """Return from which probability cases of this kind go to its queue by themselves."""
        category = self.categories.get(code or "")
        if category is None:
            return self.confident
        return category.threshold(self.confident) if category.auto else NEVER


def build(drafts: Iterable[Draft], known: Known) -> tuple[Rule, ...]:
    """Return rules as they are asked, in their order, with what they do and what is wrong with them."""
    rules: list[Rule] = []
    for draft in drafts:
        rule = read_rule(draft)
        rule = replace(rule, said=explain(rule, known), hint=_void(rule, known))
        rules.append(replace(rule, fault=rule.fault or _fault(rule, known) or _shadow(rule, rules, known)))
    return tuple(rules)


def _fault(rule: Rule, known: Known) -> str:
    """Return why a rule can never fire by itself, and how to mend it; empty if it can."""
    if not (rule.kinds or rule.areas or rule.hours or rule.months or rule.days or rule.words or rule.own_certainty):
        return "一个条件也没有，会把所有工单都拦下。请至少填一个条件"
    if rule.kinds and not _living_kinds(rule, known):
        return "选的类别都已经没有了。请重新选类别"
    if rule.areas and not _living_areas(rule, known):
        return "选的街道、社区都已经没有了。请重新选地方"
    if not hours_of(rule.hours):
        return "时段的起止一样，一个小时也没有。请改时段"
    if rule.at_least is not None and rule.below is not None and rule.at_least >= rule.below:
        return "把握的下限不比上限低，没有哪个判断两样都合。请改把握"
    return _queue_fault(rule.queue, known)


def _queue_fault(queue: str, known: Known) -> str:
    if queue in BY_PLACE or queue == DISPATCH:
        return ""
    if queue not in known.units:
        return "要送去的单位已经没有了。请重新选送到哪里"
    name, kind, _ = known.units[queue]
    return "" if kind == "department" else f"{name}不是部门，不能直接送。请重新选送到哪里"


def _void(rule: Rule, known: Known) -> str:
    """Return what in a rule that can still fire names nothing that exists."""
    kinds = len(rule.kinds) - len(_living_kinds(rule, known))
    areas = len(rule.areas) - len(_living_areas(rule, known))
    parts = [f"{kinds} 个类别" if kinds else "", f"{areas} 个地方" if areas else ""]
    return f"其中有{'、'.join(filter(None, parts))}已经没有了，其余照常" if kinds or areas else ""


def _living_kinds(rule: Rule, known: Known) -> frozenset[str]:
    """Return what of a rule's kinds and groups exists."""
    groups = {group_of(code) for code in known.categories}
    return frozenset(each for each in rule.kinds if each in known.categories or each in groups)


def _living_areas(rule: Rule, known: Known) -> frozenset[str]:
    return frozenset(each for each in rule.areas if each in known.units and known.units[each][1] in AREAS)


def _shadow(rule: Rule, before: Iterable[Rule], known: Known) -> str:
    """Return which rule before this one takes all that this one asks for."""
    for other in before:
        if other.active and not other.fault and _covers(other, rule, known):
            return f"前面的“{other.name}”已经把这些都拦下了，轮不到它。请把它移到前面，或者改条件"
    return ""


def _covers(first: Rule, second: Rule, known: Known) -> bool:
    """Say whether the first rule takes every case that fits the second."""
    return (
        (not first.kinds or (bool(second.kinds) and _codes(second, known) <= _codes(first, known)))
        and (not first.areas or (bool(second.areas) and _all_within(second, first, known)))
        and hours_of(second.hours) <= hours_of(first.hours)
        and (not first.months or (bool(second.months) and second.months <= first.months))
        and first.days in {"", second.days}
        and (not first.words or _all_contain(second.words, first.words))
        and _surer(first, second, known)
    )


def _codes(rule: Rule, known: Known) -> frozenset[str]:
    return frozenset(code for code in known.categories if names_kind(rule.kinds, code))


def _all_within(inner: Rule, outer: Rule, known: Known) -> bool:
    paths = [known.units[each][2] for each in _living_areas(outer, known)]
    return all(any(known.units[each][2].startswith(path) for path in paths) for each in _living_areas(inner, known))


def _all_contain(words: Iterable[str], parts: tuple[str, ...]) -> bool:
    words = list(words)
    return bool(words) and all(any(part in word for part in parts) for word in words)


def _surer(first: Rule, second: Rule, known: Known) -> bool:
    """Say whether the first rule is content with every probability that the second is."""
    thresholds = [known.threshold(code) for code in _codes(second, known)] or [known.confident]
    first_low, first_high = _span(first, max(thresholds))
    second_low, second_high = _span(second, min(thresholds))
    return first_low <= second_low and second_high <= first_high


def _span(rule: Rule, threshold: float) -> tuple[float, float]:
    if rule.own_certainty:
        return rule.at_least or 0.0, NEVER if rule.below is None else rule.below
    return (threshold if rule.kinds else 0.0), NEVER
