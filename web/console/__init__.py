"""The staff console at `/console`. Pages get their objects through the guarded accessors of `cases.handling` only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint

from web.console import (
    admin,
    calls,
    contact,
    doors,
    files,
    guide,
    label_import,
    labels,
    learning,
    lists,
    login,
    me_security,
    notices,
    pages,
    posters,
    registry,
    registry_calendar,
    registry_grids,
    registry_import,
    report,
    rules,
    session,
    team,
    texts,
    trail,
    trainings,
    triage,
)

if TYPE_CHECKING:
    from bot.assembly import House

PARTS = (
    *(session, login, doors, me_security),
    *(lists, pages, contact, report, notices, calls, files, admin, guide, texts, posters, rules),
    *(learning, trainings, labels, label_import, triage, trail, team),
    *(registry, registry_import, registry_calendar, registry_grids),
)


def blueprint(house: House) -> Blueprint:
    """Return all routes of the console."""
    routes = Blueprint("console", __name__, url_prefix="/console")
    for part in PARTS:
        part.register(routes, house)
    return routes
