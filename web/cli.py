"""Management commands: `flask --app web …`. Exit codes: 0 done, 1 failed with one clear line, 2 bad usage."""

from __future__ import annotations

import sys
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from flask.cli import AppGroup
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from bot import posters
from bot.assembly import utc_now
from bot.errcodes import WeChatError
from cases import accounts, audit, exchange, learning, setup
from cases.accounts import AccountError
from cases.city_files import SAMPLE, CityError, load_city
from cases.intake import Report
from cases.sheets import ExchangeError
from cases.storage import migrate
from cases.storage.backup import BackupError
from cases.words import ROLES
from web.console import setup_start
from web.menu import menu

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

    from bot.assembly import House
    from cases.city import City


# Residents wait for no more than this.
REINDEX_BATCH = 100


def one_line(command: Callable[..., None]) -> Callable[..., None]:
    """Turn expected failures into one line each on stderr and exit code 1."""

    @wraps(command)
    def guarded(*args: Any, **options: Any) -> None:  # noqa: ANN401 - click's own
        try:
            command(*args, **options)
        except (CityError, ExchangeError) as error:
            click.echo("\n".join(error.faults), err=True)
            sys.exit(1)
        except (AccountError, BackupError, WeChatError, LookupError) as error:
            click.echo(str(error), err=True)
            sys.exit(1)
        except OperationalError:
            click.echo("数据库连不上，或者还没有表：请检查 DATABASE_URL，再运行 flask --app web init-db。", err=True)
            sys.exit(1)
        except SQLAlchemyError as error:
            click.echo(f"数据库用不了（{type(error).__name__}）。先运行 flask --app web init-db？", err=True)
            sys.exit(1)
        except OSError as error:
            click.echo(f"{error.filename or '输出'}：{error.strerror}", err=True)
            sys.exit(1)

    return guarded


def register(app: Flask, house: House) -> None:
    """Add all commands to `app`."""
    staff = AppGroup("staff", help="Staff accounts.")
    cases = AppGroup("cases", help="Cases in and out.")
    wechat = AppGroup("wechat", help="The official account.")
    _setup_commands(app, house)
    _staff_commands(staff, house)
    _case_commands(cases, house)
    _wechat_commands(wechat, house)
    for group in (staff, cases, wechat):
        app.cli.add_command(group)


def _setup_commands(app: Flask, house: House) -> None:
    @app.cli.command("init-db")
    @one_line
    def init_db() -> None:
        """Create the schema, or bring it to the newest version."""
        migrate(house.settings.database_url, house.vault)
        click.echo("数据库已就绪。")

    @app.cli.command("load-city")
    @click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), default=SAMPLE)
    @one_line
    def load(folder: Path) -> None:
        """Load units, grids, places, categories and staff from FOLDER (the sample city by default)."""
        if folder == SAMPLE and not house.settings.sandbox:
            raise CityError(["样例城市只在沙箱里用；正式环境请给出自己城市的文件夹。"])
        counts = load_city(house.store, folder)
        click.echo("已载入：" + "，".join(f"{file} {count}" for file, count in counts.items()))

    @app.cli.command("setup-link")
    @one_line
    def setup_link() -> None:
        """Print a one-time address, valid for an hour, where the first administrator makes their account."""
        with house.store.write() as book:
            secret = setup.new_link(book)
        click.echo(f"一小时内在浏览器里打开，只能用一次：\n{setup_start.address_of(house.settings, secret)}")

    @app.cli.command("train-starter")
    @one_line
    def train_starter() -> None:
        """Train the starter classifiers where none is released yet."""
        for name, metrics in learning.train_starters(house.settings.models_dir, house.store):
            click.echo(f"{name}: " + ", ".join(f"{key} {value:.3f}" for key, value in metrics.items()))


def _staff_commands(group: AppGroup, house: House) -> None:
    @group.command("add")
    @click.argument("login")
    @click.option("--name", required=True)
    @click.option("--role", required=True, type=click.Choice(sorted(ROLES)))
    @click.option("--unit", required=True, help="the unit's code")
    @click.option("--phone", default="")
    @click.password_option(help="at least 10 characters")
    @one_line
    def add(login: str, name: str, role: str, unit: str, phone: str, password: str) -> None:
        """Make an account."""
        row = {"login": login, "name": name, "role": role, "unit": unit, "phone": phone, "password": password}
        with house.store.write() as book:
            now = utc_now()
            accounts.add_staff(book, house.cities.current(book), row, now, classified=house.settings.classified)
            audit.note(book, None, "account", login, f"新建：{ROLES[role]}，{unit}", now)
        click.echo(f"账号 {login} 已建好。")


def _case_commands(group: AppGroup, house: House) -> None:
    @group.command("export")
    @click.option("--format", "form", type=click.Choice(sorted(exchange.WRITERS)), default="jsonl")
    @click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="a file instead of stdout")
    @one_line
    def export(form: str, out: Path | None) -> None:
        """Write all cases; nothing in it tells who reported them."""
        with house.store.read() as book:
            content = exchange.write_rows(exchange.exported(book, house.cities.current(book)), form)
        with house.store.write() as book:
            audit.note(book, None, "export", "全部工单", f"命令行，{form}", utc_now())
        if out is None:
            sys.stdout.buffer.write(content)
            return
        write_whole(out, content)

    @group.command("import")
    @click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
    @one_line
    def import_(file: Path) -> None:
        """Open a case for each row of FILE (.jsonl, .csv, .xlsx: source_key, text, channel?, category?, place?).

        The whole file is checked first; importing it again is harmless.
        """

        def classify(text: str) -> Report:
            reading = house.understanding.matter(text)
            return Report(text, guesses=reading.guesses, model_version=reading.model_version, evidence=reading.evidence)

        done = exchange.import_rows(house.store, house.cities, exchange.read_rows(file), classify, utc_now())
        click.echo(f"新开 {done.opened} 个工单，{done.known} 个以前导入过。")

    @group.command("reindex")
    @click.option("--all", "every", is_flag=True, help="begin again with all cases, not only those that wait")
    @one_line
    def reindex(*, every: bool) -> None:
        """Let all cases be found by their words anew; when it breaks off, running it again does the rest."""
        with house.store.write() as book:
            total = book.put_off_all() if every or not book.terms_wait() else book.terms_due()
        done = 0
        while batch := _reindexed(house):
            done += batch
            click.echo(f"\r已整理 {done} / {total} 件", nl=False)
        begin = True
        while _tidied(house, begin=begin):
            begin = False
        click.echo("\n查找的索引已整理好。" if done else "没有要整理的工单。")


def _reindexed(house: House) -> int:
    with house.store.write() as book:
        return book.renew_due(REINDEX_BATCH)


def _tidied(house: House, *, begin: bool) -> bool:
    with house.store.write() as book:
        return book.tidy_terms(begin=begin)


def _wechat_commands(group: AppGroup, house: House) -> None:
    @group.command("sync-menu")
    @one_line
    def sync_menu() -> None:
        """Publish the official account's menu."""
        house.wechat.create_menu(menu(house.settings.public_url))
        click.echo("菜单已发布。")

    @group.command("make-qr")
    @click.argument("grid")
    @click.option(
        "--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="x.pdf (a poster) or x.png"
    )
    @one_line
    def make_qr(grid: str, out: Path) -> None:
        """Make the QR code of a grid (by its code): who scans it reports from there."""
        city = _city(house)
        unit = city.by_code.get(grid)
        if unit is None or unit.kind != "grid":
            raise CityError([f"没有网格 {grid}"])
        if out.suffix.lower() not in {".pdf", ".png"}:
            raise click.BadParameter("文件名请以 .pdf 或 .png 结尾", param_hint="--out")
        poster = posters.poster_of(city, house.wechat, unit)
        write_whole(out, posters.pdf([poster]) if out.suffix.lower() == ".pdf" else posters.png(poster.address))
        click.echo(f"{unit.name}的二维码：{out}")

    @group.command("make-posters")
    @click.option("--below", help="the code of a unit: only its grids")
    @click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="a PDF file")
    @one_line
    def make_posters(below: str | None, out: Path) -> None:
        """Make one PDF with a poster for each grid."""
        city = _city(house)
        top = city.by_code.get(below) if below else None
        if below and top is None:
            raise CityError([f"没有单位 {below}"])
        every = [unit for unit in city.units.values() if unit.kind == "grid" and unit.active]
        grids = every if top is None else city.grids_below(top)
        if not grids:
            raise CityError(["这里没有网格"])
        write_whole(out, posters.pdf([posters.poster_of(city, house.wechat, grid) for grid in grids]))
        click.echo(f"{len(grids)} 张海报：{out}")


def _city(house: House) -> City:
    with house.store.read() as book:
        return house.cities.current(book)


def write_whole(out: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    draft = out.with_name(f".{out.name}.draft")
    draft.write_bytes(content)
    draft.replace(out)
