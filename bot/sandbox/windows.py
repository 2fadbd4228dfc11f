"""When the account may speak to a resident of its own accord, and how often.

Source: 微信公众平台「客服消息」: five messages within 48 hours of each message of the resident; three within a
minute of a menu click, a follow or a scan.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from bot.sandbox.errors import ApiError

if TYPE_CHECKING:
    import sqlite3

    from bot.sandbox.context import Json

MESSAGE_SECONDS = 48 * 3600
MESSAGE_COUNT = 5
EVENT_SECONDS = 60
EVENT_COUNT = 3


def resident(db: sqlite3.Connection, openid: str) -> sqlite3.Row:
    """Return a resident's row. Raises 40003 where there is none."""
    row: sqlite3.Row | None = db.execute("SELECT * FROM residents WHERE openid = ?", (openid,)).fetchone()
    if row is None:
        raise ApiError(40003)
    return row


def follower(db: sqlite3.Connection, openid: str) -> sqlite3.Row:
    """Return the row of a resident who follows the account. Raises 40003 or 43004."""
    row = resident(db, openid)
    if not row["following"]:
        raise ApiError(43004)
    return row


def open_window(db: sqlite3.Connection, openid: str, window: str) -> None:
    """Note an interaction: a "message", or an "event" (menu click, follow, scan)."""
    now = time.time()
    if window == "message":
        db.execute(
            "UPDATE residents SET message_until = ?, message_left = ? WHERE openid = ?",
            (now + MESSAGE_SECONDS, MESSAGE_COUNT, openid),
        )
    elif window == "event":
        db.execute(
            "UPDATE residents SET event_until = ?, event_left = ? WHERE openid = ?",
            (now + EVENT_SECONDS, EVENT_COUNT, openid),
        )


def spend(db: sqlite3.Connection, row: sqlite3.Row) -> None:
    """Use one of the sends that the resident's open windows allow. Raises 45015 or 45047."""
    now = time.time()
    open_event, open_message = row["event_until"] > now, row["message_until"] > now
    if not (open_event or open_message):
        raise ApiError(45015)
    if open_event and row["event_left"]:
        db.execute("UPDATE residents SET event_left = event_left - 1 WHERE openid = ?", (row["openid"],))
    elif open_message and row["message_left"]:
        db.execute("UPDATE residents SET message_left = message_left - 1 WHERE openid = ?", (row["openid"],))
    else:
        raise ApiError(45047)


def allowance(row: sqlite3.Row) -> Json:
    """Return how many messages the account may still send now, and for how many seconds at most."""
    now = time.time()
    windows = [(row["event_until"], row["event_left"]), (row["message_until"], row["message_left"])]
    alive = [(until, left) for until, left in windows if until > now and left]
    return {
        "left": sum(left for _, left in alive),
        "seconds": int(max((until - now for until, _ in alive), default=0)),
    }


def age(db: sqlite3.Connection, openid: str, hours: float) -> None:
    """Move the resident's last interaction to `hours` ago; one who never wrote is taken to have written then."""
    then = time.time() - hours * 3600
    row = resident(db, openid)
    left = row["message_left"] if row["message_until"] else MESSAGE_COUNT
    db.execute(
        "UPDATE residents SET message_until = ?, message_left = ?, event_until = ? WHERE openid = ?",
        (then + MESSAGE_SECONDS, left, min(row["event_until"], then + EVENT_SECONDS), openid),
    )


def set_following(db: sqlite3.Connection, openid: str, *, following: bool, scene: str = "") -> None:
    """Let the resident follow or leave; leaving closes the windows and withdraws the grants."""
    if following:
        db.execute(
            "UPDATE residents SET following = 1, followed_at = ?, scene = ? WHERE openid = ?",
            (int(time.time()), scene, openid),
        )
        return
    db.execute(
        "UPDATE residents SET following = 0, message_until = 0, message_left = 0, event_until = 0, event_left = 0"
        " WHERE openid = ?",
        (openid,),
    )
    db.execute("DELETE FROM grants WHERE openid = ?", (openid,))
