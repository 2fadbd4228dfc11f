"""Routing rules, labels, trainings, releases"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "rules",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("conditions", sa.JSON(), nullable=False),
        sa.Column("queue", sa.String(length=60), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("changed_by", sa.Integer(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["changed_by"], ["staff.id"], name=op.f("fk_rules_changed_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rules")),
    )
    op.create_table(
        "trainings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("asked_by", sa.Integer(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("beat_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("cancel", sa.Boolean(), nullable=False),
        sa.Column("progress", sa.Double(), nullable=False),
        sa.Column("log", sa.JSON(), nullable=False),
        sa.Column("version", sa.String(length=60), nullable=True),
        sa.Column("champion", sa.String(length=60), nullable=True),
        sa.Column("report", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("error", sa.String(length=300), nullable=False),
        sa.ForeignKeyConstraint(["asked_by"], ["staff.id"], name=op.f("fk_trainings_asked_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trainings")),
    )
    op.create_table(
        "labels",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("label", sa.String(length=60), nullable=False),
        sa.Column("origin", sa.String(length=15), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=True),
        sa.Column("staff_id", sa.Integer(), nullable=True),
        sa.Column("source_key", sa.String(length=80), nullable=True),
        sa.Column("said_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("labelled_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("guess", sa.String(length=60), nullable=True),
        sa.Column("probability", sa.Double(), nullable=True),
        sa.Column("model_version", sa.String(length=60), nullable=True),
        sa.Column("part", sa.String(length=5), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_labels_case_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_labels_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_labels")),
        sa.UniqueConstraint("case_id", name=op.f("uq_labels_case_id")),
        sa.UniqueConstraint("source_key", name=op.f("uq_labels_source_key")),
    )
    for column in ("label", "labelled_at"):
        op.create_index(op.f(f"ix_labels_{column}"), "labels", [column])

    op.create_table(
        "releases",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("version", sa.String(length=60), nullable=False),
        sa.Column("from_version", sa.String(length=60), nullable=True),
        sa.Column("training_id", sa.Integer(), nullable=True),
        sa.Column("staff_id", sa.Integer(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_releases_staff_id")),
        sa.ForeignKeyConstraint(["training_id"], ["trainings.id"], name=op.f("fk_releases_training_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_releases")),
    )
    op.add_column("cases", sa.Column("certainty", sa.Double(), nullable=True))
    op.add_column("cases", sa.Column("evidence", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("cases", sa.Column("rule_id", sa.Integer(), nullable=True))
    op.add_column("categories", sa.Column("auto", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.add_column("categories", sa.Column("confident", sa.Double(), nullable=True))


def downgrade() -> None:
    for table, columns in (("categories", ("confident", "auto")), ("cases", ("rule_id", "evidence", "certainty"))):
        for column in columns:
            op.drop_column(table, column)
    for table in ("releases", "labels", "trainings", "rules"):
        op.drop_table(table)
