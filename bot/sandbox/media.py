"""Temporary media: what the bot uploads and what residents send. Kept for three days, as WeChat does.

Source: 微信公众平台「新增临时素材」「获取临时素材」.
"""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING

from flask import Response, request

from bot.sandbox.errors import ApiError

if TYPE_CHECKING:
    import sqlite3

    from bot.sandbox.context import Context, Json

LIFETIME = 3 * 24 * 3600
KEPT_FOR_THE_PAGE = 30 * 24 * 3600
MEGABYTE = 1024 * 1024
# kind: (largest size in bytes, error when larger, content types)
KINDS = {
    "image": (10 * MEGABYTE, 40009, ("image/jpeg", "image/png", "image/gif")),
    "voice": (2 * MEGABYTE, 40010, ("audio/amr", "audio/mpeg")),
    "video": (10 * MEGABYTE, 40011, ("video/mp4",)),
    "thumb": (64 * 1024, 40012, ("image/jpeg",)),
}
ENDINGS = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/gif": "gif",
    "audio/amr": "amr",
    "audio/mpeg": "mp3",
    "video/mp4": "mp4",
}


def content_type(data: bytes) -> str | None:
    """Return the content type by the file's first bytes, or None for a kind that WeChat does not take."""
    starts = {
        b"\xff\xd8\xff": "image/jpeg",
        b"\x89PNG\r\n\x1a\n": "image/png",
        b"GIF8": "image/gif",
        b"#!AMR": "audio/amr",
        b"ID3": "audio/mpeg",
        b"\xff\xfb": "audio/mpeg",
        b"\xff\xf3": "audio/mpeg",
    }
    if data[4:8] == b"ftyp":
        return "video/mp4"
    return next((mime for start, mime in starts.items() if data.startswith(start)), None)


def keep(db: sqlite3.Connection, kind: str, data: bytes) -> str:
    """Store a file and return its media id. Raises 40005, 44001 or the kind's error for a large file."""
    limit, too_large, types = KINDS[kind]
    mime = content_type(data)
    if not data:
        raise ApiError(44001)
    if len(data) > limit:
        raise ApiError(too_large)
    if mime not in types:
        raise ApiError(40005)
    media_id, now = secrets.token_urlsafe(48), time.time()
    filename = f"{media_id}.{ENDINGS[mime]}"
    db.execute("DELETE FROM media WHERE created_at < ?", (now - KEPT_FOR_THE_PAGE,))
    db.execute("INSERT INTO media VALUES (?, ?, ?, ?, ?, ?)", (media_id, kind, mime, filename, data, now))
    return media_id


def find(db: sqlite3.Connection, media_id: str, kind: str | None = None) -> sqlite3.Row:
    """Return the row of a file that has not expired. Raises 40007."""
    row: sqlite3.Row | None = db.execute(
        "SELECT * FROM media WHERE id = ? AND created_at > ?", (media_id, time.time() - LIFETIME)
    ).fetchone()
    if row is None or kind not in (None, row["kind"]):
        raise ApiError(40007)
    return row


def upload(context: Context) -> Json:
    """POST /cgi-bin/media/upload."""
    kind = request.args.get("type") or request.form.get("type", "")
    if kind not in KINDS:
        raise ApiError(40004)
    if "media" not in request.files:
        raise ApiError(41005)
    data = request.files["media"].read()
    with context.store.write() as db:
        media_id = keep(db, kind, data)
    name = "thumb_media_id" if kind == "thumb" else "media_id"
    return {"type": kind, name: media_id, "created_at": int(time.time())}


def get(context: Context) -> Json | Response:
    """GET /cgi-bin/media/get: the file, or for a video the address of the file."""
    media_id = request.args.get("media_id", "")
    if not media_id:
        raise ApiError(41006)
    with context.store.read() as db:
        row = find(db, media_id)
    if row["kind"] == "video":
        return {"video_url": context.settings.own_address + page_url(media_id)}
    response = Response(row["data"], mimetype=row["mime"])
    response.headers["Content-disposition"] = f'attachment; filename="{row["filename"]}"'
    return response


def page_url(media_id: str) -> str:
    """Return where the page (and whoever has a message's PicUrl) sees the file."""
    return f"/sandbox/media/{media_id}"


def media_file(context: Context, media_id: str) -> Response:
    """Show a file to the page, also after WeChat's three days."""
    with context.store.read() as db:
        row = db.execute("SELECT data, mime FROM media WHERE id = ?", (media_id,)).fetchone()
    if row is None:
        return Response("没有这个文件", 404, mimetype="text/plain")
    response = Response(row["data"], mimetype=row["mime"])
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, max-age=86400"
    return response
