"""What production is by itself, before anybody sets more: no sandbox, no samples, no debugger, tight cookies."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from cases import accounts
from cases.accounts import WRONG
from tests.integration.people import Resident
from web import create_app, house_of
from web.home import SAMPLE_LOGINS, SAMPLE_PASSWORD

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask import Flask
    from werkzeug.test import TestResponse

    from settings import Settings

CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')
OWN = "oak-hill-river-seven-42"
SITE = "https://city.example"


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """Use SQLite: nothing here differs between databases."""
    return f"sqlite:///{tmp_path}/production.sqlite3"


@pytest.fixture
def production(app: Flask, settings: Settings) -> Iterator[Flask]:
    """Give the application as production has it, with a database in which the sample city was loaded by mistake."""
    assert app
    made = create_app(replace(settings, profile="production", secret_key="0123456789abcdef" * 4, public_url=SITE))
    yield made
    house_of(made).store.engine.dispose()


@pytest.fixture
def resident(app: Flask) -> Resident:
    """Give a resident who has told of something."""
    somebody = Resident(app, "oProduction00000000000000001")
    somebody.say("翠湖小区3栋楼下井盖坏了")
    return somebody


def log_in(app: Flask, login: str, password: str) -> TestResponse:
    """Type login and password on the page that asks for them, over TLS."""
    client = app.test_client()
    token = CSRF.search(client.get("/console/login", base_url=SITE).text)
    assert token
    typed = {"csrf_token": token[1], "login": login, "password": password}
    return client.post("/console/login", base_url=SITE, data=typed, headers={"Referer": f"{SITE}/console/login"})


@pytest.mark.parametrize(
    "path",
    ["/sandbox", "/sandbox/", "/sandbox/api/cgi-bin/token", "/sandbox/phone", "/static/vendor/../../settings.py"],
)
def test_there_is_no_sandbox(production: Flask, path: str) -> None:
    """Nothing of the sandbox answers, and `/` shows no sample accounts."""
    client = production.test_client()
    assert client.get(path, base_url=SITE).status_code == 404
    assert not any(rule.rule.startswith("/sandbox") for rule in production.url_map.iter_rules())
    assert client.get("/", base_url=SITE).status_code == 302
    assert SAMPLE_PASSWORD not in client.get("/console/login", base_url=SITE).text


@pytest.mark.parametrize("login", SAMPLE_LOGINS)
def test_sample_accounts_do_not_get_in(production: Flask, login: str) -> None:
    """Their public password opens nothing, and the answer is that to any wrong password."""
    answer = log_in(production, login, SAMPLE_PASSWORD)
    assert answer.status_code == 401
    assert WRONG in answer.text


def test_cookies_are_the_host_s_own(production: Flask, resident: Resident) -> None:
    """Staff's and residents' sessions come with the strictest prefix, over TLS, out of reach of scripts."""
    with house_of(production).store.write() as book:
        account = book.staff_by_login("urban", lock=True)
        assert account
        account.password_hash, account.sample = accounts.own_hash(OWN), False
    entered = log_in(production, "urban", OWN)
    assert entered.status_code == 302
    house = house_of(production)
    with house.store.read() as book:
        address = house.links.to(book.resident(resident.openid)[-1])
    visited = production.test_client().get(address, base_url=SITE)
    assert visited.status_code == 302
    for answer, name in ((entered, "wanggetong"), (visited, "wanggetong-h5")):
        [cookie] = answer.headers.getlist("Set-Cookie")
        assert cookie.startswith(f"__Host-{name}=")
        parts = {part.strip() for part in cookie.split(";")}
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= parts
        assert not any(part.startswith("Domain") for part in parts)


def test_a_residents_cookie_opens_nothing_of_staff_s(production: Flask, resident: Resident) -> None:
    """Though both lie at `/`, what is signed for residents is nobody in the console, under either name."""
    house = house_of(production)
    with house.store.read() as book:
        address = house.links.to(book.resident(resident.openid)[-1])
    client = production.test_client()
    client.get(address, base_url=SITE)
    theirs = client.get_cookie("__Host-wanggetong-h5", domain="city.example")
    assert theirs
    assert client.get("/h5/", base_url=SITE).status_code == 200
    client.set_cookie("__Host-wanggetong", theirs.value, domain="city.example", secure=True)
    assert client.get("/console/home", base_url=SITE).status_code == 302


def test_nobody_debugs_it(production: Flask) -> None:
    """Flask's debugger is off, and TRACE, which would hand cookies back, is refused everywhere."""
    assert not production.debug
    client = production.test_client()
    for path in ("/", "/console/login", "/h5/", "/healthz"):
        assert client.open(path, method="TRACE", base_url=SITE).status_code == 405


def test_where_faults_are_told(app: Flask, settings: Settings) -> None:
    """security.txt names the place that the setting gives, and when to ask anew; without one there is none."""
    assert app.test_client().get("/.well-known/security.txt").status_code == 404
    made = create_app(replace(settings, security_contact="mailto:safety@city.example"))
    answer = made.test_client().get("/.well-known/security.txt")
    house_of(made).store.engine.dispose()
    assert answer.content_type == "text/plain; charset=utf-8"
    assert answer.text.startswith("Contact: mailto:safety@city.example\n")
    assert re.search(r"^Expires: \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$", answer.text, re.MULTILINE)
