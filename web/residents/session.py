"""Who is looking: residents' sessions, apart from those of staff in name, path, key and content."""

from __future__ import annotations

import hashlib
import time
from datetime import timedelta
from typing import TYPE_CHECKING

from flask import request as present
from flask import session
from flask.sessions import SecureCookieSessionInterface, SessionInterface

if TYPE_CHECKING:
    from flask import Flask, Request, Response
    from flask.sessions import SessionMixin

    from bot.assembly import House
    from cases.storage import Book
    from cases.storage.tables import ResidentRow

LIFETIME = timedelta(hours=4)
ROOT = "/h5"
COOKIE = "wanggetong-h5"
# As in web/__init__.py: by TLS, from this host only.
HOST = "__Host-"


class _Cookies(SecureCookieSessionInterface):
    # Flask's own choice is SHA-1.
    digest_method = staticmethod(hashlib.sha256)


class _ResidentCookies(_Cookies):
    salt = "residents-session"

    def get_cookie_name(self, app: Flask) -> str:
        return f"{HOST}{COOKIE}" if self.get_cookie_secure(app) else COOKIE

    def get_cookie_path(self, app: Flask) -> str:
        # Browsers take the prefix for the whole host only; what is signed for residents is nothing elsewhere anyway.
        return "/" if self.get_cookie_secure(app) else ROOT


class Sessions(SessionInterface):
    """Two realms of sessions: what is signed for one is nothing in the other."""

    def __init__(self) -> None:
        self._residents, self._others = _ResidentCookies(), _Cookies()

    def _realm(self, path: str) -> SecureCookieSessionInterface:
        return self._residents if f"{path}/".startswith(f"{ROOT}/") else self._others

    def open_session(self, app: Flask, request: Request) -> SessionMixin | None:
        """Read the session of the realm that the address lies in."""
        return self._realm(request.path).open_session(app, request)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Write the session back to where it came from."""
        self._realm(present.path).save_session(app, session, response)


def enter(house: House, resident: ResidentRow) -> None:
    """Begin a session for this resident; whatever was in the browser's session before goes."""
    session.clear()
    until = int(time.time() + LIFETIME.total_seconds())
    session["resident"] = [resident.id, house.links.mark(resident), until]


def visitor(house: House, book: Book) -> ResidentRow | None:
    """Return who is looking, or None when nobody is known, or no longer."""
    resident_id, mark, until = session.get("resident", (0, "", 0))
    return house.links.whose(book, resident_id, mark) if time.time() < until else None
