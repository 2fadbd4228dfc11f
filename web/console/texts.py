"""The administrator's catalogue of what the bot says; each text is checked before it is put to work."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import flash, redirect, render_template, request, url_for

from bot import catalogue
from bot.assembly import utc_now
from cases import audit
from cases.city import VERSION_KEY
from cases.storage.tables import PhraseRow
from web.console.frame import frame
from web.console.session import Page, admins_only
from web.uploads import words_of

if TYPE_CHECKING:
    from flask import Blueprint

    from bot.assembly import House
    from cases.access import Actor
    from cases.city import City
    from cases.storage import Book


@dataclass(frozen=True)
class TextLine:
    """One text of the catalogue as the page shows it: after a refused change with what was written, and its fault."""

    key: str
    group: str
    text: str
    shipped: str
    changed: bool
    variables: tuple[str, ...]
    fault: str = ""


def register(routes: Blueprint, house: House) -> None:
    """Add the catalogue and its saving."""
    routes.get("/texts", endpoint="texts")(admins_only(_show, house, writes=False))
    routes.post("/texts", endpoint="save_text")(admins_only(_save, house, writes=True))


def _show(book: Book, city: City, me: Actor) -> Page:
    return _page(book, city, me)


def _page(book: Book, city: City, me: Actor, key: str = "", draft: str = "", fault: str = "") -> Page:
    changed = book.phrases()
    lines = [
        TextLine(
            each.key,
            each.group,
            draft if each.key == key else changed.get(each.key, each.shipped),
            each.shipped,
            each.key in changed,
            each.variables,
            fault if each.key == key else "",
        )
        for each in catalogue.TEXTS.values()
    ]
    return render_template("console/texts.html", **frame(book, city, me), lines=lines), 400 if fault else 200


def _save(book: Book, city: City, me: Actor) -> Page:
    key, text = request.form.get("key", ""), words_of()
    if key not in catalogue.TEXTS:
        flash("没有这一条。", "error")
        return redirect(url_for("console.texts"))
    back = "back" in request.form or text == catalogue.TEXTS[key].shipped
    fault = "" if back else catalogue.fault(key, text)
    if fault:
        return _page(book, city, me, key, text, fault)
    row = book.get(PhraseRow, key)
    if back and row is not None:
        book.drop(row)
    elif not back:
        row = row or PhraseRow(key=key)
        row.text = text
        book.add(row)
    book.set_meta(VERSION_KEY, uuid.uuid4().hex)
    audit.changed(book, me, f"机器人的话 {key}", "用回原文" if back else "改了", utc_now())
    flash("已用回原文。" if back else "已保存，居民马上看到新的。", "ok")
    return redirect(url_for("console.texts", _anchor=f"text-{key}"))
