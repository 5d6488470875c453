"""Guests of a lab: create, start, stop and destroy them by name on libvirt's test driver."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from xml.sax.saxutils import escape

import libvirt

from skulldns.errors import ConfigError, Unavailable

NETWORK = "lab"

_DOMAIN_XML = """
<domain type="test">
  <name>{name}</name>{metadata}
  <memory unit="MiB">64</memory>
  <os><type>hvm</type></os>
  <devices><interface type="network"><source network="{network}"/></interface></devices>
</domain>
"""

_METADATA_XML = """
  <metadata>
    <guest xmlns="https://skulldns.org/guest/1"><owner>{owner}</owner></guest>
  </metadata>"""

_WRONG_REQUEST = {
    libvirt.VIR_ERR_DOM_EXIST: "give it another name",
    libvirt.VIR_ERR_OPERATION_FAILED: "see `skulldns lab guest list`",
    libvirt.VIR_ERR_NO_DOMAIN: "see `skulldns lab guest list`",
    libvirt.VIR_ERR_OPERATION_INVALID: "see `skulldns lab guest list`",
    libvirt.VIR_ERR_XML_ERROR: "give it another name",
}


@dataclass(frozen=True, slots=True)
class GuestState:
    """One line of `guest list`."""

    name: str
    uuid: str
    running: bool
    addresses: tuple[str, ...]


def connect(uri: str) -> libvirt.virConnect:
    """Open a connection that reports errors by exception only (libvirt's default also prints them)."""
    libvirt.registerErrorHandler(_silent, None)
    return libvirt.open(uri)


def create(connection: libvirt.virConnect, name: str, owner: str | None = None) -> None:
    """Define a guest with one interface in the lab's network, of this owner, and start it."""
    metadata = _METADATA_XML.format(owner=escape(owner)) if owner else ""
    with _for_people(name):
        xml = _DOMAIN_XML.format(name=escape(name), metadata=metadata, network=NETWORK)
        connection.defineXMLFlags(xml, libvirt.VIR_DOMAIN_DEFINE_VALIDATE).create()


def start(connection: libvirt.virConnect, name: str) -> None:
    """Start a defined guest."""
    with _for_people(name):
        connection.lookupByName(name).create()


def stop(connection: libvirt.virConnect, name: str) -> None:
    """Stop a running guest at once; it stays defined."""
    with _for_people(name):
        connection.lookupByName(name).destroy()


def destroy(connection: libvirt.virConnect, name: str) -> None:
    """Stop a guest if it runs, and undefine it."""
    with _for_people(name):
        domain = connection.lookupByName(name)
        if domain.isActive():
            domain.destroy()
        domain.undefine()


def listing(connection: libvirt.virConnect) -> tuple[GuestState, ...]:
    """All guests, by name."""
    with _for_people("the lab"):
        return tuple(sorted(map(_state, connection.listAllDomains()), key=lambda guest: guest.name))


def addresses(domain: libvirt.virDomain) -> tuple[str, ...]:
    """The addresses that the guest's network leased to it."""
    source = libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_LEASE
    interfaces = domain.interfaceAddresses(source).values()
    return tuple(address["addr"] for interface in interfaces for address in interface["addrs"] or ())


def _state(domain: libvirt.virDomain) -> GuestState:
    running = bool(domain.isActive())
    leased = addresses(domain) if running else ()
    return GuestState(domain.name(), domain.UUIDString(), running, leased)


@contextmanager
def _for_people(subject: str) -> Iterator[None]:
    try:
        yield
    except libvirt.libvirtError as error:
        message = error.get_error_message() or str(error)
        if cure := _WRONG_REQUEST.get(error.get_error_code()):
            raise ConfigError(f"guest {subject!r}: {message}", cure=cure) from error
        raise Unavailable(f"the lab's libvirtd: {message}", cure="see `skulldns lab status`") from error


def _silent(_context: object, _error: object) -> None:
    """An error handler that leaves the reporting to the exception."""
