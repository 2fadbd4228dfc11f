"""People and leave: who is there, who stands in, what each has in hand; leave, backup, handing over, leaving."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from flask import flash, redirect, render_template, request, url_for

from bot.assembly import utc_now
from cases import absence, access, worktime
from cases.absence import NoSuchPerson
from cases.ledger import NotAllowed
from cases.storage.tables import StaffRow
from cases.words import ROLES
from web.console import strip
from web.console.frame import frame
from web.console.pages import error_page
from web.console.session import Page, anybody
from web.uploads import LAST_ID, whole, words_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from flask import Blueprint

    from bot.assembly import House
    from cases.access import Actor
    from cases.city import City
    from cases.storage import Book
    from cases.storage.working import AbsenceRow

PAGE = 30
ONE = f"/team/<int(max={LAST_ID}):staff_id>"
NOBODY = "没有这个人，或者不归您管。"


@dataclass(frozen=True)
class Colleague:
    """A person as the pages show them. `state`: here, away or leaving (an absence that begins later), in `words`."""

    id: int
    name: str
    login: str
    role: str
    unit: str
    state: str
    words: str
    backup: str
    cases: int
    oneself: bool


def register(routes: Blueprint, house: House) -> None:
    """Add the list, a person's page, and what can be arranged there."""
    routes.get("/team", endpoint="team")(anybody(_show, house, writes=False))
    routes.get(ONE, endpoint="person")(anybody(_person, house, writes=False))
    for name, do in ACTS.items():
        routes.post(f"{ONE}/{name}", endpoint=f"person_{name}")(anybody(partial(_tried, do), house, writes=True))

    @routes.app_errorhandler(NoSuchPerson)
    def no_such_person(_error: NoSuchPerson) -> Page:
        return error_page(404, "没有这个人", NOBODY)


# -- the list ---------------------------------------------------------------------------------------------------


def _show(book: Book, city: City, me: Actor) -> Page:
    rows, question = _managed(book, city, me), request.args.get("q", "").strip()[:40]
    if question:
        rows = [row for row in rows if question in f"{row.name} {row.login} {city.units[row.unit_id].name}"]
    number = request.args.get("page", "1")
    pages = max(1, -(-len(rows) // PAGE))
    page = min(max(1, whole(number)), pages)
    shown = rows[(page - 1) * PAGE : page * PAGE]
    return render_template(
        "console/team.html",
        **frame(book, city, me),
        people=_colleagues(book, city, me, shown),
        total=len(rows),
        question=question,
        page=page,
        pages=pages,
    )


def _managed(book: Book, city: City, me: Actor) -> list[StaffRow]:
    """Return oneself, and those whose absence and cases one arranges."""
    own = book.get(StaffRow, me.staff_id)
    if me.role != "admin" and me.role not in access.HEADS:
        return [own] if own is not None else []
    below = book.people_below("/" if me.role == "admin" else me.unit_path)
    others = [row for row in below if row is not own and access.may_manage(me, city.units[row.unit_id].path, row.role)]
    return ([own] if own is not None else []) + others


def _colleagues(book: Book, city: City, me: Actor, rows: Iterable[StaffRow]) -> list[Colleague]:
    rows, now = list(rows), utc_now()
    counts = book.in_hand_counts()
    gone: dict[int, AbsenceRow] = {}
    for each in book.absences([row.id for row in rows], now):
        gone.setdefault(each.staff_id, each)
    return [_colleague(book, city, me, row, gone.get(row.id), counts.get(row.id, 0)) for row in rows]


def _colleague(book: Book, city: City, me: Actor, row: StaffRow, gone: AbsenceRow | None, cases: int) -> Colleague:
    now = utc_now()
    backup = book.get(StaffRow, row.backup_id) if row.backup_id is not None else None
    state, words = "here", "在岗"
    if gone is not None and gone.from_at > now:
        state, words = "leaving", f"{_said(gone.from_at)}起请假，到{_said(gone.until_at)}"
    elif gone is not None:
        state, words = "away", f"请假到{_said(gone.until_at)}，{_covered(book, row, now)}"
    return Colleague(
        row.id,
        row.name,
        row.login,
        ROLES[row.role],
        city.units[row.unit_id].name,
        state,
        words,
        backup.name if backup is not None else "",
        cases,
        oneself=row.id == me.staff_id,
    )


def _covered(book: Book, row: StaffRow, now: datetime) -> str:
    stand_in = absence.stand_in(book, row.id, now)
    found = book.get(StaffRow, stand_in) if stand_in is not None else None
    return f"{found.name}顶着" if found is not None else "没有人顶，工单在队列里"


def _said(moment: datetime) -> str:
    local = moment.astimezone(worktime.CHINA)
    return f"{local.month}月{local.day}日 {local:%H:%M}"


# -- one person -------------------------------------------------------------------------------------------------


def _person(book: Book, city: City, me: Actor, staff_id: int) -> Page:
    return _page(book, city, me, staff_id, "console/person.html")


def _page(book: Book, city: City, me: Actor, staff_id: int, template: str) -> str:
    row, now = absence.person(book, city, me, staff_id), utc_now()
    others = [each for each in book.colleagues(row.unit_id) if each.id != row.id]
    backups = absence.backups(book, city, row)
    [shown] = _colleagues(book, city, me, [row])
    return render_template(
        template,
        **frame(book, city, me),
        person_shown=shown,
        backup_id=row.backup_id,
        backups=[(each.id, _named(city, row, each), absence.away(book, each.id, now) is None) for each in backups],
        others=[(each.id, each.name, absence.away(book, each.id, now) is None) for each in others],
        to_id=request.form.get("to", ""),
        now=f"{now.astimezone(worktime.CHINA):%Y-%m-%dT%H:%M}",
    )


def _named(city: City, row: StaffRow, other: StaffRow) -> str:
    """Return a colleague's name, with the unit where it is another."""
    return other.name if other.unit_id == row.unit_id else f"{other.name}（{city.units[other.unit_id].name}）"


def _tried(do: Callable[[Book, City, Actor, int], Page], book: Book, city: City, me: Actor, staff_id: int) -> Page:
    """Arrange something, or say why not, and go back to the person's page."""
    absence.person(book, city, me, staff_id)
    strip.forget()
    try:
        return do(book, city, me, staff_id)
    except NotAllowed as refusal:
        flash(str(refusal), "error")
        return redirect(url_for("console.person", staff_id=staff_id))


def _done(words: str, staff_id: int) -> Page:
    flash(words, "ok")
    return redirect(url_for("console.person", staff_id=staff_id))


def _leave(book: Book, city: City, me: Actor, staff_id: int) -> Page:
    now = utc_now()
    from_at, until_at = (_moment(request.form.get(name, "")) for name in ("from", "until"))
    if until_at is None or (request.form.get("from") and from_at is None):
        raise NotAllowed("请写明请假到什么时候。")
    moved = absence.leave(book, city, me, staff_id, (from_at or now, until_at), words_of("reason"), now)
    return _done(f"假记下了{f'，{moved} 件工单交给了别人' if moved else ''}。", staff_id)


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=worktime.CHINA)
    except ValueError:
        return None


def _back(book: Book, city: City, me: Actor, staff_id: int) -> Page:
    ended = absence.come_back(book, city, me, staff_id, utc_now())
    return _done("销假了，欢迎回来。交出去的工单还由接手的人办。" if ended else "本来就没有请假。", staff_id)


def _backup(book: Book, city: City, me: Actor, staff_id: int) -> Page:
    absence.set_backup(book, city, me, staff_id, _chosen("backup"), utc_now())
    return _done("B岗记下了。", staff_id)


def _hand_over(book: Book, city: City, me: Actor, staff_id: int) -> Page:
    moved = absence.hand_over_all(book, city, me, staff_id, _chosen("to"), utc_now())
    return _done(f"移交了 {moved} 件。" if moved else "手上没有在办的工单。", staff_id)


def _depart(book: Book, city: City, me: Actor, staff_id: int) -> Page:
    """Ask once more, then switch off the account."""
    row = absence.person(book, city, me, staff_id)
    if request.form.get("sure") != "1":
        return _page(book, city, me, staff_id, "console/depart.html")
    moved = absence.depart(book, city, me, staff_id, _chosen("to"), utc_now())
    flash(f"{row.name}的账号停用了{f'，{moved} 件工单已移交' if moved else ''}。", "ok")
    return redirect(url_for("console.team"))


def _chosen(name: str) -> int | None:
    """Return the id of the colleague who was chosen, None for nobody. Raises NotAllowed for what is no id."""
    text = request.form.get(name, "")
    if text and not whole(text):
        raise NotAllowed("请从名单里选一个人。")
    return int(text) if text else None


ACTS = {"leave": _leave, "back": _back, "backup": _backup, "handover": _hand_over, "depart": _depart}
