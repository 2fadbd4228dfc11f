"""Places in a resident's words: known names and house numbers, to the grid they lie in."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_DIGITS = "零一二三四五六七八九"
_NUMBER = re.compile(r"\s*(?:第)?([0-9]{1,4}|[零一二两三四五六七八九十百]{1,5})\s*(号楼|栋|幢|座|号|#)")
_RANGE = re.compile(r"(\d+)-(\d+)(栋|号)")
# What a number may count: a building is a building, whatever the estate calls it, a street number is something else;
# 128号楼下 is number 128 and its downstairs, 3号 in an estate is building 3.
_COUNTED = {"号楼": ("栋", "号"), "栋": ("栋",), "幢": ("栋",), "座": ("栋",), "#": ("栋",), "号": ("号", "栋")}
MINIMUM = 2


@dataclass(frozen=True)
class Place:
    """A named place, or the part of it whose house numbers lie in `numbers` (low, high, 栋 or 号)."""

    name: str
    kind: str
    grid_id: int
    numbers: tuple[int, int, str] | None
    lon: float
    lat: float


@dataclass(frozen=True)
class Mention:
    """A place that a text names. `place` is None when its number is needed to tell the grid."""

    words: str
    name: str
    place: Place | None


def parse_numbers(text: str) -> tuple[int, int, str] | None:
    """Return a range such as `1-8栋` as (1, 8, "栋"), None for an empty text. Raises ValueError."""
    if not text.strip():
        return None
    match = _RANGE.fullmatch(text.strip())
    if not match or int(match[1]) > int(match[2]):
        raise ValueError(f"号段 {text!r} 应写成 1-8栋 或 1-99号")
    return int(match[1]), int(match[2]), match[3]


def house_number(text: str) -> str:
    """Return the first house number in a text, as it stands there (128号, 三栋), or an empty string."""
    found = _NUMBER.search(text)
    return found[0].strip() if found else ""


def chinese_number(text: str) -> int:
    """Return a number written in digits or in Chinese up to 999: 12, 十二, 一百零三."""
    if text.isdigit():
        return int(text)
    total, digit = 0, 0
    for character in text.replace("两", "二"):
        if character == "百":
            total, digit = total + (digit or 1) * 100, 0
        elif character == "十":
            total, digit = total + (digit or 1) * 10, 0
        else:
            digit = _DIGITS.index(character)
    return total + digit


class Gazetteer:
    """Finds known places in texts. Each entry is a place with all its names."""

    def __init__(self, entries: Iterable[tuple[Place, Iterable[str]]]) -> None:
        self._by_name: dict[str, list[Place]] = defaultdict(list)
        self._places: list[Place] = []
        for place, names in entries:
            self._places.append(place)
            for name in {place.name, *names}:
                if len(name) >= MINIMUM:
                    self._by_name[name].append(place)
        self._lengths = sorted({len(name) for name in self._by_name}, reverse=True)

    def names(self, grid_id: int | None, limit: int) -> list[str]:
        """Return so many names of places, those of this grid first, each once."""
        ranked = sorted(self._places, key=lambda place: place.grid_id != grid_id)
        return list(dict.fromkeys(place.name for place in ranked))[:limit]

    def mentions(self, text: str) -> list[Mention]:
        """Return the places that `text` names, longest names first at each spot, in the order of the text."""
        found: list[Mention] = []
        at = 0
        while at < len(text):
            name = next((text[at : at + n] for n in self._lengths if text[at : at + n] in self._by_name), None)
            if name is None:
                at += 1
                continue
            found.append(self._mention(name, text[at + len(name) :]))
            at += len(name)
        return found

    def best(self, text: str) -> Mention | None:
        """Return the mention that tells most: one with a grid before one without, an estate before a road."""
        ranked = sorted(
            self.mentions(text),
            key=lambda mention: (
                mention.place is None,
                mention.place is not None and mention.place.kind == "道路" and mention.words == mention.name,
                -len(mention.words),
            ),
        )
        return ranked[0] if ranked else None

    def _mention(self, name: str, rest: str) -> Mention:
        places = self._by_name[name]
        number = _NUMBER.match(rest)
        words = name + (number[0].strip() if number else "")
        for counted in _COUNTED[number[2]] if number else ():
            for place in places:
                if number and _covers(place, chinese_number(number[1]), counted):
                    exact = words.removesuffix("楼") if counted == "号" else words
                    return Mention(exact, place.name, place)
        whole = [place for place in places if place.numbers is None]
        if whole or len({place.grid_id for place in places}) == 1:
            return Mention(words, places[0].name, (whole or places)[0])
        return Mention(words, places[0].name, None)


def _covers(place: Place, value: int, counted: str) -> bool:
    if place.numbers is None:
        return False
    low, high, unit = place.numbers
    return unit == counted and low <= value <= high
