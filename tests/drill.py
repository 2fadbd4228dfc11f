"""`python -m tests.drill --cases 50000`: the restore drill, on both databases, with what it took.

So many cases are made up, with files; residents write all the while; a backup is taken and put back elsewhere. Then
every row of what residents and staff said that is in the backup has to be in the original, letter by letter, every
file has to be the same, and the restored service has to open a new case. The figures for a million cases are
extrapolated in proportion from those of the run, and say so.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import statistics
import tempfile
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import inspect, text

import settings as configuration
from bot.assembly import build as house_for
from bot.assembly import utc_now
from cases import backup, learning
from cases.backup import digest
from cases.storage import Store, build_engine, migrate
from tests.bench_search import build
from tests.integration.people import Resident, message_xml
from tests.services import DATA_KEY, VAULT, Postgres, Redis
from web import create_app, house_of
from web.cli_backup import make_ready, places_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

    from settings import Settings

FILES, FILE_BYTES = 200, 100_000
MILLION = 1_000_000
# Rows that never change once they are written.
LASTING = ("history", "inbox", "audit")
# What tells of one machine at one moment.
OF_THE_MOMENT = frozenset({"heartbeats", "alarms"})


class Took(NamedTuple):
    """What a drill took: seconds, bytes, and how long a message took to be answered, in milliseconds."""

    cases: int
    take: float
    put_back: float
    size: int
    calm: list[float]
    during: list[float]
    rows: dict[str, int]


@dataclass
class Load:
    """Residents who write all the while, and how long each waited for the answer."""

    app: Flask
    waits: list[tuple[float, float]]
    stop: threading.Event
    refused: int = 0

    def work(self, name: int) -> None:
        """Write until told to stop; every message has to be taken."""
        number = 0
        while not self.stop.is_set():
            resident = Resident(self.app, f"oDrill{name:03d}{number:016d}")
            body = message_xml(resident.openid, "text", Content="翠湖小区3栋楼下井盖坏了，老人差点摔倒")
            begun = time.monotonic()
            self.refused += resident.deliver(body).status_code != 200
            self.waits.append((begun, time.monotonic() - begun))
            number += 1
            self.stop.wait(0.02)


@contextmanager
def load(app: Flask, residents: int = 2) -> Iterator[Load]:
    """Let residents write meanwhile."""
    running = Load(app, [], threading.Event())
    threads = [threading.Thread(target=running.work, args=(each,)) for each in range(residents)]
    for each in threads:
        each.start()
    try:
        yield running
    finally:
        running.stop.set()
        for each in threads:
            each.join()


def drill(here: Settings, elsewhere: Settings, into: Path, calm: float = 0.0) -> Took:
    """Back up `here` under load, put it back `elsewhere`, compare, and return what it took."""
    app = create_app(here)
    with load(app) as running:
        while len(running.waits) < 5:
            time.sleep(0.01)
        time.sleep(calm)
        begun = time.monotonic()
        made = backup.take(places_of(here), into, utc_now(), keep=3, daily=0)
        took = time.monotonic() - begun
        while len(running.waits) < 10:
            time.sleep(0.01)
    assert not running.refused, "messages that were not taken while the backup was"
    during = [wait for at, wait in running.waits if begun - wait <= at <= begun + took]
    before = [wait for at, wait in running.waits if at < begun - wait]
    begun = time.monotonic()
    backup.restore(places_of(elsewhere), into, force=False, then=partial(make_ready, house_for(elsewhere)))
    back = time.monotonic() - begun
    rows = compare(here, elsewhere)
    works(elsewhere)
    house_of(app).store.engine.dispose()
    size = sum(path.stat().st_size for path in into.rglob("*") if path.is_file())
    return Took(made.backup.cases, took, back, size, before, during, rows)


def compare(here: Settings, elsewhere: Settings) -> dict[str, int]:
    """Hold the restored rows and files against the original; return how many rows each table has."""
    left, right = rows_of(here), rows_of(elsewhere)
    assert set(left) == set(right)
    for table in LASTING:
        assert right[table] <= left[table], f"{table}: restored rows that are not the original's"
    for table in set(left) - OF_THE_MOMENT:
        assert len(right[table]) <= len(left[table]), table
    ours, theirs = files_of(here), files_of(elsewhere)
    assert theirs == {name: ours[name] for name in theirs}
    assert ours == theirs
    return {table: len(rows) for table, rows in right.items()}


def rows_of(settings: Settings) -> dict[str, set[bytes]]:
    """Return a digest of every row of every table."""
    engine = build_engine(settings.database_url, VAULT)
    found = {}
    with engine.connect().execution_options(reading=True) as connection:
        for table in inspect(connection).get_table_names():
            if not table.startswith("case_terms"):
                rows = connection.execute(text(f"SELECT * FROM {table}"))
                found[table] = {hashlib.sha256(repr(tuple(row)).encode()).digest()[:12] for row in rows}
    engine.dispose()
    return found


def files_of(settings: Settings) -> dict[str, str]:
    """Return the digest of every media file."""
    media = places_of(settings).media
    return {path.name: digest(path) for path in media.rglob("*") if path.is_file()}


def works(settings: Settings) -> None:
    """Let the restored service open a case."""
    app = create_app(settings)
    resident = Resident(app, "oAfterTheRestore0000000001")
    resident.say("翠湖小区5栋路灯坏了")
    assert resident.case().id
    house_of(app).store.engine.dispose()


def make_files(settings: Settings, count: int, size: int = FILE_BYTES) -> None:
    """Put files into the media store that look like its own."""
    media = places_of(settings).media
    for _ in range(count):
        content = os.urandom(size)
        name = f"{hashlib.sha256(content).hexdigest()[:32]}.jpg"
        (media / name[:2]).mkdir(parents=True, exist_ok=True)
        (media / name[:2] / name).write_bytes(content)


def settings_for(database_url: str, redis_url: str, data_dir: Path) -> Settings:
    """Return the settings of one place."""
    values = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "DATA_DIR": str(data_dir), "DATA_KEY": DATA_KEY}
    return configuration.load(values)


def report(name: str, took: Took) -> None:
    """Print the figures of one database."""
    part = MILLION / took.cases
    p95 = [
        sorted(each)[int(0.95 * (len(each) - 1))] * 1000 if each else float("nan") for each in (took.calm, took.during)
    ]
    median = [statistics.median(each) * 1000 if each else float("nan") for each in (took.calm, took.during)]
    print(
        f"{name}: {took.cases:,} cases, {took.rows['history']:,} lines of history, {took.size / 1e6:.0f} MB of backup"
    )
    print(f"  backup {took.take:.1f} s, restore with all checks {took.put_back:.1f} s")
    print(f"  answers before: median {median[0]:.0f} ms, p95 {p95[0]:.0f} ms ({len(took.calm)} messages)")
    print(f"  answers during: median {median[1]:.0f} ms, p95 {p95[1]:.0f} ms ({len(took.during)} messages)")
    whole = [seconds * part for seconds in (took.take, took.put_back)]
    print(f"  extrapolated to 1,000,000 cases, not run: backup {whole[0]:.0f} s, restore {whole[1]:.0f} s", flush=True)


def main() -> None:
    """Run the drill on both databases, and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=50_000)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], action="append")
    wanted = parser.parse_args()
    programs = Postgres.programs()
    for name in wanted.database or ["sqlite", "postgresql"]:
        with tempfile.TemporaryDirectory(prefix="wgt-drill-") as folder:
            base, redis = Path(folder), Redis()
            server = Postgres(programs) if name == "postgresql" and programs is not None else None
            redis.start()
            try:
                if server is not None:
                    server.start()
                addresses = [
                    server.create_database() if server is not None else f"sqlite:///{base}/{place}/cases.sqlite3"
                    for place in ("here", "elsewhere")
                ]
                here, elsewhere = (
                    settings_for(address, redis.url, base / place)
                    for address, place in zip(addresses, ("here", "elsewhere"), strict=True)
                )
                prepare(here, wanted.cases)
                report(name, drill(here, elsewhere, base / "backups", calm=3.0))
            finally:
                redis.remove()
                if server is not None:
                    server.stop()


def prepare(here: Settings, cases: int) -> None:
    """Fill one place: the city, so many cases, files and classifiers."""
    migrate(here.database_url, VAULT)
    store = Store(build_engine(here.database_url, VAULT))
    build(store, cases)
    if store.engine.dialect.name == "postgresql":  # the made-up rows brought their own ids
        with store.engine.begin() as connection:
            for table in ("cases", "history"):
                top = f"(SELECT max(id) FROM {table})"
                connection.execute(text(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), {top})"))
    store.engine.dispose()
    list(learning.train_starters(here.models_dir))
    make_files(here, FILES)


if __name__ == "__main__":
    main()
