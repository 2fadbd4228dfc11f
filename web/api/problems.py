"""Answers and refusals as JSON; refusals are `application/problem+json` (RFC 9457)."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from flask import Response

from cases.handling import NoSuchCase
from cases.ledger import NotAllowed
from web.api.shape import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Blueprint
    from werkzeug.exceptions import HTTPException

WORDS = {
    400: "请求看不懂。",
    404: "没有这个工单，或者它不归这个账号管。",
    405: "这个地址不能这样用。",
    413: "正文太大。",
    415: "正文要是 JSON。",
    500: "我们这边出错了，请稍后再试。",
}


def answer(status: int, content: dict[str, Any], mimetype: str = "application/json") -> Response:
    """Return a JSON answer, which nobody keeps."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return Response(text, status=status, mimetype=mimetype, headers={"Cache-Control": "no-store"})


def problem(status: int, detail: str, faults: tuple[str, ...] = ()) -> Response:
    """Return a refusal."""
    content: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    response = answer(status, content | ({"faults": list(faults)} if faults else {}), "application/problem+json")
    if status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = 'Bearer realm="wanggetong"'
    return response


def register(routes: Blueprint) -> None:
    """Let everything that goes wrong in the API be told as a problem."""
    routes.register_error_handler(Problem, _told)
    routes.register_error_handler(NoSuchCase, _not_there)
    routes.register_error_handler(NotAllowed, _refused)
    for code, words in WORDS.items():
        routes.register_error_handler(code, _of(code, words))


def _told(error: Problem) -> Response:
    return problem(error.status, error.detail, error.faults)


def _not_there(_error: NoSuchCase) -> Response:
    return problem(404, WORDS[404])


def _refused(error: NotAllowed) -> Response:
    return problem(422, str(error))


def _of(code: int, words: str) -> Callable[[HTTPException], Response]:
    return lambda _error: problem(code, words)
