"""Staff accounts: passwords (argon2), logging in, and lockout after repeated failures."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from cases import audit
from cases.access import Actor
from cases.storage.tables import StaffRow
from cases.words import ROLES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from cases.city import City
    from cases.storage import Book, Store

PASSWORD_MINIMUM = 10
# What is read aloud and typed: no 0 and O, no 1, l and I.
START_CHARACTERS = "abcdefghjkmnpqrstuvwxyz23456789"
START_LENGTH = 14
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


@cache
def _quick_hasher() -> PasswordHasher:
    return PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1)


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


def start_password() -> str:
    """Return a password for a new account's beginning: 14 characters that nobody takes for another, 69 bits."""
    return "".join(secrets.choice(START_CHARACTERS) for _ in range(START_LENGTH))


def start_hash(password: str) -> str:
    """Return the hash of a password that `start_password` made. It cannot be guessed, so it need not be slow."""
    return _quick_hasher().hash(password)


def own_hash(password: str) -> str:
    """Return the hash of a password that a person thought of; takes about a tenth of a second."""
    return _hasher().hash(password)


def restart(account: StaffRow) -> str:
    """Give an account a new password to begin with, and return it; who was locked out may try again."""
    password = start_password()
    account.password_hash, account.sample = start_hash(password), False
    account.failed_logins, account.locked_until = 0, None
    return password
