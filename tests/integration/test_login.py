from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial

from bot.assembly import House, utc_now
from bot.sweeping import sweep
from cases import accounts, outside, second, sessions
from cases.accounts import FAILURES, LOCK, LOCKED, WRONG
from cases.outside import Outside
from cases.sessions import NOWHERE
from cases.storage.security import SessionRow
from tests.unit.test_passwords import SECRET, VECTORS

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


def id_of(house: House, login: str) -> int:
    """Return the id of an account."""
    with house.store.read() as book:
        account = book.staff_by_login(login)
    assert account is not None
    return account.id


def test_old_sessions_are_forgotten(house: House) -> None:
    """The sweeper deletes sessions that began longer ago than the law wants them known, and no younger ones."""
    now, urban = utc_now(), id_of(house, "urban")
    with house.store.write() as book:
        for days in (200, 184, 182, 0):
            sessions.begin(book, urban, "password", NOWHERE, now - timedelta(days=days))
    sweep(house)
    with house.store.read() as book:
        assert [(now - row.created_at).days for row in book.rows_of(SessionRow)] == [182, 0]


def test_the_codes_of_the_standard_open_the_door(house: House) -> None:
    """After the password the codes of RFC 6238 are taken at their moments, each once, at the same moment too."""
    urban = id_of(house, "urban")
    (first, code), *others = [(datetime.fromtimestamp(at, UTC), code) for at, code in VECTORS]
    with house.store.write() as book:
        assert len(second.turn_on(book, house.vault, urban, SECRET, code, first)) == 8
    for now, each in others:
        step = accounts.login(house.store, "urban", RIGHT, now, samples_allowed=True)
        assert (step.staff_id, step.second, step.fault) == (urban, True, "")
        try_it = partial(second.enter, house.store, house.vault, urban, step.mark, each, now)
        with ThreadPoolExecutor(2) as pool:
            results = [future.result().fault for future in [pool.submit(try_it) for _ in range(2)]]
        assert sorted(results) == ["", second.WRONG]


def test_a_right_password_gives_no_new_tries_at_the_code(house: House) -> None:
    """Wrong codes lock the account as wrong passwords do, also when the password is entered anew between them."""
    urban, now = id_of(house, "urban"), datetime.fromtimestamp(VECTORS[0][0], UTC)
    with house.store.write() as book:
        codes = second.turn_on(book, house.vault, urban, SECRET, VECTORS[0][1], now)
    faults = []
    for _ in range(FAILURES):
        step = accounts.login(house.store, "urban", RIGHT, now, samples_allowed=True)
        faults.append(second.enter(house.store, house.vault, urban, step.mark, "000000", now).fault)
    assert faults == [second.WRONG] * FAILURES
    assert accounts.login(house.store, "urban", RIGHT, now, samples_allowed=True).fault == LOCKED
    assert second.enter(house.store, house.vault, urban, step.mark, codes[0], now).fault == LOCKED
    later = now + LOCK + timedelta(seconds=1)
    assert second.enter(house.store, house.vault, urban, step.mark, codes[0], later).staff_id == urban
    assert second.enter(house.store, house.vault, urban, step.mark, codes[0], later).fault == second.WRONG


def test_a_name_is_believed_once(house: House) -> None:
    """Another login's name finds the account the first time; then only its id does, and nobody else's."""
    now = utc_now()

    def arrive(how: str, key: str, name: str) -> int | None:
        return outside.arrive(house.store, Outside(how, key, name), now, samples_allowed=True).staff_id

    urban = id_of(house, "urban")
    assert arrive("oidc", "sub-1", "urban") == urban
    assert arrive("oidc", "sub-1", "renamed") == urban
    assert arrive("oidc", "sub-2", "urban") is None
    assert arrive("wecom", "wecom:urban", "urban") is None
    assert arrive("oidc", "wecom:water", "water") is None
    assert arrive("oidc", "sub-3", "nobody-here") is None
    assert arrive("oidc", "", "water") is None
    assert arrive("oidc", "x" * 161, "water") is None
    assert outside.arrive(house.store, Outside("oidc", "sub-1", ""), now, samples_allowed=False).staff_id is None
