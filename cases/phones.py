"""Phones' numbers and those of identity papers, as people write them."""

from __future__ import annotations

import re

PHONE = re.compile(r"(?<!\d)(?:(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}|0\d{2,3}[- ]?\d{7,8})(?!\d)")
PAPER, PAPER_SIGN = re.compile(r"(?<!\d)\d{17}[\dXx](?!\d)"), "〔证件号〕"


def plain(number: str) -> str:
    """Return a number as one dials it: digits only, without the country's."""
    digits = re.sub(r"\D", "", number)
    return digits[2:] if digits.startswith("86") and len(digits) == 13 else digits  # noqa: PLR2004 - 86 and a mobile
