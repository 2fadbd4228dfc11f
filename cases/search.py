"""What a person types to find a case, and what a case is found by: both are cut into the same terms.

Chinese is cut into pairs of neighbouring characters, not into words. A dictionary cuts 路灯坏 one way in the report and
another way in the question, and what it does not know is never found; pairs miss nothing, and pairs side by side are
exactly the words that were typed. Every character begins one term, the last of a run stands alone: so a single
character is the beginning of a term. Letters and digits stay whole. All is folded: width, capitals, traditional forms.

Besides words a case has tags (`unit:7`, `state:new`): who may see it, where it is, whose hands it went through. They
hold ids, so that nothing is renewed when a unit, kind or person is renamed: names are looked up at each question.
Numbers of phones are no terms. Their last four digits are a tag: `tel:` or, of an anonymous resident, `veiled:`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from cases.numbers import case_id_of
from cases.phones import PAPER, PHONE, plain
from classifier.text import fold

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

# PostgreSQL counts positions to 16,383; a case that says more is found by its first so many characters.
MOST_TERMS = 16_000
MOST_TYPED, MOST_ASKED = 200, 8
LONGEST_WORD, LONGEST_DIGITS = 40, 14
# Stands between two texts, so that no words are found across them.
GAP = "_"
# Around the first hit so many characters are shown.
BEFORE, SHOWN = 12, 60
TAIL = 4
SHORTEST_NAME = 2

_HAN = r"〇々ぁ-ヿ㐀-鿿豈-﫿\U00020000-\U0003fffd"
_RUN = re.compile(rf"([{_HAN}]+)|((?:(?![{_HAN}])[^\W_])+)")
_NUMBER = re.compile(r"(?:工单号?|单号|编号)?[:#\s]*(\d[\d\s-]*\d)")
_BEFORE_NUMBER = re.compile(r"(?:工单号?|单号)[:#\s]*(?=\d)")
_SAID = re.compile(r"(-?)(?:[\"“”„「」『』]([^\"“”„「」『』]*)[\"“”„「」『』]?|([^\s\"“”„「」『』]+))")
_PLAIN = re.compile(r"[^a-z0-9]")


@dataclass(frozen=True)
class Phrase:
    """Terms side by side; with `open_end` the last one is only a beginning."""

    terms: tuple[str, ...]
    open_end: bool = False


@dataclass(frozen=True)
class Term:
    """One thing that must occur: a phrase or, just as good, one of the tags. `phone`: this whole number does."""

    said: str
    phrase: Phrase | None
    tags: tuple[str, ...] = ()
    phone: str = ""


@dataclass(frozen=True)
class Query:
    """What was typed: the case of a number, if it is one; what must occur, all of it; what must not."""

    case_id: int | None = None
    terms: tuple[Term, ...] = ()
    without: tuple[Term, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.terms or self.without)


@dataclass(frozen=True)
class Entry:
    """What one case is found by: the terms of each of its texts in their order, and its tags."""

    texts: tuple[tuple[str, ...], ...]
    tags: frozenset[str]

    def line(self) -> list[str]:
        """Return all terms in one line, with gaps between the texts."""
        line: list[str] = []
        for text in self.texts:
            line += [*text, GAP]
        return line[:MOST_TERMS]


@dataclass(frozen=True)
class Piece:
    """A part of a text that is shown; `hit`: it was asked for."""

    text: str
    hit: bool = False


def tag(kind: str, value: object) -> str:
    """Return a tag; whatever a code is written with, the databases take it as one term."""
    return f"{kind}:{_PLAIN.sub(lambda sign: f'_{ord(sign[0]):x}_', str(value))}"


# -- a case ------------------------------------------------------------------------------------------------------


def entry_of(number: str, texts: Iterable[str], tags: Iterable[str], *, anonymous: bool) -> Entry:
    """Return what a case is found by; phones and identity papers in its texts are not among it as such."""
    said: list[tuple[str, ...]] = [(number,)]
    known, tails = "", set[str]()
    for text in texts:
        folded = fold(text)
        if not folded or folded in known:  # a report stands in the case and in its history
            continue
        known = f"{known}\n{folded}"
        papers_gone = PAPER.sub(" ", folded)
        tails |= {plain(found[0])[-TAIL:] for found in PHONE.finditer(papers_gone)}
        said.append(tuple(terms_of(PHONE.sub(" ", papers_gone))))
    return Entry(tuple(said), frozenset(tags) | {tail_tag(tail, veiled=anonymous) for tail in tails})


def terms_of(folded: str) -> Iterator[str]:
    """Yield the terms of a folded text in their order."""
    for run in _RUN.finditer(folded):
        han, word = run[1], run[2]
        if han:
            yield from (han[at : at + 2] for at in range(len(han)))
        elif len(word) <= LONGEST_DIGITS or not word.isdigit():  # longer ones are cards and papers
            yield word[:LONGEST_WORD]


def tail_tag(digits: str, *, veiled: bool = False) -> str:
    """Return the tag of a phone's last four digits."""
    return tag("veiled" if veiled else "tel", digits)


def has_phone(texts: Iterable[str], phone: str) -> bool:
    """Say whether one of these texts has this whole number."""
    return any(plain(found[0]) == phone for text in texts for found in PHONE.finditer(PAPER.sub(" ", fold(text))))


# -- a question --------------------------------------------------------------------------------------------------


def parse(typed: str, *, veiled: bool = False) -> Query:
    """Return what somebody asks for; `veiled`: anonymous residents' numbers are looked through as well.

    A blank is "and", quotes keep words together, a minus leaves out. The last word may be a beginning.
    """
    whole = fold(typed[:MOST_TYPED]).strip()
    number = _NUMBER.fullmatch(whole)
    case_id = case_id_of(number[1]) if number else None
    if number and case_id is not None:
        whole = re.sub(r"\D", "", number[1])
    whole = PHONE.sub(lambda found: plain(found[0]), _BEFORE_NUMBER.sub("", whole))
    found = list(_SAID.finditer(whole))[:MOST_ASKED]
    terms, without = [], []
    for at, part in enumerate(found):
        quoted = part[2] is not None
        said = part[2] if quoted else part[3]
        term = _term(said, open_end=at == len(found) - 1 and not quoted, veiled=veiled)
        if term is not None and part[1] and not term.phone:
            without.append(replace(term, phrase=_closed(term.phrase)))
        elif term is not None and not part[1]:
            terms.append(term)
    return Query(case_id, tuple(terms), tuple(without))


def _term(said: str, *, open_end: bool, veiled: bool) -> Term | None:
    said = said.strip()
    if PHONE.fullmatch(said):
        return Term(said, None, _tails(said[-TAIL:], veiled=veiled), phone=said)
    phrase = _phrase(said, open_end=open_end)
    if phrase is None:
        return None
    is_tail = len(said) == TAIL and said.isascii() and said.isdigit()
    return Term(said, phrase, _tails(said, veiled=veiled) if is_tail else ())


def _phrase(said: str, *, open_end: bool) -> Phrase | None:
    """Return the terms that stand side by side wherever this was said.

    The last character of a Chinese run begins a term that goes on in the text: it is left out where the one before
    it has it already, else only its beginning is asked for.
    """
    runs = [(run[1], run[2]) for run in _RUN.finditer(said)]
    terms: list[str] = []
    for han, word in runs:
        terms += [han[at : at + 2] for at in range(len(han))] if han else [word[:LONGEST_WORD]]
    if not terms:
        return None
    last = runs[-1][0]
    if last and len(last) > 1:
        return Phrase(tuple(terms[:-1]))
    return Phrase(tuple(terms), open_end=bool(last) or open_end)


def _closed(phrase: Phrase | None) -> Phrase | None:
    """Return a phrase whose last word is whole: what is left out is left out by whole words."""
    if phrase is None or re.match(rf"[{_HAN}]", phrase.terms[-1]):
        return phrase
    return replace(phrase, open_end=False)


def _tails(digits: str, *, veiled: bool) -> tuple[str, ...]:
    return (tail_tag(digits), tail_tag(digits, veiled=True)) if veiled else (tail_tag(digits),)


def with_names(query: Query, named: Callable[[str], tuple[str, ...]]) -> Query:
    """Return a query whose words may also be part of a name; `named` returns the tags of those who bear it."""

    def widened(term: Term) -> Term:
        searched = term.phrase is not None and len(term.said) >= SHORTEST_NAME and not term.said.isdigit()
        return replace(term, tags=(*term.tags, *named(term.said))) if searched else term

    return replace(query, terms=tuple(map(widened, query.terms)), without=tuple(map(widened, query.without)))


# -- what is shown -----------------------------------------------------------------------------------------------


def hits(text: str, query: Query) -> list[tuple[int, int]]:
    """Return where in a text, as people read it, the words stand that were asked for; apart, and in order."""
    folded, at = _folded(text)
    spans = sorted(
        (at[found.start()], at[found.end() - 1] + 1)
        for term in query.terms
        for found in _pattern(term).finditer(folded)
    )
    apart: list[tuple[int, int]] = []
    for start, end in spans:
        if apart and start <= apart[-1][1]:
            apart[-1] = (apart[-1][0], max(end, apart[-1][1]))
        else:
            apart.append((start, end))
    return apart


def snippet(text: str, query: Query) -> tuple[Piece, ...]:
    """Return the part of a text around the first hit, cut into what was asked for and what was not."""
    line = " ".join(text.split())
    found = hits(line, query)
    start = max(0, found[0][0] - BEFORE) if found else 0
    start = 0 if start + SHOWN >= len(line) and len(line) <= SHOWN else start
    end = min(len(line), max(start + SHOWN, found[0][1] if found else 0))
    pieces, last = [Piece("…")] if start else [], start
    for left, right in found:
        if left >= end:
            break
        pieces += [Piece(line[last:left]), Piece(line[left : min(right, end)], hit=True)]
        last = min(right, end)
    pieces += [Piece(line[last:end]), Piece("…" if end < len(line) else "")]
    return tuple(piece for piece in pieces if piece.text)


@lru_cache(maxsize=64)
def _pattern(term: Term) -> re.Pattern[str]:
    """Return what the words of a term look like in a folded text: signs may stand between its runs."""
    tails = [rf"(?<=\*){found[-TAIL:]}(?!\d)" for found in term.tags[:1] if found.startswith(("tel:", "veiled:"))]
    if term.phrase is None:
        return re.compile(tails[0] if tails else r"(?!)")
    parts = [run[1] or rf"(?<![a-z0-9]){re.escape(run[2])}(?![a-z0-9])" for run in _RUN.finditer(term.said)]
    words = r"[\W_]*".join(parts)
    if term.phrase.open_end:
        words = words.removesuffix("(?![a-z0-9])")
    return re.compile("|".join([words, *tails]))


def _folded(text: str) -> tuple[str, list[int]]:
    """Return a text folded sign by sign, and for each of its signs where it came from."""
    shapes = [_shape(sign) for sign in text]
    return "".join(shapes), [at for at, shape in enumerate(shapes) for _ in shape]


@lru_cache(maxsize=20_000)
def _shape(sign: str) -> str:
    return fold(sign)
