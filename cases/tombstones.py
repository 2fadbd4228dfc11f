"""The file of who was forgotten. It lies beside the database, so that restoring an older one does not take it away.

Only added to, a line of JSON each: `{"key": id, "sealed": …}`, a key that digests are made with, sealed with the data
key; and `{"who": digest, "at": …, "key": id}`, a resident who was forgotten. Without the data key it tells nothing.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from cases.vault import SealError, digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from cases.storage import Book
    from cases.vault import Vault

KEY_NAME = 12


@dataclass(frozen=True)
class Stones:
    """Who was forgotten and when, by what tells them: for each key the digests with their newest moment."""

    by_key: Mapping[str, Mapping[str, datetime]]

    def when(self, known_by: str) -> datetime | None:
        """Return when whoever is known by this (account and openid) was forgotten last, or None."""
        found = [stones.get(digest(key, known_by)) for key, stones in self.by_key.items()]
        return max((at for at in found if at is not None), default=None)

    @property
    def count(self) -> int:
        """How many people are in it."""
        return sum(len(stones) for stones in self.by_key.values())


class Tombstones:
    """The file at `path`, with its keys sealed by `vault`."""

    def __init__(self, path: Path, vault: Vault) -> None:
        self._path, self._vault = path, vault

    def keep(self, book: Book) -> int:
        """Add to the file what the table has and it has not, and return how many; also a key that was sealed anew."""
        rows = book.erasures()
        if not rows and not self._path.exists():
            return 0
        key = book.index_key()
        name = _name(key)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "a+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            known = [json.loads(line) for line in file]
            there = {(line["who"], line["at"]) for line in known if "who" in line and line["key"] == name}
            stones = [{"who": who, "at": at.isoformat(), "key": name} for who, at in rows]
            fresh = [stone for stone in stones if (stone["who"], stone["at"]) not in there]
            _append(file, [*self._unsealed(known, name, key), *fresh])
        return len(fresh)

    def read(self) -> Stones:
        """Return who was forgotten. Raises SealError when a key in the file was sealed with an unknown data key."""
        lines = [json.loads(line) for line in self._path.open(encoding="utf-8")] if self._path.exists() else []
        keys = {name: self._key(lines, name) for name in dict.fromkeys(line["key"] for line in lines)}
        found: dict[str, dict[str, datetime]] = {key: {} for key in keys.values()}
        for line in lines:
            if "who" in line:
                stones, at = found[keys[line["key"]]], datetime.fromisoformat(line["at"])
                stones[line["who"]] = max(at, stones.get(line["who"], at))
        return Stones(found)

    def _key(self, lines: Iterable[Mapping[str, Any]], name: str) -> str:
        sealed = [line["sealed"] for line in lines if line["key"] == name and "sealed" in line]
        key = next(filter(None, (self._vault.open(each) for each in reversed(sealed))), "")
        if not key:
            raise SealError(f"{self._path.name} 用现在的密钥打不开：请检查 DATA_KEY、DATA_KEYS_PREVIOUS。")
        return key

    def _unsealed(self, lines: Iterable[Mapping[str, Any]], name: str, key: str) -> list[dict[str, str]]:
        """Return the lines for keys that are not in the file yet, or not sealed with the newest data key."""
        sealed: dict[str, str] = {line["key"]: line["sealed"] for line in lines if "sealed" in line}
        old = {each: self._key(lines, each) for each, text in sealed.items() if self._is_old(text)}
        wanted = old if name in sealed else {**old, name: key}
        return [{"key": each, "sealed": self._vault.seal(found)} for each, found in wanted.items()]

    def _is_old(self, sealed: str) -> bool:
        try:
            return self._vault.renewed(sealed) is not None
        except SealError:
            return True


def _name(key: str) -> str:
    return hashlib.sha256(bytes.fromhex(key)).hexdigest()[:KEY_NAME]


def _append(file: Any, lines: Iterable[Mapping[str, str]]) -> None:  # noqa: ANN401 - an open file
    """Write lines, whole and on the disk before anything else is done."""
    file.write("".join(json.dumps(line) + "\n" for line in lines))
    file.flush()
    os.fsync(file.fileno())
