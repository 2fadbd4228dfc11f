"""What the worker does for one row: deliver a message, or fetch a file. Claim, work outside, mark.

Each claim is a lease: whoever dies with it is followed by the sweeper. No transaction is open over a network call.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bot.choices import tappable
from bot.links import with_link
from bot.media import BadMedia, Stored
from bot.wechat import Fate, WeChatError
from cases.storage.tables import AttachmentRow, CaseRow, HistoryRow, OutboxRow, ResidentRow
from cases.workflow import Action

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.links import Links
    from bot.media import MediaStore
    from bot.wechat import WeChat
    from cases.storage import Book, Store

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=90)
BACK_OFF = (5, 15, 60, 300, 900, 3600)
# WeChat takes messages for 48 hours after the resident's last; it keeps files for three days.
PATIENCE = {"outbox": timedelta(hours=48), "media": timedelta(hours=72)}
ERROR_CHARACTERS = 200
# What happened to a case so that its resident is asked what they think of it.
ASKING = frozenset({Action.REPORT_RESULT, Action.VERIFY_PASS})
UNEXPECTED = "程序出错，原因在日志里"


@dataclass(frozen=True)
class _Claim:
    openid: str
    text: str
    photo: str


class Courier:
    """Brings messages out and files in."""

    def __init__(
        self,
        store: Store,
        wechat: WeChat,
        media: MediaStore,
        links: Links,
        clock: Callable[[], datetime],
        *,
        readable: frozenset[str] = frozenset(),
    ) -> None:
        self._store, self._wechat, self._media, self._links, self._clock = store, wechat, media, links, clock
        self._readable = readable

    def deliver(self, outbox_id: int) -> None:
        """Send one message of the outbox; late or repeated calls leave quietly."""
        claim = self._claim_message(outbox_id)
        if claim is None:
            return
        try:
            if claim.photo:
                self._wechat.send_photo(claim.openid, self._media.read(claim.photo))
            else:
                self._wechat.send_text(claim.openid, tappable(claim.text))
        except WeChatError as error:
            self._failed(OutboxRow, outbox_id, error.fate, error.words)
        except FileNotFoundError:
            self._failed(OutboxRow, outbox_id, Fate.UNDELIVERABLE, "照片已经不在了")
        except Exception:
            log.exception("outbox %s failed", outbox_id)
            self._failed(OutboxRow, outbox_id, Fate.RETRY, UNEXPECTED)
        else:
            self._sent(outbox_id)

    def fetch(self, attachment_id: int) -> None:
        """Fetch one file from WeChat, check it and keep it; late or repeated calls leave quietly."""
        claimed = self._claim_file(attachment_id)
        if claimed is None:
            return
        kind, media_id = claimed
        try:
            stored = self._media.keep(kind, self._wechat.media(media_id))
        except WeChatError as error:
            self._failed(AttachmentRow, attachment_id, error.fate, error.words)
        except BadMedia as error:
            self._failed(AttachmentRow, attachment_id, Fate.UNDELIVERABLE, str(error))
        except OSError as error:
            log.exception("media store failed")
            self._failed(AttachmentRow, attachment_id, Fate.RETRY, f"存不下来：{error.strerror}")
        except Exception:
            log.exception("attachment %s failed", attachment_id)
            self._failed(AttachmentRow, attachment_id, Fate.RETRY, UNEXPECTED)
        else:
            self._kept(attachment_id, stored)

    # -- claims ------------------------------------------------------------------------------------------------

    def _claim_message(self, outbox_id: int) -> _Claim | None:
        with self._store.write() as book:
            row = book.lock_row(OutboxRow, outbox_id)
            now = self._clock()
            if row is None or row.state not in {"waiting", "sending"} or row.next_try_at > now:
                return None
            earlier = book.earlier_owed(row)
            if earlier is not None:  # a resident hears things in their order
                row.next_try_at = earlier
                return None
            row.state, row.attempts, row.next_try_at = "sending", row.attempts + 1, now + LEASE
            resident = book.get(ResidentRow, row.resident_id)
            photo = book.get(AttachmentRow, row.attachment_id) if row.attachment_id else None
            openid = resident.openid if resident is not None else ""
            return _Claim(openid, self._with_page(book, row, resident), photo.file if photo is not None else "")

    def _with_page(self, book: Book, row: OutboxRow, resident: ResidentRow | None) -> str:
        """Return a message's text; one that asks for a judgement shows the way to the case's page.

        The link is made now and kept nowhere: it lives a week from its sending, and staff never see it.
        """
        cause = book.get(HistoryRow, row.history_id) if row.history_id else None
        case = book.get(CaseRow, row.case_id)
        reporter = resident is not None and case is not None and case.resident_id == resident.id
        if not row.text or resident is None or not reporter or cause is None or cause.action not in ASKING:
            return row.text
        return with_link(row.text, self._links.offer(resident, case))

    def _claim_file(self, attachment_id: int) -> tuple[str, str] | None:
        with self._store.write() as book:
            row = book.lock_row(AttachmentRow, attachment_id)
            now = self._clock()
            if row is None or row.state != "waiting" or row.next_try_at > now:
                return None
            row.attempts, row.next_try_at = row.attempts + 1, now + LEASE
            return row.kind, row.media_id

    # -- marks -------------------------------------------------------------------------------------------------

    def _sent(self, outbox_id: int) -> None:
        with self._store.write() as book:
            row = book.lock_row(OutboxRow, outbox_id)
            if row is not None:
                row.state, row.channel, row.error, row.sent_at = "sent", "customer_service", "", self._clock()
                book.wake_next(row, row.sent_at)

    def _kept(self, attachment_id: int, stored: Stored) -> None:
        with self._store.write() as book:
            row = book.lock_row(AttachmentRow, attachment_id)
            if row is None or row.state != "waiting":  # fetched twice: keep the first
                self._media.remove(stored.file)
                return
            row.state, row.file, row.mime, row.error = "stored", stored.file, stored.mime, ""
            row.seconds = stored.seconds
            if row.kind in self._readable and not row.transcript:
                row.reading, row.attempts, row.next_try_at = "waiting", 0, self._clock()

    def _failed(self, kind: type[OutboxRow | AttachmentRow], row_id: int, fate: Fate, words: str) -> None:
        """Try again later, or give up where staff can see it and why."""
        with self._store.write() as book:
            row = book.lock_row(kind, row_id)
            if row is None:
                return
            now = self._clock()
            row.error = words[:ERROR_CHARACTERS]
            queue = "outbox" if isinstance(row, OutboxRow) else "media"
            if fate is Fate.RETRY and now - row.created_at < PATIENCE[queue]:
                wait = BACK_OFF[min(row.attempts, len(BACK_OFF)) - 1]
                row.state, row.next_try_at = "waiting", now + timedelta(seconds=wait)
            else:
                row.state = "undeliverable" if queue == "outbox" else "failed"
                if isinstance(row, OutboxRow):
                    book.wake_next(row, now)
