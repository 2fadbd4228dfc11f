"""Importing a table: uploaded, looked at with every fault and every change, then brought in, all of it or nothing."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import abort, flash, redirect, render_template, request, url_for

from bot.assembly import utc_now
from cases import sheets
from cases.registry.bringing import GEOJSON, bring, look, sheet_of
from cases.sheets import ExchangeError
from web.console import kept_files
from web.console.frame import frame
from web.console.registry import ADMINS, started_page, table_of
from web.console.registry_view import Namer, preview_of
from web.console.session import Page, actor, only

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask import Blueprint

    from bot.assembly import House
    from cases.access import Actor
    from cases.city import City
    from cases.registry.table import Table
    from cases.storage import Book

ADDRESS = "/registry/<code>/import/<token>"


def register(routes: Blueprint, house: House) -> None:
    """Add uploading, looking, and bringing in."""
    reads = partial(only, ADMINS, house=house, writes=False)
    routes.get("/registry/<code>/import", endpoint="registry_import")(reads(_form))
    routes.post("/registry/<code>/import", endpoint="registry_upload")(reads(partial(_upload, house)))
    routes.get(ADDRESS, endpoint="registry_preview")(reads(partial(_preview, house)))

    @routes.post(ADDRESS, endpoint="registry_bring")
    def bring_in(code: str, token: str) -> Page:
        return _bring(house, code, token)


def _form(book: Book, city: City, me: Actor, code: str) -> Page:
    return _page(book, city, me, table_of(code), ())


def _page(book: Book, city: City, me: Actor, table: Table[Any], faults: Sequence[str]) -> Page:
    shown = table.columns if table.code != "grids" else ()
    page = render_template(
        "console/registry_import.html",
        **frame(book, city, me, "registry"),
        table=table,
        columns=shown,
        accepted=",".join(_suffixes(table)),
        faults=faults,
        token="",
    )
    return page, 400 if faults else 200


def _suffixes(table: Table[Any]) -> list[str]:
    return sorted(GEOJSON if table.code == "grids" else {".xlsx", ".csv"}, reverse=True)


def _upload(house: House, book: Book, city: City, me: Actor, code: str) -> Page:
    table, upload = table_of(code), request.files.get("file")
    if upload is None or not upload.filename:
        return _page(book, city, me, table, ["请选一个文件。"])
    token, path = kept_files.keep(house, upload, GEOJSON if code == "grids" else sheets.READERS)
    try:
        sheet_of(table, path)
    except ExchangeError as error:
        path.unlink()
        said = [fault.replace(path.name, Path(upload.filename).name) for fault in error.faults]
        return _page(book, city, me, table, said)
    return redirect(url_for("console.registry_preview", code=code, token=token))


def _preview(house: House, book: Book, city: City, me: Actor, code: str, token: str) -> Page:
    table = table_of(code)
    ready = look(book, table, sheet_of(table, kept_files.kept(house, token)))
    page = render_template(
        "console/registry_import.html",
        **frame(book, city, me, "registry"),
        table=table,
        token=token,
        found=preview_of(table, ready, Namer(book, city)),
    )
    return page, 400 if ready.faults else 200


def _bring(house: House, code: str, token: str) -> Page:
    """Bring in what was looked at. The transaction is its own: passwords are hashed before it begins."""
    with house.store.read() as book:
        me = actor(book, house.cities.current(book))
    if me.role not in ADMINS:
        abort(403)
    table = table_of(code)
    path = kept_files.kept(house, token)
    brought = bring(house.store, table, sheet_of(table, path), request.form.get("seen", ""), me, utc_now())
    if not brought.done:
        flash("刚才看过以后，情况变了，什么都没写。请再看一遍。", "warn")
        return redirect(url_for("console.registry_preview", code=code, token=token))
    path.unlink(missing_ok=True)
    new, changed = len(brought.plan.new), len(brought.plan.changed)
    if brought.started:
        with house.store.read() as book:
            city = house.cities.current(book)
            return started_page(book, city, actor(book, city), table, brought.started)
    flash(f"导入好了：新加 {new} 条，改了 {changed} 条，{brought.plan.same} 条没有变。", "ok")
    return redirect(url_for("console.registry_list", code=code))
