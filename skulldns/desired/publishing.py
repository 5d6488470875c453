"""Whose addresses a name gets: the same for guests and for members' claims, in each view of a zone."""

from collections.abc import Iterable, Sequence

import dns.rdatatype
from dns.name import Name

from skulldns.model.guests import IPAddress
from skulldns.model.policy import Publish, Publishing
from skulldns.model.records import RRset, rrset


def published(
    publishing: Publishing, view: str | None, own: Sequence[IPAddress], proxy: Sequence[IPAddress]
) -> Sequence[IPAddress]:
    """The addresses that a name gets in ``view`` (None: of a zone without views).

    ``own`` are those of what it stands for; without any of its own nothing is served, so the proxy's are not either.
    """
    choice = publishing.within(view)
    if choice is Publish.NONE or not own:
        return ()
    return proxy if choice is Publish.PROXY else own


def address_records(name: Name, ttl: int, ips: Iterable[IPAddress]) -> list[RRset]:
    """The A and AAAA records of ``name`` for ``ips``; none of a type that it has no address for."""
    given = list(ips)
    found = []
    for version, rdtype in ((4, dns.rdatatype.A), (6, dns.rdatatype.AAAA)):
        values = [str(ip) for ip in given if ip.version == version]
        if values:
            found.append(rrset(name, rdtype, ttl, values))
    return found
