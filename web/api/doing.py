"""What a caller may do to a case, and doing it: the one place of the API that knows the workflow table."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from cases import handling
from cases.handling import Inputs
from cases.ledger import NotAllowed, TooLate
from cases.numbers import case_id_of
from cases.words import ACTIONS
from cases.workflow import Action
from web.api.shape import Field, Problem

if TYPE_CHECKING:
    from cases.access import Actor
    from cases.city import City
    from cases.storage import Book
    from cases.storage.tables import CaseRow
    from web.api.shape import Call

ABOUT = {
    "text": "要写的话：回复、原因、结果",
    "unit": "送到哪个单位（编码）",
    "category": "改成哪个类别（编码）",
    "units": "请哪些单位（编码，逗号隔开）",
    "reason": "退回的原因：not_here、not_ours、duplicate、too_little、other",
    "where": "不归我们管的，该去找谁",
    "how": "怎么联系的：called、visited、no_answer、wrong_number、not_home",
    "person": "交给谁（人员编号）",
    "days": "几个工作日",
    "hours": "几小时内答复",
    "other": "并入哪个工单（工单号）",
    "task": "哪一条协办（编号）",
}
# Everything that the use case takes may come in a body, but photos.
FIELDS = {
    each.name: Field(ABOUT.get(each.name, "见 allowed_actions 的 needs"))
    for each in fields(Inputs)
    if each.name != "photos"
}
NUMBERS: dict[str, type[int | float]] = {"person": int, "task": int, "days": float, "hours": float}


def told(book: Book, city: City, actor: Actor, case: CaseRow) -> list[dict[str, Any]]:
    """Return what this person may do now, with what each action needs and, where one is needed, the units to choose."""
    units = [{"code": unit.code, "name": unit.name} for unit in handling.targets(book, city, actor, case)]
    return [
        {"action": str(rule.action), "name": ACTIONS[rule.action], "needs": list(rule.needs)}
        | ({"units": units} if "unit" in rule.needs else {})
        for rule in handling.possible(book, city, actor, case)
    ]


def act(book: Book, city: City, call: Call, case: CaseRow, name: str, given: dict[str, str]) -> CaseRow:
    """Do one action. Raises Problem 404 for an unknown one, 409 for one that is not open now, 422 for what it lacks."""
    action = next((known for known in Action if known == name and known in handling.HANDLERS), None)
    if action is None:
        raise Problem(404, "没有这个操作。")
    try:
        return handling.act(book, city, call.actor, case.id, action, _inputs(given), call.now)
    except TooLate as refusal:
        raise Problem(409, str(refusal)) from None
    except NotAllowed as refusal:
        raise Problem(422, str(refusal)) from None


def _inputs(given: dict[str, str]) -> Inputs:
    """Return what came in a body. Raises Problem 422 for a number that is none, naming the field."""
    inputs: dict[str, Any] = {}
    for name, value in given.items():
        if name == "other":
            inputs[name] = case_id_of(value) or 0
        elif name == "units":
            inputs[name] = tuple(filter(None, value.split(",")))
        elif name in NUMBERS:
            inputs[name] = _number(name, value)
        else:
            inputs[name] = value
    return Inputs(**inputs)


def _number(name: str, value: str) -> float:
    try:
        found = NUMBERS[name](value or 0)
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise Problem(422, f"{name} 要是数字。", (f"{name} 要是数字",))
    return found
