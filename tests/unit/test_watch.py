"""The rules of alarms: what is one, when it is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from cases import watch
from cases.watch import Alarm, Seen, Standing
from cases.worktime import CHINA
from tests.services import ROOT

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=CHINA)
MINUTE, GIGABYTE = timedelta(minutes=1), 1024**3
WELL = Seen(now=NOON, disk=(100 * GIGABYTE, 200 * GIGABYTE))
ON = Alarm("redis", "Redis 连不上（ConnectionError）")


def keys(seen: Seen) -> list[str]:
    """Return the keys of the alarms."""
    return [each.key for each in watch.alarms(seen)]


def test_nothing_wrong_is_no_alarm() -> None:
    """Where all is well there is no alarm, and neither before anything has ever been started."""
    assert keys(WELL) == []
    fresh = {"outbox@a": (NOON, NOON + MINUTE)}
    assert keys(replace(WELL, beats=fresh, oldest={"outbox": NOON - timedelta(seconds=59), "files": None})) == []


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"database": "OperationalError"}, "database"),
        ({"beats": {"media@a": (NOON - MINUTE, NOON)}}, "worker"),
        ({"oldest": {"outbox": NOON - timedelta(seconds=61)}}, "outbox"),
        ({"oldest": {"files": NOON - timedelta(seconds=61)}}, "files"),
        ({"account": "密钥不对"}, "account"),
        ({"media": "Permission denied"}, "media"),
        ({"redis": "ConnectionError"}, "redis"),
        ({"disk": (1 * GIGABYTE, 200 * GIGABYTE)}, "disk_full"),
        ({"disk": (15 * GIGABYTE, 200 * GIGABYTE)}, "disk_low"),
        ({"poisoned": 1}, "poisoned"),
        ({"silence": timedelta(minutes=31), "usual": timedelta(minutes=2)}, "silence"),
        ({"backup": NOON - timedelta(hours=27)}, "backup"),
        ({"missing_year": 2027}, "calendar"),
    ],
)
def test_each_fault_has_its_alarm(change: dict[str, object], key: str) -> None:
    """Each thing that can be wrong gives its one alarm, with a sentence and what to do about it."""
    [found] = watch.alarms(replace(WELL, **change))  # type: ignore[arg-type]
    assert found.key == key
    assert found.words
    assert found.todo


def test_every_alarm_has_its_page() -> None:
    """Each key has its page in docs/runbooks, each page there its key, and the page says what the alarm says to do."""
    pages = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "docs" / "runbooks").glob("*.md")}
    assert set(pages) - {"README"} == set(watch.ALARMS)
    for key in watch.ALARMS:
        for heading in ("## 这是什么", "## 先看", "## 怎么办", "## 看着像，其实不是"):
            assert heading in pages[key], (key, heading)
        assert f"]({key}.md)" in pages["README"]


def test_a_machine_that_is_gone_is_forgotten() -> None:
    """A process that has been silent for over an hour is forgotten only while another does its work."""
    old, fresh = (NOON - timedelta(hours=2), NOON - timedelta(hours=2) + MINUTE), (NOON, NOON + MINUTE)
    assert watch.gone(replace(WELL, beats={"outbox@a": old, "outbox@b": fresh})) == ["outbox@a"]
    assert watch.gone(replace(WELL, beats={"outbox@a": old, "media@b": fresh})) == []
    assert watch.is_late({"sweeper@a": old}, "sweeper", NOON)
    assert not watch.is_late({"sweeper@a": old, "sweeper@b": fresh}, "sweeper", NOON)


def test_silence_counts_by_day_only() -> None:
    """The night is no silence: what is quiet since ten in the evening is quiet for an hour at nine in the morning."""
    evening, morning = NOON.replace(day=24, hour=22), NOON.replace(hour=9)
    assert watch.quiet(evening, morning) == timedelta(hours=1)
    assert watch.quiet(evening, NOON.replace(hour=3)) is None
    assert watch.quiet(None, morning) is None
    week = NOON - timedelta(days=7)
    assert watch.usual_gap(840, week, NOON) == timedelta(hours=84) / 840
    assert watch.usual_gap(19, week, NOON) is None
    assert watch.usual_gap(500, NOON - timedelta(hours=5), NOON) is None


def test_a_town_with_few_messages_is_not_silent() -> None:
    """Where a message comes every four hours, two hours of quiet are nothing; thirteen are."""
    seen = replace(WELL, usual=timedelta(hours=4))
    assert keys(replace(seen, silence=timedelta(hours=2))) == []
    assert keys(replace(seen, silence=timedelta(hours=13))) == ["silence"]


def told(known: list[Standing], found: list[Alarm], minutes: int) -> tuple[list[Standing], list[str]]:
    """Return what is remembered and told so many minutes later."""
    decided = watch.decide(known, found, NOON + minutes * MINUTE, telling=True)
    return list(decided.keep), [words for words, _ in decided.tell]


def test_an_alarm_is_told_once_hourly_and_at_its_end() -> None:
    """It is told when it begins, not again for an hour, then again, and once when it is over."""
    known, said = told([], [ON], 0)
    assert len(said) == 1
    assert ON.words in said[0]
    assert ON.todo in said[0]
    known, said = told(known, [ON], 59)
    assert said == []
    known, said = told(known, [ON], 60)
    assert len(said) == 1
    known, said = told(known, [], 90)
    assert known == []
    assert "已恢复" in said[0]
    assert "1小时" in said[0]


def test_what_can_wait_is_told_daily() -> None:
    """A missing year of holidays is told once a day, not hourly for weeks."""
    known, said = told([], [Alarm("calendar", "2027 年的放假安排还没有")], 0)
    assert len(said) == 1
    found = [Alarm("calendar", "2027 年的放假安排还没有")]
    assert [len(told(known, found, minutes)[1]) for minutes in (61, 1439, 1440)] == [0, 0, 1]


def test_what_was_never_told_ends_quietly() -> None:
    """Without an address nothing is told, but the console knows; switched on later, what lasts is told."""
    decided = watch.decide([], [ON], NOON, telling=False)
    assert [each.key for each in decided.keep] == ["redis"]
    assert not decided.tell
    assert watch.decide(decided.keep, [], NOON, telling=True).tell == ()
    assert len(watch.decide(decided.keep, [ON], NOON, telling=True).tell) == 1
