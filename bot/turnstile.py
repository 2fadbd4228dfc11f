"""How many come in at a time: some at work, some who wait for a moment, and nobody beyond them."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Turnstile:
    """Lets `at_once` in together; `inside`, with those who wait, each no longer than `seconds`."""

    def __init__(self, at_once: int, inside: int, seconds: float) -> None:
        self._inside, self._working = threading.Semaphore(inside), threading.Semaphore(at_once)
        self._seconds = seconds

    @contextmanager
    def through(self) -> Iterator[bool]:
        """Give whether there is a place: at once where too many wait already, else after a short wait for one."""
        if not self._inside.acquire(blocking=False):
            yield False
            return
        try:
            working = self._working.acquire(timeout=self._seconds)
            try:
                yield working
            finally:
                if working:
                    self._working.release()
        finally:
            self._inside.release()
