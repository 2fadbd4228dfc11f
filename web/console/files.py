"""A case's files: only for those whose business the case is, never run, seekable."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import abort

from cases import handling
from cases.storage.tables import AttachmentRow
from web.console.session import actor
from web.uploads import LAST_ID, send_kept

if TYPE_CHECKING:
    from flask import Blueprint, Response

    from bot.assembly import House


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
            handling.access_case(book, city, me, row.case_id)
            name, mime = row.file, row.mime
        response = send_kept(house.media, name, mime)
        response.headers["Cache-Control"] = "private, max-age=3600"
        return response
