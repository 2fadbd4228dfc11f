"""One action on the cases that were ticked in a list: what can be done to how many, ordering it, undoing it."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import flash, redirect, render_template, request, url_for

from bot.assembly import utc_now
from cases import bulk, once, words
from cases.handling import Inputs
from cases.ledger import NotAllowed
from cases.numbers import case_id_of, number_of, spoken
from cases.once import AlreadySent
from cases.workflow import Action
from web.console.forms import action_form
from web.console.frame import frame
from web.console.login import inside
from web.console.session import Page, anybody
from web.console.strip import bulk_strips
from web.uploads import LAST_ID, decimal, whole, words_of

if TYPE_CHECKING:
    from flask import Blueprint

    from bot.assembly import House
    from cases.access import Actor
    from cases.city import City
    from cases.storage import Book


def register(routes: Blueprint, house: House) -> None:
    """Add choosing, ordering and undoing, and the strip that tells how far an order is."""
    routes.get("/bulk", endpoint="bulk")(anybody(_choose, house, writes=False))
    routes.post("/bulk", endpoint="order_bulk")(anybody(_order, house, writes=True))
    routes.get("/bulk/strip", endpoint="bulk_strip")(anybody(_strip, house, writes=False))
    routes.post(f"/bulk/<int(max={LAST_ID}):bulk_id>/undo", endpoint="undo_bulk")(anybody(_undo, house, writes=True))


def _ticked() -> list[int]:
    """Return the ids of the cases that were ticked, each once."""
    found = (case_id_of(number) for number in request.values.getlist("case"))
    return list(dict.fromkeys(case_id for case_id in found if case_id is not None))


def _choose(book: Book, city: City, me: Actor) -> Page:
    """Show which actions fit how many of the ticked cases, and the form of the one that is chosen."""
    ids, back = _ticked(), inside(request.args.get("back", "")) or url_for("console.queue")
    if not ids or len(ids) > bulk.MOST:
        flash("请先勾选工单。" if not ids else f"一次最多 {bulk.MOST} 件。", "warn")
        return redirect(back)
    able = {action: bulk.able(book, city, me, ids, action) for action in bulk.ACTIONS}
    offered = [action for action in bulk.ACTIONS if able[action]]
    chosen = next((action for action in offered if action == request.args.get("action")), None)
    chosen = chosen or (max(offered, key=lambda action: len(able[action])) if offered else None)
    form = action_form(book, city, me, able[chosen][0], chosen) if chosen is not None else None
    form = replace(form, categories=()) if form is not None else None
    numbers = [number_of(each) for each in ids]
    return render_template(
        "console/bulk.html",
        **frame(book, city, me),
        numbers=numbers,
        options=[(action, words.ACTIONS[action], len(able[action]), action is chosen) for action in offered],
        form=form,
        fitting=[(number_of(case.id), spoken(number_of(case.id))) for case in able[chosen]] if chosen else [],
        rest=len(ids) - (len(able[chosen]) if chosen else 0),
        leave=back,
        mark=secrets.token_hex(16),
    )


def _order(book: Book, city: City, me: Actor) -> Page:
    form = request.form
    back = inside(form.get("back", "")) or url_for("console.queue")
    action = next((each for each in bulk.ACTIONS if each == form.get("action")), None)
    inputs = Inputs(
        text=words_of(),
        unit=form.get("unit", ""),
        person=whole(form.get("person", "")),
        days=decimal(form.get("days", "")),
    )
    try:
        once.claim(book, me.staff_id, form.get("mark", ""), utc_now())
        able = bulk.able(book, city, me, _ticked(), action) if action is not None else []
        bulk.order(book, me, action or Action.NOTE, inputs, [case.id for case in able], utc_now())
    except NotAllowed as refusal:
        flash(str(refusal), "error")
    except AlreadySent:
        flash("这一批已经下过了，没有再下。", "ok")
    return redirect(back)


def _undo(book: Book, _city: City, me: Actor, bulk_id: int) -> Page:
    if bulk.undo(book, me, bulk_id):
        flash("撤回了，一件都没有动。", "ok")
    else:
        flash("来不及了，已经在办。", "warn")
    return redirect(inside(request.form.get("back", "")) or url_for("console.queue"))


def _strip(book: Book, _city: City, me: Actor) -> Page:
    """Show how far the orders are; undoing one leads back to the page that the strip stands on."""
    there = urlsplit(request.headers.get("HX-Current-URL", ""))
    back = inside(f"{there.path}?{there.query}" if there.query else there.path)
    return render_template("console/bulk_strip.html", bulks=bulk_strips(book, me, utc_now()), strip_back=back)
