"""Looking at a resident's number: with a reason, recorded; a fragment for the case's page, or a page without script."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from flask import flash, redirect, render_template, request, url_for

from bot.assembly import utc_now
from cases import contacts, handling, worktime
from cases.handling import NoSuchCase
from cases.ledger import NotAllowed
from cases.numbers import case_id_of, number_of, spoken
from web.console.frame import frame
from web.console.session import Page, anybody

if TYPE_CHECKING:
    from flask import Blueprint

    from bot.assembly import House
    from cases.access import Actor
    from cases.city import City
    from cases.storage import Book


def register(routes: Blueprint, house: House) -> None:
    """Add the one address."""
    routes.post("/cases/<number>/contact", endpoint="contact")(anybody(_look, house, writes=True))


def _look(book: Book, city: City, me: Actor, number: str) -> Page:
    case_id, scripted = case_id_of(number), "HX-Request" in request.headers
    if case_id is None:
        raise NoSuchCase
    case, _ = handling.access_case(book, city, me, case_id)
    now, given, fault = utc_now(), [], ""
    try:
        given = contacts.look(book, me, case, request.form.get("why", ""), now)
    except NotAllowed as refusal:
        fault = str(refusal)
    if fault and not scripted:
        flash(fault, "error")
        return redirect(url_for("console.case", number=number_of(case.id)))
    show = partial(
        render_template, numbers=given, fault=fault, who=me.name, at=f"{now.astimezone(worktime.CHINA):%H:%M}"
    )
    if scripted:
        return show("console/contact.html")
    number = number_of(case.id)
    return show("console/contact_page.html", **frame(book, city, me), number=number, spoken=spoken(number))
