"""A primary and a secondary of different makes, as a stage of the name servers' contract."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import dns.name
import dns.query
import dns.rcode
import dns.update

from skulldns.lab.ports import PortBlock
from skulldns.lab.waiting import until
from skulldns.model.records import Key, RRset
from skulldns.targets.nameserver import DnsServer
from skulldns.targets.nsconfig import settings as ns
from tests.contract.bind_stage import BindPrimary, BindSecondary
from tests.contract.dns_servers import DnsProgram, Primary, fresh_secret, places
from tests.contract.knot_stage import KnotPrimary, KnotSecondary
from tests.contract.nameserver_stages import Stage
from tests.contract.nsd_stage import NsdSecondary
from tests.contract.powerdns_stage import PowerDnsPrimary, PowerDnsSecondary

ZONE = dns.name.from_text("vmsrv.test")
REVERSE = dns.name.from_text("2.0.192.in-addr.arpa")
CATALOG = dns.name.from_text("catalog.test")
OURS = ns.Key(dns.name.from_text("skulldns"), "hmac-sha256")
THEIRS = ns.Key(dns.name.from_text("skulldns-ns2"), "hmac-sha512")
_P = TypeVar("_P", bound=DnsProgram)
_HOST = "127.0.0.1"


class PairStage(Stage):
    """Others use updates as we do, with the same key, and the primary's own tools."""

    def __init__(self, primary: Primary, secondary: DnsProgram) -> None:
        self.zone = ZONE
        self.first = primary
        self.knows_types = primary.knows_types
        self.drops_cname = isinstance(primary, KnotPrimary) and primary.settings.dnssec
        self.second = secondary

    def primary(self) -> DnsServer:
        return _connection(self.first)

    def secondary(self) -> DnsServer:
        return _connection(self.second)

    def put(self, new: RRset) -> None:
        message = self._update()
        message.delete(new.name, new.type)
        message.add(new.name, new.ttl, *new.data)
        self._send(message)

    def drop(self, key: Key) -> None:
        message = self._update()
        message.delete(key.name, key.type)
        self._send(message)

    def freeze(self) -> None:
        self.first.freeze()

    def thaw(self) -> None:
        self.first.thaw()
        self._until_loaded()

    def rewind(self, serial: int) -> None:
        self.first.rewind(serial)
        self._until_loaded()

    def stop(self) -> None:
        self.first.stop()

    def start(self) -> None:
        self.first.start()

    def until_followed(self) -> None:
        until(lambda: self.first.answers() == self.second.answers(), "following", patience=30)

    def _update(self) -> dns.update.UpdateMessage:
        return dns.update.UpdateMessage(self.zone, keyring=self.first.key)

    def _until_loaded(self) -> None:
        """Return once the primary takes updates: BIND refuses them while it loads the zone."""
        until(lambda: self._rcode(self._update()) == dns.rcode.NOERROR, "loading the zone", patience=30)

    def _send(self, message: dns.update.UpdateMessage) -> None:
        assert self._rcode(message) == dns.rcode.NOERROR

    def _rcode(self, message: dns.update.UpdateMessage) -> dns.rcode.Rcode:
        server = self.first.settings.server
        return dns.query.tcp(message, server.address, port=server.port, timeout=5).rcode()


_Make = tuple[Callable[..., Primary] | None, Callable[..., DnsProgram]]
_MAKES: Mapping[str, _Make] = {
    "bind": (BindPrimary, BindSecondary),
    "knot": (KnotPrimary, KnotSecondary),
    "nsd": (None, NsdSecondary),
    "powerdns": (PowerDnsPrimary, PowerDnsSecondary),
}


@contextmanager
def pair(
    directory: Path, first: str, second: str, *, dnssec: bool = False, catalog: bool = False
) -> Iterator[PairStage]:
    """Run a primary and a secondary, from what `ns config` says for one config, with a key for each."""
    secrets = {OURS: fresh_secret(), THEIRS: fresh_secret()}
    ports = PortBlock.find()
    one, two = (ns.Server(_HOST, ports.next(), key) for key in (OURS, THEIRS))
    zones = (ns.Zone(ZONE, one, (two,)), ns.Zone(REVERSE, one, (two,), types={"PTR"}))
    make_primary, make_secondary = _MAKES[first][0], _MAKES[second][1]
    assert make_primary
    started: list[DnsProgram] = []

    def run(make: Callable[..., _P], software: str, role: ns.Role, server: ns.Server) -> _P:
        program = make(
            ns.Settings(
                ns.Software(software),
                role,
                server,
                zones,
                places(directory / role),
                managers=(_HOST,),
                dnssec=dnssec,
                catalog=CATALOG if catalog else None,
            ),
            secrets if role is ns.Role.PRIMARY else {THEIRS: secrets[THEIRS]},
            ports.next(),
        )
        started.append(program)
        program.start()
        return program

    try:
        primary = run(make_primary, first, ns.Role.PRIMARY, one)
        yield PairStage(primary, run(make_secondary, second, ns.Role.SECONDARY, two))
    finally:
        for program in started:
            program.stop()
        ports.close()


def _connection(program: DnsProgram) -> DnsServer:
    server = program.settings.server
    return DnsServer(ZONE, server.address, server.port, program.key)
