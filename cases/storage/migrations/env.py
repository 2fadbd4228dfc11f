"""Alembic's entry: runs the migrations on the database named in the configuration's attributes."""

from typing import Literal

from alembic import context
from sqlalchemy import text

from cases.storage import (  # noqa: F401 - their tables belong to the schema
    desk,
    erasures,
    failing,
    learning,
    security,
    signs,
    terms,
    working,
)
from cases.storage.engine import build_engine
from cases.storage.moment import Moment
from cases.storage.sealed import Found, Sealed, SealedFields
from cases.storage.tables import Base

TEXT = "sa.Text()"
LOCK = 7_302_601  # one migration at a time, whichever process starts first


def render_item(kind: str, item: object, _context: object) -> str | Literal[False]:
    """Write our own column types as the plain ones below them: migrations do not import the code of today."""
    if kind != "type":
        return False
    plain = {Moment: "sa.DateTime(timezone=True)", Found: "sa.String(64)", Sealed: TEXT, SealedFields: TEXT}
    return next((name for own, name in plain.items() if isinstance(item, own)), False)


def include_name(name: str | None, kind: str, _parents: object) -> bool:
    """Leave out what only one database has: the index of terms, and what SQLite keeps it in."""
    return kind != "table" or not (name or "").startswith("case_terms")


engine = build_engine(context.config.attributes["database_url"], context.config.attributes["vault"])
with engine.connect() as connection:
    if connection.dialect.name == "sqlite":
        # To change a column SQLite makes its table anew and drops the old one, which others point at.
        connection.connection.cursor().execute("PRAGMA foreign_keys=OFF")
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
        if connection.dialect.name == "sqlite" and connection.execute(text("PRAGMA foreign_key_check")).first():
            raise LookupError("something points at what is not there")
    connection.commit()
engine.dispose()
