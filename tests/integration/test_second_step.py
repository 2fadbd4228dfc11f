"""The second step on the pages: set up, asked at the door, turned off, reset; and what classified protection forces."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest

import settings as configuration
from bot.assembly import utc_now
from cases import second, totp
from cases.accounts import AGAIN, OLD_WRONG
from cases.passwords import USED
from cases.storage.security import RecoveryRow
from cases.storage.trail import Sought
from tests.integration.people import Staff
from web.console.me_security import CODE_WRONG

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from flask import Flask
    from werkzeug.test import TestResponse

    from bot.assembly import House
    from cases.storage.tables import StaffRow
    from settings import Settings

HOME, OWN, CODE = "/console/home", "/console/me/security", "/console/login/code"
PASSWORD = "wanggetong"
KEY = re.compile(r'id="totp-key">([^<]+)<')
RECOVERY = re.compile(r"<li><code>([^<]+)</code></li>")
QR = re.compile(r'class="qr" src="(data:image/svg\+xml[^"]+)"')


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """Use SQLite: what differs between databases is tested with logging in."""
    return f"sqlite:///{tmp_path}/second.sqlite3"


@pytest.fixture
def security() -> str:
    """Give the rules that hold where a test asks for no others."""
    return "basic"


@pytest.fixture
def settings(settings: Settings, security: str) -> Settings:
    """Give the settings with these rules."""
    return replace(settings, security=security, session_idle_minutes=configuration.IDLE_MINUTES[security])


def account_of(house: House, login: str) -> StaffRow:
    """Return an account as it is now."""
    with house.store.read() as book:
        account = book.staff_by_login(login)
    assert account is not None
    return account


def forget_step(house: House, login: str) -> None:
    """Let the code that was just taken be of an earlier moment: nobody waits half a minute here."""
    with house.store.write() as book:
        account = book.staff_by_login(login, lock=True)
        assert account is not None
        account.totp_step -= 10


def code_of(secret: str) -> str:
    """Return what the phone shows now."""
    return pyotp.TOTP(secret).now()


def set_up(person: Staff) -> tuple[str, list[str]]:
    """Set the second step up on one's own page; return the phone's secret, and the recovery codes."""
    page = person.client.get(OWN).text
    if "totp-key" not in page:
        page = person.post("/console/me/totp", page, password=PASSWORD).text
    key = KEY.search(page)
    assert key
    secret = key[1].replace(" ", "")
    shown = person.post("/console/me/totp/confirm", page, code=code_of(secret)).text
    return secret, RECOVERY.findall(shown)


def enter(person: Staff, code: str, wanted: str = "") -> TestResponse:
    """Type a code on the page that asks for it."""
    page = person.client.get(CODE, query_string={"next": wanted})
    return person.post(f"{CODE}?next={wanted}", page.text, code=code)


def test_setting_it_up(house: House, staff: Callable[[str], Staff]) -> None:
    """A QR code and a key to type say the same; one right code turns it on; the recovery codes are shown once."""
    urban = staff("urban")
    assert OLD_WRONG in urban.post("/console/me/totp", urban.client.get(OWN).text, password="not mine").text
    page = urban.post("/console/me/totp", urban.client.get(OWN).text, password=PASSWORD).text
    assert QR.search(page)
    assert CODE_WRONG in urban.post("/console/me/totp/confirm", page, code="000000").text
    assert not account_of(house, "urban").totp_secret
    secret, codes = set_up(urban)
    assert len(set(codes)) == 8
    sealed = account_of(house, "urban").totp_secret
    assert secret not in sealed
    assert house.vault.open(sealed) == secret
    with house.store.read() as book:
        assert not {row.digest for row in book.rows_of(RecoveryRow)} & set(codes)
    again = urban.client.get(OWN).text
    assert not any(code in again for code in codes)
    assert secret not in again
    assert '<strong id="left">8</strong>' in again
    address = totp.address(secret, "urban")
    assert parse_qs(urlsplit(address).query)["secret"] == [secret]


def test_two_steps_at_the_door(app: Flask, house: House, staff: Callable[[str], Staff]) -> None:
    """After the password only the page for the code is open; the code leads where one wanted to, and works once."""
    secret, codes = set_up(staff("urban"))
    forget_step(house, "urban")
    urban = Staff(app, "urban")
    assert urban.answer.request.path == CODE
    for address in (HOME, OWN, "/console/alarms", "/console/team"):
        assert "/console/login" in urban.client.get(address).headers["Location"]
    urban = Staff(app, "urban")
    assert second.WRONG in enter(urban, "000000").text
    code = code_of(secret)
    assert enter(urban, code, "/console/team").request.path == "/console/team"
    assert urban.client.get(HOME).status_code == 200
    thief = Staff(app, "urban")
    assert second.WRONG in enter(thief, code).text
    assert enter(thief, codes[0].upper().replace("-", " "), "https://evil.example/").request.path == HOME
    late = Staff(app, "urban")
    assert second.WRONG in enter(late, codes[0]).text
    with house.store.read() as book:
        details = [line.detail for line in book.sought(Sought(action="login")).lines]
    assert [detail.partition("，")[0] for detail in details] == ["密码和恢复码", "密码和验证码", "密码"]


def test_what_lies_between_does_not_last(app: Flask, house: House, staff: Callable[[str], Staff]) -> None:
    """Five minutes after the password, or when the password was changed meanwhile, the code comes too late."""
    secret, _ = set_up(staff("urban"))
    forget_step(house, "urban")
    urban, other = Staff(app, "urban"), Staff(app, "urban")
    with house.store.write() as book:
        account = book.staff_by_login("urban", lock=True)
        assert account is not None
        account.password_hash = "$argon2id$another"
    page = other.client.get(CODE).text
    assert AGAIN in other.post(CODE, page, code=code_of(secret)).text
    assert other.client.get(HOME).status_code == 302
    with urban.client.session_transaction() as session:
        staff_id, mark, until = session["half"]
        session["half"] = [staff_id, mark, until - 300]
    assert urban.client.get(CODE).headers["Location"] == "/console/login"


def test_turning_it_off(app: Flask, house: House, staff: Callable[[str], Staff]) -> None:
    """It goes with password and code together, and with neither alone; that it went is on record."""
    urban = staff("urban")
    secret, _ = set_up(urban)
    forget_step(house, "urban")
    page = urban.client.get(OWN).text
    urban.post("/console/me/totp/off", page, password="wrong", code=code_of(secret))
    assert second.WRONG in urban.post("/console/me/totp/off", page, password=PASSWORD, code="000000").text
    assert account_of(house, "urban").totp_secret
    assert "两步验证已关" in urban.post("/console/me/totp/off", page, password=PASSWORD, code=code_of(secret)).text
    assert Staff(app, "urban").client.get(HOME).status_code == 200
    with house.store.read() as book:
        assert [line.detail for line in book.sought(Sought(action="totp_off")).lines] == ["本人"]


def test_a_lost_phone(app: Flask, house: House, staff: Callable[[str], Staff]) -> None:
    """The administrator resets somebody's second step: they are out everywhere, and it is on record who did it."""
    admin, urban = staff("admin"), staff("urban")
    set_up(urban)
    page = admin.client.get("/console/registry/staff/row?key=urban").text
    assert "已重置" in admin.post("/console/registry/staff/second-step", page, key="urban").text
    assert urban.client.get(HOME).status_code == 302
    assert Staff(app, "urban").client.get(HOME).status_code == 200
    with house.store.read() as book:
        [line] = book.sought(Sought(action="totp_off")).lines
    assert (line.subject, line.staff_id) == ("urban", account_of(house, "admin").id)
    assert "没有开两步验证" in admin.post("/console/registry/staff/second-step", page, key="urban").text
    assert "已经不在了" in admin.post("/console/registry/staff/second-step", page, key="gone").text


@pytest.mark.parametrize("security", ["classified"])
def test_classified_asks_for_it(house: House, staff: Callable[[str], Staff]) -> None:
    """Under classified protection nobody works before they have a second step, and nobody turns it off."""
    urban = staff("urban")
    assert "登录要两步验证" in urban.answer.text
    assert QR.search(urban.answer.text)
    assert urban.client.get("/console/team").headers["Location"] == OWN
    assert urban.client.get("/console/alarms").headers["Location"] == OWN
    _, codes = set_up(urban)
    assert len(codes) == 8
    assert urban.client.get("/console/team").status_code == 200
    page = urban.client.get(OWN).text
    assert "不能关" in page
    assert second.NEEDED in urban.post("/console/me/totp/off", page, password=PASSWORD, code=codes[0]).text
    assert account_of(house, "urban").totp_secret


@pytest.mark.parametrize("security", ["classified"])
def test_classified_lets_passwords_age(app: Flask, house: House) -> None:
    """A start password is changed to one of three kinds of characters, one of ninety days again, to no former one."""
    add = ["staff", "add", "wang", "--name", "王工", "--role", "department", "--unit", "dept-water", "--password"]
    runner = app.test_cli_runner()
    assert "至少要有 3 种" in runner.invoke(args=[*add, "a long password"]).output
    first, second_, third = "A cup of green tea", "A cup of black tea", "A cup of white tea"
    assert runner.invoke(args=[*add, first]).exit_code == 0
    wang = Staff(app, "wang", first)
    assert "现在的密码是别人给的" in wang.answer.text

    def change(old: str, new: str) -> str:
        page = wang.client.get(OWN).text
        return wang.post("/console/me/password", page, old=old, new=new, again=new).text

    assert "至少要有 3 种" in change(first, "another long password")
    assert "登录要两步验证" in change(first, second_)
    set_up(wang)
    assert wang.client.get(HOME).status_code == 200
    assert USED in change(second_, first)
    with house.store.write() as book:
        account = book.staff_by_login("wang", lock=True)
        assert account is not None
        account.password_changed_at = utc_now() - timedelta(days=90)
    assert wang.client.get(HOME).headers["Location"] == OWN
    assert "90 天" in wang.client.get(OWN).text
    assert "密码已改" in change(second_, third)
    assert wang.client.get(HOME).status_code == 200
