"""The audit trail: who did what to what. Only added to; each line's digest covers the one before it.

Nothing in it tells of residents: no words, phones or openids. A login that fails is bounded by the lock of the account,
so nobody can flood the trail from outside.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cases.access import Actor
from cases.labels import masked
from cases.sheets import harmless
from cases.storage.trail import Sought
from cases.storage.working import AuditRow
from cases.worktime import CHINA, midnight

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cases.storage import Book
    from cases.storage.trail import Line

# The law asks for six months; the database itself refuses to delete anything younger than LEAST.
LEAST, KEPT = timedelta(days=183), timedelta(days=400)
# What the first line of all follows.
BEGINNING = "0" * 64
# Where the digest of the last line that was removed for its age stands, and that of the newest line: a trail
# that was cut short at either end is noticed.
ANCHOR_KEY, HEAD_KEY = "audit_anchor", "audit_head"
LOCK = "audit"
SUBJECT_CHARACTERS, DETAIL_CHARACTERS = 80, 300

ACTIONS = {
    "login": "登录",
    "login_failed": "密码不对",
    "locked": "账号锁住",
    "logout": "退出",
    "session_ended": "退出设备",
    "password_changed": "改密码",
    "totp_on": "开两步验证",
    "totp_off": "关两步验证",
    "contact": "查看电话",
    "export": "导出",
    "change": "改设置",
    "account": "改账号",
    "absence": "请假",
    "handover": "移交工单",
    "token": "接口令牌",
    "erase": "删除个人信息",
    "release": "分类器上线",
    "retry": "出错的再试一次",
    "dismiss": "出错的不再试",
}
COLUMNS = ("编号", "时间", "谁", "账号", "做了什么", "对象", "说明", "指纹")


def note(book: Book, actor: Actor | int | None, action: str, subject: str, detail: str, now: datetime) -> None:
    """Add a line, as the last thing of this transaction; nothing is kept of a transaction that fails.

    `actor`: the person or their staff id, None for the command line and the service itself. `action` is a key of
    ACTIONS; `subject` what it was done to: a case number, a login, "类别 facility/manhole". Raises KeyError for an
    unknown action.
    """
    if action not in ACTIONS:
        raise KeyError(action)
    row = AuditRow(
        at=now,
        staff_id=actor.staff_id if isinstance(actor, Actor) else actor,
        action=action,
        subject=subject[:SUBJECT_CHARACTERS],
        detail=masked(detail)[:DETAIL_CHARACTERS],
    )
    book.at_the_end(lambda: _append(book, row))


def changed(book: Book, actor: Actor, subject: str, detail: str, now: datetime) -> None:
    """Note that an administrator changed a setting: `audit.changed(book, me, "单位 grid-cuihu-01", "改名", now)`."""
    note(book, actor, "change", subject, detail, now)


def _append(book: Book, row: AuditRow) -> None:
    book.flush()
    # Whoever writes waits here for whoever wrote before, so that no two lines follow the same one.
    book.lock_name(LOCK)
    last = book.last_line()
    row.previous = last.digest if last is not None else (book.meta(ANCHOR_KEY) or BEGINNING)
    row.digest = digest_of(row)
    book.add(row)
    book.set_meta(HEAD_KEY, row.digest)


def digest_of(row: AuditRow | Line) -> str:
    """Return the SHA-256 over the digest before and the line's own fields, as canonical JSON, in hexadecimal.

    The id is not among them: it is the database's, and the order is that of the chain.
    """
    at = row.at.astimezone(UTC).isoformat(timespec="microseconds")
    fields = [row.previous, at, row.staff_id, row.action, row.subject, row.detail]
    return hashlib.sha256(json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()


def verify(book: Book) -> int | None:
    """Return the id of the first line that was altered or stands where one is missing; None for a whole trail.

    When lines are missing at the end, it is the id after the last one. Reads the trail in batches.
    """
    previous, last_id = book.meta(ANCHOR_KEY) or BEGINNING, 0
    for row in book.trail(Sought()):
        if row.previous != previous or row.digest != digest_of(row):
            return row.id
        previous, last_id = row.digest, row.id
    return None if previous == (book.meta(HEAD_KEY) or BEGINNING) else last_id + 1


def to_purge(book: Book, now: datetime) -> bool:
    """Say whether there is anything that `purge` would remove: cheap enough for every sweep."""
    return book.has_lines_before(oldest(now, KEPT))


def purge(book: Book, now: datetime, kept: timedelta = KEPT) -> int:
    """Remove what is older than `kept` (never less than LEAST), whole days at a time; return how many lines went.

    The digest of the last one is kept, so that the rest still verifies.
    """
    book.lock_name(LOCK)
    last = book.last_line(before=oldest(now, kept))
    if last is None:
        return 0
    digest, last_id = last.digest, last.id
    book.set_meta(ANCHOR_KEY, digest)
    return book.drop_lines(last_id)


def oldest(now: datetime, kept: timedelta) -> datetime:
    """Return the beginning of the first day that stays: so the trail is shortened once a day, not at every sweep."""
    return midnight((now - max(kept, LEAST)).astimezone(CHINA).date())


def names(book: Book) -> dict[int, tuple[str, str]]:
    """Return name and login of everybody who has, or had, an account, by id."""
    return {row.id: (row.name, row.login) for row in book.staff()}


def exported(book: Book, lines: Iterable[Line]) -> str:
    """Return lines as CSV text, with times as China has them."""
    people, stream = names(book), io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(COLUMNS)
    for row in lines:
        name, login = people.get(row.staff_id or 0, ("系统", ""))
        at = f"{row.at.astimezone(CHINA):%Y-%m-%d %H:%M:%S}"
        cells = (row.id, at, name, login, ACTIONS.get(row.action, row.action), row.subject, row.detail, row.digest)
        writer.writerow([harmless(cell) for cell in cells])
    return stream.getvalue()
