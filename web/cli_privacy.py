"""Management commands about personal data: keys, erasure, how long things are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cases.storage.sealing import sealed_columns
from web.cli import one_line

if TYPE_CHECKING:
    from flask import Flask

    from bot.assembly import House


def register(app: Flask, house: House) -> None:
    """Add the commands to `app`."""

    @app.cli.command("rotate-keys")
    @one_line
    def rotate_keys() -> None:
        """Seal everything anew with DATA_KEY, in small parts; when it breaks off, running it again does the rest.

        Every process has to have been started with the new key before. Afterwards the old keys can be dropped.
        """
        counts = {name: _resealed(house, name) for name in sealed_columns()}
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
