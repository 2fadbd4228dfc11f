"""The database as one file, taken while it is used, and put back whole or not at all.

SQLite is copied by its own online backup in a single step: in WAL mode that is one reader, so writers go on, and no
write can make it begin anew, as it can between several steps. PostgreSQL's own tools do the same for PostgreSQL.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from cases.storage.engine import alembic_config, build_engine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import URL

# What tells of this machine's processes, and means nothing where a backup is put back.
OF_THE_MOMENT = ("heartbeats", "alarms")
BUSY_SECONDS = 30.0


class BackupError(Exception):
    """Something is in the way of a backup or of putting one back; the message is the one line that says what."""


def kind(database_url: str) -> str:
    """Return `sqlite` or `postgresql`."""
    return make_url(database_url).get_backend_name()


def dump(database_url: str, target: Path) -> None:
    """Write the database to a file while it is used."""
    if kind(database_url) == "sqlite":
        _copy(Path(make_url(database_url).database or ""), target)
    else:
        _run("pg_dump", make_url(database_url), "--format=custom", "--no-owner", f"--file={target}")


def _copy(source: Path, target: Path) -> None:
    if not source.exists():
        raise BackupError(f"没有数据库文件 {source}")
    with (
        closing(sqlite3.connect(f"file:{source}?mode=rw", uri=True, timeout=BUSY_SECONDS)) as ours,
        closing(sqlite3.connect(target)) as copy,
    ):
        ours.backup(copy, pages=-1)
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, without a log beside it


def _run(tool: str, url: URL, *arguments: str) -> None:
    """Run a tool of PostgreSQL's on a database; the password goes by the environment, where nobody else reads it."""
    program = shutil.which(tool)
    if program is None:
        raise BackupError(f"这台机器上没有 {tool}：请安装 postgresql-client。")
    address = url.set(drivername="postgresql", password=None).render_as_string(hide_password=False)
    environ = {**os.environ, **({"PGPASSWORD": str(url.password)} if url.password else {})}
    done = subprocess.run(  # noqa: S603 - PostgreSQL's own program
        [program, f"--dbname={address}", *arguments],
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        raise BackupError(f"{tool} 没有成功：{(done.stderr.strip() or str(done.returncode)).splitlines()[0]}")


def facts(database_url: str) -> tuple[str, int]:
    """Return the version of a database's schema (empty: it has none), and how many cases are in it."""
    engine = build_engine(database_url)
    try:
        with engine.connect() as connection:
            revision = MigrationContext.configure(connection).get_current_revision() or ""
            if not inspect(connection).has_table("cases"):
                return revision, 0
            return revision, int(connection.execute(text("SELECT count(*) FROM cases")).scalar_one())
    finally:
        engine.dispose()


def knows(revision: str) -> bool:
    """Say whether this version of the program knows a version of the schema."""
    script = ScriptDirectory.from_config(alembic_config("sqlite://"))
    return revision in {each.revision for each in script.walk_revisions()}


class Staged:
    """A database that lies ready beside the one in use. `swap` puts it in that one's place, `drop` throws it away."""

    def __init__(self, database_url: str, source: Path) -> None:
        self._url = make_url(database_url)
        self._sqlite = kind(database_url) == "sqlite"
        name = self._url.database or ""
        self._path = Path(name)
        self._beside = Path(f"{name}.restoring")
        self._name, self._new, self._old = name, f"{name}_restoring", f"{name}_replaced"
        self.drop()
        if self._sqlite:
            self._beside.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, self._beside)
            _check(self._beside)
        else:
            self._admin(f'CREATE DATABASE "{self._new}" TEMPLATE template0')
            _run("pg_restore", self._url.set(database=self._new), "--no-owner", "--single-transaction", str(source))
        self._forget_the_moment()

    @property
    def url(self) -> str:
        """The address of the database that lies ready."""
        beside = self._url.set(database=str(self._beside) if self._sqlite else self._new)
        return beside.render_as_string(hide_password=False)

    def swap(self) -> None:
        """Put it in the place of the database in use, at once."""
        if self._sqlite:
            _into_one_file(self._path)
            for end in ("-wal", "-shm"):
                Path(f"{self._path}{end}").unlink(missing_ok=True)
            self._beside.replace(self._path)
            return
        self._admin(f'DROP DATABASE IF EXISTS "{self._old}" WITH (FORCE)')
        self._alone(self._name, self._new)
        there = self._exists(self._name)
        renames = [f'ALTER DATABASE "{self._name}" RENAME TO "{self._old}"'] if there else []
        self._admin(*renames, f'ALTER DATABASE "{self._new}" RENAME TO "{self._name}"', together=True)
        with suppress(SQLAlchemyError):  # it has been replaced: what is left of it only takes room
            self._admin(f'DROP DATABASE IF EXISTS "{self._old}" WITH (FORCE)')

    def drop(self) -> None:
        """Throw it away, if it is there; the database in use is as it was."""
        if self._sqlite:
            for path in (self._beside, Path(f"{self._beside}-wal"), Path(f"{self._beside}-shm")):
                path.unlink(missing_ok=True)
        else:
            self._admin(f'DROP DATABASE IF EXISTS "{self._new}" WITH (FORCE)')

    def _forget_the_moment(self) -> None:
        engine = build_engine(self.url)
        with engine.begin() as connection:
            tables = set(inspect(connection).get_table_names())
            for name in OF_THE_MOMENT:
                if name in tables:
                    connection.execute(text(f"DELETE FROM {name}"))  # noqa: S608 - two names of ours
        engine.dispose()
        if self._sqlite:
            _into_one_file(self._beside)

    def _alone(self, *names: str) -> None:
        """End everybody's connections to these databases: one in use cannot be renamed."""
        for name in names:
            self._admin(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")  # noqa: S608

    def _exists(self, name: str) -> bool:
        return bool(list(self._rows(f"SELECT 1 FROM pg_database WHERE datname = '{name}'")))  # noqa: S608

    def _admin(self, *statements: str, together: bool = False) -> None:
        for _ in self._rows(*statements, together=together):
            pass

    def _rows(self, *statements: str, together: bool = False) -> Iterator[object]:
        """Do this beside all databases of ours; `together`: all or nothing."""
        level = "READ COMMITTED" if together else "AUTOCOMMIT"
        engine = create_engine(self._url.set(database="postgres"), isolation_level=level, hide_parameters=True)
        with engine.begin() as connection:
            for statement in statements:
                result = connection.exec_driver_sql(statement)
                if result.returns_rows:
                    yield from result.fetchall()
        engine.dispose()


def _into_one_file(path: Path) -> None:
    """Let a SQLite database be whole without the log beside it."""
    with suppress(sqlite3.DatabaseError), closing(sqlite3.connect(path, timeout=BUSY_SECONDS)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _check(path: Path) -> None:
    """Raise BackupError unless a SQLite database is whole."""
    with closing(sqlite3.connect(path)) as connection:
        found = ""
        with suppress(sqlite3.DatabaseError):
            found = str(connection.execute("PRAGMA quick_check").fetchone()[0])
    if found != "ok":
        raise BackupError("备份里的数据库文件坏了。")
