"""The triage board: what waits for a dispatcher, one case after the other, each decided with one key."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from flask import abort, flash, redirect, render_template, request, url_for

from bot import phrases
from bot.assembly import utc_now
from cases import triage
from cases.handling import NoSuchCase
from cases.ledger import NotAllowed
from cases.numbers import case_id_of, number_of
from cases.storage.tables import CaseRow
from cases.triage import Gone, Wish
from web.console.board import board
from web.console.frame import frame
from web.console.session import Page, actor
from web.uploads import words_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Blueprint

    from bot.assembly import House
    from cases.access import Actor
    from cases.city import City
    from cases.storage import Book

GONE = "刚被同事派走，请看下一件"
NEXT = " · 下一件"
LAST = " · 都派完了"


@dataclass(frozen=True)
class Said:
    """The quiet line above the case: `kind` is `ok` or `warn`; `slip`: the case just sent, to be put right.

    `onward`: it ends with whether there is another case.
    """

    words: str = ""
    kind: str = "ok"
    slip: str = ""
    onward: bool = False


@dataclass(frozen=True)
class Look:
    """Which case to show, None for the first; `again`: it was sent by oneself, `back`: the case to return to then."""

    case_id: int | None = None
    again: bool = False
    back: str = ""
    said: Said = Said()


def register(routes: Blueprint, house: House) -> None:
    """Add the board and what one does on it."""

    @routes.get("/triage", endpoint="triage")
    def show() -> Page:
        wanted = case_id_of(request.args.get("case", ""))
        return _show(house, Look(wanted, "again" in request.args, request.args.get("back", "")))

    @routes.post("/triage/<number>/decide", endpoint="triage_decide")
    def decide(number: str) -> Page:
        wish = Wish(request.form.get("kind", ""), request.form.get("unit", ""), again="again" in request.form)

        def deed(book: Book, city: City, me: Actor, case_id: int) -> Look:
            case = triage.decide(book, city, me, case_id, wish, utc_now())
            said = f"已派给{city.units[case.holder_id].name}"
            return Look(_next(), said=Said(said, slip=number_of(case.id), onward=True))

        return _do(house, number, deed)

    @routes.post("/triage/<number>/ask", endpoint="triage_ask")
    def ask(number: str) -> Page:
        def deed(book: Book, city: City, me: Actor, case_id: int) -> Look:
            triage.ask(book, city, me, case_id, phrases.PLACE_MISSING, utc_now())
            return Look(_next(), said=Said("已问居民在哪里", onward=True))

        return _do(house, number, deed)

    @routes.post("/triage/<number>/place", endpoint="triage_place")
    def place(number: str) -> Page:
        def deed(book: Book, city: City, me: Actor, case_id: int) -> Look:
            triage.set_place(book, city, me, case_id, words_of("place"), utc_now())
            return Look(case_id, said=Said("地点记下了，请选类别"))

        return _do(house, number, deed)


def _dispatcher(book: Book, city: City) -> Actor:
    """Return who is at the desk; others are refused."""
    found = actor(book, city)
    if found.role != "dispatcher":
        abort(403)
    return found


def _next() -> int | None:
    """Return the case that was next when the page was made."""
    return case_id_of(request.form.get("next", ""))


def _do(house: House, number: str, deed: Callable[[Book, City, Actor, int], Look]) -> Page:
    """Do it, and show what comes next: at once to a script, over a redirect to a browser without."""
    case_id = case_id_of(number)
    if case_id is None:
        raise NoSuchCase
    try:
        with house.store.write() as book:
            city = house.cities.current(book)
            look = deed(book, city, _dispatcher(book, city), case_id)
    except Gone:
        look = Look(_next(), said=Said(GONE, "warn"))
    except NotAllowed as refusal:
        again = "again" in request.form
        look = Look(case_id, again, request.form.get("next", "") if again else "", Said(str(refusal), "warn"))
    return _answer(house, look)


def _answer(house: House, look: Look) -> Page:
    if "HX-Request" in request.headers:
        return _show(house, look)
    flash(look.said.words, look.said.kind)
    number = number_of(look.case_id) if look.case_id is not None else None
    return redirect(
        url_for("console.triage", case=number, again="1" if look.again else None, back=look.back or None), 303
    )


def _show(house: House, look: Look) -> Page:
    with house.store.read() as book:
        city = house.cities.current(book)
        me = _dispatcher(book, city)
        waiting = triage.waiting(book, city)
        case, said = _wanted(book, me, waiting.ids, look)
        page = None
        if case is not None:
            alike = house.similar.to(book, city, case.text, case.id)
            page = board(book, city, me, case, waiting, alike, utc_now(), look.back)
        if said.onward:
            said = replace(said, words=said.words + (NEXT if page is not None else LAST))
        return render_template("console/triage.html", **frame(book, city, me), board=page, said=said)


def _wanted(book: Book, me: Actor, ids: tuple[int, ...], look: Look) -> tuple[CaseRow | None, Said]:
    """Return the case to show and what to say above it: the wanted one, or the first, if it is gone."""
    first = book.get(CaseRow, ids[0]) if ids else None
    if look.case_id is None:
        return first, look.said
    wanted = book.get(CaseRow, look.case_id)
    if wanted is not None and (wanted.id in ids or (look.again and triage.may_decide_again(book, me, wanted))):
        return wanted, look.said
    return first, look.said if look.said.words else Said(GONE, "warn")
