"""Who is signed in on which device: the cookie has a token, everything else is kept here and can be ended here."""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from cases import audit
from cases.storage.security import SessionRow
from cases.storage.tables import StaffRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cases.storage import Book, Store

BYTES = 32
# A session in use is written down so often; the law asks that who was signed in is known for six months.
SEEN_AGAIN = timedelta(minutes=1)
KEPT = timedelta(days=183)
# Of an address only its network is kept.
NETWORKS = {4: 24, 6: 48}
HOW = {"password": "密码", "oidc": "统一登录", "wecom": "企业微信"}
SYSTEMS = (
    *(("iPhone", "iPhone"), ("iPad", "iPad"), ("HarmonyOS", "鸿蒙"), ("OpenHarmony", "鸿蒙"), ("Android", "安卓")),
    *(("Windows", "Windows"), ("Macintosh", "Mac"), ("Linux", "Linux")),
)
BROWSERS = (
    *(
        ("wxwork", "企业微信"),
        ("MicroMessenger", "微信"),
        ("Edg", "Edge"),
        ("Firefox", "Firefox"),
        ("FxiOS", "Firefox"),
    ),
    *(("QQBrowser", "QQ浏览器"), ("UCBrowser", "UC浏览器"), ("Chrome", "Chrome"), ("CriOS", "Chrome")),
    ("Safari", "Safari"),
)


@dataclass(frozen=True)
class Limits:
    """How long a session may lie unused, and how long it lasts at most."""

    idle: timedelta
    longest: timedelta


@dataclass(frozen=True)
class Origin:
    """From where somebody signs in: the address, and what their browser calls itself."""

    address: str = ""
    browser: str = ""

    def __str__(self) -> str:
        return "，".join(filter(None, (self.address, device_of(self.browser) if self.browser else "")))


NOWHERE = Origin()


def device_of(browser: str) -> str:
    """Return a device in a few words: iPhone 微信, Windows Chrome."""
    found = (next((name for sign, name in table if sign in browser), "") for table in (SYSTEMS, BROWSERS))
    return " ".join(filter(None, found)) or "别的设备"


def network_of(address: str) -> str:
    """Return the network that an address lies in, which says whence and not who; empty for what is no address."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return ""
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    kept = mapped or parsed
    return str(ipaddress.ip_network((kept, NETWORKS[kept.version]), strict=False))


def begin(book: Book, staff_id: int, how: str, origin: Origin, now: datetime, before: str = "") -> str:
    """Begin a session and return its token, which only the browser has from then on.

    The session whose token this browser had `before` ends.
    """
    former = book.session(_digest(before)) if before else None
    if former is not None and former.ended_at is None:
        former.ended_at = now
    token = secrets.token_urlsafe(BYTES)
    row = SessionRow(
        digest=_digest(token),
        staff_id=staff_id,
        created_at=now,
        seen_at=now,
        address=network_of(origin.address),
        device=device_of(origin.browser),
        how=how,
    )
    book.add(row)
    return token


def renew(book: Book, session_id: int) -> str:
    """Give a session another token, and return it: who had come by the old one is out from now on."""
    token = secrets.token_urlsafe(BYTES)
    row = book.lock_row(SessionRow, session_id)
    if row is not None:
        row.digest = _digest(token)
    return token


def current(book: Book, token: str, limits: Limits, now: datetime) -> SessionRow | None:
    """Return the session of this token, or None for one that has ended, ran out or lay unused for too long."""
    row = book.session(_digest(token)) if token else None
    if row is None or row.ended_at is not None:
        return None
    return row if now < row.created_at + limits.longest and now < row.seen_at + limits.idle else None


def seen(store: Store, session_id: int, last: datetime, now: datetime) -> None:
    """Write down that a session, in use `last`, is in use: in a transaction of its own, once a minute at most."""
    if now - last < SEEN_AGAIN:
        return
    with store.write() as book:
        kept = book.lock_row(SessionRow, session_id)
        if kept is not None and kept.ended_at is None:
            kept.seen_at = max(kept.seen_at, now)


def going(book: Book, staff_id: int, limits: Limits, now: datetime) -> Sequence[SessionRow]:
    """Return the devices on which somebody is signed in, the one that was used last first."""
    return book.sessions_of(staff_id, now - limits.longest, now - limits.idle)


def end(book: Book, staff_id: int, session_id: int, now: datetime) -> bool:
    """End one of one's own sessions; false for one that is not one's own, or has ended."""
    row = book.lock_row(SessionRow, session_id)
    if row is None or row.staff_id != staff_id or row.ended_at is not None:
        return False
    row.ended_at = now
    audit.note(book, staff_id, "session_ended", _login(book, staff_id), row.device, now)
    return True


def end_others(book: Book, staff_id: int, but: int | None, now: datetime) -> int:
    """End all sessions of a person except one; return how many."""
    ended = book.end_sessions(staff_id, now, but)
    if ended:
        audit.note(book, staff_id, "session_ended", _login(book, staff_id), f"{ended} 台设备", now)
    return ended


def leave(book: Book, token: str, now: datetime) -> int | None:
    """End the session of this token, because its owner leaves; return whose it was."""
    row = book.session(_digest(token)) if token else None
    if row is None or row.ended_at is not None:
        return None
    row.ended_at = now
    audit.note(book, row.staff_id, "logout", "", "", now)
    return row.staff_id


def to_purge(book: Book, now: datetime) -> bool:
    """Say whether there is anything that `purge` would remove: cheap enough for every sweep."""
    return book.has_sessions_before(now - KEPT)


def purge(book: Book, now: datetime) -> None:
    """Delete the sessions that began longer ago than they are kept."""
    book.drop_sessions(now - KEPT)


def _login(book: Book, staff_id: int) -> str:
    account = book.get(StaffRow, staff_id)
    return account.login if account is not None else ""


def _digest(token: str) -> str:
    """Return the SHA-256 of a token: it is long and random, so that nothing slower is needed."""
    return hashlib.sha256(token.encode()).hexdigest()
