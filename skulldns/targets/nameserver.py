"""A name server behind its socket: updates, zone transfers, look-ups and NOTIFY, signed with TSIG."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial

import dns.exception
import dns.rcode
import dns.rdtypes.ANY.SOA
import dns.tsig
from dns.name import Name
from dns.rcode import Rcode
from dns.rdatatype import SOA

from skulldns.errors import OutcomeUnknown, Refused, SkullDNSError, Unavailable
from skulldns.model.changes import LARGE, Change, are_large
from skulldns.model.records import Key, RRset
from skulldns.targets.channel import Channel
from skulldns.targets.dnswire import refusals, requests
from skulldns.targets.dnswire.answers import Answer
from skulldns.targets.dnswire.faults import UnsignedAnswer
from skulldns.targets.dnswire.refusals import Purpose
from skulldns.targets.dnswire.transfer import Transfer, difference
from skulldns.targets.protocol import ZoneDelta, ZoneImage

_PIPELINE = 100
"""Queries on their way at once: few enough for the socket buffers, so that no side waits for the other."""

_DENIALS = {dns.rcode.REFUSED, dns.rcode.FORMERR}
"""How servers deny one update while they take others: PowerDNS answers FORMERR to types that it does not know."""

_MOST_FAILURES = 40
"""Updates that may fail in a row before it is the server that is ill: halving 1,000 names to find one takes 10."""


class DnsServer:
    """A ``NameServer`` of ``zone`` at ``address`` (IPv4 or IPv6), asked with the TSIG ``key``.

    ``timeout`` is how many seconds an UPDATE, up to 100 pipelined queries, or the next message of a transfer
    may take, and each ``LARGE`` records of one name may take as long again; ``transfer_timeout`` bounds a whole
    transfer, ``notify_timeout`` each of two tries of a NOTIFY. ``now`` is the clock of signatures (Unix time).
    """

    def __init__(
        self,
        zone: Name,
        address: str,
        port: int,
        key: dns.tsig.Key | None,
        *,
        timeout: float = 5.0,
        transfer_timeout: float = 30.0,
        notify_timeout: float = 1.0,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._zone = zone
        self._key = key
        self._twin = partial(
            DnsServer,
            zone,
            address,
            port,
            key,
            timeout=timeout,
            transfer_timeout=transfer_timeout,
            notify_timeout=notify_timeout,
            now=now,
        )
        self._timeout = timeout
        self._channel = Channel(zone, address, port, key, timeout=timeout, now=now)
        self._transfer_timeout = transfer_timeout
        self._notify_timeout = notify_timeout
        self._failures = 0
        self._compiled: tuple[Sequence[Change], bytes] | None = None

    @property
    def where(self) -> str:
        return self._channel.where

    def serial(self) -> int:
        key = Key(self._zone, SOA)
        [answer] = self._channel.ask([requests.query(key)])
        found = self._told(key, answer)
        for soa in found.data if found else ():
            if isinstance(soa, dns.rdtypes.ANY.SOA.SOA):
                return int(soa.serial)
        raise refusals.not_authoritative(self._zone, self.where)

    def read(self) -> ZoneImage:
        return _image(self._transfer())

    def read_since(self, base: ZoneImage) -> ZoneDelta:
        transfer = self._transfer(base)
        serial = transfer.serial
        if transfer.current and serial == base.serial:
            return ZoneDelta(serial, {})
        if transfer.incremental and transfer.exact:
            return ZoneDelta(serial, transfer.changed)
        # Told in full; or the serial went backwards, or the base was never the server's: then read all of it.
        image = _image(transfer) if transfer.incremental is False else self.read()
        return ZoneDelta(image.serial, difference(base.rrsets, image.rrsets))

    def lookup(self, keys: Iterable[Key]) -> Mapping[Key, RRset | None]:
        wanted = list(dict.fromkeys(keys))
        found: dict[Key, RRset | None] = {}
        failure: SkullDNSError | None = None
        for start in range(0, len(wanted), _PIPELINE):
            chunk = wanted[start : start + _PIPELINE]
            answers = self._channel.ask([requests.query(key) for key in chunk])
            for key, answer in zip(chunk, answers, strict=True):
                try:
                    found[key] = self._told(key, answer)
                except Unavailable as error:
                    failure = error
        if failure and not found:
            raise failure
        return found

    def batches(self, changes: Sequence[Change]) -> Sequence[Sequence[Change]]:
        return requests.batches(self._zone, changes)

    def update(self, batch: Sequence[Change], following: Sequence[Change] = ()) -> None:
        names = [change.name for change in batch]
        # PowerDNS with SQLite takes 9 s to delete 1,000 records of one name.
        records = sum(change.records for change in batch) if are_large(batch) else 0
        extra = self._timeout * records / LARGE
        meanwhile = partial(self._compile, following) if following else None
        self._send_update(self._message(batch), names, divisible=True, extra=extra, meanwhile=meanwhile)

    def _message(self, batch: Sequence[Change]) -> bytes:
        compiled, self._compiled = self._compiled, None
        if compiled is not None and compiled[0] is batch:
            return compiled[1]
        return requests.update(self._zone, batch)

    def _compile(self, batch: Sequence[Change]) -> None:
        with suppress(Refused):  # which is said when its turn has come
            self._compiled = batch, requests.update(self._zone, batch)

    def add(self, values: RRset) -> None:
        self._send_update(requests.add_values(self._zone, values), [values.name])

    def remove(self, values: RRset) -> None:
        self._send_update(requests.delete_values(self._zone, values), [values.name])

    def notify(self, serial: int | None = None) -> None:
        message = requests.notify(self._zone, serial)
        try:
            self._check(Purpose.NOTIFY, self._notified(message))
        except Unavailable as error:
            if self._lacks_right(error):
                self._check(Purpose.NOTIFY, dns.rcode.REFUSED)
            raise

    def twin(self) -> "DnsServer":
        return self._twin()

    def close(self) -> None:
        self._channel.close()

    def _notified(self, message: bytes) -> Rcode:
        try:
            return self._channel.datagram(message, self._notify_timeout).rcode
        except Unavailable:  # UDP loses messages
            return self._channel.datagram(message, self._notify_timeout).rcode

    def _transfer(self, base: ZoneImage | None = None) -> Transfer:
        query = requests.transfer_query(self._zone, base.serial if base else None)
        transfer = Transfer(self._zone, (base.serial, base.rrsets) if base else None)
        try:
            self._channel.transfer(query, transfer, self._transfer_timeout)
        except Unavailable as error:
            if self._lacks_right(error):
                self._check(Purpose.TRANSFER, dns.rcode.REFUSED)
            raise
        return transfer

    def _send_update(
        self,
        message: bytes,
        names: Sequence[Name],
        *,
        divisible: bool = False,
        extra: float = 0.0,
        meanwhile: Callable[[], None] | None = None,
    ) -> None:
        rcode = self._told_update(message, extra, meanwhile)
        if rcode in _DENIALS and self._takes_updates():
            # Once more: BIND refuses while it loads a zone after a thaw.
            rcode = self._told_update(message, extra)
            if rcode in _DENIALS:
                raise refusals.changes_refused(_texts(names), self._zone, self.where)
        if rcode == dns.rcode.SERVFAIL and divisible and self._fails_at_some():
            raise refusals.changes_failed(_texts(names), self.where)
        self._check(Purpose.UPDATE, rcode)
        self._failures = 0

    def _fails_at_some(self) -> bool:
        """Whether it may be some names at which updates fail; with a full disk they fail at all of them."""
        self._failures += 1
        if self._failures <= _MOST_FAILURES and self._takes_updates():
            return True
        self._failures = 0
        return False

    def _takes_updates(self) -> bool:
        """Whether the server takes updates from us at all; for a frozen zone BIND and Knot refuse an empty one."""
        return self._told_update(requests.update(self._zone, [])) == dns.rcode.NOERROR

    def _told_update(
        self, message: bytes, extra: float = 0.0, meanwhile: Callable[[], None] | None = None
    ) -> Rcode:
        try:
            return self._channel.tell(message, extra, meanwhile).rcode
        except Unavailable as error:
            if self._lacks_right(error):
                return dns.rcode.REFUSED
            raise

    def _lacks_right(self, error: Unavailable) -> bool:
        """Whether a request was refused although the key is good; raises what is wrong with the key, if anything.

        Knot answers BADKEY also to a key that it knows but gives no right to this, and PowerDNS answers REFUSED
        without a signature to an update whose TSIG is wrong. A question for the SOA tells what is the matter.
        """
        refused = isinstance(error.__cause__, dns.tsig.PeerBadKey)
        unsigned = isinstance(error.__cause__, UnsignedAnswer) and not isinstance(error, OutcomeUnknown)
        if refused or unsigned:
            self.serial()
        return refused

    def _told(self, key: Key, answer: Answer) -> RRset | None:
        if answer.rcode != dns.rcode.NXDOMAIN:
            self._check(Purpose.QUERY, answer.rcode)
        try:
            if not answer.authoritative and not answer.refers_below(self._zone):
                raise refusals.not_authoritative(self._zone, self.where)
            return answer.rrset(key)
        except dns.exception.DNSException as error:
            raise refusals.unreadable(error, self._key, self.where) from error

    def _check(self, purpose: Purpose, rcode: Rcode) -> None:
        if rcode != dns.rcode.NOERROR:
            raise refusals.refusal(purpose, rcode, self._zone, self.where)


def _texts(names: Iterable[Name]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.to_text(omit_final_dot=True) for name in names))


def _image(transfer: Transfer) -> ZoneImage:
    return ZoneImage(transfer.serial, transfer.rrsets)
