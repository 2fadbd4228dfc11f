"""The residents' own pages at `/h5`. Pages get their objects through the guarded accessors of `cases.own` only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint

from web.residents import doors, files, frame, pages, privacy

if TYPE_CHECKING:
    from bot.assembly import House


def blueprint(house: House) -> Blueprint:
    """Return all routes of the residents' pages."""
    routes = Blueprint("residents", __name__, url_prefix="/h5")
    for part in (doors, pages, files, privacy):
        part.register(routes, house)
    frame.register(routes)
    return routes
