"""Building, signing and sealing what WeChat posts to the callback.

Source: 微信公众平台「接收普通消息」「接收事件推送」「消息加解密说明」.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Union

from bot.protocol import Cipher, signature
from bot.sandbox.residents import ACCOUNT

if TYPE_CHECKING:
    from settings import Settings

Value = Union[str, int, float, "Fields"]
Fields = list[tuple[str, Value]]


@dataclass(frozen=True)
class Delivery:
    """One signed POST to the callback."""

    query: dict[str, str]
    body: str


def element(name: str, value: Value) -> str:
    """Return one element: numbers bare, texts in CDATA, lists as children."""
    if isinstance(value, list):
        return f"<{name}>{''.join(element(*child) for child in value)}</{name}>"
    if isinstance(value, str):
        value = f"<![CDATA[{value.replace(']]>', ']]]]><![CDATA[>')}]]>"
    return f"<{name}>{value}</{name}>"


def build(openid: str, kind: str, fields: Fields, *, account: str = ACCOUNT) -> str:
    """Return a resident's message or event as XML; messages get a MsgId, events have none."""
    head: Fields = [
        ("ToUserName", account),
        ("FromUserName", openid),
        ("CreateTime", int(time.time())),
        ("MsgType", kind),
    ]
    tail: Fields = [] if kind == "event" else [("MsgId", time.time_ns() // 100)]
    lines = "\n".join(element(*field) for field in head + fields + tail)
    return f"<xml>\n{lines}\n</xml>"


def cipher(settings: Settings) -> Cipher:
    """Return the envelope maker for the configured key."""
    return Cipher(settings.wechat_appid, settings.wechat_aes_key)


def sign(settings: Settings, openid: str, xml: str) -> Delivery:
    """Return the POST that WeChat would make for `xml` in the configured mode, signed now."""
    timestamp, nonce = str(int(time.time())), str(secrets.randbelow(10**10))
    query = {
        "signature": signature(settings.wechat_token, timestamp, nonce),
        "timestamp": timestamp,
        "nonce": nonce,
        "openid": openid,
    }
    if settings.wechat_mode == "plain":
        return Delivery(query, xml)
    sealed = cipher(settings).encrypt(xml)
    query["encrypt_type"] = "aes"
    query["msg_signature"] = signature(settings.wechat_token, timestamp, nonce, sealed)
    envelope = element("Encrypt", sealed)
    if settings.wechat_mode == "compat":
        return Delivery(query, f"{xml.removesuffix('</xml>')}{envelope}\n</xml>")
    return Delivery(query, f"<xml>\n{element('ToUserName', ACCOUNT)}\n{envelope}\n</xml>")
