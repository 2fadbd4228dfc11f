import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cases.search import Entry, Phrase, Query, entry_of, has_phone, hits, parse, snippet, tag, with_names
from classifier.text import fold

SIGNS = "路灯坏了井盖翠湖小區号樓座东３4aBｃ，。 !-の々"
NUMBER = "100018"


def entry(*texts: str, anonymous: bool = False) -> Entry:
    """Return what a case with these texts is found by."""
    return entry_of(NUMBER, texts, [], anonymous=anonymous)


def occurs(phrase: Phrase, line: list[str]) -> bool:
    """Say whether a phrase stands in a line of terms, as the databases see it."""
    terms = phrase.terms
    for at in range(len(line) - len(terms) + 1):
        part = line[at : at + len(terms)]
        last = part[-1].startswith(terms[-1]) if phrase.open_end else part[-1] == terms[-1]
        if last and part[:-1] == list(terms[:-1]):
            return True
    return False


def finds(typed: str, *texts: str, anonymous: bool = False, veiled: bool = False) -> bool:
    """Say whether what was typed finds a case with these texts."""
    query, found = parse(typed, veiled=veiled), entry(*texts, anonymous=anonymous)

    def fits(term: object) -> bool:
        phrase, tags = getattr(term, "phrase", None), set(getattr(term, "tags", ()))
        return bool(tags & found.tags) or (phrase is not None and occurs(phrase, found.line()))

    return all(map(fits, query.terms)) and not any(map(fits, query.without)) and bool(query)


@given(st.text(SIGNS, min_size=1, max_size=30), st.data())
def test_every_part_of_a_text_finds_it(text: str, data: st.DataObject) -> None:
    """Whatever part of a text is typed, from a word's beginning to anywhere, the case is found."""
    start = data.draw(st.integers(0, len(text) - 1))
    part = text[start : start + data.draw(st.integers(1, 8))]
    inside = bool(re.match(r"[0-9a-z]", fold(part))) and bool(re.search(r"[0-9a-z]$", fold(text[:start])))
    words = re.sub(r"[\s\"-]", "", part)
    if words != part or inside or not re.search(r"\w", part):
        return
    assert finds(part, text)


@given(st.text("路灯坏井盖", min_size=1, max_size=12), st.text("路灯坏井盖", min_size=1, max_size=4))
def test_what_is_not_in_a_text_does_not_find_it(text: str, word: str) -> None:
    """Chinese words find exactly the texts that they stand in, whole and side by side."""
    assert finds(word, text) == (word in text)


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("路灯", True),
        ("路燈", True),
        ("灯", True),
        ("３号樓", True),
        ("3号", True),
        ("楼路灯", True),
        ("路灯 翠湖", True),
        ("路灯 井盖", False),
        ("路灯 -井盖", True),
        ("-路灯 翠湖", False),
        ("“路灯坏了”", True),
        ('"路灯不亮"', False),
        ("ABC", True),
        ("ab", True),
        ('"ab"', False),
        ("ab 路灯", False),
        ("abc 路灯", True),
        (NUMBER, True),
        ("工单100018 路灯", True),
        ("坏了请", False),
        ("100019", False),
    ],
)
def test_what_is_typed(typed: str, found: bool) -> None:  # noqa: FBT001 - a table
    """All words must occur; quotes keep together, a minus leaves out, the last Latin word may be a beginning."""
    assert finds(typed, "翠湖小区3号楼路灯坏了，请到Abc超市旁边看看") is found


@pytest.mark.parametrize("typed", ["100 014", "100014", "工单100014", "工单号：100 014", "１０００１４"])
def test_a_case_number_is_understood(typed: str) -> None:
    """A case's number is its number however it is written."""
    assert parse(typed).case_id == 1


def test_what_is_no_number_is_words() -> None:
    """A wrong number, a house number and a phone are no case's numbers; nothing asks for nothing."""
    assert [parse(typed).case_id for typed in ("100 019", "12", "13800001234")] == [None] * 3
    assert not parse("  ，。- ")
    assert parse("") == Query()


def test_phones_are_found_by_their_last_digits_only() -> None:
    """Of a phone four digits are kept, of an identity paper none; no beginning of a number finds anything."""
    found = entry("请打138-0000-1234，座机0531-82345678，身份证11010119900307123X，卡6222021234567890123")
    assert found.tags == {"tel:1234", "tel:5678"}
    assert not any(re.search(r"\d{5}", term) for term in found.line() if term != NUMBER)
    assert finds("1234", "请打１３８００００１２３４")
    assert not finds("138", "请打13800001234")
    assert not finds("1380000", "请打13800001234")


def test_an_anonymous_phone_is_veiled() -> None:
    """The digits of somebody who wants to stay unknown are found only by who may look through the veil."""
    text = "请打13800001234"
    assert not finds("1234", text, anonymous=True)
    assert not finds("13800001234", text, anonymous=True)
    assert finds("1234", text, anonymous=True, veiled=True)
    assert finds("138 0000 1234", text, anonymous=True, veiled=True)


def test_a_whole_phone_is_checked() -> None:
    """Of the cases with a phone's last digits only those with the whole number are meant."""
    [term] = parse("+86 138 0000 1234").terms
    assert term.phone == "13800001234"
    assert has_phone(["打138-0000-1234"], term.phone)
    assert not has_phone(["打13900001234", "11010113800001234X"], term.phone)


def test_texts_do_not_run_into_each_other() -> None:
    """Words are not found across two texts, and what is said twice is kept once."""
    assert not finds("灯坏", "路灯", "坏了")
    assert len(entry("路灯坏了", "路灯坏了", "路灯").texts) == 2


def test_names_are_as_good_as_words() -> None:
    """A word may also be part of a name; digits and single characters are not looked up."""
    asked: list[str] = []

    def named(words: str) -> tuple[str, ...]:
        asked.append(words)
        return (tag("held", 7),)

    query = with_names(parse("城管局 12 灯"), named)
    assert asked == ["城管局"]
    assert query.terms[0].tags == ("held:7",)


def test_a_tag_is_one_term() -> None:
    """A code may be written with any signs."""
    assert tag("kind", "road/Lamp-1 '\"") == "kind:road_2f__4c_amp_2d_1_20__27__22_"


def test_hits_are_marked_as_they_stand() -> None:
    """What is marked is what people read, in its own writing, around the first hit; masked digits as well."""
    text = "很长的开头" * 20 + "翠湖小區3號樓路燈坏了<b>，电话138****1234" + "很长的结尾" * 20
    pieces = snippet(text, parse("3号楼 路灯 1234"))
    assert [piece.text for piece in pieces if piece.hit] == ["3號樓路燈", "1234"]
    assert (pieces[0].text, pieces[-1].text) == ("…", "…")
    assert "".join(piece.text for piece in pieces).strip("…") in text
    assert hits("路灯", parse("井盖")) == []
    assert [piece.text for piece in snippet("没有\n这些字", parse("路灯"))] == ["没有 这些字"]
