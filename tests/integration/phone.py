"""王阿姨's phone in the sandbox, and what is owed to her."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import requests

from bot import outage, sweeping
from bot.assembly import utc_now
from bot.sandbox.residents import RESIDENTS
from cases.storage.tables import OutboxRow
from web import house_of

if TYPE_CHECKING:
    from bot.assembly import House
    from tests.integration.people import Resident

MANHOLE = "翠湖小区3栋楼下井盖坏了，老人差点摔倒"
CLUTTER = "翠湖小区5栋楼道里堆满了纸箱，走路都难"
WANG = RESIDENTS[0].openid
_acts = itertools.count()


class Phone:
    """王阿姨's phone in the sandbox."""

    def __init__(self, address: str) -> None:
        self._address = address

    def send(self, kind: str, **wish: Any) -> None:
        """Send something through the sandbox, over HTTP, to the real callback."""
        body = {"kind": kind, "client_id": f"act-{next(_acts)}", **wish}
        requests.post(f"{self._address}/sandbox/chats/{WANG}/send", json=body, timeout=20).raise_for_status()

    def notices(self) -> list[dict[str, Any]]:
        """Return the notices that this phone shows: title, items, url."""
        answer = requests.get(f"{self._address}/sandbox/chats/{WANG}/messages", params={"after": 0}, timeout=5).json()
        return [each["body"] for each in answer["messages"] if each["kind"] == "notice"]

    def texts(self) -> list[str]:
        """Return everything that this phone shows of the account."""
        answer = requests.get(f"{self._address}/sandbox/chats/{WANG}/messages", params={"after": 0}, timeout=5).json()
        return [str(each["body"].get("text", each["kind"])) for each in answer["messages"] if each["side"] != "mine"]

    def fault(self, **what: Any) -> None:
        """Make WeChat's stand-in fail."""
        requests.post(f"{self._address}/sandbox/faults", json=what, timeout=5).raise_for_status()

    def age(self, hours: float) -> None:
        """Let the resident's last message be this old."""
        body = {"openid": WANG, "last_interaction_hours_ago": hours}
        requests.post(f"{self._address}/sandbox/clock", json=body, timeout=5).raise_for_status()


def fates(wang: Resident) -> list[OutboxRow]:
    """Return the messages owed to her."""
    with house_of(wang.app).store.read() as book:
        return list(book.owed(wang.case().id))


def hurry(house: House) -> None:
    """Let the messages that wait for their next try be due now, and sweep."""
    with house.store.write() as book:
        outage.end(book)
        for row_id in book.waiting(OutboxRow, utc_now() + timedelta(days=1), 100):
            row = book.lock_row(OutboxRow, row_id)
            assert row is not None
            row.next_try_at = utc_now() - timedelta(seconds=1)
    sweeping.sweep(house)


def due(house: House, row_id: int, created_at: datetime | None = None) -> None:
    """Let a message be due now."""
    with house.store.write() as book:
        outage.end(book)
        row = book.lock_row(OutboxRow, row_id)
        assert row is not None
        row.next_try_at, row.created_at = utc_now() - timedelta(seconds=1), created_at or row.created_at
