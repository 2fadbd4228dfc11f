"""Staff accounts: passwords (argon2), logging in, and lockout after repeated failures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from cases import audit
from cases.access import HANDLING_ROLES, Actor
from cases.storage.tables import StaffRow
from cases.words import ROLES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from cases.city import City
    from cases.storage import Book, Store
    from cases.storage.tables import UnitRow

PASSWORD_MINIMUM = 10
FAILURES = 5
# So many backups are asked, one after the other, for whoever stands in for somebody on leave.
STEPS = 3
LOCK = timedelta(minutes=10)
WRONG = "账号或密码不对，请再试一次。"
LOCKED = "试的次数太多了，请十分钟后再来。"


class AccountError(Exception):
    """An account cannot be made; the message says why."""


@dataclass(frozen=True)
class Login:
    """The outcome of a try to log in: the account, or why not."""

    staff_id: int | None
    fault: str = ""


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()


def login(store: Store, name: str, password: str, now: datetime, *, samples_allowed: bool) -> Login:
    """Check a login. The answer tells nobody whether the login exists; five failures lock it for ten minutes.

    A password takes long to check, so no transaction is open meanwhile. Then tries are counted one after the other:
    of many at once, those after the fifth failure are refused unheard, the right password too.
    """
    with store.read() as book:
        account = book.staff_by_login(name)
    if account is not None and _is_locked(account, now):
        return Login(None, LOCKED)
    usable = account is not None and account.active and (samples_allowed or not account.sample)
    stored = account.password_hash if account is not None and usable else _nobody()
    right = _matches(stored, password) and usable
    with store.write() as book:
        account = book.staff_by_login(name, lock=True)
        if account is None:
            return Login(None, WRONG)
        result = _counted(account, now, right=right and account.active and account.password_hash == stored)
        _note(book, account, result, now)
        return result


def _note(book: Book, account: StaffRow, result: Login, now: datetime) -> None:
    """Keep what came of a try in the audit trail. Of tries at a locked account only the locking is kept."""
    if result.fault == LOCKED:
        return
    audit.note(book, account.id, "login_failed" if result.fault else "login", account.login, "", now)
    if _is_locked(account, now):
        minutes = LOCK // timedelta(minutes=1)
        audit.note(book, account.id, "locked", account.login, f"连着错了 {FAILURES} 次，锁 {minutes} 分钟", now)


def _is_locked(account: StaffRow, now: datetime) -> bool:
    return account.locked_until is not None and account.locked_until > now


def _counted(account: StaffRow, now: datetime, *, right: bool) -> Login:
    """Count a try at this account, which nobody else changes now."""
    if _is_locked(account, now):
        return Login(None, LOCKED)
    if right:
        account.failed_logins, account.locked_until = 0, None
        return Login(account.id)
    account.failed_logins += 1
    if account.failed_logins >= FAILURES:
        account.locked_until, account.failed_logins = now + LOCK, 0
    return Login(None, WRONG)


@cache
def _nobody() -> str:
    """Return the hash that unknown logins are checked against, so that they take as long as known ones."""
    return _hasher().hash("nobody's password")


def _matches(stored: str, password: str) -> bool:
    try:
        return _hasher().verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


def actor_of(book: Book, city: City, staff_id: int, now: datetime | None = None) -> Actor | None:
    """Return the member of staff at work, or None when the account is gone or switched off.

    Only with `now` are they also what they are for those on leave for whom they stand in.
    """
    account = book.get(StaffRow, staff_id)
    if account is None or not account.active:
        return None
    unit = city.units[account.unit_id]
    covered = book.covered_units(account.id, STEPS, now) - {unit.id} if now is not None else set()
    return Actor(
        account.id,
        account.name,
        account.role,
        unit.id,
        unit.path,
        groups=frozenset(map(str, account.groups)),
        contacts=account.contacts,
        covers=frozenset(city.units[each].path for each in covered),
    )


def add_staff(book: Book, city: City, row: Mapping[str, str]) -> int:
    """Make one account from `login`, `name`, `role`, `unit` (code), `phone`, `password`; return its id."""
    unit = city.by_code.get(row["unit"])
    if unit is None:
        raise AccountError(f"单位 {row['unit']} 不存在")
    if row["role"] not in ROLES:
        raise AccountError(f"角色 {row['role']} 不认识，可用：{'、'.join(ROLES)}")
    if len(row["password"]) < PASSWORD_MINIMUM:
        raise AccountError(f"密码太短：至少 {PASSWORD_MINIMUM} 位")
    if book.staff_by_login(row["login"]) is not None:
        raise AccountError(f"账号 {row['login']} 已经有了")
    account = StaffRow(
        login=row["login"],
        name=row["name"],
        role=row["role"],
        unit_id=unit.id,
        phone=row["phone"],
        password_hash=_hasher().hash(row["password"]),
    )
    return book.add(account).id


def import_staff(book: Book, rows: list[dict[str, str]], units: Mapping[str, UnitRow], *, sample: bool) -> None:
    """Make or update the accounts of a city's `staff.csv`. A password in use is never overwritten.

    The sample accounts share one password, so they share its hash: a hundred of them load at once.
    """
    shared: dict[str, str] = {}
    for row in rows:
        account = book.staff_by_login(row["login"]) or StaffRow(login=row["login"], password_hash="")
        account.name, account.role, account.phone = row["name"], row["role"], row["phone"]
        account.unit_id = units[row["unit"]].id
        if row["password"] and not account.password_hash:
            if not sample or row["password"] not in shared:
                shared[row["password"]] = _hasher().hash(row["password"])
            account.password_hash = shared[row["password"]]
            account.sample = sample
            # In a city of one's own the right is given to each by the administrator.
            account.contacts = sample and account.role in HANDLING_ROLES
        book.add(account)
