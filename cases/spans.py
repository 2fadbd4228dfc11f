"""What takes how long, for whoever traces: nothing happens until a tracer is put to work (`bot/tracing.py`).

A span has a name of ours and ids; never words, openids, phones or addresses with secrets.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    Open = Callable[[str, dict[str, str | int]], AbstractContextManager[object]]


def _nothing(_name: str, _ids: dict[str, str | int]) -> AbstractContextManager[object]:
    return nullcontext()


_open: list[Open] = [_nothing]


def use(opener: Open) -> None:
    """Let this open the spans of this process from now on."""
    _open[0] = opener


def stop() -> None:
    """Open no spans any more."""
    _open[0] = _nothing


def traced() -> bool:
    """Say whether a tracer is at work."""
    return _open[0] is not _nothing


def span(name: str, **ids: str | int) -> AbstractContextManager[object]:
    """Return what lasts as long as a step does, to be used in a `with` statement."""
    return _open[0](name, ids)
