"""What a look asks of libvirt, on drivers that tell the leases of a network at once."""

from collections import Counter
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from uuid import UUID

import libvirt
import pytest

from skulldns.model.guests import GuestId, GuestState, Origin, SourceName
from skulldns.sources.libvirt.agents import Agents
from skulldns.sources.libvirt.reader import Reader

_SOURCE = SourceName("libvirt test")
_MACS = [f"52:54:00:00:00:{number:02x}" for number in range(3)]


def _error(code: int) -> libvirt.libvirtError:
    error = libvirt.libvirtError("made by a test")
    error.err = (code, 0, "made by a test", 2, None, None, None, -1, -1)
    return error


class _Network:
    """A network of the QEMU and LXC drivers' kind."""

    def __init__(self, name: str, calls: Counter[str], leases: Mapping[str, str]) -> None:
        self._name = name
        self._calls = calls
        self._leases = leases
        self.host = ""
        self.gone = False

    def name(self) -> str:
        return self._name

    def XMLDesc(self) -> str:  # noqa: N802  libvirt's name
        self._calls["network"] += 1
        if self.gone:
            raise _error(libvirt.VIR_ERR_NO_NETWORK)
        return f"""<network><name>{self._name}</name><bridge name='br-{self._name}'/>
            <ip address='192.0.2.1'><dhcp>{self.host}</dhcp></ip></network>"""

    def DHCPLeases(self, mac: str | None = None) -> Sequence[Mapping[str, str]]:  # noqa: N802
        self._calls["leases"] += 1
        return [
            {"mac": owner, "ipaddr": ip, "hostname": "ns1"}
            for owner, ip in self._leases.items()
            if mac in {None, owner}
        ]


class _Domain:
    def __init__(self, number: int, source: str, calls: Counter[str]) -> None:
        self._number = number
        self._source = source
        self._calls = calls
        self.trouble: int | None = None
        self.reason = "running"
        self.told: dict[int, str | int] = {}

    def UUIDString(self) -> str:  # noqa: N802
        return str(UUID(int=self._number))

    def XMLDesc(self) -> str:  # noqa: N802
        self._calls["domain"] += 1
        if self.trouble is not None:
            raise _error(self.trouble)
        return f"""<domain type='qemu'><name>g{self._number}</name><devices>
            <interface type='x'><mac address='{_MACS[self._number]}'/><source {self._source}/></interface>
            <channel><target name='org.qemu.guest_agent.0' state='connected'/></channel></devices></domain>"""

    def ID(self) -> int:  # noqa: N802
        return -1 if self.reason == "shutoff" else self._number

    def state(self) -> Sequence[int]:
        self._calls["state"] += 1
        return [getattr(libvirt, f"VIR_DOMAIN_{self.reason.upper()}"), 0]

    def interfaceAddresses(self, origin: int) -> Mapping[str, object]:  # noqa: N802
        self._calls[f"addresses {origin}"] += 1
        told = self.told.get(origin, libvirt.VIR_ERR_NO_SUPPORT)
        if isinstance(told, int):
            raise _error(told)
        mac = _MACS[self._number].upper()
        return {"eth0": {"hwaddr": mac, "addrs": [{"addr": told}]}, "lo": {"hwaddr": None, "addrs": None}}


class _Connection:
    def __init__(self, sources: Sequence[str], leases: Mapping[str, str]) -> None:
        self.calls: Counter[str] = Counter()
        self.network = _Network("lab", self.calls, leases)
        self.domains = [_Domain(number, source, self.calls) for number, source in enumerate(sources)]

    def isAlive(self) -> int:  # noqa: N802
        return 1

    def listAllDomains(self, flags: int = 0) -> Sequence[_Domain]:  # noqa: N802
        self.calls["list"] += 1
        return [domain for domain in self.domains if domain.reason == "running" or not flags]

    def listAllNetworks(self) -> Sequence[_Network]:  # noqa: N802
        self.calls["networks"] += 1
        return [] if self.network.gone else [self.network]

    def lookupByUUIDString(self, uuid: str) -> _Domain:  # noqa: N802
        self.calls["lookup"] += 1
        return next(domain for domain in self.domains if domain.UUIDString() == uuid)


_LEASES = dict(zip(_MACS, ("192.0.2.7", "192.0.2.8", "192.0.2.9"), strict=True))
_IN_LAB = "network='lab'"


def _reader(connection: _Connection, *, agents: Agents | None = None, arp: bool = False) -> Reader:
    return Reader(connection, _SOURCE, agents=agents, arp=arp)


def _addresses(reader: Reader) -> list[list[str]]:
    return [[str(address) for address in guest.addresses] for guest in reader.guests()[0]]


def _id(number: int) -> GuestId:
    return GuestId(str(UUID(int=number)))


def test_a_look_at_all_asks_a_network_once_for_its_leases() -> None:
    connection = _Connection([_IN_LAB] * 3, _LEASES)
    assert _addresses(_reader(connection)) == [
        ["192.0.2.7 (lease)"],
        ["192.0.2.8 (lease)"],
        ["192.0.2.9 (lease)"],
    ]
    assert connection.calls == Counter(list=2, networks=1, network=1, leases=1, domain=3)


def test_a_look_at_one_says_the_same_and_asks_for_it_only() -> None:
    connection = _Connection([_IN_LAB] * 3, _LEASES)
    reader = _reader(connection)
    guests, _ = reader.guests()
    connection.calls.clear()
    assert reader.guest(_id(1)) == guests[1]
    assert connection.calls == Counter(lookup=1, network=1, leases=1, domain=1, state=1)


def test_a_guest_on_a_networks_bridge_gets_its_leases_and_reservations() -> None:
    connection = _Connection(["bridge='br-lab'"], _LEASES)
    connection.network.host = f"<host mac='{_MACS[0]}' ip='192.0.2.77'/>"
    assert _addresses(_reader(connection)) == [["192.0.2.77 (static)", "192.0.2.7 (lease)"]]


def test_a_foreign_bridge_and_an_unknown_network_have_no_leases() -> None:
    connection = _Connection(["bridge='br0'", "network='other'"], _LEASES)
    assert _addresses(_reader(connection)) == [[], []]


def test_a_reservation_made_between_looks_is_seen_without_an_event() -> None:
    connection = _Connection([_IN_LAB], {})
    reader = _reader(connection)
    assert _addresses(reader) == [[]]
    connection.network.host = f"<host mac='{_MACS[0]}' ip='192.0.2.77'/>"
    guest = reader.guest(_id(0))
    assert guest is not None
    assert [address.origin for address in guest.addresses] == [Origin.STATIC]


def test_a_network_that_vanished_takes_its_leases_along() -> None:
    connection = _Connection([_IN_LAB], _LEASES)
    reader = _reader(connection)
    assert _addresses(reader) == [["192.0.2.7 (lease)"]]
    connection.network.gone = True
    guest = reader.guest(_id(0))
    assert guest is not None
    assert guest.addresses == ()


def test_one_guest_that_fails_is_unreadable_and_one_that_vanishes_absent() -> None:
    connection = _Connection([_IN_LAB] * 3, _LEASES)
    connection.domains[0].trouble = libvirt.VIR_ERR_INTERNAL_ERROR
    connection.domains[1].trouble = libvirt.VIR_ERR_NO_DOMAIN
    guests, unreadable = _reader(connection).guests()
    assert [guest.id for guest in guests] == [_id(2)]
    assert unreadable == {_id(0)}


def test_the_agent_and_the_arp_table_are_asked_only_when_they_are_believed() -> None:
    connection = _Connection([_IN_LAB], {})
    agent = libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT
    arp = libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_ARP
    connection.domains[0].told = {agent: "192.0.2.20", arp: "192.0.2.30"}
    assert _addresses(_reader(connection)) == [[]]
    assert not connection.calls[f"addresses {agent}"] + connection.calls[f"addresses {arp}"]
    believing = _reader(connection, agents=Agents(), arp=True)
    assert _addresses(believing) == [["192.0.2.20 (agent)", "192.0.2.30 (arp)"]]


def test_a_stopped_guests_agent_is_forgotten() -> None:
    connection = _Connection([_IN_LAB], {})
    domain = connection.domains[0]
    agent = libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT
    domain.told = {agent: "192.0.2.20"}
    reader = _reader(connection, agents=Agents())
    assert _addresses(reader) == [["192.0.2.20 (agent)"]]
    domain.reason = "shutoff"
    assert _addresses(reader) == [[]]
    domain.reason, domain.told = "running", {agent: libvirt.VIR_ERR_AGENT_UNRESPONSIVE}
    assert _addresses(reader) == [[]]


def test_a_guest_whose_arp_table_cannot_be_read_is_unreadable() -> None:
    connection = _Connection([_IN_LAB], {})
    connection.domains[0].told = {
        libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_ARP: libvirt.VIR_ERR_INTERNAL_ERROR
    }
    guests, unreadable = _reader(connection, arp=True).guests()
    assert not guests
    assert unreadable == {_id(0)}


@pytest.mark.parametrize(
    ("reason", "state"),
    [
        ("running", GuestState.RUNNING),
        ("blocked", GuestState.RUNNING),
        ("shutdown", GuestState.RUNNING),
        ("pmsuspended", GuestState.RUNNING),
        ("crashed", GuestState.STOPPED),
        ("shutoff", GuestState.STOPPED),
    ],
)
def test_states(reason: str, state: GuestState) -> None:
    connection = _Connection([_IN_LAB], _LEASES)
    connection.domains[0].reason = reason
    reader = _reader(connection)
    [guest], _ = reader.guests()
    assert guest.state is state
    assert bool(guest.addresses) is (state is GuestState.RUNNING)
    assert reader.guest(_id(0)) == guest


def test_gateways_are_forbidden() -> None:
    [guest], _ = _reader(_Connection([_IN_LAB], {})).guests()
    assert guest.forbidden == {ip_address("192.0.2.1")}
