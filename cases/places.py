"""Places and their house numbers: what a name is made of, and which numbers belong to which part of it."""

from __future__ import annotations

import re
from dataclasses import dataclass

_DIGITS = "零一二三四五六七八九"
# 一栋楼 is a building, not number one; a day of the month is no house.
_NUMBER = re.compile(
    r"\s*第?(?P<value>[0-9]{1,4}|[零一二两三四五六七八九十百]{1,6})\s*"
    r"(?P<unit>号楼|栋|幢|座|弄|号(?!线|院|门(?![口前外牌]))|#楼?)"
    r"|#(?P<hash>[0-9]{1,3})(?![0-9])"
)
_ROOM = re.compile(r"\s*(?P<value>[0-9]{1,3})[-—][0-9]{1,2}[-—][0-9]{3,4}(?![0-9])")
_DATE = re.compile(r"(?:早|上午|中午|下午|晚|凌晨|夜里|那天|当天|开始|到现在|之?前(?!面|边)|才|就报|[到至][0-9]+号)")
_COUNTING = re.compile(r"[一两][栋幢座](?:楼(?![下上顶道梯里前后门])|房)")
_RANGE = re.compile(r"(\d+)-(\d+)(栋|号)")
# What a number may count: a building is a building, whatever the estate calls it, a street number is something else;
# 128号楼下 is number 128 and its downstairs, 3号 in an estate is building 3.
_COUNTED = {"号楼": ("栋", "号"), "号": ("号", "栋"), "弄": ("号", "栋")}
_LAST_DAY = 31
# What a name says of its kind; what is left tells it from others of the kind.
KINDS = (
    "社区卫生服务中心", "社区卫生服务站", "卫生服务中心", "卫生服务站", "便民服务中心", "便民服务站", "妇幼保健院",
    "人民医院", "中医院", "医院", "卫生院", "卫生所", "卫生站", "水产批发市场", "批发市场", "农贸市场", "建材市场",
    "旧货市场", "便民市场", "菜市场", "市场", "早市", "夜市", "购物中心", "购物广场", "商业广场", "生活广场",
    "百货大楼", "百货", "商场", "商城", "商厦", "超市", "体育公园", "口袋公园", "湿地公园", "公园", "游园",
    "体育场", "体育馆", "图书馆", "文化馆", "文化宫", "俱乐部", "博物馆", "幼儿园", "实验小学", "实验中学",
    "中心小学", "小学", "中学", "初中", "高中", "学院", "大学", "家属楼", "家属院", "宿舍", "公寓", "小区", "花园",
    "花苑", "家园", "佳苑", "佳园", "新村", "新城", "新苑", "公交首末站", "公交枢纽", "公交站", "汽车站", "火车站",
    "客运站", "地铁站", "停车场", "加油站", "收费站", "派出所", "司法所", "税务局", "广场", "码头", "车站", "宾馆",
    "大酒店", "酒店", "立交桥", "过街天桥", "天桥", "人行桥", "大桥", "桥", "大道", "大街", "老街", "小吃街",
    "北路", "南路", "东路", "西路", "路", "街", "巷", "胡同", "里", "弄", "村", "苑", "园", "院", "造纸厂",
    "污水处理厂", "自来水厂", "厂", "泵站", "中转站", "驿站",
)  # fmt: skip
_KIND = re.compile("(?:" + "|".join(sorted(KINDS, key=len, reverse=True)) + ")$")
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

    def covers(self, number: Number) -> bool:
        """Say whether the number is one of this part's."""
        if self.numbers is None:
            return False
        low, high, unit = self.numbers
        return unit in number.counted and low <= number.value <= high

    def counts(self, number: Number) -> bool:
        """Say whether the number counts what this place's numbers count first."""
        return self.numbers is not None and self.numbers[2] == number.counted[0]


@dataclass(frozen=True)
class Number:
    """A house number in a text: as written, its value, what it may count (栋, 号), and where it stands."""

    words: str
    value: int
    counted: tuple[str, ...]
    start: int
    end: int


def parse_numbers(text: str) -> tuple[int, int, str] | None:
    """Return a range such as `1-8栋` as (1, 8, "栋"), None for an empty text. Raises ValueError."""
    if not text.strip():
        return None
    match = _RANGE.fullmatch(text.strip())
    if not match or int(match[1]) > int(match[2]):
        raise ValueError(f"号段 {text!r} 应写成 1-8栋 或 1-99号")
    return int(match[1]), int(match[2]), match[3]


def number_at(text: str, at: int) -> Number | None:
    """Return the house number that begins at this place of a text."""
    return _read(text, _NUMBER.match(text, at) or _ROOM.match(text, at))


def numbers_in(text: str) -> list[Number]:
    """Return all house numbers in a text."""
    found = (_read(text, match) for match in _NUMBER.finditer(text))
    return [number for number in found if number is not None]


def house_number(text: str) -> str:
    """Return the first house number in a text, as it stands there (128号, 三栋), or an empty string."""
    found = numbers_in(text)
    return found[0].words if found else ""


def core_of(name: str) -> str:
    """Return what tells a name from others of its kind: 翠湖 of 翠湖小区, all of 锦绣湖畔."""
    core = _KIND.sub("", name)
    return core if len(core) >= MINIMUM else name


def kind_of(words: str) -> str:
    """Return the kind that some words end in (小区, 农贸市场), or an empty string."""
    found = _KIND.search(words)
    return found[0] if found else ""


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


def _read(text: str, match: re.Match[str] | None) -> Number | None:
    if match is None or _COUNTING.match(text, match.start()):
        return None
    parts = match.groupdict()
    value = chinese_number(parts["value"] or parts["hash"])
    unit = parts.get("unit") or "栋"
    if unit == "号" and value <= _LAST_DAY and (_DATE.match(text, match.end()) or text[: match.start()].endswith("月")):
        return None
    words = match[0].strip().removesuffix("楼") if unit == "#楼" else match[0].strip()
    return Number(words, value, _COUNTED.get(unit, ("栋",)), match.start(), match.end())
