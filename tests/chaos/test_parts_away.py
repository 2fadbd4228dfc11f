"""Promise 5: a Redis that is refused, hangs or is slow costs nothing; a database that is away, no message."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.chaos.between import Between
from tests.chaos.test_kills import REPORT, check
from tests.chaos.wechat import deliver
from tests.chaos.world import FULL, WEB, World, names
from tests.integration.people import message_xml
from tests.services import Redis

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

COUNT = 1_000 if FULL else 60
RATE = 25.0
# What the webhook's answers keep to (milliseconds): 99 of 100, by how Redis is away; and each of them.
PROMISED = {"refuse": 100.0, "hang": 500.0, "slow": 500.0}
NEVER_OVER = 2_000.0


def photos(prefix: str, count: int = COUNT) -> list[str]:
    """Return a report with a photo from each resident: both are rung for."""
    found = []
    for at, openid in enumerate(names(prefix, count // 2)):
        found.append(message_xml(openid, "text", Content=f"翠湖小区{at % 30 + 1}栋{REPORT}"))
        found.append(message_xml(openid, "image", MediaId=f"{prefix}-{at}", PicUrl="http://x"))
    return found


@pytest.fixture
def redis() -> Iterator[Redis]:
    """Give a Redis of one's own."""
    server = Redis()
    server.start()
    yield server
    server.remove()


@pytest.mark.parametrize("mode", PROMISED)
def test_redis_is_away(
    mode: str,
    redis: Redis,
    database_of: Callable[[str], str],
    trained_models: Path,
    figure: Callable[[str, str, str], None],
) -> None:
    """However Redis fails, the webhook answers in time, and everything is kept for the sweeper."""
    with Between(redis.url.removeprefix("unix://")) as between:
        environ = {"REDIS_URL": f"redis://127.0.0.1:{between.port}"}
        with World(database_of("sqlite"), trained_models, environ) as world:
            world.want("web", WEB)
            world.wait_until_ready()
            deliver(world.address, photos("Warm", 20), RATE)
            between.set(mode)
            outcome = deliver(world.address, photos("Redis"), RATE)
            found = check(world, "Redis", outcome)
            assert outcome.given_up == []
            assert world.number("SELECT count(*) FROM attachments WHERE state = 'waiting'") == COUNT // 2 + 10
            slowest = max(outcome.milliseconds)
            assert slowest < NEVER_OVER
            assert outcome.p99() < PROMISED[mode] or not FULL
    figure(
        f"5. Redis away: {mode}",
        f"{COUNT:,} messages at {outcome.rate:.0f}/s",
        f"p99 {outcome.p99():.0f} ms (promised {PROMISED[mode]:.0f}), slowest {slowest:.0f} ms; {found}",
    )


@pytest.mark.parametrize("mode", ["refuse", "hang"])
def test_the_database_is_away(
    mode: str,
    postgres_url: str,
    trained_models: Path,
    figure: Callable[[str, str, str], None],
) -> None:
    """Nothing is acknowledged that is not stored; when the database is back, so is the service, by itself."""
    folder = parse_qs(urlsplit(postgres_url).query)["host"][0]
    name = urlsplit(postgres_url).path
    with Between(f"{folder}/.s.PGSQL.5432") as between:
        address = f"postgresql://wanggetong@127.0.0.1:{between.port}{name}"
        with World(address, trained_models) as world:
            world.want("web", WEB)
            world.wait_until_ready()
            between.set(mode)
            count = 40 if FULL else 8
            away = deliver(world.address, photos("Away", count), RATE, deliveries=1)
            assert away.acknowledged == []
            assert set(away.refusals) <= {"503", "ReadTimeout"}
            between.set("pass")
            world.wait_until_ready()
            outcome = deliver(world.address, away.given_up, RATE)
            found = check(world, "Away", outcome)
            assert outcome.given_up == []
    if mode == "refuse":
        assert max(away.milliseconds) < NEVER_OVER
    figure(
        f"5. Database away: {mode}",
        f"{count} messages, then the same again",
        f"none acknowledged while away, answered within {max(away.milliseconds):.0f} ms; then {found}",
    )
