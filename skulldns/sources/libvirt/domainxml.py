"""What libvirt's XML says of a domain or a network, as frozen values. Pure: no connection, no file.

Formats: https://libvirt.org/formatdomain.html and https://libvirt.org/formatnetwork.html.
"""

# The text is libvirt's own output. Beyond that, `_Builder` refuses document types, so that there are no
# entities to expand, and the size is bounded.
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address

from skulldns.errors import SkullDNSError
from skulldns.model.guests import ZONE_INDEX, GuestOptions, IPAddress, shortened

METADATA_NAMESPACE = "https://skulldns.org/guest/1"
"""The namespace of the `<guest>` element below a domain's `<metadata>`."""

_MAX_XML = 4 * 1024 * 1024  # characters; a domain with a hundred devices has some 60,000
_MAX_NAMES = 1000
_MAX_LIST = 65_536
_AGENT_CHANNEL = "org.qemu.guest_agent.0"


class BadXML(SkullDNSError):
    """Libvirt's XML is not what its manual says."""


@dataclass(frozen=True, slots=True)
class Nic:
    """A domain's network interface.

    ``network`` is the libvirt network that it joins, or ``bridge`` the host's bridge. ``addresses`` are those
    that the definition itself gives to a container.
    """

    mac: str
    network: str | None = None
    bridge: str | None = None
    addresses: tuple[IPAddress, ...] = ()


@dataclass(frozen=True, slots=True)
class Domain:
    """A domain's definition. ``agent`` says that a guest agent's channel is connected now."""

    name: str
    nics: tuple[Nic, ...]
    options: GuestOptions
    agent: bool


@dataclass(frozen=True, slots=True)
class Network:
    """A virtual network: the host's own addresses in it, and the addresses reserved for a MAC."""

    name: str
    bridge: str | None
    gateways: frozenset[IPAddress]
    hosts: Mapping[str, tuple[IPAddress, ...]]


def parse_domain(text: str) -> Domain:
    """Read a domain's XML. Raises `BadXML`; an overlong value of our metadata is dropped instead."""
    root = _parse(text, "domain")
    name = root.findtext("name")
    if not name:
        raise BadXML("the domain has no name")
    container = root.get("type") == "lxc"
    nics = (_nic(element, container=container) for element in root.iterfind("devices/interface"))
    return Domain(
        name=name,
        nics=tuple(nic for nic in nics if nic is not None),
        options=_options(root.find(f"metadata/{{{METADATA_NAMESPACE}}}guest")),
        agent=any(
            target.get("name") == _AGENT_CHANNEL and target.get("state") == "connected"
            for target in root.iterfind("devices/channel/target")
        ),
    )


def parse_network(text: str) -> Network:
    """Read a network's XML. Raises `BadXML`.

    A reservation counts by its MAC only: the other ways to write one (`id`, `name`) match what the guest says
    of itself.
    """
    root = _parse(text, "network")
    hosts: dict[str, tuple[IPAddress, ...]] = {}
    for host in root.iterfind("ip/dhcp/host"):
        mac, address = host.get("mac", "").lower(), parse_ip(host.get("ip"))
        if mac and address is not None:
            hosts[mac] = (*hosts.get(mac, ()), address)
    bridge = root.find("bridge")
    return Network(
        name=root.findtext("name", ""),
        bridge=bridge.get("name") if bridge is not None else None,
        gateways=frozenset(_ips(element.get("address") for element in root.iterfind("ip"))),
        hosts=hosts,
    )


def parse_ip(text: str | None) -> IPAddress | None:
    """Read an address; None for what is none, or good on one link only."""
    try:
        return ip_address(text) if text and ZONE_INDEX not in text else None
    except ValueError:
        return None


class _Builder(ET.TreeBuilder):
    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:  # noqa: ARG002
        raise BadXML("libvirt's XML has a document type")


def _parse(text: str, tag: str) -> ET.Element:
    if len(text) > _MAX_XML:
        raise BadXML(f"libvirt's XML has {len(text)} characters")
    try:
        root = ET.fromstring(text, parser=ET.XMLParser(target=_Builder()))  # noqa: S314
    except ET.ParseError as error:
        raise BadXML(f"libvirt's XML cannot be read: {error}") from error
    if root.tag != tag:
        raise BadXML(f"libvirt's XML is not a {tag}")
    return root


def _nic(element: ET.Element, *, container: bool) -> Nic | None:
    mac, source = element.find("mac"), element.find("source")
    if mac is None or not mac.get("address"):
        return None
    # Only the LXC driver configures these in the guest; QEMU ignores them for most kinds of interface.
    written = (ip.get("address") for ip in element.iterfind("ip")) if container else ()
    return Nic(
        mac=mac.get("address", "").lower(),
        network=source.get("network") if source is not None else None,
        bridge=source.get("bridge") if source is not None else None,
        addresses=tuple(_ips(written)),
    )


def _ips(texts: Iterable[str | None]) -> Iterator[IPAddress]:
    return (address for address in map(parse_ip, texts) if address is not None)


def _options(guest: ET.Element | None) -> GuestOptions:
    if guest is None:
        return GuestOptions()

    def first(key: str) -> str | None:
        return next(map(shortened, _values(guest, key)), None)

    names = [shortened(name) for name in _values(guest, "name")]
    for listed in _values(guest, "names"):
        names += map(shortened, shortened(listed, _MAX_LIST).replace(",", " ").split())
    return GuestOptions(
        owner=first("owner"),
        port=first("port"),
        names=tuple(dict.fromkeys(names))[:_MAX_NAMES],
        publish=first("publish"),
        https=first("https"),
    )


def _values(guest: ET.Element, key: str) -> Iterator[str]:
    """Yield an option's values: the attribute, then each child element's text.

    A child may lack the namespace: `virsh metadata --set` gives libvirt's prefix to the outer element only.
    """
    texts = [guest.get(key), *(child.text for child in guest if child.tag in _tags(key))]
    for text in texts:
        if value := (text or "").strip():
            yield value


def _tags(key: str) -> tuple[str, str]:
    return key, f"{{{METADATA_NAMESPACE}}}{key}"
