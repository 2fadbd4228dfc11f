"""Text preparation, once, for training and serving alike.

A prepared text is folded to one shape, cut into words, and knows which part of it is a title: `title` of a text
with several lines is its first one, and a text of one line has none.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import opencc
import rjieba

if TYPE_CHECKING:
    import numpy.typing as npt

# Beyond this many characters a text says nothing new about its kind, and time should stay bounded.
MAX_CHARACTERS = 2000
# Stands where a known place was: which place it is says nothing about the kind of matter.
PLACE = "\ue000"
# So often a word of the user dictionary is thought to occur, so that it is kept whole.
TERM_FREQUENCY = 20_000

_CONTROL = (
    *range(1, 9),
    *range(11, 32),
    *range(0x7F, 0xA0),
    *range(0x200B, 0x2010),
    *range(0x2028, 0x202F),
    0xFEFF,
    0xE000,
)
# Stands for what is left out.
_NOTHING = "\1"
# Addresses of pages say nothing, at length.
_ADDRESS = re.compile(r"(?:https?://|www\.)[\x21-\x7e]+")
# Amounts, days and house numbers are one thing; so are phones and what masks them.
_NUMBER = re.compile(r"[0-9*×x]{5,}|[0-9]+(?:\.[0-9]+)?")
_REPEAT = re.compile(r"(.)\1{2,}")
# Characters beyond are as they are: signs of pleasure, rare names.
LAST_CODE = 0x10000
_HAN, _HALVES = range(0x3400, 0xA000), range(0xD800, 0xE000)


@dataclass(frozen=True)
class Prepared:
    """A text in its one shape: the whole of it on one line, and how many characters of it are its title."""

    text: str
    title: int = 0


class Places:
    """Known place names, found longest first; each is replaced by one sign. Names of one character are ignored."""

    def __init__(self, names: tuple[str, ...] = ()) -> None:
        self.names = tuple(sorted({name for name in names if len(name) > 1}))
        self._by_start: dict[str, list[str]] = defaultdict(list)
        for name in sorted(map(fold, self.names), key=len, reverse=True):
            self._by_start[name[:2]].append(name)

    def hide(self, text: str) -> str:
        """Return a folded text with the sign of a place where a known name was."""
        if not self._by_start:
            return text
        parts: list[str] = []
        at, kept = 0, 0
        while at < len(text) - 1:
            names = self._by_start.get(text[at : at + 2], ())
            name = next((name for name in names if text.startswith(name, at)), None)
            if name is None:
                at += 1
                continue
            parts += [text[kept:at], PLACE]
            at = kept = at + len(name)
        return "".join([*parts, text[kept:]])


@cache
def _table() -> npt.NDArray[np.uint32]:
    """Return what each character is folded to; 0 for those that become several, or join what stands before them."""
    signs = "\0".join(chr(code) for code in range(1, LAST_CODE) if code not in _HALVES)
    shaped = unicodedata.normalize("NFKC", signs).lower().split("\0")
    single = [shape if len(shape) == 1 and not unicodedata.combining(shape) else "\0" for shape in shaped]
    single = ["\0", *single[: _HALVES.start - 1], *["?"] * len(_HALVES), *single[_HALVES.start - 1 :]]
    single[_HAN.start : _HAN.stop] = opencc.OpenCC("t2s").convert("".join(single[_HAN.start : _HAN.stop]))
    single[ord("…")] = "."
    for code in _CONTROL:
        single[code] = _NOTHING
    return np.array([ord(sign) for sign in single], dtype=np.uint32)


def fold(text: str) -> str:
    """Return `text` with compatibility forms (NFKC), capitals and traditional characters folded away."""
    codes = np.frombuffer(text.encode("utf-32-le", "replace"), dtype=np.uint32)
    if not len(codes):
        return ""
    folded = _table()[np.minimum(codes, LAST_CODE - 1)]
    if folded.all() and codes.max() < LAST_CODE:
        return folded.tobytes().decode("utf-32-le").replace(_NOTHING, "")
    return "".join(map(_folded, unicodedata.normalize("NFKC", text).lower())).replace(_NOTHING, "").replace("\0", "")


def _folded(sign: str) -> str:
    code = ord(sign)
    return chr(int(_table()[code]) or code) if code < LAST_CODE else sign


def prepare(text: str, places: Places) -> Prepared:
    """Return `text` in its one shape: folded, no web addresses, numbers as 0, places hidden, repeats and spaces cut."""
    text = text[:MAX_CHARACTERS]
    if "http" in text or "www." in text:
        text = _ADDRESS.sub("", text)
    text = places.hide(fold(text).strip())
    text = _REPEAT.sub(r"\1\1", _NUMBER.sub("0", text))
    title, line, rest = text.partition("\n")
    title = " ".join(title.split())
    return Prepared(f"{title} {' '.join(rest.split())}", len(title)) if line else Prepared(title)


class Segmenter:
    """Cuts prepared texts into words by jieba's dictionary (its Rust port) and a user dictionary."""

    def __init__(self, terms: tuple[str, ...] = ()) -> None:
        self.terms = tuple(sorted({term for term in terms if len(term) > 1}))
        self._jieba = rjieba.Jieba()
        for term in map(fold, self.terms):
            self._jieba.add_word(term, TERM_FREQUENCY, "n")

    def cut(self, text: str) -> list[str]:
        """Return the words of a prepared text; joined they are the text again."""
        words: list[str] = self._jieba.cut(text)
        return words


@cache
def segmenter(terms: tuple[str, ...] = ()) -> Segmenter:
    """Return the segmenter with this user dictionary, loaded once per process: a tenth of a second, 30 MB."""
    return Segmenter(terms)
