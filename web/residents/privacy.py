"""What is kept of a resident and why; theirs to take away, and to have erased."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from flask import Response, abort, redirect, render_template, request, session, url_for

from bot.assembly import utc_now
from cases.personal import personal_data
from cases.retention import years
from cases.workflow import OPEN
from web.residents import words
from web.residents.doors import me

if TYPE_CHECKING:
    from flask import Blueprint

    from bot.assembly import House
    from web.residents.frame import Page


def register(routes: Blueprint, house: House) -> None:
    """Add the privacy page, export and erasure."""

    @routes.get("/privacy")
    def privacy() -> Page:
        with house.store.read() as book:
            me(house, book)
        return render_template("h5/privacy.html", kept=house.settings.retention, years=years)

    @routes.get("/privacy/export")
    def export() -> Response:
        with house.store.read() as book:
            data = personal_data(book, house.cities.current(book), me(house, book), utc_now())
        content = json.dumps(data, ensure_ascii=False, indent=1)
        disposition = 'attachment; filename="wanggetong.json"'
        return Response(content, mimetype="application/json", headers={"Content-Disposition": disposition})

    @routes.get("/privacy/erase")
    def erase() -> Page:
        return _confirm(house)

    @routes.post("/privacy/erase")
    def erase_all() -> Page:
        if request.form.get("agreed") != "1":
            return _confirm(house, error=words.MUST_AGREE), 422
        with house.store.read() as book:
            openid = me(house, book).openid
        gone = house.forgetting.forget(openid, utc_now())
        session.clear()
        session["erased"] = [gone.cases, len(gone.files)]
        return redirect(url_for("residents.erased"))

    @routes.get("/erased")
    def erased() -> Page:
        if "erased" not in session:
            abort(404)
        cases, files = session["erased"]
        return render_template("h5/erased.html", told=words.ERASED.format(cases=cases, files=files))


def _confirm(house: House, error: str = "") -> str:
    """Ask again, with what it means: what is still being worked on will have no answer."""
    with house.store.read() as book:
        cases = book.all_cases_of(me(house, book).id)
    waiting = sum(case.state in OPEN for case in cases)
    return render_template("h5/erase.html", total=len(cases), waiting=waiting, error=error)
