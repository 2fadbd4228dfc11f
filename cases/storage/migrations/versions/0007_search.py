"""Finding cases: the index of their terms, which the sweeper fills"""

import sqlite3

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# `ascii` takes every sign beyond it as a letter; the terms are cut before they come here.
SQLITE = ("CREATE VIRTUAL TABLE case_terms USING fts5(terms, columnsize=0, tokenize=\"ascii tokenchars ':_'\")",)
# Entries that wait in the index's own list are read at every search: it stays short.
POSTGRES = (
    "CREATE TABLE case_terms (case_id integer PRIMARY KEY, terms tsvector NOT NULL)",
    "ALTER TABLE case_terms ALTER COLUMN terms SET STATISTICS 1000",
    "CREATE INDEX ix_case_terms_terms ON case_terms USING gin (terms) WITH (gin_pending_list_limit = 512)",
)
TABLES = {"sqlite": SQLITE, "postgresql": POSTGRES}


# From this version on SQLite can take deleted terms out of its index at once, not only when parts of it are merged.
DELETES_WHOLLY = (3, 42, 0)
DELETE_WHOLLY = "INSERT INTO case_terms (case_terms, rank) VALUES ('secure-delete', 1)"


def upgrade() -> None:
    for statement in TABLES[op.get_bind().dialect.name]:
        op.execute(sa.text(statement.replace(":", "\\:")))
    if op.get_bind().dialect.name == "sqlite" and sqlite3.sqlite_version_info >= DELETES_WHOLLY:
        op.execute(DELETE_WHOLLY)
    op.create_table(
        "terms_due",
        sa.Column("case_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_terms_due")),
    )
    op.execute("INSERT INTO terms_due (case_id) SELECT id FROM cases")


def downgrade() -> None:
    op.drop_table("terms_due")
    op.execute("DROP TABLE case_terms")
