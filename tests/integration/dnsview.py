"""What the lab's name servers hold and what reached them, seen without the product's own code."""

import re
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address

import dns.exception
import dns.message
import dns.name
import dns.query
import dns.rdatatype
import dns.tsig

from skulldns.lab import Lab, Server, Tsig
from tests.support import require

_STATISTICS = "named.stats"


@dataclass(frozen=True, slots=True)
class Transaction:
    """What one UPDATE message changed, as lines ``name ttl IN type data``; the SOA itself is left out."""

    serial: int
    deleted: tuple[str, ...]
    added: tuple[str, ...]

    def at(self, name: str) -> "Transaction":
        """Only what it changed at ``name`` (absolute)."""
        here = f"{name} "
        return Transaction(
            self.serial,
            tuple(line for line in self.deleted if line.startswith(here)),
            tuple(line for line in self.added if line.startswith(here)),
        )


def transfer(server: Server, zone: str, tsig: Tsig) -> frozenset[str]:
    """Every record of a zone but its SOA as ``name ttl IN type data``, by AXFR (RFC 5936)."""
    query = dns.message.make_query(zone, "AXFR")
    query.use_tsig(dns.tsig.Key(tsig.name, tsig.secret, tsig.algorithm))
    messages = dns.query.xfr(
        server.address,
        zone,
        port=server.port,
        keyring=query.keyring,
        keyname=tsig.name,
        keyalgorithm=dns.name.from_text(tsig.algorithm),
        relativize=False,
        lifetime=10,
    )
    return frozenset(
        line
        for message in messages
        for rrset in message.answer
        if rrset.rdtype != dns.rdatatype.SOA
        for line in rrset.to_text().splitlines()
    )


def ask(server: Server, name: str, kind: str = "A") -> tuple[str, ...]:
    """The data that a server answers over UDP, sorted; none also while it does not answer."""
    query = dns.message.make_query(name, kind, flags=0)
    try:
        reply = dns.query.udp(query, server.address, port=server.port, timeout=1)
    except (OSError, dns.exception.DNSException):
        return ()
    return tuple(sorted(rdata.to_text() for rrset in reply.answer for rdata in rrset))


def both(lab: Lab, name: str, kind: str = "A") -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What ns1 and what ns2 answer."""
    return ask(lab.info.ns1, name, kind), ask(lab.info.ns2, name, kind)


def reverse(address: str) -> str:
    """The absolute owner name of an address's PTR record."""
    return f"{ip_address(address).reverse_pointer}."


def nsupdate(lab: Lab, tsig: Tsig, zone: str, lines: Iterable[str]) -> None:
    """Change a zone by hand."""
    server = lab.info.ns1
    script = [
        f"server {server.address} {server.port}",
        f"key {tsig.algorithm}:{tsig.name} {tsig.secret}",
        f"zone {zone}",
        *lines,
        "send",
    ]
    program = require("nsupdate", package="bind9-dnsutils")
    subprocess.run([program, "-v"], input="\n".join(script) + "\n", text=True, check=True, timeout=30)


def rndc(lab: Lab, server: Server, *command: str) -> None:
    """Control a name server of the lab."""
    require("rndc", package="bind9")
    subprocess.run(
        ["rndc", "-c", str(server.rndc_conf), *command], check=True, timeout=30, capture_output=True
    )
    assert lab.is_alive()


def updates(lab: Lab) -> int:
    """How many UPDATE messages for any zone ns1 got since it was started, failed ones included."""
    home = lab.info.ns1.rndc_conf.parent
    (home / _STATISTICS).unlink(missing_ok=True)
    rndc(lab, lab.info.ns1, "stats")
    incoming = (home / _STATISTICS).read_text().partition("++ Incoming Requests ++")[2].partition("++ ")[0]
    found = re.search(r"(\d+) UPDATE$", incoming, re.MULTILINE)
    return int(found[1]) if found else 0


def transactions(lab: Lab, zone: str) -> tuple[Transaction, ...]:
    """The history of a zone from ns1's journal, the oldest first: one transaction is one UPDATE message."""
    journal = lab.info.ns1.rndc_conf.parent / f"{zone}.zone.jnl"
    if not journal.exists():
        return ()
    program = require("named-journalprint", package="bind9")
    shown = subprocess.run([program, str(journal)], text=True, check=True, timeout=30, capture_output=True)
    return tuple(_transactions(shown.stdout.splitlines()))


def _transactions(lines: Iterable[str]) -> Iterator[Transaction]:
    """Read lines such as ``add web.vmsrv.test. 60 IN A 127.7.0.23``; each transaction begins with ``del`` SOA."""
    serial: int | None = None
    changed: dict[str, list[str]] = {"del": [], "add": []}
    for line in lines:
        action, _, record = line.partition(" ")
        if action not in changed:
            continue
        name, ttl, _, kind, data = record.split(None, 4)
        if kind != "SOA":
            changed[action].append(f"{name} {ttl} IN {kind} {data}")
        elif action == "del":
            if serial is not None:
                yield Transaction(serial, tuple(changed["del"]), tuple(changed["add"]))
            changed = {"del": [], "add": []}
        else:
            serial = int(data.split()[2])
    if serial is not None:
        yield Transaction(serial, tuple(changed["del"]), tuple(changed["add"]))
