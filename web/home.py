"""`/`: where a newcomer to the sandbox starts; in production, the door to the console."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from flask import Blueprint, Response, abort, redirect, render_template, url_for

from bot.assembly import utc_now
from cases.words import ROLES

if TYPE_CHECKING:
    from werkzeug import Response as Redirection

    from bot.assembly import House

# One account of each role that takes part in the tour, all with the sample city's password.
SAMPLE_LOGINS = ("cuihu01", "urban", "dispatcher", "cuihujd", "leader", "admin")
# For so long the place is good: it is asked for anew long before.
CONTACT_GOOD = timedelta(days=180)
SAMPLE_PASSWORD = "wanggetong"  # noqa: S105 - public, and refused in production


def blueprint(house: House) -> Blueprint:
    """Return the start page's route."""
    routes = Blueprint("home", __name__)

    @routes.get("/")
    def start() -> str | Redirection:
        if not house.settings.sandbox:
            return redirect(url_for("console.home"))
        return render_template("home.html", samples=samples(house), me=None)

    @routes.get("/.well-known/security.txt")
    def security_txt() -> Response:
        return _contact(house)

    return routes


def _contact(house: House) -> Response:
    """Say where a fault of security is told (RFC 9116); nothing where no setting names a place."""
    contact = house.settings.security_contact or abort(404)
    expires = f"{utc_now() + CONTACT_GOOD:%Y-%m-%dT%H:%M:%SZ}"
    lines = (f"Contact: {contact}", f"Expires: {expires}", "Preferred-Languages: zh, en", "")
    return Response("\n".join(lines), content_type="text/plain; charset=utf-8")


def samples(house: House) -> list[tuple[str, str, str]]:
    """Return login, password and role of the sample accounts that exist; none outside the sandbox."""
    if not house.settings.sandbox:
        return []
    with house.store.read() as book:
        city = house.cities.current(book)
        accounts = filter(None, map(book.staff_by_login, SAMPLE_LOGINS))
        return [
            (account.login, SAMPLE_PASSWORD, f"{city.units[account.unit_id].name}·{ROLES[account.role]}")
            for account in accounts
            if account.sample
        ]
