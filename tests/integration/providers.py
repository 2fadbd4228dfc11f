"""Stand-ins for other logins, over real HTTP: a small OIDC provider with a key of its own, and a small WeCom."""

from __future__ import annotations

import base64
import hashlib
import secrets
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from flask import Flask, jsonify, redirect, request
from joserfc import jwt
from joserfc.jwk import RSAKey
from werkzeug.serving import make_server

from tests.services import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Response
    from werkzeug import Response as Redirect

CLIENT, SECRET = "wanggetong", "a-client-secret"


class Provider:
    """An OIDC provider at which `person` is signed in already. `spoil` changes the claims of the next identities."""

    def __init__(self) -> None:
        self.port = free_port()
        self.issuer = f"http://127.0.0.1:{self.port}/realm"
        self.calls_itself = self.issuer
        self.key = RSAKey.generate_key(2048, {"kid": "one"})
        self.published = self.key
        self.person: dict[str, Any] = {"sub": "sub-1", "preferred_username": "urban"}
        self.spoil: dict[str, Any] = {}
        self.with_identity = True
        self.codes: dict[str, dict[str, str]] = {}
        self.app = Flask("provider")
        self.app.get("/realm/.well-known/openid-configuration")(self.about)
        self.app.get("/realm/keys", endpoint="keys")(lambda: jsonify(keys=[self.published.as_dict(private=False)]))
        self.app.get("/realm/authorize")(self.authorize)
        self.app.post("/realm/token")(self.token)

    def about(self) -> Response:
        """Say where everything is."""
        return jsonify(
            issuer=self.calls_itself,
            authorization_endpoint=f"{self.issuer}/authorize",
            token_endpoint=f"{self.issuer}/token",
            jwks_uri=f"{self.issuer}/keys",
            id_token_signing_alg_values_supported=["RS256", "none", "HS256"],
        )

    def authorize(self) -> Redirect:
        """Send the browser back with a code at once."""
        asked = request.args.to_dict()
        assert asked["client_id"] == CLIENT
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(8)
        self.codes[code] = asked
        return redirect(f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}")

    def token(self) -> tuple[Response, int] | Response:
        """Exchange a code, once, for whoever has the verifier of its challenge."""
        asked = self.codes.pop(request.form.get("code", ""), None)
        digest = hashlib.sha256(request.form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        client = request.authorization
        known = client is not None and (client.username, client.password) == (CLIENT, SECRET)
        if asked is None or asked["code_challenge"] != challenge or not known:
            return jsonify(error="invalid_grant"), 400
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 60, "nonce": asked["nonce"]}
        identity = jwt.encode({"alg": "RS256", "kid": "one"}, claims | self.person | self.spoil, self.key)
        answer = {"access_token": "an-access-token", "token_type": "Bearer"}
        return jsonify(answer | ({"id_token": identity} if self.with_identity else {}))


class Colleagues:
    """A WeCom in which each code belongs to one userid, once. Tokens in `gone` have run out before their time."""

    def __init__(self) -> None:
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.codes: dict[str, str] = {}
        self.tokens: list[str] = []
        self.gone: set[str] = set()
        self.app = Flask("wecom")
        self.app.get("/cgi-bin/gettoken")(self.token)
        self.app.get("/cgi-bin/auth/getuserinfo")(self.who)

    def token(self) -> Response:
        """Lend a token."""
        if (request.args["corpid"], request.args["corpsecret"]) != ("ww0001", "a-wecom-secret"):
            return jsonify(errcode=40001, errmsg="invalid credential")
        self.tokens.append(f"token-{len(self.tokens)}")
        return jsonify(errcode=0, access_token=self.tokens[-1], expires_in=7200)

    def who(self) -> Response:
        """Say whose a code is."""
        token = request.args["access_token"]
        if token not in self.tokens or token in self.gone:
            return jsonify(errcode=42001, errmsg="access_token expired")
        userid = self.codes.pop(request.args["code"], None)
        if userid is None:
            return jsonify(errcode=40029, errmsg="invalid code")
        return jsonify(errcode=0, userid=userid) if userid else jsonify(errcode=0, openid="oStranger")


@contextmanager
def served(app: Flask, port: int) -> Iterator[None]:
    """Serve an application in a thread."""
    server = make_server("127.0.0.1", port, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield
    server.shutdown()
    thread.join()
    server.server_close()
