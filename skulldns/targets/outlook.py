"""How a zone looks from outside, asked of its servers, its parent and the servers that both name, all at once."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from ipaddress import ip_address
from typing import TypeVar

import dns.exception
import dns.message
import dns.rcode
import dns.tsig
from dns.name import Name
from dns.rdata import Rdata
from dns.rdatatype import AAAA, CDNSKEY, CDS, DNSKEY, NS, RRSIG, SOA, A, RdataType

from skulldns.errors import SkullDNSError, Unavailable
from skulldns.model.guests import IPAddress
from skulldns.model.outlook import Apex, Delegate, Delegates, Outlook, Parent, Public, Says, ServerLook
from skulldns.model.records import Key, RRset
from skulldns.model.zones import ZoneId
from skulldns.targets.channel import Channel
from skulldns.targets.dnswire import refusals
from skulldns.targets.dnswire.answers import Answer
from skulldns.targets.dnswire.refusals import Purpose
from skulldns.targets.resolving import Resolving
from skulldns.targets.stranger import Stranger

_TIMEOUT = 3.0
_AT_ONCE = 16
_CATCH_UP = 2.0  # seconds for a secondary that follows just now
_LOOK_AGAIN = 0.1
_T = TypeVar("_T")
_APEX = (SOA, NS, DNSKEY, CDS, CDNSKEY)


@dataclass(frozen=True, slots=True)
class Place:
    """A server: where it listens, and the key for what it serves of the zone (None: none)."""

    address: str
    port: int
    key: dns.tsig.Key | None = None


class Observer:
    """Keeps ``Surveyor`` for ``zone``, whose ``servers`` begin with the primary.

    ``parents`` are servers of the parent, or none where it has none; None has ``resolving`` look for them. Servers
    that only DNS names listen at ``port``, except those at an address of ours. ``world`` as in ``Outlook``;
    ``patience`` is how many seconds a question without a key may take, which is asked twice.
    """

    def __init__(
        self,
        zone: ZoneId,
        servers: Sequence[Place],
        parents: Sequence[Place] | None,
        resolving: Resolving,
        *,
        port: int = 53,
        world: bool = True,
        patience: float = 1.0,
    ) -> None:
        self.zone = zone
        self._servers = servers
        self._parents = parents
        self._resolving = resolving
        self._port = port
        self._world = world
        self._orphan = parents is not None and not parents
        self._stranger = Stranger(patience)

    def survey(self) -> Outlook:
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="survey") as pool:
            apexes = [pool.submit(self._apex, one) for one in self._servers]
            publics = [pool.submit(self._public, one) for one in self._servers]
            above = pool.submit(self._parent)
            looks: list[ServerLook] = [
                _look(place, not number, apex, public)
                for number, (place, apex, public) in enumerate(
                    zip(self._servers, apexes, publics, strict=True)
                )
            ]
            parent, unasked = _outcome(above.result)
            looks = list(pool.map(partial(self._caught_up, looks[0]), self._servers, looks))
            found = Outlook(self.zone, tuple(looks), parent, unasked, world=self._world, orphan=self._orphan)
            return replace(found, delegates=tuple(self._delegates(found, pool)) if self._world else ())

    # Our servers

    def _public(self, place: Place) -> Public:
        return self._stranger.public(self.zone.name, place.address, place.port)

    def _apex(self, place: Place) -> Apex:
        channel = Channel(
            self.zone.name, place.address, place.port, place.key, timeout=_TIMEOUT, now=time.time
        )
        try:
            return self._asked(channel)
        except dns.exception.DNSException as error:
            raise refusals.unreadable(error, place.key, channel.where) from error

    def _asked(self, channel: Channel) -> Apex:
        with closing(channel):
            answers = dict(
                zip(_APEX, channel.ask([_query(self.zone.name, one) for one in _APEX]), strict=True)
            )
            rrsets = {rdtype: self._rrset(channel, answer, rdtype) for rdtype, answer in answers.items()}
            signatures = {rdtype: _signatures(answer, rdtype) for rdtype, answer in answers.items()}
            found = {rdtype: one for rdtype, one in rrsets.items() if one is not None}
            if SOA not in found:
                raise refusals.not_authoritative(self.zone.name, channel.where)
            soa = min(found[SOA].data)
            inside = sorted(name for name in _targets(found.get(NS)) if name.is_subdomain(self.zone.name))
            addresses = self._addresses(channel, inside)
        serial = int(soa.serial)  # type: ignore[attr-defined]  # it is a SOA
        return Apex(serial, found, {kind: one for kind, one in signatures.items() if one}, addresses)

    def _addresses(self, channel: Channel, names: Sequence[Name]) -> Mapping[Name, frozenset[IPAddress]]:
        keys = [Key(name, rdtype) for name in names for rdtype in (A, AAAA)]
        answers = channel.ask([_query(key.name, key.type) for key in keys]) if keys else []
        found: dict[Name, frozenset[IPAddress]] = {}
        for key, answer in zip(keys, answers, strict=True):
            rrset = answer.rrset(key)
            values = frozenset(map(ip_address, rrset.values())) if rrset else frozenset()
            found[key.name] = found.get(key.name, frozenset()) | values
        return found

    def _rrset(self, channel: Channel, answer: Answer, rdtype: RdataType) -> RRset | None:
        if answer.rcode != dns.rcode.NOERROR:
            raise refusals.refusal(Purpose.QUERY, answer.rcode, self.zone.name, channel.where)
        if not answer.authoritative:
            raise refusals.not_authoritative(self.zone.name, channel.where)
        return answer.rrset(Key(self.zone.name, rdtype))

    def _caught_up(self, primary: ServerLook, place: Place, look: ServerLook) -> ServerLook:
        """The look at a secondary, after it has had a moment to follow what has just changed."""
        end = time.monotonic() + _CATCH_UP
        while (
            look.apex is not None
            and primary.apex is not None
            and look.apex.serial != primary.apex.serial
            and time.monotonic() < end
        ):
            time.sleep(_LOOK_AGAIN)
            try:
                look = replace(look, apex=self._apex(place))
            except SkullDNSError as error:
                look = replace(look, apex=None, trouble=str(error))
        return look

    # The parent, and who is named

    def _parent(self) -> Parent:
        """What the first of the parent's servers says that says anything. Raises ``Unavailable``."""
        if self._orphan:
            raise Unavailable("it has none, as the config says")
        places = self._parents
        if places is None:
            places = [Place(one, self._port) for one in self._resolving.parent_servers(self.zone.name)]
        if not places:
            raise Unavailable("the resolver names no servers of it", cure="name them with `parent:`")
        with ThreadPoolExecutor(len(places), thread_name_prefix="parent") as pool:
            asked = [
                pool.submit(self._stranger.parent, self.zone.name, one.address, one.port) for one in places
            ]
            outcomes = [_outcome(one.result) for one in asked]
        told = [one for one, _ in outcomes if one is not None]
        if not told:
            raise Unavailable(outcomes[0][1])
        return next((one for one in told if one.delegates is not Delegates.HIDDEN), told[0])

    def _delegates(self, outlook: Outlook, pool: ThreadPoolExecutor) -> Iterator[Delegate]:
        """Everybody whom the parent or the zone names, asked for the zone."""
        first = outlook.primary
        named = set(_targets(first.apex.rrsets.get(NS)) if first and first.apex else ())
        known: dict[Name, frozenset[IPAddress]] = dict(first.apex.addresses) if first and first.apex else {}
        if outlook.parent is not None:
            named |= outlook.parent.nameservers
            for name, glue in outlook.parent.glue.items():
                known[name] = known.get(name, frozenset()) | glue
        asked: list[tuple[Name, IPAddress, Future[Says]]] = []
        foreign = {
            name: pool.submit(self._resolving.addresses, name)
            for name in sorted(named)
            if name not in known and not name.is_subdomain(self.zone.name)
        }
        for name, future in foreign.items():
            found, unasked = _outcome(future.result)
            known[name] = found or frozenset()
            if not found:
                yield Delegate(name, None, Says.UNREACHABLE if unasked else Says.SILENT, unasked)
        for name in sorted(named & known.keys()):
            for address in sorted(known[name], key=str):
                says = pool.submit(self._stranger.says, self.zone.name, address, self._port_of(address))
                asked.append((name, address, says))
        for name, address, says in asked:
            yield Delegate(name, address, says.result())

    def _port_of(self, address: IPAddress) -> int:
        return next((one.port for one in self._servers if ip_address(one.address) == address), self._port)


def _look(place: Place, primary: bool, apex: Future[Apex], public: Future[Public]) -> ServerLook:  # noqa: FBT001
    where = f"[{place.address}]:{place.port}" if ":" in place.address else f"{place.address}:{place.port}"
    found, trouble = _outcome(apex.result)
    told, unasked = _outcome(public.result)
    return ServerLook(where, primary, found, told, trouble, unasked)


def _outcome(result: Callable[[], _T]) -> tuple[_T | None, str]:
    try:
        return result(), ""
    except SkullDNSError as error:
        return None, str(error)


def _query(name: Name, rdtype: RdataType) -> bytes:
    """A query of somebody who checks signatures."""
    return dns.message.make_query(name, rdtype, want_dnssec=True, flags=0).to_wire()


def _signatures(answer: Answer, rdtype: RdataType) -> frozenset[Rdata]:
    return frozenset(
        one.rdata
        for one in answer.answers()
        if one.type == RRSIG and one.rdata.type_covered == rdtype  # type: ignore[attr-defined]
    )


def _targets(found: RRset | None) -> frozenset[Name]:
    return frozenset(one.target for one in found.data) if found else frozenset()  # type: ignore[attr-defined]
