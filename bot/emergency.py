"""Danger to life, heard in a resident's words whatever the classifiers think of them.

The patterns in `emergency.txt` say what danger looks like and what only sounds like it: figures of speech, what is
over, feared, practised or asked about. They suffice alone; a small model (`guess`) adds what nobody foresaw. In doubt
it is danger: a false alarm costs a look, a missed fire a life.
"""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path

from bot.patterns import sections


class Danger(StrEnum):
    """What kind of help is needed at once; the order counts: the first that fits is the one to act on."""

    SELF_HARM = "self_harm"
    GAS = "gas"
    ELECTRICITY = "electricity"
    FIRE = "fire"
    MASS = "mass"
    VIOLENCE = "violence"
    DROWNING = "drowning"
    TRAPPED = "trapped"
    COLLAPSE = "collapse"
    MISSING = "missing"
    MEDICAL = "medical"


# From this probability on the model's word for danger counts; more where the words sound calm. Patterns that fit count
# by themselves, unless the model finds next to nothing in the words.
SURE, SURE_THOUGH_CALM, NOTHING_IN_IT = 0.15, 0.8, 0.01
# Fewer characters than this tell the model nothing.
TELLING = 8
# What is typed or heard for something else; a space between characters is a pause.
_SLIPS = tuple(
    (re.compile(slip), meant)
    for slip, meant in (
        (r"([着起失救])[伙货夥]", r"\1火"),
        (r"[煤媒霉]汽|[媒霉]气|没气(?=味|漏|泄)|天燃气", "煤气"),
        (r"泄[露落]", "泄漏"),
        (r"电[提剃]|𨋢", "电梯"),
        (r"触[店點]", "触电"),
        (r"落[睡税]", "落水"),
        (r"[踏榻]方", "塌方"),
        (r"(房子?|楼|墙|屋|顶|棚)踏", r"\1塌"),
        (r"[晕昏]道", "晕倒"),
        (r"家爆", "家暴"),
        (r"[救就][名明]|就命", "救命"),
        (r"不想火了", "不想活了"),
        (r"[畀俾]|遭(?=电|人)|叫(?=电打|人打|点着)", "被"),
        (r"[唔勿]", "不"),
        (r"[咗喇咧嘞勒哉]", "了"),
        (r"冇", "没"),
        (r"(?<=[一-鿿]) (?=[一-鿿])", "，"),
    )
)
_PATTERNS = sections(Path(__file__).with_suffix(".txt"))
_FIGURES, _CALM, _NOW = (_PATTERNS[name] for name in ("figures", "calm", "now"))


def plain(text: str) -> str:
    """Return a text without slips and figures of speech: what the patterns and the model look at."""
    for slip, meant in _SLIPS:
        text = slip.sub(meant, text)
    return _FIGURES.sub("", text)


def happens_now(text: str) -> bool:
    """Say whether a text speaks of what happens now."""
    return _NOW.search(text) is not None


def danger_in(text: str, guess: tuple[str, float] | None = None) -> Danger | None:
    """Return the present danger that a text speaks of, or None. `guess`: the model's kind, and how surely it is any."""
    words = plain(text)
    calm = _CALM.search(words) is not None and _NOW.search(words) is None
    found = None if calm else next((danger for danger in Danger if _PATTERNS[danger].search(words)), None)
    if guess is None:
        return found
    kind, probability = guess
    if found is not None:
        return found if probability >= NOTHING_IN_IT else None
    enough = probability >= (SURE_THOUGH_CALM if calm else SURE) and len(words) >= TELLING
    return Danger(kind) if enough else None
