"""Finding at the desk: the address's words and filters, read once; filters that somebody keeps under a name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from flask import abort, flash, redirect, request, url_for

from bot.assembly import utc_now
from cases.search import MOST_TYPED
from cases.storage import Filter
from cases.storage.desk import FilterRow
from cases.workflow import ENDED, UNRESOLVED, State
from web.console.present import Choice
from web.console.session import Page, anybody
from web.uploads import LAST_ID, day_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask import Blueprint

    from bot.assembly import House
    from cases.access import Actor
    from cases.city import City
    from cases.storage import Book

STATES = {
    "open": ("在办", frozenset(map(str, UNRESOLVED))),
    "resolved": ("待核查", frozenset({str(State.RESOLVED)})),
    "ended": ("已结束", frozenset(map(str, ENDED))),
}
CARDS = {"red": "红牌", "yellow": "黄牌"}
ORDERS = {"newest": "最新的在前", "due": "快到时限的在前", "oldest": "最早的在前", "urges": "催得多的在前"}
NAMES = ("q", "state", "group", "unit", "card", "urgent", "photos", "from", "to", "order")
MOST_KEPT = 20
NAME_LENGTH, QUERY_LENGTH = 20, 500


@dataclass(frozen=True)
class Wanted:
    """What the address asks for: the words, the chosen values by field, the filter, and the order."""

    typed: str
    chosen: Mapping[str, str]
    filter: Filter
    order: str

    @property
    def narrowed(self) -> int:
        """How many filters besides the words are set."""
        return sum(bool(value) for name, value in self.chosen.items() if name not in {"q", "order"})

    @property
    def query(self) -> str:
        """The address's query, without what is empty."""
        return urlencode({name: value for name, value in self.chosen.items() if value})


def register(routes: Blueprint, house: House) -> None:
    """Add keeping and dropping a filter."""
    routes.post("/filters", endpoint="keep_filter")(anybody(_keep, house, writes=True))
    one = f"/filters/<int(max={LAST_ID}):filter_id>/drop"
    routes.post(one, endpoint="drop_filter")(anybody(_drop, house, writes=True))


def wanted(city: City) -> Wanted:
    """Read the address; what is unknown or no date counts as not chosen."""
    args = request.args
    chosen = {name: args.get(name, "").strip()[:MOST_TYPED] for name in NAMES}
    chosen["q"] = chosen["q"] or args.get("number", "").strip()[:MOST_TYPED]
    order = chosen["order"] if chosen["order"] in ORDERS else "newest"
    group = chosen["group"]
    kinds = frozenset(code for code, category in city.categories.items() if category.group_name == group)
    unit = city.by_code.get(chosen["unit"])
    begin, end = day_of(chosen["from"]), day_of(chosen["to"], 1)
    return Wanted(
        typed=chosen["q"],
        chosen=chosen,
        order=order,
        filter=Filter(
            states=STATES[chosen["state"]][1] if chosen["state"] in STATES else None,
            kinds=kinds if group and kinds else None,
            below=unit.path if unit is not None else None,
            card=chosen["card"] if chosen["card"] in CARDS else None,
            at=utc_now(),
            urgent=True if chosen["urgent"] else None,
            photos=True if chosen["photos"] else None,
            opened_from=begin,
            opened_to=end,
        ),
    )


@dataclass(frozen=True)
class Choices:
    """What the filters offer, each with the chosen one marked."""

    states: tuple[Choice, ...]
    groups: tuple[Choice, ...]
    units: tuple[Choice, ...]
    cards: tuple[Choice, ...]
    orders: tuple[Choice, ...]


def choices(city: City, me: Actor, chosen: Mapping[str, str]) -> Choices:
    """Return the filters' options: units are those one level below this person's, and the departments."""

    def options(named: Mapping[str, str], name: str) -> tuple[Choice, ...]:
        return tuple(Choice(key, words, key == chosen[name]) for key, words in named.items())

    groups = {category.group_name: category.group_name for category in city.categories.values()}
    near = [
        unit for unit in city.units.values()
        if unit.active and (unit.parent_id == me.unit_id or unit.kind == "department" or unit.id == me.unit_id)
    ]  # fmt: skip
    return Choices(
        states=options({key: name for key, (name, _) in STATES.items()}, "state"),
        groups=options(groups, "group"),
        units=options({unit.code: unit.name for unit in near}, "unit"),
        cards=options(CARDS, "card"),
        orders=options(ORDERS, "order"),
    )


def _keep(book: Book, _city: City, me: Actor) -> Page:
    """Keep the filter whose query was sent under a name; one of the same name is replaced."""
    name, query = request.form.get("name", "").strip()[:NAME_LENGTH], request.form.get("query", "")
    there = f"{url_for('console.find')}?{query}"
    kept = book.filters_of(me.staff_id)
    same = next((row for row in kept if row.name == name), None)
    if not name or not query or len(query) > QUERY_LENGTH:
        flash("请给筛选起个名字。" if query else "先选好条件，再存下来。", "warn")
    elif same is None and len(kept) >= MOST_KEPT:
        flash(f"最多存 {MOST_KEPT} 个筛选，请先删掉一个。", "warn")
    elif same is not None:
        same.query = query
        flash(f"“{name}”换成了现在的条件。", "ok")
    else:
        book.add(FilterRow(staff_id=me.staff_id, name=name, query=query))
        flash(f"存好了，左边点“{name}”就能再看。", "ok")
    return redirect(there)


def _drop(book: Book, _city: City, me: Actor, filter_id: int) -> Page:
    row = book.get(FilterRow, filter_id)
    if row is None or row.staff_id != me.staff_id:
        abort(404)
    book.drop_filter(row)
    flash(f"“{row.name}”删掉了。", "ok")
    return redirect(url_for("console.find"))
