"""Whoever can write into Redis can run nothing: a queue knows one function, and jobs are JSON."""

from __future__ import annotations

import json
import os
import pickle
import zlib
from typing import TYPE_CHECKING

import pytest
from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer

import worker
from bot.bell import JOBS
from bot.queuer import queuer

if TYPE_CHECKING:
    from pathlib import Path

    from bot.assembly import House

CREATED = b"2026-01-01T00:00:00.000000Z"


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """Use SQLite: the queue does not lie in the database."""
    return f"sqlite:///{tmp_path}/queue.sqlite3"


class Planted:
    """What runs a command where it is unpickled."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (self.command,)


def plant(redis: Redis, queue: str, job_id: str, **fields: bytes) -> None:
    """Put a job into a queue as RQ keeps it, with these fields."""
    known = {"created_at": CREATED, "origin": queue.encode(), "status": b"queued", "timeout": b"30"}
    for field, value in (known | fields).items():
        redis.hset(f"rq:job:{job_id}", field, value)
    redis.rpush(f"rq:queue:{queue}", job_id)


@pytest.mark.parametrize("name", JOBS)
def test_planted_jobs_do_not_run(
    house: House, tmp_path: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A pickle in a queue, or another function's name, runs nothing and stops nothing: the job behind it is done."""
    ran = tmp_path / "ran"
    done: list[int] = []
    evil, redis = pickle.dumps(Planted(f"touch {ran}")), Redis.from_url(redis_url)
    call = json.dumps(["os.system", None, [f"touch {ran}"], {}]).encode()
    mine = json.dumps([JOBS[name], None, [1], {}]).encode()
    for number, data in enumerate((evil, zlib.compress(evil), call, zlib.compress(call), b"[]", b"")):
        plant(redis, name, f"planted-{number}", data=data, description=b"x")
    plant(redis, name, "with-meta", data=call, meta=zlib.compress(evil))
    plant(redis, name, "with-callback", data=mine, success_callback_name=b"os.getpid")
    plant(redis, name, "with-words", data=json.dumps([JOBS[name], None, ["1"], {}]).encode())
    plant(redis, name, "with-another", data=json.dumps([JOBS[name], None, [1, 2], {}]).encode())
    redis.rpush(f"rq:queue:{name}", "not-there")
    monkeypatch.setattr(worker, "house", lambda: house)
    monkeypatch.setattr(worker, "each_of", lambda _house, _kind, ids, _do: done.extend(ids))
    Queue(name, connection=redis, serializer=JSONSerializer).enqueue(JOBS[name], 4711, job_timeout=30)
    for _ in range(10):  # what cannot even be read ends a process, which is started anew
        queuer(name, redis, 25).work(burst=True, logging_level="CRITICAL")
    assert done == [4711]
    assert not ran.exists()
    assert redis.llen(f"rq:queue:{name}") == 0
