"""The administrator's table of kinds: which queue handles what, and how quickly."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import flash, redirect, render_template, request, url_for

from bot.assembly import utc_now
from cases.registry import TABLES
from cases.registry.bringing import tell, write_down
from cases.registry.columns import NO, YES
from cases.registry.matters import BY_PLACE, HOURS
from cases.storage.tables import CategoryRow
from web.console.frame import frame
from web.console.present import CategoryLine, Choice
from web.console.session import Page, admins_only

if TYPE_CHECKING:
    from flask import Blueprint

    from bot.assembly import House
    from cases.access import Actor
    from cases.city import City
    from cases.storage import Book


def register(routes: Blueprint, house: House) -> None:
    """Add the table and its saving."""
    routes.get("/categories", endpoint="categories")(admins_only(_show, house, writes=False))
    routes.post("/categories", endpoint="save_category")(admins_only(_save, house, writes=True))


def _show(book: Book, city: City, me: Actor) -> Page:
    lines = [_line(city, row) for row in book.categories()]
    return render_template(
        "console/categories.html", **frame(book, city, me), lines=lines, confident=round(city.confident * 100)
    )


def _line(city: City, row: CategoryRow) -> CategoryLine:
    return CategoryLine(
        code=row.code,
        group=row.group_name,
        name=row.name,
        queues=_queues(city, row.queue),
        needs_place=row.needs_place,
        urgent=row.urgent,
        accept_hours=row.accept_hours,
        contact_hours=row.contact_hours,
        finish_hours=row.finish_hours,
    )


def _queues(city: City, chosen: str) -> tuple[tuple[str, tuple[Choice, ...]], ...]:
    departments = [(unit.code, unit.name) for unit in city.units.values() if unit.kind == "department" and unit.active]
    return (
        ("按地点", tuple(Choice(code, name, code == chosen) for code, name in BY_PLACE.items())),
        ("部门", tuple(Choice(code, name, code == chosen) for code, name in departments)),
    )


def _save(book: Book, _city: City, me: Actor) -> Page:
    """Save queue and limits of one kind, by the registry's checks; its names are changed there."""
    code, form = request.form.get("code", ""), request.form
    values = {name: form.get(name, "") for name in ("queue", *HOURS)}
    ticked = {name: YES if name in form else NO for name in ("needs_place", "urgent")}
    brought = write_down(book, TABLES["categories"], code, values | ticked) if code else None
    if brought is None or not brought.done:
        said = "；".join(map(str, brought.plan.faults)) if brought is not None else "没有这一类"
        flash(f"没有保存：{said}。请检查队列和时限（大于 0 的小时数）。", "error")
        return redirect(url_for("console.categories"))
    tell(book, me, TABLES["categories"], brought.plan, utc_now())
    row = book.get(CategoryRow, code)
    flash(f"“{row.name if row else code}”已保存，新来的工单马上按新的办。", "ok")
    return redirect(url_for("console.categories", _anchor=f"kind-{code}"))
