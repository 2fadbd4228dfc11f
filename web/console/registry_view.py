"""What the registry's pages show: plain values, ready for the templates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cases.registry import grids
from cases.registry.columns import NO, YES, YES_NO
from cases.registry.matters import BY_PLACE
from cases.registry.plan import differing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cases.city import City
    from cases.registry.columns import Column
    from cases.registry.plan import Fault, Plan
    from cases.registry.table import Change, Table
    from cases.registry.world import Row
    from cases.storage import Book

SHOWN_FAULTS, SHOWN_CHANGES, SHOWN_NEW = 200, 60, 20
CELL_CHARACTERS = 60
# How a form asks for a value of this kind; what is not named is a line of text.
INPUTS = {"date": "date", "moment": "datetime-local", "number": "number", "whole": "number", "secret": "password"}


@dataclass(frozen=True)
class Card:
    """One table on the index page."""

    code: str
    name: str
    about: str
    icon: str
    count: int


@dataclass(frozen=True)
class ListLine:
    """One row of a list: what it is called, and the other columns by their headings."""

    key: str
    title: str
    cells: tuple[tuple[str, str], ...]
    off: bool


@dataclass(frozen=True)
class Field:
    """One field of a form. `kind` as a column's, or picks; `said`: the name of what its value refers to."""

    code: str
    name: str
    kind: str
    value: str
    hint: str
    need: bool
    fixed: bool
    longest: int
    said: str = ""
    finds: str = ""
    input: str = "text"
    choices: tuple[tuple[str, str, bool], ...] = ()
    fault: str = ""


@dataclass(frozen=True)
class ChangeLine:
    """A row that would change: what it is called, and each column with its old and new value."""

    title: str
    where: str
    cells: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class Preview:
    """What an import would do, as far as a page shows it."""

    new: tuple[str, ...]
    changed: tuple[ChangeLine, ...]
    faults: tuple[str, ...]
    warnings: tuple[str, ...]
    unused: tuple[str, ...]
    counts: tuple[int, int, int, int]
    digest: str


class Namer:
    """Says codes and logins in words; each is looked up once."""

    def __init__(self, book: Book, city: City) -> None:
        self._book = book
        self._city = city
        self._units = {unit.code: unit.name for unit in city.units.values()}
        self._people: dict[str, str] = {}

    def said(self, column: Column, value: str) -> str:
        """Return a value as people read it."""
        if not value:
            return ""
        if column.refers == "units" or column.finds == "queues":
            return BY_PLACE.get(value) or self._units.get(value, value)
        if column.refers == "categories":
            category = self._city.categories.get(value)
            return category.full_name if category else value
        return self._person(value) if column.refers == "staff" else column.show(value)

    def _person(self, login: str) -> str:
        if login not in self._people:
            account = self._book.staff_by_login(login)
            self._people[login] = f"{account.name}（{login}）" if account else login
        return self._people[login]


def short(text: str) -> str:
    """Return the beginning of a value, on one line."""
    line = "；".join(text.split("\n"))
    return line if len(line) <= CELL_CHARACTERS else line[:CELL_CHARACTERS] + "…"


def line_of(table: Table[Any], row: Row, namer: Namer) -> ListLine:
    """Return a row as a list shows it."""
    columns = [table.column(code) for code in table.shown]
    cells = ((column.name, short(namer.said(column, row[column.code]))) for column in columns[1:])
    shown = ((name, "" if text == YES_NO[NO] else text) for name, text in cells)
    first = namer.said(columns[0], row[columns[0].code]) or table.title_of(row)
    return ListLine(table.key_of(row), first, tuple(shown), row.get("off") == YES)


def fields_of(
    table: Table[Any], row: Row, old: Row | None, namer: Namer, groups: Sequence[str], faults: Sequence[Fault] = ()
) -> list[Field]:
    """Return a form for a row; `old` is the row as it was, None for a new one."""
    wrong = {fault.field: fault.words for fault in faults}
    return [
        _field(table, column, row.get(column.code, ""), old, namer, groups, wrong.get(column.name, ""))
        for column in table.columns
        if column.code != "id" and not (column.kind == "secret" and old is not None)
    ]


def _field(
    table: Table[Any], column: Column, value: str, old: Row | None, namer: Namer, groups: Sequence[str], fault: str
) -> Field:
    finds = column.finds or column.refers
    fixed = old is not None and column.code in table.keys and not table.renames
    picked = set(value.split(";"))
    choices = [(code, name, code == value) for code, name in column.choices.items()]
    if column.code == "groups":
        choices = [(name, name, name in picked) for name in groups]
    return Field(
        code=column.code,
        name=column.name,
        kind="picks" if column.code == "groups" else column.kind,
        value=column.show(value) if fixed else _typed(column, value),
        hint="一个都不勾，就都能看" if column.code == "groups" else column.hint,
        need=column.need,
        fixed=fixed,
        longest=column.longest,
        said=namer.said(column, value) if finds else "",
        finds=finds,
        input=INPUTS.get(column.kind, "text"),
        choices=tuple(choices),
        fault=fault,
    )


def _typed(column: Column, value: str) -> str:
    """Return a value as its input has it: lists a line each, moments as browsers write them."""
    if column.kind == "secret":
        return ""
    if column.kind == "list":
        return value.replace(";", "\n")
    return value.replace(" ", "T") if column.kind == "moment" else value


def preview_of(table: Table[Any], plan: Plan, namer: Namer) -> Preview:
    """Return what an import would do, in words."""
    return Preview(
        new=tuple(table.title_of(change.new) for change in plan.new[:SHOWN_NEW]),
        changed=tuple(_change(table, change, namer) for change in plan.changed[:SHOWN_CHANGES]),
        faults=tuple(map(str, plan.faults[:SHOWN_FAULTS])),
        warnings=plan.warnings,
        unused=plan.unused,
        counts=(len(plan.new), len(plan.changed), plan.same, len(plan.faults)),
        digest=plan.digest,
    )


def _change(table: Table[Any], change: Change, namer: Namer) -> ChangeLine:
    old = change.old or {}
    where = table.row_word.format(number=change.number)
    if table.code == "grids":
        return ChangeLine(table.title_of(change.new), where, (_area(old["geometry"], change.new["geometry"]),))
    cells = tuple(
        (column.name, short(namer.said(column, old[column.code])), short(namer.said(column, change.new[column.code])))
        for column in differing(table, old, change.new)
    )
    return ChangeLine(table.title_of(change.new), where, cells)


def _area(old: str, new: str) -> tuple[str, str, str]:
    """Return by how much a grid's area would change."""
    hectares = [grids.square_metres(grids.polygon_of(each)) / 10_000 for each in (old, new)]
    return "面积", f"{hectares[0]:.1f} 公顷", f"{hectares[1]:.1f} 公顷（{grids.area_change(old, new):+.1%}）"


def values_of(table: Table[Any], form: Mapping[str, str], picked: Sequence[str]) -> Row:
    """Return what a form was filled with: a box that is not ticked says no; what has no field is left out."""
    values: Row = {}
    for column in table.columns:
        if column.code == "groups":
            values[column.code] = ";".join(picked)
        elif column.kind == "check":
            values[column.code] = YES if column.code in form else NO
        elif column.code in form:
            values[column.code] = form[column.code].replace("\0", "")
    return values
