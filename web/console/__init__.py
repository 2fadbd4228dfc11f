"""The staff console at `/console`. Pages get their objects through the guarded accessors of `cases.handling` only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint

from web.console import (
    admin,
    broken,
    bulk,
    calls,
    case_file,
    contact,
    doors,
    files,
    found,
    guide,
    guides,
    homes,
    label_import,
    labels,
    learning,
    lists,
    live,
    login,
    maps_page,
    me,
    me_security,
    notices,
    pages,
    phone,
    posters,
    registry,
    registry_calendar,
    registry_grids,
    registry_import,
    report,
    rules,
    setup,
    setup_start,
    style,
    team,
    texts,
    trail,
    trainings,
    triage,
)

if TYPE_CHECKING:
    from bot.assembly import House

# In groups: who is here and where they can go, cases, working together, what administrators fill, learning.
FRAME = (login, doors, me, me_security, guides, live, phone, style, homes)
CASES = (lists, found, bulk, maps_page, pages, case_file, contact, report, files)
TOGETHER = (notices, calls, team, broken)
ADMINISTRATION = (admin, guide, texts, posters, rules, trail, setup, setup_start)
REGISTRY = (registry, registry_import, registry_calendar, registry_grids)
LEARNING = (learning, trainings, labels, label_import, triage)
PARTS = (*FRAME, *CASES, *TOGETHER, *ADMINISTRATION, *REGISTRY, *LEARNING)


def blueprint(house: House) -> Blueprint:
    """Return all routes of the console."""
    routes = Blueprint("console", __name__, url_prefix="/console")
    for part in PARTS:
        part.register(routes, house)
    return routes
