"""One look at the database a second for everybody in this process who watches, and who else looks at a case."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING

from redis.exceptions import RedisError

from cases.news import News, Reader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from redis import Redis

    from cases.city import CityCache
    from cases.storage import Store

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
# So many looks are taken for nobody: between two streams of a browser nothing is lost.
PATIENCE = 30
# So much of the past a watcher who was away for a moment still gets.
KEPT = 600
# So many watchers hold a thread each; the others are told to come again.
WATCHERS = 240


class Pulse:
    """Reads what is new, once for all watchers of this process, and only while there are any."""

    def __init__(self, store: Store, cities: CityCache) -> None:
        self._store, self._cities = store, cities
        self._news = threading.Condition()
        self._past: deque[tuple[int, News]] = deque(maxlen=KEPT)
        self._beat = 0
        self._watchers = 0
        self._running = False
        self._alone = 0
        self._own = secrets.token_hex(4)
        # A server that is told to stop says so here: watchers leave, and it need not wait for them.
        self.serving: Callable[[], bool] = lambda: True

    @contextmanager
    def watch(self, mark: str = "") -> Iterator[int | None]:
        """Count as a watcher, and give the beat to watch from; None when there are too many.

        `mark`: how far a watcher was when it left (`mark_of`), so that what came meanwhile is told.
        """
        with self._news:
            full = self._watchers >= WATCHERS
            self._watchers += 0 if full else 1
            start = not full and not self._running
            self._running = self._running or start
            beat = self._since(mark)
        if start:
            threading.Thread(target=self._look, name="pulse", daemon=True).start()
        try:
            yield None if full else beat
        finally:
            with self._news:
                self._watchers -= 0 if full else 1

    def mark_of(self, beat: int) -> str:
        """Return a mark of this beat, which means something in this process only."""
        return f"{self._own}-{beat}"

    def _since(self, mark: str) -> int:
        own, _, beat = mark.rpartition("-")
        known = own == self._own and beat.isascii() and beat.isdigit() and self._running
        return min(int(beat[:12]), self._beat) if known else self._beat

    def wait(self, beat: int, seconds: float) -> tuple[int, list[News]]:
        """Return the present beat and what is new since `beat`: at once if there is something, else after a while."""
        until = time.monotonic() + seconds
        with self._news:
            while self._beat == beat and self._running and time.monotonic() < until:
                self._news.wait(until - time.monotonic())
            return self._beat, [news for at, news in self._past if at > beat]

    @property
    def going(self) -> bool:
        """Whether the process goes on serving."""
        return self._running and self.serving()

    def _look(self) -> None:
        reader = Reader()
        while self.serving():
            news = self._read(reader)
            with self._news:
                if news:
                    self._beat += 1
                    self._past.append((self._beat, news))
                    self._news.notify_all()
                self._alone = 0 if self._watchers else self._alone + 1
                if self._alone > PATIENCE:
                    self._running = False
                    return
            time.sleep(LOOK_SECONDS)
        with self._news:
            self._running = False
            self._news.notify_all()

    def _read(self, reader: Reader) -> News:
        try:
            with self._store.read() as book:
                return reader.read(book, self._cities.current(book))
        except Exception as error:  # noqa: BLE001 - whatever it is, the next look may do; the pages also ask by themselves
            log.warning("no look at the news: %s", type(error).__name__)
            return News()


HERE_SECONDS = 25


class Presence:
    """Who looks at which case now. Kept in Redis for some seconds; without Redis nobody sees anybody."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def here(self, case_id: int, staff_id: int, name: str) -> list[str]:
        """Note that somebody looks at a case, and return the names of the others who do."""
        key, now = f"here:{case_id}", time.time()
        own = f"{staff_id}:{name}"
        try:
            with self._redis.pipeline(transaction=False) as pipe:
                pipe.zadd(key, {own: now})
                pipe.zremrangebyscore(key, 0, now - HERE_SECONDS)
                pipe.expire(key, HERE_SECONDS)
                pipe.zrange(key, 0, -1)
                found: list[bytes] = pipe.execute()[-1]
        except (RedisError, OSError):
            return []
        return [each.decode().partition(":")[2] for each in found if each.decode() != own]
