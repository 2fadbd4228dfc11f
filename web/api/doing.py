"""What a caller may do to a case, and doing it: the one place of the API that knows the workflow table."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from cases import handling
from cases.handling import Inputs
from cases.lifecycle import NotAllowed
from cases.words import ACTIONS
from cases.workflow import Action, State, allowed
from web.api.shape import Field, Problem

if TYPE_CHECKING:
    from cases.access import Actor
    from cases.city import City
    from cases.storage import Book
    from cases.storage.tables import CaseRow
    from cases.workflow import Rule
    from web.api.shape import Call

ABOUT = {
    "text": "要写的话：回复、原因、结果",
    "unit": "送到哪个单位（编码）",
    "category": "改成哪个类别（编码）",
}
# Every text that the use case takes may come in a body.
FIELDS = {
    each.name: Field(ABOUT.get(each.name, "见 allowed_actions 的 needs"))
    for each in fields(Inputs)
    if each.type in {"str", str}
}


def possible(city: City, actor: Actor, case: CaseRow) -> list[Rule]:
    """Return the rules by which this person may act now; what the case still lacks for one of them shows in acting."""
    held = handling.relations(city, actor, case)
    return [rule for rule in allowed(State(case.state), held) if rule.action in handling.HANDLERS]


def told(city: City, actor: Actor, case: CaseRow) -> list[dict[str, Any]]:
    """Return what this person may do now, with what each action needs and, where one is needed, the units to choose."""
    units = [{"code": unit.code, "name": unit.name} for unit in handling.targets(city, actor, case)]
    return [
        {"action": str(rule.action), "name": ACTIONS[rule.action], "needs": list(rule.needs)}
        | ({"units": units} if "unit" in rule.needs else {})
        for rule in possible(city, actor, case)
        # The alarm's own condition: there has to be one that rings.
        if "alarm" not in rule.needs or (case.alarmed_at is not None and case.acknowledged_at is None)
    ]


def act(book: Book, city: City, call: Call, case: CaseRow, name: str, given: dict[str, str]) -> CaseRow:
    """Do one action. Raises Problem 404 for an unknown one, 409 for one that is not open now, 422 for what it lacks."""
    action = next((known for known in Action if known == name and known in handling.HANDLERS), None)
    if action is None:
        raise Problem(404, "没有这个操作。")
    inputs: dict[str, Any] = dict(given)
    open_now = any(rule.action is action for rule in possible(city, call.actor, case))
    try:
        return handling.act(book, city, call.actor, case.id, action, Inputs(**inputs), call.now)
    except NotAllowed as refusal:
        raise Problem(422 if open_now else 409, str(refusal)) from None
