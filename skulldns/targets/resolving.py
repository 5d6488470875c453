"""Where a zone's parent is, and where name servers with names in other zones are: asked of a resolver."""

import time
from collections.abc import Callable, Sequence
from ipaddress import ip_address

import dns.exception
import dns.name
import dns.resolver
from dns.name import Name
from dns.rdatatype import AAAA, NS, A, RdataType

from skulldns.errors import Unavailable
from skulldns.model.guests import IPAddress

_MOST_SERVERS = 4
_LIFETIME = 2.0  # seconds for one question

_PRIVATE = [
    dns.name.from_text(text)
    for text in (
        # RFC 6761, 6762, 7686, 8375, and the TLD that ICANN keeps for private use
        *("test", "example", "invalid", "localhost", "local", "onion", "home.arpa", "internal"),
        *("example.com", "example.net", "example.org"),
        # RFC 6303
        *(
            "10.in-addr.arpa",
            "127.in-addr.arpa",
            "168.192.in-addr.arpa",
            "254.169.in-addr.arpa",
            "0.in-addr.arpa",
        ),
        *(f"{number}.172.in-addr.arpa" for number in range(16, 32)),
        *("2.0.192.in-addr.arpa", "100.51.198.in-addr.arpa", "113.0.203.in-addr.arpa"),
        *("d.f.ip6.arpa", "8.e.f.ip6.arpa", "9.e.f.ip6.arpa", "a.e.f.ip6.arpa", "b.e.f.ip6.arpa"),
        "8.b.d.0.1.0.0.2.ip6.arpa",
        # RFC 7793
        *(f"{number}.100.in-addr.arpa" for number in range(64, 128)),
    )
]


class Resolving:
    """Asks ``resolver``; the system's, where ``own`` is false, is never asked for names of private use.

    ``lifetime`` is how many seconds one question may take. From any thread; every call raises ``Unavailable``.
    """

    def __init__(
        self, resolver: Callable[[], dns.resolver.Resolver], *, own: bool, lifetime: float = _LIFETIME
    ) -> None:
        self._make = resolver
        self._lifetime = lifetime
        self._own = own

    def parent_servers(self, zone: Name) -> Sequence[str]:
        """Addresses of servers of the zone above ``zone``, at most four."""
        self._see_that_public(zone)
        resolver, end = self._resolver(), time.monotonic() + 2 * self._lifetime
        try:
            above = dns.resolver.zone_for_name(zone.parent(), resolver=resolver, lifetime=self._lifetime)
        except (dns.exception.DNSException, OSError) as error:
            raise _unavailable(zone.parent(), error) from error
        names = [one.target for one in self._resolve(resolver, above, NS)]  # type: ignore[attr-defined]  # NS
        found: list[str] = []
        for name in sorted(names)[:_MOST_SERVERS]:
            found += [one.to_text() for rdtype in (A, AAAA) for one in self._resolve(resolver, name, rdtype)]
            if len(found) >= _MOST_SERVERS or time.monotonic() > end:
                break
        return found[:_MOST_SERVERS]

    def addresses(self, name: Name) -> frozenset[IPAddress]:
        """The addresses of a name."""
        self._see_that_public(name)
        resolver = self._resolver()
        found = [one for rdtype in (A, AAAA) for one in self._resolve(resolver, name, rdtype)]
        return frozenset(ip_address(one.to_text()) for one in found)

    def _see_that_public(self, name: Name) -> None:
        private = next((one for one in _PRIVATE if name.is_subdomain(one)), None)
        if private is not None and not self._own:
            shown = private.to_text(omit_final_dot=True)
            raise Unavailable(
                f"{shown} is for private use: the system's resolver is not asked for it",
                cure="name the parent's servers with `parent:` ([] if there are none), or a `resolver:` that knows it",
            )

    def _resolver(self) -> dns.resolver.Resolver:
        try:
            return self._make()
        except (dns.exception.DNSException, OSError) as error:
            raise Unavailable(
                "there is no resolver in /etc/resolv.conf", cure="name one with `resolver:`"
            ) from error

    def _resolve(
        self, resolver: dns.resolver.Resolver, name: Name, rdtype: RdataType
    ) -> Sequence[dns.rdata.Rdata]:
        try:
            answer = resolver.resolve(
                name, rdtype, raise_on_no_answer=False, search=False, lifetime=self._lifetime
            )
        except dns.resolver.NXDOMAIN:
            return ()
        except (dns.exception.DNSException, OSError) as error:
            raise _unavailable(name, error) from error
        return list(answer.rrset or ())


def _unavailable(name: Name, error: Exception) -> Unavailable:
    reason = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
    return Unavailable(
        f"the resolver does not tell of {name.to_text(omit_final_dot=True) or 'the root'} ({reason})",
        cure="see whether this machine is offline",
    )
