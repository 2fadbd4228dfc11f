"""The columns of the registry's tables: how a cell is read, and how its value is shown again.

A value is text in one fixed form (`yes`, `2.5`, `2027-01-31`), so that two rows are alike when their values are.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

YES, NO = "yes", "no"
YES_NO = {YES: "是", NO: "否"}
_YES = frozenset({"yes", "y", "true", "1", "是", "有", "对"})
_NO = frozenset({"no", "n", "false", "0", "否", "无", "不"})
_CODE = re.compile(r"\w[\w./-]*")
_DATE = re.compile(r"(\d{4})\D{1,2}(\d{1,2})\D{1,2}(\d{1,2})日?")
_TIME = re.compile(r"(\d{1,2})[:：点](\d{2})?(?:[:：]\d{2}(?:\.0+)?)?分?")
# What a database takes in no text: control characters, and halves of characters.
_UNSTORABLE = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")


@dataclass(frozen=True)
class Column:
    """One column: its name in code, its Chinese heading, and what may stand in it.

    `kind`: text, code, lines, list, check, choice, number, whole, date, moment, secret or geometry. Numbers lie above
    `low` and not above `high`. `refers`: the table whose key it holds; `finds`: what a form offers for it, if not that.
    `default`: what a new row has where nothing is given. `late`: the column came later than cities that are in use, so
    where it is empty it does not count in what a row was when it was loaded.
    """

    code: str
    name: str
    kind: str = "text"
    need: bool = False
    longest: int = 80
    hint: str = ""
    choices: Mapping[str, str] = field(default_factory=dict)
    default: str = ""
    refers: str = ""
    finds: str = ""
    low: float = -math.inf
    high: float = math.inf
    late: bool = False

    def read(self, cell: str) -> str:
        """Return the value that a cell means. Raises ValueError with the fault in words."""
        cell = cell.replace("\r\n", "\n").replace("\r", "\n").strip()
        if _UNSTORABLE.search(cell):
            raise ValueError("有存不了的字符")
        value = _READERS[self.kind](self, cell) if cell else self.default
        if self.need and not value:
            raise ValueError("要填")
        if len(value) > self.longest:
            raise ValueError(f"太长了，最多 {self.longest} 个字")
        return value

    def show(self, value: str) -> str:
        """Return a value as people read it."""
        return self.choices.get(value, value)

    def cell(self, value: str) -> object:
        """Return a value as a spreadsheet holds it: numbers are numbers."""
        if not value or self.kind not in {"number", "whole"}:
            return self.show(value)
        number = float(value)
        return int(number) if number.is_integer() else number


def _text(_column: Column, cell: str) -> str:
    return " ".join(cell.split())


def _code(_column: Column, cell: str) -> str:
    if not _CODE.fullmatch(cell):
        raise ValueError(f"“{cell}”里只能有字、字母、数字和 - _ . /")
    return cell


def _lines(_column: Column, cell: str) -> str:
    return "\n".join(line.strip() for line in cell.split("\n") if line.strip())


def _list(_column: Column, cell: str) -> str:
    parts = (part.strip() for part in re.split("[;；\n]", cell))
    return ";".join(dict.fromkeys(filter(None, parts)))


def _choice(column: Column, cell: str) -> str:
    found = next((code for code, name in column.choices.items() if cell in {code, name}), None)
    if found is None:
        raise ValueError(f"“{cell}”不认识，可以写：{'、'.join(column.choices.values())}")
    return found


def _check(_column: Column, cell: str) -> str:
    word = cell.lower()
    if word not in _YES | _NO:
        raise ValueError("请写 是 或 否")
    return YES if word in _YES else NO


def _number(column: Column, cell: str) -> str:
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or not column.low < value <= column.high:
        raise ValueError(f"“{cell}”不对，{_span(column)}")
    return plain_number(value)


def _span(column: Column) -> str:
    low = f"大于 {plain_number(column.low)} " if math.isfinite(column.low) else ""
    high = f"不超过 {plain_number(column.high)} " if math.isfinite(column.high) else ""
    return f"要写{'、'.join(filter(None, (low, high)))}的数"


def plain_number(value: float) -> str:
    """Return a number in its shortest form: 2, 2.5, 117.003656."""
    return repr(float(value)).removesuffix(".0")


def _whole(column: Column, cell: str) -> str:
    value = _number(column, cell)
    if not float(value).is_integer():
        raise ValueError(f"“{cell}”不对，要写整数")
    return value


def _date(_column: Column, cell: str) -> str:
    return _day_of(cell.partition(" ")[0].partition("T")[0]).isoformat()


def _day_of(cell: str) -> date:
    match = _DATE.fullmatch(cell)
    try:
        return date(*map(int, match.groups())) if match else date.fromisoformat(cell)
    except ValueError:
        raise ValueError(f"“{cell}”不是日期，请写成 2027-01-31") from None


def _moment(_column: Column, cell: str) -> str:
    day, _, clock = cell.replace("T", " ").partition(" ")
    match = _TIME.fullmatch(clock.strip())
    try:
        hour, minute = (int(match[1]), int(match[2] or 0)) if match else (-1, 0)
        return datetime.combine(_day_of(day), datetime.min.time().replace(hour, minute)).strftime("%Y-%m-%d %H:%M")
    except ValueError:
        raise ValueError(f"“{cell}”不是时间，请写成 2027-01-31 08:30") from None


def _same(_column: Column, cell: str) -> str:
    return cell


_READERS: dict[str, Callable[[Column, str], str]] = {
    "text": _text,
    "code": _code,
    "lines": _lines,
    "list": _list,
    "choice": _choice,
    "check": _check,
    "number": _number,
    "whole": _whole,
    "date": _date,
    "moment": _moment,
    "secret": _same,
    "geometry": _same,
}


def listed(value: str) -> list[str]:
    """Return the parts of a list's value."""
    return [part for part in value.split(";") if part]


def yes(value: bool) -> str:  # noqa: FBT001 - it is the value
    """Return a truth as a value."""
    return YES if value else NO
