"""Promises 1 to 3: whatever is killed, no message is lost and no case is there twice.

Real processes and real SIGKILL. Residents send a text, a photo and a place each; WeChat delivers up to three times.
"""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from cases.storage.sealed import keys_of
from cases.storage.tables import CaseRow, InboxRow, OutboxRow, ResidentRow
from tests.chaos.wechat import Deliveries, deliver
from tests.chaos.world import FULL, Chaos, World, killing, names
from tests.integration.people import message_xml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

RATE = 50.0
MESSAGES = 10_000 if FULL else 300
WEB_KILLS = 500 if FULL else 12
KILL_SECONDS = 2.0
# So often it is the web server's master that is killed: it takes seconds to come back, and its processes none.
MASTER = 0.02
# What belongs to a case: one of each resident's messages opens it, the others are added.
PARTS = 4
REPORT = "楼下的路灯坏了，晚上看不见"
AFTERWARDS_SECONDS = 120.0


def messages(prefix: str, count: int) -> list[str]:
    """Return a burst of each resident (a report, a photo, a place, a word more), mixed with its neighbours' ones."""
    found: list[str] = []
    for at, openid in enumerate(names(prefix, count // PARTS)):
        found += [
            message_xml(openid, "text", Content=f"翠湖小区{at % 30 + 1}栋{REPORT}"),
            message_xml(openid, "image", MediaId=f"{prefix}-{at}", PicUrl="http://x"),
            message_xml(openid, "location", Location_X="36.6587", Location_Y="117.0095", Label="翠湖小区"),
            message_xml(openid, "text", Content="麻烦快一点"),
        ]
    dice = random.Random(5)  # noqa: S311 - a repeatable order
    windows = (found[at : at + 40 * PARTS] for at in range(0, len(found), 40 * PARTS))
    return [xml for window in windows for xml in dice.sample(window, len(window))]


@pytest.fixture(params=["sqlite", "postgresql"] if FULL else ["sqlite"])
def world(request: pytest.FixtureRequest, database_of: Callable[[str], str], trained_models: Path) -> Iterator[World]:
    """Give the product as processes that are kept alive."""
    with World(database_of(request.param), trained_models) as made:
        made.start()
        yield made


def check(world: World, prefix: str, outcome: Deliveries) -> str:
    """Check that every acknowledged message is there once, in one case of its resident; return what was found."""
    openids = _openids(world, prefix)
    inbox = [row for row in world.rows(select(InboxRow.resident_id, InboxRow.key)) if row[0] in openids]
    stored = Counter(key for _, key in inbox)
    digest = keys_of(world.engine.dialect).digest
    lost = [xml for xml in outcome.acknowledged if digest(key_of(xml)) not in stored]
    assert lost == []
    assert max(stored.values()) == 1
    cases = Counter(openids[row] for (row,) in world.rows(select(CaseRow.resident_id)) if row in openids)
    reported = {key_of(xml).partition("|")[0] for xml in outcome.acknowledged if REPORT in xml}
    assert reported <= set(cases)
    doubled = [openid for openid, count in cases.items() if count > 1]
    assert doubled == []
    return f"{len(outcome.acknowledged):,} acknowledged, 0 lost, {len(cases):,} cases, 0 doubled"


def _openids(world: World, prefix: str) -> dict[int, str]:
    """Return the residents whose names begin so, by their ids."""
    found = world.rows(select(ResidentRow.id, ResidentRow.openid))
    return {row: openid for row, openid in found if openid.startswith(f"o{prefix}")}


def key_of(xml: str) -> str:
    """Return the key under which a message is kept."""
    openid, number = (xml.split(f"<{name}>")[1].split("<", maxsplit=1)[0] for name in ("FromUserName", "MsgId"))
    return f"{openid}|{number}"


def check_sent(world: World, prefix: str) -> tuple[int, int]:
    """Check that every file was fetched and everything owed was said; return how much, and how much too often."""
    openids = _openids(world, prefix)
    assert world.number("SELECT count(*) FROM attachments WHERE state <> 'stored'") == 0
    sent = [row for row in world.rows(select(OutboxRow.resident_id, OutboxRow.state)) if row[0] in openids]
    assert {state for _, state in sent} <= {"sent", "dropped"}
    owed = Counter(openids[row] for row, state in sent if state == "sent")
    said = Counter(openid for openid, _ in world.api.texts().elements() if openid in openids.values())
    assert all(said[openid] >= count for openid, count in owed.items())
    return owed.total(), said.total() - owed.total()


def test_the_worker_is_killed(world: World, figure: Callable[[str, str, str], None]) -> None:
    """With a worker process killed every two seconds nothing is lost, and replies repeat once a kill at most."""
    with Chaos(killing(world, "worker"), KILL_SECONDS):
        outcome = deliver(world.address, messages("Kill", MESSAGES), RATE)
    assert outcome.given_up == []
    found = check(world, "Kill", outcome)
    waited = world.wait_until_idle(AFTERWARDS_SECONDS)
    sent, twice = check_sent(world, "Kill")
    assert twice <= world.kills
    figure(
        "1. Worker and job processes killed",
        f"{MESSAGES:,} messages at {outcome.rate:.0f}/s, {world.kills} kills, {world.engine.dialect.name}",
        f"{found}; {sent:,} replies, {twice} of them twice; all done {waited:.0f} s after the last message",
    )


def test_redis_is_killed_too(world: World, figure: Callable[[str, str, str], None]) -> None:
    """With Redis killed every thirty seconds and emptied once besides, all is done within two minutes after."""

    def away(_dice: random.Random) -> None:
        world.redis.stop()
        world.redis.start()

    seconds = 30.0 if FULL else 2.0
    with Chaos(killing(world, "worker"), KILL_SECONDS), Chaos(away, seconds) as redis:
        half = MESSAGES // 2 // PARTS * PARTS
        first = deliver(world.address, messages("Away", half), RATE)
        world.redis.clear()
        second = deliver(world.address, messages("Back", half), RATE)
    found = [check(world, prefix, outcome) for prefix, outcome in (("Away", first), ("Back", second))]
    assert first.given_up == second.given_up == []
    waited = world.wait_until_idle(AFTERWARDS_SECONDS)
    counts = [check_sent(world, prefix) for prefix in ("Away", "Back")]
    assert redis.times
    figure(
        "2. Redis killed and emptied as well",
        f"{MESSAGES:,} messages at {second.rate:.0f}/s, {world.kills} kills, Redis away {redis.times} times, "
        f"emptied once, {world.engine.dialect.name}",
        f"{'; '.join(found)}; {counts[0][0] + counts[1][0]:,} replies; all done after {waited:.0f} s",
    )


def test_the_web_server_is_killed(world: World, figure: Callable[[str, str, str], None]) -> None:
    """With web processes killed in mid-request, what was acknowledged is in the database, each case once."""

    def act(dice: random.Random) -> None:
        master, *serving = world.pids("web")
        if serving:  # the master now and then, else one that serves
            world.kill(master if dice.random() < MASTER else dice.choice(serving))

    prefix, rounds = "Web", 0
    outcome = Deliveries()
    with Chaos(act, 0.4):
        while world.kills < WEB_KILLS:
            part = deliver(world.address, messages(f"{prefix}{rounds:03d}x", 80), 20.0)
            outcome.acknowledged += part.acknowledged
            outcome.given_up += part.given_up
            outcome.repeats += part.repeats
            rounds += 1
    kills = world.kills
    assert len(outcome.acknowledged) > len(outcome.given_up)
    world.wait_until_ready()
    found = check(world, prefix, outcome)
    world.wait_until_idle(AFTERWARDS_SECONDS)
    figure(
        "3. Web processes killed in mid-request",
        f"{kills} kills, {len(outcome.acknowledged) + len(outcome.given_up):,} messages with up to three deliveries, "
        f"{world.engine.dialect.name}",
        f"{found}; {outcome.repeats} repeats; {len(outcome.given_up)} never acknowledged, as WeChat would know",
    )
