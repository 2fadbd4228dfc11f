"""The city as the rules see it: units, grids, places, categories. Read whole, kept until it changes."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from cases.gazetteer import Gazetteer
from cases.geo import CANDIDATES, GridIndex
from cases.guide import Entry, Guide
from cases.limits import Allowance, Special
from cases.mentions import best, how_found, mentions
from cases.places import Place, parse_numbers
from cases.routing import CONFIDENT, Category, Located
from cases.rule_checks import Known, build
from cases.rules import Draft
from cases.worktime import OFFICE, Calendar, Opening, Worktime, parse_opening

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from cases.mentions import Mention
    from cases.rules import Rule
    from cases.storage import Book
    from cases.storage.tables import GuideRow, PlaceRow, UnitRow
    from cases.storage.working import LimitRow

VERSION_KEY = "city_version"
CONFIDENT_KEY = "confident"
PLACE_CHARACTERS = 60
# So many places that it may be are named.
OPTIONS = 4
# A place from these was found in words, and can be found in them again.
SAID = frozenset({"text", "photo"})


@dataclass(frozen=True)
class Unit:
    """A unit, which is a queue as well; `path` is the chain of ids from the top, `opening` its own working time.

    One that is not `active` is only there for the cases that name it: nothing is sent there any more.
    """

    id: int
    code: str
    name: str
    kind: str
    parent_id: int | None
    path: str
    phone: str
    opening: Opening | None = None
    active: bool = True


@dataclass(frozen=True)
class City:
    """One version of the city. `units` are all that there ever were; `by_code` and `polygons` those in use."""

    version: str
    units: Mapping[int, Unit]
    by_code: Mapping[str, Unit]
    categories: Mapping[str, Category]
    gazetteer: Gazetteer
    grids: GridIndex
    guide: Guide
    confident: float
    polygons: Mapping[int, dict[str, object]] = field(repr=False)
    drafts: tuple[Draft, ...] = ()
    specials: tuple[Special, ...] = ()
    calendar: Calendar = field(default_factory=Calendar)

    def worktime(self, unit: Unit) -> Worktime:
        """Return a unit's working time: its own, or that of the nearest unit above that has one."""
        own = [unit.opening, *(each.opening for each in reversed(self.chain(unit)))]
        return Worktime(self.calendar, next(filter(None, own), OFFICE))

    @cached_property
    def known(self) -> Known:
        """Return what rules may name."""
        units = {code: (unit.name, unit.kind, unit.path) for code, unit in self.by_code.items()}
        return Known(self.categories, units, self.confident)

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        """Return the administrator's rules in their order."""
        return build(self.drafts, self.known)

    def sure(self, code: str | None, guesses: Sequence[Mapping[str, float]]) -> bool:
        """Say whether a case's first guess is good enough to be acted on by itself."""
        return bool(guesses) and guesses[0]["probability"] >= self.known.threshold(code)

    @property
    def dispatch(self) -> Unit:
        """The dispatchers' queue. Raises LookupError while no city is loaded."""
        for unit in self.units.values():
            if unit.kind == "dispatch" and unit.active:
                return unit
        raise LookupError("no city is loaded: run `flask --app web load-city`")

    def queue_unit(self, queue: str, grid_id: int | None) -> Unit:
        """Return the unit that a routing decision names; the dispatchers where it names nothing that exists."""
        if queue in {"grid", "street", "community"} and grid_id is not None:
            unit = self.above(grid_id, queue)
            return unit if unit is not None and unit.active else self.dispatch
        return self.by_code.get(queue) or self.dispatch

    def above(self, unit_id: int, kind: str) -> Unit | None:
        """Return the unit of this kind that `unit_id` belongs to, itself included."""
        unit: Unit | None = self.units[unit_id]
        while unit is not None and unit.kind != kind:
            unit = self.units[unit.parent_id] if unit.parent_id is not None else None
        return unit

    def grids_below(self, unit: Unit) -> list[Unit]:
        """Return the grids in use of this unit, itself included, in the order in which they were made."""
        grids = (each for each in self.units.values() if each.kind == "grid" and each.active)
        return [each for each in grids if each.path.startswith(unit.path)]

    def chain(self, unit: Unit) -> list[Unit]:
        """Return the units above this one, the highest first."""
        above = [int(part) for part in unit.path.strip("/").split("/")][:-1]
        return [self.units[each] for each in above]

    def locate_text(self, text: str) -> Located | None:
        """Return the place that a text names best, or None."""
        mention = best(self.gazetteer, text)
        return self._located(mention) if mention is not None else None

    def locate_point(self, lon: float, lat: float, label: str) -> Located:
        """Return the place of a WGS-84 point. Between grids it is to be claimed; far from all it has no grid."""
        near = self.grids.near(lon, lat)
        words = label.strip()[:PLACE_CHARACTERS]
        if near.sure:
            grid_id = near.grids[0]
            return Located(words or f"{self.units[grid_id].name}附近", grid_id, "location", lon, lat)
        if not near.grids:
            return Located(words or "发来的定位", None, "location", lon, lat)
        where = "定位在两个网格交界处" if len(near.grids) > 1 else "定位在网格边界外一点"
        place = self._to_claim(words or f"{self.units[near.grids[0]].name}边上", near.grids, "location", where)
        return replace(place, lon=lon, lat=lat)

    def placed(self, known: Located, text: str) -> Located:
        """Return a place that a case has kept the outline of, with what was said of it when it was found."""
        if known.source == "location" and known.grid_id is None and known.lon is not None and known.lat is not None:
            return self.locate_point(known.lon, known.lat, known.words)
        if known.source not in SAID:
            return known
        first = best(self.gazetteer, text)
        for mention in filter(None, (first, *mentions(self.gazetteer, text))):
            found = self._located(mention)
            if (found.words, found.grid_id) == (known.words, known.grid_id):
                return replace(found, source=known.source)
        return known

    def _located(self, mention: Mention) -> Located:
        place, note = mention.place, how_found(mention)
        if place is not None:
            return Located(mention.words, place.grid_id, "text", place.lon, place.lat, note=note)
        grids = tuple(dict.fromkeys(each.grid_id for each in mention.among))
        if mention.shared and len(grids) > 1:
            return self._to_claim(mention.words, grids[:CANDIDATES], "text", "说的地方在两个网格之间")
        options = tuple(dict.fromkeys(each.name for each in mention.among))
        if len(options) > 1:
            note = "，".join(filter(None, (note, f"可能是{'、'.join(options[:OPTIONS])}")))
        return Located(mention.words, None, "text", note=note, options=options if len(options) > 1 else ())

    def _to_claim(self, words: str, grids: tuple[int, ...], source: str, where: str) -> Located:
        names = "、".join(self.units[each].name for each in grids)
        community = self.above(grids[0], "community")
        shared = community is not None and all(self.units[each].path.startswith(community.path) for each in grids)
        claim = community.code if community is not None and shared else "dispatch"
        return Located(words, None, source, note=f"{where}：{names}，请认领", grids=grids, claim=claim)

    def locate_grid(self, grid_id: int | None, source: str) -> Located | None:
        """Return a grid as a place, for what is known without words: a scanned code, a usual grid."""
        if grid_id is None or grid_id not in self.units or not self.units[grid_id].active:
            return None
        return Located(self.units[grid_id].name, grid_id, source)


class CityCache:
    """Hands out the city; asks the database for its version each time and reads it anew only when that changed.

    `told` gets the texts that were changed here, whenever the city is read.
    """

    def __init__(self, told: Callable[[Mapping[str, str]], None] = lambda _texts: None) -> None:
        self._told = told
        self._city: City | None = None
        self._lock = threading.Lock()

    def current(self, book: Book) -> City:
        """Return the city as it is in this transaction."""
        version = book.meta(VERSION_KEY) or ""
        city = self._city
        if city is None or city.version != version:
            with self._lock:
                city = self._city = read_city(book, version)
                self._told(book.phrases())
        return city


def read_city(book: Book, version: str) -> City:
    """Build the city from its rows."""
    rows = book.units()
    units = {row.id: _unit(row) for row in rows}
    polygons = {row.id: row.polygon for row in rows if row.polygon and row.active}
    return City(
        version=version,
        units=units,
        by_code={str(code): units[row.id] for row in rows if row.active for code in row.former_codes}
        | {unit.code: unit for unit in units.values() if unit.active},
        categories={
            row.code: Category(
                row.code,
                row.name,
                row.group_name,
                row.queue,
                row.needs_place,
                row.urgent,
                (row.accept_hours, row.contact_hours, row.finish_hours),
                row.auto,
                row.confident,
            )
            for row in book.categories()
        },
        gazetteer=_gazetteer([place for place in book.places() if units[place.grid_id].active]),
        grids=GridIndex(polygons),
        guide=Guide([_entry(row) for row in book.guide()]),
        confident=float(book.meta(CONFIDENT_KEY) or CONFIDENT),
        polygons=polygons,
        drafts=tuple(Draft(row.id, row.name, row.active, row.conditions, row.queue, row.note) for row in book.rules()),
        specials=tuple(_special(row) for row in book.limits()),
        calendar=Calendar({row.day: row.working for row in book.days()}),
    )


def _unit(row: UnitRow) -> Unit:
    opening = parse_opening(row.opening) if row.opening else None
    return Unit(row.id, row.code, row.name, row.kind, row.parent_id, row.path, row.phone, opening, row.active)


def _special(row: LimitRow) -> Special:
    allowance = Allowance(row.accept_hours, row.contact_hours, row.finish_hours, row.verify_days)
    return Special(row.category_code, row.level, row.urgency, allowance)


def _entry(row: GuideRow) -> Entry:
    return Entry(
        row.id,
        row.title,
        tuple(map(str, row.names)),
        row.what,
        row.where_to,
        row.hours,
        row.papers,
        row.phone,
        row.elsewhere,
    )


def _gazetteer(rows: Sequence[PlaceRow]) -> Gazetteer:
    return Gazetteer(
        (
            Place(row.name, row.kind, row.grid_id, parse_numbers(row.numbers), row.lon, row.lat),
            [str(alias) for alias in row.aliases],
        )
        for row in rows
    )
