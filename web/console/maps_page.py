"""`地图`: a person's open cases on their grids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import jsonify, render_template, request, url_for

from bot.assembly import utc_now
from cases import access, handling
from web.console import shape
from web.console.frame import frame
from web.console.session import Page, only

if TYPE_CHECKING:
    from flask import Blueprint

    from bot.assembly import House
    from cases.access import Actor
    from cases.city import City
    from cases.handling import ListOf
    from cases.storage import Book

# A map with more points than this tells less, not more; the page says how many are left out.
MOST = 500
LOOKERS = access.HANDLING_ROLES | {"dispatcher", "leader"}
LISTS = ("mine", "all", "supervised", "attention")


def register(routes: Blueprint, house: House) -> None:
    """Add the page, and what it draws."""
    routes.get("/map", endpoint="map")(only(LOOKERS, _show, house, writes=False))
    routes.get("/map.json", endpoint="map_data")(only(LOOKERS, _data, house, writes=False))


def _chosen(city: City, me: Actor) -> tuple[list[ListOf], ListOf]:
    """Return the lists that make sense on a map, and the one that is asked for: by default all."""
    lists = [each for each in handling.lists_of(city, me) if each.key in LISTS]
    wanted = request.args.get("list", "all")
    return lists, next((each for each in lists if each.key == wanted), lists[0])


def _show(book: Book, city: City, me: Actor) -> Page:
    lists, chosen = _chosen(city, me)
    total, drawn = book.count(chosen.scope), len(book.on_map(chosen.scope, MOST))
    return render_template(
        "console/map.html", **frame(book, city, me), choices=lists, chosen=chosen, total=total, drawn=drawn, most=MOST
    )


def _data(book: Book, city: City, me: Actor) -> Page:
    """Return the grids of this person's area, and the cases' points, as GeoJSON in WGS-84; words are masked."""
    _, chosen = _chosen(city, me)
    now = utc_now()
    cases = book.on_map(chosen.scope, MOST)
    area = _area(city, me) | {case.grid_id for case in cases}
    grids = [_grid(city, unit_id) for unit_id in city.polygons if unit_id in area]
    features = []
    for case in cases:
        line = shape.case_line(book, city, case, now)
        shown = {
            "number": line.number,
            "title": line.title,
            "state": line.state_name,
            "due": line.due,
            "card": line.card,
            "urgent": line.urgent,
            "href": url_for("console.case", number=line.number),
        }
        features.append(_feature({"type": "Point", "coordinates": [case.lon, case.lat]}, shown))
    return jsonify(
        grids={"type": "FeatureCollection", "features": grids},
        cases={"type": "FeatureCollection", "features": features},
    )


def _area(city: City, me: Actor) -> set[int | None]:
    """Return the grids of this person's part of the city; a department's part is all of it."""
    if me.role in {"department", "dispatcher"}:
        return set(city.polygons)
    return {unit_id for unit_id in city.polygons if city.units[unit_id].path.startswith(me.unit_path)}


def _grid(city: City, unit_id: int) -> dict[str, Any]:
    return _feature(city.polygons[unit_id], {"name": city.units[unit_id].name})


def _feature(geometry: object, properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Feature", "geometry": geometry, "properties": properties}
