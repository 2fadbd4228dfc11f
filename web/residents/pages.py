"""My cases, one case, and what its resident may do to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import flash, redirect, render_template, request, url_for

from bot.assembly import utc_now
from bot.media import BadMedia
from cases import own
from cases.handling import NoSuchCase
from cases.ledger import NotAllowed
from cases.numbers import case_id_of, number_of
from cases.own import Given
from cases.workflow import Action
from web.residents import shape, words
from web.residents.doors import me
from web.uploads import PHOTOS, kept_photos, words_of

if TYPE_CHECKING:
    from flask import Blueprint

    from bot.assembly import House
    from cases.ledger import Photo
    from web.residents.frame import Page

CASES_A_PAGE = 10


def register(routes: Blueprint, house: House) -> None:
    """Add the pages about cases."""

    @routes.get("/")
    def cases() -> Page:
        with house.store.read() as book:
            resident = me(house, book)
            asked = request.args.get("page", "1")
            page = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < len("1000000000") else 1
            found, now = book.own_cases(resident.id, page, CASES_A_PAGE), utc_now()
        return render_template("h5/cases.html", found=found, lines=[shape.line(row, now) for row in found.cases])

    @routes.get("/cases/<number>")
    def case(number: str) -> Page:
        return render_template("h5/case.html", case=_case_page(house, number))

    @routes.get("/cases/<number>/<action>")
    def form(number: str, action: str) -> Page:
        page, chosen = _case_page(house, number), _action(action)
        if chosen not in words.FORMS:
            raise NoSuchCase
        if str(chosen) not in page.can:
            flash(own.CHANGED, "error")
            return redirect(url_for("residents.case", number=number))
        return _form(page, chosen)

    @routes.post("/cases/<number>/<action>")
    def act(number: str, action: str) -> Page:
        page, chosen = _case_page(house, number), _action(action)
        try:
            with kept_photos(house.media) as photos:
                _act(house, number, chosen, photos)
        except (NotAllowed, BadMedia) as refusal:
            if chosen in words.FORMS and str(chosen) in page.can:
                return _form(page, chosen, error=str(refusal), text=words_of()), 422
            flash(str(refusal), "error")
        else:
            explained = page.explained and chosen is Action.VERIFY_PASS
            flash(words.DONE_EXPLAINED if explained else words.DONE[chosen], "ok")
        return redirect(url_for("residents.case", number=number))


def _case_page(house: House, number: str) -> shape.CasePage:
    """Return a resident's case by its number. Raises NoSuchCase."""
    with house.store.read() as book:
        resident = me(house, book)
        row = own.own_case(book, resident, _case_id(number))
        return shape.case_page(book, house.cities.current(book), row, utc_now())


def _act(house: House, number: str, action: Action, photos: tuple[Photo, ...]) -> None:
    """Do it in one transaction; the model is asked before, because it takes its time."""
    text = words_of()
    reading = house.understanding.matter(text) if action is Action.SUPPLEMENT and text else None
    given = Given(
        text=text,
        solved=request.form.get("solved", ""),
        rating=request.form.get("rating", ""),
        photos=photos,
        guesses=reading.guesses if reading is not None else (),
        model_version=reading.model_version if reading is not None else None,
        evidence=reading.evidence if reading is not None else (),
    )
    with house.store.write() as book:
        resident = me(house, book)
        own.act(book, house.cities.current(book), resident, _case_id(number), action, given, utc_now())


def _form(page: shape.CasePage, action: Action, *, error: str = "", text: str = "") -> str:
    return render_template(
        "h5/form.html",
        case=page,
        action=action,
        form=words.FORMS[action],
        error=error,
        text=text,
        limit=own.TEXT_LIMIT,
        photos=PHOTOS,
    )


def _case_id(number: str) -> int:
    case_id = case_id_of(number)
    if case_id is None or number != number_of(case_id):
        raise NoSuchCase
    return case_id


def _action(name: str) -> Action:
    chosen = next((action for action in own.HANDLERS if action == name), None)
    if chosen is None:
        raise NoSuchCase
    return chosen
