"""How long what tells of people is kept, and that it goes by itself then: one table, here.

The days of KEPT are the setting RETENTION; a city may choose others. FIXED are rules of their own modules: the audit
trail and the sessions because a law asks for them, the keys of forms because no phone sends one again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from cases import audit, once, sessions
from cases.storage.tables import ResidentRow
from cases.worktime import CHINA

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from datetime import datetime

    from cases.erasure import Forgetting
    from cases.storage import Book, Store

# What goes, as the command says it. The order is the order of work: residents first, whose things then are gone.
KEPT = {
    "residents": "很久没来过、也没有在办的事的居民",
    "inbox": "微信发来的原始消息",
    "outbox": "办完的工单发给居民的话",
    "media": "办完的工单的照片、语音、视频",
    "notices": "给工作人员的提醒",
}
FIXED = {"sessions": "登录着的设备", "keys": "每次提交的编号", "audit": "审计记录"}
BATCH = 100
# A file is written before its row: within this time the row may still come.
STRAY = timedelta(hours=1)
# In the database: the day on which the sweeper found nothing more to clear.
DAY_KEY = "retention_day"


def years(days: int) -> str:
    """Return days as people say them: 2 年, 90 天."""
    return f"{days // 365} 年" if days % 365 == 0 else f"{days} 天"


@dataclass(frozen=True)
class Retention:
    """What it takes to clear: the case book, how residents are forgotten, files older than a moment, and the days."""

    store: Store
    forgetting: Forgetting
    files: Callable[[datetime], Iterable[str]]
    remove: Callable[[str], None]
    days: Mapping[str, int]

    def would(self, now: datetime) -> dict[str, int]:
        """Return how much of each kind would go."""
        with self.store.read() as book:
            return {what: book.count_old(what, before) for what, before in self._limits(now)}

    def run(self, now: datetime) -> dict[str, int]:
        """Clear everything that is due, batch by batch; return how much of each kind went."""
        done = self.would(now)
        for what in KEPT:
            done[what] = 0
            while count := self._clear(what, now):
                done[what] += count
        with self.store.write() as book:
            audit.purge(book, now)
            sessions.purge(book, now)
            once.purge(book, now)
        return done

    def sweep(self, now: datetime) -> int:
        """Clear one batch of each kind; once a day, until nothing is left. Returns how much went."""
        today = now.astimezone(CHINA).date().isoformat()
        with self.store.read() as book:
            if book.meta(DAY_KEY) == today:
                return 0
        done = sum(self._clear(what, now) for what in KEPT)
        if not done:
            self.strays(now)
            with self.store.write() as book:
                book.set_meta(DAY_KEY, today)
        return done

    def strays(self, now: datetime) -> int:
        """Remove files that belong to no case: a process died between row and file. Returns how many."""
        names, gone = list(self.files(now - STRAY)), 0
        for start in range(0, len(names), BATCH):
            some = names[start : start + BATCH]
            with self.store.read() as book:
                known = book.known_files(some)
            for name in some:
                if name not in known:
                    self.remove(name)
                    gone += 1
        return gone

    def _limits(self, now: datetime) -> Iterator[tuple[str, datetime]]:
        """Yield each kind and before which moment it is too old."""
        yield from ((what, self._before(what, now)) for what in KEPT)
        yield "sessions", now - sessions.KEPT
        yield "keys", now - once.KEPT
        yield "audit", audit.oldest(now, audit.KEPT)

    def _before(self, what: str, now: datetime) -> datetime:
        return now - timedelta(days=self.days[what])

    def _clear(self, what: str, now: datetime) -> int:
        """Clear one batch of a kind."""
        if what == "residents":
            return self._forget(now)
        with self.store.write() as book:
            ids = book.old(what, self._before(what, now), BATCH)
            files = CLEARING[what](book, ids) or []
        for file in files:
            self.remove(file)
        return len(ids)

    def _forget(self, now: datetime) -> int:
        before = self._before("residents", now)
        with self.store.read() as book:
            ids = frozenset(book.old("residents", before, BATCH))
            found = [book.get(ResidentRow, each) for each in ids]
        for openid in dict.fromkeys(row.openid for row in found if row is not None):
            self.forgetting.forget(
                openid, now, only=lambda _, resident: resident.id in ids and resident.last_seen_at < before
            )
        return len(ids)


CLEARING: dict[str, Callable[[Book, Collection[int]], list[str] | None]] = {
    "inbox": lambda book, ids: book.empty_deliveries(ids),
    "outbox": lambda book, ids: book.empty_messages(ids),
    "media": lambda book, ids: book.drop_files(ids),
    "notices": lambda book, ids: book.drop_notices(ids),
}
