"""What WeChat lends for two hours, token and ticket: one for all processes, fetched by one of them."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from redis.exceptions import LockError, RedisError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from redis import Redis

log = logging.getLogger(__name__)

# Fetched anew so long before its end.
MARGIN_SECONDS = 300
SHORTEST_SECONDS = 60
# Two calls take at most so long (connecting and reading time out before); who waits for them waits less.
FLIGHT_SECONDS, WAIT_SECONDS = 24.0, 12.0
LOOK_SECONDS = 0.05


class Lent:
    """A value that WeChat lends for a while: one for all processes, in Redis; in this one's memory when Redis is away.

    `fetch` returns it with its lifetime in seconds. One thread of one process at a time fetches, and the others get
    what it got; without Redis, one thread of each process.
    """

    def __init__(self, redis: Redis, key: str, fetch: Callable[..., tuple[str, int]]) -> None:
        self._redis, self._key, self._fetch = redis, key, fetch
        self._lock = threading.Lock()
        self._memory: tuple[str, float] = ("", 0.0)

    def get(self, *, refused: str = "") -> str:
        """Return the value; another one than `refused`, which WeChat no longer takes. Raises WeChatError."""
        shared = self._shared()
        if shared and shared != refused:
            return shared
        with self._lock:
            value, until = self._memory
            if value and value != refused and time.monotonic() < until:
                return value
            with self._alone():
                shared = self._shared()
                return shared if shared and shared != refused else self._renew(refused)

    def _renew(self, refused: str) -> str:
        """Fetch the value. Only when that gives the refused one again, WeChat is made to give another: once."""
        value, seconds = self._fetch(force=False)
        if refused and value == refused:
            value, seconds = self._fetch(force=True)
        lifetime = max(SHORTEST_SECONDS, seconds - MARGIN_SECONDS)
        self._memory = (value, time.monotonic() + lifetime)
        try:
            self._redis.set(self._key, value, ex=lifetime)
        except (RedisError, OSError):
            log.warning("%s kept in this process only: Redis is away", self._key.split(":")[1])
        return value

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other processes from fetching meanwhile; with Redis away, or too long a wait, go ahead all the same."""
        lock = self._redis.lock(
            f"{self._key}:lock", timeout=FLIGHT_SECONDS, sleep=LOOK_SECONDS, blocking_timeout=WAIT_SECONDS
        )
        try:
            held = lock.acquire()
        except (RedisError, OSError):
            held = False
        try:
            yield
        finally:
            if held:
                try:
                    lock.release()
                except (LockError, RedisError, OSError):
                    log.info("%s: the lock had run out", self._key.split(":")[1])

    def _shared(self) -> str:
        try:
            value = self._redis.get(self._key)
        except (RedisError, OSError):
            return ""
        return value.decode() if isinstance(value, bytes) else ""
