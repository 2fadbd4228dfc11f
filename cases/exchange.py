"""Cases in and out by file: JSON lines, CSV and Excel. Nothing is half-written, every fault names its row."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from openpyxl import Workbook, load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from cases import lifecycle, routing
from cases.intake import Report, open_imported
from cases.numbers import number_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

    from cases.city import City
    from cases.storage import Book
    from cases.storage.tables import CaseRow

EXPORTED = (
    "number", "channel", "state", "category", "category_name", "text", "place", "grid", "holder",
    "opened_at", "due_at", "resolved_at", "ended_at", "result", "rating", "rating_words", "urges",
)  # fmt: skip
REQUIRED = ("source_key", "text")
OPTIONAL = ("channel", "category", "place")
FORMULA = ("=", "+", "-", "@", "\t", "\r")
CHANNEL_CHARACTERS = 20
KEY_CHARACTERS = 80


class ExchangeError(Exception):
    """A file cannot be imported; `faults` has one line for each fault."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("；".join(faults))
        self.faults = faults


@dataclass(frozen=True)
class Imported:
    """How many cases were opened, and how many were there already."""

    opened: int
    known: int


def exported(book: Book, city: City) -> Iterator[dict[str, Any]]:
    """Yield every case as a flat row; nothing in it tells who the resident is."""
    for case in book.every_case():
        yield _row(city, case)


def _row(city: City, case: CaseRow) -> dict[str, Any]:
    category = city.categories.get(case.category_code or "")
    moments = {name: getattr(case, name) for name in ("opened_at", "due_at", "resolved_at", "ended_at")}
    row = {
        "number": number_of(case.id),
        "channel": case.channel,
        "state": case.state,
        "category": case.category_code or "",
        "category_name": category.full_name if category else "",
        "text": case.text,
        "place": case.place_words,
        "grid": city.units[case.grid_id].name if case.grid_id is not None else "",
        "holder": city.units[case.holder_id].name,
        "result": case.result,
        "rating": case.rating or "",
        "rating_words": case.rating_words,
        "urges": case.urges,
    } | {name: moment.isoformat() if moment else "" for name, moment in moments.items()}
    return {name: row[name] for name in EXPORTED}


def write_rows(rows: Iterator[dict[str, Any]], form: str) -> bytes:
    """Return rows as `jsonl`, `csv` (with a mark that Excel understands) or `xlsx`."""
    return WRITERS[form](rows)


def _jsonl(rows: Iterator[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def _csv(rows: Iterator[dict[str, Any]]) -> bytes:
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(EXPORTED)
    writer.writerows([_harmless(row[name]) for name in EXPORTED] for row in rows)
    return stream.getvalue().encode("utf-8-sig")


def _xlsx(rows: Iterator[dict[str, Any]]) -> bytes:
    workbook = Workbook(write_only=True)
    sheet = workbook.create_sheet("工单")
    sheet.append(EXPORTED)
    for row in rows:
        sheet.append([_harmless(row[name]) for name in EXPORTED])
    buffer = io.BytesIO()
    workbook.save(buffer)
    return buffer.getvalue()


def _harmless(value: object) -> object:
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


WRITERS: dict[str, Callable[[Iterator[dict[str, Any]]], bytes]] = {"jsonl": _jsonl, "csv": _csv, "xlsx": _xlsx}


def read_rows(path: Path) -> list[dict[str, str]]:
    """Read rows from a `.jsonl`, `.csv` or `.xlsx` file by its ending. Raises ExchangeError."""
    try:
        rows = READERS[path.suffix.lower()](path)
    except KeyError:
        raise ExchangeError([f"{path.name}：只认 {'、'.join(READERS)}"]) from None
    except UnicodeDecodeError as error:
        raise ExchangeError([f"{path.name}：不是 UTF-8"]) from error
    except (OSError, ValueError, InvalidFileException) as error:
        raise ExchangeError([f"{path.name}：读不了（{error}）"]) from error
    return [{name: _plain(row.get(name)) for name in (*REQUIRED, *OPTIONAL)} for row in rows]


def _plain(value: object) -> str:
    return "" if value is None else str(value).strip()


def _read_jsonl(path: Path) -> list[dict[str, Any]]:
    lines = path.read_text(encoding="utf-8-sig").split("\n")
    rows = [json.loads(line) for line in lines if line.strip()]
    if not all(isinstance(row, dict) for row in rows):
        raise ValueError("每行应是一个 JSON 对象")
    return rows


def _read_csv(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def _read_xlsx(path: Path) -> list[dict[str, Any]]:
    sheet = load_workbook(path, read_only=True, data_only=True).worksheets[0]
    head, *body = list(sheet.iter_rows(values_only=True)) or [()]
    names = [_plain(name) for name in head]
    return [dict(zip(names, row, strict=False)) for row in body if any(cell is not None for cell in row)]


READERS: dict[str, Callable[[Path], list[dict[str, Any]]]] = {
    ".jsonl": _read_jsonl,
    ".csv": _read_csv,
    ".xlsx": _read_xlsx,
}


def import_rows(
    book: Book, city: City, rows: list[dict[str, str]], classify: Callable[[str], Report], now: datetime
) -> Imported:
    """Open a case for each row whose `source_key` is new, routed like any other. Raises ExchangeError."""
    faults = [f"第 {at} 行：{fault}" for at, row in enumerate(rows, start=1) for fault in _faults(city, row)]
    if faults:
        raise ExchangeError(faults)
    opened = 0
    for row in rows:
        if book.case_by_source(row["source_key"]) is None:
            _open(book, city, row, classify(row["text"]), now)
            opened += 1
    return Imported(opened, len(rows) - opened)


def _faults(city: City, row: dict[str, str]) -> list[str]:
    faults = [f"缺少 {name}" for name in REQUIRED if not row[name]]
    if row["category"] and row["category"] not in city.categories:
        faults.append(f"类别 {row['category']} 不存在")
    if len(row["source_key"]) > KEY_CHARACTERS or len(row["channel"]) > CHANNEL_CHARACTERS:
        faults.append("source_key 或 channel 太长")
    return faults


def _open(book: Book, city: City, row: dict[str, str], read: Report, now: datetime) -> None:
    known = (routing.Guess(row["category"], 1.0),) if row["category"] else read.guesses
    place = city.locate_text(row["place"]) or city.locate_text(row["text"])
    report = Report(text=row["text"], place=place, guesses=known, model_version=read.model_version)
    open_imported(book, city, report, now, source_key=row["source_key"], channel=row["channel"] or "import")


def erase_resident(book: Book, openid: str, now: datetime) -> tuple[int, list[str]]:
    """Forget a resident in every account: return how many cases were made anonymous, and the files to delete.

    The cases stay, for the record of what was done; their words, places, voices and photos from the resident go.
    """
    erased, files = 0, []
    for resident in book.resident(openid):
        for case in book.all_cases_of(resident.id):
            files += book.forget_talk(case)
            case.resident_id, case.text, case.rating_words = None, "", ""
            case.place_words, case.lon, case.lat = "", None, None
            lifecycle.record(book, case, "erase", lifecycle.SYSTEM, now, text="居民的个人信息已删除")
            erased += 1
        book.forget_resident(resident)
    return erased, files
