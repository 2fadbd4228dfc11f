"""Work that broke by a fault of ours, until it is done or somebody has seen to it; which files rows know of."""

import sqlalchemy as sa
from alembic import op

revision: str = "0012"
down_revision: str | None = "0011"


def upgrade() -> None:
    op.create_table(
        "failures",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("given_up_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("message", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_failures")),
        sa.UniqueConstraint("kind", "key", name=op.f("uq_failures_kind_key")),
    )
    with op.batch_alter_table("failures", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_failures_given_up_at"), ["given_up_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_failures_next_try_at"), ["next_try_at"], unique=False)
    op.create_index(op.f("ix_attachments_file"), "attachments", ["file"])


def downgrade() -> None:
    op.drop_index(op.f("ix_attachments_file"), "attachments")
    op.drop_table("failures")
