"""What a look asks of libvirt, on drivers that tell the leases of a network at once."""

from collections import Counter
from collections.abc import Mapping, Sequence
from ipaddress import ip_address, ip_network
from uuid import UUID

import libvirt
import pytest

from skulldns.errors import Unavailable
from skulldns.model.guests import Guest, GuestId, GuestState, Origin, SourceName, Trust
from skulldns.sources.host.neighbours import Neighbours
from skulldns.sources.libvirt.hearsay import Hearsay
from skulldns.sources.libvirt.neighbourhood import Neighbourhood
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
        self.hostnames: Mapping[str, str] = {}
        self.clients: Mapping[str, str] = {}
        self.gone = False

    def name(self) -> str:
        return self._name

    def XMLDesc(self) -> str:  # noqa: N802  libvirt's name
        self._calls["network"] += 1
        if self.gone:
            raise _error(libvirt.VIR_ERR_NO_NETWORK)
        return f"""<network><name>{self._name}</name><bridge name='br-{self._name}'/>
            <ip address='192.0.2.1'><dhcp>{self.host}</dhcp></ip></network>"""

    def DHCPLeases(self, mac: str | None = None) -> Sequence[Mapping[str, str | None]]:  # noqa: N802
        self._calls["leases"] += 1
        return [
            {
                "mac": owner,
                "ipaddr": ip,
                "hostname": self.hostnames.get(owner),
                "clientid": self.clients.get(owner),
            }
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


class _Table:
    """A host's neighbour table, and how often it was read."""

    def __init__(self, table: Neighbours) -> None:
        self._table = table
        self.reads = 0
        self.now = 0.0
        self.broken = False
        self.neighbourhood = Neighbourhood(self._read, lambda: self.now)

    def _read(self) -> Neighbours:
        self.reads += 1
        if self.broken:
            raise Unavailable("the program ip is missing")
        return self._table


_IP = ip_address("192.0.2.30")
_LEASES = dict(zip(_MACS, ("192.0.2.7", "192.0.2.8", "192.0.2.9"), strict=True))
_IN_LAB = "network='lab'"
_ARP = libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_ARP
_AGENT = libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT
_NONE = Trust()
_EVERYWHERE = Trust(agent=(ip_network("0.0.0.0/0"),), arp=(ip_network("0.0.0.0/0"),))


def _reader(
    connection: _Connection,
    trust: Trust = _NONE,
    *,
    agents: Hearsay | None = None,
    arp: Hearsay | None = None,
    neighbours: Neighbourhood | None = None,
) -> Reader:
    return Reader(connection, _SOURCE, trust, agents=agents, arp=arp, neighbours=neighbours)


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


def _heard(reader: Reader) -> list[list[str]]:
    return [[str(address) for address in guest.heard] for guest in reader.guests()[0]]


def test_what_only_the_guest_vouches_for_is_heard_and_believed_where_the_config_says_so() -> None:
    connection = _Connection([_IN_LAB], {})
    connection.domains[0].told = {_AGENT: "192.0.2.20", _ARP: "192.0.2.30"}
    suspicious = _reader(connection, arp=Hearsay())
    assert _addresses(suspicious) == [[]]
    assert _heard(suspicious) == [["192.0.2.30 (arp)"]]
    assert not connection.calls[f"addresses {_AGENT}"]
    believing = _reader(connection, _EVERYWHERE, agents=Hearsay(), arp=Hearsay())
    assert _addresses(believing) == [["192.0.2.20 (agent)", "192.0.2.30 (arp)"]]
    assert _heard(believing) == [[]]


def test_a_driver_without_arp_is_asked_once_in_a_connection() -> None:
    connection = _Connection([_IN_LAB] * 3, _LEASES)
    reader = _reader(connection, arp=Hearsay())
    reader.guests()
    reader.guests()
    reader.guest(_id(1))
    assert connection.calls[f"addresses {_ARP}"] == 1


def test_the_neighbour_table_is_read_once_for_all_guests_and_no_guest_is_asked() -> None:
    connection = _Connection([_IN_LAB] * 3, {})
    table = _Table({"br0": dict.fromkeys(_MACS[:2], (_IP,)), "br1": {_MACS[0]: (_IP + 1,)}})
    reader = _reader(connection, neighbours=table.neighbourhood)
    assert _heard(reader) == [["192.0.2.30 (arp)", "192.0.2.31 (arp)"], ["192.0.2.30 (arp)"], []]
    assert table.reads == 1
    assert not connection.calls[f"addresses {_ARP}"]


def test_a_look_at_one_guest_reads_the_neighbour_table_only_if_it_is_believed() -> None:
    connection = _Connection([_IN_LAB], {})
    table = _Table({"br0": {_MACS[0]: (_IP,)}})
    suspicious = _reader(connection, neighbours=table.neighbourhood)
    suspicious.guests()
    table.now += 60
    assert _only(suspicious).heard
    assert table.reads == 1
    believing = _reader(connection, _EVERYWHERE, neighbours=table.neighbourhood)
    assert _only(believing).addresses
    assert _only(believing).addresses
    assert table.reads == 2


def test_a_neighbour_table_that_cannot_be_read_counts_as_it_was() -> None:
    table = _Table({"br0": {_MACS[0]: (_IP,)}})
    reader = _reader(_Connection([_IN_LAB], _LEASES), neighbours=table.neighbourhood)
    before = reader.guests()
    table.now += 60
    table.broken = True
    assert reader.guests() == before
    assert table.reads == 2


def test_no_running_guest_no_look_at_the_neighbour_table() -> None:
    connection = _Connection([_IN_LAB], {})
    connection.domains[0].reason = "shutoff"
    table = _Table({})
    assert _heard(_reader(connection, neighbours=table.neighbourhood)) == [[]]
    assert not table.reads


def test_a_budget_that_ends_too_early_gives_every_guest_its_turn() -> None:
    connection = _Connection([_IN_LAB] * 3, {})
    for domain in connection.domains:
        domain.told = {_ARP: "192.0.2.30"}
    now = [0.0]

    def clock() -> float:
        now[0] += 1.0
        return now[0]

    reader = _reader(connection, arp=Hearsay(clock, budget=1.5))
    told = set()
    for _ in range(3):
        guests, _ = reader.guests()
        told |= {guest.id for guest in guests if guest.heard}
    assert told == {_id(0), _id(1), _id(2)}
    assert connection.calls[f"addresses {_ARP}"] == 3


def test_the_host_names_of_leases_are_told() -> None:
    connection = _Connection([_IN_LAB, "bridge='br0'"], _LEASES)
    connection.network.hostnames = {_MACS[0]: "ns1", _MACS[1]: "wpad"}
    reader = _reader(connection)
    guests, _ = reader.guests()
    assert [guest.hostnames for guest in guests] == [("ns1",), ()]
    assert reader.guest(_id(0)) == guests[0]
    connection.domains[0].reason = "shutoff"
    assert _only(reader).hostnames == ()


def test_a_lease_taken_by_anothers_client_id_counts_for_nobody() -> None:
    connection = _Connection([_IN_LAB], _LEASES)
    before = _only(_reader(connection))
    connection.network.clients = {_MACS[0]: f"01:{_MACS[0]}"}
    assert _only(_reader(connection)) == before
    connection.network.clients = {_MACS[0]: f"01:{_MACS[1]}"}
    assert before.addresses
    assert _only(_reader(connection)).addresses == ()


def _only(reader: Reader) -> Guest:
    found = reader.guest(_id(0))
    assert found is not None
    return found


def test_a_stopped_guests_agent_is_forgotten() -> None:
    connection = _Connection([_IN_LAB], {})
    domain = connection.domains[0]
    domain.told = {_AGENT: "192.0.2.20"}
    reader = _reader(connection, _EVERYWHERE, agents=Hearsay())
    assert _addresses(reader) == [["192.0.2.20 (agent)"]]
    domain.reason = "shutoff"
    assert _addresses(reader) == [[]]
    domain.reason, domain.told = "running", {_AGENT: libvirt.VIR_ERR_AGENT_UNRESPONSIVE}
    assert _addresses(reader) == [[]]


def test_arp_that_fails_costs_neither_the_guest_nor_what_was_heard_before() -> None:
    connection = _Connection([_IN_LAB], _LEASES)
    connection.domains[0].told = {_ARP: "192.0.2.30"}
    reader = _reader(connection, arp=Hearsay())
    assert _heard(reader) == [["192.0.2.30 (arp)"]]
    connection.domains[0].told = {_ARP: libvirt.VIR_ERR_INTERNAL_ERROR}
    assert _heard(reader) == [["192.0.2.30 (arp)"]]
    assert _addresses(reader) == [["192.0.2.7 (lease)"]]
    assert connection.calls[f"addresses {_ARP}"] == 2


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
