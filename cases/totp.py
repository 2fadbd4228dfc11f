"""Codes of the second step: six digits that change every thirty seconds (RFC 6238), and codes for a lost phone."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING

import pyotp

from cases.passwords import READABLE

if TYPE_CHECKING:
    from datetime import datetime

ISSUER = "网格通"
SECONDS = 30
DIGITS = 6
# A phone's clock may be one step early or late.
DRIFT = (0, -1, 1)
RECOVERY = 8
GROUPS, IN_GROUP = 3, 4
# Salt and digest fill the 64 characters of their column; a try takes some thirty milliseconds and 16 MB.
SALT_CHARACTERS, DIGEST_BYTES, COST = 16, 24, 2**14


def new_secret() -> str:
    """Return a secret for a phone, in base 32."""
    return pyotp.random_base32()


def address(secret: str, login: str) -> str:
    """Return what the QR code says: phones read the account's name and the secret from it."""
    return pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name=ISSUER)


def tidy(code: str) -> str:
    """Return a code as it is compared: people type spaces, hyphens and full-width digits."""
    return "".join(each for each in code.translate(_HALF).casefold() if each.isalnum())


def step_of(secret: str, code: str, now: datetime) -> int | None:
    """Return the step whose code this is, of those near now; None for a wrong code."""
    code = tidy(code)
    if len(code) != DIGITS or not (code.isascii() and code.isdigit()):
        return None
    present = int(now.timestamp()) // SECONDS
    clock = pyotp.TOTP(secret, digits=DIGITS, interval=SECONDS)
    steps = [present + drift for drift in DRIFT]
    fits = [step for step in steps if hmac.compare_digest(clock.at(step * SECONDS), code)]
    return fits[0] if fits else None


def recovery_codes() -> list[str]:
    """Return codes that each stand in for the phone once: twelve characters, 59 bits."""
    return ["-".join(_group() for _ in range(GROUPS)) for _ in range(RECOVERY)]


def may_be_recovery(code: str) -> bool:
    """Say whether a code is as long as those for a lost phone: only then is it worth looking up."""
    return len(tidy(code)) == GROUPS * IN_GROUP


def new_salt() -> str:
    """Return what makes one person's digests others than everybody else's."""
    return secrets.token_hex(SALT_CHARACTERS // 2)


def digest_of(salt: str, code: str) -> str:
    """Return what is kept of a recovery code, the salt before it. Slow on purpose: 59 bits could be tried out."""
    slow = hashlib.scrypt(tidy(code).encode(), salt=salt.encode(), n=COST, r=8, p=1, dklen=DIGEST_BYTES)
    return salt + slow.hex()


def salt_of(digest: str) -> str:
    """Return the salt that stands before a digest."""
    return digest[:SALT_CHARACTERS]


def _group() -> str:
    return "".join(secrets.choice(READABLE) for _ in range(IN_GROUP))


_HALF = {0xFF10 + digit: ord("0") + digit for digit in range(10)}
