"""The stand-in for open.weixin.qq.com/connect/oauth2/authorize: sends a resident to a page with a code.

Source: 微信公众平台「网页授权」. Who asks is told by the cookie that the phone sets; without it the page asks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from flask import Response, redirect, render_template, request

from bot.sandbox.credentials import new_code
from bot.sandbox.residents import ACCOUNT_NAME, RESIDENTS

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as BaseResponse

    from bot.sandbox.context import Context, Route

COOKIE = "sandbox_openid"
SCOPES = ("snsapi_base", "snsapi_userinfo")


def authorize(context: Context) -> BaseResponse | str:
    """GET /sandbox/connect/oauth2/authorize with WeChat's parameters."""
    wrong = _wrong(context)
    if wrong:
        return Response(wrong, 400, mimetype="text/plain")
    openid = request.args.get("as") or request.cookies.get(COOKIE, "")
    if openid not in {one.openid for one in RESIDENTS}:
        return _ask()
    with context.store.write() as db:
        code = new_code(db, openid, request.args["scope"])
    return redirect(_with_code(request.args["redirect_uri"], code, request.args.get("state", "")))


def _wrong(context: Context) -> str:
    """Return WeChat's complaint about the parameters, or nothing."""
    if request.args.get("appid") != context.settings.wechat_appid:
        return "appid 参数错误（10013）"
    target = urlsplit(request.args.get("redirect_uri", ""))
    own = urlsplit(context.settings.own_address).netloc
    if target.scheme not in ("http", "https") or target.netloc not in (own, request.host):
        return "redirect_uri 域名与后台配置不一致（10003）"
    if request.args.get("scope") not in SCOPES:
        return "scope 参数错误或没有 scope 权限（10005）"
    return "" if request.args.get("response_type") == "code" else "response_type 参数错误"


def _ask() -> str:
    query = request.args.to_dict()
    links = [(one, "?" + urlencode(query | {"as": one.openid})) for one in RESIDENTS]
    return render_template("sandbox/who.html", account=ACCOUNT_NAME, links=links)


def _with_code(target: str, code: str, state: str) -> str:
    parts = urlsplit(target)
    query = [*parse_qsl(parts.query, keep_blank_values=True), ("code", code), ("state", state)]
    return urlunsplit(parts._replace(query=urlencode(query)))


ROUTES: list[Route] = [("/sandbox/connect/oauth2/authorize", "GET", authorize)]
