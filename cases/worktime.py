"""Working time: on which days offices work, when a unit is open, and counting hours in that time."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import holidays
from holidays.countries.china import ChinaStaticHolidays

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CHINA = ZoneInfo("Asia/Shanghai")
# From this month on the next year's calendar should be there: the State Council publishes it in late autumn.
EXPECTED_MONTH = 11
# No limit counts on longer than this: a unit that is never open would count for ever.
FARTHEST = timedelta(days=3660)
ALWAYS_WORDS = "全天"
DAILY_WORDS = "每天"
_SPAN = re.compile(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})")


def midnight(day: date) -> datetime:
    """Return when a day begins, in China's time."""
    return datetime.combine(day, time(), CHINA)


@cache
def _library() -> holidays.HolidayBase:
    return holidays.country_holidays("CN")


@dataclass(frozen=True)
class Calendar:
    """Which days offices work: the administrator's own days first, then the library's Chinese calendar."""

    days: Mapping[date, bool] = field(default_factory=dict)

    def is_working_day(self, day: date) -> bool:
        """Say whether offices work on `day`: public holidays and make-up working days count."""
        return self.days[day] if day in self.days else bool(_library().is_working_day(day))

    def knows(self, year: int) -> bool:
        """Say whether the holidays of this year are those that were published, not only guessed by their dates."""
        return year in ChinaStaticHolidays.special_public_holidays or any(day.year == year for day in self.days)

    def missing(self, today: date) -> int | None:
        """Return the first year that is needed by now and whose calendar is not there, or None."""
        years = (today.year, today.year + 1) if today.month >= EXPECTED_MONTH else (today.year,)
        return next((year for year in years if not self.knows(year)), None)


@dataclass(frozen=True)
class Opening:
    """When a unit is open: spans of a day, on working days only unless `daily`. No span: round the clock."""

    spans: tuple[tuple[time, time], ...] = ((time(9), time(17)),)
    daily: bool = False


OFFICE = Opening()
ALWAYS = Opening((), daily=True)


def parse_opening(words: str) -> Opening:
    """Read an opening as the administrator writes it: `9:00-12:00 13:30-17:30`, `每天 8:00-20:00`, `全天`.

    Raises ValueError with the fault in words.
    """
    said = words.strip().replace("：", ":").replace("－", "-").replace("—", "-")
    if said == ALWAYS_WORDS:
        return ALWAYS
    daily = said.startswith(DAILY_WORDS)
    spans, rest = [], _SPAN.sub("", said.removeprefix(DAILY_WORDS)).strip(" ,，、;；")
    try:
        spans = [(time(int(a), int(b)), time(int(c), int(d))) for a, b, c, d in _SPAN.findall(said)]
    except ValueError:
        rest = said
    ends = [moment for span in spans for moment in span]
    if rest or not spans or ends != sorted(set(ends)):
        raise ValueError(f"工作时间“{words}”看不懂，请写成 9:00-12:00 13:30-17:30，或 每天 8:00-20:00，或 全天")
    return Opening(tuple(spans), daily)


@dataclass(frozen=True)
class Worktime:
    """The working time of one unit."""

    calendar: Calendar = field(default_factory=Calendar)
    opening: Opening = OFFICE

    def add(self, start: datetime, hours: float) -> datetime:
        """Return the moment (UTC) that lies `hours` of working time after `start`."""
        left = timedelta(hours=hours)
        if not self.opening.spans:
            return (start + left).astimezone(UTC)
        for begins, ends in self._open_from(start):
            if left <= ends - begins:
                return (begins + left).astimezone(UTC)
            left -= ends - begins
        raise OverflowError("no working time within ten years")

    def back(self, end: datetime, hours: float) -> datetime:
        """Return the moment (UTC) that lies `hours` of working time before `end`."""
        left = timedelta(hours=hours)
        if not self.opening.spans:
            return (end - left).astimezone(UTC)
        day = end.astimezone(CHINA).date()
        while end - midnight(day) < FARTHEST:
            for begins, ends in reversed(list(self._of_day(day))):
                until = min(ends, end.astimezone(CHINA))
                if begins >= until:
                    continue
                if left <= until - begins:
                    return (until - left).astimezone(UTC)
                left -= until - begins
            day -= timedelta(days=1)
        raise OverflowError("no working time within ten years")

    def between(self, start: datetime, end: datetime) -> float:
        """Return how many hours of working time lie between two moments; negative when `end` comes first."""
        if end < start:
            return -self.between(end, start)
        if not self.opening.spans:
            return (end - start) / timedelta(hours=1)
        worked = timedelta()
        for begins, ends in self._open_from(start):
            if begins >= end:
                break
            worked += min(ends, end) - begins
        return worked / timedelta(hours=1)

    def _open_from(self, start: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Yield the spans of working time from `start` on."""
        day = start.astimezone(CHINA).date()
        last = day + FARTHEST
        while day < last:
            for begins, ends in self._of_day(day):
                if ends > start:
                    yield max(begins, start.astimezone(CHINA)), ends
            day += timedelta(days=1)

    def _of_day(self, day: date) -> Iterator[tuple[datetime, datetime]]:
        if self.opening.daily or self.calendar.is_working_day(day):
            for begins, ends in self.opening.spans:
                yield datetime.combine(day, begins, CHINA), datetime.combine(day, ends, CHINA)
