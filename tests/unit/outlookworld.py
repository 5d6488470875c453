"""A signed zone with its keys, as its servers and its parent would show it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from typing import Any

import dns.dnssec
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdataset
import dns.rdatatype
from cryptography.hazmat.primitives.asymmetric import ec
from dns.name import Name
from dns.rdatatype import CDNSKEY, CDS, DNSKEY, DS, NS, SOA

from skulldns.model.outlook import (
    Addresses,
    Apex,
    Delegate,
    Delegates,
    Outlook,
    Parent,
    Public,
    Says,
    ServerLook,
)
from skulldns.model.records import RRset, rrset
from skulldns.model.zones import ZoneId

ZONE = dns.name.from_text("vmsrv.test.")
NS1, NS2 = (dns.name.from_text(label, ZONE) for label in ("ns1", "ns2"))
NOW = 1_800_000_000.0
DAY = 86_400.0
_CLOSED = Public(offers=False, recursed=False, transferred=False)
_dnssec: Any = dns.dnssec


class SigningKey:
    """A key with its DNSKEY, DS, CDS and CDNSKEY."""

    def __init__(self, flags: int = 257) -> None:
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.dnskey = _dnssec.make_dnskey(self.private.public_key(), "ECDSAP256SHA256", flags=flags)
        self.tag = _dnssec.key_id(self.dnskey)

    def ds(self, kind: str = "SHA256") -> str:
        return str(_dnssec.make_ds(ZONE, self.dnskey, kind, validating=True).to_text())


def addresses(**found: str) -> Addresses:
    return {dns.name.from_text(label, ZONE): frozenset([ip_address(text)]) for label, text in found.items()}


OURS = addresses(ns1="192.0.2.53", ns2="192.0.2.54")


@dataclass(frozen=True)
class Zone:
    """What one server serves; ``signers`` sign, ``keys`` are shown."""

    keys: Sequence[SigningKey] = ()
    signers: Sequence[SigningKey] | None = None
    serial: int = 7
    begins: float = NOW - 10 * DAY
    ends: float = NOW + 4 * DAY
    cds: Sequence[str] = ()
    cdnskey: Sequence[str] = ()
    nameservers: Sequence[Name] = (NS1, NS2)
    addresses: Addresses = field(default_factory=lambda: OURS)

    def apex(self) -> Apex:
        serial = f"ns1.vmsrv.test. hostmaster.vmsrv.test. {self.serial} 60 5 1209600 60"
        found = {
            SOA: rrset(ZONE, SOA, 60, [serial]),
            NS: rrset(ZONE, NS, 60, [one.to_text() for one in self.nameservers]),
        }
        for rdtype, values in ((CDS, self.cds), (CDNSKEY, self.cdnskey)):
            if values:
                found[rdtype] = rrset(ZONE, rdtype, 60, values)
        if not self.keys:
            return Apex(self.serial, found, addresses=self.addresses)
        found[DNSKEY] = RRset(ZONE, DNSKEY, 60, frozenset(one.dnskey for one in self.keys))
        signers = self.keys if self.signers is None else self.signers
        signatures = {rdtype: frozenset(self._signed(found[rdtype], signers)) for rdtype in (SOA, DNSKEY)}
        return Apex(self.serial, found, signatures, self.addresses)

    def _signed(self, found: RRset, signers: Iterable[SigningKey]) -> Iterable[dns.rdata.Rdata]:
        rdataset = dns.rdataset.from_rdata_list(found.ttl, list(found.data))
        for key in signers:
            yield _dnssec.sign(
                (ZONE, rdataset),
                key.private,
                ZONE,
                key.dnskey,
                inception=int(self.begins),
                expiration=int(self.ends),
            )


def look(zone: Zone | None, number: int = 1, public: Public | None = _CLOSED) -> ServerLook:
    """The look at ns1 or ns2; None where it does not answer."""
    where = f"192.0.2.{52 + number}:53"
    if zone is None:
        return ServerLook(where, number == 1, None, public, "it gave no answer; start it", "it is silent")
    return ServerLook(where, number == 1, zone.apex(), public)


def parent(
    ds: Sequence[str] | None = None,
    *,
    delegates: Delegates = Delegates.YES,
    nameservers: Iterable[Name] = (NS1, NS2),
    glue: Addresses = OURS,
    known: bool = True,
) -> Parent:
    """What the parent says; no DS by default."""
    found = rrset(ZONE, DS, 60, ds) if ds else None
    return Parent("198.51.100.1:53", delegates, frozenset(nameservers), glue, found, known)


def outlook(zone: Zone, *others: Zone | None, above: Parent | None = None, **more: Any) -> Outlook:
    """The zone on ns1, and on ns2 (the same unless given), below ``above`` (delegated, no DS)."""
    second = others[0] if others else zone
    looks = (look(zone), look(second, 2))
    served = tuple(Delegate(name, one, Says.SERVES) for name, found in OURS.items() for one in found)
    found = Outlook(ZoneId(ZONE), looks, above or parent(), delegates=served)
    return replace(found, **more)
