"""From rows to what the triage board shows of one case."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from markupsafe import Markup, escape
from pypinyin import Style, lazy_pinyin

from cases import contacts, triage, words
from cases.deciding import place_of
from cases.numbers import number_of
from cases.routing import PLACE_SOURCES
from cases.storage.tables import StaffRow
from web.console import shape
from web.console.forms import unit_groups
from web.console.maps import map_view

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from cases.access import Actor
    from cases.city import City, Unit
    from cases.routing import Located
    from cases.similar import Alike
    from cases.storage import Book
    from cases.storage.tables import CaseRow
    from cases.storage.triage import Waiting
    from web.console.forms import Grouped
    from web.console.present import CaseLine, MapView, Media

CHOICES = 5
# Below one in a hundred a guess is none.
WORTH_SHOWING = 0.01
# Names of places to pick from, those of the case's grid first.
PLACES = 300
# So many units are named in the line about similar cases.
NAMED_UNITS = 2
BY_PLACE = {"grid": "各自的网格", "community": "各自的社区", "street": "各自的街道"}


@dataclass(frozen=True)
class Kind:
    """A kind of matter to choose, where the case would go (empty: the place is needed first), words to find it by."""

    code: str
    name: str
    group: str
    unit: str
    search: str
    percent: str = ""
    note: str = ""


@dataclass(frozen=True)
class Board:
    """One case that waits, with everything to decide it by. Numbers of cases are empty where there is none.

    `calls`: what to know first, as who gave it back and why; `why`: how routing reasoned; `ringing`: nobody has signed
    for its alarm.
    """

    line: CaseLine
    text: Markup
    media: tuple[Media, ...]
    map: MapView | None
    grid: str
    place_source: str
    calls: tuple[str, ...]
    ringing: bool
    why: tuple[str, ...]
    resident: str
    asked: bool
    may_ask: bool
    choices: tuple[Kind, ...]
    groups: tuple[tuple[str, tuple[Kind, ...]], ...]
    alike: str
    units: Grouped
    places: tuple[str, ...]
    position: int
    total: int
    following: str
    previous: str
    again: bool


def board(
    book: Book, city: City, me: Actor, case: CaseRow, waiting: Waiting, alike: Alike, now: datetime, following: str
) -> Board:
    """Return what the board shows of a case; `following`: the case after it, where its place in the list tells none."""
    at = waiting.ids.index(case.id) if case.id in waiting.ids else None
    after = [each for each in waiting.ids if each != case.id]
    spot = _Spot(city, case, place_of(city, case))
    asked, returned = book.waits_for_answer(case.id), _returned(book, city, case)
    return Board(
        line=shape.case_line(book, city, case, now),
        text=marked(contacts.hidden(case.text), [str(word) for word in case.evidence]),
        media=tuple(shape.media_of(part, heard=True) for part in book.attachments(case.id)),
        map=map_view(city, case),
        grid=city.units[case.grid_id].name if case.grid_id is not None else "",
        place_source=PLACE_SOURCES.get(case.place_source, ""),
        calls=_calls(case, returned, asked=asked),
        ringing=case.alarmed_at is not None and case.acknowledged_at is None,
        why=tuple(reason for reason in case.reasons if not reason.startswith("地点：")),
        resident=_resident(book, case),
        asked=asked,
        may_ask=case.grid_id is None and case.resident_id is not None and not asked,
        choices=_choices(spot, alike, returned.unit if returned is not None else None),
        groups=_groups(spot),
        alike=alike_words(city, alike),
        units=unit_groups(book, city, me, case, chosen=""),
        places=tuple(city.gazetteer.names(case.grid_id, PLACES)),
        position=at + 1 if at is not None else 0,
        total=waiting.total,
        following=following or (number_of(after[at % len(after) if at is not None else 0]) if after else ""),
        previous=number_of(waiting.ids[at - 1]) if at else "",
        again=at is None,
    )


def marked(text: str, evidence: Sequence[str]) -> Markup:
    """Return a text with the words that spoke for the guess marked in it."""
    found = sorted({word for word in evidence if word}, key=len, reverse=True)
    if not found:
        return escape(text)
    parts = re.split(f"({'|'.join(map(re.escape, found))})", text, flags=re.IGNORECASE)
    return Markup().join(Markup("<mark>{}</mark>").format(part) if at % 2 else part for at, part in enumerate(parts))


def _calls(case: CaseRow, returned: _Return | None, *, asked: bool) -> tuple[str, ...]:
    """Say what brought a case back here: who returned it and why, who asks for a look, what it waits for."""
    back = f"{returned.who}退回：{returned.text}" if returned is not None else ""
    return tuple(filter(None, (back, words.ATTENTION.get(case.attention), "已经问过居民，等回话" if asked else "")))


@dataclass(frozen=True)
class _Return:
    """Who gave a case back, for which unit, and why."""

    who: str
    unit: Unit | None
    text: str


def _returned(book: Book, city: City, case: CaseRow) -> _Return | None:
    row = book.last_return(case.id)
    if row is None:
        return None
    person = book.get(StaffRow, row.staff_id) if row.staff_id is not None else None
    unit = city.units[person.unit_id] if person is not None else None
    who = f"{unit.name} {person.name}" if person is not None and unit is not None else "承办单位"
    return _Return(who, unit, contacts.hidden(row.text))


def _resident(book: Book, case: CaseRow) -> str:
    if case.resident_id is None:
        return "不是从微信来的"
    if case.anonymous:
        return "匿名居民"
    total, in_work = book.counts_of_resident(case.resident_id)
    if total <= 1:
        return "这位居民第一次反映"
    others = f"，在办 {in_work} 件" if in_work else ""
    return f"这位居民共反映 {total} 件{others}"


@dataclass(frozen=True)
class _Spot:
    """A case and its place, which is looked up once for all kinds."""

    city: City
    case: CaseRow
    place: Located | None


def _choices(spot: _Spot, alike: Alike, returner: Unit | None) -> tuple[Kind, ...]:
    """Return the one-key choices: what the resident said, the guesses, and what similar cases agree on.

    Those that lead to the unit that gave the case back come last.
    """
    case = spot.case
    chances = {
        str(guess["code"]): f"{float(guess['probability']):.0%}"
        for guess in case.guesses
        if guess["probability"] >= WORTH_SHOWING
    }
    said = case.category_code if case.category_by == "resident" else None
    before = case.category_code if case.category_by == "staff" else None
    notes = dict.fromkeys(chances, "") | {said or "": "居民说的"}
    notes = {alike.agreed: "相似的多是这一类", before or "": "上次派的这一类"} | notes
    codes = [code for code in dict.fromkeys((said, *chances, before, alike.agreed)) if code in spot.city.categories]
    kinds = [_kind(spot, code, chances.get(code, ""), notes[code]) for code in codes if code is not None]
    name = returner.name if returner is not None else None
    back = [replace(kind, note="刚被这里退回") for kind in kinds if kind.unit == name]
    return tuple([kind for kind in kinds if kind.unit != name] + back)[:CHOICES]


def _kind(spot: _Spot, code: str, percent: str = "", note: str = "") -> Kind:
    category = spot.city.categories[code]
    unit = triage.destination(spot.city, spot.case, code, spot.place)
    return Kind(
        code,
        category.name,
        category.group_name,
        unit.name if unit is not None else "",
        f"{category.name} {category.group_name} {spelt(category.name)}",
        percent,
        note,
    )


def _groups(spot: _Spot) -> tuple[tuple[str, tuple[Kind, ...]], ...]:
    groups: dict[str, list[Kind]] = defaultdict(list)
    for code, category in spot.city.categories.items():
        groups[category.group_name].append(_kind(spot, code))
    return tuple((name, tuple(kinds)) for name, kinds in groups.items())


@lru_cache(maxsize=2048)
def spelt(name: str) -> str:
    """Return a name in pinyin, whole and as initials, to be found by on a keyboard: `jinggaiquesun jgqs`."""
    return f"{''.join(lazy_pinyin(name))} {''.join(lazy_pinyin(name, style=Style.FIRST_LETTER))}"


def alike_words(city: City, alike: Alike) -> str:
    """Say where similar cases went, and what half of them were; nothing where there are none."""
    if not alike.total:
        return ""
    went: dict[str, int] = defaultdict(int)
    for unit_id, count in alike.units:
        unit = city.units.get(unit_id)
        if unit is not None:
            went[BY_PLACE.get(unit.kind, unit.name)] += count
    ranked = sorted(went.items(), key=lambda each: -each[1])[:NAMED_UNITS]
    parts = [_share(count, alike.total, f"去了{name}") for name, count in ranked]
    kind = city.categories.get(alike.agreed)
    kinds = f"；{_share(alike.kinds[0][1], alike.total, f'是{kind.name}')}" if kind is not None else ""
    return f"相似的 {alike.total} 件里，{'，'.join(parts)}{kinds}"


def _share(count: int, total: int, what: str) -> str:
    return f"{count} 件{what}" if count < total else f"都{what}"
