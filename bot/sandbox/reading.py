"""Reading what the bot posts to the stand-in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from flask import request

from bot.sandbox.errors import ApiError

if TYPE_CHECKING:
    from bot.sandbox.context import Json

OK: Json = {"errcode": 0, "errmsg": "ok"}


def json_object() -> Json:
    """Return the posted JSON object, whatever its Content-Type says. Raises 44002 or 47001."""
    raw = request.get_data()
    if not raw.strip():
        raise ApiError(44002)
    try:
        value = json.loads(raw.decode())
    except (ValueError, RecursionError) as error:
        raise ApiError(47001) from error
    if not isinstance(value, dict):
        raise ApiError(47001)
    return value


def part(source: Json, name: str) -> Json:
    """Return the object below `name`, or an empty one."""
    value = source.get(name)
    return value if isinstance(value, dict) else {}
