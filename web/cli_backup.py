"""Management commands for bad days: `flask --app web backup DIR` and `flask --app web restore DIR`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from bot.assembly import utc_now
from bot.media import names_of
from cases import backup, watch
from cases.backup import Places
from cases.erasure import Forgetting
from cases.limits import span
from cases.storage import Store, build_engine, migrate
from cases.storage.backup import BackupError
from cases.storage.engine import DatabaseError
from web.cli import one_line

if TYPE_CHECKING:
    from flask import Flask

    from bot.assembly import House
    from settings import Settings

KEEP, DAILY = 12, 14


def places_of(settings: Settings) -> Places:
    """Return where everything lies."""
    return Places(settings.database_url, Path(urlsplit(settings.media_url).path), settings.data_dir)


def make_ready(house: House, database_url: str) -> set[str]:
    """Bring a database that is being restored to today: it takes its place only if all of this succeeds.

    Who was forgotten since the backup was taken is forgotten here again; returned are their files, not to be put back.
    """
    migrate(database_url, house.vault)
    engine = build_engine(database_url, house.vault)
    try:
        forgetting = Forgetting(Store(engine), lambda _file: None, house.forgetting.tombstones)
        return {name for file in forgetting.reapply(utc_now()).files for name in names_of(file)}
    finally:
        engine.dispose()


def register(app: Flask, house: House) -> None:
    """Add the commands to `app`."""

    @app.cli.command("backup")
    @click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
    @click.option("--keep", default=KEEP, show_default=True, type=click.IntRange(1), help="so many of the newest stay")
    @click.option("--daily", default=DAILY, show_default=True, type=click.IntRange(0), help="and one of so many days")
    @one_line
    def take(folder: Path, keep: int, daily: int) -> None:
        """Back up database, media, classifiers and key into FOLDER, while the service runs."""
        now = utc_now()
        made = backup.take(places_of(house.settings), folder, now, keep=keep, daily=daily)
        with house.store.write() as book:
            book.set_meta(watch.BACKUP_KEY, now.isoformat())
        click.echo(
            f"已备份到 {made.backup.folder}：{made.backup.cases} 个工单，{made.files} 个文件，"
            f"其中照片和语音新拷 {made.new_files} 个；清掉旧备份 {made.dropped} 份。"
        )

    @app.cli.command("restore")
    @click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
    @click.option("--force", is_flag=True, help="replace a database that has cases; stop web and worker first")
    @one_line
    def restore(folder: Path, *, force: bool) -> None:
        """Put back the newest backup in FOLDER, or the one that FOLDER is, after every part of it was checked."""
        house.store.engine.dispose()
        places = places_of(house.settings)
        _nobody_works(places, force=force)
        done = backup.restore(places, folder, force=force, then=partial(make_ready, house))
        age = span(backup.older(done, utc_now()))
        click.echo(f"已恢复 {done.folder.name}：{done.cases} 个工单，是{age}前的样子，之后来的不在里面。")


def _nobody_works(places: Places, *, force: bool) -> None:
    """Refuse while a worker gives signs of life: it would go on with the database that is replaced."""
    engine = build_engine(places.database_url)
    try:
        with Store(engine).read() as book:
            working = [row.process for row in book.beats() if row.late_at > utc_now()]
    except DatabaseError:  # there is no database yet, or none with these tables
        working = []
    finally:
        engine.dispose()
    if working and not force:
        raise BackupError("后台还在运行：请先停下网页和后台（一分钟后再试），或者加 --force。")
