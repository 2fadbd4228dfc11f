"""The lists of cases, finding one by its number, and taking a list out as a spreadsheet."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from flask import abort, flash, redirect, render_template, request, send_file, url_for

from bot.assembly import utc_now
from cases import audit, exchange, handling, preferences
from cases.handling import NoSuchCase
from cases.numbers import number_of
from web.console import shape
from web.console.frame import frame
from web.console.pages import case_id_in
from web.console.session import Page, actor

if TYPE_CHECKING:
    from flask import Blueprint
    from werkzeug import Response as Redirect

    from bot.assembly import House
    from cases.access import Actor
    from cases.city import City
    from cases.storage import Book
    from web.console.present import CasePage


# A browser waits for no more; a spreadsheet of it takes a few seconds.
MOST_EXPORTED = 20_000


def register(routes: Blueprint, house: House) -> None:
    """Add the lists, and what is done with them."""

    @routes.get("/")
    def queue() -> Page:
        with house.store.read() as book:
            city = house.cities.current(book)
            me = actor(book, city)
            return _queue(house, book, city, me)

    @routes.get("/export/<key>.xlsx", endpoint="export_list")
    def export(key: str) -> Page:
        """Give a list as a spreadsheet: exactly its cases, their numbers masked; the export is on record."""
        with house.store.read() as book:
            city = house.cities.current(book)
            me = actor(book, city)
            chosen = next((each for each in handling.lists_of(city, me) if each.key == key), None) or abort(404)
            if book.count(chosen.scope) > MOST_EXPORTED:
                flash(f"超过 {MOST_EXPORTED} 件，网页导不出来，请管理员用 cases export 命令导出。", "warn")
                return redirect(url_for("console.queue", list=key))
            rows = list(exchange.exported(book, city, chosen.scope))
        with house.store.write() as book:  # short: residents' messages wait for no export
            audit.note(book, me, "export", f"工单：{chosen.name}", f"{len(rows)} 件", utc_now())
        content = exchange.write_rows(iter(rows), "xlsx")
        return send_file(BytesIO(content), download_name=f"{chosen.name}.xlsx", as_attachment=True)

    @routes.get("/find")
    def find() -> Redirect:
        """Go to the case with this number, if it is this person's business."""
        number = request.args.get("q", "")
        with house.store.read() as book:
            city = house.cities.current(book)
            me = actor(book, city)
            try:
                row, _ = handling.access_case(book, city, me, case_id_in(number))
            except NoSuchCase:
                flash(f"没有找到工单“{number[:20]}”，请核对号码。", "warn")
                return redirect(url_for("console.queue"))
        return redirect(url_for("console.case", number=number_of(row.id)))


def _queue(house: House, book: Book, city: City, me: Actor) -> Page:
    """Return a list, and beside it the case that is looked at; of the two only what is asked for."""
    lists = handling.lists_of(city, me)
    if not lists:
        return redirect(url_for("console.categories"))
    current = next((each for each in lists if each.key == request.args.get("list")), lists[0])
    asked, number = request.headers.get("HX-Target", ""), request.args.get("case", "")
    at: dict[str, object] = {"list_address": _address(), "current": current.key, "opened": number}
    at |= {"pane": bool(number), "back": request.full_path if number else ""}
    if asked == "pane":
        return render_template("console/pane.html", **at, case=_beside(house, book, city, me, number))
    page, now = request.args.get("page", "1"), utc_now()
    found = book.queue(current.scope, int(page) if page.isascii() and page.isdigit() else 1)
    return render_template(
        "console/queue.html",
        **frame(book, city, me, current.key),
        **at,
        case=_beside(house, book, city, me, number) if number and asked != "list" else None,
        lines=[shape.case_line(book, city, row, now) for row in found.cases],
        page=found.page,
        pages=found.pages,
        total=found.total,
        search="",
        columns=preferences.COLUMNS,
    )


def _address() -> str:
    """Return the address of the list alone."""
    kept = [(key, value) for key, value in request.args.items(multi=True) if key != "case"]
    return f"{request.path}?{urlencode(kept)}"


def _beside(house: House, book: Book, city: City, me: Actor, number: str) -> CasePage | None:
    """Return the case beside the list, or None when it is no business of this person (any more)."""
    try:
        row, held = handling.access_case(book, city, me, case_id_in(number))
    except NoSuchCase:
        return None
    return shape.case_page(book, city, me, row, held, utc_now(), house.similar.likeness)
