"""Logging in and out, and who is at the keyboard."""

from __future__ import annotations

from datetime import timedelta
from functools import wraps
from typing import TYPE_CHECKING, Any

from flask import abort, current_app, flash, redirect, render_template, request, session, url_for

from bot.assembly import utc_now
from cases import accounts, audit
from cases.words import ROLES
from web.home import samples

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Blueprint
    from werkzeug import Response

    from bot.assembly import House
    from cases.access import Actor
    from cases.city import City
    from cases.storage import Book

LIFETIME = timedelta(hours=12)
Page = Any  # what a Flask view returns


def register(routes: Blueprint, house: House) -> None:
    """Add login and logout."""

    @routes.get("/login")
    def login() -> Page:
        return _form(house, "", "")

    @routes.post("/login")
    def login_submit() -> Page:
        name, password = request.form.get("login", "").replace("\0", "").strip(), request.form.get("password", "")
        result = accounts.login(house.store, name, password, utc_now(), samples_allowed=house.settings.sandbox)
        if result.staff_id is None:
            return _form(house, name, result.fault), 401
        session.clear()
        session.permanent = True
        current_app.permanent_session_lifetime = LIFETIME
        session["staff_id"] = result.staff_id
        return redirect(inside(request.args.get("next", "")) or url_for("console.queue"))

    @routes.post("/logout")
    def logout() -> Response:
        _note_leaving(house)
        session.clear()
        flash("已退出。", "ok")
        return redirect(url_for("console.login"))


def _note_leaving(house: House) -> None:
    staff_id = session.get("staff_id")
    if isinstance(staff_id, int):
        with house.store.write() as book:
            audit.note(book, staff_id, "logout", "", "", utc_now())


def _form(house: House, login: str, error: str) -> str:
    return render_template("console/login.html", me=None, login=login, error=error, samples=samples(house))


def inside(address: str) -> str:
    """Return an address of the console, or nothing: no way out to other hosts."""
    return address if address.startswith("/console/") and "\\" not in address else ""


def actor(book: Book, city: City) -> Actor:
    """Return who is logged in; others are sent to the login page."""
    staff_id = session.get("staff_id")
    found = accounts.actor_of(book, city, staff_id, utc_now()) if isinstance(staff_id, int) else None
    if found is None:
        session.clear()
        here = request.full_path if request.method == "GET" else ""
        abort(redirect(url_for("console.login", next=here or None)))
    return found


def only(roles: frozenset[str], view: Callable[..., Page], house: House, *, writes: bool) -> Callable[..., Page]:
    """Return a view for these roles, called with book, city, actor and the address's own parts: others get 403."""

    @wraps(view)
    def guarded(**parts: Any) -> Page:  # noqa: ANN401 - the address's own
        with house.store.write() if writes else house.store.read() as book:
            city = house.cities.current(book)
            found = actor(book, city)
            if found.role not in roles:
                abort(403)
            return view(book, city, found, **parts)

    return guarded


def anybody(view: Callable[..., Page], house: House, *, writes: bool) -> Callable[..., Page]:
    """Return a view for everybody who is logged in, called as those of `only`."""
    return only(frozenset(ROLES), view, house, writes=writes)


def admins_only(view: Callable[[Book, City, Actor], Page], house: House, *, writes: bool) -> Callable[..., Page]:
    """Return a view for administrators: others get 403."""
    return only(frozenset({"admin"}), view, house, writes=writes)
