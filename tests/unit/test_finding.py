import statistics
import time
from itertools import product

import pytest

from cases.gazetteer import Gazetteer
from cases.mentions import best, mentions
from cases.places import Place
from tests import finding

CITY = finding.sample_gazetteer()
LONG = (
    "您好，我是住在翠湖这边的居民，想反映一下我们家门口文昌路128号对面的路灯已经坏了好几天了，"
    "晚上出门黑漆漆的，老人小孩都不敢走，还有那个井盖也松动了，车一过就咣当响，麻烦派人来看看谢谢"
)


def told(text: str) -> tuple[str, str | None, str, str]:
    """Return the words, the grid, how it was found, and what it is beside."""
    mention = best(CITY, text)
    assert mention is not None, text
    grid = finding.GRIDS[mention.place.grid_id].removeprefix("grid-") if mention.place else None
    return mention.words, grid, mention.how, mention.beside


@pytest.mark.parametrize("part", ["dev", "held_out"])
def test_places_are_found(part: str) -> None:
    """Of messages with a place nearly all get their grid; of those without, nearly none gets one."""
    found = finding.places(part, CITY)
    assert found.right >= 0.97
    assert found.named >= 0.96
    assert found.false <= 0.01
    assert found.astray <= 0.005


def test_there_is_enough_to_measure_by() -> None:
    """Each half has its share of messages, of those without any place, and of those whose grid cannot be told."""
    for part in ("dev", "held_out"):
        lines = finding.lines(part)
        assert len(lines) >= 250
        assert sum(line["place"] is None for line in lines) >= 50
        assert sum(line["grid"] is None and line["place"] is not None for line in lines) >= 15
        assert len({line["text"] for line in lines}) == len(lines)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("翠胡小区3栋路灯坏了", ("翠湖小区3栋", "cuihu-01", "sound", "")),
        ("学府小乞街油烟大", ("学府小吃街", "wenchang-02", "typo", "")),
        ("东方明珠楼上扔东西", ("东方明珠", "liuyin-03", "short", "")),
        ("柳阴街220号电线掉了", ("柳阴街220号", "liuyin-03", "alias", "")),
        ("文昌路128号对面有人占道", ("文昌路128号", "liuyin-05", "exact", "对面")),
        ("柳林公园往东一百米井盖没了", ("柳林公园", "liuyin-03", "exact", "往东一百米")),
        ("文昌路与学府路交叉口红绿灯坏了", ("文昌路与学府路交叉口", "wenchang-05", "exact", "")),
        ("翠湖小区１２栋停水", ("翠湖小区12栋", "cuihu-02", "exact", "")),
        ("12号楼翠湖小区停水了", ("翠湖小区12号楼", "cuihu-02", "exact", "")),
    ],
)
def test_how_a_place_was_found_is_told(text: str, expected: tuple[str, str | None, str, str]) -> None:
    """A place comes with the words for it, put right where misspelt, how it was found, and what it is beside."""
    assert told(text) == expected


@pytest.mark.parametrize(
    ("text", "among"),
    [
        ("翠湖小区3栋和柳荫苑15栋都停水了", ["翠湖小区", "柳荫苑"]),
        ("翠湖小区8栋和9栋之间的路灯不亮", ["翠湖小区", "翠湖小区"]),
        ("渡口老街夜里太吵", ["渡口老街", "渡口老街"]),
    ],
)
def test_what_cannot_be_told_stays_open(text: str, among: list[str]) -> None:
    """Two places equally likely, in different grids, give no grid: both are kept."""
    mention = best(CITY, text)
    assert mention is not None
    assert mention.place is None
    assert [place.name for place in mention.among] == among


NOWHERE = ["供人路过的地方都被车堵了", "社区医院几点上班", "湖南路积水", "不是翠湖公园"]
NOWHERE += ["东湖小区没暖气", "柳林小区12栋停水"]


@pytest.mark.parametrize("text", NOWHERE)
def test_places_are_not_invented(text: str) -> None:
    """Common words, estates that we do not know, and a place that is denied are no place."""
    assert best(CITY, text) is None


def test_candidates_are_ranked() -> None:
    """Where the matter is comes before where the resident lives, and both come with a score."""
    found = mentions(CITY, "我住碧水湾，昨天路过湖心桥看见栏杆断了")
    assert [each.name for each in found] == ["湖心桥", "碧水湾"]
    assert found[0].score > found[1].score


def test_a_large_city_is_as_quick() -> None:
    """With twenty thousand places a long message still takes a few milliseconds at most."""
    firsts, seconds = "翠柳文临渡望北铁金银东西南新安福和平长永", "湖荫昌江口关路锦山泉桥星光华春秋宁康泰兴"
    kinds = [
        "小区",
        "花园",
        "家园",
        "公园",
        "小学",
        "农贸市场",
        "路",
        "社区卫生服务站",
        "新村",
        "大厦",
        "幼儿园",
        "广场",
    ]
    parts = product(firsts, seconds, ("", "东", "北苑", "中心", "西"), kinds)
    names = [f"{one}{two}{more}{kind}" for one, two, more, kind in parts]
    city = Gazetteer((Place(name, "小区", at % 500, None, 117.0, 36.0), []) for at, name in enumerate(names[:20_000]))
    times = []
    for _ in range(20):
        started = time.perf_counter()
        best(city, LONG)
        times.append(time.perf_counter() - started)
    assert len(names) >= 20_000
    assert statistics.median(times) < 0.01
