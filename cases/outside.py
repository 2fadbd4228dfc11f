"""Whoever comes by another login (OIDC, WeCom): which account here is theirs. None is made for anybody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cases import accounts, audit
from cases.accounts import Login
from cases.sessions import HOW, NOWHERE

if TYPE_CHECKING:
    from datetime import datetime

    from cases.sessions import Origin
    from cases.storage import Book, Store
    from cases.storage.tables import StaffRow

WECOM = "wecom:"
LONGEST = 160
UNKNOWN = "那边认得您，但还没有对应到网格通的账号。请用密码登录，或请管理员在“人员”里填上统一登录账号。"


@dataclass(frozen=True)
class Outside:
    """Who somebody is to another login: its lasting id of them, and what they are called there."""

    how: str
    id: str
    login: str


def arrive(store: Store, outside: Outside, now: datetime, *, samples_allowed: bool, origin: Origin = NOWHERE) -> Login:
    """Find the account of somebody whom another login has vouched for, by its id of them, the first time by the name.

    From then on only the id counts: who gets a name that somebody else had there does not get the account.
    """
    if not 0 < len(outside.id) <= LONGEST or (outside.how != "wecom" and outside.id.startswith(WECOM)):
        return Login(None, UNKNOWN)
    with store.write() as book:
        account = book.staff_by_external(outside.id) or _by_name(book, outside)
        if account is None or not account.active or (account.sample and not samples_allowed):
            return Login(None, UNKNOWN)
        if account.external_id is None:
            account.external_id = outside.id
            audit.note(book, account.id, "account", f"人员 {account.login}", f"第一次用{HOW[outside.how]}，记下了", now)
        result = Login(account.id)
        accounts.note(book, account, result, now, f"{HOW[outside.how]}，{origin}")
        return result


def _by_name(book: Book, outside: Outside) -> StaffRow | None:
    account = book.staff_by_login(outside.login, lock=True) if outside.login else None
    return account if account is not None and account.external_id is None else None
