"""Calling residents back (回访), and how departments answered when they were whistled for (吹哨)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from flask import flash, redirect, render_template, request, url_for

from bot.assembly import utc_now
from cases import callbacks, contacts, facts, handling, limits, tasks
from cases.access import HANDLING_ROLES
from cases.callbacks import Heard
from cases.ledger import NotAllowed
from cases.numbers import number_of, spoken
from cases.storage.tables import CaseRow
from cases.storage.working import CallbackRow
from cases.words import RATINGS, SOLVED, title_of
from cases.workflow import Action
from web.console.frame import frame
from web.console.present import CallLine
from web.console.session import Page, only
from web.uploads import LAST_ID, words_of

if TYPE_CHECKING:
    from datetime import datetime

    from flask import Blueprint

    from bot.assembly import House
    from cases.access import Actor
    from cases.city import City
    from cases.storage import Book

SHOWN = 50
# What the resident said stands in the line about the call, where erasing them finds it.
REOPENED = "回访时居民说还没解决"
COUNTED = timedelta(days=90)
COUNT_ROLES = HANDLING_ROLES | {"dispatcher", "leader"}


def register(routes: Blueprint, house: House) -> None:
    """Add the list of calls, writing one down, and the counts of whistles."""
    routes.get("/callbacks", endpoint="callbacks")(only(callbacks.ROLES, _show, house, writes=False))
    routes.post(f"/callbacks/<int(max={LAST_ID}):call_id>", endpoint="called_back")(
        only(callbacks.ROLES, _done, house, writes=True)
    )
    routes.get("/whistles", endpoint="whistles")(only(COUNT_ROLES, _whistles, house, writes=False))


def _show(book: Book, city: City, me: Actor) -> Page:
    now = utc_now()
    found = [(row, book.get(CaseRow, row.case_id)) for row in book.callbacks(SHOWN)]
    lines = [_line(row, case, now) for row, case in found if case and facts.relations(book, city, me, case)]
    script = [line.format(centre=city.units[me.unit_id].name, title="他反映的事") for line in callbacks.SCRIPT]
    return render_template(
        "console/callbacks.html",
        **frame(book, city, me, "callbacks"),
        lines=lines,
        script=script,
        outcomes=callbacks.OUTCOMES,
        solved=SOLVED,
        ratings=RATINGS,
    )


def _line(row: CallbackRow, case: CaseRow, now: datetime) -> CallLine:
    return CallLine(
        id=row.id,
        number=number_of(case.id),
        spoken=spoken(number_of(case.id)),
        title=contacts.hidden(title_of(case.text)),
        why=callbacks.WHY[row.why],
        due=limits.spoken_time(row.due_at, now),
        late=row.due_at <= now,
        tries=row.tries,
        result=contacts.hidden(case.result),
        rating=RATINGS.get(case.rating or "", ""),
        rating_words=contacts.hidden(case.rating_words),
    )


def _done(book: Book, city: City, me: Actor, call_id: int) -> Page:
    row = book.lock_row(CallbackRow, call_id)
    here = redirect(url_for("console.callbacks"))
    if row is None:
        flash("没有这一件。", "warn")
        return here
    case, _ = handling.access_case(book, city, me, row.case_id)
    form, now = request.form, utc_now()
    heard = Heard(
        form.get("outcome", ""),
        form["solved"] if form.get("solved") in SOLVED else "",
        form["rating"] if form.get("rating") in RATINGS else "",
        words_of()[: handling.TEXT_LIMIT],
    )
    try:
        callbacks.check(row, heard)
        if "reopen" in form:
            handling.act(book, city, me, case.id, Action.REOPEN, handling.Inputs(text=REOPENED), now)
        callbacks.done(book, row, case, me, heard, now)
    except NotAllowed as refusal:
        flash(str(refusal), "error")
        return here
    flash("记下了。", "ok")
    return here


def _whistles(book: Book, city: City, me: Actor) -> Page:
    now = utc_now()
    found = book.tasks_since(now - COUNTED)
    below = [task for task in found if _concerns(city, me, task.unit_id, task.by_unit_id)]
    lines = [(city.units[count.unit_id].name, count) for count in tasks.counts(below, now)]
    return render_template(
        "console/whistles.html",
        **frame(book, city, me, "whistles"),
        lines=lines,
        standings=tasks.STANDINGS,
        days=COUNTED.days,
    )


def _concerns(city: City, me: Actor, unit_id: int, by_unit_id: int) -> bool:
    """Say whether a whistle is for this person to count: dispatchers all, others what is of their part of the city."""
    paths = (city.units[unit_id].path, city.units[by_unit_id].path)
    return me.role == "dispatcher" or any(path.startswith(me.unit_path) for path in paths)
