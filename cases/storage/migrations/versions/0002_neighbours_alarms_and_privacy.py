"""Neighbours who follow a case, alarms, complaints, privacy"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
# Plain additions, table by table: SQLite does them in place.
COLUMNS: dict[str, tuple[sa.Column[Any], ...]] = {
    "units": (sa.Column("former_codes", sa.JSON(), nullable=False, server_default="[]"),),
    "residents": (
        sa.Column("asked_other_id", sa.Integer(), nullable=True),
        sa.Column("asked_at", MOMENT, nullable=True),
        sa.Column("anonymous", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("told_at", MOMENT, nullable=True),
        sa.Column("erase_at", MOMENT, nullable=True),
        sa.Column("wrote_at", MOMENT, nullable=True),
        sa.Column("tapped_at", MOMENT, nullable=True),
    ),
    "cases": (
        sa.Column("urged_at", MOMENT, nullable=True),
        sa.Column("anonymous", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("attention", sa.String(length=20), nullable=False, server_default=""),
        sa.Column("alarmed_at", MOMENT, nullable=True),
        sa.Column("acknowledged_at", MOMENT, nullable=True),
        sa.Column("acknowledged_by", sa.Integer(), nullable=True),
        sa.Column("merged_into_id", sa.Integer(), nullable=True),
    ),
    "attachments": (
        sa.Column("transcript_by", sa.String(length=10), nullable=False, server_default=""),
        sa.Column("reading", sa.String(length=10), nullable=False, server_default=""),
    ),
    "outbox": (
        sa.Column("notice", sa.String(length=20), nullable=False, server_default=""),
        sa.Column("msgid", sa.String(length=40), nullable=False, server_default=""),
        sa.Column("when_back", sa.Boolean(), nullable=False, server_default=sa.false()),
    ),
}
INDEXES = (
    ("residents", ["erase_at"]),
    ("cases", ["merged_into_id"]),
    ("followers", ["resident_id"]),
    ("attachments", ["reading", "next_try_at"]),
)


def upgrade() -> None:
    for table, columns in COLUMNS.items():
        for column in columns:
            op.add_column(table, column)
    op.execute("UPDATE residents SET wrote_at = last_seen_at")
    op.create_table(
        "followers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("resident_id", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_followers_case_id_cases")),
        sa.ForeignKeyConstraint(["resident_id"], ["residents.id"], name=op.f("fk_followers_resident_id_residents")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_followers")),
        sa.UniqueConstraint("case_id", "resident_id", name=op.f("uq_followers_case_id_resident_id")),
    )
    op.create_table(
        "grants",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("resident_id", sa.Integer(), nullable=False),
        sa.Column("template_id", sa.String(length=100), nullable=False),
        sa.Column("remaining", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["resident_id"], ["residents.id"], name=op.f("fk_grants_resident_id_residents")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grants")),
        sa.UniqueConstraint("resident_id", "template_id", name=op.f("uq_grants_resident_id_template_id")),
    )
    op.create_table(
        "guide",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=40), nullable=False),
        sa.Column("names", sa.JSON(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("where_to", sa.String(length=200), nullable=False),
        sa.Column("hours", sa.String(length=200), nullable=False),
        sa.Column("papers", sa.String(length=200), nullable=False),
        sa.Column("phone", sa.String(length=100), nullable=False),
        sa.Column("elsewhere", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_guide")),
        sa.UniqueConstraint("title", name=op.f("uq_guide_title")),
    )
    op.create_table(
        "phrases",
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_phrases")),
    )
    for table, names in INDEXES:
        op.create_index(op.f(f"ix_{table}_{'_'.join(names)}"), table, names)


def downgrade() -> None:
    for table, names in INDEXES:
        op.drop_index(op.f(f"ix_{table}_{'_'.join(names)}"), table_name=table)
    for table in ("phrases", "guide", "grants", "followers"):
        op.drop_table(table)
    for table, columns in COLUMNS.items():
        for column in columns:
            op.drop_column(table, column.name)
