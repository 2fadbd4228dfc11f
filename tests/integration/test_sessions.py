"""Sessions: they run out, are listed, and end at once; a password is changed by its owner."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bot.assembly import utc_now
from cases import accounts, sessions
from cases.accounts import OLD_WRONG, STALE, START_GOOD, WRONG
from cases.passwords import COMMON, SAME
from cases.sessions import Limits, Origin
from cases.storage.security import SessionRow
from cases.storage.trail import Sought
from tests.integration.people import Staff
from web.console.me_security import MISMATCH

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from flask import Flask
    from werkzeug.test import TestResponse

    from bot.assembly import House
    from cases.storage.tables import StaffRow

HOME, OWN = "/console/home", "/console/me/security"
LIMITS = Limits(timedelta(minutes=30), timedelta(hours=12))
OLD, NEW = "wanggetong", "a cup of green tea"
PHONE = {"User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) MicroMessenger/8.0.50"}
SESSION = re.compile(r'data-session="(\d+)"')


@pytest.fixture
def database_url(tmp_path: object) -> str:
    """Use SQLite: what differs between databases is tested with logging in."""
    return f"sqlite:///{tmp_path}/sessions.sqlite3"


def account_of(house: House, login: str) -> StaffRow:
    """Return an account as it is now."""
    with house.store.read() as book:
        account = book.staff_by_login(login)
    assert account is not None
    return account


def kept(house: House) -> list[SessionRow]:
    """Return all sessions, the oldest first."""
    with house.store.read() as book:
        return list(book.rows_of(SessionRow))


def age(house: House, *, created: timedelta = timedelta(), seen: timedelta = timedelta()) -> None:
    """Let all sessions have begun, and have been used, so much earlier."""
    with house.store.write() as book:
        for row in book.rows_of(SessionRow):
            row.created_at -= created
            row.seen_at -= seen


def is_in(person: Staff) -> bool:
    """Say whether somebody is signed in."""
    return person.client.get(HOME).status_code == 200


def change(person: Staff, old: str, new: str, again: str | None = None) -> TestResponse:
    """Change one's password on one's own page."""
    page = person.client.get(OWN)
    return person.post("/console/me/password", page.text, old=old, new=new, again=new if again is None else again)


def test_how_long_a_session_lasts(house: House) -> None:
    """A session ends when it lies unused for too long, and when it is old however much it was used."""
    now, urban = utc_now(), account_of(house, "urban").id
    with house.store.write() as book:
        token = sessions.begin(book, urban, "password", Origin("203.0.113.77"), now)
    assert token not in str(vars(kept(house)[0]))

    def lasts(later: datetime) -> bool:
        with house.store.read() as book:
            return sessions.current(book, token, LIMITS, later) is not None

    assert lasts(now + timedelta(minutes=29))
    assert not lasts(now + timedelta(minutes=30))
    at = now
    for _ in range(24):
        at += timedelta(minutes=29)
        sessions.seen(house.store, kept(house)[0].id, kept(house)[0].seen_at, at)
    assert lasts(at + timedelta(minutes=20))
    assert not lasts(now + timedelta(hours=12))
    with house.store.read() as book:
        assert sessions.current(book, "no-such-token", LIMITS, now) is None


def test_the_console_lets_nobody_stay(house: House, staff: Callable[[str], Staff]) -> None:
    """Two hours without a page, or twelve hours in all, and the login page comes; it leads back to the page."""
    urban, water = staff("urban"), staff("water")
    age(house, seen=timedelta(minutes=119))
    assert is_in(urban)
    age(house, seen=timedelta(minutes=121))
    answer = urban.client.get("/console/team")
    assert answer.headers["Location"].endswith("login?next=/console/team?")
    age(house, created=timedelta(hours=12), seen=timedelta(minutes=-121))
    assert not is_in(water)


def test_looking_counts_and_renewing_does_not(house: House, staff: Callable[[str], Staff]) -> None:
    """A page that somebody opens keeps them signed in; one that renews itself on an empty desk does not."""
    urban = staff("urban")
    age(house, seen=timedelta(minutes=10))
    [before] = kept(house)
    for headers in ({"X-Background": "1"}, {"X-Background": "1", "HX-Request": "true"}):
        assert urban.client.get(HOME, headers=headers).status_code == 200
    assert urban.client.get("/console/alarms").status_code == 200
    assert kept(house)[0].seen_at == before.seen_at
    assert is_in(urban)
    seen = kept(house)[0].seen_at
    assert seen > before.seen_at
    assert is_in(urban)
    assert kept(house)[0].seen_at == seen  # once a minute is enough


def test_a_copied_cookie_ends_with_the_session(app: Flask, staff: Callable[[str], Staff]) -> None:
    """Who left is out in every copy of their cookie, and the cookie has neither name nor number of anybody."""
    urban = staff("urban")
    cookie = urban.client.get_cookie("wanggetong")
    assert cookie is not None
    with urban.client.session_transaction() as session:
        assert set(session) <= {"token", "csrf_token", "_permanent", "_flashes"}
    urban.post("/console/logout", urban.client.get(HOME).text)
    thief = app.test_client()
    thief.set_cookie("wanggetong", cookie.value)
    assert thief.get(HOME).status_code == 302


def test_ones_own_devices(app: Flask, house: House, staff: Callable[[str], Staff]) -> None:
    """Everybody sees where they are signed in, in words, and ends one device or all others; nobody ends another's."""
    desk, phone, tablet, water = staff("urban"), staff("urban"), staff("urban"), staff("water")
    mobile = app.test_client()
    page = mobile.get("/console/login")
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert token
    form = {"csrf_token": token[1], "login": "urban", "password": OLD}
    mobile.post("/console/login", data=form, headers=PHONE, environ_base={"REMOTE_ADDR": "203.0.113.77"})
    page = desk.client.get(OWN)
    assert "iPhone 微信" in page.text
    assert "203.0.113.0/24" in page.text
    assert "203.0.113.77" not in page.text
    assert page.text.count('class="here"') == 1
    shown = sorted(map(int, SESSION.findall(page.text)))
    assert len(shown) == 4
    theirs = next(row.id for row in kept(house) if row.staff_id == account_of(house, "water").id)
    assert desk.post(f"/console/me/sessions/{theirs}/end", page.text).status_code == 404
    assert is_in(water)
    assert "那台设备已退出" in desk.post(f"/console/me/sessions/{shown[1]}/end", page.text).text
    assert [is_in(each) for each in (desk, phone, tablet)] == [True, False, True]
    assert "2 台设备已退出" in desk.post("/console/me/sessions/end", page.text).text
    assert mobile.get(HOME).status_code == 302
    assert [is_in(each) for each in (desk, tablet)] == [True, False]
    with house.store.read() as book:
        lines = book.sought(Sought(action="session_ended")).lines
        logins = book.sought(Sought(action="login")).lines
    assert [line.subject for line in lines] == ["urban"] * 2
    assert "密码，203.0.113.77，iPhone 微信" in {line.detail for line in logins}


def test_a_changed_password_ends_the_others(app: Flask, house: House, staff: Callable[[str], Staff]) -> None:
    """Whoever changes their password stays; all their other devices are out, and only the new one opens the door."""
    desk, other = staff("urban"), staff("urban")
    assert "密码已改" in change(desk, OLD, NEW).text
    assert [is_in(desk), is_in(other)] == [True, False]
    assert Staff(app, "urban", OLD).answer.status_code == 401
    assert Staff(app, "urban", NEW).answer.status_code == 200
    with house.store.read() as book:
        [line] = book.sought(Sought(action="password_changed")).lines
    assert line.subject == "urban"
    assert NEW not in line.detail


def test_a_password_is_refused_in_words(house: House, staff: Callable[[str], Staff]) -> None:
    """The field that is wrong says so in one sentence; five wrong old passwords lock the account as at the door."""
    desk = staff("urban")
    assert MISMATCH in change(desk, OLD, NEW, "another cup of tea").text
    assert COMMON in change(desk, OLD, "password123").text
    assert SAME in change(desk, OLD, OLD).text or "网格通" in change(desk, OLD, OLD).text
    for _ in range(5):
        assert OLD_WRONG in change(desk, "guess-after-guess", NEW).text
    assert accounts.LOCKED in change(desk, OLD, NEW).text
    assert account_of(house, "urban").locked_until is not None


def test_who_is_switched_off_is_out_for_good(house: House, staff: Callable[[str], Staff]) -> None:
    """Switching an account off ends its sessions at once, and switching it on again brings none of them back."""
    admin, water = staff("admin"), staff("water")
    page = admin.client.get("/console/registry/staff/row?key=water").text
    form = {"name": "水工", "role": "department", "unit": "dept-water", "key": "water"}
    admin.post("/console/registry/staff/row", page, **form, off="yes")
    assert not account_of(house, "water").active
    assert not is_in(water)
    admin.post("/console/registry/staff/row", page, **form)
    assert account_of(house, "water").active
    assert not is_in(water)


def test_a_password_that_others_know_is_changed_first(app: Flask, house: House, staff: Callable[[str], Staff]) -> None:
    """Who got a new password from the administrator is out everywhere, and does nothing before it is their own."""
    admin, before = staff("admin"), staff("water")
    page = admin.client.get("/console/registry/staff/row?key=water").text
    shown = admin.post("/console/registry/staff/password", page, key="water").text
    given = re.search(r'class="reg-password">([^<]+)<', shown)
    assert given
    assert not is_in(before)
    water = Staff(app, "water", given[1])
    assert "现在的密码是别人给的" in water.answer.text
    for address in (HOME, "/console/team", "/console/notices"):
        assert water.client.get(address).headers["Location"] == OWN
    assert account_of(house, "water").must_change
    assert change(water, given[1], NEW).request.path == "/console/notices"
    assert is_in(water)
    assert not account_of(house, "water").must_change


def test_a_password_that_nobody_used_goes_stale(app: Flask, house: House, staff: Callable[[str], Staff]) -> None:
    """A password from the administrator that was not changed in two weeks opens nothing, and says whom to ask."""
    admin = staff("admin")

    def given() -> str:
        page = admin.client.get("/console/registry/staff/row?key=water").text
        shown = admin.post("/console/registry/staff/password", page, key="water").text
        [password] = re.findall(r'class="reg-password">([^<]+)<', shown)
        return str(password)

    def tried(typed: str, at: datetime) -> accounts.Login:
        return accounts.login(house.store, "water", typed, at, samples_allowed=True)

    first = given()
    last, after = (utc_now() + START_GOOD + timedelta(minutes=each) for each in (-5, 5))
    assert tried(first, last).staff_id
    assert (tried(first, after).staff_id, tried(first, after).fault) == (None, STALE)
    assert tried("not-the-one-given", after).fault == WRONG
    assert "现在的密码是别人给的" in Staff(app, "water", given()).answer.text


@pytest.mark.parametrize("wanted", ["/console/team", "https://evil.example/", "/console/../sandbox/"])
def test_where_one_wanted_to(app: Flask, wanted: str) -> None:
    """The login page leads on to where somebody wanted to, and never out of the console, whatever the form says."""
    client = app.test_client()
    page = client.get("/console/login", query_string={"next": wanted}).text
    action, token = re.search(r'action="([^"]+)"', page), re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert action
    assert token
    form = {"csrf_token": token[1], "login": "urban", "password": OLD}
    assert action[1].endswith("login?next=/console/team" if wanted == "/console/team" else "/console/login")
    answer = client.post("/console/login", query_string={"next": wanted}, data=form)
    assert answer.headers["Location"] == (wanted if wanted == "/console/team" else HOME)


def test_a_browser_has_one_session(house: House, staff: Callable[[str], Staff]) -> None:
    """Whoever logs in anew in a browser leaves no session behind that nobody has the cookie of."""
    urban = staff("urban")
    urban.post("/console/login", urban.client.get("/console/login").text, login="water", password=OLD)
    assert is_in(urban)
    assert [row.ended_at is None for row in kept(house)] == [False, True]
