"""Everything about time limits: which apply, the deadlines of a case, pauses, extensions, and the cards.

Nothing else in the house computes a deadline. Limits are counted in the working time of the unit that holds the case
(`cases.worktime`); urgent matters count round the clock. Deadlines are kept with the case: limits that are changed
later do not rewrite them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

from cases.workflow import State
from cases.worktime import ALWAYS, CHINA, Worktime

if TYPE_CHECKING:
    from collections.abc import Iterable

VERIFY_DAYS = 7.0
# So long after closing, "not solved" opens the same case again; later it is a new matter.
REOPEN_DAYS = 30
# A case may be urged once in so many hours; the first urge stands meanwhile.
URGE_HOURS = 4
# Danger that nobody has acknowledged for so long: the next on duty is called, in the end everybody who could help.
ALARM_MINUTES = 3
# The clocks stand so long at most while a resident does not answer a question; then they go on.
PAUSE_DAYS = 3
# How often more time may be given for one case, and how much at once (working days).
EXTENSIONS, EXTENSION_DAYS = 2, 15
# Hours of an office day, where people speak of days.
DAY_HOURS = 8.0
# A case goes back to the one who sent it once; the second return goes to the dispatchers, whose word then stands.
RETURNS = 2
# So many failed verifications put a case under supervision, for so many working days.
FAILURES, SUPERVISION_DAYS = 3, 3
# A department that was called to the spot answers within so many hours, unless the caller says otherwise.
WHISTLE_HOURS, WHISTLED_UNITS = 2.0, 10
HELP_HOURS, LONGEST_TASK = 16.0, 120.0
# A resident is called back within so many hours of office time.
CALLBACK_HOURS = 16.0
# Nobody is woken by a notice: from 22:00 to 7:30 it waits. Who wrote within the last half hour is awake.
NIGHT = (time(22), time(7, 30))
AWAKE = timedelta(minutes=30)
# So many messages of one resident are taken within a minute. A burst of twenty is usual; more than this is no talking.
MESSAGES_A_MINUTE, BREATH = 60, timedelta(minutes=1)
# A process takes so many deliveries in at once; with those that wait for their turn there are so many. The others are
# turned away at once, as is who waited so long for turn or database: WeChat comes again, and gives up after 5 seconds.
DELIVERIES_AT_ONCE, DELIVERIES, DATABASE_SECONDS = 10, 64, 2.0
# From one address so many tries to log in may fail within this span; then it gets no answer but "later".
ADDRESS_FAILURES, ADDRESS_SPAN = 50, timedelta(minutes=10)
_WEEKDAYS = "一二三四五六日"


@dataclass(frozen=True)
class Allowance:
    """How long each step may take: hours to accept, to first contact and to finish, days to verify."""

    accept: float
    contact: float
    finish: float
    verify_days: float = VERIFY_DAYS


# A case whose kind is not known yet: the dispatchers' own limits.
DISPATCH = Allowance(2, 8, 40)
# Danger to life, whatever kind the classifier makes of it; round the clock.
DANGER = Allowance(0.25, 0.5, 24)


@dataclass(frozen=True)
class Special:
    """An allowance that differs for a kind, a level (unit kind) or urgency (`yes`, `no`); empty: any."""

    kind: str
    level: str
    urgency: str
    allowance: Allowance


@dataclass(frozen=True)
class Deadlines:
    """By when a case is to be accepted, the resident first contacted, and the matter finished (UTC)."""

    accept_by: datetime
    contact_by: datetime
    finish_by: datetime


@dataclass(frozen=True)
class Alert:
    """Who is told when: `hours` of working time after a limit (negative: before it), the card that shows from then on.

    `to`: the case's own `handler`, its `unit`, the unit `above`, the dispatchers (`dispatch`), the `leader`.
    """

    card: str
    hours: float
    to: tuple[str, ...]


# Who is told and when, in this order for each limit. The docs show this table (`cases.words.limits_page`).
ALERTS = (
    Alert("yellow", -2.0, ("handler", "unit")),
    Alert("red", 0.0, ("handler", "unit", "above")),
    Alert("red", DAY_HOURS, ("above", "dispatch")),
    Alert("red", 3 * DAY_HOURS, ("dispatch", "leader")),
)
# Of a short limit the last quarter is yellow, or everything would be yellow from the start.
LAST_PART = 0.25


def choose(specials: Iterable[Special], base: Allowance, *, kind: str | None, level: str, urgent: bool) -> Allowance:
    """Return the allowance that fits best: naming the kind counts most, then the level, then the urgency."""
    found, best = base, -1
    for each in specials:
        wanted = ((each.kind, kind or ""), (each.level, level), (each.urgency, "yes" if urgent else "no"))
        if all(not said or said == given for said, given in wanted):
            weight = 4 * bool(each.kind) + 2 * bool(each.level) + bool(each.urgency)
            if weight > best:
                found, best = each.allowance, weight
    return found


def clock(worktime: Worktime, *, urgent: bool) -> Worktime:
    """Return the working time that counts: urgent matters go round the clock."""
    return Worktime(worktime.calendar, ALWAYS) if urgent else worktime


def deadlines(start: datetime, allowance: Allowance, worktime: Worktime) -> Deadlines:
    """Return the deadlines of a case that comes to a unit at `start`."""
    return Deadlines(
        worktime.add(start, allowance.accept),
        worktime.add(start, allowance.contact),
        worktime.add(start, allowance.finish),
    )


def resumed(deadline: datetime, paused_at: datetime, now: datetime, worktime: Worktime) -> datetime:
    """Return a deadline after a pause: as much working time is left as there was. One that had passed stays."""
    left = worktime.between(paused_at, deadline)
    return worktime.add(now, left) if left > 0 else deadline


def extended(deadline: datetime, hours: float, now: datetime, worktime: Worktime) -> datetime:
    """Return a deadline with `hours` of working time more; counted from now if it has passed."""
    return worktime.add(max(deadline, now), hours)


def due(
    state: State,
    limits: Deadlines,
    *,
    contacted: bool,
    resolved_at: datetime | None,
    paused: bool = False,
    verify_days: float = VERIFY_DAYS,
) -> datetime | None:
    """Return the deadline that counts in `state`, or None when nobody has to do anything, or the clocks stand."""
    if state is State.RESOLVED and resolved_at is not None:
        return resolved_at + timedelta(days=verify_days)
    if paused:
        return None
    if state in {State.NEW, State.ASSIGNED}:
        return limits.accept_by
    if state is State.ACCEPTED:
        return limits.finish_by if contacted else limits.contact_by
    return None


def alert_at(step: int, due_at: datetime | None, start: datetime, worktime: Worktime) -> datetime | None:
    """Return when the alert number `step` (from 0) of a limit that began at `start` is due; None: there is no more."""
    if due_at is None or step >= len(ALERTS):
        return None
    hours = ALERTS[step].hours
    if hours >= 0:
        return worktime.add(due_at, hours)
    lead = min(-hours, LAST_PART * worktime.between(start, due_at))
    return worktime.back(due_at, lead) if lead > 0 else due_at


def card(due_at: datetime | None, alert: datetime | None, step: int, now: datetime) -> str | None:
    """Return `red` for a limit that has passed, `yellow` from its first alert on, else None."""
    if due_at is None:
        return None
    if due_at <= now:
        return "red"
    return "yellow" if step > 0 or (alert is not None and alert <= now) else None


def daytime(moment: datetime) -> datetime:
    """Return `moment`, or the morning (UTC) after it when it lies in the night."""
    local = moment.astimezone(CHINA)
    begins, ends = NIGHT
    if ends <= local.time() < begins:
        return moment
    day = local.date() + timedelta(days=local.time() >= begins)
    return datetime.combine(day, ends, CHINA).astimezone(UTC)


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
