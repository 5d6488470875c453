"""TSIG (RFC 8945) on messages that are already bytes, with time as an argument.

``dns.message`` signs with the clock of the machine, and hides the server's time of a BADTIME answer that
tells people which clock to set.
"""

from struct import pack
from typing import Any, NamedTuple

import dns.rcode
import dns.rdtypes.ANY.TSIG
import dns.tsig
from dns.name import Name
from dns.rdataclass import ANY
from dns.rdatatype import TSIG

from skulldns.targets.dnswire.faults import UnsignedAnswer, WrongClock

FUDGE = 300
"""Seconds that two clocks may differ (RFC 8945 section 10)."""

_TIME_SIZE = 6
_untyped: Any = dns.tsig  # dnspython annotates the keys of this module but not its functions


class Tsig(NamedTuple):
    """A message's TSIG record and the offset at which it starts."""

    start: int
    owner: Name
    rdata: dns.rdtypes.ANY.TSIG.TSIG


def sign(wire: bytes, key: dns.tsig.Key, now: float) -> tuple[bytes, bytes]:
    """Return the request ``wire`` with its TSIG, and the MAC that the answer's is made with."""
    algorithm = key.algorithm.to_digestable()
    name = key.name.to_digestable()
    time = pack("!HIH", int(now) >> 32, int(now) & 0xFFFF_FFFF, FUDGE)
    context = _untyped.get_context(key)
    context.update(wire)
    context.update(name + pack("!HI", ANY, 0) + algorithm + time + pack("!HH", 0, 0))
    mac: bytes = context.sign()
    rdata = algorithm + time + pack("!H", len(mac)) + mac + wire[:2] + pack("!HH", 0, 0)
    additional = int.from_bytes(wire[10:12]) + 1
    tsig = name + pack("!HHIH", TSIG, ANY, 0, len(rdata)) + rdata
    return wire[:10] + additional.to_bytes(2) + wire[12:] + tsig, mac


class Verifier:
    """Checks the answer to one request, or the messages of one transfer in their order."""

    def __init__(self, key: dns.tsig.Key, request_mac: bytes) -> None:
        self._key = key
        self._mac = request_mac
        self._context: Any = None

    def check(self, wire: bytes, tsig: Tsig | None, now: float, *, last: bool) -> None:
        """Check one message; raises ``UnsignedAnswer``, ``WrongClock`` or an exception of ``dns.tsig``.

        Only messages in the middle of a transfer may be unsigned; the next TSIG covers them (section 5.3.1).
        """
        if tsig is None:
            if last or self._context is None:
                raise UnsignedAnswer
            self._context.update(wire)
            return
        start, owner, rdata = tsig
        if rdata.error == dns.rcode.BADTIME and len(rdata.other) == _TIME_SIZE:
            raise WrongClock(int.from_bytes(rdata.other) - int(now))
        self._context = _untyped.validate(
            wire, self._key, owner, rdata, int(now), self._mac, start, self._context, multi=True
        )
