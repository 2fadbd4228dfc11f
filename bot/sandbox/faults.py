"""Faults on order: the next calls to a path fail as asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.sandbox.context import number, text

if TYPE_CHECKING:
    from bot.sandbox.context import Json
    from bot.sandbox.store import Store

LONGEST_DELAY = 30.0
MOST = 10_000
HTTP_STATUS = range(400, 600)


def _name(path: str) -> str:
    return path.strip("/").removeprefix("cgi-bin/")


def order(store: Store, wish: Json) -> str | None:
    """Note a fault, or clear all with {"clear": true}; return what is wrong with the wish, if anything."""
    if wish.get("clear") is True:
        with store.write() as db:
            db.execute("DELETE FROM faults")
        return None
    path, times = _name(text(wish, "path")), number(wish, "times")
    errcode, http, delay = (number(wish, name) for name in ("errcode", "http", "delay"))
    if not path or (errcode is None and http is None and delay is None):
        return "需要 path，以及 errcode、http、delay 之一"
    if http is not None and int(http) not in HTTP_STATUS:
        return "http 应在 400 到 599 之间"
    limited = min(max(delay or 0.0, 0.0), LONGEST_DELAY)
    count = 1 if times is None else int(min(max(times, 1), MOST))
    with store.write() as db:
        db.execute(
            "INSERT INTO faults (path, errcode, http, delay, times) VALUES (?, ?, ?, ?, ?)",
            (path, errcode, http, limited, count),
        )
    return None


def take(store: Store, path: str) -> dict[str, Any] | None:
    """Return the fault that this call to `path` shall have, and count it."""
    name = _name(path)
    with store.read() as db:
        if db.execute("SELECT 1 FROM faults WHERE path = ?", (name,)).fetchone() is None:
            return None
    with store.write() as db:
        row = db.execute("SELECT * FROM faults WHERE path = ? ORDER BY id LIMIT 1", (name,)).fetchone()
        if row is None:
            return None
        db.execute("UPDATE faults SET times = times - 1 WHERE id = ?", (row["id"],))
        db.execute("DELETE FROM faults WHERE times <= 0")
    return dict(row)
