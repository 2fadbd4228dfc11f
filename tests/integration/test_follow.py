"""What follows a request: its id in answers and log lines, the numbers that it leaves, and nothing of anybody's."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot import logs
from bot.meters import FOLDER
from cases.numbers import number_of
from tests.integration.phone import MANHOLE
from tests.services import ROOT
from web import create_app, house_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from flask import Flask

    from settings import Settings
    from tests.integration.people import Resident, Staff

TOKEN = "a-token-for-prometheus"
PHONE = "13812345678"


class Lines:
    """What was logged."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    def all(self) -> list[dict[str, Any]]:
        """Return every line, read as JSON."""
        return [json.loads(line) for line in self.stream.getvalue().split("\n") if line]


@pytest.fixture
def lines(app: Flask) -> Iterator[Lines]:
    """Collect what is logged, everything that there is, as the service writes it."""
    assert app
    found, root = Lines(), logging.getLogger()
    handler = logging.StreamHandler(found.stream)
    handler.setFormatter(logs.JsonLines())
    level = root.level
    root.addHandler(handler)
    root.setLevel("DEBUG")
    yield found
    root.removeHandler(handler)
    root.setLevel(level)


def samples(text: str) -> dict[tuple[str, tuple[str, ...]], float]:
    """Return every number of an answer by its name and labels' values."""
    return {
        (each.name, tuple(each.labels.values())): each.value
        for family in text_string_to_metric_families(text)
        for each in family.samples
    }


def test_every_answer_has_a_request_id(app: Flask) -> None:
    """A sane id that a proxy gives is kept, anything else is replaced by one of ours; each request has another."""
    client = app.test_client()
    assert (
        client.get("/healthz", headers={"X-Request-ID": "abcd-1234_efgh"}).headers["X-Request-ID"] == "abcd-1234_efgh"
    )
    ours = {client.get("/healthz").headers["X-Request-ID"] for _ in range(3)}
    assert len(ours) == 3
    for wrong in ("short", "x" * 65, "with space 123", '{"a":"bcdefgh"}'):
        given = client.get("/healthz", headers={"X-Request-ID": wrong}).headers["X-Request-ID"]
        assert given != wrong
        assert len(given) == 16


def test_lines_carry_the_ids(app: Flask, resident: Resident, staff: Callable[[str], Staff], lines: Lines) -> None:
    """What is logged in a request has its id, and the case's where the address names one; afterwards it has none."""

    @app.after_request
    def note(response: Any) -> Any:
        logging.getLogger("a.view").info("seen")
        return response

    resident.say(MANHOLE)
    urban, number = staff("urban"), number_of(resident.case().id)
    urban.client.get(f"/console/cases/{number}", headers={"X-Request-ID": "from-the-proxy"})
    logging.getLogger("a.view").info("afterwards")
    within, after = [line for line in lines.all() if line["logger"] == "a.view"][-2:]
    assert (within["request"], within["case"]) == ("from-the-proxy", resident.case().id)
    assert not {"request", "case"} & set(after)


def test_who_tries_doors_is_on_record(app: Flask, staff: Callable[[str], Staff], lines: Lines) -> None:
    """What somebody may not have is a line with who tried, what, and how it was refused; who may leaves none."""
    cuihu = staff("cuihu01")
    with house_of(app).store.read() as book:
        account = book.staff_by_login("cuihu01")
    assert account
    cuihu.client.get("/console/audit")
    cuihu.client.get("/console/home")
    app.test_client().get("/api/v1/cases")
    refused = [line for line in lines.all() if line["logger"] == "web.follow"]
    assert [line["message"] for line in refused] == ["refused with 403: console.audit", "refused with 401: api.cases"]
    assert refused[0]["staff"] == account.id
    assert "staff" not in refused[1]


def test_a_job_carries_its_row(lines: Lines) -> None:
    """What is logged in a job has its kind and row."""
    with logs.about(kind="outbox", row=7):
        logging.getLogger("a.job").warning("slow")
    [line] = [line for line in lines.all() if line["logger"] == "a.job"]
    assert (line["kind"], line["row"]) == ("outbox", 7)


@pytest.mark.parametrize(
    "ending",
    ["\n", "\r\n", "\u2028", "\x85", "\x00", "\udc80", '"}\n{"level":"ERROR'],
    ids=["newline", "crlf", "separator", "next", "null", "surrogate", "json"],
)
def test_nobody_writes_lines_of_their_own(ending: str) -> None:
    """Whatever is in a message, it is one line of JSON: for every reader's idea of a line."""
    # Not through a logger: what pytest catches of it could not be sent from one of its processes to another.
    record = logging.LogRecord("a.view", logging.WARNING, "view.py", 1, "before%safter", (ending,), None)
    said = logs.JsonLines().format(record)
    assert len(said.splitlines()) == 1
    assert json.loads(said)["level"] == "WARNING"


def test_nothing_of_a_resident_is_logged(resident: Resident, staff: Callable[[str], Staff], lines: Lines) -> None:
    """Neither words nor phone nor openid of a resident come into the logs at any level, nor into the numbers."""
    resident.say(f"{MANHOLE}，我的电话{PHONE}")
    staff("urban").act(resident.case(), "reply", text="马上派人去看井盖")
    numbers = resident.client.get("/metrics").text
    for said in (lines.stream.getvalue(), numbers):
        for secret in ("井盖", PHONE, resident.openid):
            assert secret not in said


def test_what_is_counted(app: Flask, resident: Resident) -> None:
    """Deliveries are counted by how they ended with how long they took; so are refused log-ins."""
    client = app.test_client()

    def numbers() -> dict[tuple[str, tuple[str, ...]], float]:
        return samples(client.get("/metrics").text)

    before = numbers()
    resident.say(MANHOLE)
    client.post("/wechat", query_string={"signature": "x", "timestamp": "1", "nonce": "2"}, data=b"<xml/>")
    page = client.get("/console/login").text
    token = page.split('name="csrf_token" value="')[1].split('"')[0]
    client.post("/console/login", data={"login": "nobody", "password": "wrong", "csrf_token": token})
    after = numbers()

    def grew(name: str, *labels: str) -> float:
        return after.get((name, labels), 0) - before.get((name, labels), 0)

    assert grew("wanggetong_webhook_seconds_count", "answered") == 1
    assert grew("wanggetong_webhook_seconds_count", "refused") == 1
    assert grew("wanggetong_logins_refused_total") == 1
    assert ("wanggetong_oldest_waiting_seconds", ("outbox",)) in after


def test_metrics_are_for_whoever_has_the_token(settings: Settings, app: Flask) -> None:
    """With METRICS_TOKEN only its bearer reads the numbers; without, production shows them to nobody."""
    assert app.test_client().get("/metrics").status_code == 200
    closed = create_app(replace(settings, metrics_token=TOKEN)).test_client()
    assert closed.get("/metrics").status_code == 401
    assert closed.get("/metrics", headers={"Authorization": "Bearer other"}).status_code == 401
    assert closed.get("/metrics", headers={"Authorization": "Bearer ü"}).status_code == 401
    assert closed.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
    production = create_app(replace(settings, profile="production", secret_key="k" * 40))
    assert production.test_client().get("/metrics").status_code == 404
    house_of(production).store.engine.dispose()


def test_processes_count_together(tmp_path: Path) -> None:
    """Where processes share a folder, each tells what all of them counted."""
    count = "from bot.meters import meters; meters().failures.labels('outbox').inc()"
    tell = "from prometheus_client import generate_latest; print(generate_latest(meters().all()).decode())"
    environ = {FOLDER: str(tmp_path), "PATH": ""}
    for line in (count, count):
        subprocess.run([sys.executable, "-c", line], cwd=ROOT, env=environ, check=True)
    said = subprocess.run(
        [sys.executable, "-c", f"{count}; {tell}"], cwd=ROOT, env=environ, check=True, capture_output=True
    )
    assert samples(said.stdout.decode())["wanggetong_job_failures_total", ("outbox",)] == 3
