"""More management commands: the audit trail (`audit verify`, `audit export`) and keys to the API (`staff token`)."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
from flask.cli import AppGroup

from bot.assembly import utc_now
from cases import audit
from cases.storage.trail import Sought
from web.cli import one_line, write_whole

if TYPE_CHECKING:
    from flask import Flask

    from bot.assembly import House


def register(app: Flask, house: House) -> None:
    """Add the commands to `app`."""
    trail = AppGroup("audit", help="The audit trail.")
    _audit_commands(trail, house)
    app.cli.add_command(trail)


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
