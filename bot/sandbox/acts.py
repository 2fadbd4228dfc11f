"""What a resident can do in the chat: each act's WeChat message, its bubble, and the window that it opens."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bot.sandbox import amr, media, messaging
from bot.sandbox.context import number, text
from bot.sandbox.errors import ApiError
from bot.sandbox.residents import ACCOUNT_NAME, TEMPLATES
from bot.sandbox.windows import set_following

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from bot.sandbox.context import Json
    from bot.sandbox.wire import Fields
    from settings import Settings

TEXT_CHARACTERS = 5000
VOICE_SECONDS = 60
KEY_CHARACTERS = 128
PICTURE_EVENTS = ("pic_sysphoto", "pic_photo_or_album", "pic_weixin")
SCAN_EVENTS = ("scancode_push", "scancode_waitmsg")


class Unsendable(Exception):  # noqa: N818 - says what the act is
    """The phone would not send this; the text is Chinese, for the page."""


@dataclass(frozen=True)
class Act:
    """One act: MsgType and elements, the bubble, and the window ("message", "event" or "")."""

    kind: str
    fields: Fields
    bubble: tuple[str, Json]
    window: str = ""
    side: str = field(default="mine")


@dataclass(frozen=True)
class Doing:
    """Who acts, and the page's wish."""

    settings: Settings
    db: sqlite3.Connection
    resident: sqlite3.Row
    wish: Json


def perform(doing: Doing) -> Act:
    """Return the act that the wish names. Raises Unsendable."""
    kind = text(doing.wish, "kind")
    if kind not in ACTS:
        raise Unsendable("不认识的操作")
    if not doing.resident["following"] and kind not in ("subscribe", "scan"):
        raise Unsendable("还没有关注公众号，请先关注")
    return ACTS[kind](doing)


def _event(name: str, note: str, *fields: tuple[str, object], window: str = "") -> Act:
    return Act("event", [("Event", name), *fields], ("note", {"text": note}), window, "note")  # type: ignore[list-item]


def _text(doing: Doing) -> Act:
    words = text(doing.wish, "text").strip()
    if not words:
        raise Unsendable("不能发送空白消息")
    if len(words) > TEXT_CHARACTERS:
        raise Unsendable(f"消息太长，最多 {TEXT_CHARACTERS} 个字")
    fields: Fields = [("Content", words)]
    if choice := text(doing.wish, "choice"):
        fields.append(("bizmsgmenuid", choice))
    return Act("text", fields, ("text", {"text": words}), "message")


def _image(doing: Doing) -> Act:
    data = _decoded(text(doing.wish, "data"))
    try:
        media_id = media.keep(doing.db, "image", data)
    except ApiError as error:
        raise Unsendable("照片要是 10 MB 以内的 JPG、PNG 或 GIF 文件") from error
    url = media.page_url(media_id)
    fields: Fields = [("PicUrl", doing.settings.own_address + url), ("MediaId", media_id)]
    return Act("image", fields, ("image", {"url": url}), "message")


def _voice(doing: Doing) -> Act:
    seconds = int(number(doing.wish, "seconds") or 0)
    if not 1 <= seconds <= VOICE_SECONDS:
        raise Unsendable(f"语音要在 1 到 {VOICE_SECONDS} 秒之间")
    words = text(doing.wish, "text").strip()[:TEXT_CHARACTERS]
    media_id = media.keep(doing.db, "voice", amr.silence(seconds))
    heard = words if doing.wish.get("recognised") is True else ""
    fields: Fields = [("MediaId", media_id), ("Format", "amr"), ("Recognition", heard)]
    bubble = {"url": media.page_url(media_id), "seconds": seconds, "text": words, "recognised": bool(heard)}
    return Act("voice", fields, ("voice", bubble), "message")


def _point(doing: Doing) -> tuple[float, float, str]:
    latitude, longitude = number(doing.wish, "latitude"), number(doing.wish, "longitude")
    if latitude is None or longitude is None or not (abs(latitude) <= 90 and abs(longitude) <= 180):  # noqa: PLR2004
        raise Unsendable("纬度应在 -90 到 90 之间，经度在 -180 到 180 之间")
    return latitude, longitude, text(doing.wish, "label").strip()[:200]


def _location(doing: Doing) -> Act:
    latitude, longitude, label = _point(doing)
    fields: Fields = [
        ("Location_X", f"{latitude:.6f}"),
        ("Location_Y", f"{longitude:.6f}"),
        ("Scale", 15),
        ("Label", label),
    ]
    bubble = {"label": label, "latitude": round(latitude, 6), "longitude": round(longitude, 6)}
    return Act("location", fields, ("location", bubble), "message")


def _subscribe(doing: Doing) -> Act:
    if doing.resident["following"]:
        raise Unsendable("已经关注了")
    set_following(doing.db, doing.resident["openid"], following=True)
    return _event("subscribe", f"你关注了{ACCOUNT_NAME}", ("EventKey", ""), window="event")


def _unsubscribe(doing: Doing) -> Act:
    set_following(doing.db, doing.resident["openid"], following=False)
    return _event("unsubscribe", f"你取消关注了{ACCOUNT_NAME}", ("EventKey", ""))


def _scan(doing: Doing) -> Act:
    scene, ticket = text(doing.wish, "scene").strip()[:64], text(doing.wish, "ticket")
    if not scene:
        raise Unsendable("请选择或输入一个二维码场景")
    if doing.resident["following"]:
        return _event("SCAN", f"扫了二维码「{scene}」", ("EventKey", scene), ("Ticket", ticket), window="event")
    set_following(doing.db, doing.resident["openid"], following=True, scene=scene)
    note = f"扫二维码「{scene}」并关注了{ACCOUNT_NAME}"
    key = ("EventKey", f"qrscene_{scene}")
    return _event("subscribe", note, key, ("Ticket", ticket), window="event")


def _menu_key(doing: Doing) -> tuple[str, str]:
    key = text(doing.wish, "key")[:1024]
    return key, text(doing.wish, "name")[:60] or key


def _click(doing: Doing) -> Act:
    key, name = _menu_key(doing)
    return _event("CLICK", f"点了菜单「{name}」", ("EventKey", key), window="event")


def _view(doing: Doing) -> Act:
    key, name = _menu_key(doing)
    return _event("VIEW", f"打开了菜单「{name}」", ("EventKey", key), ("MenuId", "420000001"))


def _menu_picture(doing: Doing) -> Act:
    key, name = _menu_key(doing)
    event = text(doing.wish, "event")
    if event not in PICTURE_EVENTS:
        raise Unsendable("不认识的菜单")
    count = int(min(max(number(doing.wish, "count") or 1, 1), 9))
    sums = [hashlib.md5(f"{key}{index}".encode(), usedforsecurity=False).hexdigest() for index in range(count)]
    pictures: Fields = [("item", [("PicMd5Sum", one)]) for one in sums]
    info: Fields = [("Count", count), ("PicList", pictures)]
    return _event(event, f"点了菜单「{name}」，选了 {count} 张照片", ("EventKey", key), ("SendPicsInfo", info))


def _menu_location(doing: Doing) -> Act:
    key, name = _menu_key(doing)
    latitude, longitude, label = _point(doing)
    info: Fields = [
        ("Location_X", f"{latitude:.6f}"),
        ("Location_Y", f"{longitude:.6f}"),
        ("Scale", "15"),
        ("Label", label),
        ("Poiname", label),
    ]
    note = f"点了菜单「{name}」，选了位置"
    return _event("location_select", note, ("EventKey", key), ("SendLocationInfo", info))


def _menu_scan(doing: Doing) -> Act:
    key, name = _menu_key(doing)
    event, scene = text(doing.wish, "event"), text(doing.wish, "scene").strip()[:1024]
    if event not in SCAN_EVENTS or not scene:
        raise Unsendable("请选择或输入一个二维码场景")
    info: Fields = [("ScanType", "qrcode"), ("ScanResult", scene)]
    note = f"点了菜单「{name}」，扫到「{scene}」"
    return _event(event, note, ("EventKey", key), ("ScanCodeInfo", info), window="event")


def _grant(doing: Doing) -> Act:
    template_id = text(doing.wish, "template_id")
    try:
        messaging.grant(doing.db, doing.resident["openid"], template_id)
    except ApiError as error:
        raise Unsendable("没有这种通知") from error
    choice: Fields = [("TemplateId", template_id), ("SubscribeStatusString", "accept"), ("PopupScene", "2")]
    return _event(
        "subscribe_msg_popup_event",
        f"同意接收一次「{TEMPLATES[template_id]}」",
        ("SubscribeMsgPopupEvent", [("List", choice)]),
    )


def _decoded(data: str) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Unsendable("照片没有传完整，请再试一次") from error


ACTS: dict[str, Callable[[Doing], Act]] = {
    "text": _text,
    "image": _image,
    "voice": _voice,
    "location": _location,
    "subscribe": _subscribe,
    "unsubscribe": _unsubscribe,
    "scan": _scan,
    "click": _click,
    "view": _view,
    "menu_picture": _menu_picture,
    "menu_location": _menu_location,
    "menu_scan": _menu_scan,
    "grant": _grant,
}
