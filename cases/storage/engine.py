"""The engine for both databases, and migrations to the newest schema."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError

from cases.storage.sealed import lend

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.orm import Session

    from cases.vault import Vault

# What goes wrong with the database, for those who must not know its library.
DatabaseError = SQLAlchemyError
# What it refuses of what we gave it: trying again changes nothing.
RefusedByDatabase = (DataError, IntegrityError)
BUSY_MILLISECONDS = 5000
# A server that is gone without a word is noticed within seconds, and not when the system gives up after a quarter hour.
GIVE_UP = {
    "connect_timeout": 3,
    "tcp_user_timeout": 5000,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 2,
}
POOL = 12
# So long somebody waits for a connection of this process; then it says that it is too busy.
POOL_SECONDS = 2.0


def build_engine(database_url: str, vault: Vault | None = None) -> Engine:
    """Return an engine whose columns are sealed by `vault`, without which they cannot be used; it connects late."""
    engine = _engine(database_url)
    if vault is not None:
        lend(engine, vault)
    return engine


def _engine(database_url: str) -> Engine:
    """Return an engine for either database. SQLite gets WAL, a busy time-out and `BEGIN IMMEDIATE`."""
    url = make_url(database_url)
    if url.get_backend_name() != "sqlite":
        return create_engine(
            url,
            pool_size=POOL,
            max_overflow=4,
            pool_timeout=POOL_SECONDS,
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args=GIVE_UP,
        )
    if url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        url,
        pool_size=POOL,
        pool_timeout=POOL_SECONDS,
        hide_parameters=True,
        connect_args={"timeout": BUSY_MILLISECONDS / 1000},
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own connection
    connection.isolation_level = None  # we say BEGIN ourselves
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",  # what was acknowledged survives a power cut: a third of a millisecond
        "foreign_keys=ON",
        "secure_delete=ON",  # what is deleted, or sealed, stands in the file no more
        f"busy_timeout={BUSY_MILLISECONDS}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_immediate(connection: Connection) -> None:
    """Take the write lock at once; reading transactions say so and take none."""
    options = connection.get_execution_options()
    if options.get("reading", False):
        connection.exec_driver_sql("BEGIN")
        return
    patience = options.get("patience")
    wait = BUSY_MILLISECONDS if patience is None else int(patience * 1000)
    connection.exec_driver_sql(f"PRAGMA busy_timeout={wait}")
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def hurry(session: Session, patience: float) -> None:
    """Let a transaction on PostgreSQL wait so many seconds for others at most; SQLite is told so when it begins."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text(f"SET LOCAL lock_timeout = {int(patience * 1000)}"))


def migrate(database_url: str, vault: Vault) -> None:
    """Bring the schema to the newest version; does nothing when it is there. `vault` seals what stood there plainly."""
    command.upgrade(alembic_config(database_url, vault), "head")


def alembic_config(database_url: str, vault: Vault | None = None) -> Config:
    """Return Alembic's configuration for this database; there is no ini file."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["database_url"], config.attributes["vault"] = database_url, vault
    return config
