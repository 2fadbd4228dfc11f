"""Management commands about personal data: keys, who is forgotten, how long things are kept."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import click
from flask.cli import AppGroup

from bot.assembly import utc_now
from cases import learning
from cases.retention import FIXED, KEPT, years
from cases.storage.sealing import sealed_columns
from classifier.package import current_version
from web.cli import one_line

if TYPE_CHECKING:
    from flask import Flask

    from bot.assembly import House
    from cases.erasure import Erased

# A file is written before its row: one that is younger may still get it.
STRAY = timedelta(days=1)


def register(app: Flask, house: House) -> None:
    """Add the commands to `app`."""
    _key_commands(app, house)
    _erasing_commands(app, house)
    _retention_command(app, house)
    erasures = AppGroup("erasures", help="Who was forgotten, and stays so.")
    _erasures_commands(erasures, house)
    app.cli.add_command(erasures)


def _key_commands(app: Flask, house: House) -> None:
    @app.cli.command("rotate-keys")
    @one_line
    def rotate_keys() -> None:
        """Seal everything anew with DATA_KEY, in small parts; when it breaks off, running it again does the rest.

        Every process has to have been started with the new key before. Afterwards the old keys can be dropped.
        """
        counts = {name: _resealed(house, name) for name in sealed_columns()}
        house.forgetting.keep()
        for name, count in counts.items():
            click.echo(f"{name}: {count}")
        click.echo(f"换了 {sum(counts.values())} 处。现在都是用 DATA_KEY 封存的，DATA_KEYS_PREVIOUS 可以清空。")


def _resealed(house: House, column: str) -> int:
    """Seal a column anew until nothing in it is left; return how much was done."""
    done, after = 0, None
    while True:
        with house.store.write() as book:
            count, after = book.reseal(column, after)
        done += count
        if after is None:
            return done


def _erasing_commands(app: Flask, house: House) -> None:
    @app.cli.command("erase-resident")
    @click.argument("openid")
    @click.option("--dry-run", is_flag=True, help="say what would go, and let everything stay")
    @one_line
    def erase(openid: str, *, dry_run: bool) -> None:
        """Delete a resident's personal data; the cases stay, anonymous."""
        forgetting = house.forgetting
        erased = (forgetting.rehearse if dry_run else forgetting.forget)(openid, utc_now())
        click.echo(_told(erased, "会删除" if dry_run else "已删除"))
        if erased.versions:
            click.echo(_learnt(house, erased.versions))


def _retention_command(app: Flask, house: House) -> None:
    @app.cli.command("retention")
    @click.option("--dry-run", is_flag=True, help="say what would go, table by table, and let everything stay")
    @one_line
    def retention(*, dry_run: bool) -> None:
        """Clear what has been kept long enough; the sweeper does the same every day."""
        keeping, now = house.retention, utc_now()
        counts = keeping.would(now) if dry_run else keeping.run(now)
        for what, words in {**KEPT, **FIXED}.items():
            days = f"，留 {years(keeping.days[what])}" if what in keeping.days else ""
            click.echo(f"{what}: {counts[what]}（{words}{days}）")
        if dry_run:
            click.echo("只是看看，什么都没删。")
        else:
            click.echo(f"没有工单要的文件：删了 {keeping.strays(now)} 个。")


def _told(erased: Erased, done: str) -> str:
    files = f"{len(erased.files)} 个文件{'' if done == '会删除' else '删掉'}"
    return f"{done}：{erased.cases} 个工单转为匿名，{erased.messages} 条消息，{files}。"


def _learnt(house: House, versions: list[str]) -> str:
    """Say which versions of the classifier had these words, without numbers, among what they learnt from."""
    used = current_version(house.settings.models_dir / learning.MATTERS)
    names = "、".join(f"{version}（正在用）" if version == used else version for version in versions)
    return f"分类器 {names} 训练时用过这些话（号码已遮住）。下次训练就没有了：请训练一个新版本，上线替换。"


def _erasures_commands(group: AppGroup, house: House) -> None:
    @group.command("apply")
    @one_line
    def apply() -> None:
        """Forget again whom a restored backup has brought back. Run it before the service starts."""
        erased = house.forgetting.reapply(utc_now())
        count = house.forgetting.tombstones.read().count
        click.echo(f"{house.settings.erasures_file.name} 里有 {count} 人次，备份里又出现的有 {erased.residents} 个。")
        click.echo(_told(erased, "已删除"))
