"""Alembic's entry: runs the migrations on the database named in the configuration's attributes."""

from typing import Literal

from alembic import context
from sqlalchemy import text

from cases.storage import desk, learning, security, signs, terms, working  # noqa: F401 - their tables belong to the schema
from cases.storage.engine import build_engine
from cases.storage.moment import Moment
from cases.storage.tables import Base

LOCK = 7_302_601  # one migration at a time, whichever process starts first


def render_item(kind: str, item: object, _context: object) -> str | Literal[False]:
    """Write our own column type as the plain one below it: migrations do not import the code of today."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, Moment) else False


def include_name(name: str | None, kind: str, _parents: object) -> bool:
    """Leave out what only one database has: the index of terms, and what SQLite keeps it in."""
    return kind != "table" or not (name or "").startswith("case_terms")


engine = build_engine(context.config.attributes["database_url"])
with engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
        render_item=render_item,
        include_name=include_name,
        transactional_ddl=True,
    )
    with context.begin_transaction():
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        context.run_migrations()
    connection.commit()
engine.dispose()
