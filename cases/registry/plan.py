"""From the lines of a file or a form to what would change, or to every fault with its row; all of it or nothing."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from cases.city import VERSION_KEY
from cases.registry.table import Change, Saving
from cases.registry.world import World
from cases.sheets import ExchangeError, Line, Sheet, unharmed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from cases.registry.columns import Column
    from cases.registry.table import Table
    from cases.registry.world import Row
    from cases.storage import Book

MOST_LINES = 50_000


@dataclass(frozen=True)
class Fault:
    """What is wrong with one row: where, in which column (its heading), and in plain words."""

    where: str
    field: str
    words: str

    def __str__(self) -> str:
        return f"{self.where}{f'“{self.field}”' if self.field else ''}：{self.words}" if self.where else self.words


@dataclass(frozen=True)
class Plan:
    """What lines would do: rows that are new or changed, how many stay as they are, or what is wrong.

    `unused`: headings of the file that no column has. `warnings`: what somebody should know first.
    """

    changes: tuple[Change, ...] = ()
    same: int = 0
    faults: tuple[Fault, ...] = ()
    warnings: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()

    @property
    def new(self) -> list[Change]:
        """Return the rows that were not there before."""
        return [change for change in self.changes if change.old is None]

    @property
    def changed(self) -> list[Change]:
        """Return the rows that are there and would be another."""
        return [change for change in self.changes if change.old is not None]

    @cached_property
    def digest(self) -> str:
        """Return a mark of all that would happen: whoever confirms a plan has seen this one."""
        said = [[change.old, change.new] for change in self.changes]
        return hashlib.sha256(json.dumps([said, self.warnings], sort_keys=True).encode()).hexdigest()


def plan(
    table: Table[Any], sheet: Sheet, world: World, passes_over: Callable[[Change], bool] = lambda _change: False
) -> Plan:
    """Return what the lines of a sheet would do to a table; those that can be read are laid over `world`.

    Rows that `passes_over` is true for are left as they are.
    """
    known = world.rows(table.code)
    columns, unused, faults = _heads(table, sheet, empty=not known)
    if faults:
        return Plan(faults=tuple(faults), unused=unused)
    changes: dict[str, Change] = {}
    for line in sheet.lines:
        cells = {heading: unharmed(cell) for heading, cell in line.row.items()}
        row, wrong = _read(table, columns, Line(line.number, cells), world)
        if row is None:
            faults += wrong
            continue
        key = table.key_of(row)
        if key in changes:
            wrong = [_fault(table, line.number, table.keys[-1], f"和第 {changes[key].number} 行重复")]
        faults += wrong
        if not wrong:
            changes[key] = Change(line.number, known.get(key), row)
    kept = [change for change in changes.values() if not passes_over(change)]
    return checked(table, kept, world, faults, unused)


def checked(
    table: Table[Any], changes: Sequence[Change], world: World, faults: Sequence[Fault] = (), unused: Sequence[str] = ()
) -> Plan:
    """Return the plan of rows that were read: laid over the world, checked there, and told from those that stay."""
    world.put(table.code, {table.key_of(change.new): change.new for change in changes})
    wrong = [
        _fault(table, change.number, name, words)
        for change in changes
        for name, words in table.check(change.new, change.old, world)
    ]
    wrong += [Fault("", "", words) for words in table.check_all(world)] if not faults and not wrong else []
    kept = tuple(change for change in changes if change.old is None or differing(table, change.old, change.new))
    return Plan(
        changes=kept,
        same=len(changes) - len(kept),
        faults=(*faults, *wrong),
        warnings=() if faults or wrong else tuple(table.warn(kept, world)),
        unused=tuple(unused),
    )


def differing(table: Table[Any], old: Row, new: Row) -> list[Column]:
    """Return the columns in which two rows differ; a password is none of them."""
    return [column for column in table.exported if old[column.code] != new[column.code]]


def _fault(table: Table[Any], number: int, name: str, words: str) -> Fault:
    heading = next((column.name for column in table.columns if column.code == name), name)
    return Fault(table.row_word.format(number=number) if number else "", heading, words)


def _heads(table: Table[Any], sheet: Sheet, *, empty: bool) -> tuple[dict[str, Column], tuple[str, ...], list[Fault]]:
    """Return which column each heading means, which mean none, and a fault for those that have to be there.

    A table that is `empty` takes whole rows only.
    """
    by_name = {name: column for column in table.columns for name in (column.code, column.name)}
    meant = {heading: by_name.get(heading.rstrip("*＊ ")) for heading in sheet.columns}
    columns = {heading: column for heading, column in meant.items() if column is not None}
    there = {column.code for column in columns.values()}
    needed = [column for column in table.columns if column.need and (empty or column.code in table.keys)]
    missing = [column.name for column in needed if column.code not in there]
    unused = tuple(heading for heading in sheet.columns if heading not in columns)
    faults = [Fault("第 1 行", "", f"缺少列 {'、'.join(missing)}")] if missing else []
    if len(sheet.lines) > MOST_LINES:
        faults.append(Fault("", "", f"行数太多，一次最多 {MOST_LINES} 行，请分几个文件"))
    if not sheet.lines and not missing:
        faults.append(Fault("", "", "文件里没有数据：第一行是列名，下面一行一条"))
    return columns, unused, faults


def _read(table: Table[Any], columns: Mapping[str, Column], line: Line, world: World) -> tuple[Row | None, list[Fault]]:
    """Return the row of a line, None where it cannot be read. What the file has no column for stays as it is."""
    values: Row = {}
    faults = []
    for heading, column in columns.items():
        try:
            values[column.code] = column.read(line.row.get(heading, ""))
        except ValueError as error:
            faults.append(_fault(table, line.number, column.name, str(error)))
    if faults:
        return None, faults
    row = table.settle({column.code: column.default for column in table.columns} | values, world)
    old = world.rows(table.code).get(table.key_of(row))
    if old is not None:
        row |= {name: value for name, value in old.items() if name not in values}
        return row, []
    absent = [column for column in table.columns if column.need and not row[column.code]]
    return (row, []) if not absent else (None, [_fault(table, line.number, each.name, "要填") for each in absent])


def world_of(book: Book, tables: Mapping[str, Table[Any]]) -> World:
    """Return the rows of all tables as they are in this transaction."""

    def busy() -> dict[str, int]:
        codes = book.unit_codes()
        counts = Counter(book.open_by_holder()) + Counter(book.asked_units())
        return {codes[unit_id]: count for unit_id, count in counts.items()}

    return World(load=lambda code: tables[code].known(book), busy=busy)


def put(book: Book, table: Table[Any], ready: Plan, saving: Saving | None = None) -> None:
    """Write what a plan without faults says, and tell that the city has changed. Raises ExchangeError for faults."""
    if ready.faults:
        raise ExchangeError([str(fault) for fault in ready.faults])
    table.save(book, ready.changes, saving or Saving.of(book))
    touch(book, table)


def touch(book: Book, table: Table[Any]) -> None:
    """Tell that the city has to be read anew, if it is read from this table."""
    if table.of_city:
        book.set_meta(VERSION_KEY, uuid.uuid4().hex)


def form_plan(table: Table[Any], old_key: str, values: Row, world: World) -> Plan:
    """Return what a form would do: to the row with this key, or as a new one where the key is empty.

    A row that is not there any more, and a key that another row has, are faults.
    """
    old = world.rows(table.code).get(old_key)
    if old_key and old is None:
        return Plan(faults=(Fault("", "", "这一条已经不在了，可能刚被别人删掉。"),))
    fixed = {} if old is None or table.renames else {name: old[name] for name in table.keys}
    headings = {column.code: column for column in table.columns}
    if old_key:
        world.take(table.code, old_key)
    row, faults = _read(table, headings, Line(0, {**(old or {}), **values, **fixed}), world)
    if row is None:
        return Plan(faults=tuple(faults))
    if table.key_of(row) in world.rows(table.code):
        return Plan(faults=(_fault(table, 0, table.keys[-1], f"已经有“{table.title_of(row)}”了"),))
    ready = checked(table, [Change(0, old, row)], world)
    return replace(ready, faults=tuple(replace(fault, where="") for fault in ready.faults))


def exported(book: Book, table: Table[Any]) -> Iterator[list[object]]:
    """Yield all rows of a table as a spreadsheet holds them, below the headings of `table.exported`."""
    for row in table.known(book).values():
        yield [column.cell(row[column.code]) for column in table.exported]
