"""From a case as it is kept to the decision about it: what rules and routing ask, in their terms.

Nothing is changed here, so that a rule set can be tried on cases that are long decided.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cases import routing
from cases.rules import Facts, first

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cases.city import City, Unit
    from cases.routing import Decision, Guess, Located, Ruling
    from cases.rules import Rule
    from cases.storage.tables import CaseRow


def decide_case(
    city: City, case: CaseRow, rules: Iterable[Rule] | None = None, place: Located | None = None
) -> Decision:
    """Decide where a case goes, by these rules in the stead of the city's, at this place if it is known already."""
    guess = guess_of(case)
    category = city.categories.get(guess.code) if guess else None
    place = place or place_of(city, case)
    ruling = None if case.urgent else _ruling(city, case, guess, place, city.rules if rules is None else rules)
    decision = routing.decide(
        guess, category, place, confident=city.confident, no_guess=_why_no_guess(case), ruling=ruling
    )
    if case.urgent:
        return replace(decision, queue="dispatch", reasons=(*decision.reasons, "可能有人身危险，先由派单台处置"))
    return decision


def decide_kind(city: City, case: CaseRow, code: str, place: Located | None = None) -> Decision:
    """Decide where a case goes that a dispatcher says is of this kind, at this place if it is known already.

    Rules that put cases before the dispatchers have done their part then.
    """
    guess = routing.Guess(code, 1.0, chosen=True)
    place = place or place_of(city, case)
    ruling = _ruling(city, case, guess, place, [rule for rule in city.rules if rule.queue != "dispatch"])
    return routing.decide(guess, city.categories[code], place, confident=city.confident, ruling=ruling)


def guess_of(case: CaseRow) -> Guess | None:
    """Return the kind that a case is taken for: what its resident chose, or the classifier's first guess."""
    if case.category_by == "resident" and case.category_code:
        return routing.Guess(case.category_code, 1.0, chosen=True)
    found = case.guesses[0] if case.guesses else None
    return routing.Guess(found["code"], found["probability"]) if found else None


def outline_of(case: CaseRow) -> Located | None:
    """Return a case's place as it is kept."""
    if not case.place_source:
        return None
    return routing.Located(case.place_words, case.grid_id, case.place_source, case.lon, case.lat)


def place_of(city: City, case: CaseRow) -> Located | None:
    """Return a case's place as it was found, with what is doubtful about it."""
    known = outline_of(case)
    return city.placed(known, case.text) if known is not None else None


def areas_of(city: City, place: Located | None) -> list[Unit]:
    """Return the units that a place lies in, the highest first; of two grids those that both belong to."""
    if place is None:
        return []
    grids = (place.grid_id,) if place.grid_id is not None else place.grids
    chains = [[*city.chain(city.units[grid]), city.units[grid]] for grid in grids]
    return [unit for unit in chains[0] if all(unit in chain for chain in chains)] if chains else []


def _ruling(city: City, case: CaseRow, guess: Guess | None, place: Located | None, rules: Iterable[Rule]) -> Ruling:
    facts = Facts(
        code=guess.code if guess else None,
        probability=guess.probability if guess else 0.0,
        threshold=0.0 if guess and guess.chosen else city.known.threshold(guess.code if guess else None),
        areas=frozenset(unit.code for unit in areas_of(city, place)),
        at=case.opened_at,
        text=case.text,
        calendar=city.calendar,
    )
    rule, broken = first(rules, facts)
    return routing.Ruling(rule, tuple(broken))


def _why_no_guess(case: CaseRow) -> str:
    return "分类器暂时用不了" if case.text else "还没有文字，不知道是什么事"
