"""Guessing is slowed down by address and by account, and never locks the member out.

A browser in which a member has signed in before carries proof of that (a signed cookie), and is slowed down by its own
failures only: whoever guesses from elsewhere cannot keep the member out (OWASP Authentication Cheat Sheet, "device
cookies"). In any other browser passkeys and recovery codes let the owner in all the while: nobody guesses these, so
codes are counted by address alone, and apart from passwords.
"""

from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import NoReturn

from flask import Response, abort, current_app, g, request
from itsdangerous import BadSignature, URLSafeTimedSerializer

from webui.context import desk, now, settings
from webui.texts import _

_WINDOW = 900.0
_PER_ADDRESS = 30
_PER_ACCOUNT = 10
_COOKIE = "known"
_KNOWN_FOR = 400 * 86_400
_IPV6_SITE = 64


def check(login: str) -> None:
    """Answer 429 where too many tries failed just now; a known browser is not blamed for others at its address."""
    since = now() - _WINDOW
    with desk().office.reading() as books:
        here = 0 if _is_known(login) else books.signins.failures(_address(), since)
        account = books.signins.failures(_account(login), since)
    if here >= _PER_ADDRESS or account >= _PER_ACCOUNT:
        _turn_away(
            _("Too many tries have failed. Wait a quarter of an hour, or use a passkey or a recovery code.")
        )


def check_code() -> None:
    """Answer 429 where too many recovery codes from this address did not fit; failures with passwords do not count."""
    with desk().office.reading() as books:
        failures = books.signins.failures(_codes(), now() - _WINDOW)
    if failures >= _PER_ADDRESS:
        _turn_away(_("Too many codes did not fit. Wait a quarter of an hour, or use a passkey."))


def failed(login: str) -> None:
    """A try with a password failed."""
    _count(_address(), _account(login))


def failed_code() -> None:
    """A try with a recovery code failed."""
    _count(_codes())


def succeeded(login: str) -> None:
    """The member is in: this browser is known from now on."""
    with desk().office.writing() as books:
        books.signins.forget_failures(_account(login))
    g.known_as = login


def send_cookie(response: Response) -> Response:
    """Let the browser remember who signed in there."""
    if login := g.get("known_as"):
        response.set_cookie(
            settings().cookie(_COOKIE),
            _signer().dumps(login),
            max_age=_KNOWN_FOR,
            secure=settings().secure,
            httponly=True,
            samesite="Lax",
        )
    return response


def _turn_away(text: str) -> NoReturn:
    g.retry_after = int(_WINDOW)
    abort(429, text)


def _count(*keys: str) -> None:
    with desk().office.writing() as books:
        books.signins.sweep(now() - _WINDOW)  # what counts no more, so that a flood leaves nothing behind
        for key in keys:
            books.signins.failed(key, now())


def _codes() -> str:
    return f"codes {_address()}"


def _address() -> str:
    """The client's address; of IPv6 the network, of which one host has more addresses than can be counted."""
    try:
        address = ip_address(request.remote_addr or "")
    except ValueError:
        return "address ?"
    if isinstance(address, IPv6Address):
        return f"address {IPv6Network((int(address) >> 64 << 64, _IPV6_SITE))}"
    return f"address {address}"


def _account(login: str) -> str:
    """The count for ``login``: for known browsers another than for all others together."""
    return f"known {login} {_address()}" if _is_known(login) else f"account {login}"


def _is_known(login: str) -> bool:
    try:
        return bool(
            _signer().loads(request.cookies.get(settings().cookie(_COOKIE), ""), max_age=_KNOWN_FOR) == login
        )
    except BadSignature:
        return False


def _signer() -> URLSafeTimedSerializer:
    assert current_app.secret_key
    return URLSafeTimedSerializer(current_app.secret_key, salt="known browser")
