"""The verbs about what a zone holds: what each server answers, whose it is, and what a person takes over."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import dns.exception
import dns.name
import dns.rdatatype
from dns.name import Name
from dns.rdatatype import RdataType

from skulldns.daemon.calls import InThread
from skulldns.desired.claimed import is_claim
from skulldns.errors import Refused, SkullDNSError, Unavailable
from skulldns.loop.names import owner_title
from skulldns.loop.publisher import Publisher
from skulldns.model.byvalue import CHALLENGE, concerning
from skulldns.model.desired import ZONE_FILE, Wanted
from skulldns.model.ledger import Entry
from skulldns.model.records import Key, RRset
from skulldns.targets.protocol import NameServer
from skulldns.wiring import Installation

_USUAL = (
    RdataType.A,
    RdataType.AAAA,
    RdataType.CAA,
    RdataType.CNAME,
    RdataType.DNAME,
    RdataType.DS,
    RdataType.HTTPS,
    RdataType.MX,
    RdataType.NAPTR,
    RdataType.NS,
    RdataType.PTR,
    RdataType.SRV,
    RdataType.SSHFP,
    RdataType.SVCB,
    RdataType.TLSA,
    RdataType.TXT,
)
"""What each server is asked for at a name, beside what is known of it."""

_NAME_AND_TYPE = 2


@dataclass(frozen=True, slots=True)
class _Answers:
    """What one server answers, or why it does not."""

    title: str
    where: str
    rrsets: Mapping[Key, RRset | None]
    error: str | None = None


@dataclass(frozen=True, slots=True)
class _Scope:
    """The zones that a person means, and which of their RRsets."""

    publishers: tuple[Publisher, ...]
    name: Name | None = None
    type: RdataType | None = None

    def chosen(self, key: Key) -> bool:
        return self.name in (None, key.name) and self.type in (None, key.type)


def show(installation: Installation, name: Name) -> dict[str, Any]:
    """What every server answers at ``name``, or in the whole zone of that name, and whose each RRset is.

    Raises ``Refused`` when no configured zone holds it.
    """
    publishers = installation.reporter.names.publishers_of(name)
    if not publishers:
        text = name.to_text(omit_final_dot=True)
        raise Refused(f"no configured zone holds {text}", cure="correct the name")
    return {
        "name": name.to_text(omit_final_dot=True),
        "zones": [_shown(installation, publisher, name) for publisher in publishers],
    }


def adopt(
    installation: Installation, in_thread: InThread, words: Sequence[str], *, dry: bool
) -> dict[str, Any]:
    """Take over foreign RRsets that have the data that is wanted there; only list them when ``dry``.

    ``words`` are ``[ZONE] [NAME [TYPE]]``. Raises ``Refused``, and ``Unavailable`` when a primary cannot be read.
    """
    scope = _scope(installation, words)
    found = []
    for publisher in scope.publishers:
        work = partial(publisher.adoptable if dry else publisher.adopt, scope.chosen)
        entries: list[Entry] = in_thread(publisher, work)
        found += [_adopted(installation, publisher, entry) for entry in entries]
    return {"adopted": found, "dry_run": dry}


def accept(installation: Installation, text: str) -> dict[str, Any]:
    """Take a zone's files as they are, although they look cut. Raises ``Refused``."""
    config = next((one for one in installation.config.zones.values() if one.name == _name(text)), None)
    if config is None or config.file is None:
        raise Refused(f"{text} is not a zone with a file", cure="name one of 'zones:' that has 'file:'")
    found = installation.zone_files.look(config, accept=True)
    installation.engine.mailbox.put(found)
    if found.error is not None:
        raise Refused(found.error)
    return {"zone": config.name.to_text(omit_final_dot=True), "records": len(found.records or ())}


def _scope(installation: Installation, words: Sequence[str]) -> _Scope:
    """A first word that names a zone is ZONE, and a type in capitals after it is one at its apex."""
    publishers = tuple(installation.publishers)
    if not words:
        return _Scope(publishers)
    first, rest = _name(words[0]), list(words[1:])
    zones = tuple(one for one in publishers if one.zone.name == first)
    if not zones:
        zones = tuple(installation.reporter.names.publishers_of(first))
        rest.insert(0, words[0])
    elif len(rest) == 1 and rest[0].isupper() and rest[0] in RdataType.__members__:
        rest.insert(0, "@")
    if not zones:
        raise Refused(f"no configured zone holds {words[0]}", cure="correct the name")
    if len(rest) > _NAME_AND_TYPE:
        raise Refused(f"{' '.join(words)!r} is too much", cure="write [ZONE] [NAME [TYPE]]")
    return _Scope(zones, _within(rest[0], zones[0].zone.name) if rest else None, _type(rest[1:]))


def _within(text: str, zone: Name) -> Name:
    if text == "@":
        return zone
    name = _name(text)
    return name if name.is_subdomain(zone) else name.relativize(dns.name.root).concatenate(zone)


def _name(text: str) -> Name:
    try:
        return dns.name.from_text(text.strip().lower())
    except dns.exception.DNSException as error:
        raise Refused(f"{text!r} is not a name: {error}", cure="correct it") from None


def _type(words: Sequence[str]) -> RdataType | None:
    try:
        return dns.rdatatype.from_text(words[0]) if words else None
    except (dns.exception.DNSException, ValueError):
        raise Refused(f"{words[0]!r} is not a type of record", cure="write one such as A or TXT") from None


def _shown(installation: Installation, publisher: Publisher, name: Name) -> dict[str, Any]:
    whole = name == publisher.zone.name
    wanted = {want.key: want for one in _decided(publisher, name, whole=whole) for want in one}
    ours = {entry.key: entry for entry in _entries(publisher, name, whole=whole)}
    known = {*wanted, *ours, *_seen(publisher, name, whole=whole)}
    if not whole:
        known |= {Key(name, rdtype) for rdtype in _USUAL}
    answers = [
        _asked(title, server, known, whole=whole) for title, server in _servers(installation, publisher)
    ]
    keys = sorted({*wanted, *ours} | {key for one in answers for key, rrset in one.rrsets.items() if rrset})
    placed = _placed(installation, keys)
    rows = []
    for key in keys:
        found = [one.rrsets.get(key) for one in answers]
        served = next((rrset for rrset in found if rrset is not None), None)
        want = wanted.get(key)
        owner, detail = _owner(installation, ours.get(key), want, served, placed)
        rows.append(
            {
                "name": key.name.to_text(omit_final_dot=True),
                "type": dns.rdatatype.to_text(key.type),
                "owner": owner,
                "detail": detail,
                "wanted": _data(want.rrset) if want else None,
                "answers": [_data(rrset) for rrset in found],
            }
        )
    return {
        "zone": publisher.zone.name.to_text(omit_final_dot=True),
        "view": publisher.zone.view,
        "servers": [{"server": one.title, "address": one.where, "error": one.error} for one in answers],
        "rrsets": rows,
    }


def _decided(publisher: Publisher, name: Name, *, whole: bool) -> Iterator[Iterable[Wanted]]:
    names = publisher.state.names() if whole else {name}
    return (publisher.state.decision(one).wanted for one in names)


def _entries(publisher: Publisher, name: Name, *, whole: bool) -> list[Entry]:
    ledger = dict(publisher.state.ledger)
    return [entry for one, here in ledger.items() if whole or one == name for entry in here]


def _seen(publisher: Publisher, name: Name, *, whole: bool) -> set[Key]:
    current = dict(publisher.state.current)
    return {rrset.key for one, here in current.items() if whole or one == name for rrset in here}


def _servers(installation: Installation, publisher: Publisher) -> Iterator[tuple[str, NameServer]]:
    """Each over a connection of its own: this is not the worker's thread."""
    yield "ns1", publisher.primary.server.twin()
    for number, follower in enumerate(installation.followers.get(publisher.zone, ()), 2):
        yield f"ns{number}", follower.secondary.twin()


def _asked(title: str, server: NameServer, keys: Iterable[Key], *, whole: bool) -> _Answers:
    """A zone is transferred where the server lets us, since that also shows what nobody knows of."""
    try:
        if whole:
            try:
                return _Answers(title, server.where, server.read().rrsets)
            except Unavailable:
                pass
        return _Answers(title, server.where, server.lookup(keys))
    except SkullDNSError as error:
        return _Answers(title, server.where, {}, str(error))
    finally:
        server.close()


def _placed(installation: Installation, keys: Iterable[Key]) -> set[tuple[Name, str]]:
    challenges = any(key.name.labels[0].lower() == CHALLENGE for key in keys)
    return set(installation.placed.placed()) if challenges else set()


def _owner(
    installation: Installation,
    entry: Entry | None,
    want: Wanted | None,
    served: RRset | None,
    placed: set[tuple[Name, str]],
) -> tuple[str, str]:
    if served is None and (found := entry or want) is not None:
        return _entitled(installation, found, want)
    if served is not None:
        if entry is not None:
            ours = concerning(served, entry.published, entry.intended)
            if ours is not None and entry.covers(ours):
                owner, detail = _entitled(installation, entry, want)
                beside = f"; {len(ours.data)} of {len(served.data)} values" if ours is not served else ""
                return owner, detail + beside
        values = {value for name, value in placed if name == served.name}
        proofs = [value for value in served.values() if value.strip('"') in values]
        if proofs:
            return "certificate", f"{len(proofs)} of {len(served.data)} values prove the name to a CA"
    return "foreign", "ours, but changed by somebody else" if entry is not None else ""


def _entitled(installation: Installation, found: Entry | Wanted, want: Wanted | None) -> tuple[str, str]:
    """Whose it is, and why by what is wanted now: the ledger has the reason of when it was published."""
    reason = want.reason if want is not None and want.owner == found.owner else found.reason
    return _titled(installation, found.owner, found.source, reason)


def _titled(installation: Installation, owner: str, source: str, reason: str) -> tuple[str, str]:
    if owner == ZONE_FILE:
        place = reason.removesuffix(" has it")
        return "static", place.removeprefix(f"{installation.config.path.parent}/")
    with installation.engine.reading():
        title = owner_title(installation.engine.registry, owner)
    return ("claim", title) if is_claim(owner) else ("guest", f"{title} ({source})")


def _adopted(installation: Installation, publisher: Publisher, entry: Entry) -> dict[str, Any]:
    want = next(one for one in publisher.state.decision(entry.key.name).wanted if one.key == entry.key)
    owner, detail = _titled(installation, entry.owner, entry.source, entry.reason)
    assert entry.published is not None, "only what is served is adopted"
    return {
        "zone": str(publisher.zone),
        "name": entry.key.name.to_text(omit_final_dot=True),
        "type": dns.rdatatype.to_text(entry.key.type),
        "values": entry.published.values(),
        "ttl": entry.published.ttl,
        "wanted_ttl": want.rrset.ttl,
        "owner": owner,
        "detail": detail,
    }


def _data(rrset: RRset | None) -> dict[str, Any] | None:
    return {"ttl": rrset.ttl, "values": rrset.values()} if rrset is not None else None
