"""gunicorn's configuration: `gunicorn -c python:web.server 'web:create_app()'`.

The application is built before forking, so that segmenter and models are loaded once and shared; connections are
made after it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import settings as configuration
from bot import tracing
from cases.limits import DELIVERIES
from web.pulse import WATCHERS

if TYPE_CHECKING:
    from gunicorn.arbiter import Arbiter
    from gunicorn.workers.base import Worker

try:
    _settings = configuration.load()
except configuration.SettingsError as error:
    raise SystemExit("\n".join(f"设置有误：{fault}" for fault in error.faults)) from None

bind = f"127.0.0.1:{_settings.port}" if _settings.sandbox else f"0.0.0.0:{_settings.port}"
# SQLite has one writer: the threads of one process queue for it in order; processes would sleep and collide.
workers = 1 if _settings.database_url.startswith("sqlite") else 2
# Those who watch hold a thread each, asleep most of the time; WeChat's deliveries have their own. Sixteen are for
# everything else, whatever comes from WeChat.
threads = 16 + DELIVERIES + WATCHERS
worker_class = "gthread"
preload_app = True
timeout = 30
graceful_timeout = 5
keepalive = 5
accesslog = None
loglevel = "warning"
control_socket_disable = True


def post_fork(_server: Arbiter, worker: Worker) -> None:
    """Give each process its own connections."""
    from web import house_of  # noqa: PLC0415 - only in the server

    house_of(worker.app.wsgi()).store.engine.dispose(close=False)


def post_worker_init(worker: Worker) -> None:
    """Trace this process, if a collector is set; let those who watch leave when the process is told to stop."""
    tracing.start(_settings, "web")
    worker.app.wsgi().extensions["pulse"].serving = lambda: worker.alive


def when_ready(server: Arbiter) -> None:
    """Load in the parent what all processes then share."""
    from web import house_of  # noqa: PLC0415 - only in the server

    house_of(server.app.wsgi()).warm_up()
