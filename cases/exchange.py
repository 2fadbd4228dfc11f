"""Cases in and out by file: JSON lines, CSV and Excel. A faulty file writes nothing, every fault names its row."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cases import contacts, routing
from cases.intake import Report, open_imported
from cases.numbers import number_of
from cases.sheets import ExchangeError, Line, read, to_csv, to_xlsx

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from cases.city import City, CityCache
    from cases.storage import Book, Scope, Store
    from cases.storage.tables import CaseRow

EXPORTED = (
    "number", "channel", "state", "category", "category_name", "text", "place", "grid", "holder",
    "opened_at", "due_at", "resolved_at", "ended_at", "result", "solved", "rating", "rating_words",
    "urges", "returns", "failed_checks", "extensions", "supervised_at",
)  # fmt: skip
MOMENTS = ("opened_at", "due_at", "resolved_at", "ended_at", "supervised_at")
REQUIRED = ("source_key", "text")
OPTIONAL = ("channel", "category", "place")
CHANNEL_CHARACTERS = 20
KEY_CHARACTERS = 80
# So many rows are one transaction: well under a second, so that residents' messages get their turn.
CHUNK = 200
# What a database takes in no text: the null character, and halves of characters.
UNSTORABLE = re.compile("[\\0\ud800-\udfff]")
# What makes a report of a text, with the classifier's guesses.
Classify = Callable[[str], Report]


@dataclass(frozen=True)
class Imported:
    """How many cases were opened, and how many were there already."""

    opened: int
    known: int


def exported(book: Book, city: City, scope: Scope | None = None) -> Iterator[dict[str, Any]]:
    """Yield cases, those in `scope`, as flat rows; nothing tells who the resident is, numbers in texts are masked."""
    for case in book.every_case(scope):
        yield _row(city, case)


def _row(city: City, case: CaseRow) -> dict[str, Any]:
    category = city.categories.get(case.category_code or "")
    moments = {name: getattr(case, name) for name in MOMENTS}
    row = {
        "number": number_of(case.id),
        "channel": case.channel,
        "state": case.state,
        "category": case.category_code or "",
        "category_name": category.full_name if category else "",
        "text": contacts.hidden(case.text),
        "place": contacts.hidden(case.place_words),
        "grid": city.units[case.grid_id].name if case.grid_id is not None else "",
        "holder": city.units[case.holder_id].name,
        "result": contacts.hidden(case.result),
        "rating": case.rating or "",
        "rating_words": contacts.hidden(case.rating_words),
        "solved": case.solved,
        "urges": case.urges,
        "returns": case.returns,
        "failed_checks": case.failed_checks,
        "extensions": case.extensions,
    } | {name: moment.isoformat() if moment else "" for name, moment in moments.items()}
    return {name: row[name] for name in EXPORTED}


def write_rows(rows: Iterator[dict[str, Any]], form: str) -> bytes:
    """Return rows as `jsonl`, `csv` (with a mark that Excel understands) or `xlsx`."""
    return WRITERS[form](rows)


def _jsonl(rows: Iterator[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def _csv(rows: Iterator[dict[str, Any]]) -> bytes:
    return to_csv(EXPORTED, ([row[name] for name in EXPORTED] for row in rows))


def _xlsx(rows: Iterator[dict[str, Any]]) -> bytes:
    return to_xlsx("工单", EXPORTED, ([row[name] for name in EXPORTED] for row in rows))


WRITERS: dict[str, Callable[[Iterator[dict[str, Any]]], bytes]] = {"jsonl": _jsonl, "csv": _csv, "xlsx": _xlsx}


def read_rows(path: Path) -> list[Line]:
    """Read the cases in a `.jsonl`, `.csv` or `.xlsx` file by its ending. Raises ExchangeError."""
    sheet = read(path)
    missing = [name for name in REQUIRED if name not in sheet.columns] if path.suffix.lower() != ".jsonl" else []
    if missing:
        raise ExchangeError([f"第 1 行：缺少列 {'、'.join(missing)}"])
    return [
        Line(line.number, {name: line.row.get(name, "") for name in (*REQUIRED, *OPTIONAL)}) for line in sheet.lines
    ]


def import_rows(store: Store, cities: CityCache, lines: Sequence[Line], classify: Classify, now: datetime) -> Imported:
    """Open a case for each line whose `source_key` is new, routed like any other. Raises ExchangeError.

    All lines are checked before the first is written. Then CHUNK of them are one transaction, classified before it
    begins, so that residents never wait for a long file. When it breaks off, importing the file again does the rest.
    """
    with store.read() as book:
        city, known = cities.current(book), book.known_sources()
    faults = [f"第 {line.number} 行：{fault}" for line in lines for fault in _faults(city, line.row)]
    faults += _repeats(lines)
    if faults:
        raise ExchangeError(faults)
    fresh = [line.row for line in lines if line.row["source_key"] not in known]
    opened = 0
    for start in range(0, len(fresh), CHUNK):
        ready = [(row, _report(city, row, classify)) for row in fresh[start : start + CHUNK]]
        with store.write() as book:
            opened += sum(_open(book, cities.current(book), row, report, now) for row, report in ready)
    return Imported(opened, len(lines) - opened)


def take_in(
    store: Store, cities: CityCache, row: dict[str, str], classify: Classify, now: datetime
) -> tuple[int, bool]:
    """Open the case of one row; return its id, and whether it was opened now. Raises ExchangeError.

    A `source_key` that is known gives its case again, however many bring it at once.
    """
    with store.read() as book:
        city, known = cities.current(book), book.case_by_source(row["source_key"])
    if known is not None:
        return known.id, False
    if faults := _faults(city, row):
        raise ExchangeError(faults)
    report = _report(city, row, classify)
    with store.write() as book:
        book.lock_name(f"source {row['source_key']}")
        opened = _open(book, cities.current(book), row, report, now)
        case = book.case_by_source(row["source_key"])
        if case is None:
            raise LookupError(row["source_key"])
        return case.id, opened


def _faults(city: City, row: dict[str, str]) -> list[str]:
    faults = [f"缺少 {name}" for name in REQUIRED if not row[name]]
    if row["category"] and row["category"] not in city.categories:
        faults.append(f"类别 {row['category']} 不存在")
    if len(row["source_key"]) > KEY_CHARACTERS or len(row["channel"]) > CHANNEL_CHARACTERS:
        faults.append("source_key 或 channel 太长")
    if any(UNSTORABLE.search(value) for value in row.values()):
        faults.append("有存不了的字符")
    return faults


def _repeats(lines: Sequence[Line]) -> list[str]:
    """Return a fault for each line whose key another line above it has."""
    first: dict[str, int] = {}
    keyed = [(line.number, line.row["source_key"]) for line in lines if line.row["source_key"]]
    return [
        f"第 {number} 行：source_key {key} 和第 {first[key]} 行重复"
        for number, key in keyed
        if first.setdefault(key, number) != number
    ]


def _report(city: City, row: dict[str, str], classify: Classify) -> Report:
    read = classify(row["text"])
    known = (routing.Guess(row["category"], 1.0),) if row["category"] else read.guesses
    place = city.locate_text(row["place"]) or city.locate_text(row["text"])
    evidence = () if row["category"] else read.evidence
    return Report(row["text"], place, guesses=known, model_version=read.model_version, evidence=evidence)


def _open(book: Book, city: City, row: dict[str, str], report: Report, now: datetime) -> bool:
    """Open a case, unless another import was quicker."""
    if book.case_by_source(row["source_key"]) is not None:
        return False
    open_imported(book, city, report, now, source_key=row["source_key"], channel=row["channel"] or "import")
    return True
