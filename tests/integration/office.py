"""The way to certificates with a lab's real servers: Pebble, ns1 and ns2, files, a database."""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import dns.name
import dns.resolver
import dns.tsig
from dns.name import Name
from dns.rdatatype import TXT

from skulldns.lab import Lab
from skulldns.lab.waiting import until
from skulldns.loop.certifier import CertificateReport, Certifier, Want
from skulldns.loop.clock import Clock
from skulldns.loop.issuing import Issuer, Office
from skulldns.model.certificates import CertificateWish, Challenge
from skulldns.model.records import Key
from skulldns.store.acme import CertificateStore, PlacedStore
from skulldns.store.database import open_database
from skulldns.targets.acme.authority import AcmeAuthority, CaSettings
from skulldns.targets.acme.domains import registered
from skulldns.targets.certificates.files import CertificateDirectory
from skulldns.targets.challenges.dns01 import DnsProver, ZoneServers
from skulldns.targets.challenges.http01 import TokenFiles
from skulldns.targets.challenges.lookups import NameLookups
from skulldns.targets.nameserver import DnsServer
from skulldns.targets.protocol import CertificateAuthority


class Time:
    """Real time, that can be moved: ``later`` seconds are added."""

    def __init__(self) -> None:
        self.later = 0.0

    def wall(self) -> float:
        """Unix time."""
        return time.time() + self.later

    def steady(self) -> float:
        """A clock that never goes back."""
        return time.monotonic() + self.later


class RealOffice:
    """A certifier of the test's own."""

    def __init__(
        self, lab: Lab, directory: Path, *authorities: CertificateAuthority, time_: Time | None = None
    ) -> None:
        self.lab = lab
        self.zone = dns.name.from_text(lab.info.zone)
        self.time = time_ or Time()
        self.issued: list[str] = []
        self.files = CertificateDirectory(directory / "certificates")
        self.tokens = directory / "tokens"
        self._database = open_database(f"sqlite:///{directory}/certificates.db")
        self.placed = PlacedStore(self._database)
        self.servers = ZoneServers(server(lab, self.zone, "ns1"), [server(lab, self.zone, "ns2")])
        self.prover = DnsProver({self.zone: [self.servers]}, self.placed)
        self._authorities = authorities
        self.begin()

    def begin(self) -> None:
        """Start the certifier from what files and database hold."""
        zones = {self.zone: [self.servers]}
        office = Office(
            [Issuer(authority) for authority in self._authorities],
            {Challenge.DNS01: self.prover, Challenge.HTTP01: TokenFiles(self.tokens)},
            NameLookups(zones, lambda: _resolver(self.lab)),
            self.files,
            CertificateStore(self._database),
            registered,
        )
        clock = Clock(self.time.wall, self.time.steady, lambda: 0.5)
        self.certifier = Certifier(office, clock, lambda identity, _: self.issued.append(identity), idle=3600)

    def want(self, *wishes: CertificateWish) -> None:
        """Say what is wanted from now on."""
        self.certifier.mailbox.put(Want(wishes))

    def work_until(self, true: Callable[[], bool], what: str, patience: float = 60.0) -> None:
        """Step until it is so."""

        def stepped() -> bool:
            self.certifier.step()
            return true()

        until(stepped, what, patience=patience)

    def pass_time(self, seconds: float) -> None:
        """Step through ``seconds`` without waiting for them."""
        end = self.time.wall() + seconds
        while self.time.wall() < end:
            pause = self.certifier.step()
            self.time.later += min(3600.0 if pause is None else pause, max(0.0, end - self.time.wall()))

    def report(self, identity: str) -> CertificateReport:
        """How it stands with one certificate."""
        return next(one for one in self.certifier.reports() if one.wish.identity == identity)

    def proofs_at(self, name: Name) -> list[str]:
        """The TXT values that ns1 answers for DNS-01 of ``name``."""
        key = Key(dns.name.from_text("_acme-challenge", name), TXT)
        found = self.servers.primary.lookup([key])[key]
        return found.values() if found else []

    def close(self) -> None:
        """Give back connections."""
        self.certifier.close()
        for one in (self.servers.primary, *self.servers.secondaries):
            one.close()
        self._database.dispose()


def server(lab: Lab, zone: Name, which: str) -> DnsServer:
    """A connection of its own to ns1 or ns2."""
    where, tsig = lab.info.raw[which], lab.info.tsig
    key = dns.tsig.Key(tsig.name, tsig.secret, tsig.algorithm)
    return DnsServer(zone, where["address"], where["port"], key)


def authority(
    lab: Lab,
    directory: Path,
    url: str | None = None,
    time_: Time | None = None,
    **settings: object,
) -> AcmeAuthority:
    """An account of its own at the lab's CA, or at a proxy in front of it."""
    acme = lab.info.raw["acme"]
    time_ = time_ or Time()
    settings = {"trust": Path(acme["root"]), **settings}
    ca = CaSettings(url or acme["directory"], **settings)  # type: ignore[arg-type]
    return AcmeAuthority(ca, directory, wall=time_.wall, steady=time_.steady)


def wish(identity: str, *names: str, kind: Challenge = Challenge.DNS01) -> CertificateWish:
    """A wish for ``names``, or for the identity itself."""
    return CertificateWish(identity, {dns.name.from_text(name): kind for name in names or (identity,)})


def _resolver(lab: Lab) -> dns.resolver.Resolver:
    """A resolver that stays on loopback."""
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers = [lab.info.ns1.address]
    resolver.port = lab.info.ns1.port
    return resolver


class Pebble:
    """The lab's CA, with other options until the test ends."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        home = lab.info.directory / "ca"
        self._files = [home / "pebble.json", home / "environment.json"]
        self._before = [file.read_text(encoding="utf-8") for file in self._files]
        self._changed = False

    def restart(self, environment: Mapping[str, str] | None = None, **options: object) -> None:
        """Start it anew; it remembers nothing."""
        config, variables = (json.loads(text) for text in self._before)
        config["pebble"] |= options
        self._put(json.dumps(config), json.dumps(variables | dict(environment or {})))

    def heal(self) -> None:
        """Start it with its own options, if it has others."""
        if self._changed:
            self._put(*self._before)

    def _put(self, *texts: str) -> None:
        self._changed = True
        for file, text in zip(self._files, texts, strict=True):
            file.write_text(text, encoding="utf-8")
        self._lab.stop("pebble")
        self._lab.start("pebble")
