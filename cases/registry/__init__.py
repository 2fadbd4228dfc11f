"""What the administrator keeps: one description per table, by which files and forms are read, checked, saved, exported.

Columns and rules of each table are in a module of its own; `plan` is the way from lines to what would change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cases.registry.answers import Canned, Plans
from cases.registry.grids import Grids
from cases.registry.matters import Categories, Limits
from cases.registry.places import Places
from cases.registry.plan import world_of
from cases.registry.staff import Staff
from cases.registry.times import Calendar, Duties
from cases.registry.units import Units

if TYPE_CHECKING:
    from cases.registry.table import Table
    from cases.registry.world import World
    from cases.storage import Book

# In the order in which they are filled: each refers only to those before it.
TABLES: dict[str, Table[Any]] = {
    table.code: table
    for table in (
        Units(), Grids(), Places(), Categories(), Limits(), Staff(), Duties(), Calendar(), Canned(), Plans(),
    )
}  # fmt: skip


def world(book: Book) -> World:
    """Return what rows may refer to, as it is in this transaction."""
    return world_of(book, TABLES)
