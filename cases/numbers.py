"""Case numbers: short, easy to say on the phone, and a slip of one digit or a swap is noticed."""

from __future__ import annotations

import re

from stdnum import damm
from stdnum.exceptions import ValidationError

FIRST = 10_000
LONGEST = 9  # digits: a million cases a year for ninety years; phone numbers are longer
_NUMBER = re.compile(r"(?<![\d-])\d{3,4}[ -]?\d{3,5}(?![\d-])")


def number_of(case_id: int) -> str:
    """Return the number of the case with this id: at least five digits and a Damm check digit."""
    body = str(FIRST + case_id)
    return body + damm.calc_check_digit(body)


def case_id_of(number: str) -> int | None:
    """Return the id behind a number, spaces and dashes allowed, or None if it is no case number."""
    digits = re.sub(r"[\s-]", "", number)
    if not digits.isascii() or not digits.isdigit() or not 1 < len(digits) <= LONGEST:
        return None
    try:
        damm.validate(digits)
    except ValidationError:
        return None
    case_id = int(digits[:-1]) - FIRST
    return case_id if case_id > 0 and number_of(case_id) == digits else None


def spoken(number: str) -> str:
    """Return the number in two groups, as one reads it aloud: 100 018."""
    return f"{number[:-3]} {number[-3:]}"


def find_numbers(text: str) -> list[str]:
    """Return what looks like case numbers in a resident's words, valid or not, digits only."""
    return [re.sub(r"[ -]", "", found) for found in _NUMBER.findall(text)]
