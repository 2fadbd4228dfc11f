"""The one transaction of a message: inbox row, dialogue, case, history, outbox rows, reply.

A repeated delivery gets the stored reply and changes nothing. What WeChat may deliver, and what becomes of it,
stands in `MESSAGES` and `EVENTS`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot import phrases
from bot.dialogue import begin, respond
from bot.links import with_link
from bot.protocol import REPLY_BYTES
from bot.turn import Said, Turn
from bot.understanding import Reading
from cases import lifecycle
from cases.geo import gcj_to_wgs
from cases.intake import MediaPart
from cases.storage.tables import InboxRow, ResidentRow

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from bot.links import Links
    from bot.protocol import Inbound
    from bot.understanding import Understanding
    from cases.city import City, CityCache
    from cases.storage import Store

TEXT_LIMIT = 4000
ACCOUNT_LIMIT = 64
KEY_LIMIT = 400


class Reception:
    """Takes admitted messages and returns what to say in the passive reply (empty: nothing)."""

    def __init__(self, store: Store, cities: CityCache, understanding: Understanding, links: Links) -> None:
        self._links = links
        self._store = store
        self._cities = cities
        self._understanding = understanding

    def receive(self, message: Inbound, now: datetime) -> str:
        """Handle one delivery. Anything raised means that nothing was stored and WeChat should come again."""
        reading, intent = self._read(message)
        account, key = message.account[:ACCOUNT_LIMIT], message.key[:KEY_LIMIT]
        with self._store.write() as book:
            resident = book.lock_resident(account, message.openid)
            earlier = book.delivery(account, key)
            if earlier is not None:
                return earlier.reply
            if resident is None:
                resident = book.add(ResidentRow(account=account, openid=message.openid, last_seen_at=now))
            city = self._cities.current(book)
            turn = Turn(book, city, resident, now, quiet_since=resident.last_seen_at, links=self._links)
            reply = clamp(_reply(turn, message, reading, intent))
            if message.event != "unsubscribe":
                resident.last_seen_at = now
            return _keep(turn, message, key, reply)

    def _read(self, message: Inbound) -> tuple[Reading, tuple[str, float] | None]:
        """Ask the models before the transaction begins: it stays short."""
        text = _words(message)
        if not text:
            return Reading(), None
        return self._understanding.matter(text), self._understanding.intent(text)


def clamp(reply: str) -> str:
    """Return a reply that WeChat takes: at most 2,048 bytes, cut at a character."""
    content = reply.encode()
    return reply if len(content) <= REPLY_BYTES else content[: REPLY_BYTES - 3].decode(errors="ignore") + "…"


def _reply(turn: Turn, message: Inbound, reading: Reading, intent: tuple[str, float] | None) -> str:
    if message.kind == "event":
        return EVENTS.get(message.event, _ignore)(turn, message)
    hear = MESSAGES.get(message.kind)
    if hear is None:
        return phrases.CANNOT_TAKE
    said = hear(turn.city, message)
    if said is None:
        return phrases.NO_WORDS
    return respond(turn, Said(said.text, said.media, said.place, reading, intent))


def _keep(turn: Turn, message: Inbound, key: str, words: str) -> str:
    """Store the delivery with its reply, which is returned, and the words with the case that they are about."""
    reply = with_link(words, turn.link)
    case_id = turn.case.id if turn.case is not None else None
    row = InboxRow(
        account=turn.resident.account,
        key=key,
        resident_id=turn.resident.id,
        kind=(message.event or message.kind)[:40],
        fields=dict(message.fields),
        received_at=turn.now,
        case_id=case_id,
        reply=reply,
    )
    turn.book.add(row)
    if turn.case is not None and words:
        lifecycle.record(turn.book, turn.case, "answer", lifecycle.BOT, turn.now, text=words, public=True)
    return reply


# -- messages: what each brings; None is a message without content -----------------------------------------------


def _words(message: Inbound) -> str:
    return (message.text("Content") or message.text("Recognition"))[:TEXT_LIMIT]


def _text(city: City, message: Inbound) -> Said | None:
    words = _words(message)
    return Said(words, place=city.locate_text(words)) if words else None


def _file(kind: str) -> Callable[[City, Inbound], Said | None]:
    def hear(city: City, message: Inbound) -> Said | None:
        media_id, words = message.text("MediaId"), _words(message)
        if not media_id and not words:
            return None
        media = MediaPart(kind, media_id, transcript=words) if media_id else None
        return Said(words, media, city.locate_text(words) if words else None)

    return hear


def _location(city: City, message: Inbound) -> Said | None:
    """WeChat gives GCJ-02, latitude as X; we keep WGS-84."""
    try:
        lat, lon = float(message.text("Location_X")), float(message.text("Location_Y"))
    except ValueError:
        return None
    if not (-90 <= lat <= 90 and -180 <= lon <= 180):  # noqa: PLR2004 - the globe
        return None
    return Said(place=city.locate_point(*gcj_to_wgs(lon, lat), message.text("Label")))


MESSAGES: dict[str, Callable[[City, Inbound], Said | None]] = {
    "text": _text,
    "image": _file("photo"),
    "voice": _file("voice"),
    "video": _file("video"),
    "shortvideo": _file("video"),
    "location": _location,
}


# -- events -------------------------------------------------------------------------------------------------------


def _ignore(_turn: Turn, _message: Inbound) -> str:
    """Platform business, or an act whose message follows by itself (pic_*, location_select): no word, no case."""
    return ""


def _subscribe(turn: Turn, message: Inbound) -> str:
    turn.resident.following = True
    welcome = phrases.WELCOME.format(city=_district(turn.city))
    scanned = _scan(turn, message)
    return f"{welcome}\n{scanned}" if scanned else welcome


def _scan(turn: Turn, message: Inbound) -> str:
    """Take a grid's QR code: its scene is the grid's code. Unknown scenes say nothing."""
    unit = turn.city.by_code.get(message.text("EventKey").removeprefix("qrscene_"))
    if unit is None or unit.kind != "grid":
        return ""
    turn.resident.scene_grid_id, turn.resident.scene_at = unit.id, turn.now
    return phrases.SCANNED.format(grid=unit.name)


def _unsubscribe(turn: Turn, _message: Inbound) -> str:
    turn.resident.following = False
    return ""


def _click(turn: Turn, message: Inbound) -> str:
    key = message.text("EventKey").upper()
    if key == "PROGRESS":
        return respond(turn, Said("进度"))
    if key == "REPORT":
        return begin(turn)
    return phrases.HOW_TO if key == "HELP" else phrases.GREETING


def _district(city: City) -> str:
    return next(
        (unit.name.removesuffix("网格化服务中心") for unit in city.units.values() if unit.kind == "district"), ""
    )


EVENTS: dict[str, Callable[[Turn, Inbound], str]] = {
    "subscribe": _subscribe,
    "scan": lambda turn, message: _scan(turn, message) or phrases.GREETING,
    "unsubscribe": _unsubscribe,
    "click": _click,
}
