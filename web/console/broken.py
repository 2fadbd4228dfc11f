"""What broke by a fault of ours and was given up: seen by dispatchers and administrators, who have it tried again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import flash, redirect, render_template, url_for

from bot.assembly import utc_now
from bot.inbound import words_of
from bot.protocol import Inbound
from cases import contacts, failures, limits
from cases.numbers import number_of, spoken
from cases.storage.failing import FailureRow
from cases.storage.tables import AttachmentRow, OutboxRow
from web.console.frame import frame
from web.console.session import Page, only
from web.uploads import LAST_ID

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from flask import Blueprint

    from bot.assembly import House
    from cases.access import Actor
    from cases.city import City
    from cases.storage import Book

# The kinds whose key is a case's own.
OF_CASES = frozenset({"case", "alarm", "card", "pause"})
WORDLESS = "（照片、语音或定位）"


@dataclass(frozen=True)
class Broken:
    """One piece of broken work as it is shown: `words` are the resident's, for those who may read them."""

    id: int
    name: str
    when: str
    reason: str
    number: str
    spoken: str
    words: str


def register(routes: Blueprint, house: House) -> None:
    """Add the list, trying again, and putting aside."""
    routes.get("/broken", endpoint="broken")(only(failures.ROLES, _show, house, writes=False))
    routes.post(f"/broken/<int(max={LAST_ID}):failure_id>/retry", endpoint="retry_broken")(
        only(failures.ROLES, _retry, house, writes=True)
    )
    routes.post(f"/broken/<int(max={LAST_ID}):failure_id>/dismiss", endpoint="dismiss_broken")(
        only(failures.ROLES, _dismiss, house, writes=True)
    )


def _show(book: Book, city: City, me: Actor) -> Page:
    now = utc_now()
    lines = [_line(book, me, row, now) for row in book.given_up()]
    return render_template("console/broken.html", **frame(book, city, me, "broken"), lines=lines)


def _line(book: Book, me: Actor, row: FailureRow, now: datetime) -> Broken:
    case_id = _case_of(book, row) if me.role == "dispatcher" else None
    return Broken(
        id=row.id,
        name=failures.KINDS.get(row.kind, row.kind),
        when=limits.spoken_time(row.last_at, now),
        reason=row.reason,
        number=number_of(case_id) if case_id is not None else "",
        spoken=spoken(number_of(case_id)) if case_id is not None else "",
        words=_words(row) if me.role == "dispatcher" else "",
    )


def _case_of(book: Book, row: FailureRow) -> int | None:
    if row.kind in OF_CASES:
        return int(row.key)
    kind = {"outbox": OutboxRow, "attachment": AttachmentRow, "reading": AttachmentRow}.get(row.kind)
    owed = book.get(kind, int(row.key)) if kind is not None else None
    return owed.case_id if isinstance(owed, OutboxRow | AttachmentRow) else None


def _words(row: FailureRow) -> str:
    """Return what a resident said in a message that could not be taken."""
    if not row.message:
        return ""
    return contacts.hidden(words_of(Inbound(**row.message))) or WORDLESS


def _settling(do: Callable[[Book, FailureRow, Actor, datetime], None], said: str) -> Callable[..., Page]:
    """Return what does this with one piece of broken work, if it still waits, and says so."""

    def settle(book: Book, _city: City, me: Actor, failure_id: int) -> Page:
        row = book.lock_row(FailureRow, failure_id)
        if row is None or row.given_up_at is None:
            flash("这一条已经处理过了。", "warn")
        else:
            do(book, row, me, utc_now())
            flash(said, "ok")
        return redirect(url_for("console.broken"))

    return settle


_retry = _settling(failures.retry, "再试一次，几秒后看结果。还不成，会再回到这里。")
_dismiss = _settling(failures.dismiss, "好的，不再试了。")
