"""The sandbox's state in one SQLite file, shared by all web processes."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from bot.sandbox.residents import RESIDENTS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bot.sandbox.context import Json

OPEN_TRIES = 50

SCHEMA = """
CREATE TABLE IF NOT EXISTS residents (
    openid TEXT PRIMARY KEY, name TEXT NOT NULL, about TEXT NOT NULL, position INTEGER NOT NULL,
    following INTEGER NOT NULL, followed_at INTEGER NOT NULL, scene TEXT NOT NULL DEFAULT '',
    message_until REAL NOT NULL DEFAULT 0, message_left INTEGER NOT NULL DEFAULT 0,
    event_until REAL NOT NULL DEFAULT 0, event_left INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS tokens (
    token TEXT PRIMARY KEY, kind TEXT NOT NULL, created_at REAL NOT NULL, expires_at REAL NOT NULL,
    revoked_at REAL, forced INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS codes (
    code TEXT PRIMARY KEY, openid TEXT NOT NULL, scope TEXT NOT NULL, expires_at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS media (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, mime TEXT NOT NULL, filename TEXT NOT NULL,
    data BLOB NOT NULL, created_at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT, openid TEXT NOT NULL, side TEXT NOT NULL, kind TEXT NOT NULL,
    body TEXT NOT NULL, client_id TEXT, created_at REAL NOT NULL, UNIQUE (openid, client_id)
);
CREATE TABLE IF NOT EXISTS scenes (
    ticket TEXT PRIMARY KEY, scene TEXT NOT NULL, url TEXT NOT NULL, created_at REAL NOT NULL, expires_at REAL
);
CREATE TABLE IF NOT EXISTS grants (
    openid TEXT NOT NULL, template_id TEXT NOT NULL, remaining INTEGER NOT NULL, PRIMARY KEY (openid, template_id)
);
CREATE TABLE IF NOT EXISTS faults (
    id INTEGER PRIMARY KEY AUTOINCREMENT, path TEXT NOT NULL, errcode INTEGER, http INTEGER,
    delay REAL NOT NULL, times INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS documents (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


class Store:
    """Opens the file for one piece of work at a time; nothing stays open in between, so forking is safe."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._made = False

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """Give a connection to read from."""
        self._make()
        with closing(self._connect()) as db:
            yield db

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Give a connection inside one write transaction; any exception undoes it."""
        with self.read() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
            except BaseException:
                db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._path, isolation_level=None)
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA busy_timeout = 5000")
        db.execute("PRAGMA synchronous = NORMAL")
        return db

    def _make(self) -> None:
        if self._made and self._path.exists():
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with closing(self._connect()) as db:
            _use_wal(db)
            db.executescript(f"BEGIN IMMEDIATE;{SCHEMA}COMMIT;")
            db.executemany(
                "INSERT OR IGNORE INTO residents (openid, name, about, position, following, followed_at)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                [
                    (one.openid, one.name, one.about, position, one.following, int(time.time()))
                    for position, one in enumerate(RESIDENTS)
                ],
            )
        self._made = True


def _use_wal(db: sqlite3.Connection) -> None:
    """Switch the file to WAL; SQLite does not wait for others here, so several tries."""
    for _ in range(OPEN_TRIES):
        try:
            db.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError("the sandbox's file stays locked")


def add_message(
    db: sqlite3.Connection, openid: str, side: str, kind: str, body: Json, client_id: str | None = None
) -> Json:
    """Add a bubble to a resident's chat and return it as the page gets it."""
    cursor = db.execute(
        "INSERT INTO messages (openid, side, kind, body, client_id, created_at) VALUES (?, ?, ?, ?, ?, ?)",
        (openid, side, kind, json.dumps(body, ensure_ascii=False), client_id, time.time()),
    )
    row = db.execute("SELECT * FROM messages WHERE id = ?", (cursor.lastrowid,)).fetchone()
    return message_json(row)


def message_json(row: sqlite3.Row) -> Json:
    """Return a stored bubble as the page gets it; `time` is in seconds since 1970."""
    return {
        "id": row["id"],
        "side": row["side"],
        "kind": row["kind"],
        "client_id": row["client_id"],
        "time": row["created_at"],
        "body": json.loads(row["body"]),
    }


def document(db: sqlite3.Connection, name: str) -> Json | None:
    """Return a stored JSON object, or None."""
    row = db.execute("SELECT value FROM documents WHERE name = ?", (name,)).fetchone()
    return dict(json.loads(row["value"])) if row else None


def keep_document(db: sqlite3.Connection, name: str, value: Json) -> None:
    """Store a JSON object under `name`, in place of an earlier one."""
    db.execute(
        "INSERT OR REPLACE INTO documents (name, value) VALUES (?, ?)", (name, json.dumps(value, ensure_ascii=False))
    )
