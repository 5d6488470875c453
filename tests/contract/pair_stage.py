"""A primary and a secondary of different makes, as a stage of the name servers' contract."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

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
KEY = ns.Key(dns.name.from_text("skulldns"), "hmac-sha256")
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

    def rewind(self, serial: int) -> None:
        self.first.rewind(serial)

    def stop(self) -> None:
        self.first.stop()

    def start(self) -> None:
        self.first.start()

    def until_followed(self) -> None:
        until(lambda: self.first.answers() == self.second.answers(), "following", patience=30)

    def _update(self) -> dns.update.UpdateMessage:
        return dns.update.UpdateMessage(self.zone, keyring=self.first.key)

    def _send(self, message: dns.update.UpdateMessage) -> None:
        server = self.first.settings.server
        answer = dns.query.tcp(message, server.address, port=server.port, timeout=5)
        assert answer.rcode() == dns.rcode.NOERROR


_PRIMARIES: dict[str, Callable[[ns.Settings, str, int], Primary]] = {
    "bind": BindPrimary,
    "knot": KnotPrimary,
    "powerdns": PowerDnsPrimary,
}
_SECONDARIES: dict[str, Callable[[ns.Settings, str, int], DnsProgram]] = {
    "bind": BindSecondary,
    "knot": KnotSecondary,
    "nsd": NsdSecondary,
    "powerdns": PowerDnsSecondary,
}


@contextmanager
def pair(
    directory: Path,
    first: str,
    second: str,
    *,
    dnssec: bool = False,
) -> Iterator[PairStage]:
    """Run both, from what `ns config` says for one config."""
    secret = fresh_secret()
    ports = PortBlock.find()
    one, two = (ns.Server(_HOST, ports.next(), KEY) for _ in range(2))
    zones = (ns.Zone(ZONE, one, (two,)),)
    started: list[DnsProgram] = []
    try:
        for software, make, role, server in (
            (first, _PRIMARIES[first], ns.Role.PRIMARY, one),
            (second, _SECONDARIES[second], ns.Role.SECONDARY, two),
        ):
            settings = ns.Settings(
                ns.Software(software),
                role,
                server,
                zones,
                places(directory / role),
                managers=(_HOST,),
                dnssec=dnssec,
            )
            program = make(settings, secret, ports.next())
            started.append(program)
            program.start()
        primary, secondary = started
        assert isinstance(primary, Primary)
        yield PairStage(primary, secondary)
    finally:
        for program in started:
            program.stop()
        ports.close()


def _connection(program: DnsProgram) -> DnsServer:
    server = program.settings.server
    return DnsServer(ZONE, server.address, server.port, program.key)
