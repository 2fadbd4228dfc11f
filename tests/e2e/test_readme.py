"""What README says can be done as it stands, in both languages."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import settings
from tests.services import ROOT, STOP_SECONDS, clean_environment, free_port, processes_with, wait_until

READMES = ("README.md", "README.zh-CN.md")
BLOCK = re.compile(r"^<!-- tested -->\n+```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ROW = re.compile(r"^\|\s*`([A-Z][A-Z_]+)`\s*\|", re.MULTILINE)
NOT_CODE = {"data", ".git"}
SECONDS = 120


def test_the_commands_can_be_run_as_they_stand(trained_models: Path, tmp_path: Path) -> None:
    """Every block of commands that README marks as tested runs to its end, each in a checkout of its own."""
    scripts = _blocks(READMES[0])
    assert scripts, "README.md marks no block with <!-- tested -->"
    started = [_start(script, tmp_path / str(at), trained_models) for at, script in enumerate(scripts)]
    for script, process in zip(scripts, started, strict=True):
        said, _ = process.communicate(timeout=SECONDS)
        assert process.returncode == 0, f"{script}\n{said.decode()}"
    wait_until(lambda: not processes_with(str(tmp_path)), STOP_SECONDS, "the end of what the commands started")


def test_both_languages_have_the_same_commands() -> None:
    """The Chinese README has the same tested commands as the English one."""
    assert _blocks(READMES[1]) == _blocks(READMES[0])


@pytest.mark.parametrize("readme", READMES)
def test_the_table_names_every_setting(readme: str) -> None:
    """The table of settings has each setting once, in the order of `settings.NAMES`, and no other."""
    assert ROW.findall(_text(readme)) == list(settings.NAMES)


def _start(script: str, checkout: Path, models: Path) -> subprocess.Popen[bytes]:
    """Run a script where it can write what it likes: the files of the checkout are links to the real ones."""
    shutil.copytree(models, checkout / "data" / "models")
    for each in ROOT.iterdir():
        if each.name not in NOT_CODE:
            (checkout / each.name).symlink_to(each)
    environment = clean_environment({"DATA_DIR": str(checkout / "data"), "PORT": str(free_port())})
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    return subprocess.Popen(
        ["bash", "-e", "-c", script],
        cwd=checkout,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def _blocks(readme: str) -> list[str]:
    return BLOCK.findall(_text(readme))


def _text(readme: str) -> str:
    return (ROOT / readme).read_text(encoding="utf-8")
