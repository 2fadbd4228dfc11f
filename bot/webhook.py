"""`/wechat`: the official account's callback, and nothing else."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Blueprint, Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from bot.assembly import utc_now
from bot.choices import tappable
from bot.protocol import MAX_BODY_BYTES, Refused, render_text
from bot.turnstile import Turnstile
from cases.limits import DATABASE_SECONDS, DELIVERIES, DELIVERIES_AT_ONCE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.assembly import House

log = logging.getLogger(__name__)

SUCCESS = "success"
# What a signature covers, and what says how: given twice, they are an attempt to be read in two ways.
SINGLE = ("signature", "msg_signature", "timestamp", "nonce", "encrypt_type", "echostr")


def blueprint(house: House) -> Blueprint:
    """Return the routes of the callback."""
    routes = Blueprint("wechat", __name__)
    turnstile = Turnstile(DELIVERIES_AT_ONCE, DELIVERIES, DATABASE_SECONDS)

    @routes.get("/wechat")
    def verify() -> Response:
        return _text(house.gate.echo(_query()))

    @routes.post("/wechat")
    def receive() -> Response:
        request.max_content_length = MAX_BODY_BYTES
        query = _query()
        message = house.gate.admit(query, request.get_data(cache=False))
        if message is None:
            return _text(SUCCESS)
        with turnstile.through() as let_in:
            if not let_in:
                log.warning("too many deliveries at a time")
                return _later()
            reply = house.reception.receive(message, utc_now())
        if not reply:
            return _text(SUCCESS)
        sealed = house.gate.seal(query, render_text(message, tappable(reply)))
        return Response(sealed, content_type="application/xml; charset=utf-8")

    @routes.errorhandler(Refused)
    def refuse(error: Refused) -> Response:
        """Say the same to whoever is not WeChat, whatever was wrong: it tells nobody how far they came."""
        log.warning("callback refused: %s", error)
        return _text("refused" if error.status == HTTPStatus.FORBIDDEN else str(error), error.status)

    @routes.errorhandler(RequestEntityTooLarge)
    def too_large(_error: RequestEntityTooLarge) -> Response:
        return _text("the body is too large", 413)

    @routes.errorhandler(Exception)
    def failed(error: Exception) -> Response:
        """Refuse for now: nothing was stored, and without `success` WeChat comes again."""
        log.error("callback failed", exc_info=error)
        return _later()

    return routes


def _query() -> Mapping[str, str]:
    """Return the query. Raises Refused where something that counts is said twice."""
    if any(len(request.args.getlist(name)) > 1 for name in SINGLE):
        raise Refused("a parameter is given twice")
    return request.args


def _later() -> Response:
    return _text("try again", 503)


def _text(content: str, status: int = 200) -> Response:
    return Response(content, status=status, content_type="text/plain; charset=utf-8")
