"""The way of a guest's name: from `virsh start` until both name servers answer, one by one and a thousand at once.

Everything happens in a lab with the daemon. Messages are counted by ns1 itself, for all zones, until also the
addresses' names are served.
"""

import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from statistics import median
from time import perf_counter

import libvirt

from benchmarks.rows import Row
from skulldns.lab import Lab
from skulldns.lab.waiting import until
from tests.integration.dnsview import ask, both, transfer, updates
from tests.integration.hypervisor import define

_SINGLE = 50
_BURST = 1000
_PATIENCE = 60.0


def run() -> list[Row]:
    """Measure; each burst in a lab of its own."""
    with _world("one", _SINGLE) as (lab, _):
        rows = _latency(lab)
    with _world("virsh", _BURST) as (lab, _):
        rows += _burst(lab, "virsh", lambda name: _virsh_start(lab, name))
    with _world("quick", _BURST) as (lab, domains):
        by_name = {domain.name(): domain for domain in domains}
        rows += _burst(lab, "quick", lambda name: by_name[name].create())
    return rows


@contextmanager
def _world(prefix: str, number: int) -> Iterator[tuple[Lab, Sequence[libvirt.virDomain]]]:
    """A lab with so many guests that are defined and not started; all of them are known to the daemon."""
    with Lab.up() as lab, closing(lab.libvirt()) as connection:
        domains = [define(connection, f"{prefix}{index}") for index in range(number)]
        last = define(connection, "ready")
        last.create()
        until(lambda: all(both(lab, f"ready.{lab.info.zone}")), "the first guest", patience=_PATIENCE)
        yield lab, domains


def _virsh_start(lab: Lab, name: str) -> None:
    command = ["virsh", "--quiet", "--connect", lab.info.libvirt_uri, "start", name]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=_PATIENCE)


def _latency(lab: Lab) -> list[Row]:
    seconds = []
    for index in range(_SINGLE):
        _virsh_start(lab, f"one{index}")
        seconds.append(_until_answered(lab, f"one{index}.{lab.info.zone}"))
    return [
        Row(
            f"from virsh start to both answers, median of {_SINGLE}",
            median(seconds) * 1000,
            "ms",
            "50 at most",
        ),
        Row(f"the same, worst of {_SINGLE}", max(seconds) * 1000, "ms", "300 at most"),
    ]


def _until_answered(lab: Lab, name: str) -> float:
    """Seconds from now until both servers answer; asks without a pause."""
    begun = perf_counter()
    waiting = [lab.info.ns1, lab.info.ns2]
    while waiting and perf_counter() - begun < _PATIENCE:
        waiting = [server for server in waiting if not ask(server, name)]
    return perf_counter() - begun


def _burst(lab: Lab, prefix: str, start: Callable[[str], object]) -> list[Row]:
    info = lab.info
    before = updates(lab)
    begun = perf_counter()
    for index in range(_BURST):
        start(f"{prefix}{index}")
    started = perf_counter()

    def missing(zone: str) -> int:
        least = min(_records(lab, zone, prefix, number) for number in (1, 2))
        return _BURST - least

    until(lambda: not missing(info.zone), "answering all", patience=_PATIENCE)
    answered = perf_counter()
    until(lambda: not missing(info.reverse[0]), "answering all addresses", patience=_PATIENCE)
    pointed = perf_counter()
    title = f"{_BURST:,} guests started by {'virsh' if prefix == 'virsh' else 'one connection'}"
    return [
        Row(f"{title}, starts", started - begun, "s"),
        Row(f"{title}, last start to all answered by both", answered - started, "s", "2 at most"),
        Row(f"{title}, last start to all PTR answered by both", pointed - started, "s"),
        Row(f"{title}, UPDATE messages", updates(lab) - before, "messages", "100 at most"),
    ]


def _records(lab: Lab, zone: str, prefix: str, number: int) -> int:
    """How many records that name guests of the burst a server holds."""
    server = lab.info.ns1 if number == 1 else lab.info.ns2
    lines = transfer(server, zone, lab.info.tsig)
    return sum(line.startswith(prefix) or f" PTR {prefix}" in line for line in lines)
