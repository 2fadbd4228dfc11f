"""The way out to WeChat: one thin client with time-outs, one token for all processes, and errors sorted by what to do.

Source of paths and error codes: 微信公众平台「客服消息」「素材管理」「获取稳定版接口调用凭据」「全局返回码」.
"""

from __future__ import annotations

import hashlib
import json
import logging
import secrets
import threading
import time
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from urllib.parse import urldefrag, urlencode, urlsplit

import requests
from redis.exceptions import RedisError
from urllib3.exceptions import HTTPError

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis import Redis

    from settings import Settings

log = logging.getLogger(__name__)

TIMEOUT = (3.0, 8.0)
MEDIA_TIMEOUT = (3.0, 30.0)
MEDIA_LIMIT = 20 * 1024 * 1024
TOKEN_MARGIN = 300
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class Fate(StrEnum):
    """What an error means for the message: try again, or tell the staff."""

    RETRY = "retry"
    UNDELIVERABLE = "undeliverable"


# errcode → what to do, and the words that staff read. Codes that are not here are not tried again.
ERRORS = {
    -1: (Fate.RETRY, "微信系统繁忙"),
    45009: (Fate.RETRY, "今天的接口次数用完了"),
    45011: (Fate.RETRY, "发得太快，微信要求慢一点"),
    45015: (Fate.UNDELIVERABLE, "居民超过48小时没来过消息，微信不让主动发"),
    45047: (Fate.UNDELIVERABLE, "居民上次来消息后，微信允许的条数已经发完"),
    45002: (Fate.UNDELIVERABLE, "内容超过微信的长度限制"),
    43004: (Fate.UNDELIVERABLE, "居民没有关注或已经取消关注"),
    40003: (Fate.UNDELIVERABLE, "微信不认识这位居民"),
    40007: (Fate.UNDELIVERABLE, "微信那边的文件已经过期"),
    40029: (Fate.UNDELIVERABLE, "登录的凭证过期了"),
    40163: (Fate.UNDELIVERABLE, "登录的凭证用过了"),
    48001: (Fate.UNDELIVERABLE, "公众号没有这个接口的权限"),
    50002: (Fate.UNDELIVERABLE, "公众号的接口受限"),
}
TOKEN_ERRORS = frozenset({40001, 40014, 42001})


class WeChatError(Exception):
    """A call failed. `words` are for staff; nothing in it holds a token, a secret or an openid."""

    def __init__(self, code: int, fate: Fate, words: str) -> None:
        super().__init__(f"WeChat error {code}: {words}")
        self.code, self.fate, self.words = code, fate, words


def session_for(address: str) -> requests.Session:
    """Return a session for calls to `address`; to this machine itself no proxy of the environment is asked."""
    session = requests.Session()
    session.trust_env = urlsplit(address).hostname not in LOOPBACK
    return session


class WeChat:
    """Calls WeChat's API for one official account."""

    def __init__(self, settings: Settings, redis: Redis) -> None:
        self._base = settings.wechat_api_base
        self._appid, self._secret = settings.wechat_appid, settings.wechat_secret
        self._login = settings.own_address + "/sandbox" if settings.sandbox else "https://open.weixin.qq.com"
        self._token = Lent(redis, f"wechat:token:{self._appid}", self._fetch_token)
        self._ticket = Lent(redis, f"wechat:ticket:{self._appid}", self._fetch_ticket)

    def send_text(self, openid: str, text: str) -> None:
        """Send a customer-service text. Raises WeChatError."""
        self._post(
            "/cgi-bin/message/custom/send", {"touser": openid, "msgtype": "text", "text": {"content": text}}, "errcode"
        )

    def send_photo(self, openid: str, photo: bytes) -> None:
        """Upload a JPEG and send it as a customer-service image. Raises WeChatError."""
        files = {"media": ("photo.jpg", photo, "image/jpeg")}
        uploaded = self._call(
            "POST", "/cgi-bin/media/upload", keys=("media_id",), params={"type": "image"}, files=files
        )
        image = {"media_id": uploaded["media_id"]}
        self._post("/cgi-bin/message/custom/send", {"touser": openid, "msgtype": "image", "image": image}, "errcode")

    def media(self, media_id: str) -> bytes:
        """Return a resident's file, at most 20 MB. Raises WeChatError."""
        content = self._call("GET", "/cgi-bin/media/get", params={"media_id": media_id}, timeout=MEDIA_TIMEOUT)
        if not isinstance(content, bytes):
            raise WeChatError(0, Fate.UNDELIVERABLE, "微信没有给出文件")
        return content

    def create_menu(self, menu: dict[str, Any]) -> None:
        """Publish the account's menu. Raises WeChatError."""
        self._post("/cgi-bin/menu/create", menu, "errcode")

    def create_qr(self, scene: str) -> bytes:
        """Return the PNG of a lasting QR code whose scene is `scene`. Raises WeChatError."""
        action = {"action_name": "QR_LIMIT_STR_SCENE", "action_info": {"scene": {"scene_str": scene}}}
        ticket = str(self._post("/cgi-bin/qrcode/create", action, "ticket")["ticket"])
        content = self._call("GET", "/cgi-bin/showqrcode", params={"ticket": ticket})
        if not isinstance(content, bytes):
            raise WeChatError(0, Fate.UNDELIVERABLE, "微信没有给出二维码")
        return content

    # -- pages -------------------------------------------------------------------------------------------------

    def login_address(self, back: str, state: str) -> str:
        """Return where WeChat tells who opens a page, without asking them, and sends them `back` with a code."""
        query = {
            "appid": self._appid,
            "redirect_uri": back,
            "response_type": "code",
            "scope": "snsapi_base",
            "state": state,
        }
        return f"{self._login}/connect/oauth2/authorize?{urlencode(query)}#wechat_redirect"

    def openid_of(self, code: str) -> str:
        """Return whose code this is; it counts once, for five minutes. Raises WeChatError."""
        query = {"appid": self._appid, "secret": self._secret, "code": code, "grant_type": "authorization_code"}
        return str(self._request("GET", "/sns/oauth2/access_token", keys=("openid",), params=query)["openid"])

    def page_config(self, address: str) -> dict[str, str | int]:
        """Return what `wx.config` needs on the page with this address. Raises WeChatError."""
        nonce, timestamp = secrets.token_hex(8), int(time.time())
        signature = sign_page(self._ticket.get(), nonce, timestamp, address)
        return {"appId": self._appid, "timestamp": timestamp, "nonceStr": nonce, "signature": signature}

    # -- the call ----------------------------------------------------------------------------------------------

    def _post(self, path: str, body: dict[str, Any], *keys: str) -> dict[str, Any]:
        """Post JSON; the answer has these keys."""
        data = json.dumps(body, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json"}
        answer: dict[str, Any] = self._call("POST", path, keys=keys, data=data, headers=headers)
        return answer

    def _call(
        self,
        method: str,
        path: str,
        *,
        params: dict[str, str] | None = None,
        **options: Any,  # noqa: ANN401 - for requests
    ) -> Any:  # noqa: ANN401 - JSON, or the bytes of a file
        """Call with a token; a token that WeChat refuses is renewed once."""
        for renew in (False, True):
            query = {**(params or {}), "access_token": self._token.get(renew=renew)}
            try:
                return self._request(method, path, params=query, **options)
            except WeChatError as error:
                if error.code not in TOKEN_ERRORS or renew:
                    raise
        raise AssertionError("unreachable")

    def _request(self, method: str, path: str, *, keys: tuple[str, ...] = (), **options: Any) -> Any:  # noqa: ANN401 - as _call
        """Call once. With `keys`, only a JSON object that has them counts as an answer."""
        options.setdefault("timeout", TIMEOUT)
        try:
            with (
                session_for(self._base) as session,
                session.request(method, self._base + path, stream=True, **options) as response,
            ):
                content = response.raw.read(MEDIA_LIMIT + 1, decode_content=True)
        except (requests.RequestException, HTTPError, OSError) as error:  # its text would show the token
            raise WeChatError(-1, Fate.RETRY, f"连不上微信（{type(error).__name__}）") from None
        if response.status_code != requests.codes.ok:
            raise WeChatError(-1, Fate.RETRY, f"微信返回了 {response.status_code}")
        if len(content) > MEDIA_LIMIT:
            raise WeChatError(0, Fate.UNDELIVERABLE, "文件太大")
        return _sorted(content, response.headers.get("Content-Type", ""), keys)

    # -- what WeChat lends for two hours -----------------------------------------------------------------------

    def _fetch_token(self, *, force: bool) -> tuple[str, int]:
        """Ask for the stable token: asking twice gives the same one, so processes cannot spoil each other's."""
        body = {
            "grant_type": "client_credential",
            "appid": self._appid,
            "secret": self._secret,
            "force_refresh": force,
        }
        answer = self._request("POST", "/cgi-bin/stable_token", keys=("access_token", "expires_in"), json=body)
        return str(answer["access_token"]), _whole(answer["expires_in"])

    def _fetch_ticket(self, *, force: bool) -> tuple[str, int]:  # noqa: ARG002 - as the token's
        answer = self._call("GET", "/cgi-bin/ticket/getticket", keys=("ticket", "expires_in"), params={"type": "jsapi"})
        return str(answer["ticket"]), _whole(answer["expires_in"])


class Lent:
    """A value that WeChat lends for a while: one for all processes, in Redis; in this one's memory when Redis is away.

    `fetch` returns it with its lifetime in seconds; one thread at a time fetches, the others get what it got.
    """

    def __init__(self, redis: Redis, key: str, fetch: Callable[..., tuple[str, int]]) -> None:
        self._redis, self._key, self._fetch = redis, key, fetch
        self._lock = threading.Lock()
        self._memory: tuple[str, float] = ("", 0.0)

    def get(self, *, renew: bool = False) -> str:
        """Return the value, a new one if `renew`. Raises WeChatError."""
        if not renew:
            shared = self._shared()
            if shared:
                return shared
        with self._lock:
            value, until = self._memory
            if not renew and time.monotonic() < until:
                return value
            return self._renew(force=renew)

    def _renew(self, *, force: bool) -> str:
        value, seconds = self._fetch(force=force)
        lifetime = max(60, seconds - TOKEN_MARGIN)
        self._memory = (value, time.monotonic() + lifetime)
        try:
            self._redis.set(self._key, value, ex=lifetime)
        except (RedisError, OSError):
            log.warning("%s kept in this process only: Redis is away", self._key.split(":")[1])
        return value

    def _shared(self) -> str | None:
        try:
            value = self._redis.get(self._key)
        except (RedisError, OSError):
            return None
        return value.decode() if isinstance(value, bytes) else None


def sign_page(ticket: str, nonce: str, timestamp: int, address: str) -> str:
    """Return the JS-SDK's signature of a page: its address without the fragment. Source: 「JS-SDK使用权限签名算法」."""
    fields = {"jsapi_ticket": ticket, "noncestr": nonce, "timestamp": str(timestamp), "url": urldefrag(address).url}
    line = "&".join(f"{name}={fields[name]}" for name in sorted(fields))
    return hashlib.sha1(line.encode(), usedforsecurity=False).hexdigest()


def _sorted(content: bytes, content_type: str, keys: tuple[str, ...]) -> Any:  # noqa: ANN401 - JSON, or a file's bytes
    """Return JSON as a dictionary and anything else as bytes; raise for an error code, and for missing keys."""
    answer = _json(content) if keys or "json" in content_type or "text/plain" in content_type else None
    if answer is None and not keys:
        return content
    code = _whole(answer.get("errcode", 0)) if answer is not None else 0
    if code:
        fate, words = ERRORS.get(code, (Fate.UNDELIVERABLE, "微信拒绝了这次发送"))
        raise WeChatError(code, fate, f"{words}（{code}）")
    if answer is None or not all(key in answer for key in keys):
        raise _senseless()
    return answer


def _json(content: bytes) -> dict[str, Any] | None:
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None


def _whole(value: object) -> int:
    try:
        return int(str(value))
    except ValueError:
        raise _senseless() from None


def _senseless() -> WeChatError:
    """Return the error for an answer that is none, such as a proxy's page: what was asked may not be done."""
    return WeChatError(-1, Fate.RETRY, "微信的回答看不懂")
