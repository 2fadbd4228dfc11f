"""`/wechat`: the official account's callback, and nothing else."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from flask import Blueprint, Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from bot.assembly import utc_now
from bot.choices import tappable
from bot.protocol import MAX_BODY_BYTES, Refused, render_text

if TYPE_CHECKING:
    from bot.assembly import House

log = logging.getLogger(__name__)

SUCCESS = "success"


def blueprint(house: House) -> Blueprint:
    """Return the routes of the callback."""
    routes = Blueprint("wechat", __name__)

    @routes.get("/wechat")
    def verify() -> Response:
        return _text(house.gate.echo(request.args))

    @routes.post("/wechat")
    def receive() -> Response:
        request.max_content_length = MAX_BODY_BYTES
        message = house.gate.admit(request.args, request.get_data(cache=False))
        if message is None:
            return _text(SUCCESS)
        reply = house.reception.receive(message, utc_now())
        if not reply:
            return _text(SUCCESS)
        sealed = house.gate.seal(request.args, render_text(message, tappable(reply)))
        return Response(sealed, content_type="application/xml; charset=utf-8")

    @routes.errorhandler(Refused)
    def refuse(error: Refused) -> Response:
        log.warning("callback refused: %s", error)
        return _text(str(error), error.status)

    @routes.errorhandler(RequestEntityTooLarge)
    def too_large(_error: RequestEntityTooLarge) -> Response:
        return _text("the body is too large", 413)

    @routes.errorhandler(Exception)
    def failed(error: Exception) -> Response:
        """Refuse for now: nothing was stored, and without `success` WeChat comes again."""
        log.error("callback failed", exc_info=error)
        return _text("try again", 503)

    return routes


def _text(content: str, status: int = 200) -> Response:
    return Response(content, status=status, content_type="text/plain; charset=utf-8")
