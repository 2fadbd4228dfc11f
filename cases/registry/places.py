"""Places (地点): the gazetteer that the bot finds streets, estates and schools in."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cases.places import MINIMUM, parse_numbers
from cases.registry.columns import YES, Column, listed, plain_number
from cases.registry.table import Saving, Table
from cases.storage.tables import PlaceRow

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cases.registry.table import Change
    from cases.registry.world import Row, World
    from cases.storage import Book

# A number with fewer digits than this is one that a database's integer holds.
ID_DIGITS = 10
PLACE_KINDS = ("小区", "道路", "学校", "单位", "市场", "医院", "公园", "商场", "桥", "广场", "车站", "村")


class Places(Table[PlaceRow]):
    """Named places, or the parts of them with these house numbers, each in a grid.

    A row with a number (编号) means that place, whatever else changes in it; one without means the place with the same
    name, house numbers and grid.
    """

    code = "places"
    name = "地点"
    about = "小区、道路、学校……居民说到哪儿，就靠它找到网格。"
    icon = "geo-alt"
    columns: ClassVar = (
        Column("id", "编号", kind="whole", low=0, hint="系统给的，新加的不用填"),
        Column("name", "名称", need=True),
        Column("aliases", "别名", kind="list", longest=400, hint="居民还会怎么叫，几个之间用分号"),
        Column("kind", "类型", longest=20, hint="、".join(PLACE_KINDS)),
        Column("grid", "网格", need=True, refers="units", hint="写编号，名称没有重的也行"),
        Column("numbers", "门牌", longest=40, hint="写成 1-8栋 或 1-99号；不分门牌就不填"),
        Column("lon", "经度", kind="number", need=True, low=-180, high=180, hint="WGS-84（GPS）的，如 117.00951"),
        Column("lat", "纬度", kind="number", need=True, low=-90, high=90, hint="WGS-84（GPS）的，如 36.65872"),
    )
    keys = ("id",)
    shown = ("name", "numbers", "kind", "grid", "aliases")
    searched = ("name", "numbers")
    filtered = "kind"
    order = ("name", "id")
    unit_attribute = "grid_id"
    renames = True
    kept = PlaceRow

    def __init__(self) -> None:
        self._numbers: tuple[object, dict[tuple[str, ...], str]] = (None, {})

    def key_of(self, row: Row) -> str:
        """Return a place's number, or what tells it from others while it has none."""
        return row["id"] or "|".join(_natural(row))

    def mark_of(self, row: Row) -> str:
        """Return what tells a place from others without its number."""
        return "|".join(_natural(row))

    def title_of(self, row: Row) -> str:
        """Return a place's name with its house numbers."""
        return row["name"] + row["numbers"]

    def settle(self, row: Row, world: World) -> Row:
        """Return a row with its grid, and with the number of the place that it means."""
        row = super().settle(row, world)
        return row if row["id"] else {**row, "id": self._number_of(row, world)}

    def _number_of(self, row: Row, world: World) -> str:
        rows = world.rows("places")
        if self._numbers[0] is not rows:
            self._numbers = rows, {_natural(each): each["id"] for each in rows.values()}
        return self._numbers[1].get(_natural(row), "")

    def check(self, row: Row, old: Row | None, world: World) -> Iterator[tuple[str, str]]:
        """Check name, grid and house numbers."""
        yield from self.missing(row, world)
        if row["id"] and old is None:
            yield "id", f"没有编号是 {row['id']} 的地点；新加的不用填编号"
        if len(row["name"]) < MINIMUM:
            yield "name", f"至少 {MINIMUM} 个字"
        grid = world.rows("units").get(row["grid"])
        if grid is not None and grid["kind"] != "grid":
            yield "grid", f"{grid['name']}不是网格"
        if grid is not None and grid["off"] == YES:
            yield "grid", f"{grid['name']}已经停用"
        try:
            parse_numbers(row["numbers"])
        except ValueError:
            yield "numbers", f"“{row['numbers']}”看不懂，请写成 1-8栋 或 1-99号"

    def choices(self, world: World) -> dict[str, str]:
        """Return the usual kinds of places."""
        return {kind: kind for kind in PLACE_KINDS}

    def text(self, kept: PlaceRow, saving: Saving) -> Row:
        """Return a place as values."""
        return {
            "id": str(kept.id),
            "name": kept.name,
            "aliases": ";".join(map(str, kept.aliases)),
            "kind": kept.kind,
            "grid": saving.unit_codes[kept.grid_id],
            "numbers": kept.numbers,
            "lon": plain_number(kept.lon),
            "lat": plain_number(kept.lat),
        }

    def fill(self, kept: PlaceRow, row: Row, saving: Saving) -> None:
        """Put values into a place."""
        kept.name, kept.aliases, kept.kind = row["name"], listed(row["aliases"]), row["kind"]
        kept.grid_id, kept.numbers = saving.unit_id(row["grid"]), row["numbers"]
        kept.lon, kept.lat = float(row["lon"]), float(row["lat"])

    def save(self, book: Book, changes: Sequence[Change], saving: Saving) -> None:
        """Write places; many new ones go together."""
        present = {str(place.id): place for place in book.places()} if any(each.old for each in changes) else {}
        fresh = []
        for change in changes:
            place = present[change.old["id"]] if change.old is not None else PlaceRow()
            self.fill(place, change.new, saving)
            if change.old is None:
                fresh.append(place)
        book.add_all(fresh)

    def one(self, book: Book, key: str) -> Row | None:
        """Return the place with this number as values, or None."""
        place = _place(book, key)
        return self.text(place, Saving.of(book)) if place is not None else None

    def delete(self, book: Book, key: str) -> bool:
        """Delete a place; return whether there was one."""
        place = _place(book, key)
        if place is not None:
            book.drop(place)
        return place is not None


def _place(book: Book, key: str) -> PlaceRow | None:
    return book.get(PlaceRow, int(key)) if key.isascii() and key.isdigit() and len(key) < ID_DIGITS else None


def _natural(row: Row) -> tuple[str, ...]:
    return row["name"], row["numbers"], row["grid"]
