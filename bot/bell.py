"""The bell: after a commit, Redis is told which rows wait, so that the worker comes at once.

Never the truth: a bell that is not heard costs seconds, because the sweeper reads the database.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue
from rq.serializers import JSONSerializer

if TYPE_CHECKING:
    from cases.storage import Bell

log = logging.getLogger(__name__)

TIMEOUT_SECONDS = 0.15
# After a failure the bell stays silent this long: a dead Redis costs one time-out, not one a message.
PAUSE_SECONDS = 5.0
JOBS = {"outbox": "worker.deliver", "media": "worker.fetch"}


def connect(redis_url: str, timeout: float | None = TIMEOUT_SECONDS) -> Redis:
    """Return a client that gives up after `timeout` seconds and does not try again; None waits."""
    return Redis.from_url(
        redis_url,
        socket_timeout=timeout,
        socket_connect_timeout=timeout or TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )


class BellRope:
    """Rings for rows that wait for the worker. Never raises."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._queues = {name: Queue(name, connection=redis, serializer=JSONSerializer) for name in JOBS}
        self._silent_until = 0.0
        self._lock = threading.Lock()

    def ring(self, bells: list[Bell]) -> None:
        """Enqueue one small job a row; the job re-reads the row and bows out when it is done already."""
        if time.monotonic() < self._silent_until:
            return
        try:
            for bell in bells:
                self._queues[bell.queue].enqueue(
                    JOBS[bell.queue], bell.row_id, result_ttl=0, failure_ttl=3600, job_timeout=120
                )
        except (RedisError, OSError) as error:
            with self._lock:
                self._silent_until = time.monotonic() + PAUSE_SECONDS
            log.warning("bell not rung: %s", type(error).__name__)

    def fault(self) -> str:
        """Return why Redis cannot be used, or an empty string."""
        try:
            self._redis.ping()
        except (RedisError, OSError) as error:
            return type(error).__name__
        return ""
