"""QR codes with a scene. Source: 微信公众平台「生成带参数的二维码」."""

from __future__ import annotations

import base64
import io
import secrets
import time
from typing import TYPE_CHECKING

import segno
from flask import Response, request

from bot.sandbox.context import number, text
from bot.sandbox.errors import ApiError
from bot.sandbox.reading import json_object, part

if TYPE_CHECKING:
    import sqlite3

    from bot.sandbox.context import Context, Json

SCENE_CHARACTERS = 64
SCENE_NUMBER = 2**32 - 1
LONGEST = 30 * 24 * 3600
SHORTEST = 60
# action: whether it lasts, and whether its scene is a string
ACTIONS = {
    "QR_SCENE": (False, False),
    "QR_STR_SCENE": (False, True),
    "QR_LIMIT_SCENE": (True, False),
    "QR_LIMIT_STR_SCENE": (True, True),
}


def create(context: Context) -> Json:
    """POST /cgi-bin/qrcode/create. A permanent code for a scene that has one stays the same."""
    body = json_object()
    action = text(body, "action_name")
    if action not in ACTIONS:
        raise ApiError(40052)
    lasting, textual = ACTIONS[action]
    scene = _scene(part(part(body, "action_info"), "scene"), textual=textual)
    seconds = None if lasting else _seconds(body)
    with context.store.write() as db:
        row = _kept(db, scene) if lasting else None
        row = row or _new(db, scene, seconds)
    answer = {"ticket": row["ticket"], "url": row["url"]}
    return answer if seconds is None else {**answer, "expire_seconds": seconds}


def picture(context: Context) -> Response:
    """GET /cgi-bin/showqrcode: needs no access token."""
    with context.store.read() as db:
        row = db.execute("SELECT url FROM scenes WHERE ticket = ?", (request.args.get("ticket", ""),)).fetchone()
    if row is None:
        return Response("", 404)
    image = io.BytesIO()
    segno.make(row["url"], error="m").save(image, kind="png", scale=10, border=4)
    return Response(image.getvalue(), mimetype="image/png")


def listed(db: sqlite3.Connection) -> list[Json]:
    """Return the codes that can be scanned now, newest first."""
    rows = db.execute(
        "SELECT ticket, scene FROM scenes WHERE expires_at IS NULL OR expires_at > ?"
        " ORDER BY created_at DESC LIMIT 100",
        (time.time(),),
    )
    return [{"ticket": row["ticket"], "scene": row["scene"]} for row in rows]


def _scene(given: Json, *, textual: bool) -> str:
    scene = text(given, "scene_str")
    if not textual:
        value = number(given, "scene_id")
        scene = str(int(value)) if value is not None and 1 <= value <= SCENE_NUMBER else ""
    if not 1 <= len(scene) <= SCENE_CHARACTERS:
        raise ApiError(40053)
    return scene


def _seconds(body: Json) -> int:
    seconds = number(body, "expire_seconds")
    return SHORTEST if seconds is None else int(min(max(seconds, SHORTEST), LONGEST))


def _kept(db: sqlite3.Connection, scene: str) -> Json | None:
    row = db.execute("SELECT ticket, url FROM scenes WHERE scene = ? AND expires_at IS NULL", (scene,)).fetchone()
    return dict(row) if row else None


def _new(db: sqlite3.Connection, scene: str, seconds: int | None) -> Json:
    url = f"http://weixin.qq.com/q/{secrets.token_urlsafe(16)}"
    ticket = "gQ" + base64.b64encode(secrets.token_bytes(70)).decode()
    now = time.time()
    expires = None if seconds is None else now + seconds
    db.execute("INSERT INTO scenes VALUES (?, ?, ?, ?, ?)", (ticket, scene, url, now, expires))
    return {"ticket": ticket, "url": url}
