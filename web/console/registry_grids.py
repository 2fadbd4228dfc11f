"""The grids of a street or community on an empty canvas: looked at, drawn, checked, saved."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from flask import flash, redirect, render_template, request, url_for

from bot.assembly import utc_now
from cases.registry import TABLES
from cases.registry.bringing import tell, write_down
from cases.registry.grids import DECIMALS
from web.console.frame import frame
from web.console.registry import ADMINS
from web.console.session import Page, only

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask import Blueprint

    from bot.assembly import House
    from cases.access import Actor
    from cases.city import City, Unit
    from cases.registry.plan import Plan
    from cases.storage import Book

AREAS = frozenset({"street", "community"})
# So many grids are drawn at once, and so many of those around them.
DRAWN, AROUND = 300, 150
# How far around an area its neighbours are drawn, in parts of its size.
BESIDE = 0.15


@dataclass(frozen=True)
class Sketch:
    """One grid on the canvas: its outer ring and holes in degrees; none where it was not drawn yet."""

    code: str
    name: str
    rings: Sequence[Sequence[Sequence[float]]]


@dataclass(frozen=True)
class Draft:
    """What the form holds: the grid, its geometry as text, and what the server said of it."""

    code: str
    geometry: str
    plan: Plan | None = None


def register(routes: Blueprint, house: House) -> None:
    """Add the canvas and its saving."""
    routes.get("/registry/grids", endpoint="registry_grids")(only(ADMINS, _show, house, writes=False))
    routes.post("/registry/grids/save", endpoint="registry_draw")(only(ADMINS, _save, house, writes=True))


def _show(book: Book, city: City, me: Actor) -> Page:
    picked = city.by_code.get(request.args.get("pick", ""))
    grid = picked if picked is not None and picked.kind == "grid" else None
    return _page(book, city, me, grid, None)


def _page(book: Book, city: City, me: Actor, grid: Unit | None, draft: Draft | None) -> Page:
    area = _area(city, grid)
    grids = city.grids_below(area)[:DRAWN] if area is not None else []
    grid = grid or (grids[0] if grids else None)
    if draft is None and grid is not None:
        draft = Draft(grid.code, _spread(city.polygons.get(grid.id)))
    plan = draft.plan if draft is not None else None
    sketches = [_sketch(city, each) for each in grids]
    page = render_template(
        "console/registry_grids.html",
        **frame(book, city, me, "registry"),
        area=area,
        areas=_areas(city, area),
        grids=sketches,
        bare=[each.name for each in sketches if not each.rings],
        drawing=json.dumps([asdict(each) for each in sketches], ensure_ascii=False),
        around=json.dumps(_around(city, grids)),
        draft=draft,
        plan=plan,
        total=len(city.polygons),
    )
    return page, 400 if plan is not None and plan.faults else 200


def _area(city: City, grid: Unit | None) -> Unit | None:
    """Return the street or community that is looked at: the one asked for, the grid's own, or the first."""
    asked = city.by_code.get(request.values.get("unit", ""))
    if asked is not None and asked.kind in AREAS and (grid is None or grid.path.startswith(asked.path)):
        return asked
    if grid is not None:
        return city.above(grid.id, "community") or city.above(grid.id, "street")
    return next((unit for unit in city.units.values() if unit.kind == "community" and unit.active), None)


def _areas(city: City, area: Unit | None) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return what may be looked at: the streets, and the communities of the street that is."""
    units = [unit for unit in city.units.values() if unit.active]
    streets = [(unit.code, unit.name) for unit in units if unit.kind == "street"]
    street = city.above(area.id, "street") if area is not None else None
    path = street.path if street is not None else "/"
    communities = [(unit.code, unit.name) for unit in units if unit.kind == "community" and unit.path.startswith(path)]
    return [("街道", streets), (f"{street.name}的社区" if street is not None else "社区", communities[:DRAWN])]


def _sketch(city: City, unit: Unit) -> Sketch:
    polygon: dict[str, Any] | None = city.polygons.get(unit.id)
    return Sketch(unit.code, unit.name, polygon["coordinates"] if polygon else ())


def _around(city: City, grids: Sequence[Unit]) -> list[Any]:
    """Return the outer rings of other grids near these."""
    own = {grid.id for grid in grids}
    rings = {unit_id: polygon["coordinates"][0] for unit_id, polygon in _outlines(city).items()}
    corners = [corner for unit_id in own & set(rings) for corner in rings[unit_id]]
    if not corners:
        return []
    west, east = min(each[0] for each in corners), max(each[0] for each in corners)
    south, north = min(each[1] for each in corners), max(each[1] for each in corners)
    wide, high = (east - west) * BESIDE, (north - south) * BESIDE
    near = (
        ring
        for unit_id, ring in rings.items()
        if unit_id not in own
        and any(west - wide < lon < east + wide and south - high < lat < north + high for lon, lat, *_ in ring)
    )
    return [ring for ring, _ in zip(near, range(AROUND), strict=False)]


def _outlines(city: City) -> dict[int, dict[str, Any]]:
    return dict(city.polygons)


def _spread(polygon: dict[str, Any] | None) -> str:
    """Return a geometry as text with one corner a line, so that it can be changed by hand."""
    if polygon is None:
        return ""
    rings = ",".join("[\n" + ",\n".join(_corner(each) for each in ring) + "\n]" for ring in polygon["coordinates"])
    return f'{{"type":"Polygon","coordinates":[{rings}]}}'


def _corner(corner: Sequence[float]) -> str:
    return json.dumps([round(part, DECIMALS) for part in corner[:2]])


def _save(book: Book, city: City, me: Actor) -> Page:
    code, geometry = request.form.get("code", ""), request.form.get("geometry", "").replace("\0", "")
    grid = city.by_code.get(code)
    if grid is None or grid.kind != "grid":
        flash("没有这个网格，可能刚被停用。", "error")
        return redirect(url_for("console.registry_grids"))
    old = grid.code if grid.id in city.polygons else ""
    values = {"code": grid.code, "geometry": geometry}
    brought = write_down(book, TABLES["grids"], old, values, request.form.get("heeded", ""))
    if not brought.done:
        return _page(book, city, me, grid, Draft(code, geometry, brought.plan))
    tell(book, me, TABLES["grids"], brought.plan, utc_now())
    flash(f"{grid.name}的边界已保存。" if brought.plan.changes else "边界没有变。", "ok")
    return redirect(url_for("console.registry_grids", unit=request.form.get("unit") or None, pick=code))
