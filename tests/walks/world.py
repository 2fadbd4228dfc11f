"""A city at work for a walk: the real case book in SQLite, its people, its residents, and time that is moved."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cases import alarms, callbacks, cards, handling, intake, limits
from cases.accounts import actor_of
from cases.city import CityCache
from cases.city_files import load_city
from cases.handling import Inputs, NoSuchCase
from cases.ledger import NotAllowed
from cases.storage import Store, build_engine, migrate
from cases.storage.tables import CaseRow, ResidentRow
from cases.storage.working import CallbackRow, DutyRow
from cases.workflow import ENDED, Action
from tests.services import VAULT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cases.access import Actor
    from cases.callbacks import Heard
    from cases.city import City
    from cases.storage import Book

# A Tuesday morning in China, in office hours; time goes on from there.
START = datetime(2026, 3, 10, 1, tzinfo=UTC)
LOGINS = (
    "cuihu01", "cuihu01b", "cuihu02", "linjiang01", "cuihusq", "liuyinsq", "cuihujd", "beiguanjd", "district", "city",
    "urban", "urban2", "water", "emergency", "dispatcher", "leader",
)  # fmt: skip
# Of her department she sees these kinds only.
LIMITED, GROUP = "urban2", "市政设施"
OPENIDS = ("oWalker1", "oWalker2", "oWalker3")
OPEN_CASES, ALL_CASES = 3, 12
TABLES = ("cases", "history", "tasks", "callbacks", "notices", "outbox", "followers", "attachments", "residents")


@dataclass
class Tally:
    """What the walks did."""

    steps: int = 0
    walks: int = 0
    cases: int = 0
    allowed: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    changes: set[tuple[str, str, str]] = field(default_factory=set)


TALLY = Tally()


def make_city(path: Path) -> None:
    """Make the database that each walk begins with: the sample city, three residents, people on duty."""
    migrate(f"sqlite:///{path}", VAULT)
    engine = build_engine(f"sqlite:///{path}", VAULT)
    store = Store(engine)
    load_city(store)
    with store.write() as book:
        for openid in OPENIDS:
            book.add(ResidentRow(account="walk", openid=openid, last_seen_at=START))
        limited = book.staff_by_login(LIMITED)
        assert limited is not None
        limited.groups = [GROUP]
        dispatch = CityCache().current(book).dispatch.id
        for position, login in enumerate(("dispatcher", "cuihujd"), 1):
            person = book.staff_by_login(login)
            assert person is not None
            turn = {"starts_at": START - timedelta(days=1), "ends_at": START + timedelta(days=999)}
            book.add(DutyRow(unit_id=dispatch, staff_id=person.id, position=position, **turn))
    engine.dispose()


class World:
    """One walk's city. Everything that is done goes through the product's own use cases."""

    cities = CityCache()  # all walks have the same city

    def __init__(self, city: Path, path: Path) -> None:
        shutil.copy(city, path)
        self.engine = build_engine(f"sqlite:///{path}", VAULT)
        self.store = Store(self.engine)
        self.now = START
        self.cards: Counter[tuple[object, ...]] = Counter()
        self.numbers: list[int] = []  # the ids of all cases
        self.open: list[int] = []  # of those that are not ended
        self.calls: list[int] = []  # and of the calls to be made
        self.looked_at = True  # whether everything was checked since something happened
        with self.store.read() as book:
            self.actors = {login: self._actor(book, login) for login in LOGINS}
            self.residents = {openid: book.resident(openid)[0].id for openid in OPENIDS}

    def _actor(self, book: Book, login: str) -> Actor:
        account = book.staff_by_login(login)
        assert account is not None
        actor = actor_of(book, self.city(book), account.id)
        assert actor is not None
        return actor

    def close(self) -> None:
        """End the walk."""
        self.engine.dispose()

    def city(self, book: Book) -> City:
        """Return the city."""
        return self.cities.current(book)

    @property
    def wants_more(self) -> bool:
        """Say whether there is room for another case: few are open, so that much happens to each."""
        return len(self.open) < OPEN_CASES and len(self.numbers) < ALL_CASES

    def happened(self) -> None:
        """Look anew at what there is."""
        self.looked_at = False
        with self.store.read() as book:
            states = {case.id: case.state for case in book.every_case()}
            self.numbers = list(states)
            self.open = [number for number, state in states.items() if state not in ENDED]
            self.calls = [row.id for row in book.callbacks(100)]

    def snapshot(self) -> list[list[tuple[object, ...]]]:
        """Return every row that a step may change."""
        with self.engine.connect() as connection:
            return [
                [tuple(row) for row in connection.exec_driver_sql(f"SELECT * FROM {table} ORDER BY id")]
                for table in TABLES
            ]

    def attempt(self, name: str, do: Callable[[Book, City], object]) -> Exception | None:
        """Do something in one transaction; return the refusal, None when it was done.

        What is refused leaves no trace. Any other exception is a fault.
        """
        before = self.snapshot()
        try:
            with self.store.write() as book:
                do(book, self.city(book))
        except (NotAllowed, NoSuchCase) as reason:
            refusal: Exception = reason
        else:
            TALLY.allowed[name] += 1
            self.happened()
            return None
        TALLY.refused[name] += 1
        assert self.snapshot() == before, f"{name} was refused and left a trace"
        assert isinstance(refusal, NoSuchCase) or str(refusal).strip(), f"{name} was refused without a word"
        return refusal

    def act(self, login: str, case_id: int, action: Action, inputs: Inputs) -> Exception | None:
        """Let a member of staff try an action."""
        actor = self.actors[login]
        return self.attempt(
            str(action), lambda book, city: handling.act(book, city, actor, case_id, action, inputs, self.now)
        )

    def told(self, case_id: int, do: Callable[[Book, City, CaseRow], object], name: str) -> Exception | None:
        """Let a resident do something to their case in the chat."""

        def doing(book: Book, city: City) -> None:
            case = book.lock_case(case_id)
            assert case is not None
            do(book, city, case)

        return self.attempt(name, doing)

    def call(self, login: str, call_id: int, heard: Heard, *, reopen: bool) -> Exception | None:
        """Let somebody call a resident back, as the page of calls does it."""
        actor = self.actors[login]

        def doing(book: Book, city: City) -> None:
            row = book.lock_row(CallbackRow, call_id)
            assert row is not None
            case, _ = handling.access_case(book, city, actor, row.case_id)
            callbacks.check(row, heard)
            if reopen:
                words = Inputs(text=heard.text or "居民说还没解决")
                handling.act(book, city, actor, case.id, Action.REOPEN, words, self.now)
            callbacks.done(book, row, case, actor, heard, self.now)

        return self.attempt("call", doing)

    def later(self, hours: float) -> None:
        """Let time pass, and the sweeper do what is due."""
        self.now += timedelta(hours=hours)
        with self.store.write() as book:
            self._sweep(book, self.city(book))
        self.happened()

    def _sweep(self, book: Book, city: City) -> None:
        for case in map(book.lock_case, book.alerts_due(self.now, 100)):
            assert case is not None
            limit = (case.id, case.state, case.holder_id, case.due_at)
            self.cards[limit] += cards.show(book, city, case, self.now)
            assert self.cards[limit] <= len(limits.ALERTS), f"{limit}: a card was shown twice"
        for case in book.alarms(uncalled_since=self.now - alarms.PATIENCE):
            alarms.escalate(book, city, case, self.now)
        for case in map(book.lock_case, book.paused_since(self.now - timedelta(days=limits.PAUSE_DAYS), 100)):
            assert case is not None
            cards.resume(book, city, case, self.now)
        for case in map(book.lock_case, book.unverified(self.now, 100)):
            assert case is not None
            intake.close_by_default(book, city, case, self.now)
