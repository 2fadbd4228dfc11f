"""The second step: a code of one's phone after the password, each code once; recovery codes for a lost phone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cases import accounts, audit, totp
from cases.accounts import AGAIN, Login
from cases.sessions import HOW, NOWHERE
from cases.storage.security import RecoveryRow
from cases.storage.tables import StaffRow

if TYPE_CHECKING:
    from datetime import datetime

    from cases.access import Actor
    from cases.sessions import Origin
    from cases.storage import Book, Store
    from cases.vault import Vault

WRONG = "验证码不对。请看手机上现在的六位数字，再试一次。"
NEEDED = "按本单位的安全要求，两步验证不能关。"


def enter(
    store: Store, vault: Vault, staff_id: int, mark: str, code: str, now: datetime, origin: Origin = NOWHERE
) -> Login:
    """Check the code of somebody whose password was right; a wrong one counts as a wrong password does."""
    with store.write() as book:
        account = book.lock_row(StaffRow, staff_id)
        if account is None or not account.active or not account.totp_secret or accounts.mark_of(account) != mark:
            return Login(None, AGAIN)
        took = "" if accounts.is_locked(account, now) else _take(book, vault, account, code, now)
        result = accounts.counted(account, now, right=bool(took), last=True, wrong=WRONG)
        accounts.note(book, account, result, now, f"{HOW['password']}和{took or '验证码'}，{origin}")
        return result


def _take(book: Book, vault: Vault, account: StaffRow, code: str, now: datetime) -> str:
    """Use up a code and return what it was; empty for a wrong one, or one that was used before."""
    step = totp.step_of(vault.open(account.totp_secret), code, now) if account.totp_secret else None
    if step is not None:
        if step <= account.totp_step:
            return ""
        account.totp_step = step
        return "验证码"
    kept = book.recovery_digest(account.id) if totp.may_be_recovery(code) else ""
    spare = book.recovery_code(account.id, totp.digest_of(totp.salt_of(kept), code)) if kept else None
    if spare is None:
        return ""
    spare.used_at = now
    return "恢复码"


def turn_on(book: Book, vault: Vault, staff_id: int, secret: str, code: str, now: datetime) -> list[str]:
    """Turn the second step on when the phone shows the right code; return the recovery codes, else nothing."""
    account, step = book.lock_row(StaffRow, staff_id), totp.step_of(secret, code, now) if secret else None
    if account is None or step is None or account.totp_secret:
        return []
    account.totp_secret, account.totp_step = vault.seal(secret), step
    codes, salt = totp.recovery_codes(), totp.new_salt()
    book.forget_recovery(staff_id)
    for each in codes:
        book.add(RecoveryRow(staff_id=staff_id, digest=totp.digest_of(salt, each)))
    audit.note(book, staff_id, "totp_on", account.login, "", now)
    return codes


def turn_off(
    store: Store, vault: Vault, staff_id: int, password: str, code: str, now: datetime, origin: Origin = NOWHERE
) -> str:
    """Turn one's own second step off, with password and code; return what is wrong."""
    if fault := accounts.confirm(store, staff_id, password, now, origin):
        return fault
    with store.write() as book:
        account = book.lock_row(StaffRow, staff_id)
        if account is None or not account.totp_secret:
            return AGAIN
        took = "" if accounts.is_locked(account, now) else _take(book, vault, account, code, now)
        result = accounts.counted(account, now, right=bool(took), last=True, wrong=WRONG)
        if result.fault:
            accounts.note(book, account, result, now, f"账号安全页，{origin}")
        else:
            _clear(book, account)
            audit.note(book, staff_id, "totp_off", account.login, "本人", now)
        return result.fault


def reset(book: Book, account: StaffRow, by: Actor, now: datetime) -> None:
    """Turn somebody's second step off because their phone is gone, and sign them out everywhere."""
    _clear(book, account)
    book.end_sessions(account.id, now)
    audit.note(book, by, "totp_off", account.login, "管理员重置", now)


def _clear(book: Book, account: StaffRow) -> None:
    account.totp_secret, account.totp_step = "", 0
    book.forget_recovery(account.id)
