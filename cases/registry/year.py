"""One year of the calendar as people look at it: the country's holidays, and before them the administrator's days."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import TYPE_CHECKING

import holidays

from cases.worktime import Calendar

if TYPE_CHECKING:
    from collections.abc import Mapping

SATURDAY = 5
BRIEF = 3
FIRST, LAST = 2000, 2099
_COUNTRY = Calendar()


@dataclass(frozen=True)
class Day:
    """A day: whether offices work, what it is called, and whether the administrator said so (`own`)."""

    day: date
    working: bool
    name: str
    own: bool

    @property
    def brief(self) -> str:
        """Return the name in three characters at most."""
        name = re.split("[ （(]", self.name)[0].removeprefix("农历")
        return name if 0 < len(name) <= BRIEF else "班" if self.working else "休"

    @property
    def unusual(self) -> bool:
        """Say whether it is another than its weekday lets one expect."""
        return self.own or self.working == (self.day.weekday() >= SATURDAY)


@cache
def _names() -> holidays.HolidayBase:
    return holidays.country_holidays("CN", language="zh_CN")


def published(year: int) -> bool:
    """Say whether the library has the year as the State Council published it, not only the dates of its feasts."""
    return _COUNTRY.knows(year)


def year_of(own: Mapping[date, tuple[bool, str]], year: int) -> list[list[Day]]:
    """Return the days of a year by month. `own`: the administrator's days, whether offices work, and their names."""
    months: list[list[Day]] = [[] for _ in range(12)]
    day = date(year, 1, 1)
    while day.year == year:
        months[day.month - 1].append(_day(own, day))
        day += timedelta(days=1)
    return months


def _day(own: Mapping[date, tuple[bool, str]], day: date) -> Day:
    if day in own:
        working, name = own[day]
        return Day(day, working, name, own=True)
    working = _COUNTRY.is_working_day(day)
    name = str(_names().get(day) or "")
    return Day(day, working, name or ("调休上班" if working and day.weekday() >= SATURDAY else ""), own=False)
