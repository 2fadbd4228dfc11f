"""The shapes of grids (网格边界) as GeoJSON: reading, checking, comparing, and what lies on top of what."""

from __future__ import annotations

import json
import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

from shapely import Polygon, STRtree
from shapely.validation import explain_validity

from cases.geo import METRES_PER_DEGREE
from cases.registry.columns import NO, Column
from cases.registry.table import Table
from cases.sheets import ExchangeError, Line, Sheet
from cases.storage.tables import UnitRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from cases.registry.table import Change, Saving
    from cases.registry.world import Row, World
    from cases.storage import Book

# A seventh decimal of a degree is a centimetre.
DECIMALS = 7
EAST, NORTH = 180, 90
# From this part of a grid's area on, somebody should look at what two grids have in common.
OVERLAP = 0.05
SHOWN_OVERLAPS = 20
LEAST_SQUARE_METRES = 1.0
MOST_CORNERS = 2000
RING = 4
WGS_84 = ("CRS84", "4326", "WGS84", "WGS 84")
FAULTS = {
    "Self-intersection": "边线自己交叉了",
    "Ring Self-intersection": "边线自己交叉了",
    "Hole lies outside shell": "洞在边界外面",
    "Nested shells": "里外套反了",
    "Duplicate Rings": "有重复的边线",
    "Too few points": "角不够，至少三个",
}


class Grids(Table[UnitRow]):
    """The polygon of each grid in use, in WGS-84. The grids themselves are units."""

    code = "grids"
    name = "网格边界"
    about = "每个网格在地图上的范围（GeoJSON，WGS-84）。居民发来的定位靠它找到网格。"
    icon = "map"
    columns: ClassVar = (
        Column("code", "编号", kind="code", need=True, longest=60),
        Column("name", "名称"),
        Column("geometry", "边界", kind="geometry", need=True, longest=400_000),
    )
    keys = ("code",)
    shown = ("name", "code")
    deletes = False
    row_word = "第 {number} 个图形"
    kept = UnitRow

    def settle(self, row: Row, world: World) -> Row:
        """Return a row with the grid's name as units have it, and the shape in its one form where it can be read."""
        named = world.rows("units").get(row["code"], {}).get("name", row["name"])
        try:
            return {**row, "name": named, "geometry": tidy(row["geometry"])}
        except ValueError:
            return {**row, "name": named}

    def check(self, row: Row, old: Row | None, world: World) -> Iterator[tuple[str, str]]:
        """Check that there is such a grid, and its shape."""
        unit = world.rows("units").get(row["code"])
        if unit is None or unit["kind"] != "grid":
            yield "code", f"没有编号是 {row['code']} 的网格，请先在“单位”里加上"
        elif unit["off"] != NO:
            yield "code", f"{unit['name']}已经停用"
        try:
            polygon_of(row["geometry"])
        except ValueError as error:
            yield "geometry", str(error)

    def warn(self, changes: Sequence[Change], world: World) -> Iterator[str]:
        """Yield which of these grids lie on others."""
        rows = {code: row["geometry"] for code, row in world.rows("grids").items()}
        found = overlaps(rows, {change.new["code"] for change in changes})
        for code, other, share in found[:SHOWN_OVERLAPS]:
            names = [world.rows("grids")[each]["name"] or each for each in (code, other)]
            yield f"{names[0]}有 {share:.0%} 的面积和{names[1]}重叠"
        if len(found) > SHOWN_OVERLAPS:
            yield f"还有 {len(found) - SHOWN_OVERLAPS} 处重叠"

    def text(self, kept: UnitRow, saving: Saving) -> Row:
        """Return a grid's shape as values."""
        geometry = json.dumps(_rounded(kept.polygon or {}), separators=(",", ":"))
        return {"code": kept.code, "name": kept.name, "geometry": geometry}

    def fill(self, kept: UnitRow, row: Row, saving: Saving) -> None:
        """Put a shape into a grid."""
        kept.polygon = json.loads(row["geometry"])

    def all(self, book: Book) -> Sequence[UnitRow]:
        """Return the grids in use that have a shape."""
        return [unit for unit in book.units() if unit.kind == "grid" and unit.active and unit.polygon]

    def count(self, book: Book) -> int:
        """Return how many grids have a shape."""
        return len(self.all(book))

    def save(self, book: Book, changes: Sequence[Change], saving: Saving) -> None:
        """Write shapes; the grids are there."""
        units = {unit.code: unit for unit in book.units()}
        for change in changes:
            self.fill(units[change.new["code"]], change.new, saving)
        book.flush()


def sheet_of(text: str) -> Sheet:
    """Return the features of a GeoJSON collection as lines, the first with number 1. Raises ExchangeError."""
    try:
        found = json.loads(text, parse_float=_finite, parse_constant=_finite)
        features = [found] if found["type"] == "Feature" else found["features"]
        lines = [Line(number, _line(feature)) for number, feature in enumerate(features, start=1)]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        words = str(error) if "坐标" in str(error) else "不是 GeoJSON 的 FeatureCollection"
        raise ExchangeError([f"读不了：{words}"]) from error
    system = json.dumps(found.get("crs", "CRS84"))
    if not any(name in system for name in WGS_84):
        raise ExchangeError(["坐标系要用 WGS-84（EPSG:4326），请转换后再导入"])
    return Sheet(("code", "name", "geometry"), tuple(lines))


def _line(feature: dict[str, Any]) -> dict[str, str]:
    properties = feature.get("properties") or {}
    geometry = json.dumps(feature.get("geometry"))
    return {"code": str(properties.get("code") or ""), "name": str(properties.get("name") or ""), "geometry": geometry}


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} 不是坐标")
    return number


def collection(rows: Iterable[Row]) -> bytes:
    """Return shapes as a GeoJSON collection, one feature a line."""
    features = (
        '{"type":"Feature","properties":'
        + json.dumps({"code": row["code"], "name": row["name"]}, ensure_ascii=False)
        + f',"geometry":{row["geometry"]}}}'
        for row in rows
    )
    return ('{"type":"FeatureCollection","features":[\n' + ",\n".join(features) + "\n]}\n").encode()


def _rounded(geometry: dict[str, Any]) -> dict[str, Any]:
    rings = [[[round(float(x), DECIMALS) for x in corner[:2]] for corner in ring] for ring in geometry["coordinates"]]
    return {"type": "Polygon", "coordinates": rings}


def tidy(text: str) -> str:
    """Return a polygon in its one form: two coordinates a corner, seven decimals. Raises ValueError."""
    return json.dumps(_rounded(_read(text)), separators=(",", ":"))


def _read(text: str) -> dict[str, Any]:
    """Return a geometry that has the form of a polygon. Raises ValueError with the fault in words."""
    try:
        geometry = json.loads(text, parse_float=_finite, parse_constant=_finite)
    except (ValueError, RecursionError):
        raise ValueError("坐标看不懂，应是 GeoJSON 的 Polygon") from None
    if isinstance(geometry, dict) and geometry.get("type") == "MultiPolygon":
        raise ValueError("一个网格只能是一块（Polygon），现在有好几块（MultiPolygon）")
    if not isinstance(geometry, dict) or geometry.get("type") != "Polygon" or not geometry.get("coordinates"):
        raise ValueError("没有边界，应是 GeoJSON 的 Polygon")
    rings = geometry["coordinates"]
    if not (_listed(rings) and all(_listed(ring) and all(_is_corner(corner) for corner in ring) for ring in rings)):
        raise ValueError("坐标要写成 [经度, 纬度]")
    return geometry


def _listed(value: object) -> bool:
    return isinstance(value, list)


def _is_corner(corner: object) -> bool:
    return (
        isinstance(corner, list)
        and len(corner) >= 2  # noqa: PLR2004 - longitude and latitude
        and all(isinstance(part, int | float) and not isinstance(part, bool) for part in corner)
    )


@lru_cache(maxsize=5_000)
def polygon_of(text: str) -> Polygon:
    """Return the shape of a value. Raises ValueError with the fault in plain words.

    Cached: in one import each shape is looked at several times.
    """
    rings = _read(text)["coordinates"]
    corners = [corner for ring in rings for corner in ring]
    if len(corners) > MOST_CORNERS:
        raise ValueError(f"角太多了，最多 {MOST_CORNERS} 个，请先简化")
    for ring in rings:
        if len(ring) < RING or ring[0] != ring[-1]:
            raise ValueError("边线没有闭合：至少三个角，最后一个点要回到第一个点")
    for lon, lat, *_ in corners:
        if abs(lon) > EAST or abs(lat) > NORTH:
            swapped = "；经度和纬度是不是写反了？" if abs(lon) <= NORTH and abs(lat) <= EAST else ""
            raise ValueError(f"[{lon}, {lat}] 超出了经纬度的范围{swapped}")
    return _sound(Polygon(rings[0], rings[1:]))


def _sound(polygon: Polygon) -> Polygon:
    if not polygon.is_valid:
        said, _, place = explain_validity(polygon).partition("[")
        where = f"，在 {place.rstrip(']')} 附近" if place else ""
        raise ValueError(FAULTS.get(said, "形状不对") + where)
    if square_metres(polygon) < LEAST_SQUARE_METRES:
        raise ValueError("面积几乎是零")
    return polygon


def square_metres(polygon: Polygon) -> float:
    """Return the area of a polygon in degrees, in square metres on a flat earth."""
    shrink = math.cos(math.radians(polygon.centroid.y)) if not polygon.is_empty else 1.0
    return float(polygon.area) * METRES_PER_DEGREE**2 * shrink


def overlaps(shapes: dict[str, str], looked_at: set[str]) -> list[tuple[str, str, float]]:
    """Return pairs of grids that have more than OVERLAP of the first one's area in common, the most first.

    The first of a pair is one of those looked at; where both are, the one with the larger part.
    """
    codes = list(shapes)
    polygons = [polygon_of(shapes[code]) for code in codes]
    tree = STRtree(polygons)
    found: dict[frozenset[str], tuple[str, str, float]] = {}
    for at, code in enumerate(codes):
        if code not in looked_at:
            continue
        for other in tree.query(polygons[at], predicate="intersects"):
            pair, share = frozenset({code, codes[other]}), _share(polygons[at], polygons[other])
            if other != at and share > max(OVERLAP, found.get(pair, ("", "", 0.0))[2]):
                found[pair] = code, codes[other], share
    return sorted(found.values(), key=lambda each: -each[2])


def _share(polygon: Polygon, other: Polygon) -> float:
    return float(polygon.intersection(other).area / polygon.area)


def area_change(old: str, new: str) -> float:
    """Return by which part of the old area a grid would grow (negative: shrink)."""
    before, after = polygon_of(old), polygon_of(new)
    return square_metres(after) / square_metres(before) - 1
