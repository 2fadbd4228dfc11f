"""Points and polygons: from WeChat's GCJ-02 to WGS-84 once, at the edge, and from a point to its grid."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shapely import STRtree, transform
from shapely.geometry import Point, shape

if TYPE_CHECKING:
    from collections.abc import Mapping

METRES_PER_DEGREE = 111_320.0
# Nearer to an edge than this a point is on it: polygons are drawn, and points converted, no better.
EDGE_METRES = 2.0
# So far from the nearest grid a point still is somebody's here.
GAP_METRES = 300.0
CANDIDATES = 2
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


def metres(lon: float, lat: float, other_lon: float, other_lat: float) -> float:
    """Return the distance in metres between two points (WGS-84) of one city, on a flat earth."""
    east = (lon - other_lon) * math.cos(math.radians(lat))
    return math.hypot(east, lat - other_lat) * METRES_PER_DEGREE


@dataclass(frozen=True)
class Nearby:
    """The grids of a point: the one that it lies in, or the nearest two where it lies between them or beside them."""

    grids: tuple[int, ...]
    inside: bool = True

    @property
    def sure(self) -> bool:
        """Say whether there is one grid and the point lies in it."""
        return self.inside and len(self.grids) == 1


class GridIndex:
    """Finds the grid that a point lies in, and which lie near it. Distances are metres on a flat earth."""

    def __init__(self, polygons: Mapping[int, dict[str, Any]]) -> None:
        self._ids = list(polygons)
        shapes = [shape(geometry) for geometry in polygons.values()]
        middle = sum(each.centroid.y for each in shapes) / len(shapes) if shapes else 0.0
        self._scale = METRES_PER_DEGREE * math.cos(math.radians(middle)), METRES_PER_DEGREE
        self._shapes = [transform(each, lambda points: points * self._scale) for each in shapes]
        self._tree = STRtree(self._shapes)

    def near(self, lon: float, lat: float) -> Nearby:
        """Return the grids of a WGS-84 point: one; two on an edge or in a gap; none far from all."""
        point = Point(lon * self._scale[0], lat * self._scale[1])
        touched = self._nearest(point, EDGE_METRES)
        if touched:
            return Nearby(touched)
        return Nearby(self._nearest(point, GAP_METRES), inside=False)

    def find(self, lon: float, lat: float) -> int | None:
        """Return the id of the grid that a point surely lies in."""
        near = self.near(lon, lat)
        return near.grids[0] if near.sure else None

    def _nearest(self, point: Point, metres: float) -> tuple[int, ...]:
        hits = self._tree.query(point, predicate="dwithin", distance=metres)
        ranked = sorted(hits, key=lambda at: (self._shapes[at].distance(point), at))
        return tuple(self._ids[at] for at in ranked[:CANDIDATES])
