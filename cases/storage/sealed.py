"""Column types of what tells who somebody is: sealed, or only a digest by which it is found again.

The engine's dialect carries the keys, so that no table, query or use case has to know of them. The key of the digests
is one for ever: made by the migration, kept sealed in `meta`. So digests, and what refers to them, outlast every
change of the data key.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import String, Text, TypeDecorator, text
from sqlalchemy.exc import DontWrapMixin

from cases.vault import SealError, Vault, digest

if TYPE_CHECKING:
    from sqlalchemy import Dialect, Engine

# The key of the digests, sealed, in `meta`.
INDEX_KEY = "index_key"
DIGEST = 64


class WrongKeyError(SealError, DontWrapMixin):
    """The data key is not this database's. SQLAlchemy lets this through as it is."""


class Keys:
    """The keys of one engine: the vault, and the key of the digests, read from the database at its first use."""

    def __init__(self, vault: Vault, engine: Engine) -> None:
        self.vault = vault
        self._engine = engine
        self._index_key = ""

    def digest(self, value: str) -> str:
        """Return what a value is found by. Raises SealError when the data key is another database's."""
        if not self._index_key:
            try:
                self._index_key = self.vault.read(self._sealed())
            except SealError as error:
                raise WrongKeyError(str(error)) from None
        return digest(self._index_key, value)

    def _sealed(self) -> str:
        with self._engine.execution_options(reading=True).connect() as connection:
            found = connection.scalar(text("SELECT value FROM meta WHERE key = :key"), {"key": INDEX_KEY})
        if found is None:
            raise SealError("数据库还没有升级：先运行 flask --app web init-db。")
        return str(found)


def lend(engine: Engine, vault: Vault) -> None:
    """Give an engine the keys that its columns are sealed with."""
    engine.dialect.wanggetong_keys = Keys(vault, engine)  # type: ignore[attr-defined]


def keys_of(dialect: Dialect) -> Keys:
    """Return the keys that an engine was given."""
    found: Keys = dialect.wanggetong_keys  # type: ignore[attr-defined]
    return found


class Sealed(TypeDecorator[str]):
    """A text that only the vault can read. An empty one says nothing of anybody, and stays empty."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Seal a text."""
        return keys_of(dialect).vault.seal(value) if value else value

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        """Open a text."""
        return keys_of(dialect).vault.read(value) if value else value


class SealedFields(TypeDecorator[dict[str, Any]]):
    """Named values that only the vault can read."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: dict[str, Any] | None, dialect: Dialect) -> str | None:
        """Seal the values; none at all stay empty."""
        return keys_of(dialect).vault.seal(json.dumps(value, ensure_ascii=False)) if value else ""

    def process_result_value(self, value: str | None, dialect: Dialect) -> dict[str, Any]:
        """Open the values."""
        found: dict[str, Any] = json.loads(keys_of(dialect).vault.read(value)) if value else {}
        return found


class Found(TypeDecorator[str]):
    """A digest. What is written, or compared with it, is the value itself; what is read is the digest."""

    impl = String(DIGEST)
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Return the digest of a value."""
        return keys_of(dialect).digest(value) if value is not None else None
