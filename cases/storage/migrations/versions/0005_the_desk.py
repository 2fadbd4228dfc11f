"""The desk: how each person wants the console, filters they keep, orders over several cases"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "bulk_orders",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(length=20), nullable=False),
        sa.Column("inputs", sa.JSON(), nullable=False),
        sa.Column("case_ids", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("results", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_bulk_orders_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulk_orders")),
    )
    with op.batch_alter_table("bulk_orders", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_bulk_orders_state_due_at"), ["state", "due_at"], unique=False)

    op.create_table(
        "preferences",
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.Column("chosen", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_preferences_staff_id")),
        sa.PrimaryKeyConstraint("staff_id", name=op.f("pk_preferences")),
    )
    op.create_table(
        "saved_filters",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.Column("query", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_saved_filters_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_filters")),
        sa.UniqueConstraint("staff_id", "name", name=op.f("uq_saved_filters_staff_id_name")),
    )


def downgrade() -> None:
    op.drop_table("saved_filters")
    op.drop_table("preferences")
    with op.batch_alter_table("bulk_orders", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_bulk_orders_state_due_at"))

    op.drop_table("bulk_orders")
