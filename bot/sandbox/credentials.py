"""Access tokens, JS tickets and OAuth codes.

Source: 微信公众平台「获取 Access token」「获取稳定版接口调用凭据」「网页授权」「JS-SDK 使用权限签名算法」.
"""

from __future__ import annotations

import hmac
import secrets
import time
from typing import TYPE_CHECKING

from flask import request

from bot.sandbox.context import text
from bot.sandbox.errors import ApiError
from bot.sandbox.reading import json_object
from bot.sandbox.store import document, keep_document

if TYPE_CHECKING:
    import sqlite3

    from bot.sandbox.context import Context, Json

LIFETIME = 7200
OVERLAP = 300  # seconds in which the old and the new token both work
FORCE_INTERVAL = 30  # a forced refresh sooner than this does not refresh
CODE_LIFETIME = 300


def token(context: Context) -> Json:
    """GET /cgi-bin/token: a new token each time; earlier ones die five minutes later."""
    _check_client(context, dict(request.args))
    now = time.time()
    with context.store.write() as db:
        db.execute("UPDATE tokens SET revoked_at = ? WHERE kind = 'plain' AND revoked_at IS NULL", (now + OVERLAP,))
        return _issue(db, "plain", forced=False)


def stable_token(context: Context) -> Json:
    """POST /cgi-bin/stable_token: the same token until near its end, or until refreshed by force."""
    body = json_object()
    _check_client(context, body)
    force, now = body.get("force_refresh") is True, time.time()
    with context.store.write() as db:
        current = db.execute(
            "SELECT * FROM tokens WHERE kind = 'stable' AND revoked_at IS NULL AND expires_at > ?"
            " ORDER BY created_at DESC LIMIT 1",
            (now + OVERLAP,),
        ).fetchone()
        if current and (not force or (current["forced"] and now - current["created_at"] < FORCE_INTERVAL)):
            return {"access_token": current["token"], "expires_in": int(current["expires_at"] - now)}
        if force:
            db.execute("UPDATE tokens SET revoked_at = ? WHERE kind = 'stable' AND revoked_at IS NULL", (now,))
        return _issue(db, "stable", forced=force)


def check_token(context: Context, given: str) -> None:
    """Raise the error that WeChat has for a missing, unknown, replaced or expired access token."""
    if not given:
        raise ApiError(41001)
    now = time.time()
    with context.store.read() as db:
        row = db.execute("SELECT * FROM tokens WHERE token = ?", (given,)).fetchone()
    if row is None or (row["revoked_at"] is not None and row["revoked_at"] <= now):
        raise ApiError(40001)
    if row["expires_at"] <= now:
        raise ApiError(42001)


def expire_tokens(context: Context) -> None:
    """Let every token's time run out now."""
    with context.store.write() as db:
        db.execute("UPDATE tokens SET expires_at = ?", (time.time() - 1,))


def ticket(context: Context) -> Json:
    """GET /cgi-bin/ticket/getticket: the ticket that signs pages for the JS-SDK."""
    if request.args.get("type") not in ("jsapi", "wx_card"):
        raise ApiError(40035)
    name, now = f"ticket-{request.args['type']}", time.time()
    with context.store.write() as db:
        kept = document(db, name)
        if kept is None or kept["expires_at"] - now < OVERLAP:
            kept = {"ticket": "sandbox-" + secrets.token_urlsafe(58), "expires_at": now + LIFETIME}
            keep_document(db, name, kept)
    return {"errcode": 0, "errmsg": "ok", "ticket": kept["ticket"], "expires_in": int(kept["expires_at"] - now)}


def new_code(db: sqlite3.Connection, openid: str, scope: str) -> str:
    """Return a code that the OAuth call exchanges once for `openid`, within five minutes."""
    code = secrets.token_urlsafe(24)
    db.execute("INSERT INTO codes VALUES (?, ?, ?, ?)", (code, openid, scope, time.time() + CODE_LIFETIME))
    return code


def oauth_token(context: Context) -> Json:
    """GET /sns/oauth2/access_token: exchange a code for the openid, once only."""
    _check_client(context, dict(request.args), grant="authorization_code")
    code = request.args.get("code", "")
    if not code:
        raise ApiError(41008)
    with context.store.write() as db:
        row = db.execute("SELECT * FROM codes WHERE code = ?", (code,)).fetchone()
        db.execute("DELETE FROM codes WHERE code = ?", (code,))
    if row is None or row["expires_at"] <= time.time():
        raise ApiError(40029)
    return {
        "access_token": secrets.token_urlsafe(64),
        "expires_in": LIFETIME,
        "refresh_token": secrets.token_urlsafe(64),
        "openid": row["openid"],
        "scope": row["scope"],
    }


def _check_client(context: Context, given: Json, grant: str = "client_credential") -> None:
    if text(given, "grant_type") != grant:
        raise ApiError(40002)
    appid, secret = text(given, "appid"), text(given, "secret")
    if not appid:
        raise ApiError(41002)
    if appid != context.settings.wechat_appid:
        raise ApiError(40013)
    if not secret:
        raise ApiError(41004)
    if not hmac.compare_digest(secret.encode(), context.settings.wechat_secret.encode()):
        raise ApiError(40125)


def _issue(db: sqlite3.Connection, kind: str, *, forced: bool) -> Json:
    now = time.time()
    given = f"{secrets.randbelow(90) + 10}_{secrets.token_urlsafe(96)}"
    db.execute(
        "INSERT INTO tokens (token, kind, created_at, expires_at, forced) VALUES (?, ?, ?, ?, ?)",
        (given, kind, now, now + LIFETIME, forced),
    )
    db.execute("DELETE FROM tokens WHERE expires_at < ?", (now - 7 * 24 * 3600,))
    return {"access_token": given, "expires_in": LIFETIME}
