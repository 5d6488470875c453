"""What the `acme` library lacks, beside it: each part goes when the library has it.

* `replaces` in new orders, and renewal information without chance or clock (RFC 9773);
* the HTTP status and Retry-After of errors, dates with their time zone (RFC 9110 section 10.2.3);
* more than one retry of a bad nonce (RFC 8555 section 6.5);
* account key roll-over (RFC 8555 section 7.3.5);
* network errors and unreadable answers as one exception, `CaError`.
"""

import base64
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

import requests
from acme import jws, messages
from acme.client import ClientNetwork, ClientV2
from acme.errors import Error as LibraryError
from cryptography import x509
from josepy.errors import Error as JoseError
from josepy.interfaces import JSONDeSerializable
from josepy.json_util import field as json_field
from josepy.jwa import ES256
from josepy.jwk import JWK

NONCE_TRIES = 40
"""Tries of one request: where a CA rejects half of the nonces 12 would do, where it rejects 9 of 10 this does."""

_PREFIX = messages.ERROR_PREFIX


@dataclass(frozen=True, slots=True)
class Problem:
    """A CA's problem document (RFC 8555 section 6.7): ``code`` is its type without the prefix, also an unknown one."""

    code: str
    detail: str
    name: str | None = None
    subproblems: tuple["Problem", ...] = ()


class CaError(Exception):
    """The CA, or the way to it, said no. ``status`` is 0 where there was no answer; ``retry_after`` in seconds."""

    def __init__(self, problem: Problem, status: int = 0, retry_after: float | None = None) -> None:
        super().__init__(problem.detail)
        self.problem = problem
        self.status = status
        self.retry_after = retry_after

    @property
    def code(self) -> str:
        """The type of the problem, without its prefix."""
        return self.problem.code


class NewOrder(messages.NewOrder):
    """A new order that may replace a certificate (RFC 9773 section 5)."""

    replaces: str | None = json_field("replaces", omitempty=True)


class Json(JSONDeSerializable):
    """A request body as it is."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self._content = content

    def to_partial_json(self) -> Any:
        return self._content

    @classmethod
    def from_json(cls, jobj: Any) -> "Json":
        return cls(jobj)


class Network(ClientNetwork):
    """Requests to one CA, signed with the account's key; ``wall`` is the clock of dates.

    ``trust`` is a file with root certificates; without it the system's count. Raises ``CaError`` only.
    """

    def __init__(self, key: JWK, *, trust: str | None, timeout: int, wall: Callable[[], float]) -> None:
        super().__init__(key, alg=ES256, user_agent="SkullDNS", timeout=timeout)
        self.verify_ssl = trust or True  # type: ignore[assignment]  # requests takes a path too
        self._wall = wall
        self.date: float | None = None

    def post(self, *args: Any, **kwargs: Any) -> requests.Response:
        for left in reversed(range(NONCE_TRIES)):
            try:
                return super()._post_once(*args, **kwargs)
            except CaError as error:
                if error.code != "badNonce" or not left:
                    raise
        raise AssertionError("the last try returns or raises")

    def retry_after_of(self, response: requests.Response) -> float | None:
        """Seconds of Retry-After: a number, or a date in any time zone."""
        return retry_after(response.headers.get("Retry-After"), self._wall())

    def _send_request(self, method: str, url: str, *args: Any, **kwargs: Any) -> requests.Response:
        try:
            response = super()._send_request(method, url, *args, **kwargs)
        except requests.Timeout as error:
            raise CaError(Problem("timeout", "it does not answer in time")) from error
        except requests.exceptions.SSLError as error:
            raise CaError(Problem("tls", "its TLS certificate is not trusted")) from error
        except requests.RequestException as error:
            raise CaError(Problem("unreachable", "it cannot be reached")) from error
        self.date = _date(response.headers.get("Date"))
        if not response.ok and method != "HEAD":
            self._keep_nonce(response)
            raise self._error(response)
        return response

    def _keep_nonce(self, response: requests.Response) -> None:
        """An error brings a nonce too (RFC 8555 section 6.5)."""
        if self.REPLAY_NONCE_HEADER in response.headers:
            self._add_nonce(response)

    def _error(self, response: requests.Response) -> CaError:
        try:
            problem = read_problem(response.json())
        except ValueError:
            problem = Problem("", f"it answers with HTTP status {response.status_code}")
        return CaError(problem, response.status_code, self.retry_after_of(response))


class Client(ClientV2):
    """The library's client, and what it lacks."""

    net: Network

    def order(
        self, names: Iterable[str], profile: str | None, replaces: str | None
    ) -> tuple[str, messages.Order]:
        """Ask for an order; returns its URL too."""
        identifiers = [messages.Identifier(typ=messages.IDENTIFIER_FQDN, value=name) for name in names]
        response = self._post(
            self.directory["newOrder"],
            NewOrder(identifiers=identifiers, profile=profile, replaces=replaces),
        )
        return response.headers["Location"], messages.Order.from_json(response.json())

    def authorization(self, url: str) -> tuple[messages.AuthorizationResource, float | None]:
        """An authorization as it is now, and how long the CA wants to be left alone."""
        response = self._post_as_get(url)
        return self._authzr_from_response(response, uri=url), self.net.retry_after_of(response)

    def respond(self, challenge: messages.ChallengeBody) -> None:
        """Tell the CA that a challenge is ready (RFC 8555 section 7.5.1)."""
        self._post(challenge.uri, Json({}))

    def finalize(self, order: messages.Order, csr: x509.CertificateSigningRequest) -> None:
        """Send the CSR (RFC 8555 section 7.4)."""
        self._post(order.finalize, messages.CertificateRequest(csr=csr))

    def read_order(self, url: str) -> tuple[messages.Order, float | None]:
        """The order as it is now, and how long the CA wants to be left alone."""
        response = self._post_as_get(url)
        return messages.Order.from_json(response.json()), self.net.retry_after_of(response)

    def chains(self, url: str) -> list[bytes]:
        """The certificate with its chain, then with each alternate chain (RFC 8555 section 7.4.2)."""
        response = self._post_as_get(url)
        alternates = self._get_links(response, "alternate")
        return [response.content, *(self._post_as_get(alternate).content for alternate in alternates)]

    def account(self, request: Mapping[str, Any]) -> str:
        """Register, or find the account of our key (RFC 8555 sections 7.3 and 7.3.1); returns its URL."""
        self.net.account = None
        return self._post(self.directory["newAccount"], Json(request)).headers["Location"]

    def use_account(self, url: str) -> None:
        """Sign with the account at ``url`` from now on."""
        self.net.account = messages.RegistrationResource(body=messages.Registration(), uri=url)

    def touch_account(self, url: str) -> None:
        """A signed request that changes nothing: shows that the CA works and knows the account."""
        self._post_as_get(url)

    def roll_over(self, account: str, new: JWK) -> None:
        """Change the account's key to ``new`` (RFC 8555 section 7.3.5)."""
        url = self.directory["keyChange"]
        assert self.net.key is not None
        change = {"account": account, "oldKey": self.net.key.public_key().to_partial_json()}
        inner = jws.JWS.sign(json.dumps(change).encode(), key=new, alg=ES256, nonce=None, url=url)
        self._post(url, Json(inner.to_partial_json()))

    def window(self, ari_id: str) -> tuple[float, float, str | None, float | None] | None:
        """Start and end of the suggested window, its explanation, and Retry-After; None where the CA has no ARI."""
        try:
            base = self.directory["renewalInfo"]
        except KeyError:
            return None
        response = self.net.get(f"{base.rstrip('/')}/{ari_id}")
        content = response.json()
        info = messages.RenewalInfo.from_json(content)
        start, end = info.suggested_window.start, info.suggested_window.end
        if start is None or end is None or end <= start:
            raise CaError(Problem("malformed", "its renewal window has no start before its end"))
        explanation = content.get("explanationURL")
        return (
            start.timestamp(),
            end.timestamp(),
            explanation if isinstance(explanation, str) else None,
            self.net.retry_after_of(response),
        )


@contextmanager
def readable() -> Iterator[None]:
    """Whatever the library raises for an answer that it cannot read becomes a ``CaError``."""
    try:
        yield
    except CaError:
        raise
    except (LibraryError, JoseError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CaError(Problem("malformed", f"its answer cannot be read ({type(error).__name__})")) from error


def read_problem(content: Any) -> Problem:
    """A problem document as a value, whatever it holds."""
    if not isinstance(content, Mapping):
        return Problem("", "it answers with an error that says nothing")
    identifier = content.get("identifier")
    subproblems = content.get("subproblems")
    return Problem(
        code=str(content.get("type", "")).removeprefix(_PREFIX),
        detail=str(content.get("detail") or content.get("title") or "it gives no reason"),
        name=str(identifier.get("value")) if isinstance(identifier, Mapping) else None,
        subproblems=tuple(read_problem(one) for one in subproblems) if isinstance(subproblems, list) else (),
    )


def retry_after(header: str | None, now: float) -> float | None:
    """Seconds from ``now`` (Unix time) that a Retry-After header asks for; None for none or nonsense."""
    if header is None:
        return None
    if header.strip().isdecimal():
        return float(header)
    date = _date(header)
    return None if date is None else max(0.0, date - now)


def ari_id(certificate: x509.Certificate) -> str | None:
    """The name of a certificate for renewal information (RFC 9773 section 4.1)."""
    try:
        authority = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    except x509.ExtensionNotFound:
        return None
    if authority.key_identifier is None:
        return None
    serial = certificate.serial_number
    octets = serial.to_bytes(serial.bit_length() // 8 + 1)  # as DER has it: a sign bit before the number
    return ".".join(
        base64.urlsafe_b64encode(part).decode().rstrip("=") for part in (authority.key_identifier, octets)
    )


def _date(header: str | None) -> float | None:
    try:
        date = parsedate_to_datetime(header) if header else None
    except ValueError:
        return None
    if date and date.tzinfo is None:
        date = date.replace(tzinfo=UTC)  # `-0000` says no zone, and HTTP's dates are in UTC
    return date.timestamp() if date else None
