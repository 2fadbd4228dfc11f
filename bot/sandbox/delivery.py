"""Delivering to the callback as WeChat does, and reading the passive reply."""

from __future__ import annotations

import hmac
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import requests

from bot.protocol import Refused, parse_fields, signature
from bot.sandbox.media import page_url
from bot.sandbox.wire import cipher, sign

if TYPE_CHECKING:
    from bot.sandbox.context import Json
    from settings import Settings

TIMEOUT = 5.0
TRIES = 3
XML = {"Content-Type": "text/xml"}
OUT_OF_ORDER = "该公众号提供的服务出现故障，请稍后再试"


@dataclass(frozen=True)
class Exchange:
    """What went to the callback and what came back; `fault` is empty when all was well."""

    xml: str
    sent: str
    status: int
    answer: str
    opened: str
    milliseconds: int
    tries: int
    fault: str
    reply: tuple[str, Json] | None

    def shown(self) -> Json:
        """Return the parts that the teaching panel shows."""
        names = ("xml", "sent", "status", "answer", "opened", "milliseconds", "tries", "fault")
        return {name: getattr(self, name) for name in names}


class Undeliverable(Exception):  # noqa: N818 - says what the reply is
    """The answer is nothing that WeChat could show."""


def deliver(settings: Settings, openid: str, xml: str) -> Exchange:
    """Post `xml`, up to three times, and read the answer."""
    sent, status, raw, fault = "", 0, "", ""
    started = time.perf_counter()
    for attempt in range(1, TRIES + 1):  # noqa: B007 - its last value is told
        delivery = sign(settings, openid, xml)
        sent = delivery.body
        status, raw, fault = _post(f"{settings.own_address}/wechat", delivery.query, sent)
        if not fault:
            break
    took = int((time.perf_counter() - started) * 1000)
    reply, opened = None, ""
    if not fault:
        try:
            reply, opened = _read(settings, openid, raw)
        except (Refused, Undeliverable) as error:
            fault = f"回复无法显示：{error}"
    return Exchange(xml, sent, status, raw, opened, took, attempt, fault, reply)


def _post(url: str, query: dict[str, str], body: str) -> tuple[int, str, str]:
    """Return status, answer and fault of one delivery."""
    with requests.Session() as session:
        session.trust_env = False  # a proxy does not lead to this machine itself
        try:
            answer = session.post(
                url, params=query, data=body.encode(), headers=XML, timeout=TIMEOUT, allow_redirects=False
            )
        except requests.Timeout:
            return 0, "", "5 秒内没有回答"
        except requests.RequestException:
            return 0, "", "连接不上 /wechat"
    raw = answer.content.decode("utf-8", "replace")
    return answer.status_code, raw, "" if answer.status_code == requests.codes.ok else f"HTTP {answer.status_code}"


def _read(settings: Settings, openid: str, raw: str) -> tuple[tuple[str, Json] | None, str]:
    """Return the bubble in an answer (None for success and for silence), and the opened envelope."""
    if raw.strip() in ("", "success"):
        return None, ""
    fields, opened = parse_fields(raw), ""
    if "Encrypt" in fields:
        opened = _open(settings, fields)
        fields = parse_fields(opened)
    if fields.get("ToUserName") != openid:
        raise Undeliverable("收信人不是这位居民")
    kind = str(fields.get("MsgType", ""))
    if kind not in REPLIES:
        raise Undeliverable(f"MsgType 是 {kind or '空的'}")
    return REPLIES[kind](fields), opened


def _open(settings: Settings, fields: dict[str, Any]) -> str:
    parts = [str(fields.get(name, "")) for name in ("TimeStamp", "Nonce", "Encrypt")]
    expected = signature(settings.wechat_token, *parts)
    if not hmac.compare_digest(expected.encode(), str(fields.get("MsgSignature", "")).encode()):
        raise Undeliverable("MsgSignature 不对")
    return cipher(settings).decrypt(parts[2])


def _text(fields: dict[str, Any]) -> tuple[str, Json] | None:
    return "text", {"text": str(fields.get("Content", ""))}


def _image(fields: dict[str, Any]) -> tuple[str, Json] | None:
    return "image", {"url": page_url(_below(fields, "Image", "MediaId"))}


def _voice(fields: dict[str, Any]) -> tuple[str, Json] | None:
    return "voice", {"url": page_url(_below(fields, "Voice", "MediaId")), "seconds": 0}


def _news(fields: dict[str, Any]) -> tuple[str, Json] | None:
    articles = fields.get("Articles")
    items = articles.get("item") if isinstance(articles, dict) else None
    listed = items if isinstance(items, list) else [items]
    names = {"title": "Title", "description": "Description", "url": "Url", "picurl": "PicUrl"}
    shown = [{name: str(one.get(tag, "")) for name, tag in names.items()} for one in listed if isinstance(one, dict)]
    if not shown:
        raise Undeliverable("图文消息是空的")
    return "news", {"articles": shown[:1]}


def _handed_over(_fields: dict[str, Any]) -> tuple[str, Json] | None:
    """Tell nothing: the message went to WeChat's own customer service."""
    return None


def _below(fields: dict[str, Any], outer: str, inner: str) -> str:
    value = fields.get(outer)
    return str(value.get(inner, "")) if isinstance(value, dict) else ""


REPLIES = {
    "text": _text,
    "image": _image,
    "voice": _voice,
    "news": _news,
    "transfer_customer_service": _handed_over,
}
