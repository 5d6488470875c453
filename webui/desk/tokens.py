"""Tokens for machines: make, revoke, use."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Collection
from dataclasses import replace

from dns.name import Name

from skulldns.errors import Refused
from skulldns.model.certificates import shown
from skulldns.model.claims import Claim
from skulldns.model.members import Actor, MemberState
from skulldns.model.tokens import Scope, Token
from skulldns.store.office import Books
from skulldns.store.tokens import is_used_lately
from webui.desk.base import Desk, acting_member, closest, write_down

_TEXT = re.compile(r"skd_([0-9a-f]{16})_([0-9a-f]{64})", re.ASCII)
_MOST = 50
_LONGEST_LABEL = 100


def make(
    desk: Desk,
    actor: Actor,
    label: str,
    scopes: Collection[Scope],
    names: Collection[Name],
    now: float,
    *,
    expires: float | None = None,
) -> tuple[Token, str]:
    """A new token for the member's own ``names``, or all of them if none is given.

    Returns it and its text, which is shown once. Raises ``Refused``.
    """
    _judge(actor, label, scopes, now, expires)
    identity, secret = secrets.token_hex(8), secrets.token_hex(32)
    with desk.office.writing() as books:
        member = acting_member(books, actor).login
        if sum(one.revoked is None for one in books.tokens.tokens(member)) >= _MOST:
            raise Refused(f"you have {_MOST} tokens", cure="revoke one that is not used")
        for name in names:
            if not is_own(books, name, member):
                raise Refused(f"{shown(name)} is not a name of yours", cure="choose among your names")
        token = Token(identity, member, label.strip(), frozenset(scopes), tuple(sorted(names)), now, expires)
        books.tokens.put(token, _hash(secret))
        write_down(books, actor, "make token", identity, now, after=_parts(token))
    return token, f"skd_{identity}_{secret}"


def revoke(desk: Desk, actor: Actor, identity: str, now: float) -> Token:
    """Make a token worthless; again is no error. Raises ``Refused``."""
    with desk.office.writing() as books:
        member = acting_member(books, actor).login
        token = books.tokens.token(identity)
        if token is None or token.member != member:
            raise Refused("you have no such token", cure="look at your tokens")
        if token.revoked is not None:
            return token
        revoked = replace(token, revoked=now)
        books.tokens.update(revoked)
        write_down(books, actor, "revoke token", identity, now, before=_parts(token), after=_parts(revoked))
        return revoked


def use(desk: Desk, text: str, scope: Scope, name: Name | None, now: float, address: str) -> Token:
    """The token of this text, if it is good for ``scope``, and for ``name`` which must be its member's.

    Raises ``Refused``, with one answer for all that may be wrong.
    """
    found = _TEXT.fullmatch(text)
    identity, secret = found.groups() if found else ("", "")
    with desk.office.reading() as books:
        token = books.tokens.token(identity)
        same = hmac.compare_digest(books.tokens.secret_hash(identity) or "", _hash(secret))
        if token is None or not same or not _is_good(books, token, scope, name, now):
            raise Refused("the token is not good for this", cure="make another on the page")
    if not is_used_lately(token, now, address):
        with desk.office.writing() as books:
            books.tokens.used(identity, now, address)
    return token


def is_own(books: Books, name: Name, member: str) -> bool:
    """Whether ``name`` is the member's: claimed, below a claimed one, or a guest's of theirs."""
    found = closest(books, name)
    if isinstance(found, Claim):
        return found.member == member and found.state.counts
    return found is not None and found.owner == member


def _is_good(books: Books, token: Token, scope: Scope, name: Name | None, now: float) -> bool:
    member = books.members.member(token.member)
    if member is None or member.state is not MemberState.ACTIVE or token.revoked is not None:
        return False
    if token.expires is not None and now >= token.expires:
        return False
    return token.allows(scope, name) and (name is None or is_own(books, name, token.member))


def _judge(actor: Actor, label: str, scopes: Collection[Scope], now: float, expires: float | None) -> None:
    if actor.token is not None:
        raise Refused("a token makes no tokens", cure="sign in on the page")
    if not label.strip() or len(label) > _LONGEST_LABEL or not label.isprintable():
        raise Refused(
            "the token has no fitting label", cure=f"say what it is for, in 1 to {_LONGEST_LABEL} characters"
        )
    if not scopes:
        raise Refused("the token is good for nothing", cure="choose what it may do")
    if expires is not None and expires <= now:
        raise Refused("the token would be over already", cure="choose a later day")


def _parts(token: Token) -> dict[str, object]:
    return {
        "member": token.member,
        "label": token.label,
        "scopes": sorted(token.scopes),
        "names": [shown(name) for name in token.names],
        "expires": token.expires,
        "revoked": token.revoked,
    }


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
