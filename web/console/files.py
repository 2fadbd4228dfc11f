"""A case's files: only for those whose business the case is, never run, seekable."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import abort, flash, redirect, request, url_for

from bot.assembly import utc_now
from cases import handling
from cases.intake import Report
from cases.ledger import NotAllowed
from cases.numbers import number_of
from cases.storage.tables import AttachmentRow
from web.console.session import actor
from web.uploads import LAST_ID, send_kept

if TYPE_CHECKING:
    from flask import Blueprint, Response
    from werkzeug import Response as Redirect

    from bot.assembly import House


def register(routes: Blueprint, house: House) -> None:
    """Add the files' addresses."""

    @routes.post(f"/files/<int(max={LAST_ID}):attachment_id>/transcript")
    def transcribe(attachment_id: int) -> Redirect:
        words = request.form.get("words", "").strip()
        reading = house.understanding.matter(words)
        with house.store.write() as book:
            city = house.cities.current(book)
            me = actor(book, city)
            report = Report(
                words,
                city.locate_text(words),
                guesses=reading.guesses,
                model_version=reading.model_version,
                evidence=reading.evidence,
                read=True,
            )
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
        response = send_kept(house.media, name, mime)
        response.headers["Cache-Control"] = "private, max-age=3600"
        return response
