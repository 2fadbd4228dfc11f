"""What the dispatchers decide one by one: which case is next, where a kind of matter would go, and the decision.

A decision is an ordinary SEND through `handling.act`; here is only what a board needs around it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cases import facts, handling, intake, ledger, routing
from cases.deciding import decide_kind
from cases.handling import Inputs, NoSuchCase
from cases.ledger import NotAllowed, Who
from cases.storage import Scope
from cases.workflow import Action, Relation, State

if TYPE_CHECKING:
    from datetime import datetime

    from cases.access import Actor
    from cases.city import City, Unit
    from cases.routing import Located
    from cases.storage import Book
    from cases.storage.tables import CaseRow
    from cases.storage.triage import Waiting

# So many are put in order; a desk decides some hundred a day.
BATCH = 200
# How routing's reasons about the place begin.
ABOUT_PLACE = ("地点：", "没有说地点", "还缺地点")


class Gone(Exception):  # noqa: N818 - the house's word for a refusal
    """The case does not wait any more: a colleague was quicker, or the resident withdrew it."""


class PlaceNeeded(NotAllowed):
    """Where this kind goes hangs on the place, and the place is not known."""


@dataclass(frozen=True)
class Wish:
    """What a dispatcher decided: a kind (its code), a unit by hand, or both. `again`: they correct themselves."""

    kind: str = ""
    unit: str = ""
    again: bool = False


def waiting(book: Book, city: City) -> Waiting:
    """Return what waits for a decision, the first to decide first."""
    return book.waiting_cases(city.dispatch.id, BATCH)


def waiting_count(book: Book, city: City) -> int:
    """Return how many cases wait for a decision."""
    return book.count(Scope(frozenset({str(State.NEW)}), holder_id=city.dispatch.id))


def waits(city: City, case: CaseRow) -> bool:
    """Say whether a case waits for a dispatcher's decision."""
    return case.state == State.NEW and case.holder_id == city.dispatch.id


def may_decide_again(book: Book, actor: Actor, case: CaseRow) -> bool:
    """Say whether this dispatcher sent the case where it is, and nobody there has accepted it yet."""
    return case.state == State.ASSIGNED and book.senders_of([case.id]).get(case.id) == actor.staff_id


def destination(city: City, case: CaseRow, code: str, place: Located | None = None) -> Unit | None:
    """Return the unit to which a case of this kind goes; None while the place must be known first.

    `place`: the case's, where it has been looked up already.
    """
    unit = city.queue_unit(decide_kind(city, case, code, place).queue, case.grid_id)
    return unit if unit.kind != "dispatch" else None


def decide(book: Book, city: City, actor: Actor, case_id: int, wish: Wish, now: datetime) -> CaseRow:
    """Send a case where its kind goes, or to the unit chosen by hand; what was said of its kind becomes a label.

    Raises NoSuchCase, Gone, PlaceNeeded, or NotAllowed.
    """
    case = _waiting_case(book, city, actor, case_id, again=wish.again)
    if wish.kind and wish.kind not in city.categories:
        raise NotAllowed("没有这个类别。")
    unit = city.by_code.get(wish.unit) if wish.unit else None
    if unit is None and wish.kind:
        unit = destination(city, case, wish.kind)
        if unit is None:
            raise PlaceNeeded(_why_nowhere(city, case, wish.kind))
    if unit is None:
        raise NotAllowed("请选一类，或者选一个单位。")
    if unit.id == case.holder_id and wish.kind in {"", case.category_code}:
        raise NotAllowed(f"这一件已经在{unit.name}了。")
    return handling.act(book, city, actor, case_id, Action.SEND, Inputs(unit=unit.code, category=wish.kind), now)


def _why_nowhere(city: City, case: CaseRow, code: str) -> str:
    name = city.categories[code].name
    if case.grid_id is None:
        return f"“{name}”要知道在哪里才派得出去：请写明地点，或者问居民，也可以直接选单位。"
    return f"“{name}”还没有办理的单位，请直接选单位。"


def ask(book: Book, city: City, actor: Actor, case_id: int, question: str, now: datetime) -> CaseRow:
    """Ask the resident; the case waits behind the others until they answer. Raises NoSuchCase, Gone, NotAllowed."""
    case = _waiting_case(book, city, actor, case_id)
    if case.resident_id is None:
        raise NotAllowed("这一件不是从微信来的，问不到居民。")
    return handling.act(book, city, actor, case_id, Action.ASK, Inputs(text=question), now)


def set_place(book: Book, city: City, actor: Actor, case_id: int, words: str, now: datetime) -> CaseRow:
    """Write down where it is. Raises NoSuchCase, Gone, or NotAllowed for a place that the city does not know.

    The words stand with the case only, where erasing the resident finds them, and not in its history.
    """
    case = _waiting_case(book, city, actor, case_id)
    found = city.locate_text(words)
    if found is None or found.grid_id is None:
        raise NotAllowed(_why_not_there(found))
    intake.put_place(case, replace(found, source="staff"))
    kept = [reason for reason in case.reasons if not reason.startswith(ABOUT_PLACE)]
    case.reasons = [f"地点：{found.words}（{routing.PLACE_SOURCES['staff']}）", *kept]
    who = Who("staff", facts.relations(book, city, actor, case), actor.staff_id)
    ledger.record(book, case, "placed", who, now)
    return case


def _why_not_there(found: Located | None) -> str:
    if found is not None and found.options:
        return f"可能是{'、'.join(found.options)}，请写得再清楚些。"
    return "没有找到这个地方，请写小区和楼号，或路名和门牌，也可以从列表里选。"


def _waiting_case(book: Book, city: City, actor: Actor, case_id: int, *, again: bool = False) -> CaseRow:
    """Return the case, locked, if it still waits and this is a dispatcher. Raises NoSuchCase or Gone."""
    _, held = handling.access_case(book, city, actor, case_id)
    case = book.lock_case(case_id)
    if case is None or Relation.DISPATCHER not in held:
        raise NoSuchCase
    if not waits(city, case) and not (again and may_decide_again(book, actor, case)):
        raise Gone
    return case
