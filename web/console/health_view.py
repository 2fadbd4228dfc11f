"""The administrator's home: what works and what does not, each with one sentence on what to do and where."""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from flask import url_for
from redis.exceptions import RedisError
from rq import Worker

from bot.errcodes import FAULT_KEY
from bot.watch import in_book, unreachable
from cases import overview, picks, watch
from cases.limits import span
from cases.worktime import CHINA

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from bot.assembly import House
    from cases.city import City
    from cases.storage import Book

# What is due is taken up within seconds; who waits longer waits for nobody.
STUCK = timedelta(minutes=1)
NAMED = 4
GIGABYTE = 1024**3
# Below this share of the disk, or so many gigabytes, it is time to make room.
LEAST_SHARE, LEAST_GIGABYTES = 0.1, 2.0
STATES = {"ok": "正常", "warn": "要看看", "bad": "有问题"}


@dataclass(frozen=True)
class Health:
    """One part: `state` of STATES, how it is, what to do about it, and where."""

    key: str
    name: str
    state: str
    words: str
    todo: str = ""
    href: str = ""

    @property
    def state_name(self) -> str:
        """The state in words."""
        return STATES[self.state]

    @property
    def rank(self) -> int:
        """The worst come first."""
        return ("bad", "warn", "ok").index(self.state)


def parts(house: House) -> tuple[Health, ...]:
    """Return how the parts of the machine are; nothing here reads the case book."""
    return (_redis(house), _workers(house), _media(house), _disk(house), _classifier(house))


# Alarms that have no line of their own among the parts.
ALONE = {"worker": "没有动静的进程", "poisoned": "出错的", "silence": "微信消息", "backup": "备份"}
# Where something can be done about them.
WHERE = {"poisoned": "broken"}


def _alarms(house: House, book: Book, city: City, now: datetime) -> tuple[Health, ...]:
    """Return the alarms that no other line tells of."""
    seen = in_book(book, city, watch.Seen(now), silence=house.settings.alarm_silence == "on")
    found = [each for each in watch.alarms(seen) if each.key in ALONE]
    return tuple(
        Health(
            f"alarm-{each.key}",
            ALONE[each.key],
            "bad" if each.key in watch.GRAVE else "warn",
            each.words,
            each.todo,
            _at(WHERE[each.key]) if each.key in WHERE else "",
        )
        for each in found
    )


def records(house: House, book: Book, city: City, now: datetime) -> tuple[Health, ...]:
    """Return how the service is by what stands in the case book."""
    return (
        Health("database", "数据库", "ok", "SQLite" if "sqlite" in house.settings.database_url else "PostgreSQL"),
        _sweeper(book, now),
        _account(book, now),
        _undelivered(book, now),
        _files(book, now),
        _rules(city),
        _calendar(city, now),
        _units(book, city),
        _accounts(book),
        _release(book, now),
        *_alarms(house, book, city, now),
    )


def _redis(house: House) -> Health:
    if fault := house.bell.fault():
        todo = "消息会晚几秒，不会丢。请看 Redis 开着没有、REDIS_URL 对不对。"
        return Health("redis", "Redis", "bad", f"连不上（{fault}）", todo)
    return Health("redis", "Redis", "ok", "连得上")


def _workers(house: House) -> Health:
    count = 0
    with suppress(RedisError, OSError):
        count = len(Worker.all(connection=house.redis))
    if not count:
        todo = "发消息、取照片会慢几秒；两样都停了就发不出去。请在服务器上运行 python worker.py。"
        return Health("worker", "后台进程", "bad", "没有看到在跑的", todo)
    return Health("worker", "后台进程", "ok", f"{count} 个在跑")


def _media(house: House) -> Health:
    if fault := house.media.fault():
        return Health("media", "照片和语音", "bad", f"存不进去（{fault}）", "请看 MEDIA_URL 的文件夹在不在、能不能写。")
    return Health("media", "照片和语音", "ok", "存得进去")


def _disk(house: House) -> Health:
    usage = shutil.disk_usage(house.settings.data_dir)
    free = usage.free / GIGABYTE
    short = free < LEAST_GIGABYTES or usage.free / usage.total < LEAST_SHARE
    words = f"还剩 {free:.1f} GB，共 {usage.total / GIGABYTE:.0f} GB"
    todo = "满了就收不下照片和语音。请清理旧备份，或者换大一点的盘。" if short else ""
    return Health("disk", "磁盘", "warn" if short else "ok", words, todo)


def _classifier(house: House) -> Health:
    faults = house.understanding.faults()
    if faults:
        words = "；".join(f"{name}：{fault}" for name, fault in faults.items())
        return Health(
            "classifier",
            "分类器",
            "bad",
            words,
            "没有它，工单全到派单台。请看“分类器”页，或重新训练。",
            _at("learning"),
        )
    return Health("classifier", "分类器", "ok", "在用", "", _at("learning"))


def _sweeper(book: Book, now: datetime) -> Health:
    """Say whether what is due is taken up: by what waits, whoever is running."""
    waiting, since = book.backlog(), book.longest_due()
    words = f"待发消息 {waiting['outbox']} 条，待取文件 {waiting['attachments']} 个"
    if since is not None and now - since > STUCK:
        late = f"{words}，最久的晚了{span(now - since)}"
        return Health("sweeper", "待办", "bad", late, "没人在发：请看 python worker.py 开着没有，日志里有没有报错。")
    return Health("sweeper", "待办", "ok", words)


def _account(book: Book, now: datetime) -> Health:
    if fault := book.meta(FAULT_KEY) or unreachable(book, now):
        todo = "消息先攒着，好了会自动发。到开通向导里测一下，照着改。"
        return Health("wechat", "公众号接口", "bad", str(fault), todo, _at("setup") + "#step-wechat")
    received = book.last_received()
    words = f"最近一条消息：{received.astimezone(CHINA):%m-%d %H:%M}" if received else "还没收到过消息"
    return Health("wechat", "公众号接口", "ok" if received else "warn", words, "", _at("setup") + "#step-wechat")


def _undelivered(book: Book, now: datetime) -> Health:
    todo = "超时没送到的，派单员在“没送到”里打电话告诉居民；接口的毛病到开通向导里看。"
    return _counted("undelivered", "没送到的消息", book.undelivered(picks.since(now)), "条", todo, _at("setup"))


def _files(book: Book, now: datetime) -> Health:
    todo = "居民发来的照片、语音没有取到：请看磁盘和网络，需要时请居民再发一次。"
    return _counted("files", "没取到的文件", book.files_failed(picks.since(now)), "个", todo, "")


def _counted(key: str, name: str, reasons: Mapping[str, int], unit: str, todo: str, href: str) -> Health:
    total = sum(reasons.values())
    if not total:
        return Health(key, name, "ok", "近七天没有")
    said = "；".join(f"{reason or '没有写原因'} {count} {unit}" for reason, count in list(reasons.items())[:NAMED])
    return Health(key, name, "warn", f"近七天 {total} {unit}：{said}", todo, href)


def _rules(city: City) -> Health:
    broken = [rule.name for rule in city.rules if rule.active and rule.fault]
    if broken:
        words = f"{len(broken)} 条失效：{_named(broken)}"
        return Health("rules", "派单规则", "warn", words, "失效的规则不会用上，点开看原因。", _at("rules"))
    active = sum(rule.active for rule in city.rules)
    return Health(
        "rules", "派单规则", "ok", f"{active} 条在用，都有效" if active else "没有规则，按类别派", "", _at("rules")
    )


def _calendar(city: City, now: datetime) -> Health:
    year = city.calendar.missing(now.astimezone(CHINA).date())
    if year is not None:
        words, todo = f"{year} 年的放假安排还没有", "时限先按周末算。国务院公布后请填上。"
        return Health("calendar", "放假安排", "warn", words, todo, _at("registry_calendar"))
    return Health("calendar", "放假安排", "ok", "今年的有了", "", _at("registry_calendar"))


def _units(book: Book, city: City) -> Health:
    empty = overview.open_to_nobody(book, city)
    if empty:
        words = f"{len(empty)} 个单位没有能办的账号：{_named(empty)}"
        todo = "派过去的工单没人看得见。请加人，或者停用这个单位。"
        return Health("units", "没人的单位", "warn", words, todo, url_for("console.registry_list", code="staff"))
    return Health("units", "没人的单位", "ok", "每个单位都有人")


def _accounts(book: Book) -> Health:
    never, must = book.never_came(), book.must_change()
    if not never and not must:
        return Health("accounts", "账号", "ok", "都登录过，密码都是自己的")
    words = "，".join(filter(None, (f"{never} 个没登录过" if never else "", f"{must} 个还是初始密码" if must else "")))
    todo = "请提醒本人登录一次、改掉初始密码；不用的账号停用。"
    return Health("accounts", "账号", "warn", words, todo, url_for("console.registry_list", code="staff"))


def _release(book: Book, now: datetime) -> Health:
    row, done = book.last_release(), next(iter(book.trainings(1)), None)
    said = []
    if done is not None:
        said.append(f"上次训练：{done.asked_at.astimezone(CHINA):%Y-%m-%d}")
    said.append(f"上次换版本：{row.at.astimezone(CHINA):%Y-%m-%d}" if row is not None else "用的是自带的版本")
    stale = row is not None and now - row.at > timedelta(days=180)
    todo = "半年没换了，本市的说法会变，可以再训练一次。" if stale else ""
    return Health("release", "训练和上线", "warn" if stale else "ok", "，".join(said), todo, _at("learning"))


def _named(names: list[str]) -> str:
    return "、".join(names[:NAMED]) + ("等" if len(names) > NAMED else "")


def _at(page: str) -> str:
    return url_for(f"console.{page}")
