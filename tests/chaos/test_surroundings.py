"""Promise 8: a full disk, a clock that jumps, media that cannot be written, migrations cut short or doubled."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from alembic import command
from sqlalchemy import event, text

import settings as configuration
from bot import outage, sweeping
from bot.assembly import build, utc_now
from cases import failures, messages
from cases.messages import Message
from cases.storage import migrate
from cases.storage.engine import alembic_config
from cases.storage.tables import AttachmentRow, OutboxRow
from tests.chaos.crash import Crasher, receive
from tests.chaos.test_crashes import OPENID, PHOTO, REPORT, case_of, heal
from tests.chaos.wechat import TOKEN
from tests.integration.people import signed
from tests.services import DATA_KEY, ROOT, VAULT, clean_environment
from web import create_app

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bot.assembly import House
    from tests.chaos.crash import Point
    from tests.chaos.wechat import Api

STEPS: tuple[Point, ...] = (
    ("alembic.operations.base.Operations", "create_table", "after"),
    ("alembic.operations.base.Operations", "create_index", "after"),
    ("alembic.runtime.migration.HeadMaintainer", "update_to_step", "before"),
    ("alembic.runtime.migration.HeadMaintainer", "update_to_step", "after"),
)


def test_a_full_disk(house: House, environ: dict[str, str], figure: Callable[[str, str, str], None]) -> None:
    """Nothing is acknowledged that could not be written; what is there can be read; with room, it goes on."""
    receive(house, REPORT)
    settings = configuration.load(environ)
    app = create_app(settings)
    store = app.extensions["house"].store
    full = {"is": True}

    def limit(connection: Any, _record: object, _proxy: object) -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages if full['is'] else 1_000_000}")

    event.listen(store.engine, "checkout", limit)
    client = app.test_client()
    big = REPORT.replace("</Content>", "，" * 3_900 + "</Content>").replace("<MsgId>", "<MsgId>9")
    answers = [
        client.post("/wechat", query_string=signed(TOKEN), data=big.replace("<MsgId>", f"<MsgId>{at}").encode())
        for at in range(12)
    ]
    assert {answer.status_code for answer in answers} >= {503}
    taken = sum(answer.status_code == 200 for answer in answers)
    with store.read() as book:
        [resident] = book.resident(OPENID)
        assert len(book.messages_of(resident.id)) == 1 + taken
    assert client.get("/healthz").status_code == 200
    full["is"] = False
    again = client.post("/wechat", query_string=signed(TOKEN), data=big.replace("<MsgId>", "<MsgId>11").encode())
    assert again.status_code == 200
    store.engine.dispose()
    figure("8. Database disk full", "SQLite held to the pages that it has", "503 and nothing stored; goes on with room")


def test_media_that_cannot_be_written(house: House, figure: Callable[[str, str, str], None]) -> None:
    """The file waits with the reason, `/readyz` says so, and it comes once the folder can be written."""
    folder = house.settings.data_dir / "media"
    folder.write_text("not a folder")
    receive(house, REPORT)
    receive(house, PHOTO)
    sweeping.sweep(house)
    with house.store.read() as book:
        [part] = book.attachments(case_of(house).id)
    assert (part.state, part.error[:4]) == ("waiting", "存不下来")
    assert house.media.fault()
    folder.unlink()
    heal(house)
    with house.store.read() as book:
        [part] = book.attachments(case_of(house).id)
    assert part.state == "stored"
    figure("8. Media cannot be written", "a file in the folder's place", "waits with the reason, fetched afterwards")


@pytest.mark.parametrize("jump", [timedelta(days=1), timedelta(days=-1)], ids=["forward", "back"])
def test_a_clock_that_jumps(
    jump: timedelta,
    house: House,
    api: Api,
    figure: Callable[[str, str, str], None],
) -> None:
    """A worker dies while its clock is a day off; with the clock right again nothing waits for that day."""
    receive(house, REPORT)
    receive(house, PHOTO)
    with house.store.write() as book:
        [case] = list(book.every_case())
        assert messages.owe(book, case, Message("reply", "师傅下午到"), utc_now()) is not None
        for kind, queue in ((OutboxRow, "outbox"), (AttachmentRow, "attachment")):
            for row_id in book.waiting(kind, utc_now(), 10):
                row = book.lock_row(kind, row_id)
                assert isinstance(row, OutboxRow | AttachmentRow)
                failures.note(book, queue, str(row_id), LookupError(), utc_now() + jump)
                row.attempts = 1
        outage.note(book, utc_now() + jump)
    sweeping.sweep(house)
    sweeping.sweep(house)
    with house.store.read() as book:
        [part] = book.attachments(case_of(house).id)
        replies = [row for row in book.owed(case_of(house).id) if row.notice == "reply"]
    assert part.state == "stored"
    assert [row.state for row in replies] == ["sent"]
    assert set(api.texts().values()) == {1}
    figure("8. Clock a day off", f"{jump.days:+d} day, then right again", "everything sent at the next sweep")


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
@pytest.mark.parametrize("point", STEPS, ids=lambda point: f"{point[2]}-{point[1]}")
def test_a_migration_that_is_cut_short(
    point: Point, kind: str, request: pytest.FixtureRequest, tmp_path: Path, redis_url: str
) -> None:
    """It is whole or not there; a second one does it, and a third one nothing."""
    if kind == "sqlite":
        address = f"sqlite:///{tmp_path}/new.sqlite3"
    else:
        server = request.getfixturevalue("postgres_server")
        address = server.create_database()
    environ = {"DATABASE_URL": address, "DATA_DIR": str(tmp_path), "REDIS_URL": redis_url, "DATA_KEY": DATA_KEY}
    url = configuration.load(environ).database_url
    with Crasher() as crasher:
        crasher.crash(environ, point, "migrate")
    migrate(url, VAULT)
    migrate(url, VAULT)
    command.check(alembic_config(url, VAULT))


def test_two_migrations_at_once(tmp_path: Path, redis_url: str) -> None:
    """Two processes that start together both find the newest schema."""
    environ = {"DATABASE_URL": f"sqlite:///{tmp_path}/new.sqlite3", "DATA_DIR": str(tmp_path), "REDIS_URL": redis_url}
    environ["DATA_KEY"] = DATA_KEY
    starts = [
        subprocess.Popen(
            [sys.executable, "-m", "flask", "--app", "web", "init-db"], cwd=ROOT, env=clean_environment(environ)
        )
        for _ in range(2)
    ]
    assert [start.wait(120) for start in starts] == [0, 0]
    house: House = build(configuration.load(environ))
    with house.store.read() as book:
        assert book._session.scalar(text("SELECT count(*) FROM alembic_version")) == 1  # noqa: SLF001 - the library's
    house.store.engine.dispose()
