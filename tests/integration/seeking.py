"""Finding cases in tests: the sweeper's part, what the index holds, cases that lie anywhere."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from sqlalchemy import text

from bot.assembly import utc_now
from cases import finding
from cases.storage import Filter
from cases.storage.tables import CaseRow
from cases.storage.working import TaskRow
from cases.workflow import State
from tests.integration.phone import MANHOLE

if TYPE_CHECKING:
    from bot.assembly import House
    from cases.access import Actor
    from cases.storage import Book

LAMP = "翠湖小区3号楼路灯坏了"


def swept(house: House) -> int:
    """Make the entries that wait, as the sweeper does; return how many."""
    done = 0
    while True:
        with house.store.write() as book:
            batch = book.renew_due(50)
        done += batch
        if not batch:
            return done


def ids(house: House, actor: Actor, typed: str, wanted: Filter | None = None, order: str = "newest") -> list[int]:
    """Return what somebody finds, without sweeping."""
    with house.store.read() as book:
        city = house.cities.current(book)
        return [case.id for case in finding.find(book, city, actor, typed, wanted or Filter(), order).page.cases]


def terms(house: House) -> set[str]:
    """Return every term that is in the index."""
    with house.store.engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            rows = connection.execute(text("SELECT word FROM ts_stat('SELECT terms FROM case_terms')"))
        else:
            connection.execute(text("CREATE VIRTUAL TABLE temp.seen USING fts5vocab(main, case_terms, row)"))
            rows = connection.execute(text("SELECT term FROM temp.seen"))
        found = {str(term) for (term,) in rows}
        if connection.dialect.name != "postgresql":
            connection.execute(text("DROP TABLE temp.seen"))
            found |= {
                word for (line,) in connection.execute(text("SELECT terms FROM case_terms")) for word in line.split()
            }
    return found


def scatter(book: Book, house: House, count: int) -> None:
    """Put cases anywhere: held, located, reported, accepted first, helped with by anybody, in any state."""
    chance, city, now = random.Random(3), house.cities.current(book), utc_now()  # noqa: S311 - repeatable
    units = [unit.id for unit in city.units.values() if unit.kind != "city"]
    grids = [unit.id for unit in city.units.values() if unit.kind == "grid"]
    staff, kinds = [row.id for row in book.staff()], [*city.categories, None]
    for _ in range(count):
        case = CaseRow(
            state=chance.choice(list(State)), text=chance.choice((LAMP, MANHOLE)), category_code=chance.choice(kinds),
            grid_id=chance.choice([*grids, None]), holder_id=chance.choice(units), opened_at=now, accept_by=now,
            contact_by=now, finish_by=now, reporter_id=chance.choice([None, None, *staff]),
            first_unit_id=chance.choice([None, *units]),
        )  # fmt: skip
        book.add(case)
        for _task in range(chance.choice((0, 0, 1, 2))):
            task = TaskRow(
                case_id=case.id, kind="help", unit_id=chance.choice(units), by_unit_id=chance.choice(units), text="",
                asked_at=now, due_at=now, cancelled_at=chance.choice((None, now)),
                answered_at=chance.choice((None, now)),
            )  # fmt: skip
            book.add(task)
