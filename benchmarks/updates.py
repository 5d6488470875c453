"""Updates, look-ups and transfers against a lab's `named`, without the daemon.

Figures to compare with were measured with dnspython alone on a quiet machine (Debian 12, 2 cores, loopback).
Rows that say "here" were measured in the same run, with dnspython alone.
"""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import count, islice
from statistics import median
from time import perf_counter

import dns.name
import dns.query
import dns.tsig
import dns.xfr
import dns.zone
from dns.rdatatype import A

from benchmarks.rows import Row
from skulldns.lab import Lab
from skulldns.model.changes import Change
from skulldns.model.records import rrset
from skulldns.targets.dnswire import requests
from skulldns.targets.nameserver import DnsServer

_ZONE_SIZE = 34_400
_BATCHES = {1: (200, "1,140"), 10: (100, "7,400"), 100: (40, "16,500"), 1000: (10, "20,000")}


def run() -> list[Row]:
    """Measure in a lab of its own."""
    with Lab.up(daemon=False) as lab:
        info = lab.info
        key = dns.tsig.Key(info.tsig.name, info.tsig.secret, info.tsig.algorithm)
        zone = dns.name.from_text(info.zone)
        primary = DnsServer(zone, info.ns1.address, info.ns1.port, key)
        secondary = DnsServer(zone, info.ns2.address, info.ns2.port, key)
        changes = _changes(zone)
        rows = [_latency(primary, changes), _notify(secondary)]
        rows += [_rate(primary, changes, size, *how) for size, how in _BATCHES.items()]
        rows.append(_compile(zone, changes))
        present = len(primary.read().rrsets)
        for batch in primary.batches(list(islice(changes, _ZONE_SIZE - present))):
            primary.update(batch)
        rows += [_lookups(primary), *_transfers(primary, changes), _plain_transfer(lab, key)]
        primary.close()
        secondary.close()
    return rows


def _changes(zone: dns.name.Name) -> Iterator[Change]:
    """New names without end."""
    for number in count():
        name = dns.name.from_text(f"bench{number}", zone)
        value = f"198.51.100.{number % 256}"
        yield Change(None, rrset(name, A, 60, [value]), "zone file", "zone file", "measured", alone=True)


def _seconds(run: Callable[[], object]) -> float:
    start = perf_counter()
    run()
    return perf_counter() - start


def _latency(server: DnsServer, changes: Iterator[Change]) -> Row:
    server.serial()
    times = [_seconds(partial(server.update, [change])) for change in islice(changes, 100)]
    return Row("UPDATE of one record, median of 100", median(times) * 1000, "ms", "0.9 (1,140 a second)")


def _notify(server: DnsServer) -> Row:
    times = [_seconds(server.notify) for _ in range(100)]
    return Row("NOTIFY answered, median of 100", median(times) * 1000, "ms", "1 at most")


def _rate(server: DnsServer, changes: Iterator[Change], size: int, messages: int, compare: str) -> Row:
    batches = [list(islice(changes, size)) for _ in range(messages)]
    seconds = sum(_seconds(partial(server.update, batch)) for batch in batches)
    return Row(f"UPDATE with {size:,} records a message", size * messages / seconds, "records/s", compare)


def _compile(zone: dns.name.Name, changes: Iterator[Change]) -> Row:
    batch = list(islice(changes, 1000))
    times = [_seconds(lambda: requests.update(zone, batch)) for _ in range(10)]
    return Row("compiling an UPDATE, no server", 1000 / median(times), "records/s")


def _lookups(server: DnsServer) -> Row:
    keys = list(server.read().rrsets)[:5000]
    seconds = _seconds(lambda: server.lookup(keys))
    return Row("look-ups, pipelined and signed", len(keys) / seconds, "a second", "3,000 at least")


def _transfers(server: DnsServer, changes: Iterator[Change]) -> list[Row]:
    image = server.read()
    whole = median(_seconds(server.read) for _ in range(3))
    server.update(list(islice(changes, 10)))
    delta = median(_seconds(lambda: server.read_since(image)) for _ in range(9))
    return [
        Row(f"AXFR of {len(image.rrsets):,} records", whole, "s", "1.4"),
        Row("IXFR of 10 changes of these", delta * 1000, "ms"),
    ]


def _plain_transfer(lab: Lab, key: dns.tsig.Key) -> Row:
    def transfer() -> None:
        zone = dns.zone.Zone(lab.info.zone, relativize=False)
        query, _ = dns.xfr.make_query(zone, keyring=key)
        dns.query.inbound_xfr(lab.info.ns1.address, zone, query, port=lab.info.ns1.port)

    return Row("the same AXFR with dns.zone, here", median(_seconds(transfer) for _ in range(3)), "s", "1.4")
