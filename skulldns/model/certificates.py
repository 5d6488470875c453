"""Certificates and what is on the way to them, as frozen values. Times are Unix time, lengths seconds."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import dns.name
from dns.name import Name


class Challenge(StrEnum):
    """How a CA is shown that a name is ours (RFC 8555 section 8)."""

    DNS01 = "dns-01"
    HTTP01 = "http-01"


@dataclass(frozen=True, slots=True)
class Account:
    """Our account at a CA: its URL, which CAA records may name (RFC 8657), and since when it has its key.

    None before it was registered.
    """

    url: str | None = None
    key_since: float | None = None


@dataclass(frozen=True, slots=True)
class CertificateWish:
    """A certificate that somebody needs: ``identity`` is what sites call it, and the same for each renewal.

    ``names`` has each name with the way to prove it, the first name canonical; a wildcard can only be proved by
    DNS-01 (RFC 8555 section 7.1.3).
    """

    identity: str
    names: Mapping[Name, Challenge]


@dataclass(frozen=True, slots=True)
class Proof:
    """What has to be found by the CA to prove ``name`` (of a wildcard: the name below the asterisk).

    DNS-01: ``content`` is one TXT value at ``record``. HTTP-01: ``content`` is what
    ``/.well-known/acme-challenge/<token>`` answers.
    """

    name: Name
    kind: Challenge
    token: str
    content: str

    @property
    def record(self) -> Name:
        """Where the TXT record of DNS-01 stands (RFC 8555 section 8.4)."""
        return dns.name.from_text("_acme-challenge", self.name)


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A certificate with its chain and its private key, both PEM; the leaf certificate comes first."""

    chain: bytes
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a leaf certificate says.

    ``ari_id`` names it to its CA for renewal information (RFC 9773 section 4.1); None if it has no authority key
    identifier. ``serial`` is in hexadecimal.
    """

    names: frozenset[Name]
    not_before: float
    not_after: float
    serial: str
    issuer: str
    ari_id: str | None

    @property
    def lifetime(self) -> float:
        """From the first second to the last (RFC 5280 section 4.1.2.5 counts both)."""
        return self.not_after - self.not_before

    def covers(self, names: Iterable[Name]) -> bool:
        """Whether a client takes it for each of ``names`` (RFC 6125 section 6.4; wildcards cover one label)."""
        return all(name in self.names or wildcard(name) in self.names for name in names)


@dataclass(frozen=True, slots=True)
class Window:
    """When a CA suggests to renew a certificate (RFC 9773 section 4.2), and how long this answer holds."""

    start: float
    end: float
    look_again: float
    explanation: str | None = None


@dataclass(frozen=True, slots=True)
class Caa:
    """One CAA record (RFC 8659 section 4.1); ``tag`` in lower case."""

    flags: int
    tag: str
    value: str


def wildcard(name: Name) -> Name:
    """The wildcard that covers ``name``."""
    return Name((b"*", *name.labels[1:])) if len(name.labels) > 1 else name


def bare(name: Name) -> Name:
    """The name that is proved for ``name``: of a wildcard, what stands below the asterisk."""
    return name.parent() if name.is_wild() else name


def shown(name: Name) -> str:
    """A name as people write it."""
    return name.to_text(omit_final_dot=True)
