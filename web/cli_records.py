"""More management commands: the audit trail (`audit verify`, `audit export`) and keys to the API (`staff token`)."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
from flask.cli import AppGroup

from bot.assembly import utc_now
from cases import audit, tokens
from cases.storage.trail import Sought
from web.cli import one_line, write_whole

if TYPE_CHECKING:
    from flask import Flask

    from bot.assembly import House
    from cases.storage import Book
    from cases.storage.tables import StaffRow


def register(app: Flask, house: House) -> None:
    """Add the commands to `app`."""
    trail = AppGroup("audit", help="The audit trail.")
    _audit_commands(trail, house)
    app.cli.add_command(trail)
    staff = app.cli.commands["staff"]
    if isinstance(staff, click.Group):
        _token_commands(staff, house)


def _audit_commands(group: AppGroup, house: House) -> None:
    @group.command("verify")
    @one_line
    def verify() -> None:
        """Check the whole chain. Exit code 1 when a line was altered or removed."""
        with house.store.read() as book:
            broken, last = audit.verify(book), book.last_line()
        if broken is not None:
            raise LookupError(f"审计记录被动过：从第 {broken} 条起对不上。")
        end = f"最后一条是第 {last.id} 条，指纹 {last.digest[:16]}" if last is not None else "还没有记录"
        click.echo(f"审计记录完整。{end}。")

    @group.command("export")
    @click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="a file instead of stdout")
    @one_line
    def export(out: Path | None) -> None:
        """Write the whole trail as CSV; that it was taken away is noted in it."""
        with house.store.write() as book:
            content = audit.exported(book, book.trail(Sought())).encode("utf-8-sig")
            audit.note(book, None, "export", "审计记录", "命令行", utc_now())
        if out is None:
            sys.stdout.buffer.write(content)
        else:
            write_whole(out, content)


def _token_commands(group: click.Group, house: House) -> None:
    @group.command("token")
    @click.argument("login")
    @click.option("--name", required=True, help="what uses it, such as 12345")
    @one_line
    def token(login: str, name: str) -> None:
        """Make a key to the API that acts as LOGIN, and print it: it is shown this once."""
        with house.store.write() as book:
            key = tokens.issue(book, _account(book, login), name, utc_now())
        click.echo(key)

    @group.command("revoke-token")
    @click.argument("login")
    @click.option("--name", help="only the key of this name")
    @one_line
    def revoke_token(login: str, name: str | None) -> None:
        """End the keys of LOGIN, or the one that is named."""
        with house.store.write() as book:
            ended = tokens.revoke(book, _account(book, login), name, utc_now())
        if not ended:
            raise LookupError(f"账号 {login} 没有这样的令牌。")
        click.echo(f"收回了 {ended} 个令牌。")


def _account(book: Book, login: str) -> StaffRow:
    account = book.staff_by_login(login)
    if account is None:
        raise LookupError(f"没有账号 {login}。")
    return account
