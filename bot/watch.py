"""Watching over the service: signs of life of the worker's processes, alarms, and the message that tells of them.

Every process of the worker gives signs from the loop that works; the sweeper looks for alarms, and when the sweeper is
late with its own sign, whoever else gives one. What was told stands in the database, so that nobody tells it twice.
"""

from __future__ import annotations

import logging
import shutil
import socket
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import requests

from bot import outage
from bot.errcodes import FAULT_KEY
from bot.wechat import session_for
from cases import watch
from cases.limits import span
from cases.storage.engine import DatabaseError
from cases.storage.signs import AlarmRow
from cases.storage.tables import AttachmentRow, OutboxRow
from cases.watch import Seen, Standing
from cases.worktime import CHINA

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.assembly import House
    from cases.city import City
    from cases.storage import Book
    from cases.watch import Alarm

log = logging.getLogger(__name__)

TIMEOUT = (3.0, 5.0)
SWEEPER = "sweeper"
# A database that is away is told of after this: a restart of it is none of anybody's business.
AWAY = timedelta(seconds=30)
WORDS = 300
MOVED = 300  # from here on an answer is no yes: an address that leads elsewhere is not followed


def look(house: House, now: datetime) -> Seen:
    """Look at everything that can be wrong."""
    try:
        usage = shutil.disk_usage(house.settings.data_dir)
        disk = usage.free, usage.total
    except OSError:
        disk = None
    seen = Seen(now=now, media=house.media.fault(), redis=house.bell.fault(), disk=disk)
    try:
        with house.store.read() as book:
            return in_book(book, house.cities.current(book), seen, silence=house.settings.alarm_silence == "on")
    except DatabaseError as error:
        return replace(seen, database=type(error).__name__)


def in_book(book: Book, city: City, seen: Seen, *, silence: bool) -> Seen:
    """Add to what was looked at what stands in the case book."""
    now, backup = seen.now, book.meta(watch.BACKUP_KEY)
    quiet, usual = _silence(book, now) if silence else (None, None)
    return replace(
        seen,
        beats={row.process: (row.at, row.late_at) for row in book.beats()},
        oldest={"outbox": book.oldest_due(OutboxRow, now), "files": book.oldest_due(AttachmentRow, now)},
        account=book.meta(FAULT_KEY) or unreachable(book, now),
        poisoned=book.given_up_count(),
        backup=datetime.fromisoformat(backup) if backup else None,
        missing_year=city.calendar.missing(now.astimezone(CHINA).date()),
        silence=quiet,
        usual=usual,
    )


def unreachable(book: Book, now: datetime) -> str:
    """Return since when WeChat cannot be reached, in words; empty while it can, or the first minute."""
    since = outage.since(book)
    return f"连不上微信，已经{span(now - since)}" if since is not None and now - since > watch.STUCK else ""


def _silence(book: Book, now: datetime) -> tuple[timedelta | None, timedelta | None]:
    quiet = watch.quiet(book.last_received(), now)
    if quiet is None or quiet <= watch.LEAST_SILENCE:  # whatever is usual, that is not long
        return None, None
    first = book.first_received(now - watch.WEEK)
    count = book.received_in(watch.days(first, now)) if first is not None else 0
    return quiet, watch.usual_gap(count, first, now)


class Watchman:
    """Gives the signs of life of one process, and looks for alarms when that is its part. Never raises."""

    def __init__(self, house: House, kind: str, clock: Callable[[], datetime]) -> None:
        self._house, self._kind, self._clock = house, kind, clock
        self._every = timedelta(seconds=watch.BEAT_SECONDS)
        self.process = f"{kind}@{socket.gethostname()[:60]}"
        self._next = datetime.min.replace(tzinfo=UTC)
        self._away_since: datetime | None = None

    def beat(self, busy: timedelta = timedelta()) -> None:
        """Give a sign, if the last one is some time ago; before long work say how long it may take."""
        now = self._clock()
        if now < self._next and not busy:
            return
        self._next = now + self._every
        try:
            with self._house.store.write() as book:
                book.beat(self.process, now, now + watch.LATE + busy)
                beats = {row.process: (row.at, row.late_at) for row in book.beats()}
            if self._kind == SWEEPER or watch.is_late(beats, SWEEPER, now):
                self.watch(now)
            self._away_since = None
        except DatabaseError as error:
            log.warning("no sign of life could be given: %s", type(error).__name__)
            self._tell_of_database(now)
        except Exception:  # watching must not stop the work
            log.exception("watching failed")

    def leave(self) -> None:
        """Take the sign back when the process ends in order and another does its work."""
        now = self._clock()
        try:
            with self._house.store.write() as book:
                others = {row.process: (row.at, row.late_at) for row in book.beats() if row.process != self.process}
                working = any(watch.kind_of(each) == self._kind for each in others)
                if working and not watch.is_late(others, self._kind, now):
                    book.end_beat(self.process)
        except DatabaseError as error:
            log.warning("sign of life not taken back: %s", type(error).__name__)

    def watch(self, now: datetime) -> None:
        """Look for alarms, remember those that are on, and tell of what is new, lasts or ended."""
        seen = look(self._house, now)
        found = watch.alarms(seen)
        with self._house.store.write() as book:
            for process in watch.gone(seen):
                book.end_beat(process)
            known = [_standing(row) for row in book.lock_alarms()]
            decided = watch.decide(known, found, now, telling=bool(self._house.settings.alarm_webhook))
            _remember(book, decided)
        failed = [stands for words, stands in decided.tell if not self._post(words)]
        if failed:
            with self._house.store.write() as book:
                for stands in failed:
                    _put(book, stands)

    def _tell_of_database(self, now: datetime) -> None:
        """Tell of a database that is away: nothing can be remembered there, so each process remembers for itself."""
        self._away_since = self._away_since or now
        if self._kind == SWEEPER and now - self._away_since >= AWAY and self._house.settings.alarm_webhook:
            self._post(f"【网格通告警】数据库用不了。{watch.ALARMS['database']}")
            self._away_since = now + watch.AGAIN

    def _post(self, words: str) -> bool:
        """Send a sentence; return whether it arrived. The address is a secret and gets into no log."""
        address = self._house.settings.alarm_webhook
        body = {"msgtype": "text", "text": {"content": words}}
        try:
            with session_for(address) as session, session.post(address, json=body, timeout=TIMEOUT) as answer:
                arrived = answer.status_code < MOVED and _accepted(answer)
        except (requests.RequestException, OSError) as error:
            log.warning("alarm not sent: %s", type(error).__name__)
            return False
        if not arrived:
            log.warning("alarm not taken: %s", answer.status_code)
        return arrived


def _accepted(answer: requests.Response) -> bool:
    """Say whether an answer is a yes: WeCom says no with a code in a page that is found."""
    try:
        said = answer.json()
    except ValueError:
        return True
    return not isinstance(said, dict) or said.get("errcode", 0) == 0


def standing(book: Book, now: datetime) -> list[Alarm]:
    """Return the alarms that were found at the last look, without looking; who is late is seen now."""
    late = watch.alarms(Seen(now, beats={row.process: (row.at, row.late_at) for row in book.beats()}))
    on = [row for row in book.known_alarms() if row.ended_at is None and row.key in watch.ALARMS]
    stored = [watch.Alarm(row.key, row.words) for row in on if row.key != "worker"]
    return sorted([*late, *stored], key=lambda each: list(watch.ALARMS).index(each.key))


def _standing(row: AlarmRow) -> Standing:
    return Standing(row.key, row.words, row.began_at, row.told_at, row.ended_at)


def _remember(book: Book, decided: watch.Decision) -> None:
    for key in decided.forget:
        row = book.get(AlarmRow, key)
        if row is not None:
            book.drop(row)
    for stands in decided.keep:
        _put(book, stands)


def _put(book: Book, stands: Standing) -> None:
    values = {**asdict(stands), "words": stands.words[:WORDS]}
    row = book.get(AlarmRow, stands.key)
    if row is None:
        book.add(AlarmRow(**values))
        return
    for name, value in values.items():
        setattr(row, name, value)
