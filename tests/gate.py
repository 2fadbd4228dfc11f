"""Report or not: how much chat opens a case, and how many real matters do, for tests and bench.

Every line is what somebody never seen before sends first, answered by the dialogue itself in a transaction that is
thrown away. The lines are no part of the project: they stand beside the repository, where they are at all.
"""

from __future__ import annotations

import json
import re
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from bot.dialogue import hear, respond
from bot.links import Links
from bot.turn import Turn
from cases.city import CityCache
from cases.city_files import load_city
from cases.storage import Store, build_engine, migrate
from cases.storage.tables import ResidentRow
from tests.services import VAULT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bot.turn import Said
    from bot.understanding import Understanding

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
NEEDED = ("not_reports", "hotline", "letters")
# Chat to look at while rules and corpus are made, and chat that is only counted.
HALVES = ("seen", "counted")
OPENING = 30
# How an answer from the office guide begins.
GUIDED = re.compile(r"^【", re.MULTILINE)
NOON = datetime(2026, 9, 1, 4, tzinfo=UTC)


class _Discarded(Exception):  # noqa: N818 - not an error: the way out of a transaction
    """Nothing of this transaction is to be kept."""


@dataclass(frozen=True)
class Gate:
    """Answers first messages in the sample city."""

    models: Understanding
    store: Store
    cities: CityCache

    def hear(self, text: str) -> Said:
        """Return a text with what models and gazetteer make of it."""
        with self.store.read() as book:
            place = self.cities.current(book).locate_text(text)
        return replace(hear(self.models, text), text=text, place=place)

    def first(self, text: str) -> tuple[bool, str]:
        """Say whether a first message opens a case, and what is replied."""
        said, found = self.hear(text), (False, "")
        with suppress(_Discarded), self.store.write() as book:
            resident = book.add(ResidentRow(account="gate", openid="o", last_seen_at=NOON))
            city = self.cities.current(book)
            turn = Turn(book, city, resident, NOON, quiet_since=NOON, links=Links("gate", ""))
            reply = respond(turn, said)
            found = bool(book.cases_of(resident.id)), reply
            raise _Discarded
        return found

    def share(self, texts: Sequence[str]) -> float:
        """Return the share of some first messages that open a case."""
        return sum(self.first(text)[0] for text in texts) / len(texts)

    def lost(self, texts: Sequence[str]) -> float:
        """Return the share of some first messages that neither open a case nor are answered from the office guide."""
        heard = [self.first(text) for text in texts]
        return sum(not opens and not GUIDED.search(reply) for opens, reply in heard) / len(texts)


@contextmanager
def gate(models: Understanding) -> Iterator[Gate]:
    """Give a gate over a database of its own."""
    with TemporaryDirectory() as folder:
        address = f"sqlite:///{folder}/gate.sqlite3"
        migrate(address, VAULT)
        engine = build_engine(address, VAULT)
        store = Store(engine)
        load_city(store)
        yield Gate(models, store, CityCache())
        engine.dispose()


def missing() -> str:
    """Return why nothing can be measured, or an empty string."""
    files = [SHARED / f"{name}.train.jsonl" for name in NEEDED]
    absent = [str(file) for file in files if not file.exists()]
    return f"not beside the project: {', '.join(absent)}" if absent else ""


def chat(half: str, most: int | None = None) -> list[str]:
    """Return one half of the lines that report nothing: all, or `most` evenly from the whole."""
    texts = (row["text"].strip() for row in _rows("not_reports"))
    return _some([text for text in texts if _half(text) == half], most)


def tickets(most: int | None = None) -> list[str]:
    """Return what residents told a hotline."""
    return _some([row["text_res"].strip() for row in _rows("hotline") if (row.get("text_res") or "").strip()], most)


def letters(most: int | None = None) -> list[str]:
    """Return titles and openings of letters to a city."""
    rows = _rows("letters")
    texts = [row["title"].strip() for row in rows] + [row["body"].strip()[:OPENING] for row in rows]
    return _some([text for text in texts if text], most)


def chat_opens(found: Gate, half: str, most: int | None = None) -> float:
    """Return the share of chat that opens a case."""
    return found.share(chat(half, most))


def reports_open(found: Gate, most: int | None = None) -> float:
    """Return the share of real matters, told to a hotline or in letters, that open a case."""
    return found.share(tickets(most) + letters(most))


def _rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (SHARED / f"{name}.train.jsonl").read_text(encoding="utf-8").splitlines()]


def _half(text: str) -> str:
    return HALVES[sha256(text.encode()).digest()[-1] % 2]


def _some(texts: list[str], most: int | None) -> list[str]:
    """Return some texts, each once: all, or `most` evenly from the whole."""
    texts = list(dict.fromkeys(texts))
    if most is None or most >= len(texts):
        return texts
    return [texts[at * len(texts) // most] for at in range(most)]
