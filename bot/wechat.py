"""The way out to WeChat: one thin client with time-outs, one token for all processes, and errors sorted by what to do.

Source of paths: 微信公众平台「客服消息」「模板消息」「订阅通知」「素材管理」「获取稳定版接口调用凭据」.
"""

from __future__ import annotations

import hashlib
import json
import logging
import secrets
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urldefrag, urlencode, urlsplit

import requests
from urllib3.exceptions import HTTPError

from bot.errcodes import TOKEN_ERRORS, Fate, WeChatError, refusal
from bot.lent import Lent
from bot.meters import meters
from cases.spans import span

if TYPE_CHECKING:
    from redis import Redis

    from settings import Settings

TIMEOUT = (3.0, 8.0)
MEDIA_TIMEOUT = (3.0, 30.0)
MEDIA_LIMIT = 20 * 1024 * 1024
# An answer is read in such parts, and is whole within so many seconds, however slowly it drips.
PART, WHOLE_SECONDS = 64 * 1024, 60.0
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class _Straight(requests.Session):
    """Asks whom it was told to ask: whoever answers with another address leads it nowhere, least of all inside."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:  # noqa: ARG002 - the library's
        """Follow nobody."""
        return None


def session_for(address: str) -> requests.Session:
    """Return a session for calls to `address` alone; to this machine itself no proxy of the environment is asked."""
    session = _Straight()
    session.trust_env = urlsplit(address).hostname not in LOOPBACK
    return session


class WeChat:
    """Calls WeChat's API for one official account."""

    def __init__(self, settings: Settings, redis: Redis) -> None:
        logging.getLogger("urllib3").setLevel(logging.WARNING)  # its finer lines show addresses, and ours hold tokens
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

    def send_template(self, openid: str, template_id: str, data: dict[str, str], link: str) -> str:
        """Send a template message and return WeChat's name for it, which a receipt will bear. Raises WeChatError."""
        body = _notice(openid, template_id, data) | {"url": link}
        return str(self._post("/cgi-bin/message/template/send", body, "errcode").get("msgid", ""))

    def send_subscription(self, openid: str, template_id: str, data: dict[str, str], link: str) -> str:
        """Send a subscription notice, which uses up a grant; as `send_template`, but WeChat may give no name."""
        body = _notice(openid, template_id, data) | {"page": link}
        return str(self._post("/cgi-bin/message/subscribe/bizsend", body, "errcode").get("msgid", ""))

    def media(self, media_id: str) -> bytes:
        """Return a resident's file, at most 20 MB. Raises WeChatError."""
        content = self._call("GET", "/cgi-bin/media/get", params={"media_id": media_id}, timeout=MEDIA_TIMEOUT)
        if not isinstance(content, bytes):
            raise WeChatError(0, Fate.UNDELIVERABLE, "微信没有给出文件")
        return content

    def create_menu(self, menu: dict[str, Any]) -> None:
        """Publish the account's menu. Raises WeChatError."""
        self._post("/cgi-bin/menu/create", menu, "errcode")

    def qr_address(self, scene: str) -> str:
        """Return what a lasting QR code for `scene` says; the same each time. Raises WeChatError."""
        action = {"action_name": "QR_LIMIT_STR_SCENE", "action_info": {"scene": {"scene_str": scene}}}
        return str(self._post("/cgi-bin/qrcode/create", action, "url")["url"])

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
        """Call with a token; when WeChat refuses it, once more with another one."""
        token = self._token.get()
        try:
            return self._request(method, path, params={**(params or {}), "access_token": token}, **options)
        except WeChatError as error:
            if error.code not in TOKEN_ERRORS:
                raise
        token = self._token.get(refused=token)
        return self._request(method, path, params={**(params or {}), "access_token": token}, **options)

    def _request(self, method: str, path: str, **options: Any) -> Any:  # noqa: ANN401 - as _call
        """Call once, and count how it went."""
        try:
            answer = self._ask(method, path, **options)
        except WeChatError as error:
            meters().called(path, error.fate.name.lower())
            raise
        meters().called(path, "ok")
        return answer

    def _ask(self, method: str, path: str, *, keys: tuple[str, ...] = (), **options: Any) -> Any:  # noqa: ANN401 - as _call
        """Call once. With `keys`, only a JSON object that has them counts as an answer."""
        options.setdefault("timeout", TIMEOUT)
        fault = ""
        try:
            with (
                span("call", path=path),
                session_for(self._base) as session,
                session.request(method, self._base + path, stream=True, **options) as response,
            ):
                content = read_whole(response, MEDIA_LIMIT)
        except (requests.RequestException, HTTPError, OSError) as error:
            fault = type(error).__name__
        if fault:  # raised out here, so that no chain of exceptions leads to the address with the token
            raise WeChatError(-1, Fate.RETRY, f"连不上微信（{fault}）")
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


def sign_page(ticket: str, nonce: str, timestamp: int, address: str) -> str:
    """Return the JS-SDK's signature of a page: its address without the fragment. Source: 「JS-SDK使用权限签名算法」."""
    fields = {"jsapi_ticket": ticket, "noncestr": nonce, "timestamp": str(timestamp), "url": urldefrag(address).url}
    line = "&".join(f"{name}={fields[name]}" for name in sorted(fields))
    return hashlib.sha1(line.encode(), usedforsecurity=False).hexdigest()


def _notice(openid: str, template_id: str, data: dict[str, str]) -> dict[str, Any]:
    fields = {name: {"value": value} for name, value in data.items()}
    return {"touser": openid, "template_id": template_id, "data": fields}


def _sorted(content: bytes, content_type: str, keys: tuple[str, ...]) -> Any:  # noqa: ANN401 - JSON, or a file's bytes
    """Return JSON as a dictionary and anything else as bytes; raise for an error code, and for missing keys."""
    answer = _json(content) if keys or "json" in content_type or "text/plain" in content_type else None
    if answer is None and not keys:
        return content
    code = _whole(answer.get("errcode", 0)) if answer is not None else 0
    if code:
        raise refusal(code)
    if answer is None or not all(key in answer for key in keys):
        raise _senseless()
    return answer


def read_whole(response: requests.Response, most: int, seconds: float = WHOLE_SECONDS) -> bytes:
    """Return an answer's content, a little more than `most` bytes where there is more. Raises OSError when it drips."""
    content, until = bytearray(), time.monotonic() + seconds
    while len(content) <= most and (part := response.raw.read1(PART, decode_content=True)):
        content += part
        if time.monotonic() > until:
            raise TimeoutError("the answer takes too long")
    return bytes(content)


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
