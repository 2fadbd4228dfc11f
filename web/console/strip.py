"""The strips on every page: nobody there, a calendar year that is missing; how far an order over several cases is."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING

from flask import current_app, url_for

from bot.assembly import utc_now
from bot.watch import standing
from cases import absence, words
from cases.numbers import number_of, spoken
from cases.workflow import Action
from cases.worktime import CHINA
from web.console.present import BulkStrip

if TYPE_CHECKING:
    from datetime import datetime

    from cases.absence import Deserted
    from cases.access import Actor
    from cases.city import City
    from cases.storage import Book
    from cases.storage.desk import BulkRow

WATCHERS = frozenset({"dispatcher", "admin"})
# Each process asks the database so often at most; it is nothing that changes from one click to the next.
SECONDS = 30.0
SHOWN = 3
KEPT = "deserted"
# Alarms that have a line of their own on the pages.
ELSEWHERE = frozenset({"account", "calendar", "poisoned"})
# So long what came of an order over several cases stands on the pages; from when on it is late.
DONE_SHOWN, REFUSED_SHOWN, LATE = timedelta(minutes=1), timedelta(minutes=15), timedelta(seconds=20)


def warnings(book: Book, city: City, found: Actor) -> list[tuple[str, str]]:
    """Return what this person should see to: a short sentence each, and the address that helps."""
    if found.role not in WATCHERS:
        return []
    units = _deserted(book, city)
    lines = _alarms(book) if found.role == "admin" else []
    lines += [(_said(each), url_for("console.team", q=each.unit.name)) for each in units[:SHOWN]]
    if len(units) > SHOWN:
        lines.append((f"还有 {len(units) - SHOWN} 个单位有工单、没人当班", url_for("console.team")))
    if broken := book.given_up_count():
        lines.append((f"有 {broken} 件程序没处理成，请看一看", url_for("console.broken")))
    year = city.calendar.missing(utc_now().astimezone(CHINA).date())
    if year is not None and found.role == "admin":
        lines.append((f"{year} 年的放假安排还没有，时限先按周末算；公布后请填上", url_for("console.registry_calendar")))
    return lines


def _alarms(book: Book) -> list[tuple[str, str]]:
    """Return what was wrong with the service at the last look; what stands on the page anyway is left out."""
    on = [each for each in standing(book, utc_now()) if each.key not in ELSEWHERE]
    return [(f"{each.words}。{each.todo}", url_for("console.home")) for each in on]


def forget() -> None:
    """Ask the database anew at the next page: somebody has just come or gone."""
    current_app.extensions.pop(KEPT, None)


def _deserted(book: Book, city: City) -> list[Deserted]:
    at, units = current_app.extensions.get(KEPT, (-SECONDS, []))
    if time.monotonic() - at >= SECONDS:
        at, units = time.monotonic(), absence.deserted(book, city, utc_now())
        current_app.extensions[KEPT] = (at, units)
    found: list[Deserted] = units
    return found


def _said(each: Deserted) -> str:
    danger = f"，其中 {each.danger} 件是警情" if each.danger else ""
    return f"{each.unit.name}有 {each.cases} 件在办{danger}，眼下没人当班"


def bulk_strips(book: Book, me: Actor, now: datetime) -> tuple[BulkStrip, ...]:
    """Return how far somebody's orders are, as long as that is news; what was left alone is news for longer."""
    rows = [row for row in book.bulks_of(me.staff_id, now - REFUSED_SHOWN) if _is_news(row, now)]
    return tuple(_bulk_strip(row, now) for row in rows[:SHOWN])


def _is_news(row: BulkRow, now: datetime) -> bool:
    return row.state == "waiting" or any(row.results.values()) or now - row.due_at < DONE_SHOWN


def _bulk_strip(row: BulkRow, now: datetime) -> BulkStrip:
    refused = {case_id: why for case_id, why in row.results.items() if why}
    return BulkStrip(
        id=row.id,
        words=_words(row, len(refused), now),
        waiting=row.state == "waiting",
        undoable=row.state == "waiting" and not row.results,
        refused=tuple(
            (spoken(number_of(int(case_id))), number_of(int(case_id)), why) for case_id, why in refused.items()
        ),
    )


def _words(row: BulkRow, refused: int, now: datetime) -> str:
    name, count = words.ACTIONS[Action(row.action)], len(row.case_ids)
    if row.state == "waiting" and now - row.due_at > LATE:
        return f"{name} {count} 件：后台还没有动，再等等，或者撤回"
    if row.state == "waiting":
        seconds = (row.due_at - now).total_seconds()
        when = f"{seconds:.0f} 秒后" if seconds > 0 else "正在"
        return f"{when}{name} {count} 件"
    return f"{name}：{count - refused} 件办好" + (f"，{refused} 件没有动" if refused else "")
