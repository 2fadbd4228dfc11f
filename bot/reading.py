"""Words in voices and photos, found by engines on this machine after the case has long been opened.

A voice's words are taken as if they had been typed; the resident is told what was heard and can correct it. A photo's
words help staff, and routing where nothing better is known. Claim, work outside, mark: as in `bot.delivery`.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bot import phrases
from bot.dialogue import hear, respond_to_voice
from bot.ocr import OcrError
from bot.speech import Heard, SpeechError
from bot.turn import Turn
from cases import intake, ledger, messages
from cases.intake import Report
from cases.messages import Message
from cases.routing import Located
from cases.storage.tables import AttachmentRow, CaseRow, HistoryRow, ResidentRow
from cases.workflow import OPEN

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.links import Links
    from bot.media import MediaStore
    from bot.ocr import PhotoReader
    from bot.speech import Speech
    from bot.turn import Said
    from bot.understanding import Understanding
    from cases.city import City, CityCache
    from cases.storage import Book, Store

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=5)
TRIES = 3
# So many names of places are told to the engine, the resident's own grid first.
HINTS = 16
SHOWN = 120


class Reader:
    """Finds the words in voices and photos with the engines that are switched on."""

    def __init__(
        self,
        store: Store,
        cities: CityCache,
        understanding: Understanding,
        media: MediaStore,
        links: Links,
        speech: Speech | None,
        photos: PhotoReader | None,
        clock: Callable[[], datetime],
    ) -> None:
        self._store, self._cities, self._understanding = store, cities, understanding
        self._media, self._links, self._clock = media, links, clock
        self._speech, self._photos = speech, photos

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of files in which words are looked for."""
        engines = {"voice": self._speech, "photo": self._photos}
        return frozenset(kind for kind, engine in engines.items() if engine is not None)

    def read(self, attachment_id: int) -> None:
        """Find the words of one file; late or repeated calls leave quietly."""
        claimed = self._claim(attachment_id)
        if claimed is None:
            return
        kind, file, hint = claimed
        try:
            found = self._words(kind, file, hint)
        except (SpeechError, OcrError) as error:
            log.error("no words can be found: %s", error)  # noqa: TRY400 - the words say all
            self._failed(attachment_id, for_good=True)
        except Exception:
            log.exception("attachment %s could not be read", attachment_id)
            self._failed(attachment_id, for_good=False)
        else:
            self._take(attachment_id, found)

    def _words(self, kind: str, file: str, hint: str) -> Heard:
        path = self._media.path(file)
        if kind == "voice":
            return self._speech.transcribe(path, hint) if self._speech is not None else Heard("")
        return Heard(self._photos.words(path) if self._photos is not None else "")

    def _claim(self, attachment_id: int) -> tuple[str, str, str] | None:
        with self._store.write() as book:
            row, now = book.lock_row(AttachmentRow, attachment_id), self._clock()
            if row is None or row.reading != "waiting" or row.next_try_at > now:
                return None
            row.attempts, row.next_try_at = row.attempts + 1, now + LEASE
            case = book.get(CaseRow, row.case_id)
            resident = book.get(ResidentRow, case.resident_id) if case is not None and case.resident_id else None
            grid_id = (case.grid_id if case is not None else None) or (resident.usual_grid_id if resident else None)
            names = self._cities.current(book).gazetteer.names(grid_id, HINTS)
            return row.kind, row.file, "、".join(names)

    def _failed(self, attachment_id: int, *, for_good: bool) -> None:
        with self._store.write() as book:
            row = book.lock_row(AttachmentRow, attachment_id)
            if row is not None and (for_good or row.attempts >= TRIES):
                row.reading = "failed"

    def _take(self, attachment_id: int, found_words: Heard) -> None:
        words = found_words.words
        heard = hear(self._understanding, words)
        with self._store.write() as book:
            found = book.get(AttachmentRow, attachment_id)
            # The resident first, then the file: the order of everybody who changes both.
            case = book.lock_case(found.case_id) if found is not None else None
            row = book.lock_row(AttachmentRow, attachment_id)
            if row is None or row.reading != "waiting":
                return
            row.reading = "done"
            if not words or row.transcript or case is None:
                return
            row.transcript, row.transcript_by = words, "engine"
            row.timing = [list(part) for part in found_words.timing] or None
            line = book.get(HistoryRow, row.history_id) if row.history_id is not None else None
            if case.state not in OPEN or (line is not None and line.who == "staff"):
                return  # staff's own notes tell nobody anything, and route nothing
            city, now = self._cities.current(book), self._clock()
            if row.kind == "voice":
                resident = book.get(ResidentRow, case.resident_id) if case.resident_id else None
                if resident is not None:
                    turn = Turn(book, city, resident, now, quiet_since=resident.last_seen_at, links=self._links)
                    _answer(turn, case, row, replace(heard, place=city.locate_text(words)))
            else:
                _help(book, city, case, words, now)


def _answer(turn: Turn, case: CaseRow, row: AttachmentRow, said: Said) -> None:
    """Tell the resident what was heard, and answer it."""
    book, now = turn.book, turn.now
    reply = respond_to_voice(turn, case, said)
    if turn.resident.asked is None:
        turn.ask("heard", case, other_id=row.id)
    words = said.text if len(said.text) <= SHOWN else said.text[:SHOWN] + "…"
    text = f"{reply}\n{phrases.HEARD.format(words=words)}"
    told = ledger.record(book, case, "answer", ledger.BOT, now, text=text, public=True)
    messages.owe(book, case, Message("transcript", text), now, history_id=told.id, at=now)


def _help(book: Book, city: City, case: CaseRow, words: str, now: datetime) -> None:
    """Let a photo's words place a case that has no place yet; nobody is told, because nobody said them."""
    place = city.locate_text(words)
    if place is None or place.grid_id is None or case.grid_id is not None:
        return
    found = Located(place.words, place.grid_id, "photo", place.lon, place.lat)
    intake.extend_case(book, city, case, Report(place=found, read=True), now)
