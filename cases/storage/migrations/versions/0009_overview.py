"""What homes count: what came and what ended in a span of time, and who accepted and gave back what"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_cases_opened_at", "cases", ["opened_at"])
    op.create_index("ix_cases_ended_at", "cases", ["ended_at"])
    op.create_index("ix_history_action_at", "history", ["action", "at"])


def downgrade() -> None:
    op.drop_index("ix_history_action_at", table_name="history")
    op.drop_index("ix_cases_ended_at", table_name="cases")
    op.drop_index("ix_cases_opened_at", table_name="cases")
