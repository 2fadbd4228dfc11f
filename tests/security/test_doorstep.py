"""Many names tried from one address: it has to wait, and nobody else has."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bot.assembly import utc_now
from cases.limits import ADDRESS_FAILURES, ADDRESS_SPAN
from tests.integration.people import TOKEN_FIELD
from web.console import doorstep
from web.console.doorstep import LATER, MOST_ADDRESSES, Doorstep

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Flask

NEAR, FAR = "203.0.113.7", "198.51.100.9"


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """Use SQLite: addresses are counted in memory."""
    return f"sqlite:///{tmp_path}/doorstep.sqlite3"


def tried(app: Flask, login: str, password: str, remote: str, told: str = "") -> int:
    """Try to log in from an address, seen or told by a proxy; return the status."""
    client = app.test_client()
    token = TOKEN_FIELD.search(client.get("/console/login").text)
    assert token is not None
    form = {"csrf_token": token[1], "login": login, "password": password}
    headers = {"X-Forwarded-For": told} if told else {}
    answer = client.post("/console/login", data=form, headers=headers, environ_base={"REMOTE_ADDR": remote})
    assert answer.status_code != 429 or LATER in answer.text
    return answer.status_code


def test_the_count() -> None:
    """So many failures within the span close the door for an address; later, and for others, it is open."""
    step, now = Doorstep(), utc_now()
    for _ in range(ADDRESS_FAILURES):
        assert not step.closed(NEAR, now)
        step.failed(NEAR, now)
        step.failed("", now)
    assert step.closed(NEAR, now + ADDRESS_SPAN - timedelta(seconds=1))
    assert not step.closed(NEAR, now + ADDRESS_SPAN)
    assert not step.closed(FAR, now)
    assert not step.closed("", now)
    for number in range(MOST_ADDRESSES + 5):
        step.failed(f"address {number}", now)
    assert len(step._failed) == MOST_ADDRESSES  # noqa: SLF001 - what is remembered has an end


def test_one_address_tries_many_names(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever sprays a password over many names waits, the right one too; a proxy's own address is nobody's."""
    monkeypatch.setattr(doorstep, "ADDRESS_FAILURES", 3)
    for number in range(3):
        assert tried(app, f"nobody{number}", "wanggetong", NEAR) == 401
    assert tried(app, "urban", "wanggetong", NEAR) == 429
    assert tried(app, "urban", "wanggetong", FAR) == 302
    for number in range(4):
        assert (
            tried(app, f"nobody{number}", "x", "10.0.0.1", told=FAR) == 401
        )  # a proxy elsewhere: whose it is, who knows
    for number in range(3):
        assert tried(app, f"nobody{number}", "x", "127.0.0.1", told=f"{NEAR}, 192.0.2.5") == 401
    assert tried(app, "urban", "wanggetong", "127.0.0.1", told="192.0.2.5") == 429
    assert tried(app, "urban", "wanggetong", "127.0.0.1", told=f"192.0.2.5, {FAR}") == 302
