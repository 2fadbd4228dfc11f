"""Points and polygons: from WeChat's GCJ-02 to WGS-84 once, at the edge, and from a point to its grid."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from shapely import STRtree
from shapely.geometry import Point, shape

if TYPE_CHECKING:
    from collections.abc import Mapping

_SEMI_MAJOR = 6378245.0
_ECCENTRICITY = 0.00669342162296594323


def wgs_to_gcj(lon: float, lat: float) -> tuple[float, float]:
    """Return a WGS-84 point in GCJ-02, degrees. Source: the published eviltransform formulas."""
    east, north = _shift(lon - 105.0, lat - 35.0)
    radians = math.radians(lat)
    magic = 1 - _ECCENTRICITY * math.sin(radians) ** 2
    root = math.sqrt(magic)
    north = north * 180 / (_SEMI_MAJOR * (1 - _ECCENTRICITY) / (magic * root) * math.pi)
    east = east * 180 / (_SEMI_MAJOR / root * math.cos(radians) * math.pi)
    return lon + east, lat + north


def gcj_to_wgs(lon: float, lat: float) -> tuple[float, float]:
    """Return a GCJ-02 point in WGS-84, degrees, to better than a centimetre (three fixed-point steps)."""
    wgs_lon, wgs_lat = lon, lat
    for _ in range(3):
        gcj_lon, gcj_lat = wgs_to_gcj(wgs_lon, wgs_lat)
        wgs_lon, wgs_lat = wgs_lon + lon - gcj_lon, wgs_lat + lat - gcj_lat
    return wgs_lon, wgs_lat


def _shift(x: float, y: float) -> tuple[float, float]:
    """Return the offset in metres east and north."""
    pi = math.pi
    common = (20 * math.sin(6 * x * pi) + 20 * math.sin(2 * x * pi)) * 2 / 3
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * math.sqrt(abs(x)) + common
    east += (20 * math.sin(x * pi) + 40 * math.sin(x / 3 * pi)) * 2 / 3
    east += (150 * math.sin(x / 12 * pi) + 300 * math.sin(x / 30 * pi)) * 2 / 3
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * math.sqrt(abs(x)) + common
    north += (20 * math.sin(y * pi) + 40 * math.sin(y / 3 * pi)) * 2 / 3
    north += (160 * math.sin(y / 12 * pi) + 320 * math.sin(y * pi / 30)) * 2 / 3
    return east, north


class GridIndex:
    """Finds the grid that a point lies in."""

    def __init__(self, polygons: Mapping[int, dict[str, Any]]) -> None:
        self._ids = list(polygons)
        self._shapes = [shape(geometry) for geometry in polygons.values()]
        self._tree = STRtree(self._shapes)

    def find(self, lon: float, lat: float) -> int | None:
        """Return the id of the grid whose polygon covers the WGS-84 point, the first one on a shared edge."""
        hits = sorted(self._tree.query(Point(lon, lat), predicate="covered_by"))
        return self._ids[hits[0]] if hits else None
