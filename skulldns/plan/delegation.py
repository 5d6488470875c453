"""Whether the world finds a zone: the parent's NS and glue against ours, and what our servers do for strangers."""

from collections.abc import Collection, Iterator, Sequence

from dns.name import Name
from dns.rdatatype import NS

from skulldns.model.guests import IPAddress
from skulldns.model.outlook import (
    Apex,
    Delegate,
    Delegates,
    Finding,
    Outlook,
    Parent,
    Says,
    ServerLook,
    Standing,
)
from skulldns.plan.serials import advanced

SERIAL = "serial"
"""The kind of what concerns a secondary's SOA."""

DELEGATION = "delegation"
"""The kind of what concerns the parent and the servers that it names."""


def judge(outlook: Outlook) -> tuple[Finding, ...]:
    """What was found of one zone; what is well or not to be told is said in one sentence a thing."""
    world = _delegation(outlook) if outlook.world else ()
    return (*_serials(outlook), *world, *_openness(outlook))


def nameservers(apex: Apex) -> frozenset[Name]:
    """The name servers that the zone itself names."""
    found = apex.rrsets.get(NS)
    return frozenset(one.target for one in found.data) if found else frozenset()  # type: ignore[attr-defined]  # NS


# ------------------------------------------------------------------------------------------- our servers


def _serials(outlook: Outlook) -> Iterator[Finding]:
    """Each server's SOA against the primary's. A server that does not answer is told of elsewhere."""
    kind, first = SERIAL, outlook.primary
    if first is None or first.apex is None or not first.primary:
        return
    behind = False
    for one in outlook.servers:
        if one.apex is None or one is first:
            continue
        by = advanced(first.apex.serial, one.apex.serial)
        if by:
            behind = True
            cure = (
                "see that it may transfer the zone and takes our NOTIFY"
                if by < 0
                else f"run `rndc retransfer {_text(outlook.zone.name)}` there, and see that it is no primary itself"
            )
            what = f"{one.where} has serial {one.apex.serial}, the primary {first.apex.serial}"
            yield Finding(kind, str(outlook.zone), Standing.ILL, what, cure)
    answering = [one for one in outlook.servers if one.apex is not None]
    if not behind:
        what = f"{_count(len(answering), 'server')} with serial {first.apex.serial}"
        yield Finding(kind, str(outlook.zone), Standing.WELL, what)


def _openness(outlook: Outlook) -> Iterator[Finding]:
    for one in outlook.servers:
        yield _recursion(one)
        yield _transfer(outlook, one)


def _recursion(server: ServerLook) -> Finding:
    kind, public = "recursion", server.public
    if public is None:
        return Finding(kind, server.where, Standing.UNKNOWN, f"could not be asked: {server.unasked}")
    cure = "write `recursion no;` there (BIND), or let resolving be done by another server"
    if public.recursed:
        return Finding(kind, server.where, Standing.ILL, "it looks up foreign names for who asks", cure)
    if public.offers:
        return Finding(kind, server.where, Standing.ILL, "it offers recursion to who asks (RA)", cure)
    return Finding(kind, server.where, Standing.WELL, "is off")


def _transfer(outlook: Outlook, server: ServerLook) -> Finding:
    kind, name = "transfer", f"{outlook.zone} {server.where}"
    if server.public is None:
        return Finding(kind, name, Standing.UNKNOWN, f"could not be asked: {server.unasked}")
    if server.public.transferred:
        what = "it gives the whole zone to who has no key"
        return Finding(
            kind, name, Standing.ILL, what, "allow transfers for keys only: `allow-transfer { key ...; };`"
        )
    return Finding(kind, name, Standing.WELL, "needs a key")


# ------------------------------------------------------------------------------------------ the parent


def _delegation(outlook: Outlook) -> Sequence[Finding]:
    parent, first = outlook.parent, outlook.primary
    if first is None or first.apex is None:
        return [*_lame(outlook, silent=Standing.ILL), _unknown(outlook, "none of its servers answers")]
    found = [*_addresses(outlook, first.apex)]
    if parent is None:
        found += _lame(outlook, silent=Standing.UNKNOWN)
        if outlook.orphan:
            return [_finding(outlook, Standing.WELL, "has no parent, as the config says"), *found]
        return [*found, _unknown(outlook, f"the parent was not asked: {outlook.unasked}")]
    if parent.delegates is Delegates.HIDDEN:
        found += _lame(outlook, silent=Standing.ILL)
        what = f"the parent's server {parent.where} serves the zone too, so its delegation cannot be seen"
        return [*found, _unknown(outlook, f"{what}; name another server of the parent with `parent:`")]
    if parent.delegates is Delegates.NO:
        found.insert(0, _missing(outlook, parent, first.apex))
        return found
    found += [*_names(outlook, parent, first.apex), *_glue(outlook, parent, first.apex)]
    found += _lame(outlook, silent=Standing.ILL)
    if any(one.standing is Standing.ILL for one in found):
        return found
    named = ", ".join(sorted(map(_text, parent.nameservers)))
    return [_finding(outlook, Standing.WELL, f"the parent ({parent.where}) delegates it to {named}"), *found]


def _missing(outlook: Outlook, parent: Parent, apex: Apex) -> Finding:
    records = [f"{_text(outlook.zone.name)} NS {_text(name)}" for name in sorted(nameservers(apex))]
    records += [
        f"{_text(name)} {_kind(one)} {one}"
        for name in sorted(nameservers(apex))
        for one in sorted(apex.addresses.get(name, ()), key=str)
    ]
    what = f"the parent ({parent.where}) does not delegate it, so the world does not find it"
    return _finding(outlook, Standing.ILL, what, f"put there: {', '.join(records)}")


def _names(outlook: Outlook, parent: Parent, apex: Apex) -> Iterator[Finding]:
    """The NS RRsets of both sides must be the same (RFC 1034 section 4.2.2)."""
    ours = nameservers(apex)
    for name in sorted(parent.nameservers - ours):
        what = f"the parent ({parent.where}) names {_text(name)}, which is none of the zone's name servers"
        yield _finding(outlook, Standing.ILL, what, "take it out there, or add it to the zone's NS records")
    for name in sorted(ours - parent.nameservers):
        what = f"its name server {_text(name)} is not known to the parent ({parent.where})"
        yield _finding(outlook, Standing.ILL, what, "add it there, or take it out of the zone's NS records")


def _glue(outlook: Outlook, parent: Parent, apex: Apex) -> Iterator[Finding]:
    """Addresses that the parent has for name servers in the zone (RFC 1034 section 4.2.1), against the zone's own."""
    for name in sorted(parent.nameservers):
        if not name.is_subdomain(outlook.zone.name):
            continue
        theirs, ours = parent.glue.get(name, frozenset()), apex.addresses.get(name, frozenset())
        if not theirs:
            what = f"the parent ({parent.where}) has no address (glue) for {_text(name)}"
            yield _finding(outlook, Standing.ILL, what, f"add there: {_shown(ours) or 'its address'}")
        elif ours and theirs != ours:
            what = (
                f"the parent ({parent.where}) has {_shown(theirs)} for {_text(name)}, the zone {_shown(ours)}"
            )
            yield _finding(outlook, Standing.ILL, what, "correct the one that is wrong")


def _addresses(outlook: Outlook, apex: Apex) -> Iterator[Finding]:
    if not nameservers(apex):
        yield _finding(outlook, Standing.ILL, "it has no NS records", "add its name servers at the apex")
    for name in sorted(nameservers(apex)):
        if name.is_subdomain(outlook.zone.name) and not apex.addresses.get(name):
            what = f"it has no address for its name server {_text(name)}"
            yield _finding(outlook, Standing.ILL, what, "add an A or AAAA record for it")


def _without_address(outlook: Outlook, one: Delegate) -> Finding:
    where = f"the name server {_text(one.name)}"
    if one.unasked:
        return _unknown(outlook, f"{where} was not asked: {one.unasked}")
    return _finding(
        outlook, Standing.ILL, f"{where} has no address", "give it one, or take it out of the NS records"
    )


def _lame(outlook: Outlook, *, silent: Standing) -> Iterator[Finding]:
    """Servers that are named and do not serve the zone (RFC 1912 section 2.8)."""
    for one in outlook.delegates:
        if one.address is None:
            yield _without_address(outlook, one)
            continue
        where = f"the name server {_text(one.name)} ({one.address})"
        cure = "let it serve the zone, or take it out of the NS records of zone and parent"
        match one.says:
            case Says.LAME:
                yield _finding(
                    outlook, Standing.ILL, f"{where} does not serve the zone (lame delegation)", cure
                )
            case Says.SILENT:
                yield _finding(
                    outlook, silent, f"{where} does not answer", cure if silent is Standing.ILL else ""
                )
            case Says.UNREACHABLE:
                yield _unknown(outlook, f"{where} cannot be reached from this machine")
            case Says.SERVES:
                pass


# ------------------------------------------------------------------------------------------- sentences


def _finding(outlook: Outlook, standing: Standing, what: str, cure: str = "") -> Finding:
    return Finding(DELEGATION, str(outlook.zone), standing, what, cure)


def _unknown(outlook: Outlook, sentence: str) -> Finding:
    """What could not be asked, by the sentence of the error: what, a semicolon, the cure."""
    what, _, cure = sentence.rpartition("; ")
    return _finding(outlook, Standing.UNKNOWN, what or cure, cure if what else "")


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + "s" * (number != 1)


def _shown(addresses: Collection[IPAddress]) -> str:
    return ", ".join(f"{_kind(one)} {one}" for one in sorted(addresses, key=str))


def _kind(address: IPAddress) -> str:
    return "A" if address.version == 4 else "AAAA"  # noqa: PLR2004 - IP versions are 4 and 6


def _text(name: Name) -> str:
    return name.to_text(omit_final_dot=True)
