"""A process that dies at a point between two steps, as one does when its machine loses power.

`python -m tests.chaos.crash` reads wishes as JSON lines (`environ`, `act`, `point`), forks a child for each, which does
the act and kills itself at the point, and answers with the signal that ended it. It is forked, because loading takes
seconds.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
from functools import wraps
from typing import TYPE_CHECKING, Any

import settings as configuration
from bot import sweeping
from bot.assembly import build, utc_now
from cases.storage import migrate
from tests.chaos.wechat import TOKEN
from tests.integration.people import signed
from tests.services import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType
    from typing import Self

    from bot.assembly import House

# Where between two steps: the call that is the next or the last step, and on which side of it.
Point = tuple[str, str, str]


def die() -> None:
    """End at once, without a word."""
    os.kill(os.getpid(), signal.SIGKILL)


def arm(point: Point) -> None:
    """Let this process die before or after a method is called for the first time."""
    place, name, side = point
    module, _, owner = place.rpartition(".")
    target = getattr(importlib.import_module(module), owner)
    real = getattr(target, name)

    @wraps(real)
    def armed(*args: Any, **options: Any) -> None:
        if side == "before":
            die()
        real(*args, **options)
        die()

    setattr(target, name, armed)


def receive(house: House, xml: str) -> None:
    """Take a delivery as the webhook does."""
    message = house.gate.admit(signed(TOKEN), xml.encode())
    assert message is not None
    house.reception.receive(message, utc_now())


ACTS: dict[str, Callable[[House, Any], object]] = {
    "receive": receive,
    "sweep": lambda house, _: sweeping.sweep(house),
    "migrate": lambda house, _: migrate(house.settings.database_url, house.vault),
}


def main() -> None:
    """Serve wishes until there are no more."""
    for line in sys.stdin:
        wish = json.loads(line)
        pid = os.fork()
        if not pid:
            arm(tuple(wish["point"]))  # first: the house hands methods on
            house = build(configuration.load(wish["environ"]))
            ACTS[wish["act"]](house, wish["with"])
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        print(-os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status), flush=True)  # noqa: T201


class Crasher:
    """Has acts done by processes that die at a point."""

    def __init__(self) -> None:
        self.deaths = 0

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.crash"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def crash(self, environ: Mapping[str, str], point: Point, act: str, what: str = "") -> None:
        """Do an act; it has to come to the point, and die there."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        wish = {"environ": dict(environ), "point": point, "act": act, "with": what}
        self._process.stdin.write(json.dumps(wish).encode() + b"\n")
        self._process.stdin.flush()
        code = int(self._process.stdout.readline())
        assert code == -signal.SIGKILL, f"{point} was not reached: {code}"
        self.deaths += 1


if __name__ == "__main__":
    main()
