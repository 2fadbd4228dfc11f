"""The administrator's posters: a QR code for each grid, one by one or a community's all in one file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import Response, abort, flash, redirect, render_template, url_for

from bot import posters
from bot.errcodes import WeChatError
from web.console.frame import frame
from web.console.session import Page, actor, admins_only

if TYPE_CHECKING:
    from flask import Blueprint

    from bot.assembly import House
    from cases.access import Actor
    from cases.city import City, Unit
    from cases.storage import Book

# More pages than this are made on the command line: each asks WeChat for its code.
PAGES = 60


@dataclass(frozen=True)
class Group:
    """The grids of one community (or of whatever unit is right above them), and where it belongs."""

    unit: Unit
    where: str
    grids: tuple[Unit, ...]


def register(routes: Blueprint, house: House) -> None:
    """Add the page and its files."""
    routes.get("/posters", endpoint="posters")(admins_only(_show, house, writes=False))

    @routes.get("/posters/<code>.pdf")
    def poster_file(code: str) -> Page:
        with house.store.read() as book:
            city = house.cities.current(book)
            if actor(book, city).role != "admin":
                abort(403)
        unit = city.by_code.get(code) or abort(404)
        grids = city.grids_below(unit)
        if not 0 < len(grids) <= PAGES:
            abort(404)
        try:
            content = posters.pdf([posters.poster_of(city, house.wechat, grid) for grid in grids])
        except WeChatError as error:
            flash(f"海报没做成：{error.words}", "error")
            return redirect(url_for("console.posters"))
        headers = {"Content-Disposition": f'attachment; filename="{unit.code}.pdf"', "Cache-Control": "private"}
        return Response(content, mimetype="application/pdf", headers=headers)


def _show(book: Book, city: City, me: Actor) -> Page:
    return render_template("console/posters.html", **frame(book, city, me), groups=_groups(city), most=PAGES)


def _groups(city: City) -> list[Group]:
    """Return the grids by the unit right above them, in the order of the units' file."""
    below: dict[int, list[Unit]] = {}
    for unit in city.units.values():
        if unit.kind == "grid" and unit.active and unit.parent_id is not None:
            below.setdefault(unit.parent_id, []).append(unit)
    found = [(city.units[parent_id], grids) for parent_id, grids in below.items()]
    return [Group(unit, " ".join(each.name for each in city.chain(unit)[-1:]), tuple(grids)) for unit, grids in found]
