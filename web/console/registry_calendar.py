"""The calendar of a year: the country's holidays with the administrator's own days, and where to change them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from flask import render_template, request

from bot.assembly import utc_now
from cases.registry import year as years
from cases.storage.working import DayRow
from cases.worktime import CHINA
from web.console.frame import frame
from web.console.registry import ADMINS
from web.console.session import Page, only

if TYPE_CHECKING:
    from flask import Blueprint

    from bot.assembly import House
    from cases.access import Actor
    from cases.city import City
    from cases.storage import Book


def register(routes: Blueprint, house: House) -> None:
    """Add the page."""
    reads = partial(only, ADMINS, house=house, writes=False)
    routes.get("/registry/calendar", endpoint="registry_calendar")(reads(_show))


def _show(book: Book, city: City, me: Actor) -> Page:
    today = utc_now().astimezone(CHINA).date()
    year = request.args.get("year", today.year, type=int)
    year = min(max(year, years.FIRST), years.LAST)
    own = {row.day: (row.working, row.name) for row in book.rows_of(DayRow)}
    return render_template(
        "console/registry_calendar.html",
        **frame(book, city, me, "registry"),
        year=year,
        today=today,
        published=years.published(year),
        own=sum(day.year == year for day in own),
        months=years.year_of(own, year),
    )
