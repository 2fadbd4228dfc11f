"""The one transaction of a message: inbox row, dialogue, case, history, outbox rows, reply.

A repeated delivery gets the stored reply and changes nothing. What WeChat may deliver, and what becomes of it,
stands in `bot.inbound`. A message on which our code breaks is kept as it came and tried again (`cases.failures`).
"""

from __future__ import annotations

import logging
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from bot import phrases, settling
from bot.dialogue import hear, respond
from bot.emergency import danger_in
from bot.inbound import EVENTS, MESSAGES, NOBODY, TAPS, ignore, words_of
from bot.links import with_link
from bot.protocol import REPLY_BYTES, Inbound
from bot.turn import Turn
from cases import failures, ledger, messages
from cases.limits import BREATH, DATABASE_SECONDS, MESSAGES_A_MINUTE
from cases.messages import Message
from cases.storage.failing import FailureRow
from cases.storage.tables import InboxRow, ResidentRow

if TYPE_CHECKING:
    from datetime import datetime

    from bot.links import Links
    from bot.turn import Said
    from bot.understanding import Understanding
    from cases.city import CityCache
    from cases.storage import Store

log = logging.getLogger(__name__)

ACCOUNT_LIMIT = 64
KEY_LIMIT = 400
# How a delivery stands in the inbox that was not taken, without its words.
SHED = "shed"


class Reception:
    """Takes admitted messages and returns what to say in the passive reply (empty: nothing)."""

    def __init__(self, store: Store, cities: CityCache, understanding: Understanding, links: Links) -> None:
        self._links = links
        self._store = store
        self._cities = cities
        self._understanding = understanding

    def receive(self, message: Inbound, now: datetime) -> str:
        """Handle one delivery. Raises DatabaseError where nothing could be stored: then WeChat should come again."""
        try:
            return self._take(message, now)
        except Exception as error:
            if not failures.is_ours(error):
                raise
            return self._hold(message, error, now)

    def again(self, failure_id: int, now: datetime) -> None:
        """Try once more to take a message that was held; the reply goes out as a message of its own."""
        with self._store.read() as book:
            row = book.get(FailureRow, failure_id)
            if row is None or row.given_up_at is not None or not row.message:
                return
            message, key = Inbound(**row.message), row.key
        try:
            self._take(message, now, late=True)
        except Exception as error:
            if not failures.is_ours(error):
                raise
            self._hold(message, error, now)
        else:
            with self._store.write() as book:
                failures.settle(book, failures.MESSAGE, key)

    def _hold(self, message: Inbound, error: Exception, now: datetime) -> str:
        """Keep a message as it came, for another try, and tell the resident so."""
        log.error("a message broke our code", exc_info=error)
        key = failures.key_of(message.account, message.key)
        with self._store.write() as book:
            failures.note(book, failures.MESSAGE, key, error, now, message=asdict(message))
        return phrases.STUMBLED if message.kind != "event" else ""

    def _take(self, message: Inbound, now: datetime, *, late: bool = False) -> str:
        """Do the transaction of a message; `late`: its response is over, so the reply is owed."""
        account, key = message.account[:ACCOUNT_LIMIT], message.key[:KEY_LIMIT]
        if not late and self._pours(message, account, key, now) and not self._endangered(message):
            return self._shed(message, account, key, now)
        heard = hear(self._understanding, words_of(message))
        with self._store.write(DATABASE_SECONDS) as book:
            resident = book.lock_resident(account, message.openid)
            earlier = book.delivery(account, key)
            if earlier is not None:
                return earlier.reply
            if resident is None:
                resident = book.add(ResidentRow(account=account, openid=message.openid, last_seen_at=now))
            city = self._cities.current(book)
            turn = Turn(book, city, resident, now, quiet_since=resident.last_seen_at, links=self._links)
            reply = clamp(_reply(turn, message, heard))
            _note_sight(resident, message, now)
            if message.kind != "event":
                settling.send_again(book, resident, now, said=reply)
            if late and reply and turn.case is not None:
                messages.owe(book, turn.case, Message("late", reply), now, at=now)
            return _keep(turn, message, key, reply)

    # -- too much at once --------------------------------------------------------------------------------------

    def _pours(self, message: Inbound, account: str, key: str, now: datetime) -> bool:
        """Say whether a resident has sent so much within a minute that this message is not taken.

        Looked at before the transaction, so that it costs little: what is being taken just then comes on top.
        """
        if message.kind == "event":
            return False
        with self._store.read() as book:
            resident = book.resident_at(account, message.openid)
            if resident is None or book.heard_since(resident.id, now - BREATH, but=SHED) < MESSAGES_A_MINUTE:
                return False
            earlier = book.delivery(account, key)
            return earlier is None or earlier.kind == SHED

    def _endangered(self, message: Inbound) -> bool:
        """Say whether a message speaks of danger to life: that is heard, however many came before it."""
        words = words_of(message)
        return bool(words) and danger_in(words, self._understanding.danger(words)) is not None

    def _shed(self, message: Inbound, account: str, key: str, now: datetime) -> str:
        """Leave a message aside: once a minute the resident is told so, else nothing is said and nothing kept."""
        with self._store.write(DATABASE_SECONDS) as book:
            resident = book.lock_resident(account, message.openid)
            earlier = book.delivery(account, key)
            if earlier is not None:
                return earlier.reply
            if resident is None or book.told_since(resident.id, now - BREATH, SHED):
                return ""
            row = InboxRow(account=account, key=key, resident_id=resident.id, kind=SHED, fields={}, received_at=now)
            row.reply = phrases.BREATH
            book.add(row)
            return row.reply


def _note_sight(resident: ResidentRow, message: Inbound, now: datetime) -> None:
    """Note that the resident was here, and which of WeChat's windows that opens."""
    if message.event not in NOBODY:
        resident.last_seen_at = now
    if message.kind != "event":
        resident.wrote_at = now
    elif message.event in TAPS:
        resident.tapped_at = now


def clamp(reply: str) -> str:
    """Return a reply that WeChat takes: at most 2,048 bytes, cut at a character."""
    content = reply.encode()
    return reply if len(content) <= REPLY_BYTES else content[: REPLY_BYTES - 3].decode(errors="ignore") + "…"


def _reply(turn: Turn, message: Inbound, heard: Said) -> str:
    if message.kind == "event":
        return EVENTS.get(message.event, ignore)(turn, message)
    hear = MESSAGES.get(message.kind, MESSAGES["unsupported"])
    said = hear(turn.city, message)
    if isinstance(said, str):
        return said
    reply = respond(turn, replace(heard, text=said.text, media=said.media, place=said.place))
    return _with_notice(turn, reply)


def _with_notice(turn: Turn, reply: str) -> str:
    """Say, once and not in an emergency, what is kept of the resident and why."""
    if not reply or turn.resident.told_at is not None or turn.case is None or turn.case.urgent:
        return reply
    turn.resident.told_at = turn.now
    return f"{reply}\n\n{phrases.PRIVACY_FIRST}"


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
        ledger.record(turn.book, turn.case, "answer", ledger.BOT, turn.now, text=words, public=True)
    return reply
