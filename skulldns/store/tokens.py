"""Remembers tokens for machines."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, or_, select, update
from sqlalchemy.dialects.sqlite import insert

from skulldns.model.tokens import Scope, Token
from skulldns.store.claimcodec import name_from, plain_name
from skulldns.store.membertables import tokens

_USED_EVERY = 60.0


class TokenBook:
    """Tokens within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, token: Token, secret_hash: str) -> None:
        """Store a new token with the SHA-256 of its secret."""
        self._connection.execute(insert(tokens).values(_columns(token) | {"secret": secret_hash}))

    def token(self, identity: str) -> Token | None:
        """One token, also if it is revoked or over."""
        row = self._connection.execute(select(tokens).where(tokens.c.id == identity)).first()
        return None if row is None else _token(row)

    def secret_hash(self, identity: str) -> str | None:
        """The SHA-256 of a token's secret, in hexadecimal."""
        return self._connection.execute(select(tokens.c.secret).where(tokens.c.id == identity)).scalar()

    def tokens(self, login: str) -> Sequence[Token]:
        """A member's tokens, the newest first, also revoked ones."""
        query = select(tokens).where(tokens.c.member == login).order_by(tokens.c.created.desc())
        return [_token(row) for row in self._connection.execute(query)]

    def update(self, token: Token) -> None:
        """Store what changed of a token."""
        self._connection.execute(update(tokens).where(tokens.c.id == token.id).values(_columns(token)))

    def used(self, identity: str, now: float, address: str) -> None:
        """The token was used; written once a minute, or at once from another address."""
        last = tokens.c.last_used
        old = or_(last.is_(None), last < now - _USED_EVERY, tokens.c.last_address != address)
        values = {"last_used": now, "last_address": address}
        self._connection.execute(update(tokens).where(tokens.c.id == identity, old).values(values))


def is_used_lately(token: Token, now: float, address: str) -> bool:
    """Whether ``used`` would write nothing, so that no transaction is needed for it."""
    recent = token.last_used is not None and token.last_used >= now - _USED_EVERY
    return recent and token.last_address == address


def _columns(token: Token) -> dict[str, Any]:
    return {
        "id": token.id,
        "member": token.member,
        "label": token.label,
        "scopes": " ".join(sorted(token.scopes)),
        "names": " ".join(plain_name(name) for name in token.names),
        "created": token.created,
        "expires": token.expires,
        "last_used": token.last_used,
        "last_address": token.last_address,
        "revoked": token.revoked,
    }


def _token(row: Row[Any]) -> Token:
    return Token(
        id=row.id,
        member=row.member,
        label=row.label,
        scopes=frozenset(Scope(word) for word in row.scopes.split()),
        names=tuple(name_from(text) for text in row.names.split()),
        created=row.created,
        expires=row.expires,
        last_used=row.last_used,
        last_address=row.last_address,
        revoked=row.revoked,
    )
