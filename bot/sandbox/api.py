"""The stand-in for WeChat's API: one door, one table of calls."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from flask import Response, request

from bot.sandbox import credentials, faults, media, menu, messaging, people, scenes
from bot.sandbox.errors import ApiError, answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.sandbox.context import Context, Json, Route

# path: (method, whether it needs an access token, what it does)
CALLS: dict[str, tuple[str, bool, Callable[[Context], Json | Response]]] = {
    "cgi-bin/token": ("GET", False, credentials.token),
    "cgi-bin/stable_token": ("POST", False, credentials.stable_token),
    "cgi-bin/ticket/getticket": ("GET", True, credentials.ticket),
    "sns/oauth2/access_token": ("GET", False, credentials.oauth_token),
    "cgi-bin/media/upload": ("POST", True, media.upload),
    "cgi-bin/media/get": ("GET", True, media.get),
    "cgi-bin/message/custom/send": ("POST", True, messaging.custom_send),
    "cgi-bin/message/template/send": ("POST", True, messaging.template_send),
    "cgi-bin/message/subscribe/bizsend": ("POST", True, messaging.subscribe_send),
    "cgi-bin/qrcode/create": ("POST", True, scenes.create),
    "cgi-bin/showqrcode": ("GET", False, scenes.picture),
    "cgi-bin/menu/create": ("POST", True, menu.create),
    "cgi-bin/menu/get": ("GET", True, menu.get),
    "cgi-bin/menu/delete": ("GET", True, menu.delete),
    "cgi-bin/user/info": ("GET", True, people.info),
}


def call(context: Context, path: str) -> Response:
    """Answer a call of the bot as WeChat would: errors too come with status 200."""
    try:
        fault = faults.take(context.store, path)
        result = (_fail(fault) if fault else None) or _answer(context, path)
    except ApiError as error:
        result = answer(error.code)
    if isinstance(result, Response):
        return result
    # The OAuth calls say text/plain, which is why a client must not trust the header.
    kind = "text/plain" if path.startswith("sns/") else "application/json; encoding=utf-8"
    return Response(json.dumps(result, ensure_ascii=False), content_type=kind)


def _answer(context: Context, path: str) -> Json | Response:
    if path not in CALLS:
        raise ApiError(40066)
    method, guarded, act = CALLS[path]
    if request.method not in (method, "HEAD"):
        raise ApiError(43002 if method == "POST" else 43001)
    if guarded:
        credentials.check_token(context, request.args.get("access_token", ""))
    return act(context)


def _fail(fault: dict[str, Any]) -> Response | None:
    """Fail as ordered; None when only a delay was ordered."""
    time.sleep(fault["delay"])
    if fault["errcode"] is not None:
        raise ApiError(fault["errcode"])
    if fault["http"] is None:
        return None
    return Response("<html><body>Bad Gateway</body></html>", fault["http"], mimetype="text/html")


ROUTES: list[Route] = [("/sandbox/api/<path:path>", method, call) for method in ("GET", "POST")]
