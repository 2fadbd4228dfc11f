"""What every answer carries: CSRF protection, headers, and front-end files from installed packages only."""

from __future__ import annotations

import hashlib
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from flask import abort, request, send_file
from flask_wtf import CSRFProtect
from markupsafe import Markup

if TYPE_CHECKING:
    from flask import Flask, Response

MODULES = Path(__file__).parent / "node_modules"
STATIC = Path(__file__).parent / "static"
VENDOR = {
    "pico.css": MODULES / "@picocss/pico/css/pico.min.css",
    "weui.css": MODULES / "weui/dist/style/weui.min.css",
    "htmx.js": MODULES / "htmx.org/dist/htmx.min.js",
    "leaflet.css": MODULES / "leaflet/dist/leaflet.css",
    "leaflet.js": MODULES / "leaflet/dist/leaflet.js",
    "viewer.css": MODULES / "viewerjs/dist/viewer.min.css",
    "viewer.js": MODULES / "viewerjs/dist/viewer.min.js",
}
ICONS = MODULES / "bootstrap-icons/icons"
POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(self), camera=(self), microphone=(self)",
}
DAY = 86_400
YEAR = 365 * DAY
# Files whose addresses carry the mark of their content: they may be kept for ever.
VERSIONED = frozenset({"static", "static_vendor"})


def protect(app: Flask) -> CSRFProtect:
    """Protect all forms of `app`, add the headers, and serve the front-end libraries."""

    @app.after_request
    def add_headers(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if app.config["SESSION_COOKIE_SECURE"]:  # in production browsers come by HTTPS, and are to stay there
            response.headers.setdefault("Strict-Transport-Security", f"max-age={YEAR}; includeSubDomains")
        response.headers.setdefault("Cache-Control", "no-store")
        found = response.status_code < HTTPStatus.BAD_REQUEST
        if found and request.endpoint in VERSIONED and request.args.get("v") == version():
            response.headers["Cache-Control"] = f"public, max-age={YEAR}, immutable"
        return response

    @app.url_defaults
    def add_version(endpoint: str, values: dict[str, object]) -> None:
        if endpoint in VERSIONED:
            values.setdefault("v", version())

    @app.get("/static/vendor/<name>")
    def static_vendor(name: str) -> Response:
        if name not in VENDOR:
            abort(404)
        return send_file(VENDOR[name], max_age=DAY)

    app.jinja_env.globals["icon"] = icon
    protection: CSRFProtect = CSRFProtect(app)
    return protection


@cache
def version() -> str:
    """Return a mark of all front-end files together: addresses carry it, so that no browser mixes old ones and new."""
    digest = hashlib.sha256()
    for path in (*sorted(path for path in STATIC.rglob("*") if path.is_file()), *VENDOR.values()):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:12]


@cache
def icon(name: str, label: str = "") -> Markup:
    """Return an icon of bootstrap-icons as inline SVG; without a label it is decoration."""
    svg = (ICONS / f"{name}.svg").read_text(encoding="utf-8").strip()
    access = Markup('role="img" aria-label="{}"').format(label) if label else Markup('aria-hidden="true"')
    return Markup(svg.replace("<svg ", f"<svg {access} ", 1))  # noqa: S704 - a file of the installed package
