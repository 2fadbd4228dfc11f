"""`/console/home`: what somebody should see first, by their role. Each figure leads to the list that it counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import render_template

from bot.assembly import utc_now
from cases import limits, overview
from cases.overview import CENTRES, OFFICERS
from cases.worktime import CHINA
from web.console import health_view, home_charts, setup, shape
from web.console.frame import frame
from web.console.session import Page, actor

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from typing import Any

    from flask import Blueprint

    from bot.assembly import House
    from cases.access import Actor
    from cases.city import City
    from cases.storage import Book
    from cases.storage.tables import CaseRow
    from web.console.present import CaseLine

WEEKDAYS = "一二三四五六日"
GREETINGS = ((5, "夜里好"), (9, "早上好"), (12, "上午好"), (14, "中午好"), (18, "下午好"), (24, "晚上好"))


def register(routes: Blueprint, house: House) -> None:
    """Add the home."""

    @routes.get("/home")
    def home() -> Page:
        """Show the home; the machine's own parts are asked after the database, so that nothing is open meanwhile."""
        with house.store.read() as book:
            city = house.cities.current(book)
            me, now = actor(book, city), utc_now()
            shown = {**frame(book, city, me, "home"), **said(me, now), **_of_role(house, book, city, me, now)}
        if me.role == "admin":
            shown["health"] = (*health_view.parts(house), *shown["health"])
        return render_template("console/home.html", **shown)


def said(me: Actor, now: datetime) -> dict[str, str]:
    """Return the greeting, and the day with its weekday."""
    local = now.astimezone(CHINA)
    greeting = next(words for until, words in GREETINGS if local.hour < until)
    day = f"{local.month}月{local.day}日，星期{WEEKDAYS[local.weekday()]}"
    return {"greeting": f"{me.name}，{greeting}", "today": day, "role": me.role, "at": f"{local:%H:%M}"}


def _of_role(house: House, book: Book, city: City, me: Actor, now: datetime) -> dict[str, Any]:
    if me.role in OFFICERS:
        day = overview.officer(book, city, me, now)
        return {"kind": "officer", "home": day, "lines": _lines(book, city, day.pressing, now)}
    if me.role == "dispatcher":
        desk = overview.dispatcher(book, city, me, now)
        oldest = limits.spoken_time(desk.oldest, now) if desk.oldest is not None else ""
        bars = home_charts.hours(desk.hours, now.astimezone(CHINA).hour)
        return {"kind": "dispatcher", "home": desk, "oldest": oldest, "bars": bars}
    if me.role in CENTRES:
        area = overview.centre(book, city, me, now)
        return {"kind": "centre", "home": area, "flow": home_charts.flow(area.days)}
    if me.role == "leader":
        view = overview.leader(book, city, me, now)
        dates = {case.id: limits.spoken_time(case.supervise_by, now) for case in view.supervised if case.supervise_by}
        supervised = [(line, dates.get(case.id, "")) for case, line in _both(book, city, view.supervised, now)]
        return {"kind": "leader", "home": view, "supervised": supervised}
    left = sum(line.step.left for line in setup.lines_of(house.settings, book, city, me, now))
    return {"kind": "admin", "health": health_view.records(house, book, city, now), "setup_left": left}


def _both(book: Book, city: City, cases: Iterable[CaseRow], now: datetime) -> list[tuple[CaseRow, CaseLine]]:
    return [(case, shape.case_line(book, city, case, now)) for case in cases]


def _lines(book: Book, city: City, cases: Iterable[CaseRow], now: datetime) -> list[CaseLine]:
    return [line for _, line in _both(book, city, cases, now)]
