"""The way of a guest's name: from the start of a guest until both name servers answer.

Everything happens in a lab with the daemon, one guest after another or a thousand at once. Messages are counted by
ns1 itself, for all zones, after the addresses' names are served too.
"""

import socket
import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from statistics import median
from time import perf_counter

import dns.message
import libvirt
from dns.rdatatype import PTR, A, RdataType

from benchmarks.rows import Row
from skulldns.errors import Unavailable
from skulldns.lab import Lab, Server
from skulldns.lab.waiting import until
from tests.integration.dnsview import both, reverse, updates
from tests.integration.hypervisor import addresses, define

_SINGLE = 50
_BURST = 1000
_PATIENCE = 60.0


def run() -> list[Row]:
    """Measure, each time in a lab of its own."""
    with _world("one", _SINGLE) as (lab, domains):
        rows = _latency(lab, domains)
    with _world("virsh", _BURST) as (lab, domains):
        rows += _burst(lab, "virsh", domains, lambda domain: virsh_start(lab, domain))
    with _world("quick", _BURST) as (lab, domains):
        rows += _burst(lab, "one connection", domains, lambda domain: domain.create())
    return rows


@contextmanager
def _world(prefix: str, number: int) -> Iterator[tuple[Lab, Sequence[libvirt.virDomain]]]:
    """A lab with so many guests that are defined and not started; the daemon has seen them all."""
    with Lab.up() as lab, closing(lab.libvirt()) as connection:
        domains = [define(connection, f"{prefix}{index}") for index in range(number)]
        last = define(connection, "ready")
        last.create()
        until(lambda: all(both(lab, f"ready.{lab.info.zone}")), "the first guest", patience=_PATIENCE)
        (address,) = addresses(last)
        until(lambda: all(both(lab, reverse(address), "PTR")), "its address", patience=_PATIENCE)
        yield lab, domains


def virsh_start(lab: Lab, domain: libvirt.virDomain) -> None:
    """Start a guest as a person does."""
    command = ["virsh", "--quiet", "--connect", lab.info.libvirt_uri, "start", domain.name()]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=_PATIENCE)


def _latency(lab: Lab, domains: Sequence[libvirt.virDomain]) -> list[Row]:
    seconds = []
    for domain in domains:
        virsh_start(lab, domain)
        seconds.append(_until_answered(lab, [f"{domain.name()}.{lab.info.zone}"], A))
    title = "virsh start to both answers"
    return [
        Row(f"{title}, median of {_SINGLE}", median(seconds) * 1000, "ms", "50 at most"),
        Row(f"{title}, worst of {_SINGLE}", max(seconds) * 1000, "ms", "300 at most"),
    ]


def _burst(
    lab: Lab, by: str, domains: Sequence[libvirt.virDomain], start: Callable[[libvirt.virDomain], object]
) -> list[Row]:
    before = updates(lab)
    begun = perf_counter()
    for domain in domains:
        start(domain)
    starts = perf_counter() - begun
    answered = _until_answered(lab, [f"{domain.name()}.{lab.info.zone}" for domain in domains], A)
    pointed = _until_answered(lab, [reverse(ip) for domain in domains for ip in addresses(domain)], PTR)
    title = f"{_BURST:,} starts by {by}"
    return [
        Row(title, starts, "s"),
        Row(f"{title}: last start to all names on both", answered, "s", "2 at most"),
        Row(f"{title}: last start to all addresses on both", answered + pointed, "s"),
        Row(f"{title}: UPDATE messages for all zones", updates(lab) - before, "messages", "100 at most"),
    ]


def _until_answered(lab: Lab, names: Iterable[str], kind: RdataType) -> float:
    """Seconds from now until both servers answer for all names; asks without a pause, the last name first."""
    begun = perf_counter()
    waiting = [dns.message.make_query(name, kind, flags=0).to_wire() for name in reversed(list(names))]
    for server in (lab.info.ns1, lab.info.ns2):
        with _connected(server) as ask:
            for query in waiting:
                while not ask(query):
                    if perf_counter() - begun > _PATIENCE:
                        raise Unavailable(f"not every guest is answered after {_PATIENCE:g} s")
    return perf_counter() - begun


@contextmanager
def _connected(server: Server) -> Iterator[Callable[[bytes], bool]]:
    """Ask a server over one UDP socket: whether its reply has an answer (RFC 1035 section 4.1.1, ANCOUNT)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as channel:
        channel.settimeout(_PATIENCE)
        channel.connect((server.address, server.port))

        def ask(query: bytes) -> bool:
            channel.send(query)
            return channel.recv(65535)[6:8] != b"\0\0"

        yield ask
