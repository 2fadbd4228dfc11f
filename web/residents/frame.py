"""What all residents' pages share: type size, headers, and what is said when something is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import abort, current_app, make_response, redirect, render_template, request, url_for

from cases.handling import NoSuchCase
from web.residents.session import ROOT
from web.residents.words import ERRORS, Message

if TYPE_CHECKING:
    from flask import Blueprint, Response
    from werkzeug import Response as Redirect

Page = Any  # what a Flask view returns
BIG = "wanggetong-big"
YEAR = 365 * 86_400
HEADERS = {"Referrer-Policy": "no-referrer", "Cache-Control": "no-store", "X-Robots-Tag": "noindex"}


def register(routes: Blueprint) -> None:
    """Add the frame; the last route takes every address that no page has."""

    @routes.context_processor
    def type_size() -> dict[str, bool]:
        return {"big": request.cookies.get(BIG) == "1"}

    @routes.after_request
    def add_headers(response: Response) -> Response:
        response.headers.update(HEADERS)
        return response

    @routes.post("/type")
    def type_change() -> Redirect:
        answer = redirect(inside(request.form.get("back", "")))
        chosen = "1" if request.form.get("big") == "1" else "0"
        secure = bool(current_app.config["SESSION_COOKIE_SECURE"])
        answer.set_cookie(BIG, chosen, max_age=YEAR, path=ROOT, httponly=True, samesite="Lax", secure=secure)
        return answer

    @routes.route("/<path:rest>", methods=["GET", "POST"])
    def nowhere(rest: str) -> Page:  # noqa: ARG001 - the address
        abort(404)

    @routes.errorhandler(NoSuchCase)
    def no_such_case(_error: NoSuchCase) -> Page:
        return say(ERRORS[404])

    for code, message in ERRORS.items():
        routes.register_error_handler(code, _error_view(message))


def _error_view(message: Message) -> Page:
    return lambda _error: say(message)


def say(message: Message) -> Response:
    """Return a page that only says something; it needs neither session nor database."""
    return make_response(render_template("h5/message.html", message=message), message.status)


def inside(address: str) -> str:
    """Return an address of these pages, or the list: no way out to other hosts."""
    within = address.startswith(f"{ROOT}/") and "\\" not in address and not set("\r\n\t") & set(address)
    return address if within else url_for("residents.cases")
