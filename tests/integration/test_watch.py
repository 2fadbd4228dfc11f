"""Watching over the service with real parts: who is told of what, when, and how often."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

import settings as configuration
from bot import sweeping
from bot.errcodes import FAULT_KEY
from bot.watch import Watchman, look, standing
from cases import failures, watch
from cases.storage.signs import HeartbeatRow
from cases.storage.tables import InboxRow, OutboxRow
from cases.worktime import CHINA
from tests.integration.phone import MANHOLE, hurry
from tests.services import ROOT, clean_environment, wait_until
from web import create_app, house_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from flask import Flask

    from bot.assembly import House
    from settings import Settings
    from tests.integration.people import Resident, Staff
    from tests.integration.phone import Phone
    from tests.services import Redis

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
# A real part of the worker, with shorter intervals: what follows within 90 seconds, follows within one.
QUICK = """
from datetime import timedelta
import worker
from cases import failures, watch
watch.BEAT_SECONDS, watch.LATE = 0.2, timedelta(seconds=1)
worker.SWEEP_SECONDS, worker.QUEUE_SECONDS = 0.2, 16
"""


class Group(BaseHTTPRequestHandler):
    """Stands in for the robot of a WeCom group: keeps what it was told, and answers as told."""

    said: list[str]
    answer: dict[str, Any]

    def do_POST(self) -> None:
        """Take a message."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert body["msgtype"] == "text"
        if not self.answer["errcode"]:
            self.said.append(body["text"]["content"])
        content = json.dumps(self.answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def group() -> Iterator[type[Group]]:
    """Give the group that alarms go to; `address` is the webhook."""

    class Ours(Group):
        said: list[str] = []  # noqa: RUF012 - one for each test
        answer: dict[str, Any] = {"errcode": 0}  # noqa: RUF012 - as above

    server = ThreadingHTTPServer(("127.0.0.1", 0), Ours)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    Ours.address = f"http://127.0.0.1:{server.server_port}/send?key=secret"  # type: ignore[attr-defined]
    yield Ours
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def settings(settings: Settings, group: type[Group]) -> Settings:
    """Give settings with the webhook."""
    return replace(settings, alarm_webhook=group.address, alarm_silence="on")  # type: ignore[attr-defined]


class Clock:
    """A clock that goes when told to."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)  # noon in China

    def __call__(self) -> datetime:
        """Return what it shows."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Give a clock that goes when told to."""
    return Clock()


def watched(house: House, clock: Clock, minutes: float) -> None:
    """Let the sweeper look every fifteen seconds for so long."""
    sweeper = Watchman(house, "sweeper", clock)
    for _ in range(round(minutes * 4)):
        sweeper.beat()
        clock.now += 15 * SECOND


def keys(house: House, now: datetime) -> list[str]:
    """Return the alarms of a moment, without those about the machine that the tests run on."""
    mine = {"disk_low", "disk_full", "calendar"}
    return [each.key for each in watch.alarms(look(house, now)) if each.key not in mine]


def about(group: type[Group], words: str) -> list[str]:
    """Return what the group was told with these words in it."""
    return [said for said in group.said if words in said]


def test_a_process_that_stops_giving_signs_is_told_within_ninety_seconds(
    house: House, clock: Clock, group: type[Group]
) -> None:
    """From the last sign of a worker to the message are at most ninety seconds; told once, hourly, and at the end."""
    outbox = Watchman(house, "outbox", clock)
    outbox.beat()
    begun = clock.now
    while not about(group, "发消息的进程"):
        watched(house, clock, 0.25)
        assert clock.now - 15 * SECOND - begun <= 90 * SECOND  # the clock has gone on after the look
    watched(house, clock, 58)
    assert len(about(group, "发消息的进程")) == 1
    watched(house, clock, 3)
    assert len(about(group, "告警】发消息的进程")) == 2
    outbox.beat()
    watched(house, clock, 1)
    [over] = about(group, "已恢复】发消息的进程")
    assert "1小时" in over


def test_two_sweepers_tell_once(house: House, clock: Clock, group: type[Group]) -> None:
    """Two machines that look at the same moment send one message between them."""
    with house.store.write() as book:
        book.set_meta(FAULT_KEY, "密钥不对")
    both = [threading.Thread(target=Watchman(house, "sweeper", clock).watch, args=(clock.now,)) for _ in range(4)]
    for each in both:
        each.start()
    for each in both:
        each.join()
    assert len(about(group, "密钥不对")) == 1


def test_what_could_not_be_sent_is_sent_later(house: House, clock: Clock, group: type[Group]) -> None:
    """A group that refuses is told at the next look, of the beginning and of the end."""
    with house.store.write() as book:
        book.set_meta(FAULT_KEY, "密钥不对")
    group.answer = {"errcode": 93000}
    watched(house, clock, 0.5)
    assert not group.said
    group.answer = {"errcode": 0}
    watched(house, clock, 0.5)
    assert len(about(group, "密钥不对")) == 1
    with house.store.write() as book:
        book.set_meta(FAULT_KEY, "")
    group.answer = {"errcode": 93000}
    watched(house, clock, 0.5)
    group.answer = {"errcode": 0}
    watched(house, clock, 0.5)
    assert len(about(group, "已恢复】公众号接口出错")) == 1


def test_when_the_sweeper_is_late_another_looks(house: House, clock: Clock, group: type[Group]) -> None:
    """A frozen sweeper is told of by whoever still gives signs."""
    Watchman(house, "sweeper", clock).beat()
    media = Watchman(house, "media", clock)
    for _ in range(5):
        media.beat()
        clock.now += 15 * SECOND
    assert about(group, "清扫进程")


def test_what_the_case_book_tells(house: House, resident: Resident, clock: Clock) -> None:
    """A message that is due for over a minute, one that our own error stops, and silence by day are alarms."""
    resident.say(MANHOLE)
    now = datetime.now(UTC)
    assert keys(house, now) == []
    with house.store.write() as book:
        row = OutboxRow(resident_id=1, case_id=1, text="x", created_at=now, next_try_at=now - 61 * SECOND)
        book.add(row)
    assert keys(house, now) == ["outbox"]
    with house.store.write() as book:
        late = book.get(OutboxRow, row.id)
        assert late is not None
        for _ in range(failures.TRIES):
            failures.note(book, "outbox", str(row.id), LookupError(), now)
    assert keys(house, now) == ["poisoned"]
    with house.store.write() as book:
        failures.settle(book, "outbox", str(row.id))
        book.drop(book.get(OutboxRow, row.id) or row)
        _quarter_hours(book.add, clock.now)
        last = book.get(InboxRow, 1)
        assert last is not None
        last.received_at = clock.now - timedelta(days=8)
    assert keys(house, clock.now + 44 * MINUTE) == []
    assert keys(house, clock.now + 46 * MINUTE) == ["silence"]


def _quarter_hours(add: Callable[[InboxRow], object], until: datetime) -> None:
    """Let a message have come every quarter of an hour by day for a week."""
    at = until - timedelta(days=7)
    while at <= until:
        if 8 <= at.astimezone(CHINA).hour < 20:
            add(InboxRow(account="a", key=at.isoformat(), resident_id=1, kind="text", fields={}, received_at=at))
        at += 15 * MINUTE


def test_parts_of_the_machine(house: House, redis_server: Redis, clock: Clock, tmp_path: Path) -> None:
    """Redis away and a media folder that cannot be written are alarms while they last."""
    redis_server.stop()
    (tmp_path / "media").write_text("in the way")
    assert keys(house, clock.now) == ["media", "redis"]
    redis_server.start()
    (tmp_path / "media").unlink()
    assert keys(house, clock.now) == []


def test_where_alarms_are_seen(app: Flask, house: House, staff: Callable[[str], Staff]) -> None:
    """An alarm is in `/readyz` with what to do, in `/metrics`, on the administrator's home and pages, on no other's."""
    now = datetime.now(UTC)
    with house.store.write() as book:
        book.add(HeartbeatRow(process="media@host-7", at=now - 5 * MINUTE, late_at=now - 4 * MINUTE))
    Watchman(house, "sweeper", lambda: now).beat()
    with house.store.read() as book:
        assert "worker" in [each.key for each in standing(book, now)]
    client = app.test_client()
    ready = client.get("/readyz").get_json()
    assert ready["status"] == "degraded"
    [found] = [each for each in ready["alarms"] if each["key"] == "worker"]
    assert "host-7" in found["words"]
    assert "systemctl" in found["todo"]
    assert (ROOT / found["page"]).exists()
    metrics = client.get("/metrics").text
    assert 'wanggetong_alarm{alarm="worker"} 1.0' in metrics
    assert 'wanggetong_alarm{alarm="outbox"} 0.0' in metrics
    assert 'data-part="alarm-worker" data-state="bad"' in staff("admin").client.get("/console/home").text
    assert "取照片的进程（host-7）没有动静" in staff("admin").client.get("/console/me").text
    assert "没有动静" not in staff("dispatcher").client.get("/console/me").text


def test_without_a_database_the_alarm_is_still_seen(settings: Settings) -> None:
    """With the database away `/metrics` and `/readyz` answer, and say so."""
    away = replace(settings, database_url="postgresql+psycopg://nobody@127.0.0.1:1/none")
    app = create_app(away)
    client = app.test_client()
    assert 'wanggetong_alarm{alarm="database"} 1.0' in client.get("/metrics").text
    ready = client.get("/readyz")
    assert ready.status_code == 503
    assert ready.get_json()["alarms"][0]["key"] == "database"
    house_of(app).store.engine.dispose()


def test_a_database_that_is_away_is_told(settings: Settings, clock: Clock, group: type[Group]) -> None:
    """The sweeper tells of a database that has been away for half a minute, and not at every look."""
    away = replace(settings, database_url="postgresql+psycopg://nobody@127.0.0.1:1/none")
    house = house_of(create_app(away))
    watched(house, clock, 5)
    assert len(about(group, "数据库用不了")) == 1
    house.store.engine.dispose()


@contextmanager
def part(settings: Settings, act: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a part of the worker with short intervals in a process of its own."""
    values = {
        "DATABASE_URL": settings.database_url.replace("+psycopg", ""),
        "REDIS_URL": settings.redis_url,
        "DATA_DIR": str(settings.data_dir),
        "PORT": str(settings.port),
        "LOG_LEVEL": "ERROR",
        "ALARM_WEBHOOK": settings.alarm_webhook,
    }
    assert set(values) <= set(configuration.NAMES)
    process = subprocess.Popen([sys.executable, "-c", QUICK + act], cwd=ROOT, env=clean_environment(values))
    try:
        yield process
    finally:
        os.kill(process.pid, signal.SIGCONT)
        process.terminate()
        process.wait(60)


@pytest.mark.usefixtures("app")
def test_a_frozen_worker_is_told(house: House, settings: Settings, group: type[Group]) -> None:
    """A worker's process that is frozen is told of by the sweeper, and the sweeper by the worker; both recover."""

    def kinds() -> set[str]:
        with house.store.read() as book:
            return {watch.kind_of(row.process) for row in book.beats()}

    with part(settings, "worker.run_queue('outbox')") as queue, part(settings, "worker.run_sweeper()") as sweeper:
        wait_until(lambda: kinds() == {"outbox", "sweeper"}, 120, "signs of life")
        for process, words in ((queue, "发消息的进程"), (sweeper, "清扫进程")):
            with house.store.write():  # not in the middle of a transaction: SQLite would be locked for everybody
                os.kill(process.pid, signal.SIGSTOP)
            wait_until(lambda said=words: about(group, f"告警】{said}"), 120, words)  # type: ignore[misc]
            os.kill(process.pid, signal.SIGCONT)
            wait_until(lambda said=words: about(group, f"已恢复】{said}"), 120, words)  # type: ignore[misc]


def test_two_sweepers_send_once(house: House, phone: Phone, reply: Callable[[str], OutboxRow]) -> None:
    """Workers of two machines that sweep at the same moment send each message once, in its order."""
    words = [f"第{number}句" for number in range(3)]
    rows = [reply(each) for each in words]
    barrier = threading.Barrier(4)

    def sweeps() -> None:
        barrier.wait()
        sweeping.sweep(house)

    threads = [threading.Thread(target=sweeps) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    hurry(house)
    sent = [text for text in phone.texts() if any(each in text for each in words)]
    assert sent == [row.text for row in rows]
