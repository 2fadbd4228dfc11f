"""The phone-like page, and what it asks the server to do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from flask import Response, abort, jsonify, render_template, request

from bot.sandbox import media, menu, scenes
from bot.sandbox.acts import Doing, Unsendable, perform
from bot.sandbox.context import page_json, text
from bot.sandbox.delivery import OUT_OF_ORDER, Exchange, deliver
from bot.sandbox.errors import ApiError
from bot.sandbox.residents import ACCOUNT_NAME, EXAMPLES, PLACES, RESIDENTS, TEMPLATES
from bot.sandbox.store import add_message, message_json
from bot.sandbox.windows import allowance, open_window, resident
from bot.sandbox.wire import build

if TYPE_CHECKING:
    import sqlite3

    from bot.sandbox.context import Context, Json, Route

PAGE = 200
CLIENT_ID_CHARACTERS = 64
NEXT = "SELECT * FROM messages WHERE openid = ? AND id > ? ORDER BY id LIMIT ?"
LAST = "SELECT * FROM messages WHERE openid = ? AND id > ? ORDER BY id DESC LIMIT ?"


def page(_context: Context) -> str:
    """Show the phone."""
    return render_template(
        "sandbox/phone.html",
        account=ACCOUNT_NAME,
        residents=RESIDENTS,
        places=PLACES,
        templates=TEMPLATES,
        examples=EXAMPLES,
    )


def state(context: Context, openid: str) -> Response:
    """Return what the page shows around a resident's chat: following, the menu, the codes to scan."""
    with context.store.read() as db:
        row = _resident(db, openid)
        codes = scenes.listed(db)
    return jsonify(_standing(row) | {"menu": menu.shown(context)["button"], "scenes": codes})


def messages(context: Context, openid: str) -> Response:
    """Return the bubbles after `after`, oldest first; without it the last ones."""
    after = min(request.args.get("after", 0, type=int), 2**62)
    with context.store.read() as db:
        row = _resident(db, openid)
        rows = db.execute(NEXT if after > 0 else LAST, (openid, after, PAGE)).fetchall()
    found = sorted((message_json(one) for one in rows), key=lambda one: one["id"])
    return jsonify(_standing(row) | {"messages": found})


def send(context: Context, openid: str) -> Response:
    """Do what the resident did: keep the bubble, tell the callback, keep its reply.

    The same `client_id` a second time sends nothing and returns what the first time gave so far.
    """
    wish = page_json()
    client_id = text(wish, "client_id") if wish is not None else ""
    if wish is None or not 1 <= len(client_id) <= CLIENT_ID_CHARACTERS:
        return _refused("请求不完整", 400)
    try:
        with context.store.write() as db:
            row = _resident(db, openid)
            if (earlier := _earlier(db, openid, client_id)) is not None:
                return jsonify(messages=[earlier], exchange=None)
            act = perform(Doing(context.settings, db, row, wish))
            open_window(db, openid, act.window)
            bubble = add_message(db, openid, act.side, *act.bubble, client_id)
    except Unsendable as reason:
        return _refused(str(reason), 409)
    exchange = deliver(context.settings, openid, build(openid, act.kind, act.fields))
    with context.store.write() as db:
        answers = _keep_reply(db, openid, exchange)
    return jsonify(messages=[bubble, *answers], exchange=exchange.shown())


def _resident(db: sqlite3.Connection, openid: str) -> sqlite3.Row:
    try:
        return resident(db, openid)
    except ApiError:
        abort(404)


def _standing(row: sqlite3.Row) -> Json:
    return {"following": bool(row["following"]), "allowance": allowance(row)}


def _earlier(db: sqlite3.Connection, openid: str, client_id: str) -> Json | None:
    row = db.execute("SELECT * FROM messages WHERE openid = ? AND client_id = ?", (openid, client_id)).fetchone()
    return None if row is None else message_json(row)


def _keep_reply(db: sqlite3.Connection, openid: str, exchange: Exchange) -> list[Json]:
    if exchange.fault:
        return [add_message(db, openid, "note", "note", {"text": OUT_OF_ORDER})]
    if exchange.reply is None or not resident(db, openid)["following"]:
        return []
    return [add_message(db, openid, "theirs", *exchange.reply)]


def _refused(reason: str, status: int) -> Response:
    return Response(json.dumps({"error": reason}, ensure_ascii=False), status, mimetype="application/json")


ROUTES: list[Route] = [
    ("/sandbox/", "GET", page),
    ("/sandbox/chats/<openid>", "GET", state),
    ("/sandbox/chats/<openid>/messages", "GET", messages),
    ("/sandbox/chats/<openid>/send", "POST", send),
    ("/sandbox/media/<media_id>", "GET", media.media_file),
]
