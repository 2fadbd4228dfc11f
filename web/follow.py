"""What follows a request through the logs and into the numbers: its id, the case it is about, how it ended."""

from __future__ import annotations

import logging
import re
import secrets
import time
from typing import TYPE_CHECKING, Any

from flask import g, request

from bot import logs
from bot.meters import meters
from cases.numbers import case_id_of
from cases.spans import span

if TYPE_CHECKING:
    from contextvars import Token

    from flask import Flask, Response

log = logging.getLogger(__name__)

HEADER = "X-Request-ID"
SANE = re.compile(r"[A-Za-z0-9_-]{8,64}")
WEBHOOK = "wechat.receive"
LOGINS = frozenset({"console.login_submit", "console.login_code_submit"})
# What somebody was not allowed, did too often, or made too large: whoever reads the log sees who tries doors.
REFUSED = frozenset({401, 403, 405, 413, 429})
UNAUTHORIZED, SERVER_ERROR, CLIENT_ERROR = 401, 500, 400


def follow(app: Flask) -> None:
    """Give every request an id, which its answer and all its log lines carry."""

    @app.before_request
    def begin() -> None:
        given = request.headers.get(HEADER, "")
        g.request_id = given if SANE.fullmatch(given) else secrets.token_hex(8)
        g.begun = time.perf_counter()
        g.ids = logs.begin(request=g.request_id, **_case())
        g.span = span("request", route=request.endpoint or "", request=g.request_id, **_case())
        g.span.__enter__()

    @app.after_request
    def end(response: Response) -> Response:
        if "request_id" in g:
            response.headers[HEADER] = g.request_id
        if request.endpoint == WEBHOOK and "begun" in g:
            meters().webhook.labels(_outcome(response)).observe(time.perf_counter() - g.begun)
        if request.endpoint in LOGINS and response.status_code == UNAUTHORIZED:
            meters().logins.inc()
        if response.status_code in REFUSED:
            log.warning("refused with %d: %s", response.status_code, request.endpoint or "no such address")
        return response

    @app.teardown_request
    def forget(_error: BaseException | None) -> None:
        opened = g.pop("span", None)
        if opened is not None:
            opened.__exit__(None, None, None)
        ids: Token[dict[str, Any]] | None = g.pop("ids", None)
        if ids is not None:
            logs.end(ids)


def _case() -> dict[str, int]:
    """Return the id of the case that the address names, if it names one."""
    number = (request.view_args or {}).get("number")
    case_id = case_id_of(number) if isinstance(number, str) else None
    return {"case": case_id} if case_id is not None else {}


def _outcome(response: Response) -> str:
    """Return what became of a delivery: answered, taken in silence, refused, or failed so that WeChat comes again."""
    if response.status_code >= SERVER_ERROR:
        return "failed"
    if response.status_code >= CLIENT_ERROR:
        return "refused"
    return "answered" if "xml" in response.content_type else "taken"
