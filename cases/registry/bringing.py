"""Bringing a file in: looked at first, looked at again when it is confirmed, then written in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cases import audit, registry
from cases.registry import grids
from cases.registry.plan import Plan, differing, form_plan, plan, put
from cases.registry.staff import begin
from cases.registry.table import Saving
from cases.sheets import ExchangeError, Sheet, read

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from cases.access import Actor
    from cases.registry.table import Change, Started, Table
    from cases.registry.world import Row
    from cases.storage import Book, Store

# So many rows have a line of their own in the audit trail, with values up to so long.
MOST_TOLD = 50
TOLD_CHARACTERS = 60
GEOJSON = frozenset({".geojson", ".json"})


@dataclass(frozen=True)
class Brought:
    """What was written, and the passwords of new accounts. `done` is false where it was not what had been seen."""

    plan: Plan
    started: tuple[Started, ...] = ()
    done: bool = True


def sheet_of(table: Table[Any], path: Path) -> Sheet:
    """Return what a file has for a table. Raises ExchangeError."""
    if table.code != "grids":
        return read(path)
    if path.suffix.lower() not in GEOJSON:
        raise ExchangeError([f"{path.name}：只认 {'、'.join(sorted(GEOJSON, reverse=True))}"])
    try:
        return grids.sheet_of(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise ExchangeError([f"{path.name}：读不了，要 UTF-8 的 GeoJSON"]) from error


def look(book: Book, table: Table[Any], sheet: Sheet) -> Plan:
    """Return what a sheet would do."""
    return plan(table, sheet, registry.world(book))


def bring(store: Store, table: Table[Any], sheet: Sheet, seen: str, actor: Actor, now: datetime) -> Brought:
    """Write a sheet whose plan has the digest `seen`: all of it, or nothing when it would do something else by now.

    Passwords are hashed between looking and writing, so that nobody waits for it.
    """
    with store.read() as book:
        ready = look(book, table, sheet)
    if ready.faults or ready.digest != seen:
        return Brought(ready, done=False)
    hashes, started = begin(ready.new) if table.code == "staff" else ({}, [])
    with store.write() as book:
        book.lock_city()
        again = look(book, table, sheet)
        if again.faults or again.digest != seen:
            return Brought(again, done=False)
        saving = Saving.of(book)
        saving.hashes = hashes
        put(book, table, again, saving)
        tell(book, actor, table, again, now)
    return Brought(again, tuple(started))


def tell(book: Book, actor: Actor, table: Table[Any], done: Plan, now: datetime) -> None:
    """Note in the audit trail what was written: each row with what changed in it; of a long file only how much."""
    action = "account" if table.code == "staff" else "change"
    if len(done.changes) > MOST_TOLD:
        words = f"导入：新加 {len(done.new)} 条，改 {len(done.changed)} 条"
        audit.note(book, actor, action, table.name, words, now)
        return
    for change in done.changes:
        audit.note(book, actor, action, f"{table.name} {table.key_of(change.new)}", _said(table, change), now)


def _said(table: Table[Any], change: Change) -> str:
    """Return what became of a row; of long values only that they changed."""
    title = table.title_of(change.new)
    if change.old is None:
        return f"新加 {title}"
    parts = []
    for column in differing(table, change.old, change.new):
        old, new = (column.show(row[column.code]) for row in (change.old, change.new))
        long = column.kind == "geometry" or len(old) + len(new) > TOLD_CHARACTERS
        parts.append(column.name if long else f"{column.name} {old or '空'} 改成 {new or '空'}")
    return f"{title}：{'、'.join(parts)}"


def write_down(book: Book, table: Table[Any], old_key: str, values: Row, heeded: str = "") -> Brought:
    """Write what a form says; not where it has faults, or warnings: `heeded` is the digest of a plan that was seen."""
    book.lock_city()
    ready = form_plan(table, old_key, values, registry.world(book))
    if ready.faults or (ready.warnings and ready.digest != heeded):
        return Brought(ready, done=False)
    hashes, started = begin(ready.new) if table.code == "staff" else ({}, [])
    saving = Saving.of(book)
    saving.hashes = hashes
    put(book, table, ready, saving)
    return Brought(ready, tuple(started))
