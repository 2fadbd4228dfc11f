"""Who tries too often to log in, by address: many names from one place are nobody's own slips.

Counted in memory, by each process for itself: it holds without Redis, and costs no database. Accounts are locked by
their own count (`cases.accounts`), across all processes. Keys of the API, residents' links and the setup link need no
count: they are signed, or longer than anybody guesses.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from typing import TYPE_CHECKING

from flask import request

from cases.limits import ADDRESS_FAILURES, ADDRESS_SPAN

if TYPE_CHECKING:
    from datetime import datetime

MOST_ADDRESSES = 10_000
LATER = "从这里试的次数太多了，请十分钟后再来。"
LOOPBACK = frozenset({"127.0.0.1", "::1"})


class Doorstep:
    """Remembers the last failed tries of each address."""

    def __init__(self) -> None:
        self._failed: OrderedDict[str, deque[datetime]] = OrderedDict()
        self._lock = threading.Lock()

    def closed(self, address: str, now: datetime) -> bool:
        """Say whether this address has failed too often of late; of an unknown one nobody knows."""
        with self._lock:
            failed = self._failed.get(address)
            return failed is not None and len(failed) == ADDRESS_FAILURES and now - failed[0] < ADDRESS_SPAN

    def failed(self, address: str, now: datetime) -> None:
        """Note a failed try."""
        if not address:
            return
        with self._lock:
            self._failed.setdefault(address, deque(maxlen=ADDRESS_FAILURES)).append(now)
            self._failed.move_to_end(address)
            if len(self._failed) > MOST_ADDRESSES:
                self._failed.popitem(last=False)


def address_of() -> str:
    """Return where a request comes from, or nothing where only a proxy is seen: its address is everybody's."""
    address, told = request.remote_addr or "", request.headers.get("X-Forwarded-For", "")
    if address in LOOPBACK:
        return told.rpartition(",")[2].strip()[:60]
    return "" if told else address
