"""How characters sound and look, so that a name is known when another character stands in for one of its own."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from itertools import count

from pypinyin.pinyin_dict import pinyin_dict

# What speakers and their input methods do not tell apart.
_MERGED = (
    (re.compile(r"^([zcs])h"), r"\1"),
    (re.compile(r"^l"), "n"),
    (re.compile(r"(?<=[ie])ng$"), "n"),
)
# Characters that are taken for each other by their shape, in handwriting and in what machines read.
_ALIKE = (
    "人入八", "土士", "己已巳", "日目曰", "大太犬", "天夫无", "王玉主五", "田由甲申", "午牛", "千干于", "末未来",
    "折拆", "候侯", "治冶", "昌冒", "柳抑", "萌荫", "苑范宛", "度渡", "岸崖", "北此", "明朋", "都郡部", "乔桥侨",
    "院完", "厂广", "宿缩", "舍含合", "场汤肠", "心必", "货贷资", "官宫管", "休体", "区曲巨", "小少", "公分", "图园圆",
    "铁轶", "站占", "望忘", "港巷", "村材衬", "绎驿译", "种钟", "乞吃", "堤提", "乌鸟", "今令", "免兔", "刀力", "东车",
    "西酉", "丘兵", "几儿", "巾币", "门们", "书节", "芳芬", "扬杨", "棉绵", "楼搂", "桂挂", "成城", "京亮", "医区",
)  # fmt: skip
# The usual reading in names, where the dictionary has another first.
_READ = {"长": "chang", "都": "du", "行": "hang", "朝": "chao"}
_FIRST_SOUND = 0xF0000  # a private plane: no sound is mistaken for a character of a text
_FULL_WIDTH = {0xFEE0 + code: code for code in range(0x21, 0x7F) if chr(0xFEE0 + code) not in "，。；：？！（）"}
_SPACES = re.compile(r"(?<=[^\x00-\x7f])\s+|\s+(?=[^\x00-\x7f])")
_sounds: dict[str, int] = {}
_codes = count(_FIRST_SOUND)
_partners = {one: frozenset(group) - {one} for group in _ALIKE for one in group}


def tidy(text: str) -> str:
    """Return a text with plain digits and letters, and no spaces beside Chinese characters."""
    return _SPACES.sub("", text.translate(_FULL_WIDTH))


@cache
def _sound(code: int) -> int:
    """Return the code of a character's sound: the most usual reading without its tone; itself if it has none."""
    reading = _READ.get(chr(code)) or pinyin_dict.get(code, "").split(",")[0]
    plain = "".join(each for each in unicodedata.normalize("NFD", reading) if not unicodedata.combining(each))
    if not plain:
        return code
    for pattern, instead in _MERGED:
        plain = pattern.sub(instead, plain)
    return _sounds.setdefault(plain, next(_codes))


class _Table(dict[int, int]):
    """Fills itself as characters come."""

    def __missing__(self, code: int) -> int:
        self[code] = _sound(code)
        return self[code]


_TABLE = _Table()


def sound(text: str) -> str:
    """Return how a text sounds: a string as long as it, with a character for each sound."""
    return text.translate(_TABLE)


def partners(character: str) -> frozenset[str]:
    """Return the characters that look like this one."""
    return _partners.get(character, frozenset())


def alike(one: str, other: str) -> bool:
    """Say whether one character may stand for the other: they sound or look alike."""
    return sound(one) == sound(other) or other in partners(one)
