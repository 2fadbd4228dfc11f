"""Logging in and out, and who is at the keyboard."""

from __future__ import annotations

from datetime import timedelta
from functools import wraps
from typing import TYPE_CHECKING, Any

from flask import abort, current_app, flash, redirect, render_template, request, session, url_for

from bot.assembly import utc_now
from bot.errcodes import FAULT_KEY
from cases import accounts, alarms, audit, contacts, handling, limits, triage
from cases.access import HANDLING_ROLES, hears_unit
from cases.callbacks import ROLES as CALLERS
from cases.numbers import number_of
from cases.training import TRAINERS
from cases.words import ROLES, title_of
from web.console.present import Alarm, Person, Tab
from web.console.strip import warnings
from web.home import samples

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Blueprint
    from werkzeug import Response

    from bot.assembly import House
    from cases.access import Actor
    from cases.city import City
    from cases.handling import ListOf
    from cases.storage import Book

LIFETIME = timedelta(hours=12)
# Lists that are shown only while there is something in them, and those whose length is nobody's work.
RARE = frozenset({"asked", "called", "supervised", "first"})
UNCOUNTED = frozenset({"ended", "reported"})
COUNTERS = frozenset({"community", "street", "district", "city", "dispatcher", "leader"})
Page = Any  # what a Flask view returns


def register(routes: Blueprint, house: House) -> None:
    """Add login and logout, and the strip of alarms that stands on every page."""

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
        return redirect(_inside(request.args.get("next", "")) or url_for("console.queue"))

    @routes.post("/logout")
    def logout() -> Response:
        _note_leaving(house)
        session.clear()
        flash("已退出。", "ok")
        return redirect(url_for("console.login"))

    @routes.get("/alarms", endpoint="alarms")
    def alarm_strip() -> Page:
        """Show the strip of unacknowledged danger, as every page has it and renews it."""
        with house.store.read() as book:
            city = house.cities.current(book)
            return render_template("console/alarms.html", alarms=alarm_lines(book, city, actor(book, city)))


def _note_leaving(house: House) -> None:
    staff_id = session.get("staff_id")
    if isinstance(staff_id, int):
        with house.store.write() as book:
            audit.note(book, staff_id, "logout", "", "", utc_now())


def _form(house: House, login: str, error: str) -> str:
    return render_template("console/login.html", me=None, login=login, error=error, samples=samples(house))


def _inside(address: str) -> str:
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


def frame(book: Book, city: City, found: Actor, current: str = "") -> dict[str, Any]:
    """Return what the frame of each page shows: who is logged in, and their lists with counts."""
    person = Person(
        name=found.name,
        role_name=ROLES[found.role],
        unit_name=city.units[found.unit_id].name,
        is_admin=found.role == "admin",
        trains=found.role in TRAINERS,
    )
    counted = [(each, _counted(book, each)) for each in handling.lists_of(city, found)]
    tabs = [
        Tab(each.key, each.name, count, current=each.key == current)
        for each, count in counted
        if count or each.key not in RARE or each.key == current
    ]
    to_decide = triage.waiting_count(book, city) if found.role == "dispatcher" else None
    fault = book.meta(FAULT_KEY) if found.role in {"dispatcher", "admin"} else ""
    return {
        "me": person,
        "tabs": tabs,
        "to_decide": to_decide,
        "unread": book.unread(found.staff_id, hears_unit(found)),
        "to_call": book.callbacks_waiting() if found.role in CALLERS else None,
        "reports": found.role in HANDLING_ROLES,
        "counts_whistles": found.role in COUNTERS,
        "here": current,
        "alarms": alarm_lines(book, city, found),
        "account_fault": fault,
        "warnings": warnings(book, city, found),
    }


def _counted(book: Book, each: ListOf) -> int:
    return 0 if each.key in UNCOUNTED else book.count(each.scope)


def alarm_lines(book: Book, city: City, found: Actor) -> list[Alarm]:
    """Return the unacknowledged alarms that this person is to see."""
    now = utc_now()
    return [
        Alarm(number_of(case.id), contacts.hidden(title_of(case.text)), limits.spoken_time(case.alarmed_at or now, now))
        for case in alarms.ringing(book, city, found, now)
    ]


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
