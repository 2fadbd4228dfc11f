"""Loading a city from files: all of it or nothing, with every fault named by file and row.

A city is a folder with `units.csv`, `grids.geojson`, `places.csv`, `categories.csv`, `staff.csv` and, if there is an
office guide, `guide.csv`; the sample city in `cases/sample` is the model. Loading again updates by code and keeps what
staff have changed in use; the guide is only added to.
"""

from __future__ import annotations

import csv
import json
import math
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cases import accounts
from cases.city import VERSION_KEY
from cases.places import parse_numbers
from cases.storage.tables import CategoryRow, GuideRow, PlaceRow, UnitRow
from cases.words import ROLES, UNIT_KINDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from cases.storage import Book, Store

SAMPLE = Path(__file__).parent / "sample"
CORPUS = SAMPLE / "corpus"
FIELDS = {
    "units.csv": ("code", "name", "kind", "parent", "phone"),
    "places.csv": ("name", "aliases", "kind", "grid", "numbers", "lon", "lat"),
    "categories.csv": (
        "group", "group_name", "code", "name", "queue", "needs_place", "urgent",
        "accept_hours", "contact_hours", "finish_hours",
    ),
    "staff.csv": ("login", "name", "role", "unit", "phone", "password"),
    "guide.csv": ("title", "names", "what", "where", "hours", "papers", "phone", "elsewhere"),
}  # fmt: skip
OPTIONAL = {"guide.csv"}
YES_NO = {"yes": True, "no": False}


class CityError(Exception):
    """The files cannot be loaded; `faults` has one line for each fault."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("；".join(faults))
        self.faults = faults


@dataclass
class _Draft:
    """The rows of all files, and the faults found while reading them."""

    rows: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    polygons: dict[str, dict[str, Any]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def check(self, file: str, row: int, *checks: tuple[bool, str]) -> None:
        """Note the fault of each check that does not hold."""
        self.faults += [f"{file} 第 {row} 行：{fault}" for holds, fault in checks if not holds]


def load_city(store: Store, folder: Path = SAMPLE) -> dict[str, int]:
    """Load the city in `folder` and return how many rows of each file there were. Raises CityError."""
    draft = _read(folder)
    _validate(draft)
    if draft.faults:
        raise CityError(draft.faults)
    with store.write() as book:
        units = _save_units(book, draft)
        _save_categories(book, draft.rows["categories.csv"])
        book.replace_places(_place(row, units) for row in draft.rows["places.csv"])
        _save_guide(book, draft.rows["guide.csv"])
        accounts.import_staff(book, draft.rows["staff.csv"], units, sample=folder == SAMPLE)
        book.set_meta(VERSION_KEY, uuid.uuid4().hex)
    return {file: len(rows) for file, rows in draft.rows.items()} | {"grids.geojson": len(draft.polygons)}


def _read(folder: Path) -> _Draft:
    draft = _Draft()
    for file, fields in FIELDS.items():
        if file in OPTIONAL and not (folder / file).exists():
            draft.rows[file] = []
            continue
        try:
            with (folder / file).open(encoding="utf-8-sig", newline="") as stream:
                reader = csv.DictReader(stream)
                missing = set(fields) - set(reader.fieldnames or ())
                draft.rows[file] = [] if missing else [_stripped(row) for row in reader]
        except (OSError, UnicodeDecodeError) as error:
            draft.faults.append(f"{file} 读不了：{error}")
            continue
        if missing:
            draft.faults.append(f"{file} 缺少列：{'、'.join(sorted(missing))}")
    try:
        collection = json.loads(
            (folder / "grids.geojson").read_text(encoding="utf-8"), parse_float=_finite, parse_constant=_finite
        )
        draft.polygons = {item["properties"]["code"]: item["geometry"] for item in collection["features"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        draft.faults.append(f"grids.geojson 读不了：{error!r}")
    return draft


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} 不是坐标")
    return number


def _stripped(row: dict[str | Any, str | Any]) -> dict[str, str]:
    return {str(key): str(value or "").strip() for key, value in row.items() if key}


def _validate(draft: _Draft) -> None:
    if draft.faults:
        return
    kinds = _validate_units(draft)
    grids = {code for code, kind in kinds.items() if kind == "grid"}
    for number, row in enumerate(draft.rows["places.csv"], start=2):
        draft.check(
            "places.csv",
            number,
            (len(row["name"]) > 1, "name 至少两个字"),
            (row["grid"] in grids, f"网格 {row['grid']} 不存在"),
            (_parses(parse_numbers, row["numbers"]), "numbers 应写成 1-8栋 或 1-99号"),
            (_between(-180, row["lon"], 180) and _between(-90, row["lat"], 90), "经纬度不是数字，或者超出范围"),
        )
    _validate_categories(draft, {*kinds, "grid", "street"})
    for number, row in enumerate(draft.rows["guide.csv"], start=2):
        draft.check(
            "guide.csv",
            number,
            (bool(row["title"] and row["what"]), "title 和 what 不能空"),
            (row["elsewhere"] in YES_NO, "elsewhere 应为 yes 或 no"),
        )
    for number, row in enumerate(draft.rows["staff.csv"], start=2):
        draft.check(
            "staff.csv",
            number,
            (bool(row["login"] and row["name"]), "login 和 name 不能空"),
            (row["role"] in ROLES, f"角色 {row['role']} 不认识"),
            (row["unit"] in kinds, f"单位 {row['unit']} 不存在"),
        )


def _validate_units(draft: _Draft) -> dict[str, str]:
    """Check units and polygons, and return the kind of each unit."""
    kinds: dict[str, str] = {}
    for number, row in enumerate(draft.rows["units.csv"], start=2):
        draft.check(
            "units.csv",
            number,
            (bool(row["code"]) and row["code"] not in kinds, "code 为空或重复"),
            (row["kind"] in UNIT_KINDS, f"kind {row['kind']} 不认识"),
            (not row["parent"] or row["parent"] in kinds, "parent 应在它前面出现"),
        )
        kinds[row["code"]] = row["kind"]
    grids = {code for code, kind in kinds.items() if kind == "grid"}
    if list(kinds.values()).count("dispatch") != 1:
        draft.faults.append("units.csv 应有且只有一个派单台（kind=dispatch）")
    strangers, bare = sorted(set(draft.polygons) - grids), sorted(grids - set(draft.polygons))
    draft.faults += [f"grids.geojson：{code} 不是 units.csv 里的网格" for code in strangers]
    draft.faults += [f"units.csv：网格 {code} 在 grids.geojson 里没有多边形" for code in bare]
    return kinds


def _validate_categories(draft: _Draft, queues: set[str]) -> None:
    for number, row in enumerate(draft.rows["categories.csv"], start=2):
        hours = (row["accept_hours"], row["contact_hours"], row["finish_hours"])
        draft.check(
            "categories.csv",
            number,
            (bool(row["code"]), "code 不能空"),
            (row["queue"] in queues, f"队列 {row['queue']} 不存在"),
            (row["needs_place"] in YES_NO and row["urgent"] in YES_NO, "needs_place 和 urgent 应为 yes 或 no"),
            (all(_between(0, value, math.inf) for value in hours), "时限应为大于 0 的小时数"),
        )


def _parses(parse: Callable[[str], object], text: str) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True


def _between(low: float, text: str, high: float) -> bool:
    """Say whether `text` is a number between these two, and neither of them."""
    try:
        return low < float(text) < high
    except ValueError:
        return False


def _save_units(book: Book, draft: _Draft) -> dict[str, UnitRow]:
    units = {unit.code: unit for unit in book.units()}
    for row in draft.rows["units.csv"]:
        parent = units.get(row["parent"])
        unit = units.get(row["code"]) or UnitRow(code=row["code"], path="")
        unit.name, unit.kind, unit.phone = row["name"], row["kind"], row["phone"]
        unit.former_codes = _listed(row.get("former_codes", ""))
        unit.parent_id = parent.id if parent else None
        unit.polygon = draft.polygons.get(row["code"])
        book.add(unit)
        unit.path = f"{parent.path if parent else '/'}{unit.id}/"
        units[unit.code] = unit
    return units


def _save_categories(book: Book, rows: list[dict[str, str]]) -> None:
    for row in rows:
        category = book.get(CategoryRow, row["code"]) or CategoryRow(code=row["code"])
        category.name, category.group_name, category.queue = row["name"], row["group_name"], row["queue"]
        category.needs_place, category.urgent = YES_NO[row["needs_place"]], YES_NO[row["urgent"]]
        category.accept_hours = float(row["accept_hours"])
        category.contact_hours = float(row["contact_hours"])
        category.finish_hours = float(row["finish_hours"])
        book.add(category)


def _save_guide(book: Book, rows: list[dict[str, str]]) -> None:
    """Add what the guide does not have; what is there belongs to the administrator."""
    known = {row.title for row in book.guide()}
    for row in rows:
        if row["title"] not in known:
            book.add(
                GuideRow(
                    title=row["title"],
                    names=_listed(row["names"]),
                    what=row["what"],
                    where_to=row["where"],
                    hours=row["hours"],
                    papers=row["papers"],
                    phone=row["phone"],
                    elsewhere=YES_NO[row["elsewhere"]],
                )
            )


def _listed(text: str) -> list[str]:
    return [each.strip() for each in text.split(";") if each.strip()]


def _place(row: dict[str, str], units: dict[str, UnitRow]) -> PlaceRow:
    return PlaceRow(
        name=row["name"],
        aliases=_listed(row["aliases"]),
        kind=row["kind"],
        grid_id=units[row["grid"]].id,
        numbers=row["numbers"],
        lon=float(row["lon"]),
        lat=float(row["lat"]),
    )
