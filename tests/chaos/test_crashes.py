"""Promise 4: a process dies at each point between two steps, and what was promised holds at all of them.

A row's next try is brought forward afterwards, as if the lease had run out.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from bot import sweeping
from bot.assembly import utc_now
from cases import messages
from cases.messages import Message
from tests.chaos.crash import Crasher, receive
from tests.integration.people import message_xml

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.assembly import House
    from cases.storage.tables import CaseRow
    from tests.chaos.crash import Point
    from tests.chaos.wechat import Api

OPENID = "oCrash0000000000000000001"
REPORT = message_xml(OPENID, "text", Content="翠湖小区3栋楼下的路灯坏了，晚上看不见")
PHOTO = message_xml(OPENID, "image", MediaId="photo-1", PicUrl="http://x")
COMMIT, RING = "cases.storage.book.Book", "bot.bell.BellRope"
WECHAT, COURIER, MEDIA = "bot.wechat.WeChat", "bot.delivery.Courier", "bot.media.MediaStore"
MESSAGE: tuple[Point, ...] = (
    (COMMIT, "finish", "before"),
    (COMMIT, "bells", "before"),
    (RING, "ring", "before"),
    (RING, "ring", "after"),
)
REPLY: tuple[Point, ...] = (
    (COURIER, "_claim_message", "before"),
    (COMMIT, "finish", "before"),
    (WECHAT, "send_text", "before"),
    (WECHAT, "send_text", "after"),
    (COURIER, "_works", "before"),
    (COURIER, "_sent", "after"),
)
# Between WeChat's taking and our mark nobody can know; all others are said once.
UNKNOWABLE = frozenset({("send_text", "after"), ("_works", "before")})
FILE: tuple[Point, ...] = (
    (COURIER, "_claim_file", "after"),
    (WECHAT, "media", "after"),
    (MEDIA, "_write", "before"),
    (MEDIA, "_write", "after"),
    (MEDIA, "keep", "after"),
    (COURIER, "_kept", "after"),
)
ERASURE: tuple[Point, ...] = (
    (COMMIT, "forget_resident", "after"),
    (MEDIA, "remove", "before"),
    (MEDIA, "remove", "after"),
)


def name(point: Point) -> str:
    """Return a point in words."""
    return f"{point[2]}-{point[1].strip('_')}"


@pytest.fixture(scope="module")
def crasher(figures: list[tuple[str, str, str]]) -> Iterator[Crasher]:
    """Give what has acts done by processes that die."""
    with Crasher() as made:
        yield made
    how = "a process of its own killed at each, then the next one goes on"
    figures.append(("4. Dying between two steps", how, f"{made.deaths} points reached; a failed one fails the run"))


def case_of(house: House) -> CaseRow:
    """Return the one case that there is."""
    with house.store.read() as book:
        [case] = list(book.every_case())
        return case


def heal(house: House) -> None:
    """Do what is left over, once every lease has run out."""
    for _ in range(3):
        with house.store.write() as book:
            for table in ("outbox", "attachments"):
                early = {"early": utc_now() - timedelta(seconds=1)}
                statement = f"UPDATE {table} SET next_try_at = :early WHERE state IN ('waiting', 'sending')"
                book._session.execute(text(statement), early)  # noqa: SLF001 - time that is moved
        sweeping.sweep(house)


def kept(house: House) -> set[str]:
    """Return the files in the media folder, with what is made of them and drafts."""
    return {path.name for path in (house.settings.data_dir / "media").glob("*/*") if path.is_file()}


def tidy(house: House) -> None:
    """Remove the files that no row knows, two days on."""
    house.retention.strays(utc_now() + timedelta(days=2))


@pytest.mark.parametrize("point", MESSAGE, ids=name)
def test_a_message(point: Point, crasher: Crasher, environ: dict[str, str], house: House, api: Api) -> None:
    """Taken whole or not at all; delivered again it is one message in one case, and its photo comes."""
    receive(house, REPORT)
    crasher.crash(environ, point, "receive", PHOTO)
    receive(house, PHOTO)
    heal(house)
    with house.store.read() as book:
        [resident] = book.resident(OPENID)
        assert len(book.messages_of(resident.id)) == 2
        [part] = book.attachments(case_of(house).id)
        assert all(row.state == "sent" for row in book.owed(case_of(house).id))
    assert part.state == "stored"
    assert set(api.texts().values()) == {1}


@pytest.mark.parametrize("point", REPLY, ids=name)
def test_a_reply(point: Point, crasher: Crasher, environ: dict[str, str], house: House, api: Api) -> None:
    """It arrives; twice only where the process died between WeChat's taking it and our writing that down."""
    receive(house, REPORT)
    with house.store.write() as book:
        [case] = list(book.every_case())
        assert messages.owe(book, case, Message("reply", "师傅下午到"), utc_now()) is not None
    crasher.crash(environ, point, "sweep")
    heal(house)
    with house.store.read() as book:
        [row] = book.owed(case_of(house).id)
    assert row.state == "sent"
    [times] = api.texts().values()
    assert times == (2 if point[1:] in UNKNOWABLE else 1)


@pytest.mark.parametrize("point", FILE, ids=name)
def test_a_file(point: Point, crasher: Crasher, environ: dict[str, str], house: House) -> None:
    """It is fetched, readable, and nothing half or double stays in the folder."""
    receive(house, REPORT)
    receive(house, PHOTO)
    crasher.crash(environ, point, "sweep")
    heal(house)
    with house.store.read() as book:
        [part] = book.attachments(case_of(house).id)
    assert part.state == "stored"
    assert house.media.read(part.file)
    tidy(house)
    assert kept(house) == {part.file, part.file.replace(".jpg", ".thumb.jpg")}


@pytest.mark.parametrize("point", ERASURE, ids=name)
def test_an_erasure(point: Point, crasher: Crasher, environ: dict[str, str], house: House) -> None:
    """Who wanted to be forgotten is, and so are their photos."""
    receive(house, REPORT)
    receive(house, PHOTO)
    heal(house)
    assert len(kept(house)) == 2
    with house.store.write() as book:
        [resident] = book.resident(OPENID)
        resident.erase_at = utc_now() - timedelta(seconds=1)
    crasher.crash(environ, point, "sweep")
    heal(house)
    with house.store.read() as book:
        assert book.resident(OPENID) == []
    tidy(house)
    assert kept(house) == set()
