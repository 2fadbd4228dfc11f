"""The unit of work: one use case, one transaction; what it owes the outside is rung only after the commit."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy.exc import TimeoutError as WaitedTooLong
from sqlalchemy.orm import Session

from cases.spans import span
from cases.storage.book import Bell, Book
from cases.storage.engine import hurry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Engine


class Store:
    """Opens transactions. `ring` is told, after a commit, which rows wait for the worker; it must not raise."""

    def __init__(self, engine: Engine, ring: Callable[[list[Bell]], None] = lambda _bells: None) -> None:
        self.engine = engine
        self._reading = engine.execution_options(reading=True)
        self._ring = ring
        # SQLite has one writer at a time: its threads queue here, rather than sleep and try again in the driver.
        self._turn = threading.Lock() if engine.dialect.name == "sqlite" else None

    @contextmanager
    def write(self, patience: float | None = None) -> Iterator[Book]:
        """Open a transaction that writes: committed at the end, rolled back on any exception.

        With `patience`, whoever has to wait longer than so many seconds for others gets a DatabaseError.
        """
        engine = self.engine if patience is None else self.engine.execution_options(patience=patience)
        with span("write"), self._in_turn(patience), Session(engine, expire_on_commit=False) as session:
            with session.begin():
                if patience is not None:
                    hurry(session, patience)
                book = Book(session)
                book.watch()
                yield book
                book.renew_touched()
                book.finish()
            bells = book.bells()
        if bells:
            self._ring(bells)

    @contextmanager
    def _in_turn(self, patience: float | None) -> Iterator[None]:
        if self._turn is None:
            yield
            return
        if not self._turn.acquire(timeout=-1 if patience is None else patience):
            raise WaitedTooLong("other writers take too long")
        try:
            yield
        finally:
            self._turn.release()

    @contextmanager
    def read(self) -> Iterator[Book]:
        """Open a transaction that only reads; nothing of it is kept."""
        with span("read"), Session(self._reading, expire_on_commit=False) as session:
            yield Book(session)
