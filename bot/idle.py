"""Idle lines: chat and orders to a phone's assistant, told from matters for the city.

The words stand in `idle.txt`. Plain orders need no model. Everything else is talk only where words and model agree: who
names a matter for the city is never idle, whatever the model says, because to lose a report is the worst error.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from bot.patterns import sections

if TYPE_CHECKING:
    from collections.abc import Mapping

_PATTERNS = sections(Path(__file__).with_suffix(".txt"))
_ORDER, _WHOLE, _TOPIC, _TROUBLE, _MATTER, _HINT, _WHERE, _GRIEVANCE = (
    _PATTERNS[name] for name in ("order", "whole", "topic", "trouble", "matter", "hint", "where", "grievance")
)
# What is said before an order: please, I want, interjections.
_BEFORE = re.compile(
    r"^(?:请问?|麻烦[你您]?|拜托|帮忙|[帮给替]我|帮|能不能|可不可以|可以|能|你好|您好|那个?|嗯+|[啊哦哎唉喂]|我[要想]"
    r"|我们?想要?|再|快|就|先|随便|[，, ])+"
)
# Longer lines are no orders, and what they touch on is not what they are about.
ORDER, TOPIC = 48, 24
# What the model's labels say: that something is told or asked of the city, or that it is talk or no concern of hers.
TOLD = ("report", "complain", "consult", "add", "new", "join")
TALKED = ("chat", "greeting", "nod", "thanks", "elsewhere", "help")
# Below this share of what is told a line is talk: short or long, with a word of a matter, one that may be, or none.
SHORT = 16
NO_WORD, NO_WORD_LONG, A_HINT, A_HINT_LONG, A_WORD = 0.6, 0.35, 0.35, 0.05, 0.01
# The share for a short line in which the model of matters finds no kind, and below which probability it finds none.
NO_KIND, KIND = 0.95, 0.5


def is_order(line: str) -> bool:
    """Say whether a line plainly is an order or a question to a phone's assistant."""
    if len(line) > ORDER or _TROUBLE.search(line):
        return False
    bare = _BEFORE.sub("", line)
    if _ORDER.fullmatch(line) or _ORDER.fullmatch(bare):
        return True
    return not _MATTER.search(bare) and bool(_WHOLE.fullmatch(line) or _WHOLE.fullmatch(bare))


def is_talk(line: str, chances: Mapping[str, float], kind: float = 1.0) -> bool:
    """Say whether a line is nothing but talk, by its words and the models together.

    `chances`: the intent model's; `kind`: how probable the likeliest kind of matter is.
    """
    told = sum(chances.get(label, 0.0) for label in TOLD)
    talked = sum(chances.get(label, 0.0) for label in TALKED)
    if not told + talked:
        return False
    return told / (told + talked) < _most(line, kind)


def _most(line: str, kind: float) -> float:
    """Return the share of what is told below which a line is talk."""
    short = len(line) <= SHORT
    if matters(line) > 1:
        return A_WORD if short and kind < KIND else 0.0
    if matters(line) and not touches_talk(line):
        return A_HINT if short else A_HINT_LONG
    if not short:
        return NO_WORD_LONG
    return NO_KIND if kind < KIND else NO_WORD


def touches_talk(line: str) -> bool:
    """Say whether a short line touches on what people chat about, and on no trouble."""
    return len(line) <= TOPIC and bool(_TOPIC.search(line)) and not _TROUBLE.search(line) and not _MATTER.search(line)


def matters(line: str) -> int:
    """Say how much a line speaks of a matter for the city: 2 plainly, 1 perhaps, 0 with no word of it."""
    if _MATTER.search(line) or (_WHERE.search(line) and not touches_talk(line)):
        return 2
    return 1 if _HINT.search(line) else 0


def is_grievance(line: str) -> bool:
    """Say whether a question complains, so that no guide answers it."""
    return _GRIEVANCE.search(line) is not None
