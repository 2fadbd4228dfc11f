"""Loading a city from files: all of it or nothing, with every fault named by file and row.

A city is a folder with `units.csv`, `grids.geojson`, `places.csv`, `categories.csv`, `staff.csv` and, where there are
any, the files of the other tables; the sample city in `cases/sample` is the model. The checks are the registry's.

Loading again adds what is new and brings what nobody touched up to date. What people changed in the console since it
was loaded stays, and what they deleted stays away: a digest of every row as the files brought it tells which is which.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cases import registry
from cases.registry import TABLES, grids, sample_duties
from cases.registry import plan as planning
from cases.registry.columns import YES, YES_NO
from cases.registry.staff import begin
from cases.registry.table import Saving
from cases.sheets import ExchangeError, Sheet, read
from cases.storage.tables import GuideRow

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cases.registry.plan import Plan
    from cases.registry.table import Change, Table
    from cases.registry.world import Row
    from cases.storage import Book, Store

SAMPLE = Path(__file__).parent / "sample"
CORPUS = SAMPLE / "corpus"
FILES = {
    "units": "units.csv",
    "grids": "grids.geojson",
    "places": "places.csv",
    "categories": "categories.csv",
    "limits": "limits.csv",
    "staff": "staff.csv",
    "duties": "duties.csv",
    "calendar": "calendar.csv",
    "canned": "canned.csv",
    "plans": "plans.csv",
}
NEEDED = {"units", "grids", "places", "categories", "staff"}
# What people write for themselves: only added to.
ONLY_NEW = {"canned", "plans", "duties"}
GUIDE = "guide.csv"
GUIDE_FIELDS = ("title", "names", "what", "where", "hours", "papers", "phone", "elsewhere")
MARK_CHARACTERS = 32


class CityError(Exception):
    """The files cannot be loaded; `faults` has one line for each fault."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("；".join(faults))
        self.faults = faults


@dataclass
class _Memory:
    """Which rows the files brought before, and which they bring now: digests by the digest of their keys."""

    before: Mapping[str, str]
    digest: Callable[[str], str]
    now: dict[str, str] = field(default_factory=dict)

    def touched(self, table: Table[Any], change: Change) -> bool:
        """Say whether people changed or deleted a row since it was loaded; what they did not is remembered anew."""
        mark = _digest(f"{table.code}|{table.mark_of(change.new)}")
        if change.old is None:
            touched = mark in self.before
        else:
            own = self.before.get(mark) != self._content(table, change.old) or table.code in ONLY_NEW
            touched = own and bool(planning.differing(table, change.old, change.new))
        if not touched:
            self.now[mark] = self._content(table, change.new)
        return touched

    def _content(self, table: Table[Any], row: Row) -> str:
        """Return the digest of a row under the database's own key: a row has a phone, which could be guessed."""
        exported = (column for column in table.exported if column.code != "id")
        counts = [column.code for column in exported if row[column.code] or not column.late]
        return self.digest(_digest(json.dumps([row[code] for code in counts])))[:MARK_CHARACTERS]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:MARK_CHARACTERS]


def load_city(store: Store, folder: Path = SAMPLE, now: datetime | None = None) -> dict[str, int]:
    """Load the city in `folder` and return how many rows of each file there were. Raises CityError.

    The sample city gets a duty roster of the days after `now` as well.
    """
    files, guide = _read(folder)
    sample = folder == SAMPLE
    with store.read() as book:
        plans, _ = _plans(book, files, sample=sample)
    hashes = _hashes(plans["staff"])
    with store.write() as book:
        book.lock_city()
        plans, memory = _plans(book, files, sample=sample)
        for code, ready in plans.items():
            saving = Saving.of(book)
            saving.hashes, saving.sample, saving.loading = hashes, sample, True
            planning.put(book, TABLES[code], ready, saving)
        book.remember_loaded({**memory.before, **memory.now})
        _save_guide(book, guide)
        if sample:
            sample_duties.make(book, now or datetime.now(UTC))
    counts = {FILES[code]: len(sheet.lines) for code, sheet in files.items()}
    return counts | {GUIDE: len(guide)}


def _hashes(staff: Plan) -> dict[str, str]:
    """Return the hashes of the passwords in the file; an account without one cannot log in until it gets one."""
    return begin([change for change in staff.changes if change.new["password"]])[0]


def _read(folder: Path) -> tuple[dict[str, Sheet], list[dict[str, str]]]:
    """Return the sheets of all tables that there are files of, and the guide."""
    files: dict[str, Sheet] = {}
    faults: list[str] = []
    for code, file in FILES.items():
        path = folder / file
        if code not in NEEDED and not path.exists():
            continue
        try:
            files[code] = grids.sheet_of(path.read_text(encoding="utf-8-sig")) if code == "grids" else read(path)
        except ExchangeError as error:
            faults += [f"{file} {fault.removeprefix(f'{file}：')}" for fault in error.faults]
        except (OSError, UnicodeDecodeError) as error:
            faults.append(f"{file} 读不了：{error}")
    guide = _read_guide(folder / GUIDE, faults)
    if faults:
        raise CityError(faults)
    return files, guide


def _plans(book: Book, files: Mapping[str, Sheet], *, sample: bool) -> tuple[dict[str, Plan], _Memory]:
    """Return what each file would do, in order. Raises CityError with the faults of all."""
    world, memory = registry.world(book), _Memory(book.loaded(), book.digest)
    world.sample = sample
    plans: dict[str, Plan] = {}
    faults: list[str] = []
    for code, sheet in files.items():
        table = TABLES[code]
        if not sheet.lines and code not in NEEDED:
            continue
        ready = planning.plan(table, sheet, world, partial(memory.touched, table))
        plans[code] = ready
        faults += [f"{FILES[code]} {fault}" for fault in ready.faults]
    bare = {row["code"] for row in world.rows("units").values() if row["kind"] == "grid"} - set(world.rows("grids"))
    if not plans["units"].faults and not plans["grids"].faults:
        brought = [line.row.get("code") for line in files["units"].lines]
        faults += [f"units.csv 网格 {code} 在 grids.geojson 里没有多边形" for code in brought if code in bare]
    if faults:
        raise CityError(faults)
    return plans, memory


def _read_guide(path: Path, faults: list[str]) -> list[dict[str, str]]:
    if not path.exists():
        return []
    try:
        sheet = read(path)
    except ExchangeError as error:
        faults += error.faults
        return []
    missing = [name for name in GUIDE_FIELDS if name not in sheet.columns]
    if missing:
        faults.append(f"{GUIDE} 缺少列：{'、'.join(missing)}")
        return []
    for line in sheet.lines:
        if not (line.row["title"] and line.row["what"]):
            faults.append(f"{GUIDE} 第 {line.number} 行：title 和 what 不能空")
        if line.row["elsewhere"] not in YES_NO:
            faults.append(f"{GUIDE} 第 {line.number} 行：elsewhere 应为 yes 或 no")
    return [line.row for line in sheet.lines]


def _save_guide(book: Book, rows: list[dict[str, str]]) -> None:
    """Add what the guide does not have; what is there belongs to the administrator."""
    known = {row.title for row in book.guide()}
    for row in rows:
        if row["title"] not in known:
            book.add(
                GuideRow(
                    title=row["title"],
                    names=[each.strip() for each in row["names"].split(";") if each.strip()],
                    what=row["what"],
                    where_to=row["where"],
                    hours=row["hours"],
                    papers=row["papers"],
                    phone=row["phone"],
                    elsewhere=row["elsewhere"] == YES,
                )
            )
