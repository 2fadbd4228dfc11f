"""What has to be read again and by nobody else: sealed with the data key; what has only to be found again: digests.

Sealing is Fernet (AES-128-CBC and HMAC-SHA256), each time with other bytes. A digest is HMAC-SHA256 under a key of its
own that is made once and never changed (`cases.storage.sealed`): it tells whether two values are the same, no more.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32


class SealError(LookupError):
    """Something cannot be read with the keys that are set; the message names the setting and no value."""


class Vault:
    """Seals texts with the first key, and opens what was sealed with any of them."""

    def __init__(self, key: str, *previous: str) -> None:
        boxes = [Fernet(_derived(each)) for each in (key, *previous)]
        self._newest, self._all = boxes[0], MultiFernet(boxes)

    def seal(self, text: str) -> str:
        """Return a text so that only this vault can read it."""
        return self._newest.encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str:
        """Return what was sealed; empty for what was sealed with another key, or by nobody."""
        try:
            return self._all.decrypt(sealed.encode()).decode()
        except InvalidToken:
            return ""

    def read(self, sealed: str) -> str:
        """Return what was sealed. Raises SealError for what was sealed with another key, or by nobody."""
        try:
            return self._all.decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise SealError("有数据用现在的密钥打不开：请检查 DATA_KEY、DATA_KEYS_PREVIOUS。") from None

    def renewed(self, sealed: str) -> str | None:
        """Return the same, sealed with the first key; None when it is already. Raises SealError."""
        try:
            self._newest.decrypt(sealed.encode())
        except InvalidToken:
            return self.seal(self.read(sealed))
        return None


def new_key() -> str:
    """Return a key to make digests with."""
    return secrets.token_hex(KEY_BYTES)


def digest(key: str, text: str) -> str:
    """Return what stands for a text where it has to be found again, and cannot be read."""
    return hmac.new(bytes.fromhex(key), text.encode(), hashlib.sha256).hexdigest()


def _derived(key: str) -> bytes:
    # The words are those of the first thing that was sealed; other words would close all that is there.
    derived = HKDF(SHA256(), KEY_BYTES, salt=None, info=b"wanggetong second step").derive(key.encode())
    return base64.urlsafe_b64encode(derived)
