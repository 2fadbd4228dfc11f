"""Messages that the account sends of its own accord: customer service, template, subscription notice.

Source: 微信公众平台「客服消息」「模板消息」「订阅通知」.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from bot.sandbox import faults, media
from bot.sandbox.context import text
from bot.sandbox.delivery import deliver
from bot.sandbox.errors import ApiError, answer
from bot.sandbox.reading import OK, json_object, part
from bot.sandbox.residents import TEMPLATES
from bot.sandbox.store import add_message
from bot.sandbox.windows import follower, resident, spend
from bot.sandbox.wire import build

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from bot.sandbox.context import Context, Json
    from bot.sandbox.wire import Fields

TEXT_BYTES = 2048
# The longest values of a notice's fields, by the kind that their names begin with.
LENGTHS = {"thing": 20, "character_string": 32, "phrase": 5, "name": 10}
LONGEST = 200
# Where a fault is ordered for the receipts of notices: its error code makes the next one bad.
RECEIPTS = "receipts"


def custom_send(context: Context) -> Json:
    """POST /cgi-bin/message/custom/send."""
    message = json_object()
    kind = text(message, "msgtype")
    with context.store.write() as db:
        row = resident(db, text(message, "touser"))
        if kind not in CONTENTS:
            raise ApiError(40008)
        shown, body = CONTENTS[kind](db, part(message, kind))
        follower(db, row["openid"])
        spend(db, row)
        add_message(db, row["openid"], "push", shown, body)
    return OK


def template_send(context: Context) -> Json:
    """POST /cgi-bin/message/template/send."""
    message = json_object()
    with context.store.write() as db:
        row = follower(db, text(message, "touser"))
        body = _notice(message)
        add_message(db, row["openid"], "push", "notice", body)
    msgid = secrets.randbelow(10**18)
    status = "failed:user block" if _missed(context) else "success"
    _receipt(context, row["openid"], "TEMPLATESENDJOBFINISH", [("MsgID", msgid), ("Status", status)])
    return {**OK, "msgid": msgid}


def subscribe_send(context: Context) -> Json:
    """POST /cgi-bin/message/subscribe/bizsend: uses up one of the resident's grants."""
    message = json_object()
    with context.store.write() as db:
        row = resident(db, text(message, "touser"))
        body = _notice(message)
        used = db.execute(
            "UPDATE grants SET remaining = remaining - 1 WHERE openid = ? AND template_id = ? AND remaining > 0",
            (row["openid"], text(message, "template_id")),
        )
        if not used.rowcount:
            raise ApiError(43101)
        add_message(db, row["openid"], "push", "notice", body)
    code = _missed(context)
    receipt: Fields = [
        ("TemplateId", text(message, "template_id")),
        ("MsgID", secrets.randbelow(10**18)),
        ("ErrorCode", code),
        ("ErrorStatus", str(answer(code)["errmsg"]) if code else "success"),
    ]
    _receipt(context, row["openid"], "subscribe_msg_sent_event", [("SubscribeMsgSentEvent", [("List", receipt)])])
    return OK


def _missed(context: Context) -> int:
    """Return the error code of a receipt that was ordered to be bad, else 0."""
    fault = faults.take(context.store, RECEIPTS)
    return int(fault["errcode"] or 0) if fault else 0


def _receipt(context: Context, openid: str, event: str, fields: Fields) -> None:
    """Tell the callback what became of a notice; as with WeChat, this may be quicker than the call's own answer."""
    deliver(context.settings, openid, build(openid, "event", [("Event", event), *fields]))


def grant(db: sqlite3.Connection, openid: str, template_id: str) -> None:
    """Allow one more subscription notice. Raises 40037."""
    if template_id not in TEMPLATES:
        raise ApiError(40037)
    db.execute(
        "INSERT INTO grants VALUES (?, ?, 1) ON CONFLICT (openid, template_id) DO UPDATE SET remaining = remaining + 1",
        (openid, template_id),
    )


def _notice(message: Json) -> Json:
    template_id, data = text(message, "template_id"), part(message, "data")
    if template_id not in TEMPLATES:
        raise ApiError(40037)
    if not data:
        raise ApiError(47001)
    items = [[name, text(part(data, name), "value")] for name in data]
    if not all(value and len(value) <= LENGTHS.get(name.rstrip("0123456789"), LONGEST) for name, value in items):
        raise ApiError(47003)
    link = text(message, "url") or text(message, "page")
    return {"title": TEMPLATES[template_id], "items": items, "url": link}


def _text(_db: sqlite3.Connection, content: Json) -> tuple[str, Json]:
    words = text(content, "content")
    if not words:
        raise ApiError(44004)
    if len(words.encode()) > TEXT_BYTES:
        raise ApiError(45002)
    return "text", {"text": words}


def _image(db: sqlite3.Connection, content: Json) -> tuple[str, Json]:
    row = media.find(db, text(content, "media_id"), "image")
    return "image", {"url": media.page_url(row["id"])}


def _voice(db: sqlite3.Connection, content: Json) -> tuple[str, Json]:
    row = media.find(db, text(content, "media_id"), "voice")
    return "voice", {"url": media.page_url(row["id"]), "seconds": 0}


def _news(_db: sqlite3.Connection, content: Json) -> tuple[str, Json]:
    articles = content.get("articles")
    if not isinstance(articles, list) or not articles:
        raise ApiError(44003)
    if len(articles) > 1:
        raise ApiError(45008)
    if not isinstance(articles[0], dict):
        raise ApiError(47001)
    names = ("title", "description", "url", "picurl")
    return "news", {"articles": [{name: text(articles[0], name) for name in names}]}


def _choices(_db: sqlite3.Connection, content: Json) -> tuple[str, Json]:
    given = content.get("list")
    choices = [
        {"id": str(one.get("id", "")), "text": text(one, "content")}
        for one in (given if isinstance(given, list) else [])
        if isinstance(one, dict)
    ]
    if not choices or not all(one["id"] and one["text"] for one in choices):
        raise ApiError(44004)
    return "choices", {
        "head": text(content, "head_content"), "choices": choices, "tail": text(content, "tail_content")
    }  # fmt: skip


CONTENTS: dict[str, Callable[[sqlite3.Connection, Json], tuple[str, Json]]] = {
    "text": _text,
    "image": _image,
    "voice": _voice,
    "news": _news,
    "msgmenu": _choices,
}
