"""Promise 7: twice as much as the worker can do is rung for once a row, and done by itself afterwards.

What becomes of poisoned messages and jobs is told in `tests/integration/test_failures.py`.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import redis

from tests.chaos.test_kills import check
from tests.chaos.test_parts_away import photos
from tests.chaos.wechat import deliver
from tests.chaos.world import FULL, World

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# One file takes WeChat so long: the worker fetches some twelve a second, and twice as many come.
CALL_SECONDS = 0.08
PHOTOS_A_SECOND = 25.0
COUNT = 4_000 if FULL else 200
MOST = 1.2
AFTERWARDS_SECONDS = 300.0


def test_double_overload(
    database_of: Callable[[str], str], trained_models: Path, figure: Callable[[str, str, str], None]
) -> None:
    """Jobs stay under 1.2 a message, and the backlog drains without anybody's doing."""
    with World(database_of("sqlite"), trained_models) as world:
        world.start()
        world.api.during = lambda: time.sleep(CALL_SECONDS)
        outcome = deliver(world.address, photos("Much", COUNT), 2 * PHOTOS_A_SECOND)
        behind = world.number("SELECT count(*) FROM attachments WHERE state = 'waiting'")
        assert behind > COUNT // 20, "the worker was not overloaded"
        found = check(world, "Much", outcome)
        waited = world.wait_until_idle(AFTERWARDS_SECONDS)
        with redis.Redis.from_url(world.redis.url) as client:
            stats = client.info("commandstats")
            left = sum(client.llen(f"rq:queue:{name}") for name in ("outbox", "media"))
        enqueued = stats.get("cmdstat_rpush", {"calls": 0})["calls"]
        assert 0 < enqueued < MOST * COUNT
        assert left == 0
        assert world.number("SELECT count(*) FROM attachments WHERE state <> 'stored'") == 0
    figure(
        "7. Double overload",
        f"{COUNT:,} messages at {outcome.rate:.0f}/s, every second one with a photo that takes "
        f"{CALL_SECONDS * 1000:.0f} ms",
        f"{enqueued / COUNT:.2f} jobs a message; {behind} files behind at the end, done {waited:.0f} s later; {found}",
    )
