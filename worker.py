"""The worker: what happens outside a request.

`python worker.py` keeps four processes alive: one for each RQ queue; the sweeper, which needs only the database and
finds what no bell told of; the trainer, which trains the classifier when a dispatcher asks. A fifth, where an engine is
set, finds the words in voices and photos. Each can also run alone: `python worker.py outbox`.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta
from functools import cache, partial
from typing import TYPE_CHECKING

from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

import settings as configuration
from bot.assembly import build, utc_now
from bot.bell import JOBS, connect
from bot.meters import meters
from bot.queuer import queuer
from bot.watch import SWEEPER, Watchman
from cases import absence, alarms, audit, bulk, cards, failures, intake, limits, once, sessions, training
from cases.ledger import NotAllowed
from cases.storage.tables import AttachmentRow, OutboxRow, ResidentRow
from web import logs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from bot.assembly import House
    from cases.city import City
    from cases.storage import Book
    from cases.storage.tables import CaseRow

log = logging.getLogger(__name__)

PAUSE_ENDS = timedelta(days=limits.PAUSE_DAYS)
SWEEP_SECONDS = 3.0
SWEEP_BATCH = 50
# So long a sweep calls WeChat before it looks again at what else is due.
SWEEP_NETWORK_SECONDS = 10.0
RESTART_SECONDS = 1.0
REDIS_SECONDS = 2.0
STOP_SECONDS = 10.0
READER = "reader"
TRAINER = "trainer"
TRAIN_SECONDS = 2.0
NICE = 10
READ_SECONDS = 1.0
READ_BATCH = 5
# So long one voice, or one training, may take before the process counts as late.
READING, TRAINING = timedelta(minutes=15), timedelta(hours=3)
# A queue without jobs is left so often for a sign of life; RQ takes fifteen seconds off.
QUEUE_SECONDS = 25


@cache
def house() -> House:
    """Return this process's house, built at the first job."""
    return build(configuration.load())


@cache
def watchman(kind: str) -> Watchman:
    """Return who gives this process's signs of life: one process, one kind."""
    return Watchman(house(), kind, utc_now)


# -- jobs: called by RQ with one id -----------------------------------------------------------------------------


def deliver(outbox_id: int) -> None:
    """Deliver one message to a resident."""
    _job("outbox", house().courier.deliver, outbox_id)


def fetch(attachment_id: int) -> None:
    """Fetch one file from WeChat."""
    _job("attachment", house().courier.fetch, attachment_id)


def _job(kind: str, do: Callable[[int], None], row_id: int) -> None:
    """Do one row; what goes wrong is left to the sweeper.

    Nothing may come as far as RQ: it would write the words of an exception, which may be a resident's, into log and
    Redis.
    """
    try:
        _each(house(), kind, [row_id], do)
    except SQLAlchemyError as error:
        log.warning("row %s is left to the sweeper: %s", row_id, type(error).__name__)
    except Exception:
        log.exception("row %s is left to the sweeper", row_id)


# -- the sweeper ------------------------------------------------------------------------------------------------


def sweep(this: House, between: Callable[[], None] = lambda: None) -> int:
    """Do what is due and not being done: the lines below say what; `between` them a sign of life may be given.

    Returns how much was done.
    """
    now, each = utc_now(), partial(_each, this, between=between)
    with this.store.read() as book:
        most = SWEEP_BATCH + book.given_up_count()  # what was given up takes nobody's place
        messages = book.waiting(OutboxRow, now, SWEEP_BATCH)
        files = book.waiting(AttachmentRow, now, SWEEP_BATCH)
        held = book.failures_due(failures.MESSAGE, now, SWEEP_BATCH)
        unverified = book.unverified(now, most)
        to_erase = book.to_erase(now, most)
        ringing = [case.id for case in book.alarms(uncalled_since=now - alarms.PATIENCE)][:most]
        cards_due = book.alerts_due(now, most)
        paused = book.paused_since(now - PAUSE_ENDS, most)
        orders = book.bulk_due(now, most)
        old_lines, work_waits = audit.to_purge(book, now), absence.work_waits(book, now)
        old_sessions, old_keys = sessions.to_purge(book, now), once.to_purge(book, now)
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
        + each("outbox", messages, _in_time(this.courier.deliver))
        + each("attachment", files, _in_time(this.courier.fetch))
    )


def index(this: House) -> int:
    """Write down for finding what was said in cases that changed. Returns how many cases."""
    with this.store.read() as book:
        waiting = book.terms_wait()
    if not waiting:
        return 0
    with this.store.write() as book:
        return book.renew_due(SWEEP_BATCH)


def _each(
    this: House,
    kind: str,
    row_ids: Sequence[int],
    do: Callable[[int], None],
    between: Callable[[], None] = lambda: None,
) -> int:
    """Do each row and return how many went well: one that breaks our code rests, and does not stop the others."""
    if not row_ids:
        return 0
    done = 0
    with this.store.read() as book:
        resting = failures.resting(book, kind, utc_now())
    for row_id in row_ids:
        key = str(row_id)
        if resting.get(key):
            continue
        between()
        try:
            with logs.about(kind=kind, row=row_id):
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


def _in_time(do: Callable[[int], None], seconds: float = SWEEP_NETWORK_SECONDS) -> Callable[[int], None]:
    """Do what calls WeChat until the time of a sweep for it is over; the rest is due at the next."""
    until = time.monotonic() + seconds

    def unless_late(row_id: int) -> None:
        if time.monotonic() < until:
            do(row_id)

    return unless_late


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
    return _each(this, "reading", waiting, this.reader.read, between)


def train(this: House, between: Callable[[], None] = lambda: None) -> int:
    """Do the training that waits, if one does, after a sign of life. Returns how many were done."""
    with this.store.read() as book:
        waiting = training.next_training(book, utc_now())
    shop = training.Workshop(this.store, this.cities, this.settings.models_dir, utc_now)
    return _each(this, "training", [waiting] if waiting is not None else [], partial(training.run, shop), between)


def run_sweeper() -> None:
    """Sweep until told to stop."""
    beat = watchman(SWEEPER).beat
    _repeat(SWEEPER, lambda: max(sweep(house(), beat), index(house())) >= SWEEP_BATCH, SWEEP_SECONDS)


def run_reader() -> None:
    """Read voices and photos until told to stop: one at a time, because an engine takes a whole core."""
    busy = partial(watchman(READER).beat, READING)
    _repeat(READER, lambda: read_files(house(), busy) >= READ_BATCH, READ_SECONDS)


def run_trainer() -> None:
    """Train when somebody asks, behind everything else, until told to stop: a training that breaks off begins again."""
    os.nice(NICE)
    busy = partial(watchman(TRAINER).beat, TRAINING)
    _repeat(TRAINER, lambda: train(house(), busy) > 0, TRAIN_SECONDS, leave=partial(os._exit, 0))


def _repeat(kind: str, act: Callable[[], bool], seconds: float, leave: Callable[[], None] = lambda: None) -> None:
    """Do this again and again, at once while it says that there is more; a database that is away is waited for."""
    stop = _stop_event(leave)
    while not stop.is_set():
        watchman(kind).beat()
        try:
            busy = act()
        except SQLAlchemyError as error:
            log.warning("sweep failed: %s", type(error).__name__)
            busy = False
        except Exception:  # whatever it is, the next sweep may do
            log.exception("sweep failed")
            busy = False
        stop.wait(0.0 if busy else seconds)
    watchman(kind).leave()


# -- processes --------------------------------------------------------------------------------------------------


def run_queue(name: str) -> None:
    """Work one RQ queue in this process, without forking: a job that dies takes the process, which is restarted."""
    redis = connect(configuration.load().redis_url, timeout=None)
    while True:
        watchman(name).beat()
        try:
            queuer(name, redis, QUEUE_SECONDS, watchman(name).beat).work(logging_level="WARNING")
        except (RedisError, OSError) as error:
            log.warning("queue %s: Redis is away (%s)", name, type(error).__name__)
            time.sleep(REDIS_SECONDS)
        else:
            watchman(name).leave()
            return  # told to stop


def run_all() -> None:
    """Keep a process for each queue, the sweeper and, where there is an engine, the reader alive until told to stop."""
    settings = configuration.load()
    reads = bool(settings.speech_model) or settings.ocr == "on"
    names = [*JOBS, SWEEPER, TRAINER, *([READER] if reads else [])]
    stop = _stop_event()
    parent = os.getppid()
    children: dict[str, subprocess.Popen[bytes]] = {}
    started: dict[str, float] = {}
    while not stop.is_set() and os.getppid() == parent:
        for name in names:
            dead = name not in children or children[name].poll() is not None
            if dead and time.monotonic() - started.get(name, -RESTART_SECONDS) >= RESTART_SECONDS:
                children[name] = subprocess.Popen([sys.executable, __file__, name])  # noqa: S603 - ourselves
                started[name] = time.monotonic()
        stop.wait(0.3)
    for child in children.values():
        child.terminate()
    for child in children.values():
        try:
            child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()


def _stop_event(leave: Callable[[], None] = lambda: None) -> threading.Event:
    """Return what is set when this process is told to stop; `leave` is called then as well."""
    stop = threading.Event()

    def told(_number: int, _frame: object) -> None:
        stop.set()
        leave()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, told)
    return stop


def main(arguments: list[str]) -> int:
    """Run everything, or the one part that is named. Returns the exit code."""
    parts: dict[str, Callable[[], None]] = {name: partial(run_queue, name) for name in JOBS}
    parts[SWEEPER], parts[READER], parts[TRAINER] = run_sweeper, run_reader, run_trainer
    if len(arguments) > 1 or (arguments and arguments[0] not in parts):
        print(f"usage: python worker.py [{'|'.join(parts)}]", file=sys.stderr)
        return 2
    try:
        logs.configure(configuration.load().log_level)
    except configuration.SettingsError as error:
        print("\n".join(error.faults), file=sys.stderr)
        return 1
    if arguments:
        _end_with_parent()
    (parts[arguments[0]] if arguments else run_all)()
    return 0


def _end_with_parent() -> None:
    """Leave when the process that started this one is gone: nobody would restart it."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
