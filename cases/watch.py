"""What somebody has to see to about the service itself: alarms by what was looked at. Rules only, no I/O.

Each alarm has a key, a sentence, what to do, and a page in docs/runbooks/ named by the key.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING

from cases.limits import span
from cases.worktime import CHINA

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

# A process gives a sign so often; without the next one after this long, it is late. Together with a look every
# LOOK_SECONDS an alarm stands within 90 seconds.
BEAT_SECONDS, LOOK_SECONDS, LATE = 15.0, 15.0, timedelta(seconds=60)
# A machine that is gone for good is forgotten after this, as long as another does its work.
FORGOTTEN = timedelta(hours=1)
STUCK = timedelta(seconds=60)
# While an alarm lasts, it is told again so often.
AGAIN = timedelta(hours=1)
# What nobody can do anything about for weeks is told once a day: who is told hourly stops listening.
RARELY, MILD = timedelta(days=1), frozenset({"calendar", "disk_low"})
# Silence counts by day only; it is known what is usual after a day and so many messages.
DAY_BEGINS, DAY_ENDS = time(8), time(20)
WEEK, KNOWN_AFTER, ENOUGH = timedelta(days=7), timedelta(days=1), 20
LEAST_SILENCE, TIMES_USUAL = timedelta(minutes=30), 3
GIGABYTE = 1024**3
LOW_SHARE, LOW_GIGABYTES, FULL_SHARE, FULL_GIGABYTES = 0.1, 2.0, 0.02, 0.5
BACKUP_OLD = timedelta(hours=26)
# The fact in `meta` that says when the last backup was whole.
BACKUP_KEY = "backup:last"

PROCESSES = {
    "outbox": "发消息的进程",
    "media": "取照片的进程",
    "sweeper": "清扫进程",
    "trainer": "训练进程",
    "reader": "听写进程",
}
# What to do, in one line; the page docs/runbooks/KEY.md says more. In the order of how much they matter.
ALARMS = {
    "database": "工单这时开不了。请看数据库开着没有、磁盘满没满。",
    "worker": "消息可能发不出去。请在服务器上重启后台：systemctl restart wanggetong-worker。",
    "outbox": "居民等着回音。请看后台进程和到微信的网络。",
    "files": "居民发来的照片、语音还没取。请看后台进程、磁盘和网络。",
    "account": "消息先攒着，好了会自动发。请到开通向导里测一下，照着改。",
    "media": "照片和语音存不下来。请看 MEDIA_URL 的文件夹在不在、能不能写。",
    "disk_full": "马上就写不进去了。请立刻清理旧备份，或者换大一点的盘。",
    "poisoned": "程序试了三次都没成。请到控制台“出错的”里看原因，发给开发人员；修好后点“再试一次”。",
    "silence": "可能是公众号的消息没转过来。请自己给公众号发一句话试试。",
    "redis": "消息会晚几秒，不会丢。请看 Redis 开着没有、REDIS_URL 对不对。",
    "backup": "出了事会丢数据。请看备份的定时任务和备份盘。",
    "disk_low": "请清理旧备份，或者换大一点的盘。",
    "calendar": "时限先按周末算。国务院公布后请在基础数据里填上。",
}
# With one of these the service is not whole.
GRAVE = frozenset({"database", "worker", "outbox", "files", "media", "disk_full", "poisoned"})


@dataclass(frozen=True)
class Alarm:
    """One thing that somebody has to see to."""

    key: str
    words: str

    @property
    def todo(self) -> str:
        """What to do about it."""
        return ALARMS[self.key]

    @property
    def page(self) -> str:
        """Where more is written about it, within the project."""
        return f"docs/runbooks/{self.key}.md"


@dataclass(frozen=True)
class Seen:
    """What was looked at, at one moment. `beats`: each process's last sign, and when it is late with the next."""

    now: datetime
    database: str = ""
    beats: Mapping[str, tuple[datetime, datetime]] = field(default_factory=dict)
    oldest: Mapping[str, datetime | None] = field(default_factory=dict)
    account: str = ""
    media: str = ""
    redis: str = ""
    disk: tuple[int, int] | None = None
    poisoned: int = 0
    silence: timedelta | None = None
    usual: timedelta | None = None
    backup: datetime | None = None
    missing_year: int | None = None


def alarms(seen: Seen) -> tuple[Alarm, ...]:
    """Return what somebody has to see to, the weightiest first."""
    found = {
        "database": f"数据库用不了（{seen.database}）" if seen.database else "",
        "worker": _late(seen),
        "outbox": _stuck(seen, "outbox", "有消息到点了没人发"),
        "files": _stuck(seen, "files", "有照片或语音到点了没人取"),
        "account": f"公众号接口出错：{seen.account}" if seen.account else "",
        "media": f"照片和语音存不进去（{seen.media}）" if seen.media else "",
        "poisoned": f"有 {seen.poisoned} 件程序没处理成" if seen.poisoned else "",
        "silence": _silent(seen),
        "redis": f"Redis 连不上（{seen.redis}）" if seen.redis else "",
        "backup": _unsaved(seen),
        "calendar": f"{seen.missing_year} 年的放假安排还没有" if seen.missing_year is not None else "",
        **_disk(seen),
    }
    return tuple(Alarm(key, found[key]) for key in ALARMS if found.get(key))


def kind_of(process: str) -> str:
    """Return what a process does, by its name (`kind@machine`)."""
    return process.partition("@")[0]


def gone(seen: Seen) -> list[str]:
    """Return the processes that have long given no sign while another does their work: their machine is no more."""
    working = {kind_of(process) for process, (_, late_at) in seen.beats.items() if late_at > seen.now}
    return [
        process
        for process, (at, late_at) in seen.beats.items()
        if late_at <= seen.now and seen.now - at > FORGOTTEN and kind_of(process) in working
    ]


def is_late(beats: Mapping[str, tuple[datetime, datetime]], kind: str, now: datetime) -> bool:
    """Say whether nobody who does this has given a sign in time."""
    return all(late_at <= now for process, (_, late_at) in beats.items() if kind_of(process) == kind)


def _late(seen: Seen) -> str:
    late = [(process, at) for process, (at, late_at) in seen.beats.items() if late_at <= seen.now]
    if not late:
        return ""
    names = "、".join(f"{PROCESSES.get(kind_of(each), each)}（{each.partition('@')[2]}）" for each, _ in late[:3])
    more = f"等 {len(late)} 个" if len(late) > 3 else ""  # noqa: PLR2004 - as many as are named
    return f"{names}{more}没有动静，最久的已经{span(seen.now - min(at for _, at in late))}"


def _stuck(seen: Seen, queue: str, words: str) -> str:
    since = seen.oldest.get(queue)
    if since is None or seen.now - since <= STUCK:
        return ""
    return f"{words}，最久的晚了{span(seen.now - since)}"


def _silent(seen: Seen) -> str:
    if seen.silence is None or seen.usual is None or seen.silence <= max(TIMES_USUAL * seen.usual, LEAST_SILENCE):
        return ""
    return f"白天已经{span(seen.silence)}没有收到微信消息，平时约{span(max(seen.usual, timedelta(minutes=1)))}一条"


def _unsaved(seen: Seen) -> str:
    if seen.backup is None or seen.now - seen.backup <= BACKUP_OLD:
        return ""
    return f"已经{span(seen.now - seen.backup)}没有备份"


def _disk(seen: Seen) -> dict[str, str]:
    if seen.disk is None:
        return {}
    free, total = seen.disk
    words = f"磁盘只剩 {free / GIGABYTE:.1f} GB，共 {total / GIGABYTE:.0f} GB"
    if free < FULL_GIGABYTES * GIGABYTE or free < FULL_SHARE * total:
        return {"disk_full": words}
    return {"disk_low": words} if free < LOW_GIGABYTES * GIGABYTE or free < LOW_SHARE * total else {}


# -- silence ----------------------------------------------------------------------------------------------------


def days(begins: datetime, ends: datetime) -> list[tuple[datetime, datetime]]:
    """Return the parts of a span of time that lie by day, when messages are to be expected."""
    found, day = [], begins.astimezone(CHINA).date()
    while day <= ends.astimezone(CHINA).date():
        opens, closes = (datetime.combine(day, each, CHINA) for each in (DAY_BEGINS, DAY_ENDS))
        if max(opens, begins) < min(closes, ends):
            found.append((max(opens, begins), min(closes, ends)))
        day += timedelta(days=1)
    return found


def length(spans: Sequence[tuple[datetime, datetime]]) -> timedelta:
    """Return how long these spans are together."""
    return sum((ends - begins for begins, ends in spans), timedelta())


def quiet(last: datetime | None, now: datetime) -> timedelta | None:
    """Return how long, by day, nothing has come; None at night, and while nothing ever came."""
    if last is None or not DAY_BEGINS <= now.astimezone(CHINA).time() < DAY_ENDS:
        return None
    return length(days(last, now))


def usual_gap(count: int, first: datetime | None, now: datetime) -> timedelta | None:
    """Return what lies between two messages by day on average, or None while there were too few to know."""
    if first is None or now - first < KNOWN_AFTER or count < ENOUGH:
        return None
    return length(days(first, now)) / count


# -- telling ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Standing:
    """What is remembered of an alarm that is on, or whose end is still to be told."""

    key: str
    words: str
    began_at: datetime
    told_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True)
class Decision:
    """What to remember, what to forget, and what to tell, each with what to remember if it cannot be told."""

    keep: tuple[Standing, ...]
    forget: tuple[str, ...]
    tell: tuple[tuple[str, Standing], ...]


def decide(known: Collection[Standing], found: Collection[Alarm], now: datetime, *, telling: bool) -> Decision:
    """Return what follows from the alarms known before and found now: each is told once, hourly or daily, at its end.

    What is told counts as told from then on, so that nobody else tells it as well.
    """
    before, on = {each.key: each for each in known}, {each.key: each for each in found}
    keep: list[Standing] = []
    tell: list[tuple[str, Standing]] = []
    for key, alarm in on.items():
        old = before.get(key)
        stands = Standing(key, alarm.words, old.began_at if old else now, old.told_at if old else None)
        if telling and (stands.told_at is None or now - stands.told_at >= (RARELY if key in MILD else AGAIN)):
            tell.append((f"【网格通告警】{alarm.words}。{alarm.todo}", stands))
            stands = replace(stands, told_at=now)
        keep.append(stands)
    over = [old for key, old in before.items() if key not in on]
    if telling:
        tell += [(_over(old, now), replace(old, ended_at=old.ended_at or now)) for old in over if old.told_at]
    return Decision(tuple(keep), tuple(old.key for old in over), tuple(tell))


def _over(old: Standing, now: datetime) -> str:
    lasted = (old.ended_at or now) - old.began_at
    return f"【网格通已恢复】{old.words}。持续了{span(lasted)}，现在好了。"
