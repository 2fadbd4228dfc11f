"""Everything about time limits: working time, the deadlines of a case, and which of them counts now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import holidays

from cases.workflow import State

CHINA = ZoneInfo("Asia/Shanghai")
OPENS, CLOSES = time(9), time(17)
VERIFY_DAYS = 7
# So long after closing, "not solved" opens the same case again; later it is a new matter.
REOPEN_DAYS = 30
# A case whose kind is not known yet: the dispatchers' own limits, in hours.
DISPATCH_HOURS = (2.0, 8.0, 40.0)
# Danger to life, whatever kind the classifier makes of it; round the clock.
DANGER_HOURS = (0.25, 0.5, 24.0)
# A case may be urged once in so many hours; the first urge stands meanwhile.
URGE_HOURS = 4
# Danger that nobody has acknowledged for so long is shown to everyone who could help.
ALARM_MINUTES = 3
# Nobody is woken by a notice: from 22:00 to 7:30 it waits. Who wrote within the last half hour is awake.
NIGHT = (time(22), time(7, 30))
AWAKE = timedelta(minutes=30)
_WEEKDAYS = "一二三四五六日"


@dataclass(frozen=True)
class Deadlines:
    """By when a case is to be accepted, the resident first contacted, and the matter finished (UTC)."""

    accept_by: datetime
    contact_by: datetime
    finish_by: datetime


@cache
def _calendar() -> holidays.HolidayBase:
    return holidays.country_holidays("CN")


def is_working_day(day: date) -> bool:
    """Say whether offices work on `day`: Chinese public holidays and make-up working days count."""
    return bool(_calendar().is_working_day(day))


def add_working_hours(start: datetime, hours: float) -> datetime:
    """Return the moment (UTC) that lies `hours` of office time (9 to 17 on working days) after `start`."""
    left = timedelta(hours=hours)
    now = start.astimezone(CHINA)
    while True:
        day = now.date()
        begin = max(now, datetime.combine(day, OPENS, CHINA))
        end = datetime.combine(day, CLOSES, CHINA)
        if is_working_day(day) and begin < end:
            if begin + left <= end:
                return (begin + left).astimezone(UTC)
            left -= end - begin
        now = datetime.combine(day + timedelta(days=1), OPENS, CHINA)


def deadlines(start: datetime, hours: tuple[float, float, float], *, urgent: bool) -> Deadlines:
    """Return the deadlines of a case assigned at `start`; urgent matters count round the clock."""
    if urgent:
        return Deadlines(*(start + timedelta(hours=count) for count in hours))
    return Deadlines(*(add_working_hours(start, count) for count in hours))


def daytime(moment: datetime) -> datetime:
    """Return `moment`, or the morning (UTC) after it when it lies in the night."""
    local = moment.astimezone(CHINA)
    begins, ends = NIGHT
    if ends <= local.time() < begins:
        return moment
    day = local.date() + timedelta(days=local.time() >= begins)
    return datetime.combine(day, ends, CHINA).astimezone(UTC)


def due(state: State, limits: Deadlines, *, contacted: bool, resolved_at: datetime | None) -> datetime | None:
    """Return the deadline that counts in `state`, or None when nobody has to do anything."""
    if state in {State.NEW, State.ASSIGNED}:
        return limits.accept_by
    if state is State.ACCEPTED:
        return limits.finish_by if contacted else limits.contact_by
    if state is State.RESOLVED and resolved_at is not None:
        return resolved_at + timedelta(days=VERIFY_DAYS)
    return None


def card(due_at: datetime | None, now: datetime) -> str | None:
    """Return `red` for a limit that has passed, `yellow` for one within two hours, else None."""
    if due_at is None or due_at > now + timedelta(hours=2):
        return None
    return "red" if due_at <= now else "yellow"


def spoken_time(moment: datetime, now: datetime) -> str:
    """Return a moment as one says it, to the five minutes before: 今天下午3点, 11月23日（周一）上午9点半."""
    local, today = moment.astimezone(CHINA), now.astimezone(CHINA).date()
    local -= timedelta(minutes=local.minute % 5)
    names = {0: "今天", 1: "明天", 2: "后天"}
    days = (local.date() - today).days
    day = names.get(days) or f"{local.month}月{local.day}日（周{_WEEKDAYS[local.weekday()]}）"
    return f"{day}{_part_of_day(local.hour)}{_clock(local)}"


def span(length: timedelta) -> str:
    """Return a length of time as one says it: 5分钟, 3小时, 2天."""
    minutes = int(length.total_seconds() // 60)
    if minutes < 60:  # noqa: PLR2004 - minutes of an hour
        return f"{max(1, minutes)}分钟"
    hours, days = minutes // 60, minutes // 1440
    return f"{hours}小时" if hours < 48 else f"{days}天"  # noqa: PLR2004 - two days


def _part_of_day(hour: int) -> str:
    parts = ((6, "凌晨"), (9, "早上"), (12, "上午"), (13, "中午"), (18, "下午"), (24, "晚上"))
    return next(name for until, name in parts if hour < until)


def _clock(local: datetime) -> str:
    hour = local.hour if local.hour <= 12 else local.hour - 12  # noqa: PLR2004 - as people speak
    minutes = {0: "", 30: "半"}.get(local.minute, f"{local.minute:02d}分")
    return f"{hour}点{minutes}"
