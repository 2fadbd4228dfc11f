"""Asking WeChat once whether the account is set up right, and saying exactly what is wrong and where to click.

Unlike the calls of `bot.wechat` this one keeps what WeChat says besides the code: the address that it wants in the
allow-list, and its own clock.
"""

from __future__ import annotations

import json
import re
import socket
from dataclasses import asdict, dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import requests
from urllib3.exceptions import HTTPError, NameResolutionError

from bot.assembly import utc_now
from bot.errcodes import ERRORS
from bot.wechat import MEDIA_LIMIT, TIMEOUT, read_whole, session_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from settings import Settings

# The account's own clock may differ by so much before signatures and tokens suffer.
SKEW_SECONDS = 60
NOT_ALLOWED = 40164
_ADDRESS = re.compile(r"invalid ip ([0-9a-fA-F.:]+)")
LONGEST_DETAIL = 60

# What is wrong on the way to WeChat: the words, and what to do.
NETWORK = {
    "dns": ("找不到微信的服务器：域名解析不了", "请检查服务器的 DNS，试试 ping api.weixin.qq.com。"),
    "proxy": ("代理连不上", "请检查环境变量 HTTPS_PROXY 里的代理地址，不用代理就去掉它。"),
    "timeout": (
        "连微信超时了",
        "多半是防火墙拦着：请放行到 api.weixin.qq.com 的 443 端口，要走代理的设好 HTTPS_PROXY。",
    ),
    "tls": ("和微信的加密连接没有建成", "请检查服务器的时间和系统证书；单位网关替换证书的，请放行 api.weixin.qq.com。"),
    "refused": ("微信的服务器连不上", "请检查 WECHAT_API_BASE 和服务器的外网。"),
    "strange": ("收到的不是微信的回答", "多半是代理或网关给的页面：请放行 api.weixin.qq.com，检查 WECHAT_API_BASE。"),
}
SETTINGS_PAGE = "公众号后台“设置与开发 → 基本配置”（新版：微信开发者平台“我的业务与服务 → 公众号”）"
# For each code what to click; others are looked up by their number.
CLICKS = {
    40001: f"到{SETTINGS_PAGE}重置 AppSecret，填进 WECHAT_SECRET，重启服务。",
    40013: f"到{SETTINGS_PAGE}抄下 AppID，填进 WECHAT_APPID，重启服务。",
    40125: f"到{SETTINGS_PAGE}重置 AppSecret，填进 WECHAT_SECRET，重启服务。",
    NOT_ALLOWED: f"到{SETTINGS_PAGE}，在“IP 白名单”里点“修改”，加上这个地址，等几分钟再测。",
    40243: f"到{SETTINGS_PAGE}给 AppSecret 解除冻结。",
    41002: "WECHAT_APPID 是空的，填上后重启服务。",
    41004: "WECHAT_SECRET 是空的，填上后重启服务。",
    45009: "今天的次数用完了，明天再测；也可以在“接口权限”页清零。",
    48001: "到“设置与开发 → 接口权限”看有没有这个接口；没有认证的订阅号不行，请先认证。",
    50002: "登录公众号后台，看首页的通知。",
    89503: "请公众号管理员在手机上点“同意”，再测一次。",
}
ELSE = "请按错误号查微信的“全局返回码”，或把它发给我们。"


@dataclass(frozen=True)
class Checkup:
    """What came of asking WeChat: nothing wrong (`fault` empty), a code, or a word of NETWORK.

    `detail`: the address that WeChat sees us at; `skew`: by how many seconds our clock is ahead of WeChat's.
    """

    at: str
    fault: str = ""
    detail: str = ""
    skew: int | None = None

    def text(self) -> str:
        """Return it as a short line to keep."""
        return json.dumps(asdict(self))

    @property
    def skewed(self) -> bool:
        """Whether our clock is wrong enough to matter."""
        return self.skew is not None and abs(self.skew) > SKEW_SECONDS


def read(text: str | None) -> Checkup | None:
    """Return what was kept, or None."""
    try:
        kept = json.loads(text or "")
        return Checkup(str(kept["at"]), str(kept["fault"]), str(kept["detail"]), kept["skew"])
    except (ValueError, KeyError, TypeError):
        return None


def ask(settings: Settings) -> Checkup:
    """Fetch the token that everything needs, once, with time-outs. It is the stable one: asking spoils nobody's."""
    body = {
        "grant_type": "client_credential",
        "appid": settings.wechat_appid,
        "secret": settings.wechat_secret,
        "force_refresh": False,
    }
    now = utc_now()
    try:
        with (
            session_for(settings.wechat_api_base) as session,
            session.post(
                settings.wechat_api_base + "/cgi-bin/stable_token", json=body, timeout=TIMEOUT, stream=True
            ) as response,
        ):
            content = read_whole(response, MEDIA_LIMIT)
    except (requests.RequestException, HTTPError, OSError) as error:
        return Checkup(now.isoformat(), _network(error))
    skew = _skew(response.headers.get("Date", ""), now)
    fault, detail = _answer(response.status_code, content)
    return Checkup(now.isoformat(), fault, detail, skew)


def _answer(status: int, content: bytes) -> tuple[str, str]:
    """Return what is wrong with an answer, and the address in it."""
    try:
        answer = json.loads(content)
        code = int(answer.get("errcode", 0))
    except (ValueError, AttributeError, TypeError, RecursionError):
        return "strange", ""
    if code:
        address = _ADDRESS.search(str(answer.get("errmsg", "")))
        return str(code), address[1][:LONGEST_DETAIL] if address else ""
    return ("", "") if status == requests.codes.ok and answer.get("access_token") else ("strange", "")


def _network(error: Exception) -> str:
    """Return which word of NETWORK an error is."""
    causes = list(_causes(error))
    if any(isinstance(each, NameResolutionError | socket.gaierror) for each in causes):
        return "dns"
    if isinstance(error, requests.exceptions.ProxyError):
        return "proxy"
    if isinstance(error, requests.exceptions.SSLError):
        return "tls"
    if isinstance(error, requests.Timeout) or any("imed out" in str(each) for each in causes):
        return "timeout"
    return "refused"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and all that it was made from."""
    seen: set[int] = set()
    waiting: list[BaseException] = [error]
    while waiting:
        each = waiting.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        inner = (each.__cause__, each.__context__, getattr(each, "reason", None), *each.args)
        waiting += [other for other in inner if isinstance(other, BaseException)]


def _skew(said: str, now: datetime) -> int | None:
    try:
        return round((now - parsedate_to_datetime(said)).total_seconds())
    except (ValueError, TypeError):
        return None


def words(found: Checkup) -> tuple[str, str]:
    """Return what is wrong in one plain sentence, and what to do; two empty strings where nothing is."""
    if found.fault in NETWORK:
        return NETWORK[found.fault]
    if found.fault:
        code = int(found.fault)
        said = ERRORS[code][1] if code in ERRORS else "微信不给凭证"
        address = f"。微信看到的地址是 {found.detail}" if found.detail else ""
        return f"{said}（{code}）{address}", CLICKS.get(code, ELSE)
    if found.skewed:
        way = "快" if (found.skew or 0) > 0 else "慢"
        return (
            f"服务器的时间比微信{way} {abs(found.skew or 0)} 秒",
            "请在服务器上开启自动对时（timedatectl set-ntp true）。",
        )
    return "", ""
