"""All texts of the bot in one catalogue: the words that ship, and those that the administrator has put in their stead.

A text is known by its key: the name in `bot.phrases` (`OPENED`), with the part where there are several
(`DANGERS.fire`), and the notices of `cases.words` (`NOTICES.result`). `use` puts the changed words to work.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from string import Formatter
from typing import TYPE_CHECKING

from bot import phrases
from cases import words

if TYPE_CHECKING:
    from collections.abc import Mapping

# What fits into one passive reply together with what stands around it.
MOST_BYTES = 1200
# What a text may not lose: without them the resident could not go on.
ESSENTIAL = frozenset({"number", "choices", "lines", "text", "parts", "address", "state"})
SHARED = ("ABOUT", "FOLLOWED", "NOTICES", "FOLLOWERS_NOTICES")
GROUPS = {
    "DANGERS": "危险时",
    "ABOUT": "通知",
    "NOTICES": "通知",
    "FOLLOWED": "给关注的邻居",
    "FOLLOWERS_NOTICES": "给关注的邻居",
}
OTHER_GROUP = "对话"
_CHOICE = re.compile(r"^回复 (\d) ", re.MULTILINE)
_CALL = re.compile(r"(?<!\d)1[12]\d(?!\d)")


@dataclass(frozen=True)
class Text:
    """One text: the words that ship, and the variables that they have."""

    key: str
    group: str
    shipped: str
    variables: tuple[str, ...]


def _variables(text: str) -> tuple[str, ...]:
    """Return the names in braces, each once. Raises ValueError for braces that do not fit, or hold more than a name."""
    fields = [(name, more, conversion) for _, name, more, conversion in Formatter().parse(text) if name is not None]
    if any(more or conversion for _, more, conversion in fields):
        raise ValueError("only names stand in braces")
    return tuple(dict.fromkeys(name for name, _, _ in fields))


def _collect() -> dict[str, Text]:
    """Read the shipped texts from their modules, once, before any is changed."""
    found: dict[str, Text] = {}
    sources = [(name, value) for name, value in vars(phrases).items() if name.isupper()]
    sources += [(name, getattr(words, name)) for name in SHARED]
    for name, value in sources:
        parts = {f"{name}.{part}": text for part, text in value.items()} if isinstance(value, dict) else {name: value}
        for key, text in parts.items():
            found[key] = Text(key, GROUPS.get(name, OTHER_GROUP), text, _variables(text))
    return found


TEXTS = _collect()


def fault(key: str, text: str) -> str:
    """Return why these words cannot stand in the stead of the shipped ones, or an empty string."""
    shipped = TEXTS[key]
    try:
        given = _variables(text)
    except ValueError:
        return "花括号要成对，里面只写变量名。"
    strange = [name for name in given if name not in shipped.variables]
    lost = [name for name in shipped.variables if name in ESSENTIAL and name not in given]
    if not text.strip():
        return "不能是空的；想用回原来的，点“用回原文”。"
    if strange:
        return f"没有 {{{strange[0]}}} 这个变量。"
    if lost:
        return f"{{{lost[0]}}} 不能少。"
    if _CHOICE.findall(text) != _CHOICE.findall(shipped.shipped):
        return "“回复 1 ……”这样的选项要一行一个，数字照旧。"
    if shipped.group == GROUPS["DANGERS"] and not set(_CALL.findall(shipped.shipped)) <= set(_CALL.findall(text)):
        return "要打的电话号码一个也不能少。"
    return "写得太长了。" if len(text.encode()) > MOST_BYTES else ""


def use(changes: Mapping[str, str]) -> None:
    """Put these words to work in this process, for all other keys the shipped ones; a faulty text is left out."""
    for key, text in TEXTS.items():
        changed = changes.get(key)
        now = changed if changed is not None and not fault(key, changed) else text.shipped
        name, _, part = key.partition(".")
        module = words if name in SHARED else phrases
        if part:
            getattr(module, name)[part] = now
        else:
            setattr(module, name, now)
