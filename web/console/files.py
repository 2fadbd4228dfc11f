"""A case's files: only for those whose business the case is, never run, seekable."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from flask import abort, flash, redirect, request, send_file, url_for

from bot.assembly import utc_now
from bot.media import THUMBNAIL
from cases import handling
from cases.intake import Report
from cases.lifecycle import NotAllowed
from cases.numbers import number_of
from cases.storage.tables import AttachmentRow
from web.console.session import actor

if TYPE_CHECKING:
    from flask import Blueprint, Response
    from werkzeug import Response as Redirect

    from bot.assembly import House

LAST_ID = 2**31 - 1  # what a database's integer holds


def register(routes: Blueprint, house: House) -> None:
    """Add the files' addresses."""

    @routes.post(f"/files/<int(max={LAST_ID}):attachment_id>/transcript")
    def transcribe(attachment_id: int) -> Redirect:
        words = request.form.get("words", "").strip()
        reading = house.understanding.matter(words)
        with house.store.write() as book:
            city = house.cities.current(book)
            me = actor(book, city)
            report = Report(words, city.locate_text(words), None, reading.guesses, reading.model_version, read=True)
            try:
                case = handling.transcribe(book, city, me, attachment_id, report, utc_now())
            except NotAllowed as refusal:
                flash(str(refusal), "error")
                return redirect(url_for("console.queue"))
        flash("听写已记下。", "ok")
        return redirect(url_for("console.case", number=number_of(case.id)))

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
