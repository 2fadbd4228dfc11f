"""Uploaded files that wait between their preview and the confirmation: one's own name for them, and a day to live."""

from __future__ import annotations

import secrets
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from flask import abort

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from werkzeug.datastructures import FileStorage

    from bot.assembly import House

# They hold people's words, phones and passwords: they go once they are imported, or after a day.
KEPT_SECONDS = 24 * 3600
UNKNOWN = ".bad"


def folder(house: House) -> Path:
    """Return where they are, without those whose day is over."""
    found = house.settings.data_dir / "imports"
    found.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in found.iterdir():
        with suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > KEPT_SECONDS:
                path.unlink()
    return found


def keep(house: House, upload: FileStorage, suffixes: Collection[str]) -> tuple[str, Path]:
    """Keep an upload and return its token and place; an ending that is none of `suffixes` becomes one nobody reads."""
    suffix = "." + (upload.filename or "").rpartition(".")[2].lower()
    token = secrets.token_hex(16)
    path = folder(house) / f"{token}{suffix if suffix in suffixes else UNKNOWN}"
    upload.save(path)
    path.chmod(0o600)
    return token, path


def kept(house: House, token: str) -> Path:
    """Return where the file with this token is; 404 when it is gone."""
    found = next(iter(folder(house).glob(f"{token}.*")), None) if token.isalnum() else None
    return found or abort(404)
