"""The staff console and the other pages, on Flask. `create_app` is the entry for servers and for `flask --app web`."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import TYPE_CHECKING

import click
from flask import Flask

import settings as configuration
from bot import logs, webhook
from bot.assembly import build
from bot.sandbox import blueprint as sandbox
from web import api, cli, cli_backup, cli_privacy, cli_records, follow, health, home, security
from web.console import blueprint as console
from web.residents import blueprint as residents
from web.residents.session import LIFETIME, Sessions

if TYPE_CHECKING:
    from bot.assembly import House
    from settings import Settings

UPLOAD_LIMIT = 40 * 1024 * 1024


def create_app(settings: Settings | None = None) -> Flask:
    """Return the application for these settings.

    Without settings they come from the environment, and what is wrong there ends the process with a line for each
    fault: so it is under `flask --app web` and under a server.
    """
    if settings is None:
        try:
            return create_app(configuration.load())
        except configuration.SettingsError as error:
            faults = error.faults
        except OSError as error:
            faults = [f"{error.filename}：{error.strerror}"]
        click.echo("\n".join(faults), err=True)
        sys.exit(1)
    logs.configure(settings.log_level)
    house = build(settings)
    app = Flask(__name__, static_folder="static", template_folder="templates")
    app.config.update(
        SECRET_KEY=settings.signing_key,
        # With this prefix a browser takes it by TLS from this host only: no neighbour can plant one.
        SESSION_COOKIE_NAME="wanggetong" if settings.sandbox else "__Host-wanggetong",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=not settings.sandbox,
        # How old a cookie may be at most; the sessions themselves end before.
        PERMANENT_SESSION_LIFETIME=max(timedelta(hours=settings.session_hours), LIFETIME),
        MAX_CONTENT_LENGTH=UPLOAD_LIMIT,
        MAX_FORM_MEMORY_SIZE=1024 * 1024,
        WTF_CSRF_TIME_LIMIT=None,  # an officer's page may stay open for hours; the token ends with the session
        WTF_CSRF_SSL_STRICT=False,  # it would ask for a referrer, and residents' pages send none
    )
    app.session_interface = Sessions()
    app.extensions["house"] = house
    follow.follow(app)
    protect = security.protect(app)
    for routes in (webhook.blueprint(house), health.blueprint(house), api.blueprint(house)):
        app.register_blueprint(routes)
        protect.exempt(routes)
    app.register_blueprint(console(house))
    app.register_blueprint(residents(house))
    app.register_blueprint(home.blueprint(house))
    if settings.sandbox:
        routes = sandbox(settings)
        app.register_blueprint(routes)
        protect.exempt(routes)
    cli.register(app, house)
    cli_records.register(app, house)
    cli_privacy.register(app, house)
    cli_backup.register(app, house)
    return app


def house_of(app: Flask) -> House:
    """Return what the application works with."""
    house: House = app.extensions["house"]
    return house
