"""One OpenID provider, seen as its client: where to send a browser, and who came back.

Sources: OpenID Connect Core 1.0 sections 3.1.2, 3.1.3 and 5.3; OpenID Connect Discovery 1.0 section 4.3; PKCE
(RFC 7636); the issuer in the answer (RFC 9207); RFC 9700 on mix-up attacks and open redirects.
"""

import hmac
import ipaddress
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
import requests
from authlib.integrations.base_client import OAuthError  # type: ignore[import-untyped]  # it has no types
from authlib.integrations.requests_client import OAuth2Session  # type: ignore[import-untyped]  # same
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from skulldns.errors import Refused, Unavailable
from webui.settings import Service
from webui.texts import _

_SCOPE = "openid profile email"
_TIMEOUT = 10.0
_KEPT = 300.0
_LEEWAY = 60
_ALGORITHMS = [
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
    "Ed25519",
]
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")


@dataclass(frozen=True, slots=True)
class Journey:
    """What the answer must fit to: drawn for one browser's way to the provider and back."""

    state: str
    nonce: str
    verifier: str


def journey() -> Journey:
    """A new one; each part has 256 random bits."""
    return Journey(secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(48))


class Provider:
    """A provider, asked as ``service`` says; browsers come back to ``back``. May be used by many threads."""

    def __init__(self, service: Service, back: str) -> None:
        self._service = service
        self._back = back
        self._known: tuple[float, Mapping[str, Any]] | None = None

    def way(self, journey: Journey, now: float, *, anew: bool) -> str:
        """Where to send the browser; ``anew``: its owner shall show again who they are. Raises ``Unavailable``."""
        more = {"prompt": "login", "max_age": "0"} if anew else {}
        with self._client() as client:
            url, _state = client.create_authorization_url(
                self._metadata(now)["authorization_endpoint"],
                state=journey.state,
                code_verifier=journey.verifier,
                nonce=journey.nonce,
                **more,
            )
        return str(url)

    def who(self, answer: Mapping[str, str], journey: Journey, now: float) -> Mapping[str, Any]:
        """The claims about who came back with ``answer``, the query. Raises ``Refused`` and ``Unavailable``."""
        metadata = self._metadata(now)
        self._check_answer(answer, journey, metadata)
        try:
            with self._client(metadata) as client:
                token = client.fetch_token(
                    metadata["token_endpoint"],
                    code=answer["code"],
                    code_verifier=journey.verifier,
                    timeout=_TIMEOUT,
                    allow_redirects=False,
                )
                claims = self._verified(str(token.get("id_token", "")), journey, metadata, now)
                return self._with_userinfo(claims, metadata, str(token.get("access_token", "")))
        except OAuthError as error:
            raise _refusal() from error
        except (requests.RequestException, ValueError) as error:
            raise self._unavailable() from error

    def _check_answer(self, answer: Mapping[str, str], journey: Journey, metadata: Mapping[str, Any]) -> None:
        if not hmac.compare_digest(answer.get("state", "").encode(), journey.state.encode()):
            raise _refusal()
        issuer = answer.get("iss")
        silent = issuer is None and not metadata.get("authorization_response_iss_parameter_supported")
        if not silent and issuer != self._service.issuer:
            raise _refusal()
        if "code" not in answer:
            raise Refused(
                _("%(service)s did not sign you in", service=self._service.name), cure=_("try again there")
            )

    def _verified(
        self, id_token: str, journey: Journey, metadata: Mapping[str, Any], now: float
    ) -> dict[str, Any]:
        """The claims of an ID token that is signed by the provider, for us, now, and for this journey."""
        keys = self._json(metadata["jwks_uri"])
        essential = {
            "iss": self._service.issuer,
            "aud": self._service.client_id,
            "nonce": journey.nonce,
        }
        rules = jwt.JWTClaimsRegistry(
            now=int(now),
            leeway=_LEEWAY,
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
            **{name: {"essential": True, "value": value} for name, value in essential.items()},  # type: ignore[arg-type]
        )
        try:
            claims = jwt.decode(id_token, KeySet.import_key_set(keys), algorithms=_ALGORITHMS).claims  # type: ignore[arg-type]
            rules.validate(claims)
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise _refusal() from error
        # Core section 3.1.3.7: of several audiences the authorized party must be us.
        audience = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
        party = claims.get("azp", self._service.client_id if len(audience) == 1 else None)
        if party != self._service.client_id or not isinstance(claims["sub"], str) or not claims["sub"]:
            raise _refusal()
        return claims

    def _with_userinfo(
        self, claims: dict[str, Any], metadata: Mapping[str, Any], token: str
    ) -> dict[str, Any]:
        """More about the same subject, where the ID token does not say what we want to know (Core section 5.3)."""
        wanted = {"preferred_username", self._service.groups_claim or "preferred_username"}
        where = metadata.get("userinfo_endpoint")
        if wanted <= claims.keys() or not where or not token:
            return claims
        found = self._json(str(where), {"Authorization": f"Bearer {token}"})
        if found.get("sub") != claims["sub"]:
            raise _refusal()
        return {**found, **claims}

    def _metadata(self, now: float) -> Mapping[str, Any]:
        """What the provider says of itself, which must be about this very issuer (Discovery section 4.3)."""
        if self._known is not None and 0 <= now - self._known[0] < _KEPT:
            return self._known[1]
        found = self._json(f"{self._service.issuer.rstrip('/')}/.well-known/openid-configuration")
        good = found.get("issuer") == self._service.issuer and all(
            _is_safe(str(found.get(key, ""))) for key in _ENDPOINTS
        )
        if not good or not _is_safe(str(found.get("userinfo_endpoint", self._service.issuer))):
            raise self._unavailable()
        self._known = (now, found)
        return found

    def _json(self, url: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        try:
            answer = httpx.get(url, headers=headers, timeout=_TIMEOUT, follow_redirects=False)
            answer.raise_for_status()
            found = answer.json()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise self._unavailable() from error
        if not isinstance(found, dict):
            raise self._unavailable()
        return found

    def _client(self, metadata: Mapping[str, Any] | None = None) -> Any:
        methods = (metadata or {}).get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        basic = "client_secret_basic" in methods
        return OAuth2Session(
            self._service.client_id,
            self._service.client_secret,
            token_endpoint_auth_method="client_secret_basic" if basic else "client_secret_post",
            scope=_SCOPE,
            redirect_uri=self._back,
            code_challenge_method="S256",
        )

    def _unavailable(self) -> Unavailable:
        return Unavailable(
            _("%(service)s does not answer as it should", service=self._service.name),
            cure=_("try again later, or sign in another way"),
        )


def _refusal() -> Refused:
    """One answer for everything that does not fit, so that nobody learns which part did not."""
    return Refused(_("that sign-in did not fit to what was begun here"), cure=_("begin again"))


def _is_safe(url: str) -> bool:
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        here = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        here = False
    return bool(host) and (parts.scheme == "https" or (here and parts.scheme == "http"))
