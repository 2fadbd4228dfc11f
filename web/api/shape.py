"""What the API is made of: routes with what they take and answer, calls, problems."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flask import request

from cases.exchange import UNSTORABLE
from cases.words import ROLES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from bot.assembly import House
    from cases.access import Actor

BODY_BYTES = 64 * 1024


class Problem(Exception):  # noqa: N818 - RFC 9457's word
    """An answer other than success; `detail` is for the people who read the caller's log."""

    def __init__(self, status: int, detail: str, faults: tuple[str, ...] = ()) -> None:
        super().__init__(detail)
        self.status, self.detail, self.faults = status, detail, faults


@dataclass(frozen=True)
class Field:
    """A text that a call may bring, in its address or its body; `most`: characters."""

    about: str
    required: bool = False
    most: int = 500


@dataclass(frozen=True)
class Call:
    """One call: who makes it, and the parts of its address."""

    house: House
    actor: Actor
    parts: Mapping[str, str]
    now: datetime


Answer = tuple[int, dict[str, Any]]


@dataclass(frozen=True)
class Route:
    """One operation. `path` names its parts in braces; `answers`: the schema (`web.api.openapi`) of each success."""

    method: str
    path: str
    name: str
    summary: str
    view: Callable[[Call], Answer]
    answers: Mapping[int, str]
    problems: tuple[int, ...] = ()
    query: Mapping[str, Field] = field(default_factory=dict)
    body: Mapping[str, Field] = field(default_factory=dict)
    roles: frozenset[str] = frozenset(ROLES)


def body_of(fields: Mapping[str, Field]) -> dict[str, str]:
    """Return the texts of a call's JSON body, those left out as empty.

    Raises Problem 400 for what is no JSON object, 413 for a long one, 422 with each fault for fields that do not fit.
    """
    if (request.content_length or 0) > BODY_BYTES or len(request.get_data(cache=True)) > BODY_BYTES:
        raise Problem(413, f"正文最多 {BODY_BYTES // 1024} KB。")
    given = _json() if request.get_data(cache=True) else {}
    if not isinstance(given, dict):
        raise Problem(400, "正文要是一个 JSON 对象。")
    faults = [f"没有 {name} 这一项" for name in given if name not in fields]
    for name, each in fields.items():
        value = given.get(name)
        if value is None or value == "":
            faults += [f"缺少 {name}"] if each.required else []
        elif not isinstance(value, str) or UNSTORABLE.search(value):
            faults.append(f"{name} 要是文字")
        elif len(value) > each.most:
            faults.append(f"{name} 最多 {each.most} 个字")
    if faults:
        raise Problem(422, "有几处不对：" + "；".join(faults), tuple(faults))
    return {name: (given.get(name) or "").replace("\r\n", "\n").strip() for name in fields}


def _json() -> object:
    """Return what a body says, or nothing for one that is no JSON, or nested beyond all reason."""
    try:
        return request.get_json(force=True, silent=True)
    except RecursionError:
        return None
