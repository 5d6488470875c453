"""A guest moves between two watched hosts: whatever the order of events, its name never disappears."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from uuid import UUID, uuid4

import dns.exception
import dns.message
import dns.query
import libvirt
import pytest
import yaml

from skulldns.daemon.control import ask
from skulldns.lab import Lab, Server
from skulldns.lab.waiting import until
from tests.integration import dnsview, hypervisor
from tests.integration.libvirtd import Libvirtd
from tests.integration.trial import Trial

_PATIENCE = 45.0
_GRACE = "20s"  # longer than any gap here, even on a slow machine; no test waits for its end
_POLL = 0.02  # seconds between two questions to the servers

_numbers = count()


class Watch:
    """Asks both servers for one name all the time, and keeps what they answered."""

    def __init__(self, servers: tuple[Server, ...], name: str) -> None:
        self._servers = servers
        self._name = name
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.answers: dict[Server, list[tuple[str, ...]]] = {server: [] for server in servers}
        self.asked = 0

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """Ask no more."""
        self._stop.set()
        self._thread.join(_PATIENCE)

    def _run(self) -> None:
        while not self._stop.wait(_POLL):
            for server in self._servers:
                self._ask(server)

    def _ask(self, server: Server) -> None:
        query = dns.message.make_query(self._name, "A", flags=0)
        try:
            reply = dns.query.udp(query, server.address, port=server.port, timeout=2)
        except (OSError, dns.exception.DNSException):
            return  # a lost packet says nothing about the name
        self.asked += 1
        found = tuple(sorted(rdata.to_text() for rrset in reply.answer for rdata in rrset))
        if self.answers[server][-1:] != [found]:
            self.answers[server].append(found)


class Guest:
    """A guest with one UUID, that begins on the first host."""

    def __init__(self, hosts: "Hosts") -> None:
        self._hosts = hosts
        self.name = f"mover{next(_numbers)}"
        self.uuid = uuid4()

    def start(self, host: Libvirtd) -> str:
        """Define it on a host and start it there; returns its address there."""
        domain = hypervisor.define(host.connection, self.name, uuid=self.uuid)
        domain.create()
        [address] = hypervisor.addresses(domain)
        return address

    def stop(self, host: Libvirtd) -> None:
        self._on(host).destroy()

    def undefine(self, host: Libvirtd) -> None:
        self._on(host).undefine()

    def _on(self, host: Libvirtd) -> libvirt.virDomain:
        return host.connection.lookupByUUIDString(str(self.uuid))

    def until_served(self, address: str) -> None:
        """Wait until both servers answer this address."""
        name = f"{self.name}.{self._hosts.trial.zone}."
        until(
            lambda: dnsview.both(self._hosts.lab, name) == ((address,), (address,)),
            f"{name} at {address}",
            patience=_PATIENCE,
        )

    def until_state(self, state: str) -> None:
        """Wait until the daemon says that it is in this state."""
        until(
            lambda: self._hosts.states().get(self.uuid) == state,
            f"{self.name} being {state}",
            patience=_PATIENCE,
        )


class Hosts:
    """Two hosts with networks of their own, and the daemon that watches both."""

    def __init__(self, lab: Lab, first: Libvirtd, second: Libvirtd) -> None:
        self.lab = lab
        self.trial = Trial(lab)
        self.first = first
        self.second = second

    def states(self) -> dict[UUID, str]:
        """What the daemon says that its guests do."""
        return {UUID(one["id"]): one["state"] for one in ask(self.trial.state, "guests")}

    def until_all_is_heard(self, host: Libvirtd) -> None:
        """Wait until the daemon has seen all that has happened on a host so far."""
        marker = hypervisor.define(host.connection, f"marker{next(_numbers)}")
        identity = UUID(marker.UUIDString())
        until(lambda: identity in self.states(), "the marker being seen", patience=_PATIENCE)

    @contextmanager
    def moving(self) -> Iterator[tuple[Guest, str]]:
        """A guest that is served at its address on the first host, and whose name stays all the time."""
        guest = Guest(self)
        before = guest.start(self.first)
        guest.until_served(before)
        servers = (self.lab.info.ns1, self.lab.info.ns2)
        watch = Watch(servers, f"{guest.name}.{self.trial.zone}.")
        watch.start()
        try:
            yield guest, before
        finally:
            watch.end()
        assert watch.asked
        for answers in watch.answers.values():
            assert answers[:1] == [(before,)]
            assert () not in answers, "the name disappeared"
            assert len(answers) <= 2, "the address changed more than once"


@pytest.fixture(scope="module")
def hosts(servers: Lab) -> Iterator[Hosts]:
    """Two hosts; the daemon gets a config that names both."""
    first, second = Libvirtd("127.7"), Libvirtd("127.8")
    try:
        for host in (first, second):
            host.start()
        file = servers.info.config
        config = yaml.safe_load(file.read_text(encoding="utf-8"))
        config["sources"] = [
            {"kind": "libvirt", "uri": host.uri, "zone": servers.info.zone} for host in (first, second)
        ]
        config["networks"] = ["127.7.0.0/16", "127.8.0.0/16"]
        config["guests"]["grace"] = _GRACE
        file.write_text(yaml.safe_dump(config), encoding="utf-8")
        found = Hosts(servers, first, second)
        found.trial.start_daemon()
        yield found
        servers.stop("daemon")
    finally:
        first.close()
        second.close()


def test_it_runs_there_before_it_stops_here(hosts: Hosts) -> None:
    """As live migration does it."""
    with hosts.moving() as (guest, _):
        after = guest.start(hosts.second)
        hosts.until_all_is_heard(hosts.second)
        guest.stop(hosts.first)
        guest.undefine(hosts.first)
        guest.until_served(after)
        hosts.until_all_is_heard(hosts.first)


def test_it_runs_there_before_it_stops_here_where_it_stays_defined(hosts: Hosts) -> None:
    with hosts.moving() as (guest, _):
        after = guest.start(hosts.second)
        hosts.until_all_is_heard(hosts.second)
        guest.stop(hosts.first)
        guest.until_served(after)
        guest.undefine(hosts.first)
        hosts.until_all_is_heard(hosts.first)
        assert hosts.states()[guest.uuid] == "running"


def test_it_stops_here_before_it_runs_there(hosts: Hosts) -> None:
    with hosts.moving() as (guest, _):
        guest.stop(hosts.first)
        guest.until_state("stopped")
        after = guest.start(hosts.second)
        guest.until_served(after)
        guest.undefine(hosts.first)
        hosts.until_all_is_heard(hosts.first)
        assert hosts.states()[guest.uuid] == "running"


def test_it_is_undefined_here_before_it_is_known_there(hosts: Hosts) -> None:
    """As moving by hand does it: the grace keeps the name in between."""
    with hosts.moving() as (guest, _):
        guest.stop(hosts.first)
        guest.undefine(hosts.first)
        guest.until_state("gone")
        after = guest.start(hosts.second)
        guest.until_served(after)


def test_the_first_host_dies_in_the_middle_and_comes_back_without_it(hosts: Hosts) -> None:
    """While the first host cannot tell, it may still be running there too."""
    with hosts.moving() as (guest, _):
        after = guest.start(hosts.second)
        hosts.until_all_is_heard(hosts.second)
        hosts.first.kill()
        hosts.trial.until_problem(str(hosts.first.socket), patience=_PATIENCE)
        hosts.first.start()
        guest.until_served(after)
        hosts.until_all_is_heard(hosts.first)
        assert hosts.states()[guest.uuid] == "running"
