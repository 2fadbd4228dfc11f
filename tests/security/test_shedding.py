"""Too much at once is shed politely: nothing that was taken is lost, danger is heard, all else still answers."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
import requests
from sqlalchemy import func, select, text

import settings as configuration
from bot import phrases
from bot.assembly import utc_now
from bot.protocol import Inbound
from bot.reception import SHED
from bot.turnstile import Turnstile
from cases import failures
from cases.limits import BREATH, DATABASE_SECONDS, DELIVERIES, DELIVERIES_AT_ONCE, MESSAGES_A_MINUTE
from cases.storage import Store, build_engine
from cases.storage.engine import DatabaseError
from cases.storage.tables import InboxRow
from tests.integration.people import message_xml, mixed_burst, signed
from tests.services import LOOK_SECONDS, VAULT, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bot.assembly import House
    from tests.integration.people import Resident, Staff

WORDS = "好的"
FIRE = "着火了！翠湖小区3栋2单元，楼道里全是烟，快来人"
THREADS = 12


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """Use SQLite: the limits are the same on both, and a lock on the whole of it is easily held."""
    return f"sqlite:///{tmp_path}/shedding.sqlite3"


def kept(house: House, but: str = "") -> int:
    """Return how many deliveries are kept, without those of one kind."""
    with house.store.engine.connect() as connection:
        query = select(func.count()).select_from(InboxRow).where(InboxRow.kind != but)
        return connection.scalar(query) or 0


def pour(resident: Resident, count: int) -> list[tuple[str, str]]:
    """Send many messages from many threads at once, and return each with its answer."""
    bodies = [message_xml(resident.openid, "text", Content=WORDS) for _ in range(count)]

    def send(body: str) -> str:
        answer = resident.deliver(body)
        return answer.text if answer.status_code == 200 else str(answer.status_code)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(zip(bodies, pool.map(send, bodies), strict=True))


def said(answer: str) -> str:
    """Return what an answer says."""
    return answer.split("<Content>")[1].split("</Content>", maxsplit=1)[0] if "<Content>" in answer else answer


def test_a_burst_is_no_flood(house: House, resident: Resident) -> None:
    """Twenty mixed messages within seconds, thrice over, are all taken."""
    for number in range(MESSAGES_A_MINUTE // 20):
        for body in mixed_burst(resident.openid, number):
            assert resident.deliver(body).status_code == 200
    assert kept(house, but=SHED) == MESSAGES_A_MINUTE == kept(house)


def test_who_pours_is_told_once_and_loses_nothing(house: House, resident: Resident, neighbour: Resident) -> None:
    """Beyond the limit one warm sentence comes and then silence; what was taken keeps its reply; others are taken."""
    answers = pour(resident, MESSAGES_A_MINUTE * 2)
    taken = kept(house, but=SHED)
    assert MESSAGES_A_MINUTE <= taken <= MESSAGES_A_MINUTE + THREADS
    told = [body for body, answer in answers if "您发得太快" in answer]
    assert len(told) == 1
    with house.store.read() as book:
        stored = {row.key.rpartition("|")[2]: row for row in book.messages_of(book.resident(resident.openid)[0].id)}
    assert len(stored) == taken + 1
    assert [row.fields for row in stored.values() if row.kind == SHED] == [{}]
    for body, answer in answers:
        again = resident.deliver(body).text
        assert said(again) == said(answer), body
    assert kept(house) == taken + 1
    assert "收到" in neighbour.say("翠湖小区3栋楼下井盖坏了，老人差点摔倒")


def test_danger_is_never_shed(resident: Resident) -> None:
    """However much somebody poured before, danger to life opens an urgent case, and the reply says whom to call."""
    pour(resident, MESSAGES_A_MINUTE + 2 * THREADS)
    assert "119" in resident.say(FIRE)
    assert resident.case().urgent
    assert resident.say(WORDS) == ""


def test_after_a_minute_all_is_as_before(house: House, resident: Resident) -> None:
    """A minute later messages are taken again, without the words that were left aside."""
    now = utc_now()

    def say(number: int, later: int) -> str:
        message = Inbound("gh_1", resident.openid, "text", 0, str(number), {"Content": "路灯坏了"})
        return house.reception.receive(message, now + BREATH * later)

    for number in range(MESSAGES_A_MINUTE):
        say(number, 0)
    assert [say(100, 0), say(101, 0), say(100, 0)] == [phrases.BREATH, "", phrases.BREATH]
    assert say(102, 2) not in {phrases.BREATH, ""}
    assert kept(house, but=SHED) == MESSAGES_A_MINUTE + 1
    say(101, 2)  # what had been left aside in silence, sent again: now it is taken
    assert kept(house, but=SHED) == MESSAGES_A_MINUTE + 2


def test_events_are_never_shed(house: House, resident: Resident) -> None:
    """That somebody leaves, or what became of a notice, is kept however much was poured before."""
    pour(resident, MESSAGES_A_MINUTE + 5)
    resident.send("event", Event="unsubscribe", EventKey="")
    with house.store.read() as book:
        assert not book.resident(resident.openid)[0].following


# -- in total -------------------------------------------------------------------------------------------------------


def test_the_turnstile() -> None:
    """So many work, so many wait for a moment, the rest is turned away at once; whoever leaves makes room."""
    turnstile, leave, inside = Turnstile(2, 4, 30.0), threading.Event(), threading.Semaphore(0)
    found: list[bool] = []

    def go() -> None:
        with turnstile.through() as let_in:
            found.append(let_in)
            inside.release()
            leave.wait(LOOK_SECONDS)

    threads = [threading.Thread(target=go) for _ in range(4)]
    for thread in threads:
        thread.start()
    assert all(inside.acquire(timeout=LOOK_SECONDS) for _ in range(2))
    wait_until(lambda: not turnstile._inside._value, what="all are inside")  # noqa: SLF001 - the semaphore's own count
    with turnstile.through() as let_in:
        assert not let_in
    leave.set()
    for thread in threads:
        thread.join(LOOK_SECONDS)
    assert found == [True] * 4
    with Turnstile(0, 1, 0.01).through() as let_in:
        assert not let_in


def test_a_database_that_is_held_holds_nobody_else(
    house: House, serving: str, resident: Resident, staff: Callable[[str], Staff]
) -> None:
    """While the database is held, deliveries are told to come again, within WeChat's patience; console and health work.

    Afterwards each delivery that was turned away is taken when it comes again: none is lost, none is twice.
    """
    urban = staff("urban")
    token = house.settings.wechat_token
    openids = [f"oCrowd{at:022d}" for at in range(DELIVERIES + 16)]
    bodies = [message_xml(openid, "text", Content="路灯坏了") for openid in openids]
    took: list[float] = []

    def deliver(body: str) -> int:
        begun = time.monotonic()
        answer = requests.post(f"{serving}/wechat", params=signed(token), data=body.encode(), timeout=LOOK_SECONDS)
        took.append(time.monotonic() - begun)
        return answer.status_code

    before = kept(house)
    with house.store.engine.connect() as holder, ThreadPoolExecutor(len(bodies)) as pool:
        holder.execute(text("SELECT 1"))  # BEGIN IMMEDIATE: the one writer
        answers = [pool.submit(deliver, body) for body in bodies]
        assert requests.get(f"{serving}/healthz", timeout=DATABASE_SECONDS).text == "ok"
        assert "登录" in requests.get(f"{serving}/console/login", timeout=LOOK_SECONDS).text
        assert urban.client.get("/console/", follow_redirects=True).status_code == 200
        assert {each.result() for each in answers} == {503}
        holder.rollback()
    assert max(took) < 4 * DATABASE_SECONDS
    assert kept(house) == before
    pending = bodies
    while pending:
        with ThreadPoolExecutor(DELIVERIES_AT_ONCE) as pool:
            results = list(pool.map(deliver, pending))
        assert set(results) <= {200, 503}
        pending = [body for body, status in zip(pending, results, strict=True) if status == 503]
    assert kept(house) == before + len(bodies)
    assert resident.openid not in openids


def test_nobody_waits_longer_than_told_on_either_database(
    database_of: Callable[[str], str], kind_of_database: str
) -> None:
    """A transaction with patience that finds its place taken gives up, as if the database were away, and not later."""
    address = configuration.load({"DATABASE_URL": database_of(kind_of_database)}).database_url
    store, other = (Store(build_engine(address, VAULT)) for _ in range(2))
    with store.write() as book:
        book.lock_resident("gh_1", "oSlow")
        begun = time.monotonic()
        for waiting in (store, other):
            with pytest.raises(DatabaseError) as refusal, waiting.write(0.2) as second:
                second.lock_resident("gh_1", "oSlow")
            assert not failures.is_ours(refusal.value)
        assert time.monotonic() - begun < LOOK_SECONDS
    for waiting in (store, other):
        with waiting.write(0.2) as book:
            assert book.lock_resident("gh_1", "oSlow") is None
        waiting.engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def kind_of_database(request: pytest.FixtureRequest) -> str:
    """Name a kind of database."""
    kind: str = request.param
    return kind
