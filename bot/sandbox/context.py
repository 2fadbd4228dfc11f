"""What every view of the sandbox is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import request

if TYPE_CHECKING:
    from bot.sandbox.store import Store
    from settings import Settings

Json = dict[str, Any]
Route = tuple[str, str, Callable[..., Any]]  # rule, method, view(context, **parts of the address)


@dataclass(frozen=True)
class Context:
    """The settings and the state."""

    settings: Settings
    store: Store


def page_json() -> Json | None:
    """Return the JSON object in a request of our own page, or None.

    Only application/json counts: another site cannot send that here without the browser asking us first.
    """
    value = request.get_json(silent=True)
    return value if isinstance(value, dict) else None


def text(source: Json, name: str) -> str:
    """Return a string of a JSON object, or empty; halves of emoji, which no encoding can carry, are replaced."""
    value = source.get(name)
    if not isinstance(value, str):
        return ""
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def number(source: Json, name: str) -> float | None:
    """Return a finite number of a JSON object, or None."""
    value = source.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if abs(value) <= 1e15 else None  # noqa: PLR2004 - excludes infinities, and NaN compares false
