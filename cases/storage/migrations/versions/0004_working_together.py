"""Working together: tasks, callbacks, notices, duty, absence, limits, plans, audit; more of a case's life"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# The audit trail is only added to; what is older than its keeping time may go.
KEPT_DAYS = 183
SQLITE_KEEPS = "CREATE TRIGGER audit_keeps BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'append-only'); END"
SQLITE_STAYS = f"""CREATE TRIGGER audit_stays BEFORE DELETE ON audit
WHEN julianday(OLD.at) > julianday('now') - {KEPT_DAYS} BEGIN SELECT RAISE(ABORT, 'append-only'); END"""
POSTGRES_KEEPS = f"""CREATE FUNCTION audit_keeps() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
IF TG_OP = 'DELETE' AND OLD.at < now() - interval '{KEPT_DAYS} days' THEN RETURN OLD; END IF;
RAISE EXCEPTION 'append-only'; END $$"""
POSTGRES_TRIGGER = (
    "CREATE TRIGGER audit_keeps BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_keeps()"
)
TRIGGERS = {"sqlite": (SQLITE_KEEPS, SQLITE_STAYS), "postgresql": (POSTGRES_KEEPS, POSTGRES_TRIGGER)}
UNDO = {
    "sqlite": ("DROP TRIGGER audit_keeps", "DROP TRIGGER audit_stays"),
    "postgresql": ("DROP TRIGGER audit_keeps ON audit", "DROP FUNCTION audit_keeps"),
}
CASE_COLUMNS = (
    "reporter_id",
    "first_unit_id",
    "sender_id",
    "returns",
    "paused_at",
    "extension_hours",
    "extensions",
    "outcome",
    "solved",
    "alert_at",
    "alert_step",
    "supervised_at",
    "supervise_by",
    "supervisor_id",
    "alarm_kind",
    "alarm_called_id",
    "alarm_called_at",
    "alarm_ended_at",
    "alarm_reviewed_at",
    "verify_days",
)


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=True),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("detail", sa.String(length=300), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    op.create_index(op.f("ix_audit_at"), "audit", ["at"])
    op.create_index(op.f("ix_audit_staff_id"), "audit", ["staff_id"])
    op.create_index(op.f("ix_audit_subject"), "audit", ["subject"])
    op.create_table(
        "days",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("working", sa.Boolean(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_days")),
    )
    op.create_table(
        "limits",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("category_code", sa.String(length=60), nullable=False),
        sa.Column("level", sa.String(length=20), nullable=False),
        sa.Column("urgency", sa.String(length=10), nullable=False),
        sa.Column("accept_hours", sa.Double(), nullable=False),
        sa.Column("contact_hours", sa.Double(), nullable=False),
        sa.Column("finish_hours", sa.Double(), nullable=False),
        sa.Column("verify_days", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_limits")),
        sa.UniqueConstraint("category_code", "level", "urgency", name=op.f("uq_limits_category_code_level_urgency")),
    )
    op.create_table(
        "plans",
        sa.Column("key", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("steps", sa.JSON(), nullable=False),
        sa.Column("phones", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_plans")),
    )
    op.create_table(
        "canned",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=True),
        sa.Column("title", sa.String(length=40), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name=op.f("fk_canned_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_canned")),
    )
    op.create_table(
        "absences",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.Column("from_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.String(length=100), nullable=False),
        sa.Column("made_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["made_by"], ["staff.id"], name=op.f("fk_absences_made_by")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_absences_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_absences")),
    )
    op.create_index(op.f("ix_absences_staff_id"), "absences", ["staff_id"])
    op.create_index(op.f("ix_absences_until_at"), "absences", ["until_at"])
    op.create_table(
        "duties",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_duties_staff_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name=op.f("fk_duties_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duties")),
    )
    op.create_index(op.f("ix_duties_ends_at"), "duties", ["ends_at"])
    op.create_index(op.f("ix_duties_unit_id"), "duties", ["unit_id"])
    op.create_table(
        "tokens",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_tokens_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokens")),
        sa.UniqueConstraint("digest", name=op.f("uq_tokens_digest")),
    )
    _about_cases()
    _columns()


def _about_cases() -> None:
    op.create_table(
        "callbacks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("why", sa.String(length=15), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("staff_id", sa.Integer(), nullable=True),
        sa.Column("outcome", sa.String(length=15), nullable=False),
        sa.Column("solved", sa.String(length=10), nullable=False),
        sa.Column("rating", sa.String(length=20), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_callbacks_case_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_callbacks_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_callbacks")),
    )
    op.create_index(op.f("ix_callbacks_case_id"), "callbacks", ["case_id"])
    op.create_index(op.f("ix_callbacks_done_at"), "callbacks", ["done_at"])
    op.create_table(
        "notices",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=True),
        sa.Column("unit_id", sa.Integer(), nullable=True),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("text", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_notices_case_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_notices_staff_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name=op.f("fk_notices_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
    )
    op.create_index(op.f("ix_notices_case_id"), "notices", ["case_id"])
    op.create_index(op.f("ix_notices_staff_id_read_at"), "notices", ["staff_id", "read_at"])
    op.create_index(op.f("ix_notices_unit_id_read_at"), "notices", ["unit_id", "read_at"])
    op.create_table(
        "tasks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("by_unit_id", sa.Integer(), nullable=False),
        sa.Column("by_staff_id", sa.Integer(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_by", sa.Integer(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("verdict", sa.String(length=10), nullable=False),
        sa.Column("judged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("judged_by", sa.Integer(), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["answered_by"], ["staff.id"], name=op.f("fk_tasks_answered_by")),
        sa.ForeignKeyConstraint(["by_staff_id"], ["staff.id"], name=op.f("fk_tasks_by_staff_id")),
        sa.ForeignKeyConstraint(["by_unit_id"], ["units.id"], name=op.f("fk_tasks_by_unit_id")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_tasks_case_id")),
        sa.ForeignKeyConstraint(["judged_by"], ["staff.id"], name=op.f("fk_tasks_judged_by")),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name=op.f("fk_tasks_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tasks")),
    )
    op.create_index(op.f("ix_tasks_by_unit_id"), "tasks", ["by_unit_id"])
    op.create_index(op.f("ix_tasks_case_id"), "tasks", ["case_id"])
    op.create_index(op.f("ix_tasks_unit_id"), "tasks", ["unit_id"])


def _columns() -> None:
    op.add_column("attachments", sa.Column("phase", sa.String(length=10), nullable=False, server_default=""))
    op.add_column("cases", sa.Column("reporter_id", sa.Integer(), nullable=True))
    op.add_column("cases", sa.Column("first_unit_id", sa.Integer(), nullable=True))
    op.add_column("cases", sa.Column("sender_id", sa.Integer(), nullable=True))
    op.add_column("cases", sa.Column("returns", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("cases", sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("cases", sa.Column("extension_hours", sa.Double(), nullable=True))
    op.add_column("cases", sa.Column("extensions", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("cases", sa.Column("outcome", sa.String(length=10), nullable=False, server_default=""))
    op.add_column("cases", sa.Column("solved", sa.String(length=10), nullable=False, server_default=""))
    op.add_column("cases", sa.Column("alert_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("cases", sa.Column("alert_step", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("cases", sa.Column("supervised_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("cases", sa.Column("supervise_by", sa.DateTime(timezone=True), nullable=True))
    op.add_column("cases", sa.Column("supervisor_id", sa.Integer(), nullable=True))
    op.add_column("cases", sa.Column("alarm_kind", sa.String(length=20), nullable=False, server_default=""))
    op.add_column("cases", sa.Column("alarm_called_id", sa.Integer(), nullable=True))
    op.add_column("cases", sa.Column("alarm_called_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("cases", sa.Column("alarm_ended_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("cases", sa.Column("alarm_reviewed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("cases", sa.Column("verify_days", sa.Double(), nullable=False, server_default="7"))
    op.create_index(op.f("ix_cases_alert_at"), "cases", ["alert_at"])
    op.create_index(op.f("ix_cases_first_unit_id"), "cases", ["first_unit_id"])
    op.create_index(op.f("ix_cases_reporter_id"), "cases", ["reporter_id"])
    op.create_index(op.f("ix_cases_supervised_at"), "cases", ["supervised_at"])
    op.add_column("staff", sa.Column("groups", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("staff", sa.Column("contacts", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("staff", sa.Column("backup_id", sa.Integer(), nullable=True))
    op.add_column("units", sa.Column("opening", sa.String(length=60), nullable=False, server_default=""))
    op.add_column("units", sa.Column("active", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.execute("UPDATE cases SET outcome = 'solved' WHERE state IN ('resolved', 'closed')")
    op.execute("UPDATE cases SET alert_at = due_at")
    for statement in TRIGGERS[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    for statement in UNDO[op.get_bind().dialect.name]:
        op.execute(statement)
    for column in ("alert_at", "first_unit_id", "reporter_id", "supervised_at"):
        op.drop_index(op.f(f"ix_cases_{column}"), "cases")
    for table, columns in (
        ("units", ("active", "opening")),
        ("staff", ("backup_id", "contacts", "groups")),
        ("attachments", ("phase",)),
        ("cases", CASE_COLUMNS),
    ):
        for column in columns:
            op.drop_column(table, column)
    for table in (
        "tasks",
        "notices",
        "callbacks",
        "tokens",
        "duties",
        "absences",
        "canned",
        "plans",
        "limits",
        "days",
        "audit",
    ):
        op.drop_table(table)
