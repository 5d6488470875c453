"""Questions as anybody in the world asks them: without a key, and answers that anybody may get."""

from collections.abc import Callable
from ipaddress import ip_address
from typing import TypeVar

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
from dns.message import Message, QueryMessage
from dns.name import Name
from dns.rdatatype import AAAA, AXFR, DS, NS, SOA, A, RdataType

from skulldns.errors import Unavailable
from skulldns.model.guests import IPAddress
from skulldns.model.outlook import Delegates, Parent, Public, Says
from skulldns.model.records import RRset

_TRIES = 2  # UDP loses messages
_Answer = TypeVar("_Answer")


class Stranger:
    """Asks single servers, each question within ``timeout`` seconds at most twice. From any thread."""

    def __init__(self, timeout: float = 1.0) -> None:
        self._timeout = timeout

    def public(self, zone: Name, address: str, port: int) -> Public:
        """What a server does for a stranger. Raises ``Unavailable``."""
        told = self._ask(_query(zone, SOA), address, port)
        offers = bool(told.flags & dns.flags.RA)
        recursed = not offers and self._recurses(address, port)
        return Public(offers, recursed, self._transfers(zone, address, port))

    def says(self, zone: Name, address: IPAddress, port: int) -> Says:
        """Whether a server serves ``zone`` for the world."""
        try:
            told = self._ask(_query(zone, SOA), str(address), port)
        except Unavailable as error:
            cause = error.__cause__
            silent = isinstance(cause, dns.exception.DNSException | ConnectionError | TimeoutError)
            return Says.SILENT if silent else Says.UNREACHABLE
        serves = told.flags & dns.flags.AA and told.rcode() == dns.rcode.NOERROR and told.answer
        return Says.SERVES if serves else Says.LAME

    def parent(self, zone: Name, address: str, port: int) -> Parent:
        """What a server of the parent says of ``zone``. Raises ``Unavailable`` where it says nothing of use."""
        where = _where(address, port)
        told = self._ask(_query(zone, NS), address, port)
        named = _rrset(told.answer, zone, NS) or _rrset(told.authority, zone, NS)
        ds, known = self._ds(zone, address, port)
        if told.flags & dns.flags.AA and _rrset(told.answer, zone, NS):
            return Parent(where, Delegates.HIDDEN, ds=ds, ds_known=known)
        if named is not None:
            names = frozenset(one.target for one in named.data)  # type: ignore[attr-defined]  # NS data have it
            glue = {name: found for name in names if (found := _addresses(told.additional, name))}
            return Parent(where, Delegates.YES, names, glue, ds, known)
        absent = told.rcode() in {dns.rcode.NOERROR, dns.rcode.NXDOMAIN}
        if told.flags & dns.flags.AA and absent and any(one.rdtype == SOA for one in told.authority):
            return Parent(where, Delegates.NO, ds=ds, ds_known=known)
        raise Unavailable(
            f"it does not serve the parent of {zone.to_text(omit_final_dot=True)}",
            where=where,
            cure="name the servers of its parent with `parent:`",
        )

    def _ds(self, zone: Name, address: str, port: int) -> tuple[RRset | None, bool]:
        """The DS, and whether the server can tell: only the parent's side has it (RFC 4035 section 3.1.4.1)."""
        try:
            told = self._ask(_query(zone, DS), address, port)
        except Unavailable:
            return None, False
        if not told.flags & dns.flags.AA:
            return None, False
        found = _rrset(told.answer, zone, DS)
        above = any(one.rdtype == SOA and one.name != zone for one in told.authority)
        return found, found is not None or above

    def _recurses(self, address: str, port: int) -> bool:
        """Whether it answers for what it does not serve: the root's NS, which every resolver knows."""
        query = _query(dns.name.root, NS)
        query.flags |= dns.flags.RD
        try:
            told = self._ask(query, address, port)
        except Unavailable:
            return False
        return bool(told.answer) and not told.flags & dns.flags.AA

    def _transfers(self, zone: Name, address: str, port: int) -> bool:
        """Whether it begins to transfer the zone; the rest is not read."""
        try:
            told = dns.query.tcp(_query(zone, AXFR), address, timeout=self._timeout, port=port)
        except (dns.exception.DNSException, OSError, EOFError):
            return False
        return told.rcode() == dns.rcode.NOERROR and bool(told.answer)

    def _ask(self, query: Message, address: str, port: int) -> Message:
        return _trying(_TRIES, lambda: self._once(query, address, port), _where(address, port))

    def _once(self, query: Message, address: str, port: int) -> Message:
        told, _ = dns.query.udp_with_fallback(
            query, address, timeout=self._timeout, port=port, ignore_unexpected=True
        )
        return told


def _trying(times: int, ask: Callable[[], _Answer], where: str) -> _Answer:
    """Ask again where nothing came back; what the network refuses is refused the second time too."""
    for left in reversed(range(times)):
        try:
            return ask()
        except dns.exception.Timeout as error:
            if not left:
                raise Unavailable(
                    "it gave no answer", where=where, cure="see whether the network lets DNS pass"
                ) from error
        except dns.exception.DNSException as error:
            reason = " ".join(str(error).split()).rstrip(".")
            raise Unavailable(
                f"its answer is malformed ({reason})",
                where=where,
                cure="see whether a DNS server listens there",
            ) from error
        except (OSError, EOFError) as error:
            reason = getattr(error, "strerror", None) or "it closed the connection"
            raise Unavailable(
                f"it cannot be reached ({reason})", where=where, cure="check its address and the network"
            ) from error
    raise AssertionError("the last try returns or raises")


def _where(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _query(name: Name, rdtype: RdataType) -> QueryMessage:
    return dns.message.make_query(name, rdtype, use_edns=rdtype != AXFR, flags=0)


def _rrset(section: list[dns.rrset.RRset], name: Name, rdtype: RdataType) -> RRset | None:
    for one in section:
        if one.name == name and one.rdtype == rdtype:
            return RRset(name, rdtype, one.ttl, frozenset(one))
    return None


def _addresses(section: list[dns.rrset.RRset], name: Name) -> frozenset[IPAddress]:
    found = (_rrset(section, name, rdtype) for rdtype in (A, AAAA))
    return frozenset(ip_address(value) for one in found if one for value in one.values())
