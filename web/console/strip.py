"""The quiet strip on every page of dispatchers and administrators: nobody there, a calendar year that is missing."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from flask import current_app, url_for

from bot.assembly import utc_now
from cases import absence
from cases.worktime import CHINA

if TYPE_CHECKING:
    from cases.absence import Deserted
    from cases.access import Actor
    from cases.city import City
    from cases.storage import Book

WATCHERS = frozenset({"dispatcher", "admin"})
# Each process asks the database so often at most; it is nothing that changes from one click to the next.
SECONDS = 30.0
SHOWN = 3
KEPT = "deserted"


def warnings(book: Book, city: City, found: Actor) -> list[tuple[str, str]]:
    """Return what this person should see to: a short sentence each, and the address that helps."""
    if found.role not in WATCHERS:
        return []
    units = _deserted(book, city)
    lines = [(_said(each), url_for("console.team", q=each.unit.name)) for each in units[:SHOWN]]
    if len(units) > SHOWN:
        lines.append((f"还有 {len(units) - SHOWN} 个单位有工单、没人当班", url_for("console.team")))
    year = city.calendar.missing(utc_now().astimezone(CHINA).date())
    if year is not None and found.role == "admin":
        lines.append((f"{year} 年的放假安排还没有，时限先按周末算；公布后请填上", url_for("console.registry_calendar")))
    return lines


def forget() -> None:
    """Ask the database anew at the next page: somebody has just come or gone."""
    current_app.extensions.pop(KEPT, None)


def _deserted(book: Book, city: City) -> list[Deserted]:
    at, units = current_app.extensions.get(KEPT, (-SECONDS, []))
    if time.monotonic() - at >= SECONDS:
        at, units = time.monotonic(), absence.deserted(book, city, utc_now())
        current_app.extensions[KEPT] = (at, units)
    found: list[Deserted] = units
    return found


def _said(each: Deserted) -> str:
    danger = f"，其中 {each.danger} 件是警情" if each.danger else ""
    return f"{each.unit.name}有 {each.cases} 件在办{danger}，眼下没人当班"
