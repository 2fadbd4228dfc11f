"""The way out to WeCom (企业微信), for signing in only: who scanned, by the code that their browser came back with.

Source of paths: 企业微信开发者中心「企业微信Web登录」「网页授权登录」「获取access_token」「获取访问用户身份」.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import requests

from bot.lent import Lent
from bot.wechat import TIMEOUT, session_for

if TYPE_CHECKING:
    from redis import Redis

    from settings import Settings

IN_BROWSER = "https://login.work.weixin.qq.com/wwlogin/sso/login"
IN_WECOM = "https://open.weixin.qq.com/connect/oauth2/authorize"
TOKEN_SECONDS = 7200
# The token is wrong or has run out before its time; the code is wrong, used or too old.
TOKEN_GONE = frozenset({40001, 40014, 42001})
CODE_BAD = frozenset({40029, 40163})
CODE_CHARACTERS = 512


class WeComError(Exception):
    """WeCom did not say who it was; the message tells staff in one sentence what to do."""


class WeCom:
    """Asks WeCom who somebody is."""

    def __init__(self, settings: Settings, redis: Redis) -> None:
        self._base = settings.wecom_api_base
        self._corp, self._agent, self._secret = settings.wecom_corp_id, settings.wecom_agent_id, settings.wecom_secret
        self._token = Lent(redis, f"wecom:token:{self._corp}:{self._agent}", self._fetch_token)

    def login_address(self, back: str, state: str, *, inside: bool) -> str:
        """Return where a browser is sent to: a code to scan, or, inside WeCom itself, a question to tap."""
        if inside:
            asked = {"appid": self._corp, "redirect_uri": back, "response_type": "code", "scope": "snsapi_base"}
            return f"{IN_WECOM}?{urlencode(asked | {'state': state, 'agentid': self._agent})}#wechat_redirect"
        asked = {"login_type": "CorpApp", "appid": self._corp, "agentid": self._agent}
        return f"{IN_BROWSER}?{urlencode(asked | {'redirect_uri': back, 'state': state})}"

    def userid_of(self, code: str) -> str:
        """Return the userid of the colleague behind a code. Raises WeComError."""
        token = self._token.get()
        said = self._call("/cgi-bin/auth/getuserinfo", access_token=token, code=code[:CODE_CHARACTERS])
        if said.get("errcode") in TOKEN_GONE:
            token = self._token.get(refused=token)
            said = self._call("/cgi-bin/auth/getuserinfo", access_token=token, code=code[:CODE_CHARACTERS])
        if said.get("errcode") in CODE_BAD:
            raise WeComError("这个二维码已经用过或过期了，请再扫一次。")
        if said.get("errcode"):
            raise WeComError(f"企业微信没有答应（错误码 {said['errcode']}），请用密码登录，并告诉管理员。")
        userid = said.get("userid") or said.get("UserId")
        if not isinstance(userid, str) or not userid:
            raise WeComError("您不是这个企业的成员，请用密码登录。")
        return userid

    def _fetch_token(self, *, force: bool) -> tuple[str, int]:  # noqa: ARG002 - WeCom gives the same one, or a new one
        said = self._call("/cgi-bin/gettoken", corpid=self._corp, corpsecret=self._secret)
        if said.get("errcode") or not said.get("access_token"):
            code = said.get("errcode", "没有给")
            raise WeComError(f"企业微信登录没有配好（错误码 {code}），请用密码登录，并告诉管理员。")
        return str(said["access_token"]), int(said.get("expires_in", TOKEN_SECONDS))

    def _call(self, path: str, **asked: str) -> dict[str, Any]:
        """Ask one question. The address holds secrets, so that no error of the library goes further than this."""
        try:
            with session_for(self._base) as session:
                answer = session.get(self._base + path, params=asked, timeout=TIMEOUT)
                answer.raise_for_status()
                said = answer.json()
        except (requests.RequestException, ValueError):
            raise WeComError("企业微信现在连不上，请过一会儿再试，或者用密码登录。") from None
        if not isinstance(said, dict):
            raise WeComError("企业微信的回答读不懂，请用密码登录。")
        return said
