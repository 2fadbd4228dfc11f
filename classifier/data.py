"""Labelled texts from JSONL files, with every fault named by its row."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

SHOWN_FAULTS = 5


class DataError(Exception):
    """A file of labelled texts cannot be used; the message names the rows."""


@dataclass(frozen=True)
class Example:
    """One labelled text; `time` is the source's own time string, if it has one."""

    text: str
    label: str
    time: str | None = None


def read_examples(path: Path) -> list[Example]:
    """Read one JSON object a line: `{"text": "…", "label": "…", "time": "…"?}`.

    Blank lines are skipped. Labels are stripped, so that two which differ by a space are one.
    Raises DataError naming the file and the first faulty rows; nothing is used of a faulty file.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        row = path.read_bytes()[: error.start].count(b"\n") + 1
        raise DataError(f"{path}: row {row} is not UTF-8") from error
    examples: list[Example] = []
    faults: list[str] = []
    for row, line in enumerate(lines, start=1):
        if line.strip():
            try:
                examples.append(_example(line))
            except ValueError as error:
                faults.append(f"row {row}: {error}")
    if faults:
        more = f" (and {len(faults) - SHOWN_FAULTS} more)" if len(faults) > SHOWN_FAULTS else ""
        raise DataError(f"{path}: {'; '.join(faults[:SHOWN_FAULTS])}{more}")
    if not examples:
        raise DataError(f"{path}: holds no examples")
    return examples


def _example(line: str) -> Example:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON ({error.msg})") from error
    if not isinstance(row, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - gathered by row above
    values = {}
    for field in ("text", "label"):
        value = row.get(field)
        if not isinstance(value, str) or not value.strip():
            raise ValueError(f"{field!r} is missing or empty")
        values[field] = value
    time = row.get("time")
    return Example(values["text"], values["label"].strip(), time if isinstance(time, str) else None)
