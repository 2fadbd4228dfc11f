"""What is due and not being done: found in the database whatever became of the bell. The worker's processes call it."""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from bot import logs
from bot.assembly import utc_now
from bot.meters import meters
from cases import absence, alarms, audit, bulk, cards, failures, intake, limits, once, sessions, training
from cases.ledger import NotAllowed
from cases.spans import span
from cases.storage.tables import AttachmentRow, OutboxRow, ResidentRow

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from bot.assembly import House
    from cases.city import City
    from cases.storage import Book
    from cases.storage.tables import CaseRow

log = logging.getLogger(__name__)

PAUSE_ENDS = timedelta(days=limits.PAUSE_DAYS)
BATCH = 50
# So long a sweep calls WeChat before it looks again at what else is due.
NETWORK_SECONDS = 10.0
READ_BATCH = 5


def sweep(this: House, between: Callable[[], None] = lambda: None) -> int:
    """Do what is due and not being done: the lines below say what; `between` them a sign of life may be given.

    Returns how much was done.
    """
    now, each = utc_now(), partial(each_of, this, between=between)
    with this.store.read() as book:
        most = BATCH + book.given_up_count()  # what was given up takes nobody's place
        messages = book.waiting(OutboxRow, now, BATCH)
        files = book.waiting(AttachmentRow, now, BATCH)
        held = book.failures_due(failures.MESSAGE, now, BATCH)
        unverified = book.unverified(now, most)
        to_erase = book.to_erase(now, most)
        ringing = [case.id for case in book.alarms(uncalled_since=now - alarms.PATIENCE)][:most]
        cards_due = book.alerts_due(now, most)
        paused = book.paused_since(now - PAUSE_ENDS, most)
        orders = book.bulk_due(now, most)
        astray = book.astray(now)
        old_lines, work_waits = audit.to_purge(book, now), absence.work_waits(book, now)
        old_sessions, old_keys = sessions.to_purge(book, now), once.to_purge(book, now)
    if astray:
        with this.store.write() as book:
            book.bring_back(now)
    if old_lines:
        with this.store.write() as book:
            audit.purge(book, now)
    if old_sessions:
        with this.store.write() as book:
            sessions.purge(book, now)
    if old_keys:
        with this.store.write() as book:
            once.purge(book, now)
    if work_waits:
        with this.store.write() as book:
            absence.begin_due(book, this.cities.current(book), now)
    return (
        each("alarm", ringing, partial(_change, this, alarms.escalate))
        + each(failures.MESSAGE, held, partial(_hear_again, this))
        + each("case", unverified, partial(_close_unverified, this))
        + each("resident", to_erase, partial(_erase, this))
        + each("card", cards_due, partial(_change, this, cards.show))
        + each("pause", paused, partial(_change, this, cards.resume))
        + each("order", orders, partial(_carry_out, this))
        + this.retention.sweep(now)
        # Last, because WeChat may take seconds for each: what people wait for does not wait for it.
        + each("outbox", messages, this.courier.deliver, seconds=NETWORK_SECONDS)
        + each("attachment", files, this.courier.fetch, seconds=NETWORK_SECONDS)
    )


def index(this: House) -> int:
    """Write down for finding what was said in cases that changed. Returns how many cases."""
    with this.store.read() as book:
        waiting = book.terms_wait()
    if not waiting:
        return 0
    with this.store.write() as book:
        return book.renew_due(BATCH)


def each_of(
    this: House,
    kind: str,
    row_ids: Sequence[int],
    do: Callable[[int], None],
    between: Callable[[], None] = lambda: None,
    seconds: float = float("inf"),
) -> int:
    """Do each row and return how many went well: one that breaks our code rests, and does not stop the others.

    After `seconds` no other is begun: the rest is due at the next sweep.
    """
    if not row_ids:
        return 0
    done, until = 0, time.monotonic() + seconds
    with this.store.read() as book:
        resting = failures.resting(book, kind, utc_now())
    for row_id in row_ids:
        if time.monotonic() >= until:
            break
        key = str(row_id)
        if resting.get(key):
            continue
        between()
        try:
            with logs.about(kind=kind, row=row_id), span("job", kind=kind, row=row_id):
                do(row_id)
        except Exception as error:
            if not failures.is_ours(error):  # the database is away: so it will be for the others
                raise
            meters().failures.labels(kind).inc()
            log.exception("%s %s failed", kind, row_id)
            with this.store.write() as book:
                failures.note(book, kind, key, error, utc_now())
        else:
            done += 1
            if key in resting:
                with this.store.write() as book:
                    failures.settle(book, kind, key)
    return done


def _hear_again(this: House, failure_id: int) -> None:
    this.reception.again(failure_id, utc_now())


def _close_unverified(this: House, case_id: int) -> None:
    with this.store.write() as book:
        case, now = book.lock_case(case_id), utc_now()
        if case is None or case.due_at is None or case.due_at > now:
            return
        try:
            intake.close_by_default(book, this.cities.current(book), case, now)
        except NotAllowed:
            log.info("case %s was verified just now", case_id)


def _erase(this: House, resident_id: int) -> None:
    """Forget a resident who wanted it, or who closed their WeChat account."""
    with this.store.read() as book:
        resident = book.get(ResidentRow, resident_id)
    if resident is not None:
        this.forgetting.forget(resident.openid, utc_now())


def _change(this: House, do: Callable[[Book, City, CaseRow, datetime], object], case_id: int) -> None:
    """Do one thing that is due to a case, re-read under its lock: what does it, leaves quietly when it is late."""
    with this.store.write() as book:
        case = book.lock_case(case_id)
        if case is not None:
            do(book, this.cities.current(book), case, utc_now())


def _carry_out(this: House, bulk_id: int) -> None:
    bulk.run(this.store, this.cities, bulk_id, utc_now)


def read_files(this: House, between: Callable[[], None] = lambda: None) -> int:
    """Find the words in voices and photos that wait for it, with signs of life between. Returns how many were done."""
    with this.store.read() as book:
        waiting = book.to_read(utc_now(), READ_BATCH)
    return each_of(this, "reading", waiting, this.reader.read, between)


def train(this: House, between: Callable[[], None] = lambda: None) -> int:
    """Do the training that waits, if one does, after a sign of life. Returns how many were done."""
    with this.store.read() as book:
        waiting = training.next_training(book, utc_now())
    shop = training.Workshop(this.store, this.cities, this.settings.models_dir, utc_now)
    return each_of(this, "training", [waiting] if waiting is not None else [], partial(training.run, shop), between)
