"""A resident's photos, voices and videos: for them alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cases import own
from cases.handling import NoSuchCase
from web.residents.session import visitor
from web.uploads import LAST_ID, send_kept

if TYPE_CHECKING:
    from flask import Blueprint, Response

    from bot.assembly import House


def register(routes: Blueprint, house: House) -> None:
    """Add the files' addresses."""

    @routes.get(f"/files/<int(max={LAST_ID}):attachment_id>")
    def file(attachment_id: int) -> Response:
        with house.store.read() as book:
            resident = visitor(house, book)
            if resident is None:  # a picture on a page cannot lead to WeChat and back
                raise NoSuchCase
            part = own.own_file(book, resident, attachment_id)
        return send_kept(house.media, part.file, part.mime)
