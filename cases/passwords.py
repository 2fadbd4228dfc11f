"""What a password must be. Every refusal is one plain sentence; nothing here reads or writes anything."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

from pypinyin import Style, lazy_pinyin

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SHORTEST, LONGEST = 10, 128
# Under the rules of classified protection: kinds of characters, former passwords, and how long one may be used.
CLASSES, FORMER, AGE = 3, 5, timedelta(days=90)
# Of a password that only names its owner, the service, a year or a row of keys, so much has to be left.
LEFT = 6
DIFFERENT = 5
# A piece that is shorter than this says nothing about anybody.
PIECE = 3
RUN = 4
OURS = ("wanggetong", "网格通", "wangge", "网格")
ROWS = ("01234567890", "abcdefghijklmnopqrstuvwxyz", "qwertyuiop", "asdfghjkl", "zxcvbnm", "!@#$%^&*()")
COLUMNS = "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p"
ZIGZAG = "1q2w3e4r5t6y7u8i9o0p"
NAMES_OF_CLASSES = ("小写字母", "大写字母", "数字", "符号")

# What is read aloud and typed: no 0 and O, no 1, l and I.
READABLE = "abcdefghjkmnpqrstuvwxyz23456789"

COMMON = "这个密码太常见，别人一猜就中，请换一个。"
REPEATED = "重复的字太多，请换一个。"
DIGITS = "不要只用数字，请加上字母或别的字。"
KEYS = "不要用键盘上连着的键或连着的数字，请换一个。"
OWN = "不要用自己的账号、姓名、电话、单位或“网格通”凑成密码，请换一个。"
SAME = "新密码和现在的一样，请换一个。"
USED = f"最近 {FORMER} 次用过的密码不能再用，请换一个。"


@dataclass(frozen=True)
class Owner:
    """Whose password it is: what others know of them, and so try first."""

    login: str = ""
    name: str = ""
    phone: str = ""
    unit: str = ""


def normal(password: str) -> str:
    """Return a password in the one form in which it is hashed: full width and half width are the same."""
    return unicodedata.normalize("NFKC", password)


def fault(password: str, owner: Owner, *, classified: bool = False) -> str:
    """Return why this password is refused to its owner, in one sentence; empty for one that is good."""
    password = normal(password)
    if len(password) < SHORTEST:
        return f"密码至少 {SHORTEST} 位，现在只有 {len(password)} 位。"
    if len(password) > LONGEST:
        return f"密码最多 {LONGEST} 位。"
    return _guessed(password.casefold(), owner) or (_plain(password) if classified else "")


def _guessed(word: str, owner: Owner) -> str:
    """Return what makes a password easy to guess."""
    if word in _common() or _core(word) in _common():
        return COMMON
    if len(set(word)) < DIFFERENT or word in (word + word)[1:-1]:
        return REPEATED
    if word.isdigit():
        return DIGITS
    less = _without(word, _runs())
    if len(less) < LEFT:
        return KEYS
    own = _without(word, _known_of(owner))
    if own != word and len(re.sub(r"(19|20)\d\d", "", _without(own, _runs()))) < LEFT:
        return OWN
    return ""


def _plain(password: str) -> str:
    """Return which kinds of characters are missing, where three of four have to be there."""
    there = (
        any(each.islower() for each in password),
        any(each.isupper() for each in password),
        any(each.isdigit() for each in password),
        any(not each.isalnum() for each in password),
    )
    if sum(there) >= CLASSES:
        return ""
    missing = "、".join(name for name, found in zip(NAMES_OF_CLASSES, there, strict=True) if not found)
    return f"小写字母、大写字母、数字、符号里至少要有 {CLASSES} 种，现在还没有{missing}。"


@cache
def _common() -> frozenset[str]:
    """Return the passwords that everybody tries, as words and as what people make of them."""
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # noqa: PLC0415 - megabytes that most processes never need

    return frozenset(FREQUENCY_LISTS["passwords"])


def _core(word: str) -> str:
    """Return a password without what people add to a word to make it long enough: `password2024!` is `password`."""
    core = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", word)
    return core if len(core) >= RUN else word


@cache
def _runs() -> tuple[str, ...]:
    """Return all pieces of four keys that follow one another, in both directions."""
    rows = [*ROWS, COLUMNS, ZIGZAG]
    both = [*rows, *(row[::-1] for row in rows)]
    return tuple({row[at : at + RUN] for row in both for at in range(len(row) - RUN + 1)})


def _known_of(owner: Owner) -> list[str]:
    """Return the pieces that are known of an owner, the longest first."""
    pieces = {piece.casefold() for piece in (*OURS, *_pieces(owner)) if len(piece) >= _least(piece)}
    return sorted(pieces, key=lambda piece: (-len(piece), piece))


def _least(piece: str) -> int:
    return PIECE if piece.isascii() else PIECE - 1


def _pieces(owner: Owner) -> Iterator[str]:
    yield from (owner.login, re.sub(r"[\W\d_]+$", "", owner.login), owner.phone, owner.phone[-8:], owner.phone[-6:])
    for words in (owner.name, owner.unit):
        sounds = lazy_pinyin(words, style=Style.NORMAL)
        yield from (words, "".join(sounds), "".join(sound[:1] for sound in sounds))
        yield "".join((*sounds[1:], *sounds[:1]))


def _without(word: str, pieces: Iterable[str]) -> str:
    """Return what is left of a word when these pieces are taken out, wherever they stand."""
    gone = [False] * len(word)
    for piece in pieces:
        at = word.find(piece)
        while at >= 0:
            gone[at : at + len(piece)] = [True] * len(piece)
            at = word.find(piece, at + 1)
    return "".join(each for each, taken in zip(word, gone, strict=True) if not taken)
