"""Files that no row knows: a process died between file and row, or between row and file. They are removed."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.media import MediaStore
    from cases.storage import Store

# A file is written before its row: within this time the row may still come.
YOUNG = timedelta(hours=1)
EVERY = timedelta(days=1)
KEY = "orphans_at"
BATCH = 500


def due(last: str | None, now: datetime) -> bool:
    """Say whether it is time to look: once a day."""
    return not last or now - datetime.fromisoformat(last) >= EVERY


def remove(store: Store, media: MediaStore, now: datetime) -> int:
    """Remove the files that no row knows, and return how many."""
    with store.write() as book:
        if not due(book.meta(KEY), now):  # another sweeper was quicker
            return 0
        book.set_meta(KEY, now.isoformat())
    removed = 0
    files = media.files()
    while found := list(islice(files, BATCH)):
        old = {name for name, written in found if now - written > YOUNG}
        with store.read() as book:
            orphans = old - book.kept_files(old)
        for name in orphans:
            media.remove(name)
        removed += len(orphans)
    return removed
