"""The staff console at `/console`. Pages get their objects through the guarded accessors of `cases.handling` only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint

from web.console import admin, files, guide, pages, posters, session, texts, triage

if TYPE_CHECKING:
    from bot.assembly import House


def blueprint(house: House) -> Blueprint:
    """Return all routes of the console."""
    routes = Blueprint("console", __name__, url_prefix="/console")
    for part in (session, pages, files, admin, guide, texts, posters, triage):
        part.register(routes, house)
    return routes
