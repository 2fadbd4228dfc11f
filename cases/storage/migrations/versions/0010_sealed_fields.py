"""What tells who somebody is stands sealed, or as a digest by which it is found; who was forgotten, stays forgotten"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

INDEX_KEY, LOADED, MARK_CHARACTERS = "index_key", "loaded:", 32
BATCH = 500
Row = sa.Row[*tuple[Any, ...]]
Change = Callable[[Row], dict[str, object]]

meta = sa.table("meta", sa.column("key", sa.String), sa.column("value", sa.String))
staff = sa.table("staff", *(sa.column(name) for name in ("id", "phone", "external_id", "external_digest")))
residents = sa.table("residents", *(sa.column(name) for name in ("id", "openid", "openid_digest")))
inbox = sa.table("inbox", *(sa.column(name) for name in ("id", "key", "fields", "reply")))


def upgrade() -> None:
    with op.batch_alter_table("staff") as table:
        table.drop_index("ix_staff_external_id")
        table.alter_column("phone", type_=sa.Text(), existing_type=sa.String(40), existing_nullable=False)
        table.alter_column("external_id", type_=sa.Text(), existing_type=sa.String(160), existing_nullable=True)
        table.add_column(sa.Column("external_digest", sa.String(64), nullable=True))
    with op.batch_alter_table("residents") as table:
        table.drop_constraint("uq_residents_account_openid", type_="unique")
        table.alter_column("openid", type_=sa.Text(), existing_type=sa.String(128), existing_nullable=False)
        table.add_column(sa.Column("openid_digest", sa.String(64), nullable=True))
    with op.batch_alter_table("inbox") as table:
        table.alter_column(
            "fields",
            type_=sa.Text(),
            existing_type=sa.JSON(),
            existing_nullable=False,
            postgresql_using="fields::text",
        )
    _seal()
    with op.batch_alter_table("staff") as table:
        table.create_index("ix_staff_external_digest", ["external_digest"], unique=True)
    with op.batch_alter_table("residents") as table:
        table.alter_column("openid_digest", existing_type=sa.String(64), nullable=False)
        table.create_unique_constraint("uq_residents_account_openid_digest", ["account", "openid_digest"])
    with op.batch_alter_table("inbox") as table:
        table.alter_column("key", type_=sa.String(64), existing_type=sa.String(400), existing_nullable=False)
    op.create_table(
        "erasures",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("versions", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasures")),
    )
    with op.batch_alter_table("erasures") as table:
        table.create_index(op.f("ix_erasures_digest"), ["digest"], unique=False)


def _vault() -> Any:  # noqa: ANN401 - a vault of today's; of it only `seal` and `read` are used
    config = op.get_context().config
    if config is None:
        raise LookupError("the keys are missing")
    return config.attributes["vault"]


def _seal() -> None:
    vault, key = _vault(), secrets.token_hex(32)

    def seal(text: str | None) -> str | None:
        return vault.seal(text) if text else text

    def found(text: str | None) -> str | None:
        return hmac.new(bytes.fromhex(key), text.encode(), hashlib.sha256).hexdigest() if text is not None else None

    def of_staff(row: Row) -> dict[str, object]:
        names = {"external_id": seal(row.external_id), "external_digest": found(row.external_id)}
        return {"phone": seal(row.phone), **names}

    def of_delivery(row: Row) -> dict[str, object]:
        return {"key": found(row.key), "fields": seal(_readable(row.fields)), "reply": seal(row.reply)}

    op.get_bind().execute(meta.insert().values(key=INDEX_KEY, value=vault.seal(key)))
    for row in list(op.get_bind().execute(sa.select(meta).where(meta.c.key.startswith(LOADED)))):
        value = (found(row.value) or "")[:MARK_CHARACTERS]
        op.get_bind().execute(meta.update().where(meta.c.key == row.key).values(value=value))
    _each(staff, of_staff)
    _each(residents, lambda row: {"openid": seal(row.openid), "openid_digest": found(row.openid)})
    _each(inbox, of_delivery)


def _readable(fields: str) -> str:
    """Return JSON with its characters as they are, which is shorter."""
    return json.dumps(json.loads(fields), ensure_ascii=False)


def _each(table: sa.TableClause, change: Change) -> None:
    """Change every row of a table."""
    for row in _rows(table):
        op.get_bind().execute(table.update().where(table.c.id == row.id).values(**change(row)))


def _rows(table: sa.TableClause) -> Iterator[Row]:
    last = 0
    while rows := list(
        op.get_bind().execute(sa.select(table).where(table.c.id > last).order_by(table.c.id).limit(BATCH))
    ):
        yield from rows
        last = rows[-1].id


def downgrade() -> None:
    """Open everything again; digests of deliveries stay, so one that comes again across this counts twice."""
    op.drop_table("erasures")
    with op.batch_alter_table("residents") as table:
        table.drop_constraint("uq_residents_account_openid_digest", type_="unique")
        table.drop_column("openid_digest")
    with op.batch_alter_table("staff") as table:
        table.drop_index("ix_staff_external_digest")
        table.drop_column("external_digest")
    _open()
    with op.batch_alter_table("inbox") as table:
        table.alter_column(
            "fields",
            type_=sa.JSON(),
            existing_type=sa.Text(),
            existing_nullable=False,
            postgresql_using="fields::json",
        )
        table.alter_column("key", type_=sa.String(400), existing_type=sa.String(64), existing_nullable=False)
    with op.batch_alter_table("residents") as table:
        table.alter_column("openid", type_=sa.String(128), existing_type=sa.Text(), existing_nullable=False)
        table.create_unique_constraint("uq_residents_account_openid", ["account", "openid"])
    with op.batch_alter_table("staff") as table:
        table.alter_column("phone", type_=sa.String(40), existing_type=sa.Text(), existing_nullable=False)
        table.alter_column("external_id", type_=sa.String(160), existing_type=sa.Text(), existing_nullable=True)
        table.create_index("ix_staff_external_id", ["external_id"], unique=True)


def _open() -> None:
    vault = _vault()

    def read(sealed: str | None) -> str | None:
        return vault.read(sealed) if sealed else sealed

    plain = {"staff": ("phone", "external_id"), "residents": ("openid",), "inbox": ("fields", "reply")}
    for name, columns in plain.items():
        table = sa.table(name, *(sa.column(each) for each in ("id", *columns)))
        for row in _rows(table):
            values = {each: read(getattr(row, each)) for each in columns}
            op.get_bind().execute(table.update().where(table.c.id == row.id).values(**values))
    # A delivery that was emptied has no fields.
    op.execute("UPDATE inbox SET fields = '{}' WHERE fields = ''")
    op.execute(sa.delete(meta).where(meta.c.key == INDEX_KEY))
