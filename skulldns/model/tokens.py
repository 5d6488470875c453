"""Tokens for machines, as frozen values. Times are Unix time."""

from dataclasses import dataclass
from enum import StrEnum

from dns.name import Name


class Scope(StrEnum):
    """What a token is good for. None includes another, but that whoever may ``CLAIM`` may ``READ``."""

    READ = "read"
    CLAIM = "claim"
    DYNDNS = "dyndns"
    ACME = "acme"
    AUTH = "auth"


@dataclass(frozen=True, slots=True)
class Token:
    """A token without its secret; the store keeps the SHA-256 of that (256 random bits need no slow hash).

    ``names`` is what it is good for; with none, for all names of its member, also later ones. ``last_used`` is exact to
    a minute.
    """

    id: str
    member: str
    label: str
    scopes: frozenset[Scope]
    names: tuple[Name, ...]
    created: float
    expires: float | None = None
    last_used: float | None = None
    last_address: str = ""
    revoked: float | None = None

    def allows(self, scope: Scope, name: Name | None = None) -> bool:
        """Whether it is good for ``scope``, and there for ``name`` or something below it. Knows no time."""
        wide = scope in self.scopes or (scope is Scope.READ and Scope.CLAIM in self.scopes)
        near = not self.names or (name is not None and any(name.is_subdomain(own) for own in self.names))
        return wide and (name is None or near)
