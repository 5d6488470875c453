"""What the API's JSON says of instances, networks and leases, as frozen values. Pure.

Format: https://linuxcontainers.org/incus/docs/main/api/ (schemas InstanceFull, Network, NetworkLease); LXD has
the same in https://documentation.ubuntu.com/lxd/.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from skulldns.errors import SkullDNSError
from skulldns.model.guests import GuestOptions, GuestState, IPAddress, shortened
from skulldns.sources.host.leases import parse_ip, parse_mac

_PREFIX = "user.skulldns."
_MAX_NAMES = 1000
_MAX_LIST = 65_536

# Status codes of the API (shared/api/status_code.go). 112, Error, is what the daemon says when it cannot tell.
_STOPPED = 102
_RUNNING = frozenset({101, 103, 104, 106, 107, 108, 109, 110, 111, 113})

_MACHINE = "virtual-machine"
_NO_AGENT = -1  # processes: only the agent could count them (driver_qemu.go)

_GATEWAY_KEYS = (
    "ipv4.address",  # a bridge's own, or an OVN network's router
    "ipv6.address",
    "ipv4.gateway",  # of a physical network
    "ipv6.gateway",
    "volatile.network.ipv4.address",  # an OVN network's router, in its uplink
    "volatile.network.ipv6.address",
)
_HOST_KINDS = frozenset({"gateway", "uplink"})


class BadAnswer(SkullDNSError):
    """The answer is not what the API's manual says."""


@dataclass(frozen=True, slots=True)
class Nic:
    """A network interface as the host defines it. ``mac`` is None where it has none of its own (ipvlan).

    ``network`` is the managed network or the host's bridge that it joins. ``static`` are the addresses that its
    definition gives to it, ``host`` the host's own end of a routed interface.
    """

    mac: str | None
    network: str | None = None
    static: tuple[IPAddress, ...] = ()
    host: frozenset[IPAddress] = frozenset()


@dataclass(frozen=True, slots=True)
class Instance:
    """One instance. ``state`` is None where the daemon cannot tell.

    ``told`` are the addresses by MAC that are set inside of the instance: its own word. Of a virtual machine
    whose agent does not answer the host tells instead what it heard of it (``heard_by_host``).
    """

    project: str
    name: str
    uuid: str | None
    state: GuestState | None
    nics: tuple[Nic, ...] = ()
    options: GuestOptions = field(default_factory=GuestOptions)
    told: Mapping[str, tuple[IPAddress, ...]] = field(default_factory=dict)
    heard_by_host: bool = False


@dataclass(frozen=True, slots=True)
class Network:
    """A network as a project sees it. ``leases`` says whether the daemon gives out addresses there."""

    name: str
    leases: bool
    gateways: frozenset[IPAddress]


@dataclass(frozen=True, slots=True)
class Lease:
    """What the daemon knows of one address.

    ``reckoned`` ones are computed from the MAC (RFC 4291 appendix A) and not given out by anybody.
    """

    mac: str
    ip: IPAddress
    hostname: str
    reckoned: bool


@dataclass(frozen=True, slots=True)
class Leases:
    """The leases of a network, by MAC, and the host's own addresses in it."""

    by_mac: Mapping[str, tuple[Lease, ...]]
    gateways: frozenset[IPAddress]


def parse_instances(answer: object, project: str) -> list[Instance]:
    """Read a list of instances, those of `project` if they do not say. Raises `BadAnswer`."""
    if answer is None:  # how Go writes an empty list
        return []
    if not isinstance(answer, list):
        raise BadAnswer("the list of instances is none")
    return [parse_instance(one, project) for one in answer]


def parse_instance(answer: object, project: str) -> Instance:
    """Read an instance. Raises `BadAnswer` if it has no name; a bad value in it is dropped instead."""
    raw = _mapping(answer)
    name = raw.get("name")
    if not isinstance(name, str) or not name:
        raise BadAnswer("an instance has no name")
    config, devices = raw.get("expanded_config"), raw.get("expanded_devices")
    known = isinstance(config, dict) and isinstance(devices, dict)
    settings, state = _texts(config), _mapping(raw.get("state"))
    return Instance(
        project=_text(raw.get("project")) or project,
        name=name,
        uuid=_uuid(settings.get("volatile.uuid")),
        state=_state(raw.get("status_code")) if known else None,
        nics=tuple(_nics(_mapping(devices), settings)),
        options=_options(settings),
        told=_told(state.get("network")),
        heard_by_host=raw.get("type") == _MACHINE and state.get("processes") == _NO_AGENT,
    )


def parse_networks(answer: object) -> list[Network]:
    """Read a list of networks. Raises `BadAnswer`."""
    if not isinstance(answer, list):
        raise BadAnswer("the list of networks is none")
    return [_network(_mapping(one)) for one in answer]


def parse_leases(answer: object) -> Leases:
    """Read a network's leases. Raises `BadAnswer`."""
    if answer is None:
        return Leases({}, frozenset())
    if not isinstance(answer, list):
        raise BadAnswer("the list of leases is none")
    by_mac: dict[str, tuple[Lease, ...]] = {}
    gateways = set()
    for raw in map(_mapping, answer):
        ip, mac, kind = parse_ip(raw.get("address")), parse_mac(raw.get("hwaddr")), _text(raw.get("type"))
        if ip is None:
            continue
        if kind in _HOST_KINDS:
            gateways.add(ip)
        elif mac:
            # The daemon cannot tie a DHCPv6 lease to a MAC and leaves that empty: with a MAC, an IPv6 address
            # that is not static is one that it computed for SLAAC, whether the guest uses it or not.
            lease = Lease(mac, ip, _hostname(raw, kind), reckoned=ip.version == 6 and kind == "dynamic")  # noqa: PLR2004
            by_mac[mac] = (*by_mac.get(mac, ()), lease)
    return Leases(by_mac, frozenset(gateways))


def _nics(devices: Mapping[str, Any], settings: Mapping[str, str]) -> Iterator[Nic]:
    for name, device in sorted(devices.items()):
        values = _texts(device)
        keys = (f"volatile.{name}.hwaddr", f"volatile.{name}.last_state.hwaddr")
        mac = values.get("hwaddr") or next((settings[key] for key in keys if settings.get(key)), "")
        if values.get("type") == "nic":
            yield Nic(
                mac=parse_mac(mac),
                network=values.get("network") or values.get("parent") or None,
                static=tuple(_listed(values, ("ipv4.address", "ipv6.address"))),
                host=frozenset(_listed(values, ("ipv4.host_address", "ipv6.host_address"))),
            )


def _listed(values: Mapping[str, str], keys: Iterable[str]) -> Iterator[IPAddress]:
    """Yield the addresses of these settings: one, several with commas, or a word such as `none` or `auto`."""
    for key in keys:
        for text in values.get(key, "").split(","):
            ip = parse_ip(text.strip().partition("/")[0])
            if ip is not None:
                yield ip


def _network(raw: Mapping[str, Any]) -> Network:
    managed = raw.get("managed") is True and raw.get("type") in ("bridge", "ovn")
    gateways = frozenset(_listed(_texts(raw.get("config")), _GATEWAY_KEYS))
    return Network(_text(raw.get("name")), managed, gateways)


def _told(networks: object) -> Mapping[str, tuple[IPAddress, ...]]:
    told: dict[str, tuple[IPAddress, ...]] = {}
    for raw in map(_mapping, _mapping(networks).values()):
        mac, addresses = parse_mac(raw.get("hwaddr")), raw.get("addresses")
        if mac and isinstance(addresses, list):
            found = (parse_ip(_mapping(address).get("address")) for address in addresses)
            told[mac] = (*told.get(mac, ()), *(ip for ip in found if ip is not None))
    return told


def _state(code: object) -> GuestState | None:
    if code == _STOPPED:
        return GuestState.STOPPED
    return GuestState.RUNNING if isinstance(code, int) and code in _RUNNING else None


def _options(settings: Mapping[str, str]) -> GuestOptions:
    """Read `user.skulldns.*`. Instances can read these keys through /dev/lxd, /dev/incus; they cannot write any."""

    def text(key: str) -> str:
        return settings.get(_PREFIX + key, "").strip()

    def value(key: str) -> str | None:
        return shortened(text(key)) or None

    names = map(shortened, shortened(text("names"), _MAX_LIST).replace(",", " ").split())
    return GuestOptions(
        owner=value("owner"),
        port=_port(value("port")),
        names=tuple(dict.fromkeys(names))[:_MAX_NAMES],
        publish=value("publish"),
        https=value("https"),
    )


def _port(text: str | None) -> int | str | None:
    """The port as a number, or as it is written where it is none."""
    return int(text) if text and text.isascii() and text.isdecimal() else text


def _hostname(raw: Mapping[str, Any], kind: object) -> str:
    """What the guest called itself. Of other leases the daemon writes the instance's name here; `*` is none."""
    name = _text(raw.get("hostname")) if kind == "dynamic" else ""
    return "" if name == "*" else name


def _uuid(text: str | None) -> str | None:
    try:
        return str(UUID(text)) if text else None
    except ValueError:
        return None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: object) -> Mapping[str, str]:
    return {key: text for key, text in _mapping(value).items() if isinstance(text, str)}


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
