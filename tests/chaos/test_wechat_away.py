"""Promise 6: WeChat's API down for half an hour, in simulated time; every reply arrives once, and there is no storm."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

import settings as configuration
from bot import sweeping, wechat
from bot.assembly import build, utc_now
from bot.delivery import Courier
from bot.errcodes import FAULT_KEY
from bot.ways import Ways
from cases import messages
from cases.messages import Message
from cases.storage.tables import CaseRow, OutboxRow, ResidentRow
from tests.chaos.wechat import TOKEN, Answer, Api
from tests.chaos.world import FULL, names
from tests.integration.people import message_xml, signed
from tests.services import DATA_KEY

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from bot.assembly import House

REPLIES = 300 if FULL else 12
AWAY = timedelta(minutes=30)
STEP = timedelta(seconds=3 if FULL else 10)
# Somebody asks once a minute; a call may need a token, and both are tried twice.
IN_VAIN = 35 * 4
# So long a call that hangs is waited for here; the product waits eight seconds.
HANGS = 0.06
FAULTS = {
    "hangs": lambda _path: Answer({}, hangs=2 * HANGS),
    "5xx": lambda _path: Answer({"errcode": 0}, status=502),
    "busy (-1)": lambda path: None if path.endswith("stable_token") else Answer({"errcode": -1}),
    "token (42001)": lambda path: None if path.endswith("stable_token") else Answer({"errcode": 42001}),
    "no token": lambda path: Answer({"errcode": -1}) if path.endswith("stable_token") else None,
    "quota (45009)": lambda path: None if path.endswith("stable_token") else Answer({"errcode": 45009}),
}


class Time:
    """Time that is moved."""

    def __init__(self) -> None:
        self.now = utc_now()

    def __call__(self) -> datetime:
        """Return the moment."""
        return self.now


@pytest.fixture
def time() -> Time:
    """Give time that is moved."""
    return Time()


@pytest.fixture
def house(
    api: Api,
    time: Time,
    database_of: Callable[[str], str],
    redis_url: str,
    trained_models: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> House:
    """Give the house with its courier and sweeper in that time."""
    environ = {
        "DATA_KEY": DATA_KEY,
        "DATA_DIR": str(tmp_path),
        "DATABASE_URL": database_of("sqlite"),
        "REDIS_URL": redis_url,
    }
    settings = configuration.load(environ | {"WECHAT_API_BASE": api.address, "LOG_LEVEL": "ERROR"})
    assert trained_models
    made = build(settings)
    monkeypatch.setattr(sweeping, "utc_now", time)
    monkeypatch.setattr(wechat, "TIMEOUT", (HANGS, HANGS))
    ways = Ways(settings, made.cities, made.links)
    return replace(made, courier=Courier(made.store, made.wechat, made.media, ways, time))


def owe(house: House, now: datetime) -> list[int]:
    """Let residents report, and owe each of them a reply; return the rows."""
    for at, openid in enumerate(names("Away", REPLIES)):
        xml = message_xml(openid, "text", Content=f"翠湖小区{at % 30 + 1}栋楼下的路灯坏了，晚上看不见")
        message = house.gate.admit(signed(TOKEN), xml.encode())
        assert message is not None
        house.reception.receive(message, now)
    owed = []
    with house.store.write() as book:
        for case in list(book.every_case()):
            row = messages.owe(book, case, Message("reply", f"师傅下午到（{case.id}）"), now)
            assert isinstance(case, CaseRow)
            assert row is not None
            owed.append(row.id)
    return owed


def states(house: House, owed: list[int]) -> set[str]:
    """Return the states of these rows."""
    with house.store.read() as book:
        rows = [book.get(OutboxRow, row_id) for row_id in owed]
    return {row.state for row in rows if row is not None}


@pytest.mark.parametrize("fault", FAULTS)
def test_half_an_hour_without_wechat(
    fault: str, house: House, api: Api, time: Time, figure: Callable[[str, str, str], None]
) -> None:
    """No reply is lost or said twice, no transaction is open over a call, and few calls are made in vain."""
    open_transactions: list[int] = []
    owed = owe(house, time.now)
    with house.store.read() as book:
        assert all(book.get(ResidentRow, row.resident_id) for row in [book.get(OutboxRow, owed[0])] if row)
    api.during = lambda: open_transactions.append(house.store.engine.pool.checkedout())  # type: ignore[attr-defined]
    api.fault = FAULTS[fault]
    gone = time.now + AWAY
    while time.now < gone:
        sweeping.sweep(house)
        time.now += STEP
    in_vain = sum(api.calls.values())
    assert in_vain <= IN_VAIN
    assert states(house, owed) <= {"waiting", "sending"}
    assert api.sent == []
    api.fault = lambda _path: None
    api.calls.clear()
    busiest = 0
    until = time.now + timedelta(hours=1)
    while states(house, owed) != {"sent"} and time.now < until:
        before = sum(api.calls.values())
        sweeping.sweep(house)
        busiest = max(busiest, sum(api.calls.values()) - before)
        time.now += STEP
    waited = (time.now - gone).total_seconds() / 60
    assert waited <= REPLIES / sweeping.BATCH + 2
    assert states(house, owed) == {"sent"}
    assert set(api.texts().values()) == {1}
    assert len(api.sent) == REPLIES
    assert set(open_transactions) == {0}
    assert busiest <= sweeping.BATCH + 2
    assert sum(api.calls.values()) <= REPLIES + 5
    with house.store.read() as book:
        assert not book.meta(FAULT_KEY)
    figure(
        f"6. WeChat away: {fault}",
        f"{REPLIES} replies owed, {AWAY.seconds // 60} simulated minutes, then back",
        f"0 lost, 0 twice; {in_vain} calls in vain; all sent {waited:.0f} min after, "
        f"at most {busiest} calls a sweep; no transaction open over a call",
    )
