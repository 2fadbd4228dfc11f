"""Secrets that have to be read again, such as a phone's: sealed with a key that comes from SECRET_KEY."""

from __future__ import annotations

import base64

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32


class Vault:
    """Seals and opens texts. What was sealed with another key cannot be opened."""

    def __init__(self, key: str) -> None:
        derived = HKDF(SHA256(), KEY_BYTES, salt=None, info=b"wanggetong second step").derive(key.encode())
        self._box = Fernet(base64.urlsafe_b64encode(derived))

    def seal(self, text: str) -> str:
        """Return a text so that only this vault can read it."""
        return self._box.encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str:
        """Return what was sealed; empty for what was sealed with another key, or by nobody."""
        try:
            return self._box.decrypt(sealed.encode()).decode()
        except InvalidToken:
            return ""
