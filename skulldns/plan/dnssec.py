"""Whether a signed zone can be validated: keys, signatures, and the DS at its parent (RFC 4035, 7344, 8078).

Which DS the parent should have is what the zone asks for by CDS or CDNSKEY; else what its keys give.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dns.name import Name
from dns.rdatatype import CDNSKEY, CDS, DNSKEY, SOA

from skulldns.model.dnssec import Dnssec, Ds
from skulldns.model.outlook import Apex, Finding, Outlook, Parent, ServerLook, Standing
from skulldns.plan.dnskeys import (
    DsData,
    delete_asked,
    digest,
    ds_data,
    key_tag,
    keys,
    names,
    signatures,
    signed_by,
)

MOST_LEFT = 3 * 86_400.0
"""Seconds before the end of a signature at which it is an alarm that nobody renewed it, at most."""

SHARE_LEFT = 1 / 12
"""The same as a share of its validity. Signers renew earlier: Knot, the latest, at a tenth and the longest TTL."""

_KIND = "dnssec"
_SECURE_ENTRY = 0x0001  # RFC 4034 section 2.1.1
_REVOKED = 0x0080  # RFC 5011 section 7
_DS_TTL = 3600
_ZONE_DS = "give it what `skulldns zone ds {zone}` prints"


@dataclass(frozen=True, slots=True)
class Wanted:
    """The DS that the parent should have, how that is known, and whether the zone asks to have none.

    ``asked``: by CDS or CDNSKEY.
    """

    ds: frozenset[DsData]
    asked: bool = False
    delete: bool = False


def judge(outlook: Outlook, now: float) -> Dnssec:
    """The verdict on one zone at Unix time ``now``."""
    answering = [one for one in outlook.servers if one.apex is not None]
    first = outlook.primary
    if first is None or first.apex is None:
        unknown = _finding(outlook, Standing.UNKNOWN, "none of its servers answers")
        return Dnssec(None, None, Ds.UNKNOWN, (), (unknown,), urgent=False)
    signing = [one for one in answering if one.apex and DNSKEY in one.apex.rrsets]
    if not signing:
        return _unsigned(outlook)
    apex = next(one.apex for one in [first, *signing] if one.apex and DNSKEY in one.apex.rrsets)
    wanted = wanted_ds(outlook.zone.name, apex)
    ds, parent_findings = _at_parent(outlook, apex, wanted, now)
    found = [
        *_unsigned_servers(outlook, answering),
        *(finding for one in signing for finding in _signatures(outlook, one, now)),
        *parent_findings,
        *_requests(outlook, apex),
    ]
    urgent = any(one.standing is Standing.ILL for one in found)
    ill = [*found, *_rollover(outlook, ds, wanted)]
    expires = [one.expiration for each in signing if each.apex for one in signatures(each.apex)]
    if not any(one.standing is Standing.ILL for one in ill):
        ill.insert(0, _well(outlook, ds, apex, wanted))
    return Dnssec(
        signed=True,
        expires=float(min(expires)) if expires else None,
        ds=ds,
        ready=ready(outlook.zone.name, wanted),
        findings=_gravest_first(ill),
        urgent=urgent,
    )


def wanted_ds(zone: Name, apex: Apex) -> Wanted:
    """Which DS the parent should have: from CDS, else CDNSKEY (RFC 7344 section 4), else the zone's keys."""
    cds, cdnskey = ds_data(apex.rrsets.get(CDS)), keys(apex, CDNSKEY)
    if delete_asked(apex, CDS) or delete_asked(apex, CDNSKEY):
        return Wanted(frozenset(), asked=True, delete=True)
    if cds or cdnskey:
        return Wanted(frozenset(cds or (digest(zone, one) for one in cdnskey)), asked=True)
    present = [one for one in keys(apex) if not one.flags & _REVOKED]
    entries = [one for one in present if one.flags & _SECURE_ENTRY] or present
    return Wanted(frozenset(digest(zone, one) for one in entries))


def ready(zone: Name, wanted: Wanted) -> tuple[str, ...]:
    """The DS records for the parent, as lines of its zone file."""
    return tuple(sorted(f"{zone} {_DS_TTL} IN DS {one.to_text()}" for one in wanted.ds))


def _unsigned(outlook: Outlook) -> Dnssec:
    parent = outlook.parent
    if parent is not None and parent.ds is not None:
        grave = _finding(
            outlook,
            Standing.ILL,
            f"it is not signed, but {_called(parent)} has a DS for it, so validating resolvers refuse it",
            "let the primary sign it, or have the DS removed there",
        )
        return Dnssec(signed=False, expires=None, ds=Ds.WRONG, ready=(), findings=(grave,), urgent=True)
    ds = Ds.NONE if parent is not None and parent.ds_known else Ds.UNKNOWN
    well = _finding(outlook, Standing.WELL, "is not signed")
    return Dnssec(signed=False, expires=None, ds=ds, ready=(), findings=(well,), urgent=False)


def _unsigned_servers(outlook: Outlook, servers: Sequence[ServerLook]) -> Iterator[Finding]:
    for one in servers:
        if one.apex is None:
            continue
        if DNSKEY not in one.apex.rrsets:
            yield _finding(
                outlook,
                Standing.ILL,
                f"{one.where} has no DNSKEY, while another of its servers has",
                "see that it transfers the zone from the server that signs",
            )
        elif not all(one.apex.signatures.get(rdtype) for rdtype in (SOA, DNSKEY)):
            yield _finding(
                outlook,
                Standing.ILL,
                f"{one.where} gives no signatures (RRSIG) to who asks for them",
                "see that the zone is signed completely, and that nothing between us takes EDNS away",
            )


def _signatures(outlook: Outlook, server: ServerLook, now: float) -> Iterator[Finding]:
    """What is wrong with one server's signatures of SOA and DNSKEY; the first thing of each."""
    apex = server.apex
    assert apex is not None, "it answered"
    for rdtype in (SOA, DNSKEY):
        found = signatures(apex, rdtype)
        if not found:
            continue
        what = f"the signature of its {rdtype.name} on {server.where}"
        best = max(found, key=lambda one: one.expiration)
        left = best.expiration - now
        cure = "see the log of the server that signs, and whether this one follows it"
        if left <= 0:
            yield _finding(outlook, Standing.ILL, f"{what} expired {_long(-left)} ago", cure)
        elif best.inception > now:
            early = _long(best.inception - now)
            yield _finding(outlook, Standing.ILL, f"{what} begins only in {early}", "set its clock and ours")
        elif left < min(MOST_LEFT, (best.expiration - best.inception) * SHARE_LEFT):
            yield _finding(
                outlook, Standing.ILL, f"{what} expires in {_long(left)} and was not renewed", cure
            )
        elif not signed_by(outlook.zone.name, apex, rdtype, keys(apex), now):
            yield _finding(outlook, Standing.ILL, f"{what} is not good by any key of the zone", cure)


def _at_parent(outlook: Outlook, apex: Apex, wanted: Wanted, now: float) -> tuple[Ds, Sequence[Finding]]:
    """How the parent's DS fits the keys."""
    parent = outlook.parent
    zone = outlook.zone.name.to_text(omit_final_dot=True)
    if outlook.orphan:
        return Ds.UNKNOWN, []
    if parent is None or not parent.ds_known:
        why = outlook.unasked or "its parent's servers do not tell"
        what, _, cure = f"the parent's DS is not known: {why}".partition("; ")
        return Ds.UNKNOWN, [_finding(outlook, Standing.UNKNOWN, what, cure)]
    if parent.ds is None:
        if wanted.delete:
            return Ds.NONE, []
        what = f"{_called(parent)} has no DS for it, so nobody can check its signatures"
        return Ds.NONE, [_finding(outlook, Standing.WELL, what, _ZONE_DS.format(zone=zone))]
    entries = ds_data(parent.ds)
    matching = [key for key in keys(apex) if any(names(outlook.zone.name, one, key) for one in entries)]
    tags = ", ".join(sorted({str(one.key_tag) for one in entries}))
    if not matching:
        what = f"the DS at {_called(parent)} (key {tags}) matches none of its keys, so validating resolvers refuse it"
        return Ds.WRONG, [_finding(outlook, Standing.ILL, what, _ZONE_DS.format(zone=zone))]
    # That signatures have expired is told by itself: it changes nothing about which key made them.
    made = max(signatures(apex, DNSKEY), key=lambda one: one.expiration, default=None)
    moment = min(max(now, made.inception), made.expiration) if made else now
    if not signed_by(outlook.zone.name, apex, DNSKEY, matching, moment):
        what = f"the key that the DS at {_called(parent)} names ({tags}) does not sign the zone's keys"
        return Ds.WRONG, [_finding(outlook, Standing.ILL, what, _ZONE_DS.format(zone=zone))]
    return Ds.MATCHES, []


def _requests(outlook: Outlook, apex: Apex) -> Iterator[Finding]:
    """CDS and CDNSKEY must name the same keys (RFC 7344 section 4)."""
    if CDS not in apex.rrsets or CDNSKEY not in apex.rrsets:
        return
    cds, cdnskey = ds_data(apex.rrsets[CDS]), keys(apex, CDNSKEY)
    delete = {delete_asked(apex, rdtype) for rdtype in (CDS, CDNSKEY)}
    named = all(any(names(outlook.zone.name, one, key) for key in cdnskey) for one in cds)
    covered = all(any(names(outlook.zone.name, one, key) for one in cds) for key in cdnskey)
    if len(delete) > 1 or (delete == {False} and not (named and covered)):
        what = "its CDS and CDNSKEY name different keys, and a parent must not follow them"
        yield _finding(outlook, Standing.ILL, what, "see the log of the server that signs")


def _rollover(outlook: Outlook, ds: Ds, wanted: Wanted) -> Iterator[Finding]:
    """What the zone asks its parent for, and has not got yet."""
    parent = outlook.parent
    if ds is not Ds.MATCHES or parent is None or parent.ds is None or not wanted.asked:
        return
    zone = outlook.zone.name.to_text(omit_final_dot=True)
    if wanted.delete:
        what = f"it asks for its DS at {_called(parent)} to be deleted (RFC 8078)"
        yield _finding(outlook, Standing.ILL, what, "have the DS removed there")
        return
    entries = ds_data(parent.ds)
    tags = {(one.key_tag, one.algorithm) for one in entries}
    if {(one.key_tag, one.algorithm) for one in wanted.ds} != tags:
        what = f"it asks for another DS at {_called(parent)} (CDS): a key is being rolled"
        yield _finding(outlook, Standing.ILL, what, _ZONE_DS.format(zone=zone))


def _well(outlook: Outlook, ds: Ds, apex: Apex, wanted: Wanted) -> Finding:
    tags = ", ".join(sorted({str(key_tag(one)) for one in keys(apex)}))
    said = {
        Ds.MATCHES: ", and its parent's DS matches",
        Ds.NONE: ", and asks for no DS" if wanted.delete else "",
    }.get(ds, "")
    return _finding(outlook, Standing.WELL, f"is signed (key {tags}){said}")


def _gravest_first(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    order = [Standing.ILL, Standing.WELL, Standing.UNKNOWN]
    return tuple(sorted(dict.fromkeys(findings), key=lambda one: order.index(one.standing)))


def _called(parent: Parent) -> str:
    return f"the parent ({parent.where})"


def _finding(outlook: Outlook, standing: Standing, what: str, cure: str = "") -> Finding:
    return Finding(_KIND, str(outlook.zone), standing, what, cure)


def _long(seconds: float) -> str:
    for unit, size in (("days", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size:.0f} {unit}"
    return f"{seconds:.0f} s"
