"""Switches for tests and teaching: faults, the clock, tokens, OAuth codes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from flask import Response, jsonify

from bot.sandbox import credentials, faults
from bot.sandbox.context import number, page_json, text
from bot.sandbox.errors import ApiError
from bot.sandbox.windows import age, resident

if TYPE_CHECKING:
    from bot.sandbox.context import Context, Json, Route


def set_faults(context: Context) -> Response:
    """POST /sandbox/faults {"path", "errcode" or "http" and/or "delay" in seconds, "times"} or {"clear": true}."""
    wrong = faults.order(context.store, page_json() or {})
    return _refuse(wrong) if wrong else jsonify(ok=True)


def set_clock(context: Context) -> Response:
    """POST /sandbox/clock: {"openid", "last_interaction_hours_ago"} or {"media_id", "uploaded_hours_ago"}."""
    wish = page_json() or {}
    try:
        _set_clock(context, wish)
    except ApiError:
        return _refuse("没有这位居民")
    except ValueError:
        return _refuse("需要 openid 和 last_interaction_hours_ago，或 media_id 和 uploaded_hours_ago")
    return jsonify(ok=True)


def _set_clock(context: Context, wish: Json) -> None:
    hours, media_hours = number(wish, "last_interaction_hours_ago"), number(wish, "uploaded_hours_ago")
    with context.store.write() as db:
        if hours is not None:
            age(db, text(wish, "openid"), hours)
        elif media_hours is not None:
            then = time.time() - media_hours * 3600
            db.execute("UPDATE media SET created_at = ? WHERE id = ?", (then, text(wish, "media_id")))
        else:
            raise ValueError


def expire_tokens(context: Context) -> Response:
    """POST /sandbox/tokens/expire: every access token is too old from now on."""
    credentials.expire_tokens(context)
    return jsonify(ok=True)


def make_code(context: Context) -> Response:
    """POST /sandbox/oauth/codes {"openid", "scope"}: a code as a resident's phone would bring it."""
    wish = page_json() or {}
    try:
        with context.store.write() as db:
            row = resident(db, text(wish, "openid"))
            code = credentials.new_code(db, row["openid"], text(wish, "scope") or "snsapi_base")
    except ApiError:
        return _refuse("没有这位居民")
    return jsonify(code=code)


def _refuse(reason: str) -> Response:
    response = jsonify(error=reason)
    response.status_code = 400
    return response


ROUTES: list[Route] = [
    ("/sandbox/faults", "POST", set_faults),
    ("/sandbox/clock", "POST", set_clock),
    ("/sandbox/tokens/expire", "POST", expire_tokens),
    ("/sandbox/oauth/codes", "POST", make_code),
]
