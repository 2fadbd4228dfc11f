"""Who is forgotten stays forgotten: in the database, among the files, for the classifier, after a restore."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, text

from bot.assembly import utc_now
from bot.sandbox.residents import ACCOUNT
from cases import labels, training
from cases.messages import tell_staff
from cases.storage.learning import LabelRow, TrainingRow
from cases.storage.tables import Base, ResidentRow
from cases.tombstones import Tombstones
from cases.vault import SealError, Vault
from tests.integration.people import Resident
from tests.integration.test_commands import run
from tests.services import DATA_KEY, VAULT
from web import create_app, house_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask import Flask

    from bot.assembly import House
    from settings import Settings
    from tests.integration.desk import Desk
    from tests.services import Postgres

LATER = "柳荫苑2号楼楼道堆满纸箱"
WORDS = "翠湖小区3栋楼下井盖坏了，我姓诸葛，电话13700007777"


@pytest.fixture
def told(resident: Resident) -> Resident:
    """Give a resident who has reported a matter."""
    resident.say(WORDS)
    return resident


def known_by(person: Resident) -> str:
    """Return what tells a resident of the account."""
    return f"{ACCOUNT}|{person.openid}"


def everything(house: House) -> str:
    """Return all rows of all tables, opened."""
    with house.store.engine.connect() as connection:
        rows = [connection.execute(select(table)).all() for table in Base.metadata.sorted_tables]
    return repr([tuple(row) for table in rows for row in table])


@pytest.fixture
def backup(request: pytest.FixtureRequest, house: House, told: Resident, tmp_path: Path) -> Iterator[str]:
    """Give the address of a copy of the database, taken now: a backup that somebody restores later."""
    assert told
    url = house.settings.database_url
    house.store.engine.dispose()
    if url.startswith("sqlite"):
        shutil.copy(tmp_path / "test.sqlite3", tmp_path / "backup.sqlite3")
        yield f"sqlite:///{tmp_path}/backup.sqlite3"
        return
    server: Postgres = request.getfixturevalue("postgres_server")
    address = server.create_database(like=url.replace("+psycopg", ""))
    yield address.replace("postgresql://", "postgresql+psycopg://", 1)
    server.drop_database(address)


def test_a_rehearsal_changes_nothing(app: Flask, house: House, told: Resident) -> None:
    """`erase-resident --dry-run` says what would go, and everything stays."""
    before = everything(house)
    result = run(app, "erase-resident", told.openid, "--dry-run")
    assert "会删除：1 个工单转为匿名，1 条消息" in result.output
    assert everything(house) == before
    assert not house.settings.erasures_file.exists()
    assert "已删除：1 个工单转为匿名，1 条消息" in run(app, "erase-resident", told.openid).output
    assert everything(house) != before


def test_words_that_others_wrote_down_go_too(house: House, told: Resident) -> None:
    """What was noted of the resident's words in notices to staff and on the phone goes with the rest."""
    case = told.case()
    with house.store.write() as book:
        row = book.lock_case(case.id)
        assert row is not None
        tell_staff(book, row, "urged", utc_now(), unit_id=row.holder_id, text="诸葛先生催了")
    house.forgetting.forget(told.openid, utc_now())
    left = everything(house)
    assert not any(word in left for word in ("诸葛", "13700007777", told.openid))


def test_the_file_tells_nothing(house: House, told: Resident) -> None:
    """The file of who was forgotten is for its owner only and names nobody; without the data key it is of no use."""
    house.forgetting.forget(told.openid, utc_now())
    path = house.settings.erasures_file
    content = path.read_text(encoding="utf-8")
    assert path.stat().st_mode & 0o077 == 0
    assert told.openid not in content
    assert house.forgetting.tombstones.read().when(known_by(told)) is not None
    assert house.forgetting.tombstones.read().when(f"{ACCOUNT}|oNobody") is None
    with pytest.raises(SealError):
        Tombstones(path, Vault("w" * 40)).read()
    assert house.forgetting.keep() == 0
    assert path.read_text(encoding="utf-8") == content


def test_an_older_backup_brings_nobody_back(app: Flask, house: House, told: Resident, backup: str) -> None:
    """Whoever was forgotten after a backup is forgotten again when it was restored; everybody else is as they were."""
    house.forgetting.forget(told.openid, utc_now())
    assert app
    restored = create_app(replace(house.settings, database_url=backup))
    there = house_of(restored)
    Resident(restored, "oResident000000000000000002").say(LATER)
    assert WORDS in everything(there)
    result = run(restored, "erasures", "apply")
    assert "又出现的有 1 个" in result.output, result.output
    left = everything(there)
    assert not any(word in left for word in (WORDS, told.openid))
    assert LATER in left
    assert "又出现的有 0 个" in run(restored, "erasures", "apply").output
    there.store.engine.dispose()


def test_who_came_back_by_themselves_stays(app: Flask, house: House, told: Resident) -> None:
    """Somebody who was forgotten and writes again is a new resident, whom an older erasure does not touch."""
    house.forgetting.forget(told.openid, utc_now())
    told.say(LATER)
    assert "又出现的有 0 个" in run(app, "erasures", "apply").output
    assert told.case().text == LATER


def test_each_account_has_its_own(app: Flask, house: House, told: Resident) -> None:
    """Who is forgotten in one account, because they were not there for long, stays in another one, also later."""
    with house.store.write() as book:
        [row] = book.resident(told.openid)
        book.add(ResidentRow(account="gh_other", openid=told.openid, last_seen_at=row.last_seen_at))
    house.forgetting.forget(told.openid, utc_now(), only=lambda _, each: each.account != "gh_other")
    for _ in range(2):
        with house.store.read() as book:
            assert [row.account for row in book.resident(told.openid)] == ["gh_other"]
        assert "又出现的有 0 个" in run(app, "erasures", "apply").output


def test_it_outlasts_a_change_of_keys(app: Flask, house: House, told: Resident, settings: Settings) -> None:
    """After keys were changed and the old one dropped, the file still tells who was forgotten, and takes more."""
    house.forgetting.forget(told.openid, utc_now())
    first = house.settings.erasures_file.read_text(encoding="utf-8")
    assert app
    changed = create_app(replace(settings, data_key="n" * 40, data_keys_previous=(DATA_KEY,)))
    assert run(changed, "rotate-keys").exit_code == 0
    later = house.settings.erasures_file.read_text(encoding="utf-8")
    assert later.startswith(first)  # only added to
    alone = Tombstones(house.settings.erasures_file, Vault("n" * 40))
    assert alone.read().when(known_by(told)) is not None
    house_of(changed).store.engine.dispose()


def test_it_is_for_databases_with_other_digests(house: House, told: Resident, tmp_path: Path) -> None:
    """Two databases make digests with keys of their own; the file tells those who were forgotten in either."""
    house.forgetting.forget(told.openid, utc_now())
    other, path = VAULT.seal("ab" * 32), tmp_path / "both.jsonl"
    shutil.copy(house.settings.erasures_file, path)
    with house.store.engine.begin() as connection:
        connection.execute(text("UPDATE meta SET value = :value WHERE key = 'index_key'"), {"value": other})
    again = create_app(house.settings)
    stones = Tombstones(path, VAULT)
    with house_of(again).store.read() as book:
        stones.keep(book)
    assert {json.loads(line)["key"] for line in path.read_text(encoding="utf-8").splitlines()} != set()
    assert stones.read().when(known_by(told)) is not None
    assert len(stones.read().by_key) == 2
    house_of(again).store.engine.dispose()


def test_the_classifier_forgets(house: House, app: Flask, told: Resident, desk: Desk) -> None:
    """The label goes; it is said which version had learnt from it, and the next training has it not."""
    case, now = told.case(), utc_now()
    with house.store.write() as book:
        row = book.lock_case(case.id)
        assert row is not None
        labels.record(book, row, desk.actor("dispatcher").staff_id, now)
        training.deal(book)
        book.add(TrainingRow(state="done", asked_at=now, ended_at=now, version="20261101-1", log=[]))
    with house.store.read() as book:
        assert [each.text for each in book.labels(part="train")] != []
    result = run(app, "erase-resident", told.openid)
    assert "20261101-1 训练时用过这些话" in result.output
    with house.store.read() as book:
        assert book.count_of(LabelRow) == 0
    assert "诸葛" not in everything(house)
