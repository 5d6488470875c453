"""The world around a zone, on loopback: the server of its parent, and a server that is open to everybody."""

import shutil
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import dns.exception
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.update
from dns.name import Name
from dns.rdatatype import DS, SOA

from skulldns.lab.waiting import until
from tests.support import require

PARENT = dns.name.from_text("test")
HOST = "127.0.0.1"
_PATIENCE = 30.0
_OPTIONS = """options {{
    directory "{directory}"; pid-file "named.pid"; session-keyfile "session.key"; lock-file none;
    listen-on port {port} {{ {host}; }}; listen-on-v6 {{ none; }};
    dnssec-validation no; empty-zones-enable no; notify no; {more}
}};
controls {{ }};
"""
_ZONE = 'zone "{zone}" {{ type primary; file "{number}.zone"; allow-update {{ any; }}; }};\n'
_FILE = """$TTL 60
@ SOA ns hostmaster 1 60 5 1209600 60
@ NS ns
ns A {host}
"""
_CLOSED = "recursion no; allow-transfer { none; };"
_OPEN = (
    "recursion yes; allow-recursion {{ any; }}; allow-transfer {{ any; }}; "
    "forward only; forwarders {{ {host} port {port}; }};"
)


class World:
    """A `named` that serves zones which everybody on loopback may change."""

    def __init__(self, directory: Path, port: int, zones: Sequence[Name], more: str = _CLOSED) -> None:
        self.port = port
        self._directory = directory
        text = _OPTIONS.format(directory=directory, port=port, host=HOST, more=more)
        for number, zone in enumerate(zones):
            text += _ZONE.format(zone=zone, number=number)
            (directory / f"{number}.zone").write_text(_FILE.format(host=HOST), encoding="utf-8")
        (directory / "named.conf").write_text(text, encoding="utf-8")
        shutil.copy(require("named", package="bind9"), directory / "named")
        self._zone = zones[0]
        self._owners: set[Name] = set()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and return when it answers."""
        command = [str(self._directory / "named"), "-g", "-n", "1", "-c", "/proc/self/cwd/named.conf"]
        with (self._directory / "output").open("ab") as output:
            self._process = subprocess.Popen(
                command, cwd=self._directory, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        until(self._answers, "starting named", patience=_PATIENCE)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(_PATIENCE)

    def delegate(self, zone: Name, records: Iterable[str], ds: Iterable[str] = ()) -> None:
        """Have the parent say just these ``records`` of ``zone``: NS and glue, ``name TTL type data``."""
        message = dns.update.UpdateMessage(PARENT)
        for owner in self._owners | {zone}:
            message.delete(owner)
        for line in records:
            name, ttl, rdtype, data = line.split(maxsplit=3)
            message.add(name, int(ttl), rdtype, data)
            self._owners.add(dns.name.from_text(name))
        for data in ds:
            message.add(zone, 60, DS, data)
        answer = dns.query.tcp(message, HOST, timeout=5, port=self.port)
        assert answer.rcode() == dns.rcode.NOERROR, answer

    def _answers(self) -> bool:
        assert self._process
        ended = self._process.poll()
        assert ended is None, f"it ended: {(self._directory / 'output').read_text()[-2000:]}"
        try:
            answer = dns.query.tcp(dns.message.make_query(self._zone, SOA), HOST, timeout=0.5, port=self.port)
        except (OSError, EOFError, dns.exception.DNSException):
            return False
        return bool(answer.answer)


@contextmanager
def world(directory: Path, port: int, *zones: Name) -> Iterator[World]:
    """The server of the parent zone."""
    found = World(directory, port, [PARENT, *zones])
    found.start()
    try:
        yield found
    finally:
        found.stop()


@contextmanager
def open_server(directory: Path, port: int, zone: Name, parent: World) -> Iterator[World]:
    """A server of ``zone`` that looks up foreign names and gives the zone to everybody."""
    found = World(directory, port, [zone], _OPEN.format(host=HOST, port=parent.port))
    found.start()
    try:
        yield found
    finally:
        found.stop()
