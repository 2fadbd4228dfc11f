"""A case's place on an empty canvas: its grid, the grids around it, and the point."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from cases.numbers import number_of
from web.console.present import MapView

if TYPE_CHECKING:
    from collections.abc import Callable

    from cases.city import City
    from cases.storage.tables import CaseRow

WIDTH, HEIGHT, MARGIN = 320.0, 200.0, 24.0
Position = tuple[float, float]


def map_view(city: City, case: CaseRow) -> MapView | None:
    """Return the drawing for a case with a known grid, or None."""
    if case.grid_id is None or case.grid_id not in city.polygons:
        return None
    ring = _ring(city.polygons[case.grid_id])
    place = _projection(ring)
    others = [_ring(polygon) for unit_id, polygon in city.polygons.items() if unit_id != case.grid_id]
    paths = [_path(other, place) for other in others if any(_visible(place(point)) for point in other)]
    point = place((case.lon, case.lat)) if case.lon is not None and case.lat is not None else None
    return MapView(_path(ring, place), tuple(paths), point, city.units[case.grid_id].name)


def way_to(case: CaseRow) -> str:
    """Return an address that opens the way to a case's point in a map app, or an empty string.

    Source: 高德 URI API; the point is WGS-84, and the name says the case's number, nothing of its words.
    """
    if case.lon is None or case.lat is None:
        return ""
    to = {"to": f"{case.lon:.6f},{case.lat:.6f},工单{number_of(case.id)}", "mode": "walk", "coordinate": "wgs84"}
    return f"https://uri.amap.com/navigation?{urlencode({**to, 'callnative': 1})}"


def _ring(polygon: dict[str, Any]) -> list[Position]:
    return [(float(lon), float(lat)) for lon, lat, *_ in polygon["coordinates"][0]]


def _projection(ring: list[Position]) -> Callable[[Position], Position]:
    """Return the way from degrees to the canvas that fits this ring in the middle."""
    lons, lats = [lon for lon, _ in ring], [lat for _, lat in ring]
    middle_lon, middle_lat = (min(lons) + max(lons)) / 2, (min(lats) + max(lats)) / 2
    shrink = math.cos(math.radians(middle_lat))
    width, height = (max(lons) - min(lons)) * shrink or 1e-9, max(lats) - min(lats) or 1e-9
    scale = min((WIDTH - 2 * MARGIN) / width, (HEIGHT - 2 * MARGIN) / height)

    def place(point: Position) -> Position:
        lon, lat = point
        x, y = (lon - middle_lon) * shrink * scale + WIDTH / 2, (middle_lat - lat) * scale + HEIGHT / 2
        return round(x, 1), round(y, 1)

    return place


def _path(ring: list[Position], place: Callable[[Position], Position]) -> str:
    return "M" + "L".join(f"{x} {y}" for x, y in map(place, ring)) + "Z"


def _visible(point: Position) -> bool:
    return 0 <= point[0] <= WIDTH and 0 <= point[1] <= HEIGHT
