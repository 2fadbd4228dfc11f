"""Text preparation, once, for training and serving alike."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

import jieba

if TYPE_CHECKING:
    from collections.abc import Iterable

# Beyond this many characters a text says nothing new about its kind, and time should stay bounded.
MAX_CHARACTERS = 2000

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\ufeff]")
_NUMBER = re.compile(r"[0-9*×]{5,}|[0-9]+(?:\.[0-9]+)?")
_REPEAT = re.compile(r"(.)\1{2,}")
_SPACE = re.compile(r"\s+")


def prepare(text: str) -> str:
    """Return `text` folded to one shape: NFKC, lower case, numbers as 0, repeats cut, spaces collapsed."""
    text = unicodedata.normalize("NFKC", text[:MAX_CHARACTERS]).lower()
    text = _CONTROL.sub("", text)
    text = _NUMBER.sub("0", text)
    text = _REPEAT.sub(r"\1\1", text)
    return _SPACE.sub(" ", text).strip()


@cache
def tokenizer() -> jieba.Tokenizer:
    """Return the segmenter, loaded once per process: about a second and 90 MB, so do it before forking."""
    jieba.setLogLevel("WARNING")
    segmenter = jieba.Tokenizer()
    segmenter.cache_file = None
    segmenter.initialize()
    return segmenter


def words(prepared: str) -> list[str]:
    """Return the single words and adjacent pairs of a prepared text."""
    single = [word for word in tokenizer().cut(prepared) if not word.isspace()]
    return single + [f"{first} {second}" for first, second in pairwise(single)]


def short_runs(prepared: str) -> list[str]:
    """Return the runs of 1 and 2 characters of a prepared text: what carries the shortest messages."""
    return _runs(prepared, (1, 2))


def long_runs(prepared: str) -> list[str]:
    """Return the runs of 3 and 4 characters of a prepared text."""
    return _runs(prepared, (3, 4))


def _runs(prepared: str, sizes: tuple[int, ...]) -> list[str]:
    return [prepared[at : at + size] for size in sizes for at in range(len(prepared) - size + 1)]


def prepare_all(texts: Iterable[str]) -> list[str]:
    """Return each text prepared."""
    return [prepare(text) for text in texts]
