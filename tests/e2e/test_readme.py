"""What README says can be done as it stands, in both languages."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import settings
from tests.services import ROOT, STOP_SECONDS, clean_environment, free_port, processes_with, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

READMES = ("README.md", "README.zh-CN.md")
BLOCK = re.compile(r"^<!-- tested -->\n+```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ROW = re.compile(r"^\|\s*`([A-Z][A-Z_]+)`\s*\|", re.MULTILINE)
NOT_CODE = {"data", ".git"}
SECONDS = 120


@pytest.fixture
def workplace(tmp_path: Path, trained_models: Path) -> Iterator[Path]:
    """Give a folder like a checkout, whose files are links to the real ones; what commands write stays in it."""
    for each in ROOT.iterdir():
        if each.name not in NOT_CODE:
            (tmp_path / each.name).symlink_to(each)
    shutil.copytree(trained_models, tmp_path / "data" / "models")
    yield tmp_path
    wait_until(lambda: not processes_with(str(tmp_path)), STOP_SECONDS, "the end of what the commands started")


def test_the_commands_can_be_run_as_they_stand(workplace: Path) -> None:
    """Every block of commands that README marks as tested runs to its end, one after the other."""
    blocks = _blocks(READMES[0])
    assert blocks, "README.md marks no block with <!-- tested -->"
    programs = Path(sys.executable).parent
    environment = clean_environment({"DATA_DIR": str(workplace / "data"), "PORT": str(free_port())})
    environment["PATH"] = f"{programs}:{environment['PATH']}"
    for block in blocks:
        done = subprocess.run(
            ["bash", "-e", "-c", block],
            cwd=workplace,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            timeout=SECONDS,
        )
        assert done.returncode == 0, f"{block}\n{done.stdout.decode()}"


def test_both_languages_have_the_same_commands() -> None:
    """The Chinese README has the same tested commands as the English one."""
    assert _blocks(READMES[1]) == _blocks(READMES[0])


@pytest.mark.parametrize("readme", READMES)
def test_the_table_names_every_setting(readme: str) -> None:
    """The table of settings has each setting once, in the order of `settings.NAMES`, and no other."""
    assert ROW.findall(_text(readme)) == list(settings.NAMES)


def _blocks(readme: str) -> list[str]:
    return BLOCK.findall(_text(readme))


def _text(readme: str) -> str:
    return (ROOT / readme).read_text(encoding="utf-8")
