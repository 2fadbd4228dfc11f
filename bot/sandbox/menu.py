"""The account's menu, checked as WeChat checks it.

Source: 微信公众平台「自定义菜单 · 创建接口」: three buttons, five below each; names of 16 and 60 bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.sandbox.context import text
from bot.sandbox.errors import ApiError
from bot.sandbox.reading import OK, json_object
from bot.sandbox.residents import DEFAULT_MENU
from bot.sandbox.store import document, keep_document

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.sandbox.context import Context, Json

BUTTONS = 3
SUB_BUTTONS = 5
NAME_BYTES = (16, 60)
KEY_BYTES = 128
URL_BYTES = 1024
KEYED = (
    "click", "scancode_push", "scancode_waitmsg", "pic_sysphoto", "pic_photo_or_album", "pic_weixin",
    "location_select",
)  # fmt: skip
# what is wrong: its error code for a button of the first row, and for one below
FAULTS = {
    "count": (40016, 40023),
    "type": (40017, 40024),
    "name": (40018, 40025),
    "key": (40019, 40026),
    "url": (40020, 40027),
}
STORED = ("type", "name", "key", "url", "appid", "pagepath", "media_id", "article_id")


def create(context: Context) -> Json:
    """POST /cgi-bin/menu/create."""
    buttons = _buttons(json_object().get("button"), level=0)
    with context.store.write() as db:
        keep_document(db, "menu", {"button": buttons})
    return OK


def get(context: Context) -> Json:
    """GET /cgi-bin/menu/get."""
    with context.store.read() as db:
        menu = document(db, "menu")
    if menu is None:
        raise ApiError(46003)
    return {"menu": menu}


def delete(context: Context) -> Json:
    """GET /cgi-bin/menu/delete."""
    with context.store.write() as db:
        db.execute("DELETE FROM documents WHERE name = 'menu'")
    return OK


def shown(context: Context) -> Json:
    """Return the menu that the phone shows: the bot's, or a default one until it makes its own."""
    with context.store.read() as db:
        return document(db, "menu") or DEFAULT_MENU


def _buttons(given: Any, level: int) -> list[Json]:  # noqa: ANN401 - whatever the bot sent
    limit = (BUTTONS, SUB_BUTTONS)[level]
    if not isinstance(given, list) or not 1 <= len(given) <= limit:
        raise ApiError(FAULTS["count"][level])
    return [_button(one, level) for one in given]


def _button(given: Any, level: int) -> Json:  # noqa: ANN401 - whatever the bot sent
    if not isinstance(given, dict):
        raise ApiError(47001)
    _fits("name", text(given, "name"), NAME_BYTES[level], level)
    button = {name: text(given, name) for name in STORED if given.get(name)}
    if given.get("sub_button") and level == 0:
        return {"name": button["name"], "sub_button": _buttons(given["sub_button"], level=1)}
    kind = button.get("type", "")
    if kind not in CHECKS:
        raise ApiError(FAULTS["type"][level])
    CHECKS[kind](button, level)
    return {**button, "sub_button": []}


def _fits(what: str, value: str, limit: int, level: int) -> None:
    if not value.strip() or len(value.encode()) > limit:
        raise ApiError(FAULTS[what][level])


def _key(button: Json, level: int) -> None:
    _fits("key", text(button, "key"), KEY_BYTES, level)


def _url(button: Json, level: int) -> None:
    _fits("url", text(button, "url"), URL_BYTES, level)
    if not text(button, "url").startswith(("http://", "https://")):
        raise ApiError(FAULTS["url"][level])


def _stored_material(_button: Json, _level: int) -> None:
    """Accept it: the sandbox has no permanent material to look it up in."""


CHECKS: dict[str, Callable[[Json, int], None]] = {
    **dict.fromkeys(KEYED, _key),
    "view": _url,
    "miniprogram": _url,
    **dict.fromkeys(("media_id", "view_limited", "article_id", "article_view_limited"), _stored_material),
}
