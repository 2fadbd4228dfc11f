"""The administrator's table of kinds: which queue handles what, and how quickly."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from flask import flash, redirect, render_template, request, url_for

from bot.assembly import utc_now
from cases import audit
from cases.city import VERSION_KEY
from cases.storage.tables import CategoryRow
from web.console.present import CategoryLine, Choice
from web.console.session import Page, admins_only, frame

if TYPE_CHECKING:
    from flask import Blueprint

    from bot.assembly import House
    from cases.access import Actor
    from cases.city import City
    from cases.storage import Book

HOURS = ("accept_hours", "contact_hours", "finish_hours")
LONGEST_HOURS = 2000.0


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
    own = (("grid", "所在网格"), ("street", "所在街道"))
    departments = [(unit.code, unit.name) for unit in city.units.values() if unit.kind == "department"]
    return (
        ("按地点", tuple(Choice(code, name, code == chosen) for code, name in own)),
        ("部门", tuple(Choice(code, name, code == chosen) for code, name in departments)),
    )


def _save(book: Book, city: City, me: Actor) -> Page:
    form = request.form
    row = book.get(CategoryRow, form.get("code", ""))
    queues = {choice.value for _, choices in _queues(city, "") for choice in choices}
    hours = [_hours(form.get(name, "")) for name in HOURS]
    if row is None or form.get("queue") not in queues or None in hours:
        flash("没有保存：请检查队列和时限（大于 0 的小时数）。", "error")
        return redirect(url_for("console.categories"))
    row.queue = form["queue"]
    row.needs_place, row.urgent = "needs_place" in form, "urgent" in form
    row.accept_hours, row.contact_hours, row.finish_hours = (value or 0.0 for value in hours)
    book.set_meta(VERSION_KEY, uuid.uuid4().hex)
    told = "、".join(f"{getattr(row, name):g}" for name in HOURS)
    audit.changed(book, me, f"类别 {row.code}", f"{row.name}：送到 {row.queue}，时限 {told} 小时", utc_now())
    flash(f"“{row.name}”已保存，新来的工单马上按新的办。", "ok")
    return redirect(url_for("console.categories", _anchor=f"kind-{row.code}"))


def _hours(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 < value <= LONGEST_HOURS else None
