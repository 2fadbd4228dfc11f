"""What staff are told of: new cases, cards, tasks, results to verify. Opening one marks it as read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import flash, redirect, render_template, url_for

from bot.assembly import utc_now
from cases import contacts, facts, limits
from cases.access import hears_unit
from cases.numbers import number_of, spoken
from cases.storage.tables import CaseRow
from cases.storage.working import NoticeRow
from cases.words import ROLES, STAFF_NOTICES, title_of
from web.console.frame import frame
from web.console.present import NoticeLine
from web.console.session import Page, only
from web.uploads import LAST_ID

if TYPE_CHECKING:
    from datetime import datetime

    from flask import Blueprint

    from bot.assembly import House
    from cases.access import Actor
    from cases.city import City
    from cases.storage import Book

EVERYBODY = frozenset(ROLES)
# What is pressing stands out.
PRESSING = frozenset({"alarm", "red_card", "supervised", "whistle"})


def register(routes: Blueprint, house: House) -> None:
    """Add the list, and reading it."""
    routes.get("/notices", endpoint="notices")(only(EVERYBODY, _show, house, writes=False))
    routes.post(f"/notices/<int(max={LAST_ID}):notice_id>", endpoint="open_notice")(
        only(EVERYBODY, _open, house, writes=True)
    )
    routes.post("/notices", endpoint="read_notices")(only(EVERYBODY, _read, house, writes=True))


def _show(book: Book, city: City, me: Actor) -> Page:
    now = utc_now()
    rows = book.notices(me.staff_id, hears_unit(me))
    lines = [line for row in rows if (line := _line(book, city, me, row, now)) is not None]
    return render_template("console/notices.html", **frame(book, city, me, "notices"), lines=lines)


def _line(book: Book, city: City, me: Actor, row: NoticeRow, now: datetime) -> NoticeLine | None:
    """Return a notice; of a case that is no business of theirs any more only that it went elsewhere."""
    case = book.get(CaseRow, row.case_id)
    if case is None:
        return None
    seen = bool(facts.relations(book, city, me, case))
    return NoticeLine(
        id=row.id,
        name=STAFF_NOTICES.get(row.kind, row.kind),
        text=row.text if seen else "",
        number=number_of(case.id) if seen else "",
        spoken=spoken(number_of(case.id)),
        title=contacts.hidden(title_of(case.text)) if seen else "这个工单已经转走了",
        at=f"{limits.span(now - row.created_at)}前",
        unread=row.read_at is None,
        pressing=row.kind in PRESSING,
    )


def _open(book: Book, city: City, me: Actor, notice_id: int) -> Page:
    """Mark a notice as read and go to its case, if it is still this person's business."""
    row = book.get(NoticeRow, notice_id)
    if row is None or (row.staff_id != me.staff_id and row.unit_id != hears_unit(me)):
        flash("没有这条提醒。", "warn")
        return redirect(url_for("console.notices"))
    row.read_at = row.read_at or utc_now()
    case = book.get(CaseRow, row.case_id)
    if case is None or not facts.relations(book, city, me, case):
        flash("这个工单已经转走了。", "warn")
        return redirect(url_for("console.notices"))
    return redirect(url_for("console.case", number=number_of(case.id)))


def _read(book: Book, _city: City, me: Actor) -> Page:
    book.read_notices(me.staff_id, hears_unit(me), utc_now())
    return redirect(url_for("console.notices"))
