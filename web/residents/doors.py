"""The ways in: a signed link, or WeChat saying who it is. And the way out."""

from __future__ import annotations

import hmac
import secrets
from typing import TYPE_CHECKING

from flask import abort, jsonify, make_response, redirect, request, session, url_for

from bot.errcodes import Fate, WeChatError
from bot.links import BadLink
from web.residents import words
from web.residents.frame import Page, inside, say
from web.residents.session import ROOT, enter, visitor

if TYPE_CHECKING:
    from flask import Blueprint
    from werkzeug import Response

    from bot.assembly import House
    from cases.storage import Book
    from cases.storage.tables import ResidentRow

STOP_POLLING = 286  # htmx's
CODE_CHARACTERS = 512


def me(house: House, book: Book) -> ResidentRow:
    """Return who is looking; others are shown the way in."""
    return visitor(house, book) or abort(_way_in(house))


def register(routes: Blueprint, house: House) -> None:
    """Add the doors."""

    @routes.get("/s/<token>")
    def link(token: str) -> Response:
        return _by_link(house, token)

    @routes.get("/oauth")
    def oauth() -> Response:
        return _by_wechat(house)

    @routes.post("/leave")
    def leave() -> Response:
        session.clear()
        return redirect(url_for("residents.left"))

    @routes.get("/left")
    def left() -> Response:
        return say(words.LEFT)

    @routes.get("/jssdk")
    def jssdk() -> Page:
        return _page_config(house)


def _by_link(house: House, token: str) -> Response:
    """Open a signed link and leave its address at once: it stays in no history and no referrer."""
    try:
        visit = house.links.read(token)
    except BadLink as bad:
        return say(words.EXPIRED if bad.expired else words.FORGED)
    with house.store.read() as book:
        resident = house.links.whose(book, visit.resident_id, visit.mark)
    if resident is None:  # erased since
        return say(words.EXPIRED)
    enter(house, resident)
    return redirect(inside(f"{ROOT}/{visit.page}"))


def _by_wechat(house: House) -> Response:
    """WeChat sends the browser back with a code; the state shows that this browser was sent there."""
    state, wanted = session.get("state", ""), session.get("wanted", "")
    code = request.args.get("code", "")[:CODE_CHARACTERS]
    known = bool(state) and hmac.compare_digest(state.encode(), request.args.get("state", "").encode())
    if not known or not code:
        return say(words.UNKNOWN)
    try:
        openid = house.wechat.openid_of(code)
    except WeChatError as error:
        return say(words.UNKNOWN if error.fate is Fate.UNDELIVERABLE else words.AWAY)
    with house.store.read() as book:
        residents = book.resident(openid)
    if not residents:
        return say(words.NOBODY)
    enter(house, residents[-1])
    return redirect(inside(wanted))


def _page_config(house: House) -> Page:
    """Return what WeChat's page script needs to know these pages by, for their own addresses only."""
    with house.store.read() as book:
        if visitor(house, book) is None:
            return jsonify(error="请从公众号进来。"), 401
    address = request.args.get("url", "")
    if not house.links.base or not address.startswith(f"{house.links.base}{ROOT}/"):
        return jsonify(error="只给这里的页面签名。"), 400
    try:
        return jsonify(house.wechat.page_config(address))
    except WeChatError as error:
        return jsonify(error=error.words), 503


def _way_in(house: House) -> Response:
    """Return the redirect to WeChat, who knows; where that cannot be, a page that says how to come in."""
    if "HX-Request" in request.headers:  # a page that asks for news: it need not ask again
        return make_response("", STOP_POLLING)
    if not house.links.base:
        return say(words.FROM_CHAT)
    session["wanted"] = request.full_path.rstrip("?") if request.method == "GET" else ""
    session["state"] = session.get("state") or secrets.token_urlsafe(16)
    back = house.links.base + url_for("residents.oauth")
    return redirect(house.wechat.login_address(back, session["state"]))
