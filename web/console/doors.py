"""Other ways in, where the settings name them: the unit's own login (OIDC) and WeCom. Both answer for a second step."""

from __future__ import annotations

import hmac
import logging
import secrets
import time
from typing import TYPE_CHECKING, Any

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.flask_client import OAuth
from flask import abort, redirect, request, session, url_for
from joserfc.errors import JoseError

from bot.assembly import utc_now
from bot.wechat import TIMEOUT
from bot.wecom import WeComError
from cases import outside
from cases.outside import WECOM, Outside
from web.console.login import enter, form, inside, origin
from web.console.session import WANTED

if TYPE_CHECKING:
    from flask import Blueprint

    from bot.assembly import House
    from settings import Settings
    from web.console.session import Page

log = logging.getLogger(__name__)

NAME = "oidc"
DISCOVERY = "/.well-known/openid-configuration"
# Identities are signed with a key that only the provider has.
SIGNATURES = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
AWAY = "{name}现在连不上，请过一会儿再试，或者用密码登录。"
REFUSED = "{name}没有成功，请再试一次，或者用密码登录。"
# In the browser's session: the sign by which WeCom's answer is known as ours.
STATE, STATE_SECONDS = "wecom_state", 600
FAILURES = (AuthlibBaseError, JoseError, ValueError, RuntimeError, KeyError, TypeError)


class StrangeIssuerError(RuntimeError):
    """The provider calls itself something else than the settings do."""


def register(routes: Blueprint, house: House) -> None:
    """Add the ways out to both, and the ways back."""
    settings, provider = house.settings, OAuth()
    if settings.oidc_issuer:
        _describe(provider, settings)
        routes.record_once(lambda state: provider.init_app(state.app))

    @routes.get("/login/oidc", endpoint="oidc")
    def to_oidc() -> Page:
        client = _client(provider, settings)
        session[WANTED] = inside(request.args.get("next", ""))
        try:
            _known(client, settings)
            return client.authorize_redirect(_back(house, "console.oidc_back"))
        except (requests.RequestException, *FAILURES) as error:
            return _failed(house, settings.oidc_name, error)

    @routes.get("/login/oidc/back", endpoint="oidc_back")
    def from_oidc() -> Page:
        client = _client(provider, settings)
        try:
            who = _identity(client, settings)
        except (requests.RequestException, *FAILURES) as error:
            return _failed(house, settings.oidc_name, error)
        return _arrive(house, who)

    @routes.get("/login/wecom", endpoint="wecom")
    def to_wecom() -> Page:
        wecom = house.wecom or abort(404)
        session[WANTED] = inside(request.args.get("next", ""))
        state = secrets.token_urlsafe(16)
        session[STATE] = [state, int(time.time()) + STATE_SECONDS]
        inside_wecom = "wxwork" in request.headers.get("User-Agent", "")
        return redirect(wecom.login_address(_back(house, "console.wecom_back"), state, inside=inside_wecom))

    @routes.get("/login/wecom/back", endpoint="wecom_back")
    def from_wecom() -> Page:
        wecom, code = house.wecom or abort(404), request.args.get("code", "")
        if not _expected(request.args.get("state", "")) or not code:
            return form(house, "", REFUSED.format(name="企业微信登录")), 401
        try:
            userid = wecom.userid_of(code)
        except WeComError as error:
            return form(house, "", str(error)), 401
        return _arrive(house, Outside("wecom", WECOM + userid, userid))


def _expected(said: str) -> bool:
    """Say whether this browser was sent to WeCom with this state a short while ago; it is good for one answer."""
    state, until = session.pop(STATE, ("", 0))
    return bool(state) and time.time() < until and hmac.compare_digest(state.encode(), said.encode())


def _describe(provider: OAuth, settings: Settings) -> None:
    """Tell the library of the provider: code with PKCE, and time-outs for each call."""
    provider.register(
        NAME,
        client_id=settings.oidc_client_id,
        client_secret=settings.oidc_client_secret,
        server_metadata_url=settings.oidc_issuer.rstrip("/") + DISCOVERY,
        client_kwargs={"scope": "openid profile", "code_challenge_method": "S256", "default_timeout": TIMEOUT},
    )


def _client(provider: OAuth, settings: Settings) -> Any:  # noqa: ANN401 - the library has no types
    return provider.create_client(NAME) if settings.oidc_issuer else abort(404)


def _known(client: Any, settings: Settings) -> None:  # noqa: ANN401 - as above
    """Read what the provider says of itself: it is the one of the settings, and signs with keys of its own."""
    about = client.load_server_metadata()
    if about.get("issuer") != settings.oidc_issuer:
        about.pop("_loaded_at", None)  # it is asked again, perhaps it was put right
        raise StrangeIssuerError(f"the provider calls itself {about.get('issuer')}")
    named = about.get("id_token_signing_alg_values_supported") or SIGNATURES
    about["id_token_signing_alg_values_supported"] = [each for each in named if each in SIGNATURES]


def _identity(client: Any, settings: Settings) -> Outside:  # noqa: ANN401 - as above
    """Exchange the code, and return who the provider says it is. State, nonce and signature are checked on the way."""
    _known(client, settings)
    options = {
        "iss": {"essential": True, "value": settings.oidc_issuer},
        "aud": {"essential": True, "value": settings.oidc_client_id},
    }
    claims = client.authorize_access_token(claims_options=options)["userinfo"]
    return Outside("oidc", str(claims["sub"]), str(claims.get("preferred_username") or ""))


def _back(house: House, endpoint: str) -> str:
    """Return the address of ours that a provider sends the browser back to."""
    return (house.settings.public_url or request.url_root.rstrip("/")) + url_for(endpoint)


def _failed(house: House, name: str, error: Exception) -> Page:
    """Say that it did not work. The log has the kind of the error only: its words may hold a code or a token."""
    log.warning("signing in by OIDC failed: %s", type(error).__name__)
    away = isinstance(error, requests.RequestException)
    return form(house, "", (AWAY if away else REFUSED).format(name=name)), 503 if away else 401


def _arrive(house: House, who: Outside) -> Page:
    wanted = session.get(WANTED, "")
    result = outside.arrive(house.store, who, utc_now(), samples_allowed=house.settings.sandbox, origin=origin())
    if result.staff_id is None:
        return form(house, "", result.fault), 403
    return enter(house, result.staff_id, who.how, wanted)
