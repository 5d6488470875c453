"""Stages for the same play with every name server: a zone that others edit too, and a server of it."""

import re
import subprocess
from abc import ABC, abstractmethod

import dns.name
import dns.query
import dns.rcode
import dns.tsig
import dns.update
from dns.name import Name
from dns.rdatatype import NS

from skulldns.lab import Lab, Tsig
from skulldns.lab.waiting import until
from skulldns.model.records import Key, RRset, rrset
from skulldns.targets.fake import FakeNameServer, FakeZone
from skulldns.targets.nameserver import DnsServer
from skulldns.targets.protocol import NameServer
from tests.support import require

_SERIAL = re.compile(r"\d+(?=\s+;\s*serial)")


class Stage(ABC):
    """A zone on a primary and a secondary."""

    zone: Name
    knows_types: bool = True
    """Whether the primary takes types that have no name yet (RFC 3597)."""
    drops_cname: bool = False
    """Whether a CNAME cannot come in the message in which other data goes: it is made by the next one."""

    @abstractmethod
    def primary(self) -> NameServer:
        """A new connection to the primary; the test closes it."""

    @abstractmethod
    def secondary(self) -> NameServer:
        """A new connection to the secondary; the test closes it."""

    @abstractmethod
    def put(self, new: RRset) -> None:
        """Let somebody else set an RRset."""

    @abstractmethod
    def drop(self, key: Key) -> None:
        """Let somebody else delete an RRset."""

    @abstractmethod
    def freeze(self) -> None:
        """Let an admin freeze the zone."""

    @abstractmethod
    def thaw(self) -> None:
        """Let an admin thaw the zone."""

    @abstractmethod
    def rewind(self, serial: int) -> None:
        """Let the serial go backwards, with the data as they are."""

    @abstractmethod
    def stop(self) -> None:
        """Stop the primary."""

    @abstractmethod
    def start(self) -> None:
        """Start the primary again."""

    @abstractmethod
    def until_followed(self) -> None:
        """Return once the secondary has the primary's serial."""


class FakeStage(Stage):
    """Two fakes in front of one zone in memory."""

    def __init__(self) -> None:
        self.zone = dns.name.from_text("vmsrv.test")
        self._data = FakeZone(self.zone, [rrset(self.zone, NS, 60, ["ns1.vmsrv.test."])], serial=5)
        self._primary = FakeNameServer(self._data)
        self._secondary = FakeNameServer(self._data, "192.0.2.54:53", secondary=True)

    def primary(self) -> NameServer:
        return self._primary

    def secondary(self) -> NameServer:
        return self._secondary

    def put(self, new: RRset) -> None:
        self._data.put(new)

    def drop(self, key: Key) -> None:
        self._data.drop(key)

    def freeze(self) -> None:
        self._primary.frozen = True

    def thaw(self) -> None:
        self._primary.frozen = False

    def rewind(self, serial: int) -> None:
        self._data.serial = serial

    def stop(self) -> None:
        self._primary.down = True

    def start(self) -> None:
        self._primary.down = False

    def until_followed(self) -> None:
        assert self._secondary.serial() == self._data.serial


class BindStage(Stage):
    """A lab's two `named`; others use `nsupdate`'s way with a key of their own, and `rndc`."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.zone = dns.name.from_text(lab.info.zone)

    def primary(self) -> DnsServer:
        server = self.lab.info.ns1
        return DnsServer(self.zone, server.address, server.port, key(self.lab.info.tsig))

    def secondary(self) -> DnsServer:
        server = self.lab.info.ns2
        return DnsServer(self.zone, server.address, server.port, key(self.lab.info.tsig))

    def put(self, new: RRset) -> None:
        message = self._update()
        message.delete(new.name, new.type)
        message.add(new.name, new.ttl, *new.data)
        self._send(message)

    def drop(self, key: Key) -> None:
        message = self._update()
        message.delete(key.name, key.type)
        self._send(message)

    def freeze(self) -> None:
        self.rndc("freeze", self.lab.info.zone)

    def thaw(self) -> None:
        self.rndc("thaw", self.lab.info.zone)
        until(lambda: self._rcode(self._update()) == dns.rcode.NOERROR, "loading the thawed zone")

    def rewind(self, serial: int) -> None:
        primary = self.primary()
        now = primary.serial()
        primary.close()
        self.freeze()
        file = self.lab.info.ns1.rndc_conf.parent / f"{self.lab.info.zone}.zone"
        # named writes the file in the background, and puts it in its place when it is complete.
        until(lambda: _serial_in(file.read_text(encoding="utf-8")) == now, "writing the frozen zone")
        text = file.read_text(encoding="utf-8")
        file.write_text(_SERIAL.sub(str(serial), text, count=1), encoding="utf-8")
        self.thaw()

    def stop(self) -> None:
        self.lab.stop("ns1")

    def start(self) -> None:
        self.lab.start("ns1")

    def until_followed(self) -> None:
        primary, secondary = self.primary(), self.secondary()
        until(lambda: primary.serial() == secondary.serial(), "following")
        primary.close()
        secondary.close()

    def rndc(self, *words: str) -> None:
        """Control the primary."""
        configuration = str(self.lab.info.ns1.rndc_conf)
        rndc = require("rndc", package="bind9")
        subprocess.run([rndc, "-c", configuration, *words], check=True, capture_output=True, timeout=20)

    def _update(self) -> dns.update.UpdateMessage:
        return dns.update.UpdateMessage(self.zone, keyring=key(self.lab.info.hand_tsig))

    def _send(self, message: dns.update.UpdateMessage) -> None:
        assert self._rcode(message) == dns.rcode.NOERROR

    def _rcode(self, message: dns.update.UpdateMessage) -> dns.rcode.Rcode:
        server = self.lab.info.ns1
        return dns.query.tcp(message, server.address, port=server.port, timeout=5).rcode()


def key(tsig: Tsig) -> dns.tsig.Key:
    """The key as dnspython has it."""
    return dns.tsig.Key(tsig.name, tsig.secret, tsig.algorithm)


def _serial_in(text: str) -> int:
    found = _SERIAL.search(text)
    assert found, text
    return int(found[0])
