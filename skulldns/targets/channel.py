"""Requests and their checked answers, over one TCP connection that is kept, or over UDP.

A connection that the server has closed while it was idle is opened anew. What is only asked is asked once
more when a connection breaks; an UPDATE is not, unless the server cannot have read it.
"""

import secrets
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass

import dns.exception
import dns.rcode
import dns.tsig
from dns.name import Name

from skulldns.errors import OutcomeUnknown
from skulldns.targets.dnswire import refusals
from skulldns.targets.dnswire.answers import Answer, read_answer
from skulldns.targets.dnswire.faults import BadAnswer, UnsignedAnswer, WrongClock
from skulldns.targets.dnswire.refusals import Purpose
from skulldns.targets.dnswire.signing import Verifier, sign
from skulldns.targets.dnswire.transfer import Transfer
from skulldns.targets.stream import Stream, Unsent

_ID_SIZE = 2
_UDP_SIZE = 4096
_MAY_BE_UNSIGNED = {
    dns.rcode.FORMERR,
    dns.rcode.SERVFAIL,
    dns.rcode.NOTIMP,
    dns.rcode.REFUSED,
    dns.rcode.NOTAUTH,
}


@dataclass(frozen=True, slots=True)
class _Request:
    """A message as it is sent, and what checks the answer's TSIG."""

    wire: bytes
    verifier: Verifier | None


class Channel:
    """The way to one server of ``zone``. Raises ``Unavailable`` and ``OutcomeUnknown`` like ``NameServer``.

    ``timeout`` is in seconds, for each call of ``ask`` and ``tell`` and for each message of a transfer.
    """

    def __init__(
        self,
        zone: Name,
        address: str,
        port: int,
        key: dns.tsig.Key | None,
        *,
        timeout: float,
        now: Callable[[], float],
    ) -> None:
        self._zone = zone
        self._address = address
        self._port = port
        self._key = key
        self._timeout = timeout
        self._now = now
        self._stream: Stream | None = None

    @property
    def where(self) -> str:
        """``address:port``, an IPv6 address in brackets."""
        return f"[{self._address}]:{self._port}" if ":" in self._address else f"{self._address}:{self._port}"

    def ask(self, queries: Sequence[bytes]) -> list[Answer]:
        """Send ``queries`` at once and return their answers in the same order."""
        deadline = time.monotonic() + self._timeout
        first = secrets.randbelow(1 << 15)
        requests = [self._request(query, first + number) for number, query in enumerate(queries)]
        reused = self._stream is not None
        with self._telling(self._timeout):
            try:
                return self._exchange(requests, deadline)
            except ConnectionError:
                if not reused:
                    raise
                self.close()
            return self._exchange(requests, deadline)

    def tell(self, update: bytes, extra: float = 0.0, meanwhile: Callable[[], None] | None = None) -> Answer:
        """Send ``update`` once and return its answer; ``OutcomeUnknown`` when no answer can be trusted.

        The server has ``extra`` seconds more than usual. When it takes them all and does not answer, it is not to be
        bothered again for as long. ``meanwhile`` is done while the server works.
        """
        timeout = self._timeout + extra
        deadline = time.monotonic() + timeout
        request = self._request(update, secrets.randbits(16))
        with self._telling(timeout):
            stream = self._sent(request, deadline)
        if meanwhile is not None:
            meanwhile()
        try:
            return self._read(stream.receive(deadline), request, Purpose.UPDATE)
        except (OSError, dns.exception.DNSException, BadAnswer) as error:
            self.close()
            if isinstance(error, dns.tsig.PeerError | WrongClock):  # the server says that it did nothing
                raise refusals.unreadable(error, self._key, self.where) from error
            raise self._unknown(error, timeout, extra) from error

    def transfer(self, query: bytes, transfer: Transfer, limit: float) -> None:
        """Fill ``transfer`` over a connection of its own, in at most ``limit`` seconds."""
        end = time.monotonic() + limit
        request = self._request(query, secrets.randbits(16))
        with self._telling(self._timeout), closing(self._open(self._by(end))) as stream:
            stream.send([request.wire], self._by(end))
            while not transfer.done:
                wire = stream.receive(self._by(end))
                answer = self._parse(wire, request)
                if answer.rcode == dns.rcode.NOERROR:
                    transfer.take(answer.answers())
                self._verify(answer, request, Purpose.TRANSFER, last=transfer.done)
                if answer.rcode != dns.rcode.NOERROR:
                    raise refusals.refusal(Purpose.TRANSFER, answer.rcode, self._zone, self.where)

    def datagram(self, message: bytes, timeout: float) -> Answer:
        """Send ``message`` by UDP and return its answer, within ``timeout`` seconds."""
        request = self._request(message, secrets.randbits(16))
        family = socket.AF_INET6 if ":" in self._address else socket.AF_INET
        with self._telling(timeout), socket.socket(family, socket.SOCK_DGRAM) as udp:
            udp.settimeout(timeout)
            udp.connect((self._address, self._port))
            udp.send(request.wire)
            return self._read(udp.recv(_UDP_SIZE), request, Purpose.NOTIFY)

    def close(self) -> None:
        """Give back the connection; the next request opens a new one."""
        if self._stream:
            self._stream.close()
            self._stream = None

    def _request(self, message: bytes, ident: int) -> _Request:
        wire = ident.to_bytes(2) + message[2:]
        if self._key is None:
            return _Request(wire, None)
        signed, mac = sign(wire, self._key, self._now())
        return _Request(signed, Verifier(self._key, mac))

    def _exchange(self, requests: Sequence[_Request], deadline: float) -> list[Answer]:
        """Send ``requests`` and read their answers, which may come in any order (RFC 7766 section 7)."""
        stream = self._connected(deadline)
        stream.send([request.wire for request in requests], deadline)
        wires = [stream.receive(deadline) for _ in requests]
        received = {wire[:_ID_SIZE]: wire for wire in wires}
        if received.keys() != {request.wire[:_ID_SIZE] for request in requests}:
            raise BadAnswer("it is to another request")
        return [self._read(received[request.wire[:_ID_SIZE]], request, Purpose.QUERY) for request in requests]

    def _sent(self, request: _Request, deadline: float) -> Stream:
        """Send an UPDATE; over a new connection when the old one ended before all of it was handed over."""
        reused = self._stream is not None
        stream = self._connected(deadline)
        try:
            stream.send([request.wire], deadline)
        except Unsent:
            self.close()
            if not reused:
                raise
            stream = self._connected(deadline)
            stream.send([request.wire], deadline)
        return stream

    def _connected(self, deadline: float) -> Stream:
        if self._stream and self._stream.stale:
            self.close()
        if self._stream is None:
            self._stream = self._open(deadline)
        return self._stream

    def _open(self, deadline: float) -> Stream:
        return Stream(self._address, self._port, deadline)

    def _by(self, end: float) -> float:
        return min(end, time.monotonic() + self._timeout)

    def _read(self, wire: bytes, request: _Request, purpose: Purpose) -> Answer:
        answer = self._parse(wire, request)
        self._verify(answer, request, purpose, last=True)
        return answer

    def _parse(self, wire: bytes, request: _Request) -> Answer:
        """Read an answer and check that it is one to ``request``."""
        answer = read_answer(wire)
        if not answer.fits(request.wire):
            raise BadAnswer("it is not to our request")
        return answer

    def _verify(self, answer: Answer, request: _Request, purpose: Purpose, *, last: bool) -> None:
        if request.verifier is None:
            return
        try:
            request.verifier.check(answer.wire, answer.tsig, self._now(), last=last)
        except UnsignedAnswer as error:
            # Anybody can have written this: it may make us wait, not give up or plan again.
            if answer.rcode == dns.rcode.NOTAUTH and self._key is not None:
                raise refusals.signature_refused(self._key, self._zone, self.where) from error
            if answer.rcode in _MAY_BE_UNSIGNED:
                raise refusals.refusal(purpose, answer.rcode, self._zone, self.where) from error
            raise

    @contextmanager
    def _telling(self, timeout: float) -> Iterator[None]:
        """Tell people what a failure of the network or of an answer means, and give up the connection."""
        try:
            yield
        except OSError as error:
            self.close()
            raise refusals.unreachable(error, timeout, self.where) from error
        except (dns.exception.DNSException, BadAnswer) as error:
            self.close()
            raise refusals.unreadable(error, self._key, self.where) from error

    def _unknown(
        self, error: OSError | dns.exception.DNSException | BadAnswer, timeout: float, extra: float
    ) -> OutcomeUnknown:
        if isinstance(error, OSError):
            cause = refusals.unreachable(error, timeout, self.where)
        else:
            cause = refusals.unreadable(error, self._key, self.where)
        return OutcomeUnknown(
            f"an update was sent, but {cause.what}",
            where=self.where,
            cure=cause.cure,
            retry_after=extra if isinstance(error, TimeoutError) and extra else None,
        )
