"""The lists of cases, finding cases by words or number, and taking a list out as a spreadsheet."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from flask import abort, flash, redirect, render_template, request, send_file, url_for

from bot.assembly import utc_now
from cases import audit, exchange, finding, handling
from cases.numbers import number_of
from cases.search import MOST_TYPED
from cases.storage import Filter
from web.console import shape
from web.console.session import Page, actor, frame

if TYPE_CHECKING:
    from flask import Blueprint

    from bot.assembly import House
    from cases.access import Actor
    from cases.city import City
    from cases.storage import Book


# A browser waits for no more; a spreadsheet of it takes a few seconds.
MOST_EXPORTED = 20_000


def register(routes: Blueprint, house: House) -> None:
    """Add the lists, and what is done with them."""

    @routes.get("/")
    def queue() -> Page:
        with house.store.read() as book:
            city = house.cities.current(book)
            me = actor(book, city)
            return _queue(book, city, me)

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
    def find() -> Page:
        """Go to the case whose number was typed, if it is this person's business; else show what fits the words."""
        typed = request.args.get("q", request.args.get("number", "")).strip()
        with house.store.read() as book:
            city = house.cities.current(book)
            me = actor(book, city)
            if not typed:
                return redirect(url_for("console.queue"))
            found = finding.find(book, city, me, typed, Filter(), page=_page())
            if found.case is not None:
                return redirect(url_for("console.case", number=number_of(found.case.id)))
            return _found(book, city, me, found, typed[:MOST_TYPED])


def _page() -> int:
    number = request.args.get("page", "1")
    return int(number) if number.isascii() and number.isdigit() else 1


def _found(book: Book, city: City, me: Actor, found: finding.Found, typed: str) -> str:
    now = utc_now()
    excerpts = finding.excerpts(book, found)
    return render_template(
        "console/found.html",
        **frame(book, city, me),
        hits=[(shape.case_line(book, city, row, now), excerpts[row.id]) for row in found.page.cases],
        found=found.page,
        behind=found.behind,
        search=typed,
    )


def _queue(book: Book, city: City, me: Actor) -> Page:
    lists = handling.lists_of(city, me)
    if not lists:
        return redirect(url_for("console.categories"))
    current = next((each for each in lists if each.key == request.args.get("list")), lists[0])
    found = book.queue(current.scope, _page())
    now = utc_now()
    return render_template(
        "console/queue.html",
        **frame(book, city, me, current.key),
        lines=[shape.case_line(book, city, row, now) for row in found.cases],
        page=found.page,
        pages=found.pages,
        total=found.total,
        current=current.key,
        search="",
    )
