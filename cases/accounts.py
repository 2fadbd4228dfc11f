"""Staff accounts: passwords (argon2), logging in, and lockout after repeated failures.

What a password must be is in `cases.passwords`, the second step in `cases.second`, other logins in `cases.outside`.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from cases import audit, passwords
from cases.access import Actor
from cases.sessions import HOW, NOWHERE
from cases.storage.security import OldPasswordRow
from cases.storage.tables import StaffRow, UnitRow
from cases.words import ROLES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from cases.city import City
    from cases.sessions import Origin
    from cases.storage import Book, Store

START_LENGTH, START_GROUP = 15, 5
FAILURES = 5
# So many backups are asked, one after the other, for whoever stands in for somebody on leave.
STEPS = 3
LOCK = timedelta(minutes=10)
WRONG = "账号或密码不对，请再试一次。"
LOCKED = "试的次数太多了，请十分钟后再来。"
OLD_WRONG = "现在的密码不对，请再试一次。"
AGAIN = "请重新登录。"
# A password that somebody else gave is good for so long, unless it is changed before.
START_GOOD = timedelta(days=14)
STALE = f"给您的密码超过 {START_GOOD.days} 天没有用，已经失效。请找管理员重新给一个。"
MARK_CHARACTERS = 16


class AccountError(Exception):
    """An account cannot be made; the message says why."""


@dataclass(frozen=True)
class Login:
    """The outcome of a try to log in: the account, or why not.

    `second`: the password was right, and a code is still to come, for as long as `mark` fits the account.
    """

    staff_id: int | None
    fault: str = ""
    second: bool = False
    mark: str = ""


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()


@cache
def _quick_hasher() -> PasswordHasher:
    return PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1)


def login(
    store: Store, name: str, password: str, now: datetime, *, samples_allowed: bool, origin: Origin = NOWHERE
) -> Login:
    """Check a login. The answer tells nobody whether the login exists; five failures lock it for ten minutes.

    A password takes long to check, so no transaction is open meanwhile. Then tries are counted one after the other:
    of many at once, those after the fifth failure are refused unheard, the right password too.
    """
    with store.read() as book:
        account = book.staff_by_login(name)
    if account is not None and is_locked(account, now):
        return Login(None, LOCKED)
    usable = account is not None and account.active and (samples_allowed or not account.sample)
    stored = account.password_hash if account is not None and usable else _nobody()
    right = _matches(stored, password) and usable
    with store.write() as book:
        account = book.staff_by_login(name, lock=True)
        if account is None:
            return Login(None, WRONG)
        right = right and account.active and account.password_hash == stored
        result = Login(None, STALE) if right and is_stale(account, now) else counted(account, now, right=right)
        if not result.second:
            note(book, account, result, now, f"{HOW['password']}，{origin}")
        return result


def note(book: Book, account: StaffRow, result: Login, now: datetime, detail: str) -> None:
    """Keep what came of a try in the audit trail. Of tries at a locked account only the locking is kept."""
    if result.fault == LOCKED:
        return
    detail = detail.strip("，")
    audit.note(book, account.id, "login_failed" if result.fault else "login", account.login, detail, now)
    if result.fault and is_locked(account, now):
        minutes = LOCK // timedelta(minutes=1)
        audit.note(book, account.id, "locked", account.login, f"连着错了 {FAILURES} 次，锁 {minutes} 分钟", now)


def is_stale(account: StaffRow, now: datetime) -> bool:
    """Say whether the password is one that somebody else gave, and nobody made their own of it in time."""
    given = account.password_changed_at
    return account.must_change and not account.sample and given is not None and now - given >= START_GOOD


def is_locked(account: StaffRow, now: datetime) -> bool:
    """Say whether an account takes no tries at the moment."""
    return account.locked_until is not None and account.locked_until > now


def counted(account: StaffRow, now: datetime, *, right: bool, last: bool = False, wrong: str = WRONG) -> Login:
    """Count a try at this account, which nobody else changes now. `last`: no further step follows.

    Failures are forgotten only by whoever comes all the way: a right password alone gives no new tries at the code.
    """
    if is_locked(account, now):
        return Login(None, LOCKED)
    if right and account.totp_secret and not last:
        return Login(account.id, second=True, mark=mark_of(account))
    if right:
        account.failed_logins, account.locked_until = 0, None
        return Login(account.id)
    account.failed_logins += 1
    if account.failed_logins >= FAILURES:
        account.locked_until, account.failed_logins = now + LOCK, 0
    return Login(None, wrong)


def mark_of(account: StaffRow) -> str:
    """Return what changes with the password: who passed the first step passed it with the present one."""
    return hashlib.sha256(account.password_hash.encode()).hexdigest()[:MARK_CHARACTERS]


@cache
def _nobody() -> str:
    """Return the hash that unknown logins are checked against, so that they take as long as known ones."""
    return _hasher().hash("nobody's password")


def _matches(stored: str, password: str) -> bool:
    try:
        return _hasher().verify(stored, passwords.normal(password))
    except (VerificationError, InvalidHashError):
        return False


def confirm(store: Store, staff_id: int, password: str, now: datetime, origin: Origin = NOWHERE) -> str:
    """Ask somebody who is signed in for their password; return what is wrong. Failures count as those at the door."""
    with store.read() as book:
        account = book.get(StaffRow, staff_id)
    if account is None or is_locked(account, now):
        return LOCKED
    stored = account.password_hash
    right = _matches(stored, password)
    with store.write() as book:
        account = book.lock_row(StaffRow, staff_id)
        if account is None:
            return AGAIN
        right = right and account.password_hash == stored
        result = counted(account, now, right=right, last=not account.totp_secret, wrong=OLD_WRONG)
        if result.fault:
            note(book, account, result, now, f"账号安全页，{origin}")
        return result.fault


def change_password(
    store: Store, staff_id: int, old: str, new: str, now: datetime, *, classified: bool, session_id: int | None = None
) -> str:
    """Change one's own password and end all other sessions; return why it was refused, empty when it is done.

    Call `confirm` with the old one first.
    """
    with store.read() as book:
        account = book.get(StaffRow, staff_id)
        owner = owner_of(book, account) if account is not None else passwords.Owner()
        former = book.old_passwords(staff_id, passwords.FORMER) if classified else []
    fault = passwords.fault(new, owner, classified=classified)
    if not fault and passwords.normal(new) == passwords.normal(old):
        fault = passwords.SAME
    if not fault and any(_matches(each, new) for each in former):
        fault = passwords.USED
    if fault or account is None:
        return fault or AGAIN
    stored, fresh = account.password_hash, own_hash(new)
    with store.write() as book:
        account = book.lock_row(StaffRow, staff_id)
        if account is None or account.password_hash != stored:
            return AGAIN
        book.add(OldPasswordRow(staff_id=staff_id, password_hash=stored, until=now))
        book.forget_old_passwords(staff_id, passwords.FORMER)
        account.password_hash, account.password_changed_at = fresh, now
        account.sample = account.must_change = False
        book.end_sessions(staff_id, now, session_id)
        audit.note(book, staff_id, "password_changed", account.login, "", now)
    return ""


def owner_of(book: Book, account: StaffRow) -> passwords.Owner:
    """Return what others know of an account's owner, and so must not be their password."""
    unit = book.get(UnitRow, account.unit_id)
    return passwords.Owner(account.login, account.name, account.phone, unit.name if unit is not None else "")


def owes(account: StaffRow, how: str, now: datetime, *, classified: bool) -> str:
    """Return what somebody has to do before anything else: `password`, `totp` or nothing.

    Whoever came by another login has neither here: that one answers for it.
    """
    if how != "password":
        return ""
    changed = account.password_changed_at
    old = classified and (changed is None or now - changed >= passwords.AGE)
    if not account.sample and (account.must_change or old):
        return "password"
    return "totp" if classified and not account.totp_secret else ""


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


def add_staff(book: Book, city: City, row: Mapping[str, str], now: datetime, *, classified: bool = False) -> int:
    """Make one account from `login`, `name`, `role`, `unit` (code), `phone`, `password`; return its id.

    Whoever made it knows the password, so its owner has to change it first.
    """
    unit = city.by_code.get(row["unit"])
    if unit is None:
        raise AccountError(f"单位 {row['unit']} 不存在")
    if row["role"] not in ROLES:
        raise AccountError(f"角色 {row['role']} 不认识，可用：{'、'.join(ROLES)}")
    owner = passwords.Owner(row["login"], row["name"], row["phone"], unit.name)
    if fault := passwords.fault(row["password"], owner, classified=classified):
        raise AccountError(fault)
    if book.staff_by_login(row["login"]) is not None:
        raise AccountError(f"账号 {row['login']} 已经有了")
    account = StaffRow(
        login=row["login"],
        name=row["name"],
        role=row["role"],
        unit_id=unit.id,
        phone=row["phone"],
        password_hash=own_hash(row["password"]),
        must_change=True,
        password_changed_at=now,
    )
    return book.add(account).id


def start_password() -> str:
    """Return a password for an account's beginning, in groups that nobody takes for others: 74 bits.

    It has small letters, digits and hyphens, which also the stricter rules take.
    """
    while True:
        drawn = "".join(secrets.choice(passwords.READABLE) for _ in range(START_LENGTH))
        if any(each.isdigit() for each in drawn) and any(each.isalpha() for each in drawn):
            return "-".join(drawn[at : at + START_GROUP] for at in range(0, START_LENGTH, START_GROUP))


def start_hash(password: str) -> str:
    """Return the hash of a password that `start_password` made. It cannot be guessed, so it need not be slow."""
    return _quick_hasher().hash(password)


def own_hash(password: str) -> str:
    """Return the hash of a password that a person thought of; takes about a tenth of a second."""
    return _hasher().hash(passwords.normal(password))


def restart(book: Book, account: StaffRow, now: datetime) -> str:
    """Give an account a new password to begin with, and return it; who was locked out may try again.

    Wherever the account is signed in, it is no longer; its owner has to change the password first.
    """
    password = start_password()
    account.password_hash, account.sample, account.must_change = start_hash(password), False, True
    account.failed_logins, account.locked_until, account.password_changed_at = 0, None, now
    book.end_sessions(account.id, now)
    return password
