"""Lists of words that stand in files of their own: sections of lines, each line alternatives of one expression."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_LINE = re.compile(r"\[(?P<section>\w+)\]|(?P<part>\w+) = (?P<words>.+)")


def sections(path: Path) -> dict[str, re.Pattern[str]]:
    """Return the compiled patterns by section; the parts that stand in `[parts]` are put where they are named."""
    parts: dict[str, str] = {}
    found: dict[str, list[str]] = {}
    section = ""
    lines = path.read_text(encoding="utf-8").splitlines()
    for line in filter(lambda line: line and not line.startswith("#"), lines):
        head = _LINE.fullmatch(line)
        if head is None:
            found.setdefault(section, []).append(re.sub(r"<([a-z]+)>", lambda name: parts[name[1]], line))
        elif head["part"]:
            parts[head["part"]] = head["words"]
        else:
            section = head["section"]
    return {name: re.compile("|".join(alternatives)) for name, alternatives in found.items()}
