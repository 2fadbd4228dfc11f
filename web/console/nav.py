"""Where a person can go: the rail at the desk, the bar of the phone, and the page `我` are made of the same links."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from flask import request, url_for

from cases import failures, triage
from cases.access import HANDLING_ROLES, hears_unit
from cases.callbacks import ROLES as CALLERS
from cases.training import TRAINERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cases.access import Actor
    from cases.city import City
    from cases.storage import Book
    from web.console.present import Tab

COUNTERS = frozenset({"community", "street", "district", "city", "dispatcher", "leader"})
MOST = 99
ICONS = {
    "mine": "inbox",
    "attention": "eye",
    "all": "list-ul",
    "unheard": "chat-square-text",
    "resolved": "chat-square-heart",
    "ended": "archive",
    "asked": "people",
    "supervised": "shield-check",
    "reported": "camera",
    "called": "people-fill",
    "first": "bookmark",
}


@dataclass(frozen=True)
class Link:
    """One place to go to; `count` is the work that waits there, `current`: one is there."""

    key: str
    name: str
    href: str
    icon: str
    count: int = 0
    current: bool = False

    @property
    def shown_count(self) -> str:
        """The count where there is little room."""
        return f"{MOST}+" if self.count > MOST else str(self.count or "")


@dataclass(frozen=True)
class Group:
    """Links that belong together, under a title."""

    title: str
    links: tuple[Link, ...]


@dataclass(frozen=True)
class Nav:
    """All places of a person: in groups, the few that the phone's bar has, and the bell's count."""

    groups: tuple[Group, ...]
    bar: tuple[Link, ...]
    unread: int
    reports: bool


def nav(book: Book, city: City, me: Actor, tabs: Sequence[Tab]) -> Nav:
    """Return where this person can go from the page that is being made."""
    work = tuple(_work(book, city, me))
    lists = tuple(
        Link(tab.key, tab.name, url_for("console.queue", list=tab.key), _icon(tab.key), tab.count, tab.current)
        for tab in tabs
    )
    saved = tuple(
        Link(f"saved-{row.id}", row.name, f"{url_for('console.find')}?{row.query}", "funnel", current=_is(row.query))
        for row in book.filters_of(me.staff_id)
    )
    everything = _link("every", "全部", "console.find", "collection")
    everything = replace(everything, current=everything.current and not any(link.current for link in saved))
    lists += (everything,) if me.role != "admin" else ()
    groups = (
        Group("", work),
        Group("工单", lists),
        Group("我的筛选", saved),
        Group("一起办", tuple(_together(book, me))),
        Group("管理", tuple(_management(me))),
    )
    bar = tuple(_bar(me, {link.key: link for link in (*work, *lists)}))
    unread = book.unread(me.staff_id, hears_unit(me))
    return Nav(tuple(group for group in groups if group.links), bar, unread, me.role in HANDLING_ROLES)


def _icon(key: str) -> str:
    return ICONS.get(key, "person-lines-fill" if key.startswith("covers-") else "list-ul")


def _is(query: str) -> bool:
    """Say whether this is the page of a saved filter."""
    here = [(key, value) for key, value in request.args.items(multi=True) if key not in {"case", "page"}]
    return urlencode(here) == query


def _link(key: str, name: str, endpoint: str, icon: str, count: int = 0) -> Link:
    """Return a link to a page; one is there on that page and on those below it."""
    href = url_for(endpoint)
    return Link(key, name, href, icon, count, f"{request.path}/".startswith(f"{href.rstrip('/')}/"))


def _work(book: Book, city: City, me: Actor) -> Iterable[Link]:
    yield _link("home", "首页", "console.home", "house")
    if me.role == "dispatcher":
        yield _link("triage", "逐件派单", "console.triage", "signpost-split", triage.waiting_count(book, city))
    if me.role != "admin":
        yield _link("map", "地图", "console.map", "map")


def _together(book: Book, me: Actor) -> Iterable[Link]:
    if me.role in CALLERS:
        yield _link("callbacks", "回访", "console.callbacks", "telephone", book.callbacks_waiting())
    if me.role in COUNTERS:
        yield _link("whistles", "吹哨报到", "console.whistles", "people-fill")
    yield _link("team", "人员与请假", "console.team", "people")
    broken = book.given_up_count() if me.role in failures.ROLES else 0
    if broken:
        yield _link("broken", "出错的", "console.broken", "exclamation-triangle", broken)


def _management(me: Actor) -> Iterable[Link]:
    if me.role in TRAINERS:
        yield _link("learning", "分类器", "console.learning", "mortarboard")
    if me.role == "admin":
        yield _link("setup", "开通向导", "console.setup", "list-check")
        yield _link("categories", "类别与时限", "console.categories", "sliders")
        yield _link("registry", "基础数据", "console.registry", "database")
        yield _link("rules", "派单规则", "console.rules", "signpost-split")
        yield _link("guide", "办事指南", "console.guide", "book")
        yield _link("texts", "机器人的话", "console.texts", "chat-dots")
        yield _link("audit", "审计记录", "console.audit", "journal-check")
        yield _link("posters", "二维码海报", "console.posters", "qr-code")


# What the phone's bar has for whom, besides `我`; who handles has the camera there too.
BARS = {
    "dispatcher": ("triage", "mine", "every", "map"),
    "leader": ("home", "all", "supervised", "map"),
    "admin": ("home", "registry", "audit"),
}
HANDLER_BAR = ("mine", "every", "map", "report")
SHORT = {"mine": "我的", "triage": "派单", "report": "上报"}


def _bar(me: Actor, links: dict[str, Link]) -> Iterable[Link]:
    known = dict(links)
    known["report"] = _link("report", "上报", "console.report", "camera")
    known |= {link.key: link for link in _management(me)}
    for key in BARS.get(me.role, HANDLER_BAR):
        link = known.get(key)
        if link is not None:
            yield Link(link.key, SHORT.get(link.key, link.name), link.href, link.icon, link.count, link.current)
    yield _link("me", "我", "console.me", "person")
