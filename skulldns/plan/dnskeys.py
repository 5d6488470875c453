"""DNSKEY, DS and RRSIG of a zone's top as typed values, and what ties them together."""

from collections.abc import Sequence
from functools import cache
from typing import Any, cast

import dns.exception
import dns.rdataset
import dns.rdtypes.ANY.DNSKEY
import dns.rdtypes.ANY.DS
import dns.rdtypes.ANY.RRSIG
from dns.name import Name
from dns.rdataclass import IN
from dns.rdatatype import DNSKEY, DS, RdataType

from skulldns.model.outlook import Apex
from skulldns.model.records import RRset

DsData = dns.rdtypes.ANY.DS.DS
KeyData = dns.rdtypes.ANY.DNSKEY.DNSKEY
Signature = dns.rdtypes.ANY.RRSIG.RRSIG

_SHA256 = 2
_DELETE = 0
_new_key: Any = KeyData
_new_ds: Any = DsData


@cache
def _dnssec() -> Any:
    """What signs and checks: it takes long to load, and most commands need none. It does not annotate its classes."""
    import dns.dnssec  # noqa: PLC0415

    return dns.dnssec


def keys(apex: Apex, rdtype: RdataType = DNSKEY) -> Sequence[KeyData]:
    """The keys of DNSKEY or CDNSKEY, always in the same order."""
    found = apex.rrsets.get(rdtype)
    return [cast("KeyData", one) for one in sorted(found.data)] if found else []


def ds_data(found: RRset | None) -> Sequence[DsData]:
    """The data of a DS or CDS RRset, as DS; without what asks for none."""
    data = [cast("DsData", one) for one in sorted(found.data)] if found else []
    data = [one for one in data if one.algorithm != _DELETE]
    return [_new_ds(IN, DS, one.key_tag, one.algorithm, one.digest_type, one.digest) for one in data]


def delete_asked(apex: Apex, rdtype: RdataType) -> bool:
    """Whether CDS or CDNSKEY asks the parent for no DS (RFC 8078 section 4)."""
    found = apex.rrsets.get(rdtype)
    return found is not None and any(cast("DsData", one).algorithm == _DELETE for one in found.data)


def signatures(apex: Apex, rdtype: RdataType | None = None) -> Sequence[Signature]:
    """The signatures of one RRset, or of all."""
    kinds = apex.signatures if rdtype is None else [rdtype]
    return [cast("Signature", one) for kind in kinds for one in apex.signatures.get(kind, ())]


def key_tag(key: KeyData) -> int:
    """The key's number (RFC 4034 appendix B)."""
    return int(_dnssec().key_id(key))


def digest(zone: Name, key: KeyData, kind: int = _SHA256) -> DsData:
    """The DS of a key (RFC 4034 section 5.1.4). Raises ``dns.exception.DNSException`` for an unknown digest."""
    plain = _new_key(IN, DNSKEY, key.flags, key.protocol, key.algorithm, key.key)
    made: DsData = _dnssec().make_ds(zone, plain, _dnssec().DSDigest.make(kind), validating=True)
    return made


def names(zone: Name, ds: DsData, key: KeyData) -> bool:
    """Whether ``ds`` is the digest of ``key``. Digests that we do not know match none."""
    plain = _new_key(IN, DNSKEY, key.flags, key.protocol, key.algorithm, key.key)
    if ds.algorithm != key.algorithm or ds.key_tag != key_tag(plain):
        return False
    try:
        return bool(digest(zone, key, ds.digest_type).digest == ds.digest)
    except (dns.exception.DNSException, ValueError):
        return False


def signed_by(zone: Name, apex: Apex, rdtype: RdataType, by: Sequence[KeyData], now: float) -> bool:
    """Whether one of the keys ``by`` made a signature of the RRset (RFC 4035 section 5.3) that counts at ``now``.

    Where we know the algorithm of none of them, it counts.
    """
    found = apex.rrsets[rdtype]
    try:
        _dnssec().validate(
            (zone, _rdataset(found.ttl, found.data)),
            (zone, _rdataset(found.ttl, signatures(apex, rdtype))),
            {zone: _rdataset(found.ttl, by)},
            now=now,
        )
    except dns.exception.DNSException:  # it is not good, or the key cannot be read
        return bool(by) and not any(map(_is_known, by))
    return True


def _is_known(key: KeyData) -> bool:
    """Whether we can check what a key signs."""
    try:
        _dnssec().get_algorithm_cls_from_dnskey(key)
    except _dnssec().UnsupportedAlgorithm:
        return False
    except dns.exception.DNSException:  # a private algorithm that does not say its name
        return True
    return True


def _rdataset(ttl: int, data: Any) -> dns.rdataset.Rdataset:
    return dns.rdataset.from_rdata_list(ttl, list(data))
