"""The console as an app on the phone: what it keeps for times without a network, and how it sends what waits."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import TYPE_CHECKING

from flask import Response, current_app, g, jsonify, render_template, url_for
from flask_wtf.csrf import generate_csrf

from bot.assembly import utc_now
from cases import accounts
from web.console import sending
from web.console.session import owed, signed_in
from web.security import STATIC, version

if TYPE_CHECKING:
    from flask import Blueprint

    from bot.assembly import House

# What the page for times without a network consists of.
STYLES = ("console.css", "parts.css", "desk.css", "media.css", "dark.css")
FILES = (*STYLES, "console.js", "outbox.js", "offline.js", "recorder.js", "mark.svg")
VENDOR_FILES = ("pico.css", "htmx.js")


def register(routes: Blueprint, house: House) -> None:
    """Add the worker in the browser, the page without a network, and the token for what waits."""
    routes.after_request(sending.answered)
    routes.app_context_processor(lambda: {"person_mark": person_mark})

    @routes.get("/sw.js")
    def service_worker() -> Response:
        """Give the worker; it changes with every file that it keeps."""
        files = [url_for("static", filename=name) for name in FILES]
        files += [url_for("static_vendor", name=name) for name in VENDOR_FILES]
        page, outbox = url_for("console.offline"), url_for("static", filename="outbox.js")
        known = {"version": version(), "page": page, "outbox": outbox, "files": files}
        code = f"const KNOWN = {json.dumps(known)};\n{(STATIC / 'sw.js').read_text(encoding='utf-8')}"
        headers = {"Cache-Control": "no-cache", "Service-Worker-Allowed": url_for("console.queue")}
        return Response(code, mimetype="text/javascript", headers=headers)

    @routes.get("/offline")
    def offline() -> str:
        """Show what still works without a network; nobody's data is on it, because each phone keeps it."""
        return render_template("console/offline.html", me=None)

    @routes.get("/token")
    def token() -> Response:
        """Give a fresh token and say whose it is, for a form that was written without a network.

        To nobody it says so and no more: a login page that is open meanwhile keeps its own session.
        """
        with house.store.read() as book:
            row = signed_in(book)
            found = row and accounts.actor_of(book, house.cities.current(book), row.staff_id, utc_now())
            ready = row is not None and found is not None and not owed(book, row)
        known = {"csrf": generate_csrf(), "person": mark_of(row.staff_id)} if row is not None and ready else {}
        answer = jsonify(known)
        answer.headers["Cache-Control"] = "no-store"
        return answer


def person_mark() -> str:
    """Return the mark of whoever this page is made for; empty for nobody."""
    row = g.get("seen")
    return mark_of(row.staff_id) if row is not None else ""


def mark_of(staff_id: int) -> str:
    """Return a mark by which a browser knows its person again without knowing who it is."""
    key = str(current_app.secret_key).encode()
    return hmac.new(key, f"person {staff_id}".encode(), hashlib.sha256).hexdigest()[:24]
