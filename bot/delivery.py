"""What the worker does for one row: deliver a message, or fetch a file. Claim, work outside, mark.

Each claim is a lease: whoever dies with it is followed by the sweeper. No transaction is open over a network call.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bot import outage
from bot.errcodes import FAULT_KEY, NOT_GRANTED, OTHER_WAY, Fate, WeChatError
from bot.media import BadMedia, Stored
from bot.settling import MSGID_CHARACTERS
from bot.ways import WHEN_BACK, Way
from cases.storage.tables import AttachmentRow, OutboxRow, ResidentRow

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bot.media import MediaStore
    from bot.ways import Choice, Letter, Ways
    from bot.wechat import WeChat
    from cases.storage import Book, Store

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=90)
BACK_OFF = (5, 15, 60, 300)
# WeChat takes messages for 48 hours after the resident's last; it keeps files for three days.
PATIENCE = {"outbox": timedelta(hours=48), "media": timedelta(hours=72)}
# Behind those that wait with it: else the message that always fails would be the one that asks for all.
BEHIND = timedelta(seconds=1)
ERROR_CHARACTERS = 200
# What a receipt makes of a message.
SETTLED = frozenset({"delivered", "undeliverable"})


class Courier:
    """Brings messages out and files in."""

    def __init__(
        self,
        store: Store,
        wechat: WeChat,
        media: MediaStore,
        ways: Ways,
        clock: Callable[[], datetime],
        *,
        readable: frozenset[str] = frozenset(),
    ) -> None:
        self._store, self._wechat, self._media, self._ways, self._clock = store, wechat, media, ways, clock
        self._readable = readable

    def deliver(self, outbox_id: int) -> None:
        """Send one message of the outbox by the first way that is open; late or repeated calls leave quietly.

        Whatever else goes wrong than WeChat's refusal is a fault of ours, and raised (`cases.failures`).
        """
        closed: dict[Way, str] = {}
        while (letter := self._claim_message(outbox_id, closed)) is not None:
            try:
                msgid = self._send(letter)
            except WeChatError as error:
                if error.code in OTHER_WAY:
                    closed[letter.way] = error.words
                    self._refused(outbox_id, letter, error.code)
                    continue
                self._failed(OutboxRow, outbox_id, error.fate, error.words, general=error.general)
            except FileNotFoundError:
                self._failed(OutboxRow, outbox_id, Fate.UNDELIVERABLE, "照片已经不在了")
            else:
                self._sent(outbox_id, letter, msgid)
            return

    def _send(self, letter: Letter) -> str:
        """Send, and return WeChat's name for a notice."""
        if letter.way is Way.TEMPLATE:
            return self._wechat.send_template(letter.openid, letter.template_id, letter.data, letter.link)
        if letter.way is Way.SUBSCRIPTION:
            return self._wechat.send_subscription(letter.openid, letter.template_id, letter.data, letter.link)
        if letter.photo:
            self._wechat.send_photo(letter.openid, self._media.read(letter.photo))
        else:
            self._wechat.send_text(letter.openid, letter.text)
        return ""

    def fetch(self, attachment_id: int) -> None:
        """Fetch one file from WeChat, check it and keep it; late or repeated calls leave quietly.

        Raises as `deliver` does.
        """
        claimed = self._claim_file(attachment_id)
        if claimed is None:
            return
        kind, media_id = claimed
        try:
            stored = self._media.keep(kind, self._wechat.media(media_id))
        except WeChatError as error:
            self._failed(AttachmentRow, attachment_id, error.fate, error.words, general=error.general)
        except BadMedia as error:
            self._failed(AttachmentRow, attachment_id, Fate.UNDELIVERABLE, str(error))
        except OSError as error:
            log.exception("media store failed")
            self._failed(AttachmentRow, attachment_id, Fate.RETRY, f"存不下来：{error.strerror}")
        else:
            self._kept(attachment_id, stored)

    # -- claims ------------------------------------------------------------------------------------------------

    def _claim_message(self, outbox_id: int, closed: Mapping[Way, str]) -> Letter | None:
        with self._store.write() as book:
            row = book.lock_row(OutboxRow, outbox_id)
            now = self._clock()
            if row is None or row.state not in {"waiting", "sending"} or row.next_try_at > now:
                return None
            earlier = book.earlier_owed(row)
            if earlier is not None:  # a resident hears things in their order
                row.next_try_at = earlier
                return None
            if (until := outage.waits_until(book, now)) is not None:
                row.next_try_at = until
                return None
            resident = book.get(ResidentRow, row.resident_id)
            if resident is None:
                return None
            choice = self._ways.choose(book, row, resident, now, closed)
            if choice.way is None:
                _give_up(book, row, choice, closed.get(Way.MESSAGE, choice.why), now)
                return None
            row.state, row.channel, row.attempts = "sending", choice.way, row.attempts + 1
            row.next_try_at = now + LEASE
            return self._ways.letter(book, row, resident, choice, now)

    def _claim_file(self, attachment_id: int) -> tuple[str, str] | None:
        with self._store.write() as book:
            row = book.lock_row(AttachmentRow, attachment_id)
            now = self._clock()
            if row is None or row.state != "waiting" or row.next_try_at > now:
                return None
            if (until := outage.waits_until(book, now)) is not None:
                row.next_try_at = until
                return None
            row.attempts, row.next_try_at = row.attempts + 1, now + LEASE
            return row.kind, row.media_id

    # -- marks -------------------------------------------------------------------------------------------------

    def _sent(self, outbox_id: int, letter: Letter, msgid: str) -> None:
        with self._store.write() as book:
            row = book.lock_row(OutboxRow, outbox_id)
            self._works(book)
            if row is None:
                return
            if row.state not in SETTLED:  # else WeChat's receipt was quicker
                row.state, row.error, row.msgid = "sent", "", msgid[:MSGID_CHARACTERS]
            row.sent_at = row.sent_at or self._clock()
            row.when_back = letter.way is not Way.MESSAGE and row.notice in WHEN_BACK
            if letter.way is Way.SUBSCRIPTION:
                book.grant(row.resident_id, letter.template_id, by=-1)
            book.wake_next(row, row.sent_at)

    def _refused(self, outbox_id: int, letter: Letter, code: int) -> None:
        """Leave the message to be tried another way."""
        with self._store.write() as book:
            row = book.lock_row(OutboxRow, outbox_id)
            if row is None:
                return
            if code == NOT_GRANTED:
                book.revoke(row.resident_id, letter.template_id)
            row.state, row.next_try_at = "waiting", self._clock()

    def _works(self, book: Book) -> None:
        """Take back the alarm about the account: a call has gone through, and what waits may go too."""
        over = outage.end(book)
        if book.meta(FAULT_KEY):
            book.set_meta(FAULT_KEY, "")
            over = True
        if over:
            book.wake_failed(self._clock())

    def _kept(self, attachment_id: int, stored: Stored) -> None:
        with self._store.write() as book:
            row = book.lock_row(AttachmentRow, attachment_id)
            self._works(book)
            if row is None or row.state != "waiting":  # fetched twice: keep the first
                self._media.remove(stored.file)
                return
            row.state, row.file, row.mime, row.error = "stored", stored.file, stored.mime, ""
            row.seconds = stored.seconds
            if row.kind in self._readable and not row.transcript:
                row.reading, row.attempts, row.next_try_at = "waiting", 0, self._clock()

    def _failed(
        self, kind: type[OutboxRow | AttachmentRow], row_id: int, fate: Fate, words: str, *, general: bool = False
    ) -> None:
        """Try again later, or give up where staff can see it and why. What is the account's fault is no message's.

        `general`: any other call would have failed as well, so that one asks for all (`bot.outage`).
        """
        with self._store.write() as book:
            row = book.lock_row(kind, row_id)
            if row is None:
                return
            now = self._clock()
            row.error = words[:ERROR_CHARACTERS]
            queue = "outbox" if isinstance(row, OutboxRow) else "media"
            if fate is Fate.ALARM:
                book.set_meta(FAULT_KEY, row.error)
            in_time = now - row.created_at < PATIENCE[queue]
            if (fate is Fate.ALARM and queue == "outbox") or (fate is not Fate.UNDELIVERABLE and in_time):
                later = now + timedelta(seconds=BACK_OFF[min(row.attempts, len(BACK_OFF)) - 1])
                row.state = "waiting"
                row.next_try_at = max(later, outage.note(book, now) + BEHIND) if general else later
                return
            row.state = "undeliverable" if queue == "outbox" else "failed"
            if isinstance(row, OutboxRow):
                book.wake_next(row, now)


def _give_up(book: Book, row: OutboxRow, choice: Choice, why: str, now: datetime) -> None:
    """End a message that can go no way."""
    row.state, row.channel = "dropped" if choice.dropped else "undeliverable", ""
    row.error = why[:ERROR_CHARACTERS]
    row.when_back = choice.lapsed and row.notice in WHEN_BACK
    book.wake_next(row, now)
