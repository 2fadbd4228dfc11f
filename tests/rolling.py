"""`python -m tests.rolling`: an upgrade without a gap, tried for real with nginx, PostgreSQL and two web processes.

nginx runs with deploy/nginx.conf before two web processes as their units start them. Messages come in through it all
the while, and staff look at a page, while first one web process and then the other is ended and started again. Every
message has to be answered in time, and every page has to come. With `--before REVISION` the first two processes are
that version's, on the schema of today, and give way to today's one by one: two versions at once.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import requests
import urllib3

import settings as configuration
from cases import learning
from cases.city_files import load_city
from cases.storage import Store, build_engine, migrate
from tests.integration.people import message_xml, signed
from tests.services import DATA_KEY, ROOT, VAULT, Postgres, Redis, clean_environment, free_port, wait_until
from tests.unit.test_deploy import nginx_conf

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS, WRITERS = 2, 3


class Web:
    """A web process group as wanggetong-web@.service starts it."""

    def __init__(self, environ: dict[str, str], root: Path) -> None:
        self.port, self.root = free_port(), root
        self._environ = clean_environment({**environ, "PORT": str(self.port)})
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        bind = f"127.0.0.1:{self.port}"
        command = [sys.executable, "-m", "gunicorn", "-c", "python:web.server", "--bind", bind, "web:create_app()"]
        self._process = subprocess.Popen(command, cwd=self.root, env=self._environ)
        wait_until(self._answers, 120, "a web process")

    def stop(self) -> None:
        """End it as systemd does, and wait."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(60)

    def _answers(self) -> bool:
        with suppress(requests.RequestException):
            return requests.get(f"http://127.0.0.1:{self.port}/healthz", timeout=2).ok
        return False


def keep_on(act: Callable[[int], int], stop: threading.Event, name: int, seen: list[tuple[int, float]]) -> None:
    """Do it again and again, and note the status and how long it took; 0 is a connection that broke."""
    number = 0
    while not stop.is_set():
        begun = time.monotonic()
        try:
            status = act(name * 1_000_000 + number)
        except requests.RequestException:
            status = 0
        seen.append((status, time.monotonic() - begun))
        number += 1
        stop.wait(0.05)


def checkout(revision: str, folder: Path) -> Path:
    """Return a folder with another version of the code, beside this one's front-end files."""
    root = folder / "before"
    root.mkdir()
    archive = subprocess.run(["git", "archive", revision], cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
    subprocess.run(["tar", "-x", "-C", str(root)], input=archive, check=True)
    (root / "web/node_modules").symlink_to(ROOT / "web/node_modules")
    return root


def main() -> int:
    """Try it, print what was seen, and return 1 if anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", metavar="REVISION", help="the version that gives way to today's")
    revision = parser.parse_args().before
    urllib3.disable_warnings()
    programs = Postgres.programs()
    if programs is None:
        raise SystemExit("no PostgreSQL")
    with ExitStack() as afterwards, tempfile.TemporaryDirectory(prefix="wgt-roll-") as name:
        folder = Path(name)
        server, redis = Postgres(programs), Redis()
        server.start()
        afterwards.callback(server.stop)
        redis.start()
        afterwards.callback(redis.remove)
        environ = {"DATABASE_URL": server.create_database(), "REDIS_URL": redis.url, "DATA_DIR": str(folder)}
        environ["DATA_KEY"] = DATA_KEY
        ours = configuration.load({**environ, "LOG_LEVEL": "ERROR"})
        migrate(ours.database_url, VAULT)
        engine = build_engine(ours.database_url, VAULT)
        load_city(Store(engine))
        engine.dispose()
        list(learning.train_starters(ours.models_dir))
        first = checkout(revision, folder) if revision else ROOT
        webs = [Web({**environ, "LOG_LEVEL": "ERROR"}, first) for _ in range(2)]
        for web in webs:
            web.start()
            afterwards.callback(web.stop)
        tls = f"127.0.0.1:{free_port()}"
        conf = nginx_conf(folder, tls, f"127.0.0.1:{free_port()}", [f"127.0.0.1:{web.port}" for web in webs])
        nginx = subprocess.Popen(["nginx", "-p", name, "-c", str(conf), "-g", "daemon off;"])
        afterwards.callback(nginx.wait)
        afterwards.callback(nginx.terminate)
        return watch_it(f"https://{tls}", webs, ours.wechat_token)


def watch_it(address: str, webs: list[Web], token: str) -> int:
    """Write and look all the while, restart one after the other, and tell what was seen."""

    def write(number: int) -> int:
        body = message_xml(f"oRolling{number:020d}", "text", Content="翠湖小区3栋楼下井盖坏了")
        answer = requests.post(f"{address}/wechat", params=signed(token), data=body.encode(), verify=False, timeout=10)
        return answer.status_code

    def look(_number: int) -> int:
        return requests.get(f"{address}/console/offline", verify=False, timeout=10).status_code

    wait_until(lambda: _up(address), 30, "nginx")
    stop = threading.Event()
    written: list[tuple[int, float]] = []
    looked: list[tuple[int, float]] = []
    threads = [threading.Thread(target=keep_on, args=(write, stop, each, written)) for each in range(WRITERS)]
    threads.append(threading.Thread(target=keep_on, args=(look, stop, 9, looked)))
    for each in threads:
        each.start()
    for _ in range(ROUNDS):
        for web in webs:
            web.stop()
            web.root = ROOT
            web.start()
    stop.set()
    for each in threads:
        each.join()
    lost = 0
    for name, seen in (("messages", written), ("pages", looked)):
        wrong = [status for status, _ in seen if status != requests.codes.ok]
        slowest = max(seconds for _, seconds in seen)
        restarts = ROUNDS * len(webs)
        print(f"{name}: {len(seen)} while {restarts} restarts, {len(wrong)} lost {wrong[:5]}, slowest {slowest:.2f} s")
        lost += len(wrong)
    closed = [
        requests.get(f"{address}{page}", verify=False, timeout=10).status_code for page in ("/metrics", "/readyz")
    ]
    print(f"/metrics and /readyz from outside: {closed}")
    return int(lost > 0 or closed != [404, 404])


def _up(address: str) -> bool:
    with suppress(requests.RequestException):
        return requests.get(f"{address}/healthz", verify=False, timeout=2).ok
    return False


if __name__ == "__main__":
    sys.exit(main())
