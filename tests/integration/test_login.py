from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from bot.assembly import House, utc_now
from cases import accounts
from cases.accounts import FAILURES, LOCK, LOCKED, WRONG

RIGHT = "wanggetong"


def answers(house: House, login: str, passwords: list[str]) -> list[str]:
    """Try these passwords at once; return the fault of each, empty for who got in."""

    def guess(password: str) -> str:
        return accounts.login(house.store, login, password, utc_now(), samples_allowed=True).fault

    with ThreadPoolExecutor(len(passwords)) as pool:
        return list(pool.map(guess, passwords))


def test_many_guesses_at_once_are_still_five(house: House) -> None:
    """However many guesses come at the same moment, five are heard; then even the right one is refused for a while."""
    faults = answers(house, "urban", [f"guess-{at}" for at in range(8)])
    assert (faults.count(WRONG), faults.count(LOCKED)) == (FAILURES, 8 - FAILURES)
    assert answers(house, "urban", [RIGHT]) == [LOCKED]
    later = utc_now() + LOCK + timedelta(seconds=1)
    assert accounts.login(house.store, "urban", RIGHT, later, samples_allowed=True).staff_id


def test_colleagues_log_in_at_once(house: House) -> None:
    """The same account may log in from several desks at once, and a success forgets the failures before it."""
    assert answers(house, "water", ["wrong"] * (FAILURES - 1)) == [WRONG] * (FAILURES - 1)
    assert answers(house, "water", [RIGHT] * 2) == [""] * 2
    assert answers(house, "water", ["wrong"]) == [WRONG]


def test_nobody_and_samples(house: House) -> None:
    """A login that is unknown, or a sample in production, gets the same answer as a wrong password."""
    assert answers(house, "nobody", [RIGHT]) == [WRONG]
    assert accounts.login(house.store, "urban", RIGHT, utc_now(), samples_allowed=False).fault == WRONG
