"""The contracts of what is written to: name servers, CAs, where certificates and their proofs lie; and of probes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from dns.name import Name

from skulldns.errors import Refused, Unavailable
from skulldns.model.certificates import Account, Caa, Certificate, Challenge, KeyPair, Proof, Window
from skulldns.model.changes import Change
from skulldns.model.guests import IPAddress
from skulldns.model.notices import Delivery
from skulldns.model.outlook import Outlook
from skulldns.model.probes import Probe
from skulldns.model.records import Key, RRset
from skulldns.model.sites import Upstream
from skulldns.model.zones import ZoneId


@dataclass(frozen=True, slots=True)
class ZoneImage:
    """A whole zone as one server serves it at ``serial``, without its SOA and DNSSEC's own records."""

    serial: int
    rrsets: Mapping[Key, RRset]


@dataclass(frozen=True, slots=True)
class ZoneDelta:
    """What became of a zone's RRsets on the way to ``serial``: the new RRset of each key that changed, or None.

    Keys that changed and changed back may be listed too.
    """

    serial: int
    rrsets: Mapping[Key, RRset | None]


class NameServer(Protocol):
    """One server of one zone. Every call is signed with the zone's TSIG key, so that views answer alike.

    One thread uses an object at a time. Calls block for a few seconds at most, ``update`` for longer where a name
    has very many records, and raise

    * ``Unavailable`` when there is no answer, or one that time may cure (SERVFAIL, frozen zone, TSIG trouble,
      transfer refused): its sentence has the cause and the cure;
    * ``OutcomeUnknown`` when an update was sent and its answer was lost: read back;
    * ``Conflict`` when a prerequisite was not met: read again and plan again;
    * ``Refused`` when the server's policy denies one update for good while others may pass.
    """

    @property
    def where(self) -> str:
        """``address:port`` of the server."""

    def serial(self) -> int:
        """The SOA serial: one query."""

    def read(self) -> ZoneImage:
        """Transfer the whole zone (AXFR, RFC 5936). Fails closed: a cut-off transfer raises ``Unavailable``."""

    def read_since(self, base: ZoneImage) -> ZoneDelta:
        """Transfer what changed since ``base`` (IXFR, RFC 1995; a server that answers in full is compared)."""

    def lookup(self, keys: Iterable[Key]) -> Mapping[Key, RRset | None]:
        """Ask for each RRset; None where there is none. Queries are pipelined over one connection.

        The answer is what a client gets: where a wildcard covers a name, the wildcard's data. A key that the
        server could not answer (SERVFAIL for one name) is left out; raises when it could answer none.
        """

    def batches(self, changes: Sequence[Change]) -> Sequence[Sequence[Change]]:
        """Cut ``changes`` into parts that fit one RFC 2136 message each, all changes of one name together.

        Those of a name with very many records (``are_large``) come alone, after the others.
        """

    def update(self, batch: Sequence[Change], following: Sequence[Change] = ()) -> None:
        """Make the changes of one batch in one RFC 2136 message, deletions first: all of them or none.

        ``following`` is what will probably come next: its message may be made while the server works.
        """

    def add(self, values: RRset) -> None:
        """Add data to whatever the RRset holds (RFC 2136 section 2.5.1); what is there already stays."""

    def remove(self, values: RRset) -> None:
        """Delete these data from the RRset (RFC 2136 section 2.5.4), and no others; its TTL does not count."""

    def notify(self, serial: int | None = None) -> None:
        """Send NOTIFY (RFC 1996) for the zone to this server, so that a secondary transfers at once."""

    def twin(self) -> "NameServer":
        """The same server over a connection of its own, for another thread; close it."""

    def close(self) -> None:
        """Give back the connection."""


class Surveyor(Protocol):
    """Looks at one zone, or one view of it, as the world does."""

    @property
    def zone(self) -> ZoneId:
        """The zone."""

    def survey(self) -> Outlook:
        """Ask its servers, its parent and the servers named there, at once; takes some seconds at most, never raises.

        What could not be asked is told in the outlook. From any thread.
        """


class RateLimited(Unavailable):
    """The CA works, and will not do this for now."""


class ProofFailed(Refused):
    """``names`` could not be proved, or would not have been; other names of the order may."""

    def __init__(
        self, what: str, *, names: tuple[Name, ...], where: str | None = None, cure: str | None = None
    ) -> None:
        super().__init__(what, where=where, cure=cure)
        self.names = names


class Order(Protocol):
    """A certificate that was asked for. Errors are those of ``CertificateAuthority``, and ``ProofFailed``."""

    @property
    def proofs(self) -> Sequence[Proof]:
        """What the CA wants to find; empty where it still believes earlier proofs."""

    def proved(self) -> None:
        """Tell the CA that all proofs are in place."""

    def step(self) -> KeyPair | float:
        """Go on as far as the CA lets us: the new certificate and its key, or seconds to wait for the next step."""


class CertificateAuthority(Protocol):
    """One CA with our account there.

    Calls do not sleep, block for an HTTP time-out at most, and raise

    * ``Unavailable`` when it does not answer or is in trouble; ``RateLimited`` when we have had enough;
    * ``Conflict`` when the certificate to be replaced has been replaced before: order without that;
    * ``Refused`` when it will not issue this, with its own words.
    """

    @property
    def directory(self) -> str:
        """The URL of its directory, by which it is known."""

    def ping(self) -> None:
        """See that it works: ask for its directory, a nonce and our account. Orders nothing."""

    def caa(self) -> tuple[Sequence[str], str | None]:
        """The domains that CAA records may name for it (RFC 8659 section 4.2), and our account's URL (RFC 8657)."""

    def order(self, names: Mapping[Name, Challenge], replaces: Certificate | None = None) -> Order:
        """Begin an order, with a new key; ``replaces`` names the certificate that it renews (RFC 9773 section 5)."""

    def window(self, certificate: Certificate) -> Window | None:
        """When it suggests to renew (RFC 9773 section 4); None if it does not say such things."""

    def revoke(self, chain: bytes, reason: int = 0) -> None:
        """Revoke a certificate (PEM) of ours; ``reason`` as in RFC 5280 section 5.3.1."""

    def account(self) -> Account:
        """Our account as it is remembered; the CA is not asked."""

    def roll_over(self) -> None:
        """Give our account a new key (RFC 8555 section 7.3.5).

        Where the answer gets lost, the next call finds out which key counts. Orders that were begun cannot go on.
        """


class Prover(Protocol):
    """Puts proofs of one kind where CAs look for them. Raises ``Unavailable`` and ``Refused``."""

    def check(self, name: Name) -> None:
        """See that ``name`` (without an asterisk) could be proved now: raises ``Refused`` where there is no way."""

    def place(self, proof: Proof) -> None:
        """Put it there; what stands beside it stays."""

    def seen(self, proof: Proof) -> bool:
        """Whether it is to be found wherever the CA may look; if not, ask again after a while."""

    def remove(self, proof: Proof) -> None:
        """Take it away; what stands beside it stays. Does nothing where it is gone already."""

    def sweep(self) -> int:
        """Remove what a crash left; returns how many. Only while no order of ours is on its way."""


class CertificateFiles(Protocol):
    """The certificates that are served, each with its key. Raises ``Unavailable`` when the disk does not do."""

    def current(self, identity: str) -> Certificate | None:
        """What is served now; None if there is nothing, or nothing that can be read."""

    def chain(self, identity: str) -> bytes | None:
        """The chain that is served now (PEM)."""

    def install(self, identity: str, pair: KeyPair, names: Iterable[Name], now: float) -> Certificate:
        """Serve ``pair`` from now on, if it is sound at ``now``: for all of ``names``, its key, its dates, its chain.

        The old one stays until then, and stays if it is not: raises ``Refused``.
        """


class Lookups(Protocol):
    """What the world finds at a name. Raises ``Unavailable``."""

    def addresses(self, name: Name) -> Mapping[str, frozenset[IPAddress]]:
        """The addresses by each server that was asked: all servers of a zone of ours, else one resolver."""

    def caa(self, name: Name) -> Sequence[Caa]:
        """The CAA records at this very name."""


class Prober(Protocol):
    """Makes real requests, as a visitor does. Never raises; each request ends after a few seconds. From any thread."""

    def upstream(self, upstream: Upstream, name: Name) -> Probe:
        """Ask a guest's web server for ``name``, past the proxy."""

    def site(self, name: Name) -> Probe:
        """Ask the proxy for ``https://name/``, and verify its certificate."""


class Notifier(Protocol):
    """Tells one kind of receiver."""

    def tell(self, delivery: Delivery) -> None:
        """Tell it; done when this returns. Takes seconds at most.

        Raises ``Unavailable`` where another try may help, and ``Refused`` where none will.
        """
