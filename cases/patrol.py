"""Patrol reports (巡查上报): cases like all others, reported and verified by staff; small ones in one step."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cases import deeds, facts, intake, routing
from cases.access import HANDLING_ROLES
from cases.ledger import NotAllowed
from cases.workflow import Action

if TYPE_CHECKING:
    from datetime import datetime

    from cases.access import Actor
    from cases.city import City
    from cases.deeds import Inputs
    from cases.intake import Report
    from cases.storage import Book
    from cases.storage.tables import CaseRow

CHANNEL = "patrol"


def report(book: Book, city: City, actor: Actor, told: Report, now: datetime, *, done: Inputs | None = None) -> CaseRow:
    """Open a case that `actor` found; with `done` (what was done, the photos after) it is settled on the spot.

    Without a place it lies in the officer's own grid. Raises NotAllowed.
    """
    if actor.role not in HANDLING_ROLES:
        raise NotAllowed("您的账号不能上报。")
    if not told.text.strip():
        raise NotAllowed("请写一句：是什么事。")
    own = city.units[actor.unit_id]
    if told.place is None and own.kind == "grid":
        told = replace(told, place=routing.Located(own.name, own.id, "staff"))
    unit = own if done is not None else None
    case = intake.open_reported(book, city, told, now, channel=CHANNEL, reporter=actor, unit=unit)
    if done is not None:
        _settle(book, city, actor, case, done, now)
    return case


def _settle(book: Book, city: City, actor: Actor, case: CaseRow, done: Inputs, now: datetime) -> None:
    """Settle a case that is in one's own unit: reported, handled and closed in one step."""
    if case.alarmed_at is not None:
        raise NotAllowed("这是急事，先上报，按警情处置。")
    who = deeds.who_is(actor, facts.relations(book, city, actor, case))
    deeds.HANDLERS[Action.SETTLE](deeds.Deed(book, city, actor, case, who, done, now))
