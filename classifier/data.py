"""Labelled texts from JSONL files, with every fault named by its row, and what is odd about them reported."""

from __future__ import annotations

import json
import unicodedata
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from classifier.text import MAX_CHARACTERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

SHOWN_FAULTS = 5
# From so many texts, or characters in all, on, they are not held in memory but read as a stream.
LARGE, LARGE_CHARACTERS = 100_000, 12_000_000


class DataError(Exception):
    """A file of labelled texts cannot be used; the message names the rows."""


@dataclass(frozen=True)
class Example:
    """One labelled text; `time` is the source's own time string, if it has one; `row` where it stood in its file."""

    text: str
    label: str
    time: str | None = None
    row: int = 0


class ExampleFile:
    """The labelled texts of a JSONL file, read anew each time they are gone through.

    Reading it once finds every fault: DataError names the file and the first faulty rows.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.characters = self.count = 0
        faults: list[str] = []
        for row, line in self._lines():
            try:
                self.characters += len(_example(line, row).text[:MAX_CHARACTERS])
                self.count += 1
            except ValueError as error:
                faults.append(f"row {row}: {error}")
        if faults:
            more = f" (and {len(faults) - SHOWN_FAULTS} more)" if len(faults) > SHOWN_FAULTS else ""
            raise DataError(f"{path}: {'; '.join(faults[:SHOWN_FAULTS])}{more}")
        if not self.count:
            raise DataError(f"{path}: holds no examples")

    def __iter__(self) -> Iterator[Example]:
        """Give the examples in the order of their rows."""
        for row, line in self._lines():
            yield _example(line, row)

    def _lines(self) -> Iterator[tuple[int, str]]:
        row = 0
        try:
            with self._path.open("rb") as stream:
                for row, line in enumerate(stream, start=1):
                    text = line.decode("utf-8-sig" if row == 1 else "utf-8")
                    if text.strip():
                        yield row, text
        except OSError as error:
            raise DataError(f"{self._path}: cannot be read ({error.strerror})") from error
        except UnicodeDecodeError as error:
            raise DataError(f"{self._path}: row {row} is not UTF-8{_other_encoding(self._path)}") from error


def _other_encoding(path: Path) -> str:
    """Say which encoding a file probably has instead."""
    with path.open("rb") as stream:
        head = stream.read(100_000)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "; it is UTF-16, save it as UTF-8"
    try:
        head.rpartition(b"\n")[0].decode("gb18030")
    except UnicodeDecodeError:
        return ""
    return "; it may be GBK, save it as UTF-8"


def read_examples(path: Path) -> list[Example]:
    """Read one JSON object a line: `{"text": "…", "label": "…", "time": "…"?}`.

    Blank lines are skipped. Labels are stripped, so that two which differ by a space are one.
    Raises DataError naming the file and the first faulty rows; nothing is used of a faulty file.
    """
    return list(ExampleFile(path))


def _example(line: str, number: int) -> Example:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON ({error.msg})") from error
    except RecursionError as error:
        raise ValueError("not JSON (too deep)") from error
    if not isinstance(row, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - gathered by row above
    values = {}
    for field in ("text", "label"):
        value = row.get(field)
        if not isinstance(value, str) or not value.strip():
            raise ValueError(f"{field!r} is missing or empty")
        values[field] = value.encode("utf-8", "replace").decode()  # half a surrogate pair is no character
    time = row.get("time")
    return Example(values["text"], _label(values["label"]), time if isinstance(time, str) else None, number)


def _label(text: str) -> str:
    """Return a label in its one spelling: labels that differ by a space or by full-width letters are one."""
    return "".join(unicodedata.normalize("NFKC", text).split())


def is_large(examples: Iterable[Example]) -> bool:
    """Say whether some examples are too many to be held in memory; no text counts beyond MAX_CHARACTERS."""
    if isinstance(examples, ExampleFile):
        count, characters = examples.count, examples.characters
    else:
        sizes = [len(example.text[:MAX_CHARACTERS]) for example in examples]
        count, characters = len(sizes), sum(sizes)
    return count > LARGE or characters > LARGE_CHARACTERS


def unlike(examples: Iterable[Example]) -> tuple[list[Example], list[int]]:
    """Return the examples with their texts stripped, each pair of text and label once, and how often each occurs."""
    found: dict[tuple[str, str], Example] = {}
    counts: Counter[tuple[str, str]] = Counter()
    for example in examples:
        key = example.text.strip(), example.label
        counts[key] += 1
        if key not in found:
            found[key] = replace(example, text=key[0])
    return list(found.values()), [counts[key] for key in found]


def oddities(examples: Iterable[Example]) -> list[str]:
    """Return, for people to read, what is odd about some examples and how it is handled, with the first rows."""
    rows: dict[str, list[int]] = defaultdict(list)
    labels: dict[int, tuple[str, int]] = {}
    counts: Counter[str] = Counter()
    for example in examples:
        counts[example.label] += 1
        if len(example.text) > MAX_CHARACTERS:
            rows[f"longer than {MAX_CHARACTERS} characters, the rest is left out"].append(example.row)
        label, first = labels.setdefault(hash(example.text.strip()), (example.label, example.row))
        if first != example.row:
            same = "the same text and label as an earlier row, left out"
            other = "the same text as an earlier row with another label, both are learnt"
            rows[same if label == example.label else other].append(example.row)
    lone = [label for label, count in counts.items() if count == 1]
    found = [f"{len(numbers)} texts are {what}: {_rows(numbers)}" for what, numbers in rows.items()]
    if lone:
        found.append(f"{len(lone)} labels have one example, learnt but not measured: {', '.join(lone[:SHOWN_FAULTS])}")
    return found


def _rows(numbers: list[int]) -> str:
    shown = ", ".join(map(str, numbers[:SHOWN_FAULTS]))
    return f"rows {shown}{' …' if len(numbers) > SHOWN_FAULTS else ''}"
