"""Tables from files: JSON lines, CSV (UTF-8 or GBK, as spreadsheets write it) and Excel. Every fault names its row."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from openpyxl import load_workbook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

ENCODINGS = ("utf-8-sig", "gb18030")
FORMULA = ("=", "+", "-", "@", "\t", "\r")


class ExchangeError(Exception):
    """A file cannot be imported; `faults` has one line for each fault."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("；".join(faults))
        self.faults = faults


@dataclass(frozen=True)
class Line:
    """A row of a file, and its number there, as an editor or a spreadsheet shows it."""

    number: int
    row: dict[str, str]


@dataclass(frozen=True)
class Sheet:
    """The columns of a file by name, and its rows; empty rows are left out."""

    columns: tuple[str, ...]
    lines: tuple[Line, ...]


def read(path: Path) -> Sheet:
    """Read a `.jsonl`, `.csv` or `.xlsx` file by its ending. Raises ExchangeError."""
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise ExchangeError([f"{path.name}：只认 {'、'.join(READERS)}"])
    try:
        return reader(path)
    except (OSError, csv.Error) as error:
        raise ExchangeError([f"{path.name}：读不了（{error}）"]) from error


def plain(value: object) -> str:
    """Return a cell as text without blanks around it."""
    return "" if value is None else str(value).strip()


def harmless(value: object) -> object:
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def _text(path: Path) -> str:
    content = path.read_bytes()
    for encoding in ENCODINGS:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise ExchangeError([f"{path.name}：不是 UTF-8，也不是 GBK，请另存为 UTF-8"])


def _read_jsonl(path: Path) -> Sheet:
    lines, faults = [], []
    columns: dict[str, None] = {}
    for number, line in enumerate(_text(path).split("\n"), start=1):
        try:
            row = json.loads(line) if line.strip() else None
        except (ValueError, RecursionError):
            row = line
        if isinstance(row, dict):
            lines.append(Line(number, {name: plain(value) for name, value in row.items()}))
            columns.update(dict.fromkeys(row))
        elif line.strip():
            faults.append(f"第 {number} 行：不是 JSON 对象")
    if faults:
        raise ExchangeError(faults)
    return Sheet(tuple(columns), tuple(lines))


def _read_csv(path: Path) -> Sheet:
    return _table(list(csv.reader(io.StringIO(_text(path), newline=""))))


def _read_xlsx(path: Path) -> Sheet:
    try:
        sheet = load_workbook(path, read_only=True, data_only=True).worksheets[0]
        rows = list(sheet.iter_rows(values_only=True))
    except OSError:
        raise
    except Exception as error:  # openpyxl raises whatever it stumbles over
        raise ExchangeError([f"{path.name}：不是完好的 Excel 文件（.xlsx）"]) from error
    return _table(rows)


def _table(rows: Sequence[Iterable[Any]]) -> Sheet:
    """Return the rows below the head with their numbers in the file, where the head is row 1."""
    names = [plain(name) for name in rows[0]] if rows else []
    lines = []
    for number, cells in enumerate(rows[1:], start=2):
        row = {name: plain(cell) for name, cell in zip(names, cells, strict=False) if name}
        if any(row.values()):
            lines.append(Line(number, row))
    return Sheet(tuple(name for name in names if name), tuple(lines))


READERS: dict[str, Callable[[Path], Sheet]] = {".jsonl": _read_jsonl, ".csv": _read_csv, ".xlsx": _read_xlsx}
