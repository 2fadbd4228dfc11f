"""When each part of a voice is said; keys of forms that were carried out"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("attachments", sa.Column("timing", sa.JSON(), nullable=True))
    op.create_table(
        "sent_keys",
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.String(length=300), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_sent_keys_staff_id")),
        sa.PrimaryKeyConstraint("staff_id", "key", name=op.f("pk_sent_keys")),
    )
    op.create_index(op.f("ix_sent_keys_at"), "sent_keys", ["at"])


def downgrade() -> None:
    op.drop_index(op.f("ix_sent_keys_at"), "sent_keys")
    op.drop_table("sent_keys")
    op.drop_column("attachments", "timing")
