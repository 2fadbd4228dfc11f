"""Starting and ending: what is in the way is said in one line, and nothing outlives its end."""

from __future__ import annotations

import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import requests

import settings
from tests.services import LOOK_SECONDS, ROOT, START_SECONDS, Service, clean_environment, free_port, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OWN = {
    "PROFILE": "production",
    "WECHAT_TOKEN": "a-token-of-our-own",
    "WECHAT_APPID": "wx0123456789abcdef",
    "WECHAT_SECRET": "0123456789abcdef0123456789abcdef",
    "WECHAT_AES_KEY": "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG",
    "WECHAT_API_BASE": "http://127.0.0.1:9",
    "SECRET_KEY": "0123456789abcdef0123456789abcdef",
}
QUICK_SECONDS = 10
# What a parent-death signal and a look every second need.
ORPHAN_SECONDS = 20


@dataclass
class Refused:
    """A start that cannot succeed: its process, and what it said when it has ended."""

    process: subprocess.Popen[bytes]

    def outcome(self) -> tuple[int, list[str]]:
        """Wait for its end; return the exit code and all lines of both outputs."""
        said, _ = self.process.communicate(timeout=START_SECONDS)
        return self.process.returncode, said.decode().splitlines()


@pytest.fixture(scope="module")
def taken_port() -> Iterator[int]:
    """Give a port that somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        yield port


@pytest.fixture(scope="module")
def refused(service: Service, taken_port: int, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Refused]:
    """Start side by side what cannot start: each takes seconds only to load Python's libraries."""
    wrong = {
        "taken port": {"PORT": str(taken_port)},
        "settings": {"PORT": "abc", "WECHAT_MODE": "x"},
        "sample secrets": {"PROFILE": "production", **settings.SANDBOX_WECHAT},
        "taken folder": {"PORT": str(free_port()), "DATA_DIR": str(service.data_dir)},
    }
    return {
        name: _start({"DATA_DIR": str(tmp_path_factory.mktemp("refused")), **environ})
        for name, environ in wrong.items()
    }


def test_a_taken_port_is_said_in_one_line(refused: dict[str, Refused], taken_port: int) -> None:
    """Whoever starts on a port in use reads one line that says so and how to choose another, and gets exit code 1."""
    code, lines = refused["taken port"].outcome()
    assert code == 1
    assert len(lines) == 1, lines
    assert f"端口 {taken_port}" in lines[0]
    assert f"PORT={taken_port + 1} make run" in lines[0]


def test_all_wrong_settings_are_said_together(refused: dict[str, Refused]) -> None:
    """Each wrong setting gets a line, all at once, and exit code 1."""
    code, lines = refused["settings"].outcome()
    assert code == 1
    assert len(lines) == 2, lines
    assert any("PORT=abc" in line for line in lines)
    assert any("WECHAT_MODE=x" in line for line in lines)


def test_production_refuses_sample_secrets(refused: dict[str, Refused]) -> None:
    """In production each of the public sample secrets is refused by name, and a missing secret key too."""
    code, lines = refused["sample secrets"].outcome()
    assert code == 1
    for name in (*settings.SANDBOX_WECHAT, "SECRET_KEY"):
        assert sum(name in line for line in lines) == 1, lines
    assert not any(value in line for value in settings.SANDBOX_WECHAT.values() for line in lines)


def test_a_second_start_on_the_same_data_is_refused(service: Service, refused: dict[str, Refused]) -> None:
    """Two services never share a data folder: the second says so in one line, and the first goes on."""
    code, lines = refused["taken folder"].outcome()
    assert code == 1
    assert len(lines) == 1, lines
    assert str(service.data_dir) in lines[0]
    assert requests.get(service.url("/readyz"), timeout=LOOK_SECONDS).json()["status"] == "ready"


@pytest.mark.parametrize("ctrl_c", [True, False], ids=["ctrl-c", "sigterm"])
def test_it_can_be_ended_while_it_starts(service: Service, trained_models: Path, *, ctrl_c: bool) -> None:
    """Ctrl-C, or SIGTERM to the main process, is obeyed before anything is ready, and leaves nothing."""
    with _copy_of(service, trained_models) as starting:
        starting.start()
        wait_until(lambda: any("worker.py" in line for line in starting.left()), START_SECONDS, "the worker")
        starting.signal(signal.SIGINT if ctrl_c else signal.SIGTERM, group=ctrl_c)
        starting.assert_ended()
        assert "Traceback" not in starting.log()


def test_production_has_no_sandbox_and_kill_leaves_nothing(service: Service, trained_models: Path) -> None:
    """In production there are no sandbox and no samples; after kill -9 of the main process nothing goes on."""
    with _copy_of(service, trained_models) as running:
        running.environ.update(OWN)
        running.start()
        running.wait_until_ready()
        _shows_no_samples(running)
        running.signal(signal.SIGKILL)
        running.wait()
        running.wait_until_all_ended(ORPHAN_SECONDS)


def test_a_second_setup_does_nothing() -> None:
    """`make setup` is done once: the second time there is nothing to do, and quickly."""
    environment = clean_environment({})
    subprocess.run(["make", "setup"], cwd=ROOT, env=environment, check=True, capture_output=True, timeout=600)
    begun = time.monotonic()
    again = subprocess.run(["make", "setup"], cwd=ROOT, env=environment, check=True, capture_output=True, timeout=60)
    assert time.monotonic() - begun < QUICK_SECONDS
    assert "正在" not in again.stdout.decode()
    assert subprocess.run(["make", "-q", "setup"], cwd=ROOT, env=environment, check=False).returncode == 0


def _shows_no_samples(running: Service) -> None:
    for path in ("/sandbox/", "/sandbox/api/cgi-bin/token", "/sandbox/faults"):
        assert requests.get(running.url(path), timeout=LOOK_SECONDS).status_code == 404
    page = requests.get(running.url("/"), timeout=LOOK_SECONDS)
    assert page.url.startswith(running.url("/console/login"))
    assert "samples" not in page.text


def _start(environ: dict[str, str]) -> Refused:
    process = subprocess.Popen(
        [sys.executable, "-m", "web"],
        cwd=ROOT,
        env=clean_environment(environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    return Refused(process)


@contextmanager
def _copy_of(service: Service, models: Path) -> Iterator[Service]:
    """Give a service, not started, whose data folder has the city of a running one."""
    copy = Service(models)
    name = "wanggetong.sqlite3"
    source, target = sqlite3.connect(service.data_dir / name), sqlite3.connect(copy.data_dir / name)
    with closing(source), closing(target):
        source.backup(target)
    try:
        yield copy
    finally:
        copy.remove()
