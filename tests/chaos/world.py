"""The product's processes as a process manager keeps them: each that dies comes back, and anybody may be killed."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests
from sqlalchemy import text

import settings as configuration
from cases.storage import build_engine
from tests.chaos.wechat import Api
from tests.figures import FULL as FULL  # noqa: PLC0414 - the tests here have it from us
from tests.services import DATA_KEY, ROOT, VAULT, Redis, clean_environment, free_port, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import TracebackType
    from typing import Self

    from sqlalchemy import Executable

TEND_SECONDS = 0.1
WEB = [sys.executable, "-m", "gunicorn", "-c", "python:web.server", "web:create_app()"]
WORKER = [sys.executable, "worker.py"]


def children(pid: int) -> list[int]:
    """Return the processes that a process has started."""
    with suppress(OSError):
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


class World:
    """Web, worker and Redis as processes, WeChat's API beside them. As a context manager it is started and ended."""

    def __init__(self, database_url: str, models: Path, environ: Mapping[str, str] | None = None) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="wgt-chaos-"))
        shutil.copytree(models, self.folder / "models")
        self.api, self.redis = Api(), Redis()
        self.port = free_port()
        self.environ = {
            "PORT": str(self.port),
            "DATA_DIR": str(self.folder),
            "DATABASE_URL": database_url,
            "REDIS_URL": self.redis.url,
            "WECHAT_API_BASE": self.api.address,
            "DATA_KEY": DATA_KEY,
            "LOG_LEVEL": "ERROR",
            **(environ or {}),
        }
        self.settings = configuration.load(self.environ)
        self.engine = build_engine(self.settings.database_url, VAULT)
        self._reading = self.engine.execution_options(reading=True)
        self.kills = 0
        self._log = (self.folder / "log").open("wb")
        self._wanted: dict[str, list[str]] = {}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._keeper = threading.Thread(target=self._keep, daemon=True)

    @property
    def address(self) -> str:
        """Where the web server is."""
        return self.settings.own_address

    # -- processes -----------------------------------------------------------------------------------------------

    def want(self, name: str, command: list[str]) -> None:
        """Start a process and keep it alive from now on."""
        with self._lock:
            self._wanted[name] = command
            self._start(name)

    def end(self, name: str, number: signal.Signals = signal.SIGTERM) -> None:
        """End a process for good."""
        with self._lock:
            self._wanted.pop(name, None)
            process = self._running.pop(name, None)
        if process is not None:
            process.send_signal(number)
            process.wait(30)

    def _start(self, name: str) -> None:
        self._running[name] = subprocess.Popen(
            self._wanted[name],
            cwd=ROOT,
            env=clean_environment(self.environ),
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )

    def _keep(self) -> None:
        while not self._over.wait(TEND_SECONDS):
            with self._lock:
                for name in self._wanted:
                    if self._running[name].poll() is not None:
                        self._start(name)

    def pids(self, name: str) -> list[int]:
        """Return a process and those that it has started."""
        with self._lock:
            pid = self._running[name].pid
        return [pid, *children(pid)]

    def kill(self, pid: int) -> bool:
        """Kill one process at once; say whether it was there."""
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return False
        self.kills += 1
        return True

    def wait_until_ready(self) -> None:
        """Wait until the web server answers."""

        def answers() -> bool:
            try:
                return requests.get(f"{self.address}/readyz", timeout=2).ok
            except requests.RequestException:
                return False

        wait_until(answers, 120, "the web server")

    def wait_until_idle(self, seconds: float) -> float:
        """Wait until nothing is owed any more; return how long it took.

        In short the lines at the end of a burst are due at once, and not when the resident was quiet for a minute.
        """
        began = time.monotonic()
        if not FULL:
            with self.engine.begin() as connection:
                early = {"early": datetime.now(UTC) - timedelta(minutes=1)}
                connection.execute(text("UPDATE outbox SET next_try_at = :early WHERE notice = 'burst'"), early)
        wait_until(lambda: self.owed() == 0, seconds, "everything that is owed")
        return time.monotonic() - began

    # -- what is in the database ---------------------------------------------------------------------------------

    def number(self, query: str, **values: Any) -> int:
        """Return the one number that a query gives."""
        with self._reading.connect() as connection:
            return int(connection.execute(text(query), values).scalar_one())

    def rows(self, query: Executable) -> list[Any]:
        """Return what a query gives."""
        with self._reading.connect() as connection:
            return list(connection.execute(query))

    def owed(self) -> int:
        """Return how many messages and files are still waiting."""
        waits = "state IN ('waiting', 'sending')"
        query = f"SELECT (SELECT count(*) FROM outbox WHERE {waits}) + (SELECT count(*) FROM attachments WHERE {waits})"
        return self.number(query)

    # -- beginning and end ---------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        self.redis.start()
        self._keeper.start()
        return self

    def start(self) -> None:
        """Start web and worker, and wait until they answer."""
        self.want("web", WEB)
        self.want("worker", WORKER)
        self.wait_until_ready()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._keeper.join()
        if kind is not None:
            print((self.folder / "log").read_text(errors="replace")[-3000:])  # noqa: T201 - with the failed test
        for name in list(self._wanted):
            pids = self.pids(name)
            self.end(name, signal.SIGKILL)
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        self._log.close()
        self.engine.dispose()
        self.api.close()
        self.redis.remove()
        shutil.rmtree(self.folder, ignore_errors=True)


class Chaos:
    """Does something again and again in a thread of its own, until it is left; `times` says how often it did it."""

    def __init__(self, act: Callable[[random.Random], None], seconds: float, seed: int = 7) -> None:
        self._act, self._seconds = act, seconds
        self._random = random.Random(seed)  # noqa: S311 - repeatable
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.times = 0

    def _run(self) -> None:
        while not self._over.wait(self._seconds):
            self._act(self._random)
            self.times += 1

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


def killing(world: World, name: str) -> Callable[[random.Random], None]:
    """Return what kills one of a part's processes, whichever."""

    def act(dice: random.Random) -> None:
        world.kill(dice.choice(world.pids(name)))

    return act


def names(prefix: str, count: int) -> Iterator[str]:
    """Yield openids."""
    yield from (f"o{prefix}{at:020d}" for at in range(count))
