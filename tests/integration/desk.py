"""Staff at work through the case book itself, and time that passes: for tests of a case's life."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from bot.assembly import utc_now
from cases import access, alarms, cards, handling, intake
from cases.accounts import actor_of
from cases.handling import Inputs
from cases.storage.tables import CaseRow

if TYPE_CHECKING:
    from datetime import datetime

    from bot.assembly import House
    from cases.access import Actor
    from cases.storage import Book
    from cases.workflow import Action


class Desk:
    """Acts for anybody by login. `now` stands still until it is moved."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.now: datetime = utc_now()

    def later(self, **span: float) -> None:
        """Let time pass."""
        self.now += timedelta(**span)

    def actor(self, login: str) -> Actor:
        """Return the member of staff with this login."""
        with self.house.store.read() as book:
            account = book.staff_by_login(login)
            assert account is not None
            found = actor_of(book, self.house.cities.current(book), account.id)
        assert found is not None
        return found

    def act(self, login: str, case: CaseRow | int, action: Action, **inputs: object) -> CaseRow:
        """Do an action as this person."""
        actor, case_id = self.actor(login), case if isinstance(case, int) else case.id
        with self.house.store.write() as book:
            city = self.house.cities.current(book)
            return handling.act(book, city, actor, case_id, action, Inputs(**inputs), self.now)  # type: ignore[arg-type]

    def possible(self, login: str, case: CaseRow) -> set[str]:
        """Return what this person may do now."""
        actor = self.actor(login)
        with self.house.store.read() as book:
            row = book.get(CaseRow, case.id)
            assert row is not None
            return {str(rule.action) for rule in handling.possible(book, self.house.cities.current(book), actor, row)}

    def case(self, case: CaseRow | int) -> CaseRow:
        """Return a case as it is now."""
        with self.house.store.read() as book:
            row = book.get(CaseRow, case if isinstance(case, int) else case.id)
        assert row is not None
        return row

    def holder(self, case: CaseRow) -> str:
        """Return the code of the unit that holds a case."""
        with self.house.store.read() as book:
            return self.house.cities.current(book).units[self.case(case).holder_id].code

    def owed(self, case: CaseRow) -> list[str]:
        """Return the texts owed about a case, oldest first."""
        with self.house.store.read() as book:
            return [row.text for row in book.owed(case.id)]

    def did(self, case: CaseRow) -> list[str]:
        """Return the actions in a case's history, oldest first."""
        with self.house.store.read() as book:
            return [row.action for row in book.history(case.id)]

    def told(self, login: str) -> list[str]:
        """Return the kinds of the notices to this person and their unit, the latest first."""
        actor = self.actor(login)
        with self.house.store.read() as book:
            return [row.kind for row in book.notices(actor.staff_id, access.hears_unit(actor))]

    def sweep(self) -> None:
        """Do at this moment what the sweeper does about limits, pauses and alarms."""
        with self.house.store.write() as book:
            city = self.house.cities.current(book)
            for case_id in book.alerts_due(self.now, 100):
                cards.show(book, city, self._row(book, case_id), self.now)
            for case in book.alarms(uncalled_since=self.now - alarms.PATIENCE):
                alarms.escalate(book, city, case, self.now)
            for case_id in book.unverified(self.now, 100):
                intake.close_by_default(book, city, self._row(book, case_id), self.now)

    def resume(self, case: CaseRow) -> None:
        """End a pause as the sweeper does."""
        with self.house.store.write() as book:
            cards.resume(book, self.house.cities.current(book), self._row(book, case.id), self.now)

    def verify(self, case: CaseRow, answer: str, words: str = "") -> CaseRow:
        """Let the resident say whether it is solved."""
        with self.house.store.write() as book:
            row = self._row(book, case.id)
            intake.verify(book, self.house.cities.current(book), row, self.now, answer=answer, words=words)
            return row

    def rate(self, case: CaseRow, rating: str) -> None:
        """Let the resident rate a closing."""
        with self.house.store.write() as book:
            row = self._row(book, case.id)
            intake.rate(book, self.house.cities.current(book), row, rating, self.now, words=rating)

    def staff_id(self, login: str) -> int:
        """Return the id of an account."""
        return self.actor(login).staff_id

    @staticmethod
    def _row(book: Book, case_id: int) -> CaseRow:
        row = book.lock_case(case_id)
        assert row is not None
        return row
