from datetime import date, datetime, timedelta

import pytest

from cases import limits
from cases.limits import ALERTS, Allowance, Deadlines, Special
from cases.workflow import State
from cases.worktime import ALWAYS, CHINA, OFFICE, Calendar, Worktime, parse_opening


def at(text: str) -> datetime:
    """Return a moment in Chinese time; without a year 2026 is meant."""
    text = text if text[4] == "-" else f"2026-{text}"
    return datetime.fromisoformat(text).replace(tzinfo=CHINA)


OFFICE_TIME = Worktime()
# Office time is 9 to 17 on working days. Computed by hand on the State Council's calendars of 2025 and 2026:
# 2026: off 1–3 Jan, 15–23 Feb, 4–6 Apr, 1–5 May, 19–21 Jun, 25–27 Sep, 1–7 Oct; worked 4 Jan, 14 and 28 Feb, 9 May,
# 20 Sep, 10 Oct. 2025: off 28 Jan–4 Feb, 1–5 May, 1–8 Oct; worked 26 Jan, 8 Feb, 27 Apr, 28 Sep, 11 Oct.
HAND_COMPUTED = [
    # within a day, at its edges, in the night
    ("11-20 10:00", 2, "11-20 12:00"),
    ("11-20 09:00", 8, "11-20 17:00"),
    ("11-20 15:30", 1.5, "11-20 17:00"),
    ("11-19 16:00", 2, "11-20 10:00"),
    ("11-19 16:59", 1, "11-20 09:59"),
    ("11-19 17:00", 1, "11-20 10:00"),
    ("11-18 22:15", 4, "11-19 13:00"),
    ("11-19 00:30", 0.5, "11-19 09:30"),
    ("11-20 07:30", 0.5, "11-20 09:30"),
    ("11-19 08:59", 8, "11-19 17:00"),
    # over weekends
    ("11-20 16:00", 2, "11-23 10:00"),
    ("11-20 17:30", 0.25, "11-23 09:15"),
    ("11-21 11:00", 1, "11-23 10:00"),
    ("11-22 23:59", 2, "11-23 11:00"),
    ("11-20 20:00", 8, "11-23 17:00"),
    ("11-23 09:00", 40, "11-27 17:00"),
    ("11-18 13:00", 24, "11-23 13:00"),
    ("11-20 13:00", 80, "12-04 13:00"),
    # New Year 2026: Thursday to Saturday off, Sunday the 4th is worked
    ("2025-12-31 16:00", 2, "01-04 10:00"),
    ("2025-12-31 16:00", 10, "01-05 10:00"),
    ("01-02 12:00", 4, "01-04 13:00"),
    ("01-04 16:30", 1, "01-05 09:30"),
    # Spring Festival 2026: 15 to 23 February off, the Saturdays before and after worked
    ("02-13 16:00", 2, "02-14 10:00"),
    ("02-14 15:00", 4, "02-24 11:00"),
    ("02-14 17:00", 8, "02-24 17:00"),
    ("02-15 10:00", 2, "02-24 11:00"),
    ("02-20 03:00", 16, "02-25 17:00"),
    ("02-27 16:00", 2, "02-28 10:00"),
    ("02-28 16:00", 2, "03-02 10:00"),
    ("02-13 09:00", 24, "02-24 17:00"),
    # Qingming 2026: Saturday to Monday
    ("04-03 16:00", 2, "04-07 10:00"),
    ("04-05 09:00", 1, "04-07 10:00"),
    ("04-03 12:00", 13, "04-07 17:00"),
    # Labour Day 2026: 1 to 5 May off, Saturday the 9th worked
    ("04-30 16:00", 2, "05-06 10:00"),
    ("05-02 12:00", 8, "05-06 17:00"),
    ("05-08 16:00", 2, "05-09 10:00"),
    ("05-09 13:00", 8, "05-11 13:00"),
    ("04-30 09:00", 40, "05-09 17:00"),
    # Dragon Boat 2026: Friday to Sunday
    ("06-18 16:30", 1, "06-22 09:30"),
    ("06-19 10:00", 8, "06-22 17:00"),
    # Mid-Autumn 2026: Friday to Sunday; the Sunday before is worked for National Day
    ("09-18 16:00", 2, "09-20 10:00"),
    ("09-20 16:00", 2, "09-21 10:00"),
    ("09-24 15:00", 4, "09-28 11:00"),
    ("09-26 15:00", 4, "09-28 13:00"),
    # National Day 2026: 1 to 7 October off, Saturday the 10th worked
    ("09-30 16:00", 2, "10-08 10:00"),
    ("10-03 12:00", 24, "10-10 17:00"),
    ("10-09 16:00", 2, "10-10 10:00"),
    ("10-10 16:00", 2, "10-12 10:00"),
    ("09-30 09:00", 16, "10-08 17:00"),
    ("09-28 17:00", 40, "10-10 17:00"),
    # 2025
    ("2025-01-25 10:00", 1, "2025-01-26 10:00"),
    ("2025-01-26 16:00", 2, "2025-01-27 10:00"),
    ("2025-01-27 16:00", 2, "2025-02-05 10:00"),
    ("2025-02-07 16:00", 2, "2025-02-08 10:00"),
    ("2025-02-08 16:00", 2, "2025-02-10 10:00"),
    ("2025-04-26 12:00", 1, "2025-04-27 10:00"),
    ("2025-04-30 16:00", 2, "2025-05-06 10:00"),
    ("2025-09-28 16:00", 2, "2025-09-29 10:00"),
    ("2025-09-30 16:00", 2, "2025-10-09 10:00"),
    ("2025-10-10 16:00", 2, "2025-10-11 10:00"),
    ("2025-10-11 16:00", 2, "2025-10-13 10:00"),
]
# The same for units with working times of their own.
OWN_TIMES = [
    ("9:00-12:00 13:30-17:30", "11-20 11:00", 2, "11-20 14:30"),
    ("9:00-12:00 13:30-17:30", "11-20 12:30", 1, "11-20 14:30"),
    ("9:00-12:00 13:30-17:30", "11-20 16:30", 2, "11-23 10:00"),
    ("9:00-12:00 13:30-17:30", "09-30 16:30", 7, "10-08 16:30"),
    ("每天 8:00-20:00", "11-21 19:00", 2, "11-22 09:00"),
    ("每天 8:00-20:00", "10-03 07:00", 12, "10-03 20:00"),
    ("每天 8:00-20:00", "02-17 19:30", 13, "02-19 08:30"),
    ("全天", "11-21 23:00", 2, "11-22 01:00"),
    ("全天", "10-01 00:00", 24, "10-02 00:00"),
]
# A deadline, when the clocks stopped, when they went on, the deadline after that.
PAUSES = [
    ("11-20 16:00", "11-20 10:00", "11-20 11:00", "11-20 17:00"),
    ("11-20 16:00", "11-20 10:00", "11-20 14:00", "11-23 12:00"),
    ("11-20 16:00", "11-20 10:00", "11-21 20:00", "11-23 15:00"),
    ("09-30 11:00", "09-30 10:00", "10-05 12:00", "10-08 10:00"),
    ("02-14 17:00", "02-14 16:30", "02-24 09:00", "02-24 09:30"),
    ("05-06 10:00", "04-30 16:00", "05-09 16:30", "05-11 10:30"),
    ("11-20 10:00", "11-20 10:30", "11-24 12:00", "11-20 10:00"),  # it had passed before
]


@pytest.mark.parametrize(("start", "hours", "end"), HAND_COMPUTED)
def test_working_hours(start: str, hours: float, end: str) -> None:
    """Office hours run on working days only, across nights, weekends, holidays and make-up days, and back again."""
    assert OFFICE_TIME.add(at(start), hours) == at(end)
    assert OFFICE_TIME.between(at(start), at(end)) == pytest.approx(hours)
    assert OFFICE_TIME.add(OFFICE_TIME.back(at(end), hours), hours) == at(end)


@pytest.mark.parametrize(("opening", "start", "hours", "end"), OWN_TIMES)
def test_a_units_own_working_time(opening: str, start: str, hours: float, end: str) -> None:
    """Limits run in the working time of the unit: with a noon break, daily, or round the clock."""
    own = Worktime(opening=parse_opening(opening))
    assert own.add(at(start), hours) == at(end)
    assert own.between(at(start), at(end)) == pytest.approx(hours)


@pytest.mark.parametrize(("deadline", "paused", "resumed", "after"), PAUSES)
def test_clocks_stand_while_the_resident_is_asked(deadline: str, paused: str, resumed: str, after: str) -> None:
    """After a pause as much working time is left as before it; a limit that had passed stays passed."""
    assert limits.resumed(at(deadline), at(paused), at(resumed), OFFICE_TIME) == at(after)


@pytest.mark.parametrize(
    "words", ["", "全日", "9-17", "9:00-8:00", "9:00-12:00 11:00-17:00", "25:00-26:00", "9:00-9:00"]
)
def test_an_opening_that_is_none(words: str) -> None:
    """A working time that cannot be meant is refused with its words."""
    with pytest.raises(ValueError, match="看不懂"):
        parse_opening(words)


def test_the_administrators_days_come_first() -> None:
    """A day that the administrator has entered counts before the library's, both ways, and makes the year known."""
    own = Calendar({date(2026, 11, 23): False, date(2026, 11, 21): True})
    assert Worktime(own).add(at("11-20 16:00"), 2) == at("11-21 10:00")
    assert Worktime(own).add(at("11-21 16:00"), 2) == at("11-24 10:00")
    assert not Calendar().knows(2027)
    assert Calendar({date(2027, 1, 1): False}).knows(2027)


def test_a_missing_year_is_alarmed_in_advance() -> None:
    """From November on the next year's calendar is missed; the running year's at once; a known one never."""
    assert Calendar().missing(date(2026, 10, 31)) is None
    assert Calendar().missing(date(2026, 11, 1)) == 2027
    assert Calendar().missing(date(2027, 3, 1)) == 2027
    assert Calendar({date(2027, 1, 1): False}).missing(date(2026, 12, 1)) is None


def test_a_year_nobody_knows_yet_still_counts() -> None:
    """2027's calendar is not published: weekends still count as such."""
    assert not Calendar().is_working_day(date(2027, 3, 6))
    assert Calendar().is_working_day(date(2027, 3, 8))


def test_urgent_matters_count_round_the_clock() -> None:
    """An urgent case reported on Saturday night is due on Saturday night."""
    clock = limits.clock(OFFICE_TIME, urgent=True)
    times = limits.deadlines(at("11-21 23:00"), Allowance(1, 2, 24), clock)
    assert times == Deadlines(at("11-22 00:00"), at("11-22 01:00"), at("11-22 23:00"))
    assert limits.clock(OFFICE_TIME, urgent=False) == OFFICE_TIME


def test_the_limit_that_says_most_counts() -> None:
    """A limit for the kind counts before one for the level, that before one for urgency, all before the kind's own."""
    base, kind, level, urgency, both = (Allowance(hours, hours, hours) for hours in (1, 2, 3, 4, 5))
    specials = (
        Special("a", "", "", kind),
        Special("", "grid", "", level),
        Special("", "", "yes", urgency),
        Special("b", "grid", "no", both),
    )

    def chosen(code: str | None, unit: str, *, urgent: bool) -> Allowance:
        return limits.choose(specials, base, kind=code, level=unit, urgent=urgent)

    assert chosen("a", "grid", urgent=True) == kind
    assert chosen("c", "grid", urgent=True) == level
    assert chosen("c", "street", urgent=True) == urgency
    assert chosen("b", "grid", urgent=False) == both
    assert chosen("b", "grid", urgent=True) == level
    assert chosen(None, "street", urgent=False) == base


def test_each_state_has_its_deadline() -> None:
    """Accept, contact, finish, verify in turn; an ended case is due to nobody, nor is one whose clocks stand."""
    times = Deadlines(at("11-20 10:00"), at("11-20 12:00"), at("11-23 10:00"))
    resolved = at("11-22 10:00")

    def due(state: State, *, contacted: bool = False, paused: bool = False) -> datetime | None:
        return limits.due(state, times, contacted=contacted, resolved_at=resolved, paused=paused, verify_days=5)

    assert due(State.NEW) == due(State.ASSIGNED) == times.accept_by
    assert due(State.ACCEPTED) == times.contact_by
    assert due(State.ACCEPTED, contacted=True) == times.finish_by
    assert due(State.ACCEPTED, paused=True) is None
    assert due(State.RESOLVED) == due(State.RESOLVED, paused=True) == resolved + timedelta(days=5)
    assert {due(state) for state in (State.CLOSED, State.UNSOLVED, State.REJECTED, State.WITHDRAWN)} == {None}


def test_extensions_add_working_time() -> None:
    """More time is added to the deadline, or to now when it has passed already."""
    assert limits.extended(at("11-20 12:00"), 16, at("11-19 12:00"), OFFICE_TIME) == at("11-24 12:00")
    assert limits.extended(at("11-18 12:00"), 8, at("11-20 12:00"), OFFICE_TIME) == at("11-23 12:00")


def alerts(due: str, start: str, worktime: Worktime = OFFICE_TIME) -> list[datetime | None]:
    """Return when each alert of a limit is due, and the None after the last."""
    return [limits.alert_at(step, at(due), at(start), worktime) for step in range(len(ALERTS) + 1)]


def test_yellow_before_and_red_after() -> None:
    """Yellow comes two working hours before a limit, red with it, more after a day and after three, then no more."""
    days = ["11-20 15:30", "11-23 09:30", "11-24 09:30", "11-26 09:30"]
    assert alerts("11-23 09:30", "11-18 09:00") == [*map(at, days), None]


def test_the_last_quarter_of_a_short_limit_is_yellow() -> None:
    """A limit of two hours, or of fifteen minutes round the clock, is not yellow from its start."""
    assert alerts("11-20 12:00", "11-20 10:00")[0] == at("11-20 11:30")
    assert alerts("11-21 23:20", "11-21 23:00", Worktime(opening=ALWAYS))[0] == at("11-21 23:15")


def test_cards() -> None:
    """Red from the limit on; yellow from its alert on, and once it was shown; none before, or without a limit."""
    now = at("11-20 10:00")
    hour = timedelta(hours=1)
    assert limits.card(now, None, 2, now) == "red"
    assert limits.card(now + hour, now, 0, now) == "yellow"
    assert limits.card(now + hour, now + hour, 1, now) == "yellow"
    assert limits.card(now + hour, now + hour, 0, now) is None
    assert limits.card(None, None, 0, now) is None


def test_times_are_spoken() -> None:
    """A deadline is said as people say it, never later than it is."""
    now = at("11-20 10:00")
    assert limits.spoken_time(at("11-20 15:00"), now) == "今天下午3点"
    assert limits.spoken_time(at("11-21 09:34"), now) == "明天上午9点半"
    assert limits.spoken_time(at("11-23 12:05"), now) == "11月23日（周一）中午12点05分"


def test_office_is_the_usual_opening() -> None:
    """Where nobody said otherwise, offices are open from nine to five."""
    assert parse_opening("9:00-17:00") == OFFICE
