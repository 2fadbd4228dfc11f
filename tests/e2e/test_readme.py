"""What README says can be done as it stands, in both languages."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

import settings
from tests.e2e.scripts import marked_in
from tests.services import ROOT

if TYPE_CHECKING:
    from tests.e2e.scripts import Script

READMES = ("README.md", "README.zh-CN.md")
ROW = re.compile(r"^\|\s*`([A-Z][A-Z_]+)`\s*\|", re.MULTILINE)
SECONDS = 180


def test_the_commands_can_be_run_as_they_stand(readme_scripts: list[Script]) -> None:
    """Every block of commands that README marks as tested runs to its end, and leaves nothing running."""
    assert readme_scripts, "README.md marks no block with <!-- tested -->"
    for script in readme_scripts:
        code, said = script.outcome(SECONDS)
        assert code == 0, f"{script.text}\n{said}"
        script.wait_until_all_ended()


def test_both_languages_have_the_same_commands() -> None:
    """The Chinese README has the same tested commands as the English one."""
    assert marked_in(READMES[1]) == marked_in(READMES[0])


@pytest.mark.parametrize("readme", READMES)
def test_the_table_names_every_setting(readme: str) -> None:
    """The table of settings has each setting once, in the order of `settings.NAMES`, and no other."""
    assert ROW.findall((ROOT / readme).read_text(encoding="utf-8")) == list(settings.NAMES)
