"""`我`: all places to go, and how one wants the console to look and sound."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from flask import flash, redirect, render_template, request, url_for

from cases import preferences
from web.console.frame import frame
from web.console.login import inside
from web.console.session import Page, anybody

if TYPE_CHECKING:
    from flask import Blueprint

    from bot.assembly import House
    from cases.access import Actor
    from cases.city import City
    from cases.storage import Book


def register(routes: Blueprint, house: House) -> None:
    """Add the page and its form."""
    routes.get("/me", endpoint="me")(anybody(_show, house, writes=False))
    routes.post("/me", endpoint="save_me")(anybody(_save, house, writes=True))


def _show(book: Book, city: City, me: Actor) -> Page:
    return render_template(
        "console/me.html", **frame(book, city, me), themes=preferences.THEMES, sizes=preferences.SIZES
    )


def _save(book: Book, _city: City, me: Actor) -> Page:
    """Keep the choices. A form that has only some of them (`part`) leaves the others as they were."""
    before, form = asdict(preferences.of(book, me.staff_id)), request.form
    part = form.get("part", "")
    if part == "look":
        before |= {"theme": form.get("theme"), "size": form.get("size")}
    elif part == "manners":
        before |= {"sound": "sound" in form, "keys": "keys" in form}
    elif part == "columns":
        before["columns"] = form.getlist("columns")
    preferences.keep(book, me.staff_id, preferences.read(before))
    flash("记住了。", "ok")
    return redirect(inside(form.get("back", "")) or url_for("console.me"))
