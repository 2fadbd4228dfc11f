"""Works a queue of Redis, and does nothing there but our own two jobs: whoever can write into Redis can run nothing."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from rq import Queue, SimpleWorker
from rq.exceptions import DeserializationError
from rq.serializers import JSONSerializer

from bot.bell import JOBS

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis import Redis
    from redis.client import Pipeline
    from rq.job import Job

log = logging.getLogger(__name__)

CALLBACKS = ("_success_callback_name", "_failure_callback_name", "_stopped_callback_name")


class Queuer(SimpleWorker):
    """Works a queue without forking, and gives a sign of life whenever RQ does."""

    beat: Callable[[], None] | None = None

    def heartbeat(self, timeout: int | None = None, pipeline: Pipeline | None = None) -> None:
        """Tell RQ that this process lives, and ourselves."""
        super().heartbeat(timeout, pipeline)
        if self.beat is not None:
            self.beat()

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Do a job of ours; what else lies in a queue is removed unheard: RQ would call any function by its name."""
        if ours(job, queue.name):
            super().execute_job(job, queue)
            return
        log.warning("a job that is none of ours was removed from queue %s", queue.name)
        job.delete()


def ours(job: Job, queue: str) -> bool:
    """Say whether a job is the one function of its queue, called with the id of a row, with nothing before or after."""
    try:
        known = job.func_name == JOBS.get(queue) and job.instance is None and not job.kwargs
        row = list(job.args or ())
    except (DeserializationError, ValueError, TypeError):
        return False
    called = any(isinstance(getattr(job, name, None), str) for name in CALLBACKS)
    return known and not called and len(row) == 1 and type(row[0]) is int


def queuer(name: str, redis: Redis, seconds: int, beat: Callable[[], None] | None = None) -> Queuer:
    """Return who works a queue; it looks up from it every few `seconds`, for a sign of life."""
    queue = Queue(name, connection=redis, serializer=JSONSerializer)
    made = Queuer([queue], connection=redis, serializer=JSONSerializer, worker_ttl=seconds)
    made.beat = beat
    return made
