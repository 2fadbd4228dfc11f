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


def span(name: str, **ids: str | int) -> AbstractContextManager[object]:
    """Return what lasts as long as a step does: `with span("job", kind="outbox", row=7):`."""
    return _open[0](name, ids)
