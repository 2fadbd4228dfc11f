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
from bot import logs, tracing
from bot.assembly import build, utc_now
from bot.bell import JOBS, connect
from bot.queuer import queuer
from bot.sweeping import BATCH, READ_BATCH, each_of, index, read_files, sweep, train
from bot.watch import SWEEPER, Watchman

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.assembly import House

log = logging.getLogger(__name__)

SWEEP_SECONDS = 3.0
RESTART_SECONDS = 1.0
REDIS_SECONDS = 2.0
STOP_SECONDS = 10.0
READER = "reader"
TRAINER = "trainer"
TRAIN_SECONDS = 2.0
NICE = 10
READ_SECONDS = 1.0
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
        each_of(house(), kind, [row_id], do)
    except SQLAlchemyError as error:
        log.warning("row %s is left to the sweeper: %s", row_id, type(error).__name__)
    except Exception:
        log.exception("row %s is left to the sweeper", row_id)


# -- processes that look by themselves -----------------------------------------------------------------------------


def run_sweeper() -> None:
    """Sweep until told to stop."""
    beat = watchman(SWEEPER).beat
    _repeat(SWEEPER, lambda: max(sweep(house(), beat), index(house())) >= BATCH, SWEEP_SECONDS)


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
        settings = configuration.load()
        logs.configure(settings.log_level)
        tracing.start(settings, arguments[0] if arguments else "worker")
    except configuration.SettingsError as error:
        print("\n".join(error.faults), file=sys.stderr)
        return 1
    except tracing.NotInstalledError as error:
        print(error, file=sys.stderr)
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
