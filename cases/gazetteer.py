"""Where known names stand in a text: as they are, in short, by their sound, or mistyped.

Built once for a city. A look-up touches only those names that share a beginning, or the end of what is particular
about them, with the text, so that it takes as long in a large city as in a small one.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import rjieba

from cases.places import KINDS, MINIMUM, core_of
from cases.sounds import partners, sound
from cases.spelling import LONG, SHORTEST, fit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cases.places import Place

EXACT, ALIAS, SHORT, SOUND, TYPO = "exact", "alias", "short", "sound", "typo"
SCORES = {EXACT: 1.0, ALIAS: 1.0, SOUND: 0.9, SHORT: 0.85, TYPO: 0.8}
PER_SLIP = 0.06
ESTATE = "小区"
# Names that begin like so many others are told apart by one character more.
CROWD = 40
# 社区医院 is not 区医院, nor is 超市三中 市三中.
_NOT_THE_DISTRICT = re.compile(r"[社小校园城片厂景地辖郊新老]$|[城超夜早上菜集门都]$")
# 云川市第三中学 is 第三中学 to everybody in 云川, if many names begin so.
_CITY = re.compile(r"^..[市区县](?=..)")
OFTEN = 3
# Who shortens a name says where in it or beside it something is.
_THERE = re.compile(
    r"(?:[这那](?:边|里|儿|头|块|一?[片带]|个小区)|里[面头边]?|院[子里]|门口|[东南西北]门|大门|附近|旁边|对面|楼[下上顶]|后[面头]|前面|隔壁|周边|小区|物业"
    r"|第?[0-9一二三四五六七八九十]+(?:号楼|栋|幢))"
)
_BEFORE = re.compile(r"(?:^|[，。；：、！？,.;:!? \n]|[在到去来从住是们的离家])$")


@dataclass(frozen=True)
class Span:
    """Words of a text that are a name: where, whose places they may mean, how found, how sure (0 to 1).

    `slips`: how many characters are others than the name's, those that sound or look like them by half.
    """

    start: int
    end: int
    name: str
    places: tuple[Place, ...]
    how: str
    score: float
    slips: float = 0

    @property
    def weight(self) -> float:
        """Return how many characters speak for it; the weightier of two that overlap is meant."""
        return (self.end - self.start - self.slips) * self.score


@dataclass(frozen=True)
class _Heard:
    """A name as it sounds: whole, and which sounds it has."""

    name: str
    whole: str
    sounds: frozenset[str]

    def shares(self, heard: str, start: int) -> bool:
        """Say whether enough of the name is heard there for a closer look."""
        forgiven = 2 if len(self.name) >= LONG else 1
        return len(self.sounds.intersection(heard[start : start + len(self.name) + 1])) >= len(self.sounds) - forgiven


class Gazetteer:
    """Finds known places in texts. Each entry is a place with all its names."""

    def __init__(self, entries: Iterable[tuple[Place, Iterable[str]]]) -> None:
        self._by_name: dict[str, list[Place]] = defaultdict(list)
        self._places: list[Place] = []
        for place, names in entries:
            self._places.append(place)
            for name in dict.fromkeys((place.name, *names)):
                if len(name) >= MINIMUM:
                    self._by_name[name].append(place)
        self._starts = _lengths(self._by_name)
        self._short = self._shortened()
        self._short_starts = _lengths(self._short)
        self._index_sounds()

    def names(self, grid_id: int | None, limit: int) -> list[str]:
        """Return so many names of places, those of this grid first, each once."""
        ranked = sorted(self._places, key=lambda place: place.grid_id != grid_id)
        return list(dict.fromkeys(place.name for place in ranked))[:limit]

    def spans(self, text: str) -> list[Span]:
        """Return the names in a tidied text, in its order, none over another."""
        exact = list(self._exact(text))
        found = [*exact, *self._fuzzy(text, exact), *self._abbreviated(text)]
        kept: list[Span] = []
        for span in sorted(found, key=lambda span: (-span.weight, span.start, -len(span.name))):
            if all(span.end <= other.start or other.end <= span.start for other in kept):
                kept.append(span)
        return sorted(kept, key=lambda span: span.start)

    # -- as they are ---------------------------------------------------------------------------------------------

    def _exact(self, text: str) -> Iterator[Span]:
        at = 0
        while at < len(text) - 1:
            name = _longest(text, at, self._starts, self._by_name)
            if not name or _another_district(name, text[:at]):
                at += 1
                continue
            yield self._span(at, at + len(name), name, EXACT)
            at += len(name)

    def _span(self, start: int, end: int, name: str, how: str, slips: float = 0) -> Span:
        places = tuple(self._by_name[name])
        if how == EXACT and places[0].name != name:
            how = ALIAS
        return Span(start, end, places[0].name, places, how, SCORES[how] - PER_SLIP * slips, slips)

    # -- other characters ----------------------------------------------------------------------------------------

    def _index_sounds(self) -> None:
        """Index names by their whole sound, by how they begin, and by how what is particular about them ends."""
        self._sounds: dict[str, list[str]] = defaultdict(list)
        self._heads: dict[str, list[_Heard]] = defaultdict(list)
        self._cores: dict[str, list[tuple[_Heard, int]]] = defaultdict(list)
        for name in self._by_name:
            if len(name) < SHORTEST or name[0] in "市区县":
                continue
            whole, core = sound(name), core_of(name)
            for key in {whole, *_lookalikes(name, whole)}:
                self._sounds[key].append(name)
            if len(name) > SHORTEST:
                known = _Heard(name, whole, frozenset(whole))
                self._heads[whole[:2]].append(known)
                if len(core) > SHORTEST:
                    self._cores[whole[len(core) - 2 : len(core)]].append((known, len(core) - 2))
        for head, crowd in list(self._heads.items()):
            if len(crowd) > CROWD:
                for known in self._heads.pop(head):
                    self._heads[known.whole[:3]].append(known)
        self._sound_starts = _lengths(self._sounds)

    def _fuzzy(self, text: str, exact: list[Span]) -> Iterator[Span]:
        """Find names by sound and with slips, where no exact name is that is as long."""
        covered = {at for span in exact for at in range(span.start, span.end) if span.end - span.start > SHORTEST}
        heard, words = sound(text), _Words(text)
        for at, name in {*self._heard(heard), *self._begun(heard)}:
            if at in covered or _another_district(name, text[:at]):
                continue
            found = fit(name, text, at)
            if found is None or not (found.soft or found.hard) or not words.apart(at, found.end):
                continue
            how = SOUND if heard[at : found.end] == sound(name) else TYPO
            yield self._span(at, found.end, name, how, found.soft / 2 + found.hard)

    def _heard(self, heard: str) -> Iterator[tuple[int, str]]:
        for at in range(len(heard) - 2):
            for length in self._sound_starts.get(heard[at : at + 2], ()):
                for name in self._sounds.get(heard[at : at + length], ()):
                    yield at, name

    def _begun(self, heard: str) -> Iterator[tuple[int, str]]:
        for at in range(len(heard) - 2):
            for known in (*self._heads.get(heard[at : at + 2], ()), *self._heads.get(heard[at : at + 3], ())):
                if known.shares(heard, at):
                    yield at, known.name
            for known, offset in self._cores.get(heard[at : at + 2], ()):
                for start in (at - offset - 1, at - offset, at - offset + 1):
                    if start >= 0 and known.shares(heard, start):
                        yield start, known.name

    # -- in short ------------------------------------------------------------------------------------------------

    def _shortened(self) -> dict[str, list[Place]]:
        """Return what names are shortened to: without their kind, without the city, and all that begin so."""
        short: dict[str, list[Place]] = defaultdict(list)
        seen = Counter(match[0] for name in self._by_name if (match := _CITY.match(name)))
        cities = {city[:2] for city, count in seen.items() if count >= OFTEN}
        for name, places in self._by_name.items():
            local = name[2:] if name[:2] in cities else name
            for each in {core_of(name), local, local[1:] if local[0] in "市区县" else local} - {name}:
                if len(each) >= MINIMUM and each not in self._by_name and each not in KINDS:
                    short[each] += places
        for name, places in self._by_name.items():
            for end in range(MINIMUM, len(name)):
                if name[:end] in short:
                    short[name[:end]] += places
        return {name: list(dict.fromkeys(places)) for name, places in short.items()}

    def _abbreviated(self, text: str) -> Iterator[Span]:
        for at in range(len(text) - 1):
            name = _longest(text, at, self._short_starts, self._short)
            if not name:
                continue
            end = at + len(name)
            places = tuple(self._short[name])
            if text.startswith(ESTATE, end):
                places = tuple(place for place in places if place.kind == ESTATE)
            one = len({place.name for place in places}) == 1
            plain = one and len(name) > SHORTEST
            if places and (plain or _THERE.match(text, end)) and _BEFORE.search(text[max(0, at - 1) : at]):
                yield Span(at, end, places[0].name if one else name, places, SHORT, SCORES[SHORT])


class _Words:
    """Where the words of a text begin and end, looked up only when a doubtful name is found."""

    def __init__(self, text: str) -> None:
        self._text = text

    @cached_property
    def _edges(self) -> frozenset[int]:
        at, edges = 0, {0}
        for word in rjieba.cut(self._text, hmm=False):
            at += len(word)
            edges.add(at)
        return frozenset(edges)

    def apart(self, start: int, end: int) -> bool:
        """Say whether a doubtful name does not cut a word in two: 供人路过 is not 工人路."""
        cut = end not in self._edges and rjieba.has_word(self._text[end - 1 : end + 1])
        return start in self._edges and not (cut and end - start <= SHORTEST)


def _another_district(name: str, before: str) -> bool:
    return name[0] in "区市" and _NOT_THE_DISTRICT.search(before) is not None


def _lengths(names: Iterable[str]) -> dict[str, tuple[int, ...]]:
    """Return, by the first two characters of names, how long these names are, the longest first."""
    lengths: dict[str, set[int]] = defaultdict(set)
    for name in names:
        lengths[name[:2]].add(len(name))
    return {start: tuple(sorted(found, reverse=True)) for start, found in lengths.items()}


def _longest(text: str, at: int, starts: dict[str, tuple[int, ...]], names: dict[str, list[Place]]) -> str:
    for length in starts.get(text[at : at + 2], ()):
        if text[at : at + length] in names:
            return text[at : at + length]
    return ""


def _lookalikes(name: str, whole: str) -> Iterator[str]:
    """Return how a name sounds with one of its characters taken for another of its shape."""
    for at, character in enumerate(name):
        for other in partners(character):
            yield whole[:at] + sound(other) + whole[at + 1 :]
