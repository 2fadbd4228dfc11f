import pytest
from hypothesis import given
from hypothesis import strategies as st

from cases.gazetteer import Gazetteer
from cases.geo import GridIndex, Nearby, gcj_to_wgs, wgs_to_gcj
from cases.mentions import best
from cases.places import Place, chinese_number, parse_numbers


def place(name: str, grid_id: int, numbers: str = "", kind: str = "小区") -> Place:
    """Return a place without a particular point."""
    return Place(name, kind, grid_id, parse_numbers(numbers), 117.0, 36.0)


GAZETTEER = Gazetteer(
    [
        (place("翠湖小区", 1, "1-8栋"), ["翠湖花园"]),
        (place("翠湖小区", 2, "9-16栋"), ["翠湖花园"]),
        (place("翠湖公园", 3, kind="公园"), []),
        (place("文昌路", 4, "1-99号", "道路"), []),
        (place("文昌路", 5, "100-199号", "道路"), []),
        (place("文昌路小学", 5, kind="学校"), []),
        (place("北关菜市场", 6, kind="市场"), []),
    ]
)


@pytest.mark.parametrize(
    ("text", "words", "grid_id"),
    [
        ("翠湖小区3栋楼下井盖坏了", "翠湖小区3栋", 1),
        ("翠湖花园12号楼", "翠湖花园12号楼", 2),
        ("翠湖小区十二栋", "翠湖小区十二栋", 2),
        ("翠湖小区门口", "翠湖小区", None),
        ("翠湖小区99栋", "翠湖小区99栋", None),
        ("文昌路128号对面", "文昌路128号", 5),
        ("文昌路128号楼下在吵", "文昌路128号", 5),
        ("翠湖小区3号", "翠湖小区3号", 1),
        ("文昌路小学门口堵车", "文昌路小学", 5),
        ("文昌路上北关菜市场后头", "北关菜市场", 6),
        ("文昌路翠湖小区7幢", "翠湖小区7幢", 1),
    ],
)
def test_places_in_words(text: str, words: str, grid_id: int | None) -> None:
    """Names and house numbers give the grid; a name that spans grids gives it only with its number."""
    mention = best(GAZETTEER, text)
    assert mention is not None
    assert mention.words == words
    assert (mention.place.grid_id if mention.place else None) == grid_id


def test_no_place_is_no_place() -> None:
    """A text that names nothing known has no mention."""
    assert best(GAZETTEER, "我们小区门口的路灯不亮") is None


NUMBERS = [("12", 12), ("十", 10), ("十二", 12), ("二十三", 23), ("一百零三", 103), ("两", 2)]


@pytest.mark.parametrize(("text", "number"), NUMBERS)
def test_chinese_numbers(text: str, number: int) -> None:
    """House numbers are read in digits and in Chinese."""
    assert chinese_number(text) == number


def test_a_bad_range_is_refused() -> None:
    """A range that makes no sense is an error, an empty one is none."""
    assert parse_numbers("") is None
    for text in ("8-1栋", "1到8栋", "a-b号"):
        with pytest.raises(ValueError, match="号段"):
            parse_numbers(text)


@given(st.floats(73.5, 135.0), st.floats(18.2, 53.5))
def test_gcj_and_back(lon: float, lat: float) -> None:
    """A point converted to GCJ-02 and back has moved less than a centimetre (1e-7 degrees)."""
    back = gcj_to_wgs(*wgs_to_gcj(lon, lat))
    assert back == pytest.approx((lon, lat), abs=1e-7)


def test_a_known_point() -> None:
    """The conversion agrees with a published pair of coordinates."""
    assert wgs_to_gcj(117.0, 36.65) == pytest.approx((117.0058403121098, 36.65025196065558), abs=1e-9)


SQUARE = [[0.0, 0.0], [0.01, 0.0], [0.01, 0.01], [0.0, 0.01], [0.0, 0.0]]


def grids(*shifts: float) -> GridIndex:
    """Return squares of about a kilometre that begin so far east, numbered from 7."""
    squares = [[[lon + shift, lat] for lon, lat in SQUARE] for shift in shifts]
    return GridIndex({at: {"type": "Polygon", "coordinates": [square]} for at, square in enumerate(squares, start=7)})


@pytest.mark.parametrize(
    ("lon", "expected", "inside"),
    [
        (0.005, (7,), True),
        (0.0099, (7,), True),
        (0.01, (7, 8), True),
        (0.015, (8,), True),
        (0.0215, (8, 9), False),
        (0.0225, (9, 8), False),
        (0.0355, (9,), False),
        (0.04, (), False),
    ],
)
def test_polygons(lon: float, expected: tuple[int, ...], *, inside: bool) -> None:
    """A point has the grid that it lies in, the nearest two on an edge or in a gap, and none far from all."""
    index = grids(0.0, 0.01, 0.024)
    assert index.near(lon, 0.005) == Nearby(expected, inside)
    assert index.find(lon, 0.005) == (expected[0] if inside and len(expected) == 1 else None)
