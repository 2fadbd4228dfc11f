"""Who is at the keyboard, what they have to do first, and what stands on every page of theirs."""

from __future__ import annotations

import logging
from datetime import timedelta
from functools import wraps
from typing import TYPE_CHECKING, Any, NamedTuple

from flask import abort, current_app, g, redirect, request, session, url_for

from bot import logs
from bot.assembly import utc_now
from cases import accounts, sessions
from cases.sessions import Limits
from cases.storage.engine import DatabaseError
from cases.storage.tables import StaffRow
from cases.words import ROLES

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from flask import Response

    from bot.assembly import House
    from cases.access import Actor
    from cases.city import City
    from cases.storage import Book
    from cases.storage.security import SessionRow

log = logging.getLogger(__name__)

# Where the browser's session has its token, and the pages that are open before everything else is.
TOKEN = "token"  # noqa: S105 - a name
# There too: where somebody wanted to before something else had to be done.
WANTED = "wanted"
OWN_SECURITY = "console.me_"
# A part of a page that renews itself says so. Nobody asks for these addresses by hand, and a stream can say nothing.
BACKGROUND = "X-Background"
RENEWED = frozenset({"/console/live", "/console/alarms"})
Page = Any  # what a Flask view returns


class Reader(NamedTuple):
    """Whose session this page is made in, as `SessionRow`: a row itself goes with its transaction."""

    id: int
    staff_id: int
    how: str
    seen_at: datetime


def limits_of(house: House) -> Limits:
    """Return how long sessions last under this house's settings."""
    settings = house.settings
    return Limits(timedelta(minutes=settings.session_idle_minutes), timedelta(hours=settings.session_hours))


def note_seen(house: House, response: Response) -> Response:
    """After the page is made, and its transaction is over, write down that its reader is there."""
    reader: Reader | None = g.pop("seen", None)
    if reader is not None and not _in_background():
        try:
            sessions.seen(house.store, reader.id, reader.seen_at, utc_now())
        except DatabaseError as error:  # the page is made: it is not refused for this
            log.warning("not written down that a session is in use: %s", type(error).__name__)
    return response


def _in_background() -> bool:
    """Say whether nobody asked for this: a page that renews itself is no sign that somebody sits before it."""
    return request.method == "GET" and (BACKGROUND in request.headers or request.path in RENEWED)


def signed_in(book: Book) -> SessionRow | None:
    """Return the session of this browser, or None."""
    house: House = current_app.extensions["house"]
    token = session.get(TOKEN, "")
    return sessions.current(book, token, limits_of(house), utc_now()) if isinstance(token, str) else None


def actor(book: Book, city: City) -> Actor:
    """Return who is logged in; others are sent to the login page, and who has to change something first, there."""
    row, now = signed_in(book), utc_now()
    found = accounts.actor_of(book, city, row.staff_id, now) if row is not None else None
    if row is None or found is None:
        # Not everything: another tab may stand before the login page, with its own things in the same cookie.
        session.pop(TOKEN, None)
        here = request.full_path if request.method == "GET" else ""
        abort(redirect(url_for("console.login", next=here or None)))
    g.seen = Reader(row.id, row.staff_id, row.how, row.seen_at)
    logs.begin(staff=row.staff_id)
    if not (request.endpoint or "").startswith(OWN_SECURITY) and owed(book, row):
        if request.method == "GET" and "HX-Request" not in request.headers and not _in_background():
            session[WANTED] = request.full_path.rstrip("?")
        abort(redirect(url_for("console.me_security")))
    return found


def owed(book: Book, row: SessionRow | Reader) -> str:
    """Return what the owner of this session has to do before anything else, as `accounts.owes`."""
    house: House = current_app.extensions["house"]
    account = book.get(StaffRow, row.staff_id)
    if account is None:
        return ""
    return accounts.owes(account, row.how, utc_now(), classified=house.settings.classified)


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
