"""README's blocks of commands as scripts."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.services import ROOT, STOP_SECONDS, clean_environment, free_port, processes_with, wait_until

BLOCK = re.compile(r"^<!-- tested -->\n+```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NOT_CODE = {"data", ".git"}


def marked_in(readme: str) -> list[str]:
    """Return the blocks of commands that this README marks as tested."""
    return BLOCK.findall((ROOT / readme).read_text(encoding="utf-8"))


class Script:
    """A script that runs where it can write what it likes: the checkout's files are links to the real ones."""

    def __init__(self, text: str, checkout: Path, models: Path) -> None:
        self.text = text
        self._checkout = checkout
        shutil.copytree(models, checkout / "data" / "models")
        for each in ROOT.iterdir():
            if each.name not in NOT_CODE:
                (checkout / each.name).symlink_to(each)
        environment = clean_environment({"DATA_DIR": str(checkout / "data"), "PORT": str(free_port())})
        environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
        self._said = checkout / "said"
        with self._said.open("wb") as output:
            self._process = subprocess.Popen(
                ["bash", "-e", "-c", text],
                cwd=checkout,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def outcome(self, seconds: float) -> tuple[int, str]:
        """Wait for its end; return the exit code and what it said."""
        code = self._process.wait(seconds)
        return code, self._said.read_text(encoding="utf-8", errors="replace")

    def wait_until_all_ended(self) -> None:
        """Wait until nothing that it started runs any more."""
        wait_until(lambda: not processes_with(str(self._checkout)), STOP_SECONDS, "the end of what a script started")

    def remove(self) -> None:
        """End it if a test has not waited for it, and delete what it wrote."""
        self._process.kill()
        self._process.wait()
        shutil.rmtree(self._checkout, ignore_errors=True)
