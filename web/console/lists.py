"""The lists of cases, finding cases by words or number, and taking a list out as a spreadsheet."""

from __future__ import annotations

from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from flask import abort, flash, redirect, render_template, request, send_file, url_for

from bot.assembly import utc_now
from cases import audit, exchange, finding, handling, picks, preferences
from cases.handling import NoSuchCase
from cases.numbers import number_of
from cases.storage import Filter
from web.console import found as found_view
from web.console import shape
from web.console.frame import frame
from web.console.pages import case_id_in
from web.console.session import Page, actor
from web.uploads import whole

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flask import Blueprint

    from bot.assembly import House
    from cases.access import Actor
    from cases.city import City
    from cases.handling import ListOf
    from cases.search import Piece
    from cases.storage import Book, QueuePage
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
            chosen = _named(city, me, key) or abort(404)
            if book.count(chosen.scope) > MOST_EXPORTED:
                flash(f"超过 {MOST_EXPORTED} 件，网页导不出来，请管理员用 cases export 命令导出。", "warn")
                return redirect(url_for("console.queue", list=key))
            rows = list(exchange.exported(book, city, chosen.scope))
        with house.store.write() as book:  # short: residents' messages wait for no export
            audit.note(book, me, "export", f"工单：{chosen.name}", f"{len(rows)} 件", utc_now())
        content = exchange.write_rows(iter(rows), "xlsx")
        answer = send_file(BytesIO(content), download_name=f"{chosen.name}.xlsx", as_attachment=True)
        answer.headers["Cache-Control"] = "no-store"
        return answer

    @routes.get("/find")
    def find() -> Page:
        """Go to the case whose number was typed, if it is this person's business; else show what fits."""
        with house.store.read() as book:
            city = house.cities.current(book)
            return _find(house, book, city, actor(book, city))


def _page() -> int:
    number = request.args.get("page", "1")
    return whole(number) or 1


def _queue(house: House, book: Book, city: City, me: Actor) -> Page:
    """Return a list, and beside it the case that is looked at; of the two only what is asked for."""
    lists = handling.lists_of(city, me)
    if not lists:
        return redirect(url_for("console.categories"))
    current = _named(city, me, request.args.get("list", "")) or lists[0]
    if _asked() == "pane":
        return _pane(house, book, city, me)
    # What has ended grows for ever: it is counted up to a thousand, and filters lead further back.
    ended = current.key == "ended"
    found = book.find(current.scope, Filter(), "newest", _page()) if ended else book.queue(current.scope, _page())
    return _desk(house, book, city, me, Shown(current.key, current.name, found))


def _named(city: City, me: Actor, key: str) -> ListOf | None:
    """Return one of a person's lists, or the list behind a figure of their home; None for neither."""
    known = next((each for each in handling.lists_of(city, me) if each.key == key), None)
    return known or picks.pick(city, me, key, utc_now())


def _find(house: House, book: Book, city: City, me: Actor) -> Page:
    """Return what fits the words and filters of the address, of all that this person may see."""
    wanted = found_view.wanted(city)
    if _asked() == "pane":
        return _pane(house, book, city, me)
    found = finding.find(book, city, me, wanted.typed, wanted.filter, wanted.order, _page())
    if found.case is not None and not wanted.narrowed:
        return redirect(url_for("console.case", number=number_of(found.case.id)))
    shown = Shown("every", "全部", found.page, finding.excerpts(book, found), wanted, behind=found.behind)
    return _desk(house, book, city, me, shown)


@dataclass(frozen=True)
class Shown:
    """What stands in the list: its key and name, the page of cases; when it was looked for, how, and where it hit."""

    key: str
    name: str
    page: QueuePage
    excerpts: Mapping[int, Sequence[Piece]] = field(default_factory=dict)
    wanted: found_view.Wanted | None = None
    behind: bool = False


def _desk(house: House, book: Book, city: City, me: Actor, shown: Shown) -> Page:
    now, wanted, number = utc_now(), shown.wanted, request.args.get("case", "")
    chosen = wanted.chosen if wanted is not None else dict.fromkeys(found_view.NAMES, "")
    return render_template(
        "console/queue.html",
        **frame(book, city, me, shown.key),
        **_place(number),
        current=shown.key,
        name=shown.name,
        case=_beside(house, book, city, me, number) if number and _asked() != "list" else None,
        lines=[(shape.case_line(book, city, row, now), shown.excerpts.get(row.id, ())) for row in shown.page.cases],
        found=shown.page,
        behind=shown.behind,
        wanted=wanted,
        chosen=chosen,
        choices=found_view.choices(city, me, chosen),
        saved=next((row for row in book.filters_of(me.staff_id) if wanted and row.query == wanted.query), None),
        search=wanted.typed if wanted is not None else "",
        columns=preferences.COLUMNS,
        turned=_turned,
    )


def _turned(page: int) -> str:
    """Return the address of another page of this list."""
    kept = [(key, value) for key, value in request.args.items(multi=True) if key not in {"case", "page"}]
    return f"{request.path}?{urlencode([*kept, ('page', page)])}"


def _pane(house: House, book: Book, city: City, me: Actor) -> Page:
    number = request.args.get("case", "")
    return render_template("console/pane.html", **_place(number), case=_beside(house, book, city, me, number))


def _asked() -> str:
    """Return which part of the page htmx asks for; empty for the whole."""
    return request.headers.get("HX-Target", "")


def _place(number: str) -> dict[str, object]:
    return {
        "list_address": _address(),
        "opened": number,
        "pane": bool(number),
        "back": request.full_path if number else "",
    }


def _address() -> str:
    """Return the address of the list alone."""
    kept = [(key, value) for key, value in request.args.items(multi=True) if key != "case"]
    return f"{request.path}?{urlencode(kept)}" if kept else request.path


def _beside(house: House, book: Book, city: City, me: Actor, number: str) -> CasePage | None:
    """Return the case beside the list, or None when it is no business of this person (any more)."""
    try:
        row, held = handling.access_case(book, city, me, case_id_in(number))
    except NoSuchCase:
        return None
    return shape.case_page(book, city, me, row, held, utc_now(), house.similar.likeness)
