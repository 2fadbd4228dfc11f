"""Starting and ending: what is in the way is said in one line, and nothing outlives its end."""

from __future__ import annotations

import signal
import socket
import sqlite3
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import requests

import settings
from tests.services import ROOT, Service, clean_environment, free_port, processes_with, wait_until

if TYPE_CHECKING:
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
QUICK_SECONDS = 5


def test_a_taken_port_is_said_in_one_line(tmp_path: Path) -> None:
    """Whoever starts on a port in use reads one line that says so and how to choose another, and gets exit code 1."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, lines = _start(PORT=str(port), DATA_DIR=str(tmp_path))
    assert code == 1
    assert len(lines) == 1, lines
    assert f"端口 {port}" in lines[0]
    assert f"PORT={port + 1} make run" in lines[0]
    assert processes_with(str(tmp_path)) == []


def test_all_wrong_settings_are_said_together(tmp_path: Path) -> None:
    """Each wrong setting gets a line, all at once, and exit code 1."""
    code, lines = _start(PORT="abc", WECHAT_MODE="x", DATA_DIR=str(tmp_path))
    assert code == 1
    assert len(lines) == 2, lines
    assert any("PORT=abc" in line for line in lines)
    assert any("WECHAT_MODE=x" in line for line in lines)


def test_production_refuses_sample_secrets(tmp_path: Path) -> None:
    """In production each of the public sample secrets is refused by name, and a missing secret key too."""
    code, lines = _start(PROFILE="production", DATA_DIR=str(tmp_path), **settings.SANDBOX_WECHAT)
    assert code == 1
    for name in (*settings.SANDBOX_WECHAT, "SECRET_KEY"):
        assert sum(name in line for line in lines) == 1, lines
    assert not any(value in line for value in settings.SANDBOX_WECHAT.values() for line in lines)


def test_a_second_start_on_the_same_data_is_refused(service: Service) -> None:
    """Two services never share a data folder: the second says so in one line, and the first goes on."""
    code, lines = _start(PORT=str(free_port()), DATA_DIR=str(service.data_dir))
    assert code == 1
    assert len(lines) == 1, lines
    assert str(service.data_dir) in lines[0]
    assert requests.get(service.url("/readyz"), timeout=5).json()["status"] == "ready"


def test_ctrl_c_while_starting_ends_everything(service: Service, trained_models: Path) -> None:
    """Ctrl-C before anything is ready is obeyed at once, and leaves nothing."""
    starting = _copy_of(service, trained_models)
    try:
        starting.start()
        wait_until(lambda: any("worker.py" in line for line in starting.left()), 30, "the worker")
        starting.stop()
        assert "Traceback" not in starting.log()
    finally:
        starting.remove()


def test_production_has_no_sandbox_and_ends_with_sigterm(service: Service, trained_models: Path) -> None:
    """In production there is no sandbox and no sample login; SIGTERM to the main process ends everything."""
    running = _copy_of(service, trained_models, **OWN)
    try:
        running.start()
        running.wait_until_ready()
        for path in ("/sandbox/", "/sandbox/api/cgi-bin/token", "/sandbox/faults"):
            assert requests.get(running.url(path), timeout=5).status_code == 404
        page = requests.get(running.url("/"), timeout=5)
        assert page.url.startswith(running.url("/console/login"))
        assert "wanggetong</code>" not in page.text
        running.signal(signal.SIGTERM)
        assert running.wait() == 0
        assert running.left() == []
    finally:
        running.remove()


def test_a_killed_service_leaves_nothing_and_starts_again(service: Service, trained_models: Path) -> None:
    """After kill -9 of the main process nothing goes on running; it starts again, and Ctrl-C ends everything."""
    running = _copy_of(service, trained_models)
    try:
        running.start()
        running.wait_until_ready()
        running.signal(signal.SIGKILL)
        running.wait()
        wait_until(lambda: not running.left(), 10, f"the end of {running.left()}")
        with running:
            assert requests.get(running.url("/readyz"), timeout=5).json()["status"] == "ready"
    finally:
        running.remove()


def test_a_second_setup_does_nothing() -> None:
    """`make setup` is done once: the second time there is nothing to do, and quickly."""
    environment = clean_environment({})
    subprocess.run(["make", "setup"], cwd=ROOT, env=environment, check=True, capture_output=True, timeout=600)
    begun = time.monotonic()
    again = subprocess.run(["make", "setup"], cwd=ROOT, env=environment, check=True, capture_output=True, timeout=60)
    assert time.monotonic() - begun < QUICK_SECONDS
    assert "正在" not in again.stdout.decode()
    assert subprocess.run(["make", "-q", "setup"], cwd=ROOT, env=environment, check=False).returncode == 0


def _start(**environ: str) -> tuple[int, list[str]]:
    """Start the product where it cannot start; return its exit code and everything that it said."""
    done = subprocess.run(
        [sys.executable, "-m", "web"],
        cwd=ROOT,
        env=clean_environment(environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout.decode().splitlines()


def _copy_of(service: Service, models: Path, **environ: str) -> Service:
    """Return a service, not started, whose data folder has the city of a running one."""
    copy = Service(models, **environ)
    name = "wanggetong.sqlite3"
    source, target = sqlite3.connect(service.data_dir / name), sqlite3.connect(copy.data_dir / name)
    source.backup(target)
    source.close()
    target.close()
    return copy
