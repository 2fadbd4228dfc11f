"""A case's files: only for those whose business the case is, never run, seekable."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from flask import abort, request, send_file

from bot.media import THUMBNAIL
from cases import handling
from cases.storage.tables import AttachmentRow
from web.console.session import actor

if TYPE_CHECKING:
    from flask import Blueprint, Response

    from bot.assembly import House

LAST_ID = 2**31 - 1  # what a database's integer holds


def register(routes: Blueprint, house: House) -> None:
    """Add the files' addresses."""

    @routes.get(f"/files/<int(max={LAST_ID}):attachment_id>")
    def file(attachment_id: int) -> Response:
        with house.store.read() as book:
            city = house.cities.current(book)
            me = actor(book, city)
            row = book.get(AttachmentRow, attachment_id)
            if row is None or row.state != "stored":
                abort(404)
            case, held = handling.access_case(book, city, me, row.case_id)
            if row.kind == "voice" and not handling.may_hear(case, held):
                abort(403)
            name, mime = row.file, row.mime
        if "thumb" in request.args and row.kind in {"photo", "video"}:
            name, mime = Path(name).stem + THUMBNAIL, "image/jpeg"
        path = house.media.path(name)
        if not path.exists():
            abort(404)
        response = send_file(path, mimetype=mime, conditional=True, max_age=0)
        response.headers["Cache-Control"] = "private, max-age=3600"
        response.headers["Content-Security-Policy"] = "default-src 'none'; media-src 'self'; img-src 'self'; sandbox"
        return response
