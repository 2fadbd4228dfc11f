"""Tables in and out: JSON lines, CSV (UTF-8 or GBK, as spreadsheets write it) and Excel. Each fault names its row."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from openpyxl import Workbook, load_workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

Row = TypeVar("Row")
ENCODINGS = ("utf-8-sig", "gb18030")
# What is read of one file at most: a few kilobytes can unpack to more than the machine holds.
MOST_ROWS, MOST_COLUMNS, UNPACKED_BYTES = 200_000, 200, 200 * 1024 * 1024
# What a spreadsheet takes for a formula, full width too, or what was quoted so that it does not.
_FORMULA = re.compile(r"['\s]*[=+\-@＝＋－＠\t\r\n]")


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
    return _table(_at_most(csv.reader(io.StringIO(_text(path), newline="")), path))


def _read_xlsx(path: Path) -> Sheet:
    try:
        _check_size(path)
        sheet = load_workbook(path, read_only=True, data_only=True).worksheets[0]
        rows = _at_most(map(_trimmed, sheet.iter_rows(max_col=MOST_COLUMNS, values_only=True)), path)
    except (OSError, ExchangeError):
        raise
    except Exception as error:  # openpyxl raises whatever it stumbles over
        raise ExchangeError([f"{path.name}：不是完好的 Excel 文件（.xlsx）"]) from error
    return _table(rows)


def _at_most(rows: Iterable[Row], path: Path) -> list[Row]:
    """Return rows up to the limit. Raises ExchangeError where there are more."""
    found = list(islice(rows, MOST_ROWS + 1))
    if len(found) > MOST_ROWS:
        raise ExchangeError([f"{path.name}：行数太多，一次最多 {MOST_ROWS} 行，请分几个文件"])
    return found


def _check_size(path: Path) -> None:
    """Raise ExchangeError for a workbook that unpacks to more than anybody types."""
    with zipfile.ZipFile(path) as packed:
        if sum(part.file_size for part in packed.infolist()) > UNPACKED_BYTES:
            raise ExchangeError([f"{path.name}：内容太多，请分几个文件"])


def _trimmed(cells: tuple[object, ...]) -> tuple[object, ...]:
    """Return the cells of a row up to its last one that has something in it."""
    length = next((at for at in range(len(cells), 0, -1) if cells[at - 1] is not None), 0)
    return cells[:length]


def _table(rows: Sequence[Iterable[Any]]) -> Sheet:
    """Return the rows below the head with their numbers in the file, where the head is row 1."""
    names = [plain(name) for name in islice(rows[0], MOST_COLUMNS)] if rows else []
    lines = []
    for number, cells in enumerate(rows[1:], start=2):
        row = {name: plain(cell) for name, cell in zip(names, cells, strict=False) if name}
        if any(row.values()):
            lines.append(Line(number, row))
    return Sheet(tuple(name for name in names if name), tuple(lines))


READERS: dict[str, Callable[[Path], Sheet]] = {".jsonl": _read_jsonl, ".csv": _read_csv, ".xlsx": _read_xlsx}


def harmless(value: object) -> object:
    """Return a cell that no spreadsheet takes for a formula; `unharmed` gives its text back."""
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value


def unharmed(text: str) -> str:
    """Return the text of a cell that `harmless` made."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text[1:]) else text


def to_csv(head: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """Return rows as CSV, with a mark by which Excel knows that it is UTF-8."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(head)
    writer.writerows([harmless(cell) for cell in row] for row in rows)
    return stream.getvalue().encode("utf-8-sig")


def to_xlsx(title: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """Return rows as an Excel workbook with one sheet; characters that Excel cannot hold are left out."""
    workbook = Workbook(write_only=True)
    sheet = workbook.create_sheet(title)
    sheet.append(list(head))
    for row in rows:
        sheet.append([_storable(harmless(cell)) for cell in row])
    buffer = io.BytesIO()
    workbook.save(buffer)
    return buffer.getvalue()


def _storable(cell: object) -> object:
    return ILLEGAL_CHARACTERS_RE.sub("", cell) if isinstance(cell, str) else cell
