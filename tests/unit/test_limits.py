from datetime import date, datetime, timedelta

import pytest

from cases import limits
from cases.workflow import State
from cases.worktime import CHINA, Deadlines


def at(text: str) -> datetime:
    """Return a moment in Chinese time."""
    return datetime.fromisoformat(text).replace(tzinfo=CHINA)


# Office time is 9 to 17 on working days. Computed by hand on the State Council's calendars of 2025 and 2026.
HAND_COMPUTED = [
    ("2026-11-20 10:00", 2, "2026-11-20 12:00"),  # within a Friday
    ("2026-11-20 16:00", 2, "2026-11-23 10:00"),  # over a weekend
    ("2026-11-21 11:00", 1, "2026-11-23 10:00"),  # reported on a Saturday
    ("2026-11-20 20:00", 8, "2026-11-23 17:00"),  # reported in the evening: a whole Monday
    ("2026-11-20 07:30", 0.5, "2026-11-20 09:30"),  # before the office opens
    ("2026-09-30 16:00", 2, "2026-10-08 10:00"),  # over National Day
    ("2026-10-09 16:00", 2, "2026-10-10 10:00"),  # the Saturday after it is a make-up working day
    ("2026-02-14 15:00", 4, "2026-02-24 11:00"),  # make-up Saturday, then Spring Festival (15 to 23 February off)
    ("2025-09-28 16:00", 2, "2025-09-29 10:00"),  # make-up Sunday
    ("2026-11-23 09:00", 40, "2026-11-27 17:00"),  # a whole week
]


@pytest.mark.parametrize(("start", "hours", "end"), HAND_COMPUTED)
def test_working_hours(start: str, hours: float, end: str) -> None:
    """Office hours run on working days only, across nights, weekends, holidays and make-up days."""
    assert limits.add_working_hours(at(start), hours) == at(end)


def test_urgent_matters_count_round_the_clock() -> None:
    """An urgent case reported on Saturday night is due on Saturday night."""
    times = limits.deadlines(at("2026-11-21 23:00"), (1, 2, 24), urgent=True)
    assert times == Deadlines(at("2026-11-22 00:00"), at("2026-11-22 01:00"), at("2026-11-22 23:00"))


def test_each_state_has_its_deadline() -> None:
    """Accept, contact, finish, verify in turn; an ended case is due to nobody."""
    times = Deadlines(at("2026-11-20 10:00"), at("2026-11-20 12:00"), at("2026-11-23 10:00"))
    resolved = at("2026-11-22 10:00")

    def due(state: State, *, contacted: bool = False) -> datetime | None:
        return limits.due(state, times, contacted=contacted, resolved_at=resolved)

    assert due(State.NEW) == due(State.ASSIGNED) == times.accept_by
    assert due(State.ACCEPTED) == times.contact_by
    assert due(State.ACCEPTED, contacted=True) == times.finish_by
    assert due(State.RESOLVED) == resolved + timedelta(days=limits.VERIFY_DAYS)
    assert {due(state) for state in (State.CLOSED, State.REJECTED, State.WITHDRAWN)} == {None}


def test_cards() -> None:
    """Yellow within two hours of the limit, red from it on, none before or without one."""
    now = at("2026-11-20 10:00")
    due = {hours: limits.card(now + timedelta(hours=hours), now) for hours in (-1, 0, 2, 3)}
    assert due == {-1: "red", 0: "red", 2: "yellow", 3: None}
    assert limits.card(None, now) is None


def test_times_are_spoken() -> None:
    """A deadline is said as people say it, never later than it is."""
    now = at("2026-11-20 10:00")
    assert limits.spoken_time(at("2026-11-20 15:00"), now) == "今天下午3点"
    assert limits.spoken_time(at("2026-11-21 09:34"), now) == "明天上午9点半"
    assert limits.spoken_time(at("2026-11-23 12:05"), now) == "11月23日（周一）中午12点05分"


def test_a_year_nobody_knows_yet_still_counts() -> None:
    """2027's calendar is not published: weekends still count as such."""
    assert not limits.is_working_day(date(2027, 3, 6))
    assert limits.is_working_day(date(2027, 3, 8))
