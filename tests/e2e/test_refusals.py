"""What cannot work says so in one clear line; a first start can be ended at any moment."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from tests.services import ROOT, Service, clean_environment, free_port, processes_with, wait_until

if TYPE_CHECKING:
    from pathlib import Path

AWAY = "postgresql://nobody@127.0.0.1:9/nothing"
PROMPT_SECONDS = 5


def test_a_start_without_its_database_is_one_line(tmp_path: Path) -> None:
    """When the database cannot be reached, the start says so in one line, ends what it began, and gives 1."""
    environ = {"DATABASE_URL": AWAY, "DATA_DIR": str(tmp_path), "PORT": str(free_port())}
    command = [sys.executable, "-m", "web"]
    done = subprocess.run(
        command, cwd=ROOT, env=clean_environment(environ), capture_output=True, timeout=60, check=False
    )
    [line] = (done.stdout + done.stderr).decode().splitlines()
    assert done.returncode == 1
    assert "DATABASE_URL" in line
    assert processes_with(str(tmp_path)) == []


def test_ctrl_c_while_it_prepares(tmp_path: Path) -> None:
    """Ctrl-C while the first start loads and trains is obeyed at once, leaves nothing, and is no error."""
    empty = tmp_path / "models"
    empty.mkdir()
    starting = Service(empty)
    try:
        starting.start()
        wait_until(lambda: "正在载入样例城市" in starting.log() or not starting.left(), 60, "the first steps")
        pressed = time.monotonic()
        starting.signal(signal.SIGINT, group=True)
        starting.assert_ended()
        assert time.monotonic() - pressed < PROMPT_SECONDS
        assert "Traceback" not in starting.log()
        assert "网格通已启动" not in starting.log()
    finally:
        starting.remove()
