"""ns1 and ns2: two real `named` on loopback, a primary that takes updates and its secondary."""

import base64
import os
import secrets
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dns.asyncquery
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.tsig

from skulldns.lab.part import Part, program, render
from skulldns.lab.place import Place, write_private
from skulldns.lab.ports import PortBlock
from skulldns.lab.surroundings import Surroundings

ADDRESS = "127.0.0.1"
ZONE = "vmsrv.test"
FOREIGN = "elsewhere.test"
"""A zone of other people, on ns1 only: the daemon has no right to write it."""
ALGORITHM = "hmac-sha256"
_PATIENCE = 0.5  # seconds for one answer; a lost one is asked again

_CONFIG = "/proc/self/cwd/named.conf"  # absolute, as `named` wants it, and still relative to its home
_PORT_TAKEN = ("address in use", "unable to listen on any configured interfaces")  # TCP, UDP


@dataclass(frozen=True, slots=True)
class Key:
    """A shared secret, new for every lab."""

    name: str
    secret: str

    @classmethod
    def fresh(cls, name: str) -> "Key":
        """A key of 256 random bits."""
        return cls(name, base64.b64encode(secrets.token_bytes(32)).decode("ascii"))


@dataclass(frozen=True, slots=True)
class DnsPlan:
    """What both name servers must agree on."""

    ports: Mapping[str, int]
    control_ports: Mapping[str, int]
    skulldns: Key
    hand: Key

    @classmethod
    def draw(cls, ports: PortBlock) -> "DnsPlan":
        """Ports from the lab's block, and new secrets."""
        names = ("ns1", "ns2")
        return cls(
            ports={name: ports.next() for name in names},
            control_ports={name: ports.next() for name in names},
            skulldns=Key.fresh("skulldns"),
            hand=Key.fresh("hand"),
        )


class _NameServer(Part):
    """One `named`."""

    role: str
    peer: str

    def __init__(self, name: str, place: Place, plan: DnsPlan) -> None:
        super().__init__(place)
        self.name = name
        self._plan = plan
        self._home = place.directory / name
        self._start_log = self._home / "start.log"
        self._port = plan.ports[name]
        self._zones = (ZONE, *Surroundings.of(place).reverse)

    def write(self) -> None:
        """Configuration, zone files and the copy of `named` that is run."""
        self._home.mkdir(mode=0o700)
        rndc = Key.fresh(f"rndc-{self.name}")
        values = {
            "home": self._home,
            "role": self.role,
            "port": self._port,
            "peer_port": self._plan.ports[self.peer],
            "control_port": self._plan.control_ports[self.name],
            "algorithm": ALGORITHM,
            "keys": (self._plan.skulldns, self._plan.hand, rndc),
            "updaters": (self._plan.skulldns, self._plan.hand),
            "rndc": rndc,
            "zone": ZONE,
            "zones": self._zones,
            "foreign": FOREIGN,
        }
        render("named.conf.j2", self._home / "named.conf", **values)
        render("rndc.conf.j2", self._home / "rndc.conf", **values)
        # ns2 begins with the same content, so it answers at once and does not need ns1 for its own start.
        for zone in (*self._zones, FOREIGN):
            render("zone.j2", self._home / f"{zone}.zone", apex=zone, zone=ZONE, page=self._page_below(zone))
        self._copy_named()

    def argv(self) -> Sequence[str]:
        """`named` in the foreground; what it says before it has read its configuration goes to -L."""
        return (str(self._binary), "-f", "-4", "-n", "1", "-c", _CONFIG, "-L", self._start_log.name)

    def working_directory(self) -> Path:
        """Its home, and all its paths are relative to that.

        Root's `named` gives up the right to pass other people's private directories, and the lab may lie in
        one.
        """
        return self._home

    def starting(self) -> None:
        """Forget what an earlier start complained about."""
        self._start_log.unlink(missing_ok=True)

    async def ready(self) -> bool:
        """Every zone is answered with authority over TCP and UDP, signed with this lab's own key."""
        for zone in self._zones:
            if not await self._answers_soa(zone):
                return False
        return True

    def entry(self) -> Mapping[str, Any]:
        """Where the server answers and how `rndc` reaches it."""
        return {
            self.name: {"address": ADDRESS, "port": self._port, "rndc_conf": str(self._home / "rndc.conf")}
        }

    def complaint(self) -> str:
        """The last fault in what it wrote while it started."""
        lines = self._said()
        faults = [line for line in lines if ": error: " in line]
        return (faults or lines or ["it wrote nothing"])[-1]

    def port_taken(self) -> bool:
        """Whether it said so while it started; it goes on running then, without that port."""
        return any(phrase in line for line in self._said() for phrase in _PORT_TAKEN)

    def _said(self) -> list[str]:
        if not self._start_log.exists():
            return []
        return self._start_log.read_text(encoding="utf-8", errors="replace").splitlines()

    def _page_below(self, zone: str) -> str | None:
        """The page's host name, if it is below this zone."""
        page = Surroundings.of(self.place).page
        return page if page and page.endswith(f".{zone}") else None

    async def _answers_soa(self, zone: str) -> bool:
        # The signature proves that this server answers and not a stranger (or another lab) on the same port.
        name = dns.name.from_text(self._plan.skulldns.name)
        key = dns.tsig.Key(name, self._plan.skulldns.secret, ALGORITHM)
        for ask in (dns.asyncquery.tcp, dns.asyncquery.udp):
            query = dns.message.make_query(zone, dns.rdatatype.SOA)
            query.use_tsig(key)
            try:
                answer = await ask(query, ADDRESS, timeout=_PATIENCE, port=self._port)
            except (OSError, EOFError, dns.exception.DNSException):
                return False
            if answer.rcode() != dns.rcode.NOERROR or not answer.flags & dns.flags.AA or not answer.answer:
                return False
        return True

    @property
    def _binary(self) -> Path:
        copy = self.place.directory / "bin" / "named"
        # A directory may be mounted noexec, where access(2) says no to X_OK.
        return copy if os.access(copy, os.X_OK) else Path(program("named", "bind9"))

    def _copy_named(self) -> None:
        """Copy `named` into the lab.

        AppArmor's profile on Debian and Ubuntu is bound to the path /usr/sbin/named and lets it write only
        below /var/cache/bind and its like; a copy elsewhere is not confined and can use the lab's directory.
        """
        copy = self.place.directory / "bin" / "named"
        if copy.exists():
            return
        copy.parent.mkdir(mode=0o700, exist_ok=True)
        shutil.copy(program("named", "bind9"), copy)


class Primary(_NameServer):
    """The server that takes updates (RFC 2136); it writes the secrets of the TSIG keys for everybody."""

    role = "primary"
    peer = "ns2"

    def write(self) -> None:
        """Its own files and one secret file for each key."""
        super().write()
        for path, key in self._keys().values():
            write_private(path, key.secret)

    def entry(self) -> Mapping[str, Any]:
        """Where it answers, and its keys: `tsig` is the daemon's, `hand_tsig` for nsupdate by hand."""
        keys = {
            label: {"name": key.name, "algorithm": ALGORITHM, "secret_file": str(path)}
            for label, (path, key) in self._keys().items()
        }
        return {**super().entry(), **keys}

    def _keys(self) -> Mapping[str, tuple[Path, Key]]:
        home = self.place.directory
        return {
            "tsig": (home / "tsig.key", self._plan.skulldns),
            "hand_tsig": (home / "hand.key", self._plan.hand),
        }


class Secondary(_NameServer):
    """The server that follows the primary by NOTIFY and zone transfer."""

    role = "secondary"
    peer = "ns1"
