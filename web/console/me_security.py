"""One's own account: the password, the second step, and the devices on which one is signed in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import segno
from flask import abort, flash, g, redirect, render_template, request, session, url_for

from bot.assembly import utc_now
from cases import accounts, passwords, second, sessions, totp
from cases.limits import spoken_time
from cases.storage.tables import StaffRow
from web.console.frame import frame
from web.console.login import inside, origin
from web.console.session import TOKEN, WANTED, Page, actor, anybody, limits_of, owed
from web.uploads import LAST_ID

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from flask import Blueprint

    from bot.assembly import House
    from cases.access import Actor
    from cases.city import City
    from cases.storage import Book
    from cases.storage.security import SessionRow

# In the browser's session: the sealed secret of a second step that is being set up.
DRAFT = "totp_draft"
TYPED = 200
MISMATCH = "两次写的不一样，请再写一遍。"
CODE_WRONG = "验证码不对。请看手机上现在的六位数字，手机的时间也要准。"
QR_SCALE = 5


@dataclass(frozen=True)
class Device:
    """One session as the list shows it."""

    id: int
    words: str
    address: str
    how: str
    since: str
    seen: str
    here: bool


def register(routes: Blueprint, house: House) -> None:
    """Add the page and what can be done on it."""
    one = f"/me/sessions/<int(max={LAST_ID}):session_id>/end"

    @routes.get("/me/security", endpoint="me_security")
    def show() -> Page:
        return _page(house, {})

    @routes.post("/me/password", endpoint="me_password")
    def password() -> Page:
        return _change_password(house)

    @routes.post("/me/totp", endpoint="me_totp_start")
    def start() -> Page:
        staff_id, owes = _me(house)
        # Who finds a phone unlocked must not put their own second step on it.
        fault = "" if owes else accounts.confirm(house.store, staff_id, _typed("password"), utc_now(), origin())
        if fault:
            return _page(house, {"start": fault})
        session[DRAFT] = house.vault.seal(totp.new_secret())
        return redirect(url_for("console.me_security", _anchor="totp"))

    @routes.post("/me/totp/confirm", endpoint="me_totp_confirm")
    def confirm() -> Page:
        return _turn_on(house)

    @routes.post("/me/totp/off", endpoint="me_totp_off")
    def off() -> Page:
        return _turn_off(house)

    routes.post(one, endpoint="me_session_end")(anybody(_end_one, house, writes=True))
    routes.post("/me/sessions/end", endpoint="me_sessions_end")(anybody(_end_others, house, writes=True))


def _me(house: House) -> tuple[int, str]:
    """Return who is signed in, and what they have to do first; others are sent to the login page."""
    with house.store.read() as book:
        me = actor(book, house.cities.current(book))
        return me.staff_id, owed(book, g.seen)


def _page(house: House, faults: Mapping[str, str], codes: list[str] | None = None) -> Page:
    with house.store.read() as book:
        city = house.cities.current(book)
        me, now = actor(book, city), utc_now()
        account, due = book.get(StaffRow, me.staff_id), owed(book, g.seen)
        if account is None:
            abort(404)
        devices = [_device(row, now) for row in sessions.going(book, me.staff_id, limits_of(house), now)]
        page = render_template(
            "console/me_security.html",
            **({"me": None} if due else frame(book, city, me, "security")),
            account=account,
            owed=due,
            faults=faults,
            codes=codes or [],
            onward=_onward(),
            devices=devices,
            left=book.recovery_left(me.staff_id),
            classified=house.settings.classified,
            shortest=passwords.SHORTEST,
            days=passwords.AGE.days,
            changed=_changed(account, now),
            **_draft(house, account, due),
        )
    return page, 400 if faults else 200


def _changed(account: StaffRow, now: datetime) -> str:
    """Return when somebody last changed their password; nothing for one that was given to them."""
    changed = account.password_changed_at
    return spoken_time(changed, now) if changed is not None and not account.must_change else ""


def _device(row: SessionRow, now: datetime) -> Device:
    return Device(
        row.id,
        row.device,
        row.address,
        sessions.HOW.get(row.how, ""),
        spoken_time(row.created_at, now),
        spoken_time(row.seen_at, now),
        here=row.id == g.seen.id,
    )


def _draft(house: House, account: StaffRow, due: str) -> dict[str, str]:
    """Return the QR code and the key of a second step that is being set up; who has to have one gets them at once."""
    if account.totp_secret:
        session.pop(DRAFT, None)
        return {}
    if due == "totp" and not house.vault.open(session.get(DRAFT, "")):
        session[DRAFT] = house.vault.seal(totp.new_secret())
    secret = house.vault.open(session.get(DRAFT, ""))
    if not secret:
        return {}
    picture = segno.make(totp.address(secret, account.login), error="m").svg_data_uri(scale=QR_SCALE, border=2)
    return {"qr": picture, "key": " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))}


def _onward() -> str:
    return inside(session.get(WANTED, "")) or url_for("console.home")


def _typed(name: str) -> str:
    return request.form.get(name, "")[:TYPED].replace("\0", "")


def _change_password(house: House) -> Page:
    (staff_id, was_owed), now, mine = _me(house), utc_now(), g.seen.id
    old, new = _typed("old"), _typed("new")
    if new != _typed("again"):
        return _page(house, {"again": MISMATCH})
    if fault := accounts.confirm(house.store, staff_id, old, now, origin()):
        return _page(house, {"old": fault})
    classified = house.settings.classified
    if fault := accounts.change_password(house.store, staff_id, old, new, now, classified=classified, session_id=mine):
        return _page(house, {"new": fault})
    _renew(house)
    flash("密码已改，别的设备都退出了。", "ok")
    return redirect(_onward() if was_owed and not _me(house)[1] else url_for("console.me_security"))


def _turn_on(house: House) -> Page:
    staff_id, _ = _me(house)
    secret = house.vault.open(session.get(DRAFT, ""))
    with house.store.write() as book:
        codes = second.turn_on(book, house.vault, staff_id, secret, _typed("code"), utc_now())
        if codes:
            sessions.end_others(book, staff_id, g.seen.id, utc_now())
    if not codes:
        return _page(house, {"code": CODE_WRONG})
    session.pop(DRAFT, None)
    _renew(house)
    return _page(house, {}, codes)


def _renew(house: House) -> None:
    """Give this browser another token: what it may do has changed."""
    with house.store.write() as book:
        session[TOKEN] = sessions.renew(book, g.seen.id)


def _turn_off(house: House) -> Page:
    staff_id, _ = _me(house)
    if house.settings.classified:
        return _page(house, {"off": second.NEEDED})
    fault = second.turn_off(house.store, house.vault, staff_id, _typed("password"), _typed("code"), utc_now(), origin())
    if fault:
        return _page(house, {"off": fault})
    _renew(house)
    flash("两步验证已关。", "ok")
    return redirect(url_for("console.me_security"))


def _end_one(book: Book, _city: City, me: Actor, session_id: int) -> Page:
    if not sessions.end(book, me.staff_id, session_id, utc_now()):
        abort(404)
    flash("那台设备已退出。", "ok")
    return redirect(url_for("console.me_security"))


def _end_others(book: Book, _city: City, me: Actor) -> Page:
    ended = sessions.end_others(book, me.staff_id, g.seen.id, utc_now())
    flash(f"{ended} 台设备已退出。" if ended else "没有别的设备登录着。", "ok")
    return redirect(url_for("console.me_security"))
