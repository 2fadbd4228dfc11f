"""WeChat's callback protocol: signatures, the AES envelope, and bodies parsed with suspicion.

Source: 微信公众平台「消息加解密说明」 and 「接收普通消息 / 接收事件推送」. wechatpy gives the reply templates; the
checks are ours, because its own compare signatures in variable time and accept an empty token.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import ParseError

from cryptography.hazmat.primitives.ciphers import Cipher as AESCipher
from cryptography.hazmat.primitives.ciphers import algorithms, modes
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from wechatpy.replies import TextReply

if TYPE_CHECKING:
    from collections.abc import Mapping
    from xml.etree.ElementTree import Element

    from settings import Settings

MAX_BODY_BYTES = 64 * 1024
MAX_DEPTH = 8
# Angle brackets: WeChat writes some dozens, a resident two thousand at most; twenty thousand nested elements cost a
# quarter of a second to take apart.
MAX_MARKS = 4000
# What WeChat takes in one text.
REPLY_BYTES = 2048
MAX_OPENID = 128
FRESH_SECONDS = 300
# Elements that mean something to us: given twice, they are an attempt to be read in two ways.
SINGLE = (
    "ToUserName", "FromUserName", "CreateTime", "MsgType", "MsgId", "MsgID", "Content", "Event", "EventKey",
    "MediaId", "Recognition", "Location_X", "Location_Y", "Encrypt",
)  # fmt: skip
BLOCK = 32
RANDOM_BYTES = 16

MODES = frozenset({"", "raw", "aes"})
LONGEST_TIME = 12

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_CONTROL_REFERENCE = re.compile(r"&#(?:0*(?:[0-8]|1[124-9]|2[0-9]|3[01])|x0*(?:[0-8bcef]|1[0-9a-f]));", re.IGNORECASE)


class Refused(Exception):  # noqa: N818 - the house's word for 4xx, no retry
    """The request is not WeChat's, or not well-formed; `status` is the HTTP answer."""

    def __init__(self, reason: str, status: int = 403) -> None:
        super().__init__(reason)
        self.status = status


def signature(*parts: str) -> str:
    """Return the SHA-1 hex digest of the sorted, joined parts."""
    return hashlib.sha1("".join(sorted(parts)).encode(), usedforsecurity=False).hexdigest()


def cdata(text: str) -> str:
    """Return `text` safe to stand inside CDATA, without characters that XML forbids."""
    return _CONTROL.sub("", text).replace("]]>", "]]]]><![CDATA[>")


class Cipher:
    """WeChat's AES-256-CBC envelope: random, length, content, appid, padded to 32 bytes."""

    def __init__(self, appid: str, *keys: str) -> None:
        self._appid = appid.encode()
        self._keys = [base64.b64decode(key + "=") for key in keys if key]

    def encrypt(self, plaintext: str) -> str:
        """Return the envelope around `plaintext` under the current key, base64."""
        content = plaintext.encode()
        body = secrets.token_bytes(RANDOM_BYTES) + len(content).to_bytes(4, "big") + content + self._appid
        padding = BLOCK - len(body) % BLOCK
        encryptor = self._aes(self._keys[0]).encryptor()
        return base64.b64encode(encryptor.update(body + bytes([padding]) * padding) + encryptor.finalize()).decode()

    def decrypt(self, encrypted: str) -> str:
        """Return the content of an envelope under the current or a previous key; Refused if none fits."""
        try:
            raw = base64.b64decode(encrypted, validate=True)
        except ValueError as error:
            raise Refused("the envelope is not base64", 400) from error
        if not raw or len(raw) % RANDOM_BYTES:
            raise Refused("the envelope has no whole blocks", 400)
        for key in self._keys:
            content = self._open(key, raw)
            if content is not None:
                return content
        raise Refused("the envelope is not for this key and appid")

    def _open(self, key: bytes, raw: bytes) -> str | None:
        decryptor = self._aes(key).decryptor()
        body = decryptor.update(raw) + decryptor.finalize()
        padding = body[-1]
        if not 1 <= padding <= BLOCK:
            return None
        length = int.from_bytes(body[RANDOM_BYTES : RANDOM_BYTES + 4], "big")
        start = RANDOM_BYTES + 4
        content, appid = body[start : start + length], body[start + length : -padding]
        if len(content) != length or not hmac.compare_digest(appid, self._appid):
            return None
        try:
            return content.decode()
        except UnicodeDecodeError:
            return None

    @staticmethod
    def _aes(key: bytes) -> AESCipher[modes.CBC]:
        return AESCipher(algorithms.AES(key), modes.CBC(key[:16]))


@dataclass(frozen=True)
class Inbound:
    """One message or event of a resident, as WeChat delivered it; `fields` are its other elements."""

    account: str
    openid: str
    kind: str
    created: int
    message_id: str
    fields: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def event(self) -> str:
        """The event's name in lower case, or empty."""
        return self.text("Event").lower() if self.kind == "event" else ""

    @property
    def key(self) -> str:
        """What makes two deliveries one: the message id, or for events resident, second, event and key (or its id)."""
        if self.kind == "event":
            return "|".join((self.openid, str(self.created), self.event, self.text("EventKey") or self.message_id))
        if self.message_id:
            return f"{self.openid}|{self.message_id}"
        content = repr(sorted(self.fields.items())).encode()
        return f"{self.openid}|{self.created}|{hashlib.sha256(content).hexdigest()[:16]}"

    def text(self, name: str) -> str:
        """Return an element's text, stripped, or empty."""
        value = self.fields.get(name)
        return value.strip() if isinstance(value, str) else ""


class Gate:
    """Lets WeChat's requests in and nobody else's."""

    def __init__(self, settings: Settings) -> None:
        self._token = settings.wechat_token
        self._mode = settings.wechat_mode
        self._cipher = Cipher(settings.wechat_appid, settings.wechat_aes_key, settings.wechat_aes_key_previous)

    def echo(self, query: Mapping[str, str]) -> str:
        """Answer WeChat's check of the address: the echo string, if the signature is right."""
        self._fresh(query)
        if query.get("encrypt_type") == "aes":
            self._check(query.get("msg_signature", ""), query, query.get("echostr", ""))
            return self._cipher.decrypt(query.get("echostr", ""))
        self._check(query.get("signature", ""), query)
        return query.get("echostr", "")

    def admit(self, query: Mapping[str, str], body: bytes) -> Inbound | None:
        """Return the message in a signed request; None for one that is no resident's. Raises Refused."""
        if len(body) > MAX_BODY_BYTES:
            raise Refused("the body is too large", 413)
        self._fresh(query)
        if query.get("encrypt_type") == "aes":
            envelope = _envelope(body)
            self._check(query.get("msg_signature", ""), query, envelope)
            return inbound(parse_fields(self._cipher.decrypt(envelope)))
        if self._mode == "safe":
            raise Refused("plain bodies are refused in safe mode")
        self._check(query.get("signature", ""), query)
        return inbound(parse_fields(decode(body)))

    def seal(self, query: Mapping[str, str], reply: str) -> str:
        """Return `reply` in the shape in which the request came: plain or in an envelope."""
        if query.get("encrypt_type") != "aes":
            return reply
        encrypted = self._cipher.encrypt(reply)
        timestamp, nonce = str(int(time.time())), secrets.token_hex(8)
        sealed = signature(self._token, timestamp, nonce, encrypted)
        return (
            f"<xml><Encrypt><![CDATA[{encrypted}]]></Encrypt><MsgSignature><![CDATA[{sealed}]]></MsgSignature>"
            f"<TimeStamp>{timestamp}</TimeStamp><Nonce><![CDATA[{nonce}]]></Nonce></xml>"
        )

    @staticmethod
    def _fresh(query: Mapping[str, str]) -> None:
        if query.get("encrypt_type", "") not in MODES:
            raise Refused("the mode is unknown")
        timestamp = _whole(query.get("timestamp", ""))
        if timestamp is None:
            raise Refused("the timestamp is missing")
        if abs(time.time() - timestamp) > FRESH_SECONDS:
            raise Refused("the request is stale")

    def _check(self, given: str, query: Mapping[str, str], *more: str) -> None:
        expected = signature(self._token, query.get("timestamp", ""), query.get("nonce", ""), *more)
        if not self._token or not hmac.compare_digest(given.encode(), expected.encode()):
            raise Refused("the signature is wrong")


def _whole(text: str) -> int | None:
    """Return the moment that digits say, or None for what says none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= LONGEST_TIME else None


def _envelope(body: bytes) -> str:
    """Return the envelope in a body that nobody has vouched for yet: whatever is wrong with it is refused alike."""
    try:
        envelope = parse_fields(decode(body)).get("Encrypt")
    except Refused as error:
        raise Refused(f"no envelope can be read: {error}") from None
    if not isinstance(envelope, str):
        raise Refused("the envelope is missing")
    return envelope


def decode(body: bytes) -> str:
    """Return the body's text, which must be UTF-8."""
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refused("the body is not UTF-8", 400) from error


def parse_fields(xml: str) -> dict[str, Any]:
    """Return the elements below the root: text, a dictionary where there are children, a list where repeated.

    Control characters are dropped; DOCTYPE, deep nesting and a repeated element of SINGLE raise Refused.
    """
    cleaned = _CONTROL_REFERENCE.sub("", _CONTROL.sub("", xml)).strip()
    if cleaned.count("<") > MAX_MARKS:
        raise Refused("the body has too many elements", 400)
    try:
        root = fromstring(cleaned, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise Refused("the body is not well-formed XML", 400) from error
    fields = _children(root, 1)
    if any(isinstance(fields.get(name), list) for name in SINGLE):
        raise Refused("the body repeats an element", 400)
    return fields


def _children(element: Element, depth: int) -> dict[str, Any]:
    if depth > MAX_DEPTH:
        raise Refused("the body is nested too deep", 400)
    result: dict[str, Any] = {}
    for child in element:
        value = _children(child, depth + 1) if len(child) else child.text or ""
        if child.tag in result:
            many = result[child.tag]
            if isinstance(many, list):
                many.append(value)
            else:
                result[child.tag] = [many, value]
        else:
            result[child.tag] = value
    return result


def inbound(fields: Mapping[str, Any]) -> Inbound | None:
    """Return the resident's message in `fields`, or None where nobody speaks (platform notices, say)."""
    openid, kind = fields.get("FromUserName"), fields.get("MsgType")
    if not (isinstance(openid, str) and openid.strip() and isinstance(kind, str) and kind.strip()):
        return None
    if len(openid) > MAX_OPENID:
        raise Refused("the sender's name is too long", 400)
    created = fields.get("CreateTime")
    message_id = fields.get("MsgId") or fields.get("MsgID") or ""
    head = ("ToUserName", "FromUserName", "CreateTime", "MsgType", "MsgId", "MsgID")
    return Inbound(
        account=str(fields.get("ToUserName") or ""),
        openid=openid.strip(),
        kind=kind.strip().lower(),
        created=(_whole(created.strip()) or 0) if isinstance(created, str) else 0,
        message_id=message_id.strip() if isinstance(message_id, str) else "",
        fields={name: value for name, value in fields.items() if name not in head},
    )


def render_text(message: Inbound, content: str) -> str:
    """Return the passive text reply to `message` as XML."""
    reply = TextReply(source=message.account, target=message.openid, content=cdata(content))
    return str(reply.render())
