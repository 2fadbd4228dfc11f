"""`怎么用`: the printable page for one's role, out of docs/guides; everybody who is logged in may read all of them."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from flask import abort, redirect, send_from_directory, url_for

from web.console.session import Page, anybody

if TYPE_CHECKING:
    from flask import Blueprint

    from bot.assembly import House
    from cases.access import Actor
    from cases.city import City
    from cases.storage import Book

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "guides"
SERVED = frozenset({".html", ".css", ".png"})
# Which page is whose.
GUIDES = {
    "grid_officer": "officer.html",
    "grid_leader": "officer.html",
    "community": "centre.html",
    "street": "centre.html",
    "district": "centre.html",
    "city": "centre.html",
    "department": "department.html",
    "dispatcher": "dispatcher.html",
    "leader": "leader.html",
    "admin": "admin.html",
}


def register(routes: Blueprint, house: House) -> None:
    """Add the way to one's own page, and the folder's files."""
    routes.get("/help", endpoint="help")(anybody(_own, house, writes=False))
    routes.get("/help/<path:name>", endpoint="help_file")(anybody(_file, house, writes=False))


def _own(_book: Book, _city: City, me: Actor) -> Page:
    return redirect(url_for("console.help_file", name=GUIDES[me.role]))


def _file(_book: Book, _city: City, _me: Actor, name: str) -> Page:
    """Give a page, its style or a picture; nothing else, and nothing from beside the folder."""
    return send_from_directory(FOLDER, name) if PurePosixPath(name).suffix in SERVED else abort(404)
