"""A small OpenID provider on loopback: discovery, authorization code with PKCE, keys, user information.

Somebody is always signed in there (``person``), and what it says can be bent, as an attacker would.
"""

import base64
import hashlib
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from flask import Flask, Response, abort, jsonify, redirect, request
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from werkzeug.serving import make_server
from werkzeug.wrappers import Response as AnyResponse

CLIENT, CLIENT_SECRET = "the-page", "a secret of the client"


@dataclass
class IdentityProvider:
    """``person`` are the claims about who is signed in; ``bend`` may change an ID token's header and claims."""

    issuer: str
    clock: Callable[[], float]
    redirect_uri: str
    person: dict[str, Any] = field(default_factory=lambda: {"sub": "1234", "preferred_username": "dora"})
    bend: Callable[[dict[str, Any], dict[str, Any]], None] = lambda _header, _claims: None
    metadata: dict[str, Any] = field(default_factory=dict)
    userinfo: dict[str, Any] = field(default_factory=dict)
    answer_issuer: str | None = None
    asks_again: bool = True
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": "first"}))
    sign_with: Callable[[dict[str, Any], dict[str, Any]], str] | None = None
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def app(self) -> Flask:
        app = Flask(__name__)
        app.get("/.well-known/openid-configuration")(self._configuration)
        app.get("/keys")(self._keys)
        app.get("/authorize")(self._authorize)
        app.post("/token")(self._token)
        app.get("/userinfo")(self._userinfo)
        return app

    def _keys(self) -> Response:
        return jsonify(KeySet([self.key]).as_dict(private=False))

    def _userinfo(self) -> Response:
        return jsonify({"sub": self.person["sub"], **self.userinfo})

    def _configuration(self) -> Response:
        return jsonify(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
                "userinfo_endpoint": f"{self.issuer}/userinfo",
                "authorization_response_iss_parameter_supported": True,
                **self.metadata,
            }
        )

    def _authorize(self) -> AnyResponse:
        wanted = request.args
        fits = (
            wanted["client_id"] == CLIENT
            and wanted["redirect_uri"] == self.redirect_uri
            and wanted["response_type"] == "code"
            and wanted["code_challenge_method"] == "S256"
            and "openid" in wanted["scope"].split()
        )
        if not fits:
            abort(400)
        code = secrets.token_urlsafe(16)
        self.codes[code] = dict(wanted)
        answer = {"code": code, "state": wanted["state"], "iss": self.answer_issuer or self.issuer}
        return redirect(f"{self.redirect_uri}?{urlencode(answer)}")

    def _token(self) -> Response:
        begun = self.codes.pop(request.form["code"], None)
        known = request.authorization
        right_client = known is not None and (known.username, known.password) == (CLIENT, CLIENT_SECRET)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(request.form["code_verifier"].encode()).digest())
        if begun is None or not right_client or begun["code_challenge"] != challenge.decode().rstrip("="):
            answer = jsonify(error="invalid_grant")
            answer.status_code = 400
            return answer
        return jsonify(access_token="opaque", token_type="Bearer", id_token=self._id_token(begun))

    def _id_token(self, begun: dict[str, str]) -> str:
        moment = int(self.clock())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "iat": moment,
            "exp": moment + 300,
            "nonce": begun["nonce"],
            "auth_time": moment if self.asks_again and begun.get("prompt") == "login" else moment - 7200,
            **self.person,
        }
        header: dict[str, Any] = {"alg": "ES256", "kid": "first"}
        self.bend(header, claims)
        if self.sign_with is not None:
            return self.sign_with(header, claims)
        return jwt.encode(header, claims, self.key)


@contextmanager
def running(redirect_uri: str, clock: Callable[[], float] = time.time) -> Iterator[IdentityProvider]:
    """A provider that listens on loopback until the end of the block."""
    provider = IdentityProvider("", clock, redirect_uri)
    server = make_server("127.0.0.1", 0, provider.app(), threaded=True)
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
