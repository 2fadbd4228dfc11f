"""Logging in and out: the password, the code of the second step, and who is let on from there."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from urllib.parse import unquote

from flask import flash, redirect, render_template, request, session, url_for

from bot.assembly import utc_now
from cases import accounts, second, sessions
from cases.sessions import Origin
from web.console.doorstep import LATER, LOOPBACK, Doorstep, address_of
from web.console.session import TOKEN, note_seen
from web.home import samples

if TYPE_CHECKING:
    from flask import Blueprint
    from werkzeug import Response

    from bot.assembly import House
    from cases.accounts import Login
    from web.console.session import Page

# What the browser has between password and code: it opens nothing else, and not for long.
HALF = "half"
HALF_SECONDS = 300
BROWSER_CHARACTERS = 400


def register(routes: Blueprint, house: House) -> None:
    """Add login, the code, and logout."""
    routes.after_request(lambda response: note_seen(house, response))
    doorstep = Doorstep()

    @routes.get("/login")
    def login() -> Page:
        return form(house, "", "")

    @routes.post("/login")
    def login_submit() -> Page:
        name, password = request.form.get("login", "").replace("\0", "").strip(), request.form.get("password", "")
        where, allowed = address_of(), house.settings.sandbox
        if doorstep.closed(where, utc_now()):
            return form(house, name, LATER), 429
        result = accounts.login(house.store, name, password, utc_now(), samples_allowed=allowed, origin=origin())
        if result.staff_id is None:
            doorstep.failed(where, utc_now())
            return form(house, name, result.fault), 401
        if not result.second:
            return enter(house, result.staff_id, "password", request.args.get("next", ""))
        former = session.get(TOKEN, "")
        session.clear()
        session[TOKEN] = former  # it ends when the new session begins
        session[HALF] = [result.staff_id, result.mark, int(time.time()) + HALF_SECONDS]
        return redirect(url_for("console.login_code", next=inside(request.args.get("next", "")) or None))

    @routes.get("/login/code")
    def login_code() -> Page:
        return _code_form("") if _half() else _begin_again()

    @routes.post("/login/code")
    def login_code_submit() -> Page:
        half = _half()
        if half is None:
            return _begin_again()
        return _with_code(house, second.enter(
            house.store, house.vault, *half, request.form.get("code", "")[:40], utc_now(), origin()
        ))  # fmt: skip

    @routes.post("/logout")
    def logout() -> Response:
        with house.store.write() as book:
            sessions.leave(book, session.get(TOKEN, ""), utc_now())
        session.clear()
        flash("已退出。", "ok")
        return redirect(url_for("console.login"))


def _with_code(house: House, result: Login) -> Page:
    if result.staff_id is not None:
        return enter(house, result.staff_id, "password", request.args.get("next", ""))
    if result.fault == second.WRONG:
        return _code_form(result.fault), 401
    session.pop(HALF, None)
    return form(house, "", result.fault), 401


def _half() -> tuple[int, str] | None:
    """Return whose password was right in this browser just now, with the mark of that password."""
    staff_id, mark, until = session.get(HALF, (0, "", 0))
    return (staff_id, mark) if time.time() < until else None


def _code_form(error: str) -> str:
    return render_template("console/login_code.html", me=None, error=error, wanted=inside(request.args.get("next", "")))


def _begin_again() -> Response:
    session.pop(HALF, None)
    flash("时间过了，请重新登录。", "warn")
    return redirect(url_for("console.login", next=inside(request.args.get("next", "")) or None))


def enter(house: House, staff_id: int, how: str, wanted: str) -> Response:
    """Begin a session on this browser, and go where somebody wanted to. Whatever the browser had before goes."""
    with house.store.write() as book:
        token = sessions.begin(book, staff_id, how, origin(), utc_now(), session.get(TOKEN, ""))
    session.clear()
    session.permanent = True
    session[TOKEN] = token
    return redirect(inside(wanted) or url_for("console.home"))


def form(house: House, login: str, error: str) -> str:
    """Return the login page."""
    settings = house.settings
    return render_template(
        "console/login.html",
        me=None,
        login=login,
        error=error,
        samples=samples(house),
        wanted=inside(request.args.get("next", "")),
        oidc=settings.oidc_name if settings.oidc_issuer else "",
        wecom=house.wecom is not None,
    )


def inside(address: str) -> str:
    """Return an address of the console, or nothing: no way out to other hosts, or to other parts of this one."""
    steps = unquote(address.partition("?")[0]).split("/")
    leaves = "\\" in address or ".." in steps or any(ord(each) < ord(" ") for each in address)
    return address if address.startswith("/console/") and not leaves else ""


def origin() -> Origin:
    """Return from where a request comes: behind a proxy on this machine, what that proxy saw."""
    address = request.remote_addr or ""
    if address in LOOPBACK:
        address = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()[:60] or address
    return Origin(address, request.headers.get("User-Agent", "")[:BROWSER_CHARACTERS])
