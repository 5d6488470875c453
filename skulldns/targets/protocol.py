"""The contract of a name server that serves a zone."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from skulldns.model.changes import Change
from skulldns.model.records import Key, RRset


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

    One thread uses an object at a time. Calls block for a few seconds at most and raise

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
        """Cut ``changes`` into parts that fit one RFC 2136 message each, all changes of one name together."""

    def update(self, batch: Sequence[Change]) -> None:
        """Make the changes of one batch in one RFC 2136 message, deletions first: all of them or none."""

    def notify(self, serial: int | None = None) -> None:
        """Send NOTIFY (RFC 1996) for the zone to this server, so that a secondary transfers at once."""

    def twin(self) -> "NameServer":
        """The same server over a connection of its own, for another thread; close it."""

    def close(self) -> None:
        """Give back the connection."""
