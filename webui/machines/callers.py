"""Which machine asks: the token of a request, and whom it acts for. No cookie speaks for a machine."""

from dataclasses import dataclass

from dns.name import Name
from flask import request

from skulldns.errors import Refused
from skulldns.model.members import Actor
from skulldns.model.tokens import Scope, Token
from webui.context import desk, now
from webui.desk import tokens
from webui.sessions import client_address


@dataclass(frozen=True, slots=True)
class Caller:
    """A machine with its token; ``actor`` is the token's member, and never an admin."""

    token: Token
    actor: Actor


def caller(text: str, scope: Scope, name: Name | None = None, *, login: str | None = None) -> Caller:
    """Whoever holds the token ``text``, if it is good for ``scope`` and ``name``, and is ``login``'s if one is given.

    Raises ``Refused``, with one answer for all that may be wrong.
    """
    address = client_address()
    token = tokens.use(desk(), text, scope, name, now(), address)
    if login is not None and login.strip().lower() != token.member:
        raise Refused("the token is not good for this", cure="make another on the page")
    return Caller(token, Actor(token.member, address, token=token.id))


def bearer() -> str:
    """The token of ``Authorization: Bearer`` (RFC 6750 section 2.1); empty if there is none."""
    found = request.authorization
    return (found.token or "") if found is not None and found.type == "bearer" else ""


def basic() -> tuple[str, str]:
    """Login and token of ``Authorization: Basic`` (RFC 7617); empty texts if there is none."""
    found = request.authorization
    if found is None or found.type != "basic":
        return "", ""
    return found.username or "", found.password or ""
