"""`python -m tests.bench_homes --cases 200000`: how long each role's home takes among a year's cases.

The cases are made up, the same at every run: spread over the year that ends now, most of them closed and rated, one in
twenty still open, each with its history; on both databases. The whole page is
measured, from the request to the last byte.
"""

from __future__ import annotations

import argparse
import logging
import random
import statistics
import time
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, text

import settings as configuration
from bot.assembly import utc_now
from cases import sessions
from cases.city_files import load_city
from cases.sessions import NOWHERE
from cases.storage import migrate
from cases.storage.tables import CaseRow, HistoryRow
from tests.services import DATA_KEY, VAULT, Postgres, Redis
from web import create_app, house_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.assembly import House

BATCH, TIMES = 5000, 12
YEAR = timedelta(days=365)
OPEN_SHARE, SLOWEST = 0.05, 30
WHO = ("cuihu01b", "urban", "dispatcher", "cuihusq", "cuihujd", "district", "city", "leader", "admin")


def fill(house: House, count: int) -> None:
    """Fill the sample city with so many cases of the last year, evenly, and with what happened to each."""
    load_city(house.store)
    chance, now = random.Random(7), utc_now()  # noqa: S311 - the same at every run
    with house.store.read() as book:
        city = house.cities.current(book)
        staff = {row.unit_id: row.id for row in book.staff()}
    grids = [unit.id for unit in city.units.values() if unit.kind == "grid"]
    others = [unit.id for unit in city.units.values() if unit.kind in {"department", "community", "street"}]
    kinds = sorted(city.categories)
    with house.store.engine.begin() as connection:
        for start in range(0, count, BATCH):
            cases: list[dict[str, Any]] = []
            history: list[dict[str, Any]] = []
            for at in range(start, min(start + BATCH, count)):
                opened = now - YEAR + YEAR * (at / count)
                grid, holder = chance.choice(grids), chance.choice((chance.choice(grids), chance.choice(others)))
                row = _case(chance, at + 1, opened, now)
                cases.append(row | {"grid_id": grid, "holder_id": holder, "category_code": chance.choice(kinds)})
                history += _history(row, staff[holder])
            connection.execute(insert(CaseRow), cases)
            connection.execute(insert(HistoryRow), history)
    if house.store.engine.dialect.name == "postgresql":
        with house.store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))


def _case(chance: random.Random, case_id: int, opened: datetime, now: datetime) -> dict[str, Any]:
    took = timedelta(hours=chance.randint(2, 24 * 9))
    is_open = opened + took > now or (chance.random() < OPEN_SHARE and opened > now - timedelta(days=60))
    limit = opened + timedelta(days=chance.randint(1, 9))
    state = chance.choice(("assigned", "accepted", "resolved")) if is_open else "closed"
    return {
        "id": case_id, "state": state, "text": "楼下路灯坏了，麻烦派人看看" * 3, "place_words": "翠湖小区3栋",
        "result": "" if is_open else "已派人维修", "opened_at": opened, "accept_by": limit, "contact_by": limit,
        "finish_by": limit, "due_at": limit if is_open else None, "alert_at": limit if is_open else None,
        "resolved_at": None if is_open and state != "resolved" else opened + took,
        "ended_at": None if is_open else opened + took, "solved": "" if is_open else "solved",
        "rating": None if is_open else chance.choice((None, "satisfied", "fair", "unsatisfied")),
        "returns": int(chance.random() < OPEN_SHARE),
    }  # fmt: skip


def _history(row: dict[str, Any], staff_id: int) -> Iterator[dict[str, Any]]:
    plain = {"case_id": row["id"], "who": "system", "from_state": None, "to_state": None, "staff_id": None}
    yield plain | {"at": row["opened_at"], "action": "open", "text": row["text"]}
    yield plain | {"at": row["opened_at"], "action": "send", "text": "", "from_state": "new", "to_state": "assigned"}
    if row["state"] != "assigned":
        accepted = {"action": "accept", "from_state": "assigned", "to_state": "accepted", "who": "staff"}
        yield plain | accepted | {"at": row["opened_at"] + timedelta(hours=1), "text": "", "staff_id": staff_id}
    if row["returns"]:
        back = {"action": "return", "who": "staff", "staff_id": staff_id, "text": ""}
        yield plain | back | {"at": row["opened_at"] + timedelta(hours=2)}
    if row["result"]:
        yield plain | {"at": row["ended_at"], "action": "report_result", "who": "staff", "text": row["result"]}


def measure(house: House, client_of: Any) -> None:
    """Open each home some times and print how long it took."""
    with house.store.read() as book:
        ids = {row.login: row.id for row in book.staff()}
    for login in WHO:
        client, took = client_of(), []
        with client.session_transaction() as session, house.store.write() as book:
            session["token"] = sessions.begin(book, ids[login], "password", NOWHERE, utc_now())
        for _ in range(TIMES):
            started = time.perf_counter()
            answer = client.get("/console/home")
            took.append((time.perf_counter() - started) * 1000)
            if answer.status_code != 200:
                raise RuntimeError(answer.status)
        print(f"  {login:<12} first {took[0]:7.1f} ms   median {statistics.median(took[1:]):7.1f} ms")


def run(name: str, database_url: str, redis_url: str, count: int, folder: Path) -> None:
    """Build, fill and measure for one database."""
    parts = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "DATA_DIR": str(folder)}
    environ = {**parts, "DATA_KEY": DATA_KEY, "LOG_LEVEL": "ERROR"}
    loaded = configuration.load(environ)
    migrate(loaded.database_url, VAULT)
    app = create_app(loaded)
    logging.getLogger().setLevel(logging.ERROR)
    fill(house_of(app), count)
    print(f"homes, {name}, {count} cases")
    measure(house_of(app), app.test_client)
    house_of(app).store.engine.dispose()


def main(count: int, databases: tuple[str, ...]) -> None:
    """Measure on SQLite and, where there is one, on PostgreSQL."""
    redis = Redis()
    redis.start()
    programs = Postgres.programs() if "postgresql" in databases else None
    try:
        with TemporaryDirectory() as folder:
            if "sqlite" in databases:
                run("SQLite", f"sqlite:///{folder}/bench.sqlite3", redis.url, count, Path(folder))
            if programs is not None:
                server = Postgres(programs)
                server.start()
                try:
                    run("PostgreSQL", server.create_database(), redis.url, count, Path(folder))
                finally:
                    server.stop()
    finally:
        redis.remove()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="how long homes take")
    parser.add_argument("--cases", type=int, default=200_000)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), action="append")
    chosen = parser.parse_args()
    main(chosen.cases, tuple(chosen.database or ("sqlite", "postgresql")))
