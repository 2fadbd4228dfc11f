"""What tells of people goes by itself when it has been kept long enough."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

import settings as configuration
from bot import sweeping
from bot.assembly import utc_now
from cases.retention import DAY_KEY, FIXED, KEPT, years
from cases.storage.tables import AttachmentRow, CaseRow, InboxRow, OutboxRow
from cases.storage.working import NoticeRow
from settings import SettingsError
from tests.integration.people import Resident, Visitor, link_in, picture
from tests.integration.test_commands import run

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Flask

    from bot.assembly import House

WORDS = "翠湖小区3栋楼下井盖坏了，老人差点摔倒"


@pytest.fixture
def ended(app: Flask, house: House, resident: Resident) -> CaseRow:
    """Give a case with a photo, a notice and a message, which has just ended."""
    resident.say(WORDS)
    visitor = Visitor(app, link_in(resident.say("进度")))
    visitor.act(resident.case(), "supplement", text="踩上去会响", photos=(picture(), "a.jpg"))
    now = utc_now()
    with house.store.write() as book:
        case = book.lock_case(resident.case().id)
        assert case is not None
        case.state, case.ended_at = "closed", now
        owed = {"resident_id": case.resident_id, "case_id": case.id, "state": "sent", "next_try_at": now}
        book.add(OutboxRow(text="已经修好了", created_at=now, **owed))
        book.add(NoticeRow(unit_id=case.holder_id, case_id=case.id, kind="urged", text="催了", created_at=now))
    return case


def left(house: House) -> dict[str, int]:
    """Return how much is left of what goes."""
    with house.store.engine.connect() as connection:
        queries = {
            "inbox": "SELECT count(*) FROM inbox WHERE fields <> ''",
            "outbox": "SELECT count(*) FROM outbox WHERE text = '已经修好了'",
            "media": "SELECT count(*) FROM attachments",
            "residents": "SELECT count(*) FROM residents",
            "notices": "SELECT count(*) FROM notices WHERE text = '催了'",
        }
        return {what: int(connection.scalar(text(query)) or 0) for what, query in queries.items()}


@pytest.mark.parametrize(
    ("days", "gone"),
    [
        (29, set()),
        (31, {"inbox"}),
        (91, {"inbox", "outbox"}),
        (181, {"inbox", "outbox", "notices"}),
        (731, {"inbox", "outbox", "notices", "media", "residents"}),
    ],
)
def test_everything_has_its_time(house: House, ended: CaseRow, days: int, gone: set[str]) -> None:
    """Each kind goes when its days are over, not before; the case and what was done stay."""
    before, later = left(house), utc_now() + timedelta(days=days)
    due = {what for what in KEPT if house.retention.would(later)[what]}
    assert due == gone
    house.retention.run(later)
    assert {what for what, count in left(house).items() if count < before[what]} == gone
    assert not any(house.retention.would(later)[what] for what in KEPT)
    with house.store.read() as book:
        assert book.get(CaseRow, ended.id) is not None


def test_a_rehearsal_clears_nothing(app: Flask, house: House, ended: CaseRow) -> None:
    """`retention --dry-run` says what would go for every kind, and everything stays."""
    assert ended
    before = left(house)
    with house.store.write() as book:
        for row in book.rows_of(InboxRow):
            row.received_at -= timedelta(days=40)
    result = run(app, "retention", "--dry-run")
    lines = result.output.splitlines()
    assert [line.partition(":")[0] for line in lines[:-1]] == [*KEPT, *FIXED]
    assert "inbox: 2（微信发来的原始消息，留 30 天）" in lines
    assert left(house) == before
    assert "inbox: 2（" in run(app, "retention").output
    assert left(house)["inbox"] == 0


def test_files_go_with_their_rows(house: House, ended: CaseRow) -> None:
    """A photo's file, and what was made of it, is deleted from the disk."""
    with house.store.read() as book:
        [part] = book.attachments(ended.id)
    assert house.media.path(part.file).exists()
    house.retention.run(utc_now() + timedelta(days=731))
    assert not [path for path in house.media.path(part.file).parent.parent.rglob("*") if path.is_file()]


def test_files_without_a_case(app: Flask, house: House, ended: CaseRow) -> None:
    """A file whose row is gone is deleted by the command once it is a day old; others stay."""
    with house.store.read() as book:
        [part] = book.attachments(ended.id)
    kept = house.media.keep("photo", picture().getvalue())
    old = (utc_now() - timedelta(days=2)).timestamp()
    stray = house.media.keep("photo", picture().getvalue())
    for name in (stray.file, part.file):
        os.utime(house.media.path(name), (old, old))
    assert "没有工单要的文件：删了 1 个" in run(app, "retention").output
    assert [house.media.path(name).exists() for name in (stray.file, kept.file, part.file)] == [False, True, True]


def test_who_waits_is_not_forgotten(house: House, resident: Resident) -> None:
    """A resident with a case that is still worked on stays, however long ago they were here."""
    resident.say(WORDS)
    house.retention.run(utc_now() + timedelta(days=2000))
    assert resident.case().text == WORDS


def test_who_was_just_here_is_not_forgotten(house: House, ended: CaseRow, resident: Resident) -> None:
    """Somebody who writes in the moment before they would be forgotten stays, with all their cases."""
    assert ended
    before = utc_now() - timedelta(days=730)
    house.forgetting.forget(resident.openid, utc_now(), only=lambda _, each: each.last_seen_at < before)
    assert resident.case().text.startswith(WORDS)


def test_the_sweeper_does_it_once_a_day(house: House, ended: CaseRow) -> None:
    """The sweeper clears what is due in small parts; when nothing is left it looks again the next day."""
    assert ended
    with house.store.write() as book:
        for row in book.rows_of(InboxRow):
            row.received_at -= timedelta(days=40)
    while sweeping.sweep(house):
        pass
    assert left(house)["inbox"] == 0
    with house.store.read() as book:
        assert book.meta(DAY_KEY)
    with house.store.write() as book:
        for owed in book.rows_of(OutboxRow):
            owed.text = "又一条"
        for case in book.every_case():
            case.ended_at = utc_now() - timedelta(days=100)
    sweeping.sweep(house)
    with house.store.read() as book:
        assert {row.text for row in book.rows_of(OutboxRow)} == {"又一条"}
        assert book.count_of(AttachmentRow) == 1
    assert house.retention.sweep(utc_now() + timedelta(days=1)) > 0
    with house.store.read() as book:
        assert {row.text for row in book.rows_of(OutboxRow)} == {""}


def test_the_days_are_a_setting(tmp_path: Path) -> None:
    """Days that are named count, the others keep their own; what cannot be read is a fault each."""
    found = configuration.load({"DATA_DIR": str(tmp_path), "RETENTION": "inbox=7, media=365"})
    assert (found.retention["inbox"], found.retention["media"], found.retention["notices"]) == (7, 365, 180)
    with pytest.raises(SettingsError) as error:
        configuration.load({"DATA_DIR": str(tmp_path), "RETENTION": "inbox=0,nothing=3,media=x"})
    assert len(error.value.faults) == 3


def test_residents_read_the_days(app: Flask, resident: Resident) -> None:
    """The page about privacy names the days that hold, in words that people use."""
    resident.say(WORDS)
    page = Visitor(app, link_in(resident.say("进度"))).open("/privacy").text
    assert "30 天后从收件里清掉" in page
    assert "办完 2 年后删" in page
    assert (years(730), years(90)) == ("2 年", "90 天")
