"""DNS-01 (RFC 8555 section 8.4): TXT values by our own UPDATEs, seen on every server before the CA is told."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from dns.name import Name
from dns.rdatatype import CNAME, TXT

from skulldns.errors import Refused, SkullDNSError, Unavailable
from skulldns.model.certificates import Proof, shown
from skulldns.model.records import Key, RRset, rrset
from skulldns.targets.protocol import NameServer

_log = logging.getLogger(__name__)

TTL = 10
"""Seconds: a CA asks the zone's own servers, and nobody else asks for these names."""


@dataclass(frozen=True, slots=True)
class ZoneServers:
    """Connections of our own to the servers of a zone, or of one view of it; a CA is answered from ``public`` ones."""

    primary: NameServer
    secondaries: Sequence[NameServer] = ()
    public: bool = True


class PlacedMemory(Protocol):
    """Remembers which TXT values were placed, from before they are until after they are gone."""

    def placed(self) -> Sequence[tuple[Name, str]]:
        """Every record's name with its value."""

    def remember(self, name: Name, value: str) -> None:
        """Write it down; durable on return."""

    def forget(self, name: Name, value: str) -> None:
        """It is gone."""


class DnsProver:
    """Keeps ``Prover`` for names in or below ``zones``, in all of their views. One thread uses an object at a time."""

    def __init__(self, zones: Mapping[Name, Sequence[ZoneServers]], memory: PlacedMemory) -> None:
        self._zones = zones
        self._memory = memory

    def check(self, name: Name) -> None:
        for servers in self._servers(name):
            for server in (servers.primary, *servers.secondaries):
                server.serial()

    def place(self, proof: Proof) -> None:
        views = self._servers(proof.record)
        self._memory.remember(proof.record, proof.content)
        for servers in views:
            servers.primary.add(_values(proof.record, proof.content))
            for secondary in servers.secondaries:
                _notify(secondary)

    def seen(self, proof: Proof) -> bool:
        wanted = _values(proof.record, proof.content)
        missing = []
        for servers in self._servers(proof.record):
            if not self._answers(servers.primary, wanted):
                raise self._not_taken(servers.primary, proof.record)
            missing += [server for server in servers.secondaries if not self._answers(server, wanted)]
        for server in missing:
            _notify(server)
        return not missing

    def remove(self, proof: Proof) -> None:
        self._take_away(proof.record, proof.content)

    def sweep(self) -> int:
        removed = 0
        for name, value in self._memory.placed():
            try:
                self._take_away(name, value)
            except SkullDNSError as error:  # one server that is down must not keep the others' leftovers
                _log.warning("%s still has a TXT record for a CA: %s", shown(name), error)
            else:
                removed += 1
        return removed

    def _take_away(self, name: Name, value: str) -> None:
        zone = self._zone(name)
        if zone is not None:  # else the config has lost the zone, and with it our right to change it
            for servers in self._zones[zone]:
                servers.primary.remove(_values(name, value))
        self._memory.forget(name, value)

    def _servers(self, name: Name) -> Sequence[ZoneServers]:
        zone = self._zone(name)
        if zone is None:
            raise Refused(f"{shown(name)} is in none of our zones", cure="prove the name by HTTP-01")
        return self._zones[zone]

    def _zone(self, name: Name) -> Name | None:
        """The closest of our zones."""
        return max((zone for zone in self._zones if name.is_subdomain(zone)), key=len, default=None)

    @staticmethod
    def _answers(server: NameServer, wanted: RRset) -> bool:
        found = server.lookup([wanted.key]).get(wanted.key)
        return found is not None and wanted.data <= found.data

    @staticmethod
    def _not_taken(primary: NameServer, name: Name) -> SkullDNSError:
        """NOERROR is not applied: beside a CNAME a server ignores other data (RFC 2136 section 3.4.2.2)."""
        key = Key(name, CNAME)
        if primary.lookup([key]).get(key):
            return Refused(
                f"{shown(name)} is an alias, so nothing else can stand there",
                where=primary.where,
                cure="remove the CNAME record",
            )
        return Unavailable(
            f"it does not answer the TXT record that was added at {shown(name)}", where=primary.where
        )


def _values(name: Name, value: str) -> RRset:
    return rrset(name, TXT, TTL, [f'"{value}"'])


def _notify(server: NameServer) -> None:
    """Only a hint: a secondary that does not take it looks by itself too."""
    try:
        server.notify()
    except Unavailable as error:
        _log.debug("%s", error)
