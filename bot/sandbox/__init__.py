"""The sandbox: a stand-in for WeChat's API and a phone-like page, so that the product runs without an account.

It exists only in the sandbox profile. All of its state lies in one SQLite file below the data folder.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from flask import Blueprint, request

from bot.sandbox import api, authorize, chat, controls
from bot.sandbox.context import Context
from bot.sandbox.store import Store

if TYPE_CHECKING:
    from settings import Settings

BODY_LIMIT = 16 * 1024 * 1024  # a photo of 10 MB in base64, or WeChat's largest upload


def blueprint(settings: Settings) -> Blueprint:
    """Return the sandbox's routes, all below /sandbox. Raises ValueError outside the sandbox profile."""
    if not settings.sandbox:
        raise ValueError("the sandbox is refused outside the sandbox profile")
    context = Context(settings, Store(settings.data_dir / "sandbox.sqlite3"))
    routes = Blueprint(
        "sandbox", __name__, static_folder="static", static_url_path="/sandbox/static", template_folder="templates"
    )
    routes.before_request(_allow_photos)
    for rule, method, view in api.ROUTES + chat.ROUTES + controls.ROUTES + authorize.ROUTES:
        routes.add_url_rule(rule, f"{view.__name__}_{method.lower()}", partial(view, context), methods=[method])
    return routes


def _allow_photos() -> None:
    request.max_content_length = BODY_LIMIT
    request.max_form_memory_size = BODY_LIMIT
