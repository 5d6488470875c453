"""What the world finds at a name: asked of our own servers for our zones, else of a resolver."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from ipaddress import ip_address

import dns.exception
import dns.rdata
import dns.rdtypes.ANY.CAA
import dns.rdtypes.ANY.TXT
import dns.resolver
from dns.name import Name
from dns.rdatatype import AAAA, CAA, CNAME, TXT, A, RdataType

from skulldns.errors import Unavailable
from skulldns.model.certificates import Caa, shown
from skulldns.model.guests import IPAddress
from skulldns.model.records import Key
from skulldns.targets.challenges.dns01 import ZoneServers
from skulldns.targets.protocol import NameServer

_LONGEST_ALIAS = 8
_LIFETIME = 5.0  # seconds for one question to the resolver


class NameLookups:
    """Keeps ``Lookups``. ``resolver`` is for names outside of ``zones``; one thread uses an object at a time."""

    def __init__(
        self,
        zones: Mapping[Name, Sequence[ZoneServers]],
        resolver: Callable[[], dns.resolver.Resolver] = dns.resolver.Resolver,
    ) -> None:
        self._zones = zones
        self._make_resolver = resolver
        self._resolver: dns.resolver.Resolver | None = None

    def addresses(self, name: Name) -> Mapping[str, frozenset[IPAddress]]:
        servers = self._servers(name)
        if servers is None:
            return {"the resolver": self._public_addresses(name)}
        return {server.where: self._addresses_at(server, name) for server in servers}

    def caa(self, name: Name) -> Sequence[Caa]:
        servers = self._servers(name)
        if servers is None:
            return _caa(self._public(name, CAA))
        key = Key(name, CAA)
        found = servers[0].lookup([key]).get(key)
        return _caa(found.data if found else ())

    def texts(self, name: Name) -> frozenset[str]:
        """The texts of the TXT records at ``name``, as the world sees them. Raises ``Unavailable``."""
        servers = self._servers(name)
        data = self._public(name, TXT) if servers is None else self._data_at(servers[0], Key(name, TXT))
        texts = [b"".join(one.strings) for one in data if isinstance(one, dns.rdtypes.ANY.TXT.TXT)]
        return frozenset(text.decode("utf-8", "replace") for text in texts)

    def _data_at(self, server: NameServer, key: Key) -> Sequence[dns.rdata.Rdata]:
        found = server.lookup([key]).get(key)
        return list(found.data) if found else []

    def _addresses_at(self, server: NameServer, name: Name) -> frozenset[IPAddress]:
        for _ in range(_LONGEST_ALIAS):
            keys = [Key(name, A), Key(name, AAAA), Key(name, CNAME)]
            answers = server.lookup(keys)
            alias = answers.get(keys[2])
            if alias is None:
                found = [answers.get(key) for key in keys[:2]]
                return frozenset(ip_address(value) for one in found if one for value in one.values())
            target = next(iter(alias.data))
            name = target.target  # type: ignore[attr-defined]  # a CNAME's data have it
            if self._servers(name) is None:
                return self._public_addresses(name)
        return frozenset()

    def _public_addresses(self, name: Name) -> frozenset[IPAddress]:
        found = [*self._public(name, A), *self._public(name, AAAA)]
        return frozenset(ip_address(rdata.to_text()) for rdata in found)

    def _public(self, name: Name, rdtype: RdataType) -> Sequence[dns.rdata.Rdata]:
        try:
            self._resolver = self._resolver or self._make_resolver()
            answer = self._resolver.resolve(
                name, rdtype, raise_on_no_answer=False, search=False, lifetime=_LIFETIME
            )
        except dns.resolver.NXDOMAIN:
            return ()
        except (dns.exception.DNSException, OSError) as error:
            raise Unavailable(
                f"{shown(name)} cannot be looked up: {str(error).rstrip('.')}", where="resolver"
            ) from error
        return list(answer.rrset or ())

    def _servers(self, name: Name) -> list[NameServer] | None:
        zone = max((zone for zone in self._zones if name.is_subdomain(zone)), key=len, default=None)
        if zone is None:
            return None
        views = [servers for servers in self._zones[zone] if servers.public]
        return [server for servers in views for server in (servers.primary, *servers.secondaries)]


def _caa(data: Iterable[dns.rdata.Rdata]) -> Sequence[Caa]:
    return [
        Caa(one.flags, one.tag.decode("ascii", "replace").lower(), one.value.decode("ascii", "replace"))
        for one in data
        if isinstance(one, dns.rdtypes.ANY.CAA.CAA)
    ]
