"""What WeChat may deliver, and what becomes of it: one table for messages, one for events.

Source: 微信公众平台「接收普通消息」「接收事件推送」「自定义菜单事件」「模板消息」「订阅通知」「客服会话」「授权变更」.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot import phrases, settling
from bot.dialogue import begin, respond
from bot.receipts import guide_titles
from bot.turn import Said
from cases.geo import gcj_to_wgs
from cases.intake import MediaPart

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.protocol import Inbound
    from bot.turn import Turn
    from cases.city import City

TEXT_LIMIT = 4000


def words_of(message: Inbound) -> str:
    """Return what a message says: typed, or heard by WeChat."""
    return (message.text("Content") or message.text("Recognition"))[:TEXT_LIMIT]


# -- messages: what each brings; a text instead is the whole reply -----------------------------------------------


def _text(city: City, message: Inbound) -> Said | str:
    words = words_of(message)
    return Said(words, place=city.locate_text(words)) if words else phrases.NO_WORDS


def _file(kind: str) -> Callable[[City, Inbound], Said | str]:
    def hear(city: City, message: Inbound) -> Said | str:
        media_id, words = message.text("MediaId"), words_of(message)
        if not media_id and not words:
            return phrases.NO_WORDS
        media = MediaPart(kind, media_id, transcript=words) if media_id else None
        return Said(words, media, city.locate_text(words) if words else None)

    return hear


def _location(city: City, message: Inbound) -> Said | str:
    """WeChat gives GCJ-02, latitude as X; we keep WGS-84."""
    try:
        lat, lon = float(message.text("Location_X")), float(message.text("Location_Y"))
    except ValueError:
        return phrases.NO_WORDS
    if not (-90 <= lat <= 90 and -180 <= lon <= 180):  # noqa: PLR2004 - the globe
        return phrases.NO_WORDS
    return Said(place=city.locate_point(*gcj_to_wgs(lon, lat), message.text("Label")))


def _answer(phrase: Callable[[], str]) -> Callable[[City, Inbound], Said | str]:
    """Say a text of the catalogue as it is at that moment."""
    return lambda _city, _message: phrase()


MESSAGES: dict[str, Callable[[City, Inbound], Said | str]] = {
    "text": _text,
    "image": _file("photo"),
    "voice": _file("voice"),
    "video": _file("video"),
    "shortvideo": _file("video"),
    "location": _location,
    # What the bot cannot open: it says so, and asks for words.
    "link": _answer(lambda: phrases.LINK),
    "file": _answer(lambda: phrases.FILE),
    "miniprogrampage": _answer(lambda: phrases.LINK),
    "music": _answer(lambda: phrases.CANNOT_TAKE),
    "unsupported": _answer(lambda: phrases.CANNOT_TAKE),  # stickers, and kinds that are still to come
}


# -- events: each returns the reply, empty for silence -----------------------------------------------------------


def ignore(_turn: Turn, _message: Inbound) -> str:
    """Kept with the deliveries, and nothing follows."""
    return ""


def _subscribe(turn: Turn, message: Inbound) -> str:
    turn.resident.following, turn.resident.told_at = True, turn.now
    welcome = "\n".join([phrases.WELCOME.format(city=_district(turn.city)), phrases.PRIVACY_FIRST])
    scanned = _scan(turn, message)
    return f"{welcome}\n{scanned}" if scanned else welcome


def _scan(turn: Turn, message: Inbound) -> str:
    """Take a grid's QR code: its scene is the grid's code, or one that the grid had before."""
    scene = message.text("EventKey").removeprefix("qrscene_")
    unit = turn.city.by_code.get(scene)
    if unit is None or unit.kind != "grid":
        return phrases.SCENE_UNKNOWN if scene else ""
    turn.resident.scene_grid_id, turn.resident.scene_at = unit.id, turn.now
    return phrases.SCANNED.format(grid=unit.name)


def _unsubscribe(turn: Turn, _message: Inbound) -> str:
    """With the following end the windows and the grants."""
    turn.resident.following, turn.resident.wrote_at, turn.resident.tapped_at = False, None, None
    turn.book.revoke(turn.resident.id)
    return ""


def _click(turn: Turn, message: Inbound) -> str:
    key = message.text("EventKey").upper()
    if key == "PROGRESS":
        return respond(turn, Said("进度"))
    if key == "REPORT":
        return begin(turn)
    if key == "GUIDE":
        return guide_titles(turn.city.guide)
    return phrases.HOW_TO if key == "HELP" else phrases.GREETING


def _gone(turn: Turn, _message: Inbound) -> str:
    """Forget a resident who closed their WeChat account, or took back what they allowed."""
    turn.resident.following, turn.resident.erase_at = False, turn.now
    return ""


def _district(city: City) -> str:
    return next(
        (unit.name.removesuffix("网格化服务中心") for unit in city.units.values() if unit.kind == "district"), ""
    )


EVENTS: dict[str, Callable[[Turn, Inbound], str]] = {
    # Following and scanning.
    "subscribe": _subscribe,  # with a scene: through a grid's QR code
    "scan": lambda turn, message: _scan(turn, message) or phrases.GREETING,
    "unsubscribe": _unsubscribe,
    # The menu. A photo, a code or a place that it asks for follows as a message of its own.
    "click": _click,
    "view": ignore,
    "view_miniprogram": ignore,
    "scancode_push": ignore,
    "scancode_waitmsg": lambda _turn, _message: phrases.CODE_SCANNED,
    "pic_sysphoto": ignore,
    "pic_photo_or_album": ignore,
    "pic_weixin": ignore,
    "location_select": ignore,
    # Where the phone is, sent now and then without anybody saying anything: not used, and not kept.
    "location": ignore,
    # The fate of what we sent.
    "templatesendjobfinish": settling.template_sent,
    "masssendjobfinish": ignore,
    "subscribe_msg_sent_event": settling.subscription_sent,
    # What notices the resident agrees to.
    "subscribe_msg_popup_event": settling.granted,
    "subscribe_msg_change_event": settling.granted,
    # The resident's own account.
    "user_info_modified": ignore,
    "user_authorization_revoke": _gone,
    "user_authorization_cancellation": _gone,
    # Customer-service sessions of other programs on the same account.
    "kf_create_session": ignore,
    "kf_close_session": ignore,
    "kf_switch_session": ignore,
    # The account's own papers.
    "qualification_verify_success": ignore,
    "qualification_verify_fail": ignore,
    "naming_verify_success": ignore,
    "naming_verify_fail": ignore,
    "annual_renew": ignore,
    "verify_expired": ignore,
}
"""An event that stands in no line is kept with the deliveries, and nothing follows: `ignore`."""
# After these WeChat takes three messages of ours for a minute.
TAPS = frozenset({"subscribe", "scan", "click", "scancode_push", "scancode_waitmsg"})
# Sent without the resident doing anything: they do not show that somebody is awake.
NOBODY = frozenset(
    {"unsubscribe", "location", "templatesendjobfinish", "masssendjobfinish", "subscribe_msg_sent_event"}
    | {name for name in EVENTS if name.endswith(("_success", "_fail"))}
    | {"annual_renew", "verify_expired", "user_info_modified"}
)
