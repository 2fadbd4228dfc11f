"""Past work orders from a file: uploaded, columns mapped and everything looked at first, then kept as labels."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from flask import abort, flash, redirect, render_template, request, url_for

from bot.assembly import utc_now
from cases import labels, orders, sheets, training
from cases.orders import Columns
from cases.sheets import ExchangeError
from web.console import kept_files
from web.console.frame import frame
from web.console.session import Page, actor, only

if TYPE_CHECKING:
    from flask import Blueprint

    from bot.assembly import House
    from cases.access import Actor
    from cases.city import City
    from cases.orders import Preview
    from cases.sheets import Sheet
    from cases.storage import Book

SHOWN_ROWS, SHOWN_VALUES = 3, 40
CHUNK = 200
ADDRESS = "/learning/import/<token>"


def register(routes: Blueprint, house: House) -> None:
    """Add uploading, looking, and importing."""
    guarded = partial(only, training.TRAINERS, house=house)
    routes.get("/learning/import", endpoint="import_labels")(guarded(_form, writes=False))
    routes.post("/learning/import", endpoint="upload_labels")(guarded(partial(_upload, house), writes=False))
    routes.get(ADDRESS, endpoint="preview_labels")(guarded(partial(_preview, house), writes=False))

    @routes.post(ADDRESS)
    def keep_labels(token: str) -> Page:
        return _keep(house, token)


def _form(book: Book, city: City, me: Actor) -> Page:
    return render_template("console/import.html", **frame(book, city, me, "learning"), faults=[], token="")


def _upload(house: House, book: Book, city: City, me: Actor) -> Page:
    upload = request.files.get("file")
    if upload is None or not upload.filename:
        flash("请选一个文件。", "error")
        return redirect(url_for("console.import_labels"))
    token, path = kept_files.keep(house, upload, sheets.READERS)
    try:
        _sheet(path)
    except ExchangeError as error:
        path.unlink()
        faults = [fault.replace(path.name, Path(upload.filename).name) for fault in error.faults]
        page = render_template("console/import.html", **frame(book, city, me, "learning"), faults=faults, token="")
        return page, 400
    return redirect(url_for("console.preview_labels", token=token))


def _sheet(path: Path) -> Sheet:
    sheet = sheets.read(path)
    if not sheet.lines or len(sheet.columns) < 2:  # noqa: PLR2004 - a text and a kind
        raise ExchangeError(["文件里没有数据：第一行要是列名，下面一行一张工单。"])
    return sheet


def _columns(sheet: Sheet) -> Columns:
    """Return which column holds what: as chosen, else by their usual names."""
    usual = orders.usual_columns(sheet.columns)
    names = ("text", "label", "time", "key")
    chosen = {name: request.values.get(name, getattr(usual, name)) for name in names}
    return Columns(**{name: value if value in sheet.columns else "" for name, value in chosen.items()})


def _looked_at(book: Book, city: City, sheet: Sheet, columns: Columns) -> Preview:
    values = list(dict.fromkeys(line.row.get(columns.label, "") for line in sheet.lines))
    chosen = {value: request.values[f"kind-{at}"] for at, value in enumerate(values) if f"kind-{at}" in request.values}
    return orders.without_known(book, orders.preview(sheet, columns, city.categories, chosen, utc_now()))


def _preview(house: House, book: Book, city: City, me: Actor, token: str) -> Page:
    sheet = _sheet(kept_files.kept(house, token))
    columns = _columns(sheet)
    found = _looked_at(book, city, sheet, columns)
    places = {
        value: at for at, value in enumerate(dict.fromkeys(line.row.get(columns.label, "") for line in sheet.lines))
    }
    return render_template(
        "console/import.html",
        **frame(book, city, me, "learning"),
        faults=found.faults[: orders.SHOWN_FAULTS],
        more=max(0, len(found.faults) - orders.SHOWN_FAULTS),
        token=token,
        sheet=sheet,
        columns=columns,
        found=found,
        rows=[
            {name: labels.masked(value)[:80] for name, value in line.row.items()} for line in sheet.lines[:SHOWN_ROWS]
        ],
        values=[(places[value], value, count, code) for value, count, code in found.values][:SHOWN_VALUES],
        kinds=list(city.categories.values()),
    )


def _keep(house: House, token: str) -> Page:
    """Keep the labels, some hundred at a time, so that residents never wait for a long file."""
    with house.store.read() as book:
        city = house.cities.current(book)
        me = actor(book, city)
        if me.role not in training.TRAINERS:
            abort(403)
        path = kept_files.kept(house, token)
        sheet = _sheet(path)
        found = _looked_at(book, city, sheet, _columns(sheet))
    done = 0
    for at in range(0, len(found.orders), CHUNK):
        with house.store.write() as book:
            done += orders.keep(book, found.orders[at : at + CHUNK], me.staff_id, utc_now())
    path.unlink(missing_ok=True)
    flash(f"导入了 {done} 条，{found.known} 条以前导入过，{len(found.faults)} 行没有用。", "ok")
    return redirect(url_for("console.labels"))
