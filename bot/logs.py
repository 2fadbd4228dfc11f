"""Structured logs: one JSON object a line, with ids and never words, openids, phones or secrets."""

from __future__ import annotations

import json
import logging
import sys
from contextlib import contextmanager
from contextvars import ContextVar, Token
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

Ids = dict[str, int | str]
# What the lines of now are about: `request`, `staff`, `case`, or a job's `kind` and `row`. Ids only.
_about: ContextVar[Ids] = ContextVar("about", default={})  # noqa: B039 - it is replaced, never changed
# What JSON leaves as it is, and some readers take for the end of a line.
ENDS_OF_LINE = {ord(each): f"\\u{ord(each):04x}" for each in "\x7f\x85\u2028\u2029"}


def begin(**ids: int | str) -> Token[Ids]:
    """Let the lines of this thread carry these ids until `end`."""
    return _about.set({**_about.get(), **ids})


def end(token: Token[Ids]) -> None:
    """Let the lines carry what they did before."""
    _about.reset(token)


@contextmanager
def about(**ids: int | str) -> Iterator[None]:
    """Let the lines within carry these ids."""
    token = begin(**ids)
    try:
        yield
    finally:
        end(token)


class JsonLines(logging.Formatter):
    """Formats a record as one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as a line; of an exception, type and place, not its text, which may hold data."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **_about.get(),
        }
        if record.exc_info and record.exc_info[0] is not None:
            line["exception"] = record.exc_info[0].__name__
            line["where"] = _where(record)
        whole = json.dumps(line, ensure_ascii=False).translate(ENDS_OF_LINE)
        return whole.encode("utf-8", "backslashreplace").decode("utf-8")


def _where(record: logging.LogRecord) -> str:
    trace = record.exc_info[2] if record.exc_info else None
    places = []
    while trace is not None:
        places.append(f"{trace.tb_frame.f_code.co_filename.rsplit('/', 2)[-1]}:{trace.tb_lineno}")
        trace = trace.tb_next
    return " < ".join(reversed(places[-6:]))


def configure(level: str) -> None:
    """Send all logs of this process to stderr as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in ("rq", "alembic", "urllib3", "PIL", "werkzeug"):
        logging.getLogger(noisy).setLevel("WARNING")
