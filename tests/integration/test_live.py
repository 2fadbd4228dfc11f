from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING

import pytest
from redis import Redis

from bot.assembly import utc_now
from cases import accounts, news
from cases.news import Reader
from cases.numbers import number_of
from cases.storage.tables import HistoryRow
from web.pulse import WATCHERS, Presence, Pulse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bot.assembly import House
    from cases.access import Actor
    from tests.integration.people import Resident, Staff

HOLE = "临江路128号门口井盖没了"


def actor(house: House, login: str) -> Actor:
    """Return somebody at work."""
    with house.store.read() as book:
        row = book.staff_by_login(login)
        assert row is not None
        found = accounts.actor_of(book, house.cities.current(book), row.id)
    assert found is not None
    return found


def read(house: House, reader: Reader) -> news.News:
    """Let a reader look once."""
    with house.store.read() as book:
        return reader.read(book, house.cities.current(book))


def test_news_are_for_those_whose_business_they_are(house: House, resident: Resident) -> None:
    """A new case is news for its department, the dispatchers and those above, once; not for another department."""
    reader = Reader()
    assert not read(house, reader)
    resident.say(HOLE)
    found = read(house, reader)
    number = number_of(resident.case().id)
    whose = {"urban": True, "dispatcher": True, "linjiangsq": True, "water": False, "admin": False}
    for login, sees in whose.items():
        assert [each.number for each in found.of(actor(house, login)).changed] == [number] * sees, login
    assert found.came_to(actor(house, "urban")) == [number]
    assert found.came_to(actor(house, "dispatcher")) == []
    assert not found.of(actor(house, "water"))
    assert not read(house, reader)


def test_notices_are_for_whom_they_are(house: House, staff: Callable[[str], Staff], resident: Resident) -> None:
    """A notice reaches the unit that it is for, and nobody else's stream."""
    resident.say(HOLE)
    reader = Reader()
    read(house, reader)
    staff("dispatcher").act(resident.case(), "supervise", text="三天内办结", days="3")
    found = read(house, reader)
    assert [each.kind for each in found.of(actor(house, "urban")).told] == ["supervised"]
    assert [each.kind for each in found.of(actor(house, "leader")).told] == ["supervised"]
    for other in ("admin", "cuihusq", "water"):
        assert found.of(actor(house, other)).told == ()
    assert not found.of(actor(house, "water")).told


def test_rows_that_come_into_sight_late_are_read(house: House, resident: Resident) -> None:
    """A row with a lower id that is committed after a higher one is news as well."""
    resident.say(HOLE)
    case = resident.case()

    def note(row_id: int) -> None:
        row = HistoryRow(id=row_id, case_id=case.id, at=utc_now(), who="system", action="card", text="")
        with house.store.write() as book:
            book.add(row)

    reader = Reader()
    read(house, reader)
    note(1000)
    assert read(house, reader)
    note(950)
    assert read(house, reader)
    assert not read(house, reader)


@pytest.fixture
def pulse(house: House) -> Iterator[Pulse]:
    """Give the pulse of a process, ended afterwards."""
    found = Pulse(house.store, house.cities)
    yield found
    found.serving = lambda: False


def test_all_watchers_hear_of_one_look(pulse: Pulse, resident: Resident) -> None:
    """Two who watch hear of a new case within moments; when the process is told to stop they are let go at once."""
    heard: list[int] = []

    def watch() -> None:
        with pulse.watch() as beat:
            assert beat is not None
            ready.release()
            _, found = pulse.wait(beat, 20)
            heard.extend(len(each.changed) for each in found)

    ready = threading.Semaphore(0)
    threads = [threading.Thread(target=watch) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert ready.acquire(timeout=10)
    until = time.monotonic() + 20
    while not heard and time.monotonic() < until:  # the first look only notes where things stand
        resident.say(HOLE)
        for thread in threads:
            thread.join(1)
    assert heard == [1, 1]
    with pulse.watch() as beat:
        assert beat is not None
        pulse.serving = lambda: False
        began = time.monotonic()
        pulse.wait(beat, 20)
        assert time.monotonic() - began < 10
        assert not pulse.going


def test_what_came_between_two_streams_is_told(pulse: Pulse, resident: Resident) -> None:
    """A watcher who comes back with the mark of where it stopped hears what came meanwhile."""
    with pulse.watch() as beat:
        assert beat is not None
        while pulse.wait(beat, 2)[0] == beat:  # the first look only notes where things stand
            resident.say(HOLE)
        mark = pulse.mark_of(beat)
    with pulse.watch(mark) as since:
        assert since == beat
    with pulse.watch("other-process-1") as since:
        assert since is not None
        assert since > beat


def test_too_many_watchers_are_told_to_come_again(pulse: Pulse) -> None:
    """Whoever comes when all places are taken is not kept waiting; a place that is left is free again."""
    places = [pulse.watch() for _ in range(WATCHERS)]
    assert None not in [place.__enter__() for place in places]
    with pulse.watch() as beat:
        assert beat is None
    places.pop().__exit__(None, None, None)
    with pulse.watch() as beat:
        assert beat is not None
    for place in places:
        place.__exit__(None, None, None)


def test_the_stream_names_cases_and_nothing_else(staff: Callable[[str], Staff], resident: Resident) -> None:
    """An event has numbers and kinds of notices: no words of residents go out by themselves."""
    urban = staff("urban")
    answer = urban.client.get("/console/live", buffered=False)
    assert answer.mimetype == "text/event-stream"
    lines: Iterator[bytes] = iter(answer.response)  # type: ignore[arg-type]
    assert next(lines) == b"retry: 1000\n\n"
    event = b""
    for _ in range(10):
        resident.say(f"{HOLE}，电话13812345678")
        event = next(lines)
        assert event.startswith(b"id: ")
        if b"event: news" in event:
            break
    answer.close()
    data = json.loads(event.decode().partition("data: ")[2])
    assert data["cases"] == [number_of(resident.case().id)]
    assert [set(each) for each in data["notices"]] == [{"name", "number", "pressing"}] * len(data["notices"])
    assert "井盖" not in event.decode()


def test_two_on_one_case_see_each_other(staff: Callable[[str], Staff], resident: Resident) -> None:
    """Who looks at a case sees who else does, by name; nobody else may ask."""
    resident.say(HOLE)
    address = f"/console/cases/{number_of(resident.case().id)}/people"
    urban, dispatcher = staff("urban"), staff("dispatcher")

    def others(somebody: Staff) -> list[str]:
        found: list[str] = json.loads(somebody.client.get(address).text)["people"]
        return found

    assert others(urban) == []
    [name] = others(dispatcher)
    assert name in urban.client.get("/console/me").text
    assert len(others(urban)) == 1
    assert staff("water").client.get(address).status_code == 404


def test_presence_without_redis() -> None:
    """Without Redis nobody sees anybody, and nothing fails."""
    away = Presence(Redis.from_url("unix:///nowhere/redis.sock"))
    assert away.here(1, 1, "韩雪") == []
