"""The administrator's audit trail: who did what to what, to be searched and taken away, and whether it is whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Response, render_template, request, url_for

from bot.assembly import utc_now
from cases import audit
from cases.numbers import case_id_of, number_of
from cases.storage.trail import Sought
from cases.worktime import CHINA
from web.console.frame import frame
from web.console.session import Page, admins_only
from web.uploads import day_of, whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask import Blueprint

    from bot.assembly import House
    from cases.access import Actor
    from cases.city import City
    from cases.storage import Book
    from cases.storage.working import AuditRow

FIELDS = ("who", "action", "day", "number")


def register(routes: Blueprint, house: House) -> None:
    """Add the page, its file, and the check of the chain."""
    routes.get("/audit", endpoint="audit")(admins_only(_show, house, writes=False))
    routes.get("/audit/export", endpoint="export_audit")(admins_only(_export, house, writes=True))
    routes.get("/audit/chain", endpoint="audit_chain")(admins_only(_chain, house, writes=False))


def _show(book: Book, city: City, me: Actor) -> Page:
    asked = {name: request.args.get(name, "").strip() for name in FIELDS}
    number = request.args.get("page", "1")
    found = book.sought(_sought(asked), whole(number) or 1)
    people = audit.names(book)
    return render_template(
        "console/audit.html",
        **frame(book, city, me),
        asked=asked,
        lines=[_line(row, people) for row in found.lines],
        found=found,
        people=people,
        actions=audit.ACTIONS,
        kept=audit.KEPT.days,
        chain=_state(book) if "check" in request.args else "",
        given=_given(asked),
        export=url_for("console.export_audit", **_given(asked)),
    )


def _given(asked: Mapping[str, str]) -> dict[str, Any]:
    return {name: value for name, value in asked.items() if value}


def _sought(asked: Mapping[str, str]) -> Sought:
    """Return what a form asks for; what cannot be read does not matter."""
    who, day = asked["who"], asked["day"]
    case_id = case_id_of(asked["number"])
    return Sought(
        staff_id=int(who) if who.isascii() and who.isdigit() and len(who) < 10 else None,  # noqa: PLR2004 - an integer
        action=asked["action"],
        subject=number_of(case_id) if case_id is not None else asked["number"],
        since=day_of(day),
        until=day_of(day, 1),
    )


def _line(row: AuditRow, people: Mapping[int, tuple[str, str]]) -> dict[str, str]:
    name, login = people.get(row.staff_id or 0, ("系统", ""))
    case_id = case_id_of(row.subject)
    return {
        "at": f"{row.at.astimezone(CHINA):%Y-%m-%d %H:%M:%S}",
        "who": name,
        "login": login,
        "action": row.action,
        "done": audit.ACTIONS.get(row.action, row.action),
        "subject": row.subject if row.subject != login else "",  # themselves: said already
        "number": row.subject if case_id is not None else "",
        "detail": row.detail,
    }


def _export(book: Book, _city: City, me: Actor) -> Page:
    asked = {name: request.args.get(name, "").strip() for name in FIELDS}
    content = audit.exported(book, book.trail(_sought(asked)))
    audit.note(book, me, "export", "审计记录", f"{content.count(chr(10)) - 1} 条", utc_now())
    name = f"audit-{utc_now().astimezone(CHINA):%Y%m%d}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(content.encode("utf-8-sig"), mimetype="text/csv", headers=headers)


def _chain(book: Book, _city: City, _me: Actor) -> Page:
    """Check the whole trail; the page asks for it afterwards, so that it need not wait."""
    return render_template("console/audit_chain.html", chain=_state(book))


def _state(book: Book) -> str:
    broken = audit.verify(book)
    return "whole" if broken is None else str(broken)
