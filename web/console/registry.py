"""The administrator's registry (基础数据): an index of tables, a list and a form for each, and exports."""

from __future__ import annotations

import io
from functools import partial
from typing import TYPE_CHECKING, Any

from flask import abort, flash, redirect, render_template, request, send_file, url_for

from bot.assembly import utc_now
from cases import accounts, audit, second, sheets
from cases.registry import TABLES, grids, world
from cases.registry.bringing import tell, write_down
from cases.registry.matters import BY_PLACE
from cases.registry.plan import exported, touch
from cases.registry.table import Saving, Started
from web.console.frame import frame
from web.console.registry_view import Card, Field, Namer, fields_of, line_of, values_of
from web.console.session import Page, only

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from flask import Blueprint

    from bot.assembly import House
    from cases.access import Actor
    from cases.city import City
    from cases.registry.plan import Fault
    from cases.registry.table import Table
    from cases.registry.world import Row
    from cases.storage import Book
    from cases.storage.tables import StaffRow

ADMINS = frozenset({"admin"})
FOUND = 12
MIMES = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
    "geojson": "application/geo+json",
}


def register(routes: Blueprint, house: House) -> None:
    """Add the index, lists, forms and exports."""
    reads = partial(only, ADMINS, house=house, writes=False)
    writes = partial(only, ADMINS, house=house, writes=True)
    routes.get("/registry/", endpoint="registry")(reads(_index))
    routes.get("/registry/find", endpoint="registry_find")(reads(_find))
    routes.get("/registry/<code>", endpoint="registry_list")(reads(_list))
    routes.get("/registry/<code>/row", endpoint="registry_row")(reads(_row))
    routes.post("/registry/<code>/row", endpoint="registry_save")(writes(_save))
    routes.post("/registry/<code>/delete", endpoint="registry_delete")(writes(_delete))
    routes.post("/registry/staff/password", endpoint="registry_password")(writes(_password))
    routes.post("/registry/staff/second-step", endpoint="registry_totp")(writes(_second_step))
    routes.get("/registry/<code>/export.<form>", endpoint="registry_export")(writes(_export))


def table_of(code: str) -> Table[Any]:
    """Return a table by its name; 404 for one that there is not."""
    return TABLES.get(code) or abort(404)


def _index(book: Book, city: City, me: Actor) -> Page:
    cards = [Card(table.code, table.name, table.about, table.icon, table.count(book)) for table in TABLES.values()]
    return render_template("console/registry.html", **frame(book, city, me, "registry"), cards=cards)


def _list(book: Book, city: City, me: Actor, code: str) -> Page:
    table = table_of(code)
    needle, chosen = (request.args.get(name, "").replace("\0", "").strip() for name in ("q", "filter"))
    unit = next((each for each in city.units.values() if each.code == request.args.get("unit")), None)
    page = request.args.get("page", 1, type=int)
    choices = table.choices(world(book))
    chosen = chosen if chosen in choices else ""
    found = table.listing(book, needle, chosen, unit.path if unit else "", page, utc_now())
    saving, namer = Saving.of(book), Namer(book, city)
    return render_template(
        "console/registry_list.html",
        **frame(book, city, me, "registry"),
        table=table,
        heads=[table.column(name).name for name in table.shown],
        lines=[line_of(table, table.text(kept, saving), namer) for kept in found.rows],
        found=found,
        needle=needle,
        chosen=chosen,
        choices=choices,
        unit=unit,
    )


def _old_row(book: Book, table: Table[Any], key: str) -> Row | None:
    return table.one(book, key) if key else None


def _row(book: Book, city: City, me: Actor, code: str) -> Page:
    """Show the form: of the row with this key, else an empty one, filled with what the address says."""
    table, key = table_of(code), request.args.get("key", "")
    old = _old_row(book, table, key)
    if key and old is None:
        flash("这一条已经不在了。", "warn")
        return redirect(url_for("console.registry_list", code=code))
    fresh = {column.code: request.args.get(column.code, column.default) for column in table.columns}
    return form_page(book, city, me, table, key, old or fresh, old)


def form_page(
    book: Book, city: City, me: Actor, table: Table[Any], key: str, row: Row, old: Row | None,
    faults: Sequence[Fault] = (),
) -> Page:  # fmt: skip
    """Return the form of a row with what is wrong in it."""
    groups = sorted({category.group_name for category in city.categories.values()})
    fields: list[Field] = fields_of(table, row, old, Namer(book, city), groups, faults)
    named = {field.name for field in fields}
    loose = [str(fault) for fault in faults if fault.field not in named]
    page = render_template(
        "console/registry_row.html",
        **frame(book, city, me, "registry"),
        table=table,
        key=key,
        title=table.title_of(old) if old is not None else "",
        fields=fields,
        faults=loose,
        wrong=bool(faults),
    )
    return page, 400 if faults else 200


def _save(book: Book, city: City, me: Actor, code: str) -> Page:
    table, key = table_of(code), request.form.get("key", "")
    if code == "grids":
        abort(404)
    values = values_of(table, request.form, request.form.getlist("groups"))
    brought = write_down(book, table, key, values)
    if not brought.done:
        old = _old_row(book, table, key)
        return form_page(book, city, me, table, key, {**(old or {}), **values}, old, brought.plan.faults)
    tell(book, me, table, brought.plan, utc_now())
    title = table.title_of(brought.plan.changes[0].new) if brought.plan.changes else ""
    if brought.started:
        return started_page(book, city, me, table, brought.started)
    flash(f"“{title}”已保存。" if title else "没有改动。", "ok")
    return redirect(url_for("console.registry_list", code=code))


def started_page(book: Book, city: City, me: Actor, table: Table[Any], started: Sequence[Started]) -> Page:
    """Show passwords that are told once."""
    return render_template(
        "console/registry_started.html", **frame(book, city, me, "registry"), table=table, started=started
    )


def _delete(book: Book, _city: City, me: Actor, code: str) -> Page:
    table, key = table_of(code), request.form.get("key", "").replace("\0", "")
    if not table.deletes:
        abort(404)
    old = table.one(book, key)
    if old is not None and table.delete(book, key):
        touch(book, table)
        audit.changed(book, me, f"{table.name} {key}", f"删除 {table.title_of(old)}", utc_now())
        flash("已删除。", "ok")
    else:
        flash("这一条已经不在了。", "warn")
    return redirect(url_for("console.registry_list", code=code))


def _password(book: Book, city: City, me: Actor) -> Page:
    account = book.staff_by_login(request.form.get("key", "").replace("\0", ""), lock=True)
    if account is None:
        flash("这个账号已经不在了。", "warn")
        return redirect(url_for("console.registry_list", code="staff"))
    started = Started(account.login, account.name, accounts.restart(book, account, utc_now()))
    audit.note(book, me, "account", f"人员 {account.login}", "给了新的初始密码", utc_now())
    return started_page(book, city, me, TABLES["staff"], [started])


def _second_step(book: Book, _city: City, me: Actor) -> Page:
    """Turn somebody's second step off: their phone is gone, and they have told who they are."""
    account = book.staff_by_login(request.form.get("key", "").replace("\0", ""), lock=True)
    if account is None:
        flash("这个账号已经不在了。", "warn")
    elif not account.totp_secret:
        flash(f"{account.name}没有开两步验证。", "warn")
    else:
        second.reset(book, account, me, utc_now())
        flash(f"{account.name}的两步验证已重置，各处都已退出。", "ok")
    return redirect(url_for("console.registry_list", code="staff"))


def _export(book: Book, _city: City, me: Actor, code: str, form: str) -> Page:
    table = table_of(code)
    writers: dict[str, Callable[[], bytes]] = {
        "xlsx": lambda: sheets.to_xlsx(table.name, [column.name for column in table.exported], exported(book, table)),
        "csv": lambda: sheets.to_csv([column.name for column in table.exported], exported(book, table)),
    }
    if code == "grids":
        writers = {"geojson": lambda: grids.collection(table.known(book).values())}
    if form not in writers:
        abort(404)
    stream = io.BytesIO(writers[form]())
    audit.note(book, me, "export", table.name, form, utc_now())
    answer = send_file(stream, MIMES[form], as_attachment=True, download_name=f"{table.name}.{form}")
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _find(book: Book, city: City, _me: Actor) -> Page:
    """Return options for a field: what of this kind has the words in it that were typed."""
    what = request.args.get("what", "")
    needle = request.args.get(request.args.get("field", ""), "").replace("\0", "").strip()
    return render_template("console/registry_options.html", options=_options(book, city, what, needle))


def _options(book: Book, city: City, what: str, needle: str) -> list[tuple[str, str]]:
    if what == "staff":
        people: Sequence[StaffRow] = book.staff_like(needle, FOUND)
        return [(each.login, f"{each.name} · {city.units[each.unit_id].name}") for each in people]
    if what == "categories":
        fits = (each for each in city.categories.values() if needle in each.full_name or needle in each.code)
        return [(each.code, each.full_name) for each in fits][:FOUND]
    own = list(BY_PLACE.items()) if what == "queues" else []
    return own + [(each.code, each.name) for each in book.units_like(needle, FOUND)]
