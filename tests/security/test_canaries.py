"""A thousand people who never lived are planted, and looked for wherever nobody may find them.

They write to the real webhook, staff handle their matters, jobs fail, a classifier is trained. `FULL=1` plants all of
them; otherwise as many as a minute allows.
"""

from __future__ import annotations

import base64
import io
import logging
import os
import zipfile
import zlib
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest
from openpyxl import load_workbook
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer
from stdnum.cn import ric

import worker
from bot import logs, sweeping
from bot.assembly import utc_now
from cases import labels, learning
from cases.storage.learning import TrainingRow
from cases.storage.trail import Sought
from tests.integration.people import Resident, Staff
from tests.integration.test_commands import run
from tests.security.canaries import Canary, canaries
from web import house_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from flask import Flask
    from redis import Redis

    from bot.assembly import House
    from cases.storage.tables import CaseRow
    from settings import Settings

SEED = 20261126
# Five things tell who each of them is.
FULL = bool(os.environ.get("FULL"))
PEOPLE = 200 if FULL else 12
STAFF = ("dispatcher", "urban", "cuihu01", "admin")
# In what leaves the house for a desk, names and plates stand where they are the matter; everything else is masked.
NUMBERS = ("openid", "phone", "paper")


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Let everything be logged that anybody may switch on."""
    return replace(settings, log_level="DEBUG")


@pytest.fixture(autouse=True)
def _small_starter(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the short version, train beside a part of the starter corpus only."""
    if not FULL:
        some = learning.starter_sets()[learning.MATTERS][::8]
        monkeypatch.setattr(learning, "starter_sets", lambda: {learning.MATTERS: some})


@dataclass
class Found:
    """What is looked through, by where it was."""

    places: dict[str, str] = field(default_factory=dict)

    def add(self, place: str, content: str | bytes) -> None:
        """Look through this as well; numbers also as they are read without spaces."""
        text = content if isinstance(content, str) else content.decode("utf-8", errors="replace")
        self.places[place] = self.places.get(place, "") + text

    def leaks(self, people: list[Canary]) -> list[str]:
        """Return where something of somebody was found, by place and kind."""
        return sorted(
            {
                f"{place}: {kind}"
                for person in people
                for kind, secret in person.secrets.items()
                for place, text in self.places.items()
                if secret in text and (not place.startswith("export") or kind in NUMBERS)
            }
        )


@pytest.fixture
def log(app: Flask) -> Iterator[io.StringIO]:
    """Give everything that web and worker log at DEBUG, as it is written."""
    assert app
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.JsonLines())
    logging.getLogger().addHandler(handler)
    yield stream
    logging.getLogger().removeHandler(handler)
    logging.getLogger().setLevel(logging.WARNING)


@pytest.fixture
def people(app: Flask, serving: str, monkeypatch: pytest.MonkeyPatch, log: io.StringIO) -> list[Canary]:
    """Give the people, after all of them have told their matters; the worker's jobs are of this house."""
    assert serving
    assert log
    monkeypatch.setattr(worker, "house", lambda: house_of(app))
    found = canaries(PEOPLE, SEED)
    for person in found:
        Resident(app, person.openid).say(person.words)
    return found


def test_they_are_what_they_are() -> None:
    """The planted numbers are as real ones are, and no two people share anything."""
    found = canaries(200, SEED)
    secrets = [secret for person in found for secret in person.secrets.values()]
    assert len(set(secrets)) == len(secrets) == 1000
    assert all(ric.is_valid(person.paper) for person in found)
    assert all(labels.masked(person.phone) == "〔电话〕" for person in found)
    assert all(labels.masked(person.plate) == "〔车牌〕" for person in found)
    assert found == canaries(200, SEED)


def test_nobody_is_found(
    app: Flask,
    house: House,
    staff: Callable[[str], Staff],
    people: list[Canary],
    log: io.StringIO,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """Nothing of anybody stands in logs, Redis, models, numbered exports, metrics, readiness or the audit trail."""
    cases = {person.openid: Resident(app, person.openid).cases()[0] for person in people}
    at_work = {login: staff(login) for login in STAFF}
    handle(at_work, people, cases)
    fail(house, monkeypatch, [person.words for person in people])
    work(house)
    train(house, cases)
    found = Found()
    for place, content in [*exports(app, at_work, tmp_path), *pages(app), *models(house)]:
        found.add(place, content)
    found.add("redis", dump(house.redis))
    with house.store.read() as book:
        found.add("audit", repr(list(book.trail(Sought()))))
    found.add("log", log.getvalue())
    assert {"log", "redis", "audit", "/metrics", "/readyz", "export urban", "export csv"} <= set(found.places)
    assert all(len(content) > 20 for content in found.places.values()), {k: len(v) for k, v in found.places.items()}
    assert "ERROR" in found.places["log"]
    assert people[0].matter[:6] in found.places["export jsonl"]
    assert found.leaks(people) == []


def test_what_is_there_is_found(app: Flask, house: House, people: list[Canary]) -> None:
    """The search itself finds whatever stands somewhere: in the texts of cases, where staff read it."""
    assert app
    found = Found()
    with house.store.read() as book:
        found.add("cases", repr([case.text for case in book.every_case()]))
    assert found.leaks(people) == ["cases: name", "cases: paper", "cases: phone", "cases: plate"]


def handle(at_work: dict[str, Staff], people: list[Canary], cases: dict[str, CaseRow]) -> None:
    """Let staff look at, find and handle what was told, and look at phones."""
    dispatcher, officer = at_work["dispatcher"], at_work["urban"]
    for at, person in enumerate(people):
        case = cases[person.openid]
        for one in at_work.values():
            one.open(case)
        dispatcher.act(case, "contact", why="核实情况")
        officer.act(case, ("accept", "reply", "note", "return")[at % 4], text=f"已联系{person.name}", reason="other")
        dispatcher.client.get("/console/", query_string={"q": person.phone[-4:]})
        dispatcher.client.get("/console/find", query_string={"q": person.name})
        at_work["urban"].act(case, "reply", text=f"{person.name}您好，{person.plate}的事在办")


def fail(house: House, monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    """Let every third message end in an exception that tells everything, at different depths."""
    send, letter = house.wechat.send_text, house.courier._ways.letter  # noqa: SLF001 - where it may go wrong
    calls = iter(range(10**6))

    def sends(openid: str, text: str) -> None:
        if next(calls) % 3 == 0:
            raise ValueError(f"cannot send {text} to {openid}: {words}")
        send(openid, text)

    def writes(*given: Any, **named: Any) -> Any:
        if next(calls) % 3 == 0:
            raise ValueError(f"cannot write {given} {words}")
        return letter(*given, **named)

    monkeypatch.setattr(house.wechat, "send_text", sends)
    monkeypatch.setattr(house.courier._ways, "letter", writes)  # noqa: SLF001


def work(house: House) -> None:
    """Let the worker do its jobs, and the sweeper what they left."""
    for name in ("outbox", "media"):
        queue = Queue(name, connection=house.redis, serializer=JSONSerializer)
        SimpleWorker([queue], connection=house.redis, serializer=JSONSerializer).work(burst=True, logging_level="DEBUG")
    with house.store.write() as book:
        book.wake_failed(utc_now())
    sweeping.sweep(house)
    sweeping.index(house)


def train(house: House, cases: dict[str, CaseRow]) -> None:
    """Let a classifier be trained from what these people told."""
    with house.store.write() as book:
        city = house.cities.current(book)
        dispatcher = book.staff_by_login("dispatcher")
        assert dispatcher is not None
        for case in cases.values():
            row = book.lock_case(case.id)
            assert row is not None
            row.category_code = row.category_code or next(iter(city.categories))
            labels.record(book, row, dispatcher.id, utc_now())
        book.add(TrainingRow(state="waiting", asked_by=dispatcher.id, asked_at=utc_now(), log=[]))
    assert sweeping.train(house) == 1
    with house.store.read() as book:
        assert book.trainings(1)[0].state == "done", book.trainings(1)[0].error


def exports(app: Flask, at_work: dict[str, Staff], folder: Path) -> Iterator[tuple[str, str | bytes]]:
    """Yield what staff and the administrator take away."""
    for login, key in (("dispatcher", "all"), ("urban", "mine")):
        page = at_work[login].client.get(f"/console/export/{key}.xlsx")
        assert page.status_code == 200
        rows = load_workbook(io.BytesIO(page.data)).worksheets[0].iter_rows(values_only=True)
        yield f"export {login}", repr(list(rows))
    for form in ("jsonl", "csv"):
        assert run(app, "cases", "export", "--format", form, "--out", str(folder / form)).exit_code == 0
        yield f"export {form}", (folder / form).read_bytes()
    yield "export audit", run(app, "audit", "export", "--out", str(folder / "audit.csv")).output
    yield "export audit", (folder / "audit.csv").read_bytes()


def pages(app: Flask) -> Iterator[tuple[str, str]]:
    """Yield what is open to everybody who watches the service."""
    for address in ("/metrics", "/readyz"):
        yield address, app.test_client().get(address).text


def models(house: House) -> Iterator[tuple[str, bytes]]:
    """Yield the files of every version of the classifiers, and what is packed in them."""
    for path in (house.settings.models_dir / learning.MATTERS).rglob("*"):
        if path.is_file():
            yield "models", path.read_bytes()
        if path.suffix == ".npz":
            with zipfile.ZipFile(path) as packed:
                for name in packed.namelist():
                    yield "models", packed.read(name)


def dump(redis: Redis) -> str:
    """Return all keys of Redis with their values."""
    readers: dict[Any, Callable[[Any], Any]] = {
        b"string": redis.get,
        b"hash": redis.hgetall,
        b"list": lambda key: redis.lrange(key, 0, -1),
        b"set": redis.smembers,
        b"zset": lambda key: redis.zrange(key, 0, -1, withscores=True),
        b"stream": redis.xrange,
    }
    found = []
    for key in redis.scan_iter():
        value = readers[redis.type(key)](key)
        found += [_opened(key), _opened(value)]
    return "\n".join(found)


def _opened(value: Any) -> str:
    """Return a value as text; what RQ has packed is unpacked."""
    if isinstance(value, dict):
        return " ".join(_opened(part) for pair in value.items() for part in pair)
    if isinstance(value, list | tuple | set):
        return " ".join(_opened(part) for part in value)
    if isinstance(value, bytes):
        with suppress(zlib.error):
            return _opened(zlib.decompress(value))
        with suppress(ValueError, zlib.error):
            return _opened(zlib.decompress(base64.b64decode(value, validate=True)))
        return str(value.decode("utf-8", errors="replace"))
    return str(value)
