"""`python -m tests.bench_search --cases 1000000`: how long finding takes among so many cases, on both databases.

The cases are made up: what people report, in the sample city's places and kinds, the same at every run. The questions
are those that are asked: common and rare words, two words, phones, places, phrases, nothing; asked by the dispatchers,
the city, a street, a department and a grid. Everything that a page needs is measured, excerpts included.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import insert, select, text

import settings as configuration
from cases import finding
from cases.accounts import actor_of
from cases.city import CityCache
from cases.city_files import load_city
from cases.storage import Filter, Store, build_engine, migrate
from cases.storage.tables import CaseRow, HistoryRow
from cases.storage.terms import TermsDueRow
from tests.services import VAULT, Postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cases.access import Actor
    from cases.city import City

BATCH, INDEXED_AT_ONCE, QUESTIONS = 5000, 2000, 200
START = datetime(2024, 1, 1, tzinfo=UTC)
SECONDS_APART = 40
THINGS = (
    "路灯", "井盖", "垃圾桶", "电梯", "下水道", "消防通道", "楼道灯", "绿化带", "健身器材", "自来水管", "暖气", "围墙",
    "电动车", "共享单车", "广告牌", "烧烤摊", "广场舞音响", "工地", "宠物狗", "停车位", "充电桩", "天然气管道",
    "污水井", "路面", "人行道砖", "公交站牌", "红绿灯", "监控探头", "门禁", "化粪池",
)  # fmt: skip
FAULTS = (
    "坏了", "不亮了", "漏水", "堵了", "丢了", "没人管", "太吵", "塌了一块", "着过火", "被占了", "味道很大", "总是报警",
    "倒了", "被撞歪了", "松动", "堆满杂物", "冒烟", "乱停乱放", "掉皮", "结冰打滑",
)  # fmt: skip
SINCE = ("昨天晚上", "今天早上", "一个星期了", "好几天了", "下雨以后", "上个月起", "从开春到现在", "刚才")
WISHES = ("麻烦派人看看", "老人孩子走路不方便", "请尽快处理", "投诉过没有人来", "希望有个说法", "影响休息", "")
DONE = ("已派人到现场维修，恢复正常", "已联系物业处理", "已清理完毕", "已经劝离并加强巡查", "已更换配件，试运行正常")
WHO = ("dispatcher", "city", "cuihujd", "urban", "cuihu01")
OPEN_SHARE, PHONE_SHARE, SHOP_SHARE = 0.05, 0.15, 0.2


class Made(NamedTuple):
    """A city with cases in it, and some words that only a few cases have."""

    store: Store
    shops: list[str]
    places: list[str]
    tails: list[str]


def common_characters() -> str:
    """Return the characters of Chinese that everybody knows: the first level of the national standard."""
    codes = (bytes((high, low)) for high in range(0xB0, 0xD7) for low in range(0xA1, 0xFF))
    return b"".join(codes).decode("gb2312")


def build(store: Store, count: int) -> Made:
    """Fill a city with so many cases, and let the index be made as the sweeper makes it."""
    load_city(store)
    chance, characters = random.Random(11), common_characters()  # noqa: S311 - the same at every run
    shops = ["".join(chance.choices(characters, k=chance.randint(2, 3))) + "超市" for _ in range(max(10, count // 50))]
    with store.read() as book:
        city = CityCache().current(book)
        places = list(dict.fromkeys(place.name for place in book.places()))
    grids = [unit.id for unit in city.units.values() if unit.kind == "grid"]
    others = [unit.id for unit in city.units.values() if unit.kind in {"department", "community", "street"}]
    kinds = sorted(city.categories)
    tails: list[str] = []
    with store.engine.begin() as connection:
        for start in range(0, count, BATCH):
            cases, history = [], []
            for at in range(start, min(start + BATCH, count)):
                phone = f"13{chance.randrange(10**9):09d}" if chance.random() < PHONE_SHARE else ""
                tails += [phone[-4:]] if phone and len(tails) < QUESTIONS else []
                shop = chance.choice(shops) if chance.random() < SHOP_SHARE else ""
                place = chance.choice(places)
                said = f"{place}{chance.randint(1, 40)}号楼{shop and shop + '门口'}{chance.choice(THINGS)}"
                said += f"{chance.choice(FAULTS)}，{chance.choice(SINCE)}，{chance.choice(WISHES)}"
                said += f"，电话{phone}" if phone else ""
                case, lines = _case(chance, at + 1, said, place, kinds, grids, others)
                cases.append(case)
                history += lines
            connection.execute(insert(CaseRow), cases)
            connection.execute(insert(HistoryRow), history)
        connection.execute(insert(TermsDueRow).from_select(["case_id"], select(CaseRow.id)))
    return Made(store, shops, places, tails)


def _case(
    chance: random.Random, case_id: int, said: str, place: str, kinds: list[str], grids: list[int], others: list[int]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    grid, other, opened = (
        chance.choice(grids),
        chance.choice(others),
        START + timedelta(seconds=SECONDS_APART * case_id),
    )
    in_work = chance.random() < OPEN_SHARE
    result = "" if in_work else chance.choice(DONE)
    limit = opened + timedelta(days=chance.randint(1, 9))
    row = {
        "id": case_id, "state": "assigned" if in_work else "closed", "text": said, "place_words": place,
        "category_code": chance.choice(kinds), "grid_id": grid, "holder_id": chance.choice((grid, other)),
        "result": result, "opened_at": opened, "accept_by": limit, "contact_by": limit, "finish_by": limit,
        "due_at": limit if in_work else None, "anonymous": chance.random() < OPEN_SHARE,
    }  # fmt: skip
    line = {"case_id": case_id, "at": opened, "action": "open", "who": "resident", "text": said, "public": True}
    lines = [line, line | {"action": "report_result", "who": "system", "text": result}] if result else [line]
    return row, lines


def index(store: Store) -> float:
    """Let everything that waits be indexed, and return how many seconds it took."""
    started = time.perf_counter()
    while True:
        with store.write() as book:
            if not book.renew_due(INDEXED_AT_ONCE):
                return time.perf_counter() - started


def questions(made: Made, chance: random.Random) -> Iterator[tuple[str, str]]:
    """Yield questions and what sort they are of, evenly."""
    while True:
        thing, fault, place = chance.choice(THINGS), chance.choice(FAULTS), chance.choice(made.places)
        yield "common word", thing
        yield "very common word", chance.choice(("号楼", "已", "处理"))
        yield "rare word", chance.choice(made.shops)[:-2]
        yield "two words", f"{thing} {place}"
        yield "two common words", f"{thing} {fault}"
        yield "phone's last digits", chance.choice(made.tails)
        yield "place", place
        yield "phrase", f'"{thing}{fault}"'
        yield "word without another", f"{thing} -{fault}"
        yield "nothing found", "火星飞船" + thing


def measure(made: Made, logins: tuple[str, ...] = WHO) -> dict[str, list[float]]:
    """Ask everything as everybody in turn; return milliseconds by sort of question, and all of them."""
    times: dict[str, list[float]] = defaultdict(list)
    chance, cities = random.Random(5), CityCache()  # noqa: S311 - the same at every run
    with made.store.read() as book:
        city = cities.current(book)
        actors = [_actor(made.store, city, login) for login in logins]
    asked = questions(made, chance)
    for at in range(QUESTIONS):
        sort, typed = next(asked)
        actor = actors[at // 10 % len(actors)]
        started = time.perf_counter()
        with made.store.read() as book:
            found = finding.find(book, city, actor, typed, Filter())
            finding.excerpts(book, found)
        took = (time.perf_counter() - started) * 1000
        times[sort].append(took)
        times["all"].append(took)
    return times


def _actor(store: Store, city: City, login: str) -> Actor:
    with store.read() as book:
        account = book.staff_by_login(login)
        found = actor_of(book, city, account.id) if account is not None else None
    if found is None:
        raise LookupError(login)
    return found


def size_of(store: Store) -> tuple[float, float]:
    """Return how many megabytes the database takes, and how many of them the index."""
    with store.engine.connect() as connection:
        if store.engine.dialect.name == "postgresql":
            whole = connection.scalar(text("SELECT pg_database_size(current_database())"))
            part = connection.scalar(text("SELECT pg_total_relation_size('case_terms')"))
        else:
            whole = connection.scalar(text("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"))
            part = connection.scalar(text("SELECT sum(pgsize) FROM dbstat WHERE name LIKE 'case_terms%'"))
    return float(whole or 0) / 1e6, float(part or 0) / 1e6


def run(name: str, database_url: str, count: int) -> float:
    """Build, measure and print for one database; return the 95th percentile of all questions."""
    migrate(database_url, VAULT)
    store = Store(build_engine(database_url, VAULT))
    started = time.perf_counter()
    made = build(store, count)
    built = time.perf_counter() - started
    indexed = index(store)
    if store.engine.dialect.name == "postgresql":
        with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))
    whole, part = size_of(store)
    head = f"finding, {name}, {count} cases"
    print(
        f"{head:<44} made in {built:.0f} s, indexed in {indexed:.0f} s; {whole:.0f} MB, of it the index {part:.0f} MB"
    )
    times = measure(made)
    for sort, took in times.items():
        took.sort()
        p50, p95 = statistics.median(took), took[int(len(took) * 0.95)]
        print(f"{'  ' + sort:<44} median {p50:7.2f} ms   p95 {p95:7.2f} ms")
    store.engine.dispose()
    return times["all"][int(len(times["all"]) * 0.95)]


def main(count: int, databases: tuple[str, ...] = ("sqlite", "postgresql")) -> None:
    """Measure on SQLite and, where there is one, on PostgreSQL."""
    if "sqlite" in databases:
        with TemporaryDirectory() as folder:
            run("SQLite", f"sqlite:///{Path(folder)}/bench.sqlite3", count)
    programs = Postgres.programs()
    if "postgresql" not in databases or programs is None:
        return
    server = Postgres(programs)
    server.start()
    try:
        run("PostgreSQL", configuration.load({"DATABASE_URL": server.create_database()}).database_url, count)
    finally:
        server.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="how long finding takes")
    parser.add_argument("--cases", type=int, default=200_000)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), action="append")
    chosen = parser.parse_args()
    main(chosen.cases, tuple(chosen.database or ("sqlite", "postgresql")))
