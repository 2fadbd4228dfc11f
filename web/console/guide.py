"""The administrator's office guide: what residents are told about offices and papers, and what is handled elsewhere."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from flask import flash, redirect, render_template, request, url_for

from bot.assembly import utc_now
from cases import audit
from cases.city import VERSION_KEY
from cases.storage.tables import GuideRow
from web.console.frame import frame
from web.console.session import Page, admins_only
from web.uploads import whole

if TYPE_CHECKING:
    from flask import Blueprint

    from bot.assembly import House
    from cases.access import Actor
    from cases.city import City
    from cases.storage import Book

# What a chat message can hold of an entry.
LENGTHS = {"title": 40, "what": 300, "where_to": 120, "hours": 80, "papers": 160, "phone": 80}
NAMES = 20
NAME_CHARACTERS = 40


def register(routes: Blueprint, house: House) -> None:
    """Add the guide, its saving and its deleting."""
    routes.get("/guide", endpoint="guide")(admins_only(_show, house, writes=False))
    routes.post("/guide", endpoint="save_guide")(admins_only(_save, house, writes=True))
    routes.post("/guide/delete", endpoint="delete_guide")(admins_only(_delete, house, writes=True))


def _show(book: Book, city: City, me: Actor) -> Page:
    question = request.args.get("question", "").strip()
    return render_template(
        "console/guide.html",
        **frame(book, city, me),
        rows=book.guide(),
        lengths=LENGTHS,
        question=question,
        found=[entry.title for entry in city.guide.find(question)] if question else [],
    )


def _row(book: Book) -> GuideRow | None:
    """Return the row that a form is about; a new one without an id, None for an id that is gone."""
    number = request.form.get("id", "")
    if not number:
        return GuideRow(title="", names=[], what="", where_to="", hours="", papers="", phone="", elsewhere=False)
    return book.get(GuideRow, whole(number))


def _save(book: Book, _city: City, me: Actor) -> Page:
    row = _row(book)
    fields = {name: request.form.get(name, "").replace("\r\n", "\n").strip() for name in LENGTHS}
    fault = _fault(book, row, fields)
    if row is None or fault:
        flash(f"没有保存：{fault}", "error")
        return redirect(url_for("console.guide"))
    for name, value in fields.items():
        setattr(row, name, value)
    row.names = _names(request.form.get("names", ""))
    row.elsewhere = "elsewhere" in request.form
    book.add(row)
    book.set_meta(VERSION_KEY, uuid.uuid4().hex)
    audit.changed(book, me, f"办事指南 {row.id}", f"保存“{row.title}”", utc_now())
    flash(f"“{row.title}”已保存，居民再问就按新的答。", "ok")
    return redirect(url_for("console.guide", _anchor=f"guide-{row.id}"))


def _fault(book: Book, row: GuideRow | None, fields: dict[str, str]) -> str:
    """Return why an entry cannot be saved, or an empty string."""
    if row is None:
        return "这一条已经被删掉了。"
    if not fields["title"] or not fields["what"]:
        return "名称和说明要填。"
    if any(len(fields[name]) > most for name, most in LENGTHS.items()):
        return "有一栏写得太长。"
    if any(other.title == fields["title"] and other.id != row.id for other in book.guide()):
        return f"已经有一条“{fields['title']}”了。"
    return ""


def _names(text: str) -> list[str]:
    """Return the ways of asking, one a line or between commas, each once."""
    parts = [
        part.strip()[:NAME_CHARACTERS] for line in text.splitlines() for part in line.replace("，", ",").split(",")
    ]
    return list(dict.fromkeys(filter(None, parts)))[:NAMES]


def _delete(book: Book, _city: City, me: Actor) -> Page:
    row = _row(book)
    if row is not None and row.id is not None:
        book.drop(row)
        book.set_meta(VERSION_KEY, uuid.uuid4().hex)
        audit.changed(book, me, f"办事指南 {row.id}", f"删除“{row.title}”", utc_now())
        flash(f"“{row.title}”已删除。", "ok")
    return redirect(url_for("console.guide"))
