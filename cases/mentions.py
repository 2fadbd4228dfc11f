"""Which place a text is about: of all names in it the one where the matter is, with its house number.

Somebody who lives in one place writes about another; one place is said to lie beside a second; a road needs its
number, an estate that spans grids its building. What cannot be told stays open, with all that it may be.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import pairwise, product
from typing import TYPE_CHECKING

from cases.gazetteer import SHORT, SOUND, TYPO
from cases.geo import metres
from cases.places import number_at, numbers_in
from cases.sounds import tidy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cases.gazetteer import Gazetteer, Span
    from cases.places import Number, Place

ROAD = "道路"
LONGEST_TEXT = 1000
# What stands between a name and its number: 翠湖小区里面的12栋, 柳荫苑，16栋.
_GAP = re.compile(r"(?:小区|社区)?(?:里面?|里头|内|院内|那边|这边|那里|这里|家属院)?[的，,、：: ]?")
_AND = re.compile(r"[与和跟到至及、，,~—-]?")
_BETWEEN = re.compile(r"的?(?:之间|中间|交界|当中|夹)")
_BESIDE = re.compile(
    r"[的，, ]?(?P<words>斜?对[面过]|斜对过|(?:旁|侧|路|江|河|湖)?边上?|旁边?|附近|周[边围]|隔壁|跟前|口子上"
    r"|[后前外下][面头边方]|大?门[口前]|大门|[东南西北前后正侧]门[口外]?|[东南西北]{1,2}[侧边面头]"
    r"|[往向朝][东南西北前后]{1,2}[边面走]*(?:[大约0-9一二两三四五六七八九十百几来多]+(?:米|步|分钟|公里))?"
    r"|楼[下后前]|[桥村路巷街]口)"
)
# Inside or at the door it is the place itself.
_AT = re.compile(r"门[口前]|大门|楼下|[东南西北前后正侧]门|下面|前面|跟前|口")
_OF = re.compile(r"[的 ]?")
_CROSSING = re.compile(r"(?:的|那个)?(?:(?:十字|丁字|三岔|交叉|岔)?路?口|交[汇叉界接](?:处|点)?|拐角|转角)")
_ROADS_MEET = re.compile(r"[与和跟及、，, /]?")
# Who lives, works or comes from there speaks of somewhere else, if somewhere else is named.
_ELSEWHERE = re.compile(
    r"(?:住在?|家在|家住|来自|我是|我们是|作为|离|距离?|从|[去往到]|靠近?|挨着|孩子在|上班在|(?<!是)不是|不在)"
    r"[^，。,]{0,2}$"
)
_DENIED = re.compile(r"(?<!是)(?:不是|不在|没在)$")
_THEIRS = re.compile(
    r"(?:小区)?的?(?:业主|居民|住户|商户|上学|上班|工作|读书|走(?!不|路|廊)|出来|回来|回家|的路上|不远|出发|去)"
)
_UNRESOLVED, _BARE_ROAD, _SMALL = 0.3, 0.12, 0.04
_ELSEWHERE_COSTS, _LANDMARK_COSTS = 0.5, 0.6
EQUAL = 0.05


@dataclass(frozen=True)
class Mention:
    """A place that a text names, and how.

    `words` are what people are told, put right where they were misspelt (`written`); `place` is None while the grid
    is open: `among` then has what it may be. `beside` says where from there. `shared`: the text names a spot between
    two grids, which no answer would tell apart.
    """

    words: str
    name: str
    place: Place | None
    how: str
    score: float
    written: str = ""
    beside: str = ""
    among: tuple[Place, ...] = ()
    shared: bool = False


def mentions(gazetteer: Gazetteer, text: str) -> list[Mention]:
    """Return the places that a text may be about, the likeliest first, each once."""
    text = tidy(text[:LONGEST_TEXT])
    spans = [span for span in gazetteer.spans(text) if not _DENIED.search(text[: span.start])]
    free = [each for each in numbers_in(text) if not any(span.start <= each.start < span.end for span in spans)]
    found = [_read(text, span, spans, free) for span in spans]
    found += [crossing for one, other in pairwise(spans) if (crossing := _crossing(text, one, other))]
    ranked: dict[tuple[str, int | None], Mention] = {}
    for mention in sorted(found, key=lambda each: -each.score):
        ranked.setdefault((mention.name, mention.place.grid_id if mention.place else None), mention)
    return list(ranked.values())


def best(gazetteer: Gazetteer, text: str) -> Mention | None:
    """Return the place that a text is about; without a grid where two in different grids are equally likely."""
    ranked = mentions(gazetteer, text)
    if not ranked:
        return None
    first = ranked[0]
    rivals = [each for each in ranked if first.score - each.score < EQUAL and each.place is not None]
    grids = {each.place.grid_id for each in rivals if each.place}
    if first.place is None or len(grids) == 1:
        return first
    among = tuple(each.place for each in rivals if each.place)
    words = "、".join(dict.fromkeys(each.words for each in rivals))
    return replace(first, words=words, place=None, written="", beside="", among=among)


def how_found(mention: Mention) -> str:
    """Return what staff should know about how a place was found; empty when it was simply named."""
    said = f"话里写作“{mention.written}”" if mention.written else ""
    meant = f"应是{mention.name}" if mention.how == SHORT and mention.place is not None else ""
    beside = f"在它{mention.beside}" if mention.beside else ""
    return "，".join(filter(None, (said, meant, beside)))


def _read(text: str, span: Span, spans: Sequence[Span], free: Sequence[Number]) -> Mention:
    """Return a name with its number, how likely it is where the matter is, and what is said beside it."""
    numbers = _numbers(text, span, spans, free)
    places = _covered(span.places, numbers)
    end = max([span.end, *(each.end for each in numbers if each.start >= span.end and _near(text, span, each))])
    beside = _BESIDE.match(text, end)
    following = _OF.match(text, beside.end() if beside else end)
    at = following.end() if following else end
    landmark = beside is not None and any(other.start == at for other in spans)
    place = places[0] if places and len({each.grid_id for each in places}) == 1 else None
    number = text[numbers[0].start : numbers[-1].end].strip() if numbers and _near(text, span, numbers[0]) else ""
    written = text[span.start : span.end]
    doubtful = span.how in {SOUND, TYPO}
    return Mention(
        words=(span.name if doubtful else written) + (number.removesuffix("楼") if _street(place) else number),
        name=span.name,
        place=place,
        how=span.how,
        score=span.score - _costs(text, span, place, end, number=number, landmark=landmark, beside=beside),
        written=written if doubtful else "",
        beside=beside["words"] if beside else "",
        among=() if place else tuple(places),
        shared=place is None and len(numbers) > 1,
    )


def _costs(
    text: str, span: Span, place: Place | None, end: int, *, number: str, landmark: bool, beside: re.Match[str] | None
) -> float:
    costs = 0.0 if place else _UNRESOLVED
    if all(each.kind == ROAD for each in span.places) and not number:
        costs += _BARE_ROAD
    if landmark:
        costs += _LANDMARK_COSTS
    elif beside is not None and not _AT.match(beside["words"]):
        costs += _SMALL
    if _ELSEWHERE.search(text[max(0, span.start - 6) : span.start]) or _THEIRS.match(text, end):
        costs += _ELSEWHERE_COSTS
    return costs


def _street(place: Place | None) -> bool:
    return place is not None and place.numbers is not None and place.numbers[2] == "号"


def _near(text: str, span: Span, number: Number) -> bool:
    """Say whether a number stands right after a name, or right before it."""
    if number.start >= span.end:
        return _GAP.fullmatch(text, span.end, number.start) is not None
    return _GAP.fullmatch(text, number.end, span.start) is not None


def _numbers(text: str, span: Span, spans: Sequence[Span], free: Sequence[Number]) -> list[Number]:
    """Return the numbers of a name: right after it (two, if it is between them), before it, or the text's only one."""
    gap = _GAP.match(text, span.end)
    first = number_at(text, gap.end() if gap else span.end) or number_at(text, span.end)
    if first is not None:
        joint = _AND.match(text, first.end)
        second = number_at(text, joint.end() if joint else first.end)
        return [first, second] if second is not None and _BETWEEN.match(text, second.end) else [first]
    before = [each for each in free if each.end <= span.start and _near(text, span, each)]
    if before:
        return before[-1:]
    others = [each for each in free if not any(_near(text, other, each) for other in spans if other != span)]
    fitting = [each for each in others if any(place.counts(each) for place in span.places)]
    return fitting if len(fitting) == 1 else []


def _covered(places: Sequence[Place], numbers: Sequence[Number]) -> list[Place]:
    """Return the parts that the numbers belong to; without one, the whole, or all the parts."""
    found: list[Place] = []
    for number in numbers:
        for counted in number.counted:
            parts = [place for place in places if place.covers(replace(number, counted=(counted,)))]
            if parts:
                found += parts
                break
    whole = [place for place in places if place.numbers is None]
    return found or whole or list(places)


def _crossing(text: str, one: Span, other: Span) -> Mention | None:
    """Return where two roads meet, if the text says so: in the grid of both, else between the two that are nearest."""
    joined = _ROADS_MEET.fullmatch(text, one.end, other.start)
    mark = _CROSSING.match(text, other.end)
    if not joined or not mark or any(place.kind != ROAD for place in (*one.places, *other.places)):
        return None
    grids = {place.grid_id for place in one.places} & {place.grid_id for place in other.places}
    parts = [place for place in one.places if place.grid_id in grids] or _nearest(one.places, other.places)
    place = parts[0] if len({each.grid_id for each in parts}) == 1 else None
    among = () if place else tuple(parts)
    how = one.how if one.score <= other.score else other.how
    score = min(one.score, other.score) + _SMALL
    return Mention(text[one.start : mark.end()], one.name, place, how, score, among=among, shared=place is None)


def _nearest(ones: Sequence[Place], others: Sequence[Place]) -> list[Place]:
    """Return the two parts of two roads that lie nearest to each other."""
    pairs = [(metres(one.lon, one.lat, other.lon, other.lat), one, other) for one, other in product(ones, others)]
    _, one, other = min(pairs, key=lambda pair: pair[0])
    return [one, other]
