"""Files that come in with a form, and kept files that go out: both pages' way."""

from __future__ import annotations

import math
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from flask import abort, request, send_file

from bot.media import THUMBNAIL
from cases.ledger import NotAllowed, Photo
from cases.worktime import midnight

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Response
    from werkzeug.datastructures import FileStorage

    from bot.media import MediaStore, Stored

PHOTOS = 9
VOICE_SECONDS = 60
SLACK = 3  # a recorder stops a little late
LONGEST_NUMBER = 10
LAST_ID = 2**31 - 1  # what a database's integer holds
# A kept file is shown, never run.
POLICY = "default-src 'none'; media-src 'self'; img-src 'self'; sandbox"


@contextmanager
def kept_photos(media: MediaStore, field: str = "photos", phase: str = "") -> Iterator[tuple[Photo, ...]]:
    """Check and keep the photos in a form's field before the transaction begins; they go again if it fails.

    Raises NotAllowed for too many, BadMedia for what is no photo.
    """
    uploads = _uploads(field)
    if len(uploads) > PHOTOS:
        raise NotAllowed(f"一次最多 {PHOTOS} 张照片。")
    with _kept(media, "photo", uploads) as kept:
        yield tuple(Photo(stored.file, stored.mime, phase) for stored in kept)


@contextmanager
def kept_voice(media: MediaStore, *, reads: bool, field: str = "voice") -> Iterator[tuple[Photo, ...]]:
    """Check and keep a spoken note, if there is one, as `kept_photos`; `reads`: an engine is to find its words."""
    with _kept(media, "voice", _uploads(field)[:1]) as kept:
        if any((stored.seconds or 0) > VOICE_SECONDS + SLACK for stored in kept):
            raise NotAllowed(f"一段话最长 {VOICE_SECONDS} 秒。")
        yield tuple(Photo(each.file, each.mime, kind="voice", seconds=each.seconds, reads=reads) for each in kept)


def _uploads(field: str) -> list[FileStorage]:
    return [upload for upload in request.files.getlist(field) if upload.filename]


@contextmanager
def _kept(media: MediaStore, kind: str, uploads: list[FileStorage]) -> Iterator[list[Stored]]:
    """Keep files for as long as nothing is raised."""
    kept: list[Stored] = []
    try:
        for upload in uploads:
            kept.append(media.keep(kind, upload.read()))  # noqa: PERF401 - what was kept goes again
        yield kept
    except BaseException:
        for stored in kept:
            media.remove(stored.file)
        raise


def words_of(name: str = "text") -> str:
    """Return a form's field of free words, as a database takes it."""
    return request.form.get(name, "").replace("\r\n", "\n").replace("\0", "").strip()


def send_kept(media: MediaStore, name: str, mime: str) -> Response:
    """Send a kept file, seekable; of a photo or video the thumbnail if the address asks for it."""
    if "thumb" in request.args and not mime.startswith("audio/"):
        name, mime = Path(name).stem + THUMBNAIL, "image/jpeg"
    path = media.path(name)
    if not path.exists():
        abort(404)
    response = send_file(path, mimetype=mime, conditional=True, max_age=0)
    response.headers["Content-Security-Policy"] = POLICY
    return response


def whole(text: str) -> int:
    """Return the whole number that was sent, or 0."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < LONGEST_NUMBER else 0


def day_of(text: str, later: int = 0) -> datetime | None:
    """Return the beginning of the day that was sent, or of one so many days later, in China; None for what is none."""
    try:
        return midnight(date.fromisoformat(text) + timedelta(days=later))
    except (ValueError, OverflowError):
        return None


def decimal(text: str) -> float:
    """Return the finite number that was sent, or 0."""
    try:
        found = float(text)
    except ValueError:
        return 0.0
    return found if math.isfinite(found) else 0.0
