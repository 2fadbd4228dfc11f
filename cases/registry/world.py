"""What a row may refer to: the rows of all tables as they are, with those that are being brought in laid over them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# A row by the names of its columns in code; each value in its one form (`cases.registry.columns`).
Row = dict[str, str]
NAMED = {"units": "name", "staff": "name", "categories": "name"}


class World:
    """The rows of each table by their keys, read when they are asked for. `busy`: what units have to do, by code.

    `sample`: it is the sample city, whose accounts have a password that everybody knows.
    """

    def __init__(
        self,
        given: Mapping[str, Mapping[str, Row]] | None = None,
        load: Callable[[str], dict[str, Row]] = lambda _table: {},
        busy: Callable[[], dict[str, int]] = dict,
    ) -> None:
        self._rows = {table: dict(rows) for table, rows in (given or {}).items()}
        self._load = load
        self._busy = busy
        self.sample = False
        self._names: dict[str, dict[str, list[str]]] = {}

    def rows(self, table: str) -> Mapping[str, Row]:
        """Return a table's rows by key."""
        if table not in self._rows:
            self._rows[table] = self._load(table)
        return self._rows[table]

    def put(self, table: str, rows: Mapping[str, Row]) -> None:
        """Lay rows over those of a table."""
        self._rows[table] = {**self.rows(table), **rows}
        self._names.pop(table, None)

    def take(self, table: str, key: str) -> None:
        """Take a row out of a table."""
        self._rows[table] = {each: row for each, row in self.rows(table).items() if each != key}
        self._names.pop(table, None)

    def resolve(self, table: str, said: str) -> str:
        """Return the key that is meant by a key or by a name that only one row has; else what was said."""
        if not said or said in self.rows(table):
            return said
        keys = self._named(table).get(said, [])
        return keys[0] if len(keys) == 1 else said

    def _named(self, table: str) -> dict[str, list[str]]:
        if table not in self._names:
            names: dict[str, list[str]] = {}
            for key, row in self.rows(table).items():
                names.setdefault(row.get(NAMED[table], ""), []).append(key)
            self._names[table] = names
        return self._names[table]

    def busy(self) -> Mapping[str, int]:
        """Return how many open cases units hold, and tasks they have to answer, by the code of the unit."""
        return self._busy()
