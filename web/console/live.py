"""What comes by itself: the strip of alarms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import render_template

from web.console.frame import alarm_lines
from web.console.session import Page, anybody

if TYPE_CHECKING:
    from flask import Blueprint

    from bot.assembly import House
    from cases.access import Actor
    from cases.city import City
    from cases.storage import Book


def register(routes: Blueprint, house: House) -> None:
    """Add what pages ask for in the background."""
    routes.get("/alarms", endpoint="alarms")(anybody(_alarms, house, writes=False))


def _alarms(book: Book, city: City, me: Actor) -> Page:
    """Show the strip of unacknowledged danger, as every page has it and renews it."""
    return render_template("console/alarms.html", alarms=alarm_lines(book, city, me))
