"""Backups while residents write, and putting one back: whole, or not at all."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import pytest

from bot.assembly import build, utc_now
from cases import backup, watch
from cases.storage import Store, build_engine
from cases.storage.backup import BackupError, facts
from cases.storage.engine import DatabaseError
from tests.drill import drill, files_of, make_files
from tests.integration.phone import MANHOLE
from tests.services import VAULT
from web import create_app, house_of
from web.cli_backup import make_ready, places_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask import Flask

    from bot.assembly import House
    from settings import Settings
    from tests.integration.people import Resident
    from tests.services import Postgres

NOW = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)


@pytest.fixture
def elsewhere(request: pytest.FixtureRequest, settings: Settings, tmp_path: Path) -> Iterator[Settings]:
    """Give the settings of another place: an empty database of the same kind, an empty data folder."""
    folder = tmp_path / "elsewhere"
    place = replace(settings, data_dir=folder, media_url=f"file://{folder}/media")
    if settings.database_url.startswith("sqlite"):
        yield replace(place, database_url=f"sqlite:///{folder}/other.sqlite3")
        return
    server: Postgres = request.getfixturevalue("postgres_server")
    address = server.create_database()
    yield replace(place, database_url=address.replace("postgresql://", "postgresql+psycopg://", 1))
    server.drop_database(address)


@pytest.fixture
def into(tmp_path: Path) -> Path:
    """Give a folder for backups."""
    return tmp_path / "backups"


def take(settings: Settings, into: Path, minutes: int = 0, keep: int = 5) -> backup.Made:
    """Take a backup some minutes later."""
    return backup.take(places_of(settings), into, NOW + timedelta(minutes=minutes), keep=keep, daily=0)


def put_back(settings: Settings, path: Path, *, force: bool = False) -> backup.Backup:
    """Put a backup back."""
    return backup.restore(places_of(settings), path, force=force, then=partial(make_ready, build(settings)))


def cases_in(settings: Settings) -> int:
    """Return how many cases a database has."""
    return facts(settings.database_url)[1]


@pytest.mark.usefixtures("app")
def test_the_drill(settings: Settings, elsewhere: Settings, into: Path) -> None:
    """What is backed up while residents write and put back elsewhere is the same by row and file, and works."""
    make_files(settings, 5, 1000)
    took = drill(settings, elsewhere, into)
    assert took.rows["cases"] >= 5
    assert len(took.during) + len(took.calm) >= 5
    assert elsewhere.models_dir.is_dir()
    assert (elsewhere.data_dir / "secret.key").read_bytes() == (settings.data_dir / "secret.key").read_bytes()


@pytest.mark.usefixtures("app")
def test_files_are_copied_once_and_go_with_the_last_backup(settings: Settings, into: Path) -> None:
    """A media file is copied for the first backup only, and leaves the folder when no backup lists it any more."""
    make_files(settings, 3, 1000)
    assert take(settings, into).new_files == 3
    make_files(settings, 1, 1000)
    assert take(settings, into, 5).new_files == 1
    gone = next(path for path in (settings.data_dir / "media").rglob("*.jpg"))
    gone.unlink()
    take(settings, into, 10)
    assert (into / "media" / gone.parent.name / gone.name).exists()
    made = take(settings, into, 15, keep=2)
    assert made.dropped == 2
    assert not (into / "media" / gone.parent.name / gone.name).exists()
    assert len(list((into / "media").rglob("*.jpg"))) == 3
    backup.check(made.backup)


def test_which_backups_stay() -> None:
    """The newest stay, and of each of the last days the last one; one stays in any case."""
    names = [f"202611{day:02d}T{hour:02d}0000Z" for day in (22, 23, 24) for hour in (1, 12, 23)]
    assert backup.kept(names, 2, 0) == {"20261124T230000Z", "20261124T120000Z"}
    assert backup.kept(names, 1, 2) == {"20261124T230000Z", "20261123T230000Z"}
    assert backup.kept(names[:1], 0, 0) == set(names[:1])


def test_a_database_with_cases_is_not_overwritten(settings: Settings, resident: Resident, into: Path) -> None:
    """Where there are cases nothing is put back without --force; with it, what came after the backup is gone."""
    resident.say(MANHOLE)
    take(settings, into)
    resident.say("翠湖小区5栋路灯坏了，和井盖没关系，新的一件")
    before = cases_in(settings)
    make_files(settings, 2, 10)
    with pytest.raises(BackupError, match="force"):
        put_back(settings, into)
    assert cases_in(settings) == before
    house_of(resident.app).store.engine.dispose()
    put_back(settings, into, force=True)
    assert cases_in(settings) == 1
    assert files_of(settings) == {}


def test_a_damaged_backup_is_refused(
    settings: Settings, elsewhere: Settings, resident: Resident, into: Path, tmp_path: Path
) -> None:
    """A part that was changed or is missing, or a changed list, is found before anything is touched."""
    resident.say(MANHOLE)
    make_files(settings, 1, 1000)
    made = take(settings, into).backup
    dump = next(made.folder.glob("database.*"))
    photo = next((into / "media").rglob("*.jpg"))
    for path, words in ((dump, "被改过"), (photo, "被改过"), (made.folder / "files.sha256", "清单对不上")):
        shutil.copy(path, tmp_path / "whole")
        with path.open("r+b") as file:
            file.seek(500 if path != made.folder / "files.sha256" else 3)
            file.write(b"\x00\xff?")
        with pytest.raises(BackupError, match=words):
            put_back(elsewhere, into)
        shutil.copy(tmp_path / "whole", path)
    photo.unlink()
    with pytest.raises(BackupError, match="少了 media/"):
        put_back(elsewhere, into)
    assert not elsewhere.models_dir.exists()
    assert _cases_or_none(elsewhere) in (None, 0)


def _cases_or_none(settings: Settings) -> int | None:
    try:
        return cases_in(settings)
    except DatabaseError:
        return None


def test_putting_back_is_all_or_nothing(
    settings: Settings, resident: Resident, into: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the last step fails, database, classifiers and files are as they were, and nothing lies beside them."""
    resident.say(MANHOLE)
    take(settings, into)
    resident.say("翠湖小区5栋路灯坏了，和井盖没关系，新的一件")
    before = cases_in(settings)
    (settings.models_dir / "mine").write_text("mine")
    house_of(resident.app).store.engine.dispose()

    def fail(_: object) -> None:
        raise OSError("the disk is gone")

    monkeypatch.setattr("cases.storage.backup.Staged.swap", fail)
    with pytest.raises(OSError, match="the disk is gone"):
        put_back(settings, into, force=True)
    assert cases_in(settings) == before
    assert (settings.models_dir / "mine").read_text() == "mine"
    assert not [
        path.name for path in settings.data_dir.iterdir() if "restoring" in path.name or "replaced" in path.name
    ]
    monkeypatch.undo()
    put_back(settings, into, force=True)
    assert not (settings.models_dir / "mine").exists()


@pytest.mark.usefixtures("app")
def test_a_backup_that_breaks_off_is_none(settings: Settings, into: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What breaks off leaves no backup behind, the older one stays the newest, and the next one clears up."""
    first = take(settings, into).backup
    monkeypatch.setattr("cases.backup._write", _full)
    with pytest.raises(OSError, match="full"):
        take(settings, into, 5)
    monkeypatch.undo()
    found = backup.newest(into)
    assert found is not None
    assert found.folder == first.folder
    (into / ".draft-left").mkdir()
    take(settings, into, 10)
    assert not list(into.glob(".draft*"))


def _full(*_: object) -> None:
    raise OSError("the disk is full")


@contextmanager
def as_environment(monkeypatch: pytest.MonkeyPatch, path: str) -> Iterator[None]:
    """Let programs be looked for in this path only."""
    with monkeypatch.context() as patch:
        patch.setenv("PATH", path)
        yield


def test_without_the_tools_it_says_so(settings: Settings, into: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where PostgreSQL's tools are missing, one line says which package brings them."""
    with as_environment(monkeypatch, os.devnull):
        if settings.database_url.startswith("sqlite"):
            with pytest.raises(BackupError, match="没有数据库文件"):
                take(replace(settings, database_url="sqlite:////nowhere/x.sqlite3"), into)
        else:
            with pytest.raises(BackupError, match="postgresql-client"):
                take(settings, into)


def test_the_commands(app: Flask, house: House, elsewhere: Settings, resident: Resident, into: Path) -> None:
    """`backup` says what it did and notes when; `restore` puts it back where nothing is, and refuses elsewhere."""
    resident.say(MANHOLE)
    said = app.test_cli_runner().invoke(args=["backup", str(into), "--keep", "3"])
    assert said.exit_code == 0, said.output
    assert "1 个工单" in said.output
    with house.store.read() as book:
        assert book.meta(watch.BACKUP_KEY)
    other = create_app(elsewhere)
    said = other.test_cli_runner().invoke(args=["restore", str(into)])
    assert said.exit_code == 0, said.output
    assert cases_in(elsewhere) == 1
    said = other.test_cli_runner().invoke(args=["restore", str(into)])
    assert said.exit_code == 1
    assert "--force" in said.output
    with house_of(other).store.write() as book:
        book.beat("outbox@here", utc_now(), utc_now() + timedelta(minutes=1))
    said = other.test_cli_runner().invoke(args=["restore", str(into)])
    assert "后台还在运行" in said.output
    house_of(other).store.engine.dispose()


@pytest.mark.usefixtures("app")
def test_signs_of_life_are_not_put_back(settings: Settings, elsewhere: Settings, into: Path) -> None:
    """A restored database knows of no process of the machine that it was taken on."""
    with Store(build_engine(settings.database_url, VAULT)).write() as book:
        book.beat("outbox@there", NOW, NOW)
    take(settings, into)
    put_back(elsewhere, into)
    with Store(build_engine(elsewhere.database_url, VAULT)).read() as book:
        assert list(book.beats()) == []


def test_a_database_that_is_no_more_is_made_anew(
    request: pytest.FixtureRequest, settings: Settings, elsewhere: Settings, resident: Resident, into: Path
) -> None:
    """After the whole database is lost, it is made again from the backup."""
    resident.say(MANHOLE)
    take(settings, into)
    if not elsewhere.database_url.startswith("sqlite"):
        server: Postgres = request.getfixturevalue("postgres_server")
        server.drop_database(elsewhere.database_url.replace("+psycopg", ""))
    put_back(elsewhere, into)
    assert cases_in(elsewhere) == 1
