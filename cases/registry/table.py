"""What all tables of the registry have in common: columns, a key, checks, and the way between rows and the database."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from cases.storage import Wanted
from cases.storage.tables import Base

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from cases.registry.columns import Column
    from cases.registry.world import Row, World
    from cases.storage import Book, Listing

Kept = TypeVar("Kept", bound=Base)
KEY_MARK = "|"
WHAT = {"units": "单位", "staff": "账号", "categories": "类别"}


@dataclass(frozen=True)
class Change:
    """A row that is new (no `old`) or changed, with its number in the file (0: it came from a form)."""

    number: int
    old: Row | None
    new: Row


@dataclass(frozen=True)
class Started:
    """The first password of a new account, to be shown once."""

    login: str
    name: str
    password: str


@dataclass
class Saving:
    """One saving: the ids behind codes and logins, and what is made on the way.

    `hashes`: of the passwords that new accounts begin with, by login; `sample`: they are the sample city's; `loading`:
    a city is being set up from its files.
    """

    unit_codes: dict[int, str]
    logins: dict[int, str]
    hashes: Mapping[str, str] = field(default_factory=dict)
    sample: bool = False
    loading: bool = False

    @classmethod
    def of(cls, book: Book) -> Saving:
        """Return what rows refer to at present."""
        return cls(book.unit_codes(), book.logins())

    def unit_id(self, code: str) -> int:
        """Return the id of a unit that was checked to exist."""
        return self._unit_ids[code]

    def staff_id(self, login: str) -> int:
        """Return the id of an account that was checked to exist."""
        return self._staff_ids[login]

    @cached_property
    def _unit_ids(self) -> dict[str, int]:
        return {code: unit_id for unit_id, code in self.unit_codes.items()}

    @cached_property
    def _staff_ids(self) -> dict[str, int]:
        return {login: staff_id for staff_id, login in self.logins.items()}


class Table(Generic[Kept]):
    """One table of the registry. Subclasses say what it is made of and how a row becomes one of the database's."""

    code: ClassVar[str]
    name: ClassVar[str]
    about: ClassVar[str]
    icon: ClassVar[str]
    columns: ClassVar[tuple[Column, ...]]
    keys: ClassVar[tuple[str, ...]]
    # What a list shows of a row, and what is searched in it (attributes of the database's row).
    shown: ClassVar[tuple[str, ...]]
    searched: ClassVar[tuple[str, ...]] = ()
    filtered: ClassVar[str] = ""
    order: ClassVar[tuple[str, ...]] = ()
    # The attribute with the id of the unit that a row belongs to.
    unit_attribute: ClassVar[str] = ""
    # The city is read from it, so that a change has to be told; its key may be changed; rows may be deleted.
    of_city: ClassVar[bool] = True
    renames: ClassVar[bool] = False
    deletes: ClassVar[bool] = True
    row_word: ClassVar[str] = "第 {number} 行"
    kept: type[Kept]

    # -- keys and columns --------------------------------------------------------------------------------------

    def key_of(self, row: Row) -> str:
        """Return the key of a row."""
        return KEY_MARK.join(row[name].replace(KEY_MARK, "｜") for name in self.keys)

    def mark_of(self, row: Row) -> str:
        """Return what tells a row of a city's files from others, whatever number it gets here."""
        return self.key_of(row)

    def column(self, code: str) -> Column:
        """Return a column by its name in code."""
        return next(column for column in self.columns if column.code == code)

    @property
    def exported(self) -> tuple[Column, ...]:
        """Return the columns that leave the house."""
        return tuple(column for column in self.columns if column.kind != "secret")

    def title_of(self, row: Row) -> str:
        """Return what a row is called."""
        return row.get("name") or row.get("title") or row[self.keys[-1]]

    # -- checks ------------------------------------------------------------------------------------------------

    def settle(self, row: Row, world: World) -> Row:
        """Return a row with the keys that its references mean."""
        meant = {
            column.code: world.resolve(column.refers, row[column.code]) for column in self.columns if column.refers
        }
        return {**row, **meant}

    def check(self, row: Row, old: Row | None, world: World) -> Iterator[tuple[str, str]]:
        """Yield the column and the words of each fault in a row, after all rows were laid over the world."""
        yield from self.missing(row, world)

    def missing(self, row: Row, world: World) -> Iterator[tuple[str, str]]:
        """Yield a fault for each reference to what does not exist."""
        for column in self.columns:
            said = row[column.code] if column.refers else ""
            if said and said not in world.rows(column.refers):
                yield column.code, f"没有{WHAT[column.refers]}“{said}”"

    def check_all(self, world: World) -> Iterator[str]:
        """Yield what is wrong with the table as a whole."""
        yield from ()

    def warn(self, changes: Sequence[Change], world: World) -> Iterator[str]:
        """Yield what somebody should know before it is saved."""
        yield from ()

    # -- the database ------------------------------------------------------------------------------------------

    def text(self, kept: Kept, saving: Saving) -> Row:
        """Return a row of the database as values."""
        raise NotImplementedError

    def fill(self, kept: Kept, row: Row, saving: Saving) -> None:
        """Put values into a row of the database."""
        raise NotImplementedError

    def all(self, book: Book) -> Sequence[Kept]:
        """Return all rows of the database that belong here."""
        return book.rows_of(self.kept)

    def count(self, book: Book) -> int:
        """Return how many rows there are."""
        return book.count_of(self.kept)

    def known(self, book: Book) -> dict[str, Row]:
        """Return all rows as values, by key."""
        saving = Saving.of(book)
        rows = (self.text(kept, saving) for kept in self.all(book))
        return {self.key_of(row): row for row in rows}

    def one(self, book: Book, key: str) -> Row | None:
        """Return the row with this key as values, or None."""
        return self.known(book).get(key)

    def listing(self, book: Book, needle: str, chosen: str, path: str, page: int, now: datetime) -> Listing[Kept]:
        """Return a page of the rows with these words, with the chosen value of the filter, in the units below."""
        return book.listing(self.kept, self.wanted(needle, chosen, path, page, now))

    def wanted(self, needle: str, chosen: str, path: str, page: int, now: datetime) -> Wanted:
        """Return what a list shows. `now` counts where rows have their time."""
        return Wanted(
            search=self.searched,
            needle=needle,
            equal={self.filtered: chosen} if self.filtered and chosen else {},
            below=(self.unit_attribute, path) if self.unit_attribute and path else None,
            order=self.order,
            page=page,
        )

    def choices(self, world: World) -> dict[str, str]:
        """Return the values of the filter and their names."""
        return dict(self.column(self.filtered).choices) if self.filtered else {}

    def save(self, book: Book, changes: Sequence[Change], saving: Saving) -> None:
        """Write rows; those with an `old` one take its place."""
        present = {self.key_of(self.text(kept, saving)): kept for kept in self.all(book)} if _any_old(changes) else {}
        for change in changes:
            kept = present[self.key_of(change.old)] if change.old is not None else self.kept()
            self.fill(kept, change.new, saving)
            book.add(kept)

    def delete(self, book: Book, key: str) -> bool:
        """Delete a row; return whether there was one."""
        saving = Saving.of(book)
        for kept in self.all(book):
            if self.key_of(self.text(kept, saving)) == key:
                book.drop(kept)
                return True
        return False


def _any_old(changes: Sequence[Change]) -> bool:
    return any(change.old is not None for change in changes)
