"""Compare what is wanted with what the server serves and what we put there: the changes, without any judgement."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from dns.name import Name
from dns.rdatatype import RdataType
from dns.rdtypes.ANY.NS import NS

from skulldns.model.byvalue import concerning, is_by_value
from skulldns.model.changes import Change
from skulldns.model.desired import ZONE_FILE, Decision, Farewell, Wanted
from skulldns.model.ledger import Entry
from skulldns.model.plan import ADOPTABLE
from skulldns.model.records import Key, RRset

_CUTS = frozenset({RdataType.NS, RdataType.DNAME})
_ADDRESSES = frozenset({RdataType.A, RdataType.AAAA})

BESIDE_CNAME = frozenset({RdataType.CNAME, RdataType.RRSIG, RdataType.NSEC, RdataType.KEY})
"""Types that may stand at one name with a CNAME (RFC 2181 section 10.1, RFC 4034)."""


@dataclass(slots=True)
class Difference:
    """What comparing some names gave.

    ``changes`` lead from current to desired; ``conflicts`` say what foreign data is in the way; ``adopted`` are
    RRsets that are as we want them and belong in the ledger; ``forgotten`` are ledger keys that are not ours any
    more or are gone.
    """

    changes: list[Change] = field(default_factory=list)
    conflicts: dict[Key, str] = field(default_factory=dict)
    adopted: list[Entry] = field(default_factory=list)
    forgotten: list[Key] = field(default_factory=list)


def compare(
    decisions: Iterable[Decision],
    current: Mapping[Name, Collection[RRset]],
    ledger: Mapping[Name, Collection[Entry]],
    farewell: Callable[[str], Farewell],
    zone: Name,
    *,
    adopt_equal: bool = False,
) -> Difference:
    """Compare each decided name in ``zone``. ``adopt_equal`` takes foreign RRsets that equal ours into the ledger."""
    found = Difference()
    below: list[tuple[Decision, Name]] = []
    servers: set[Name] = set()
    for decision in decisions:
        servers |= {name for want in decision.wanted for name in _nameservers(want.rrset)}
        if decision.wanted and (cut := _cut_above(decision.name, zone, current)):
            below.append((decision, cut))
        else:
            here, ours = current.get(decision.name, ()), ledger.get(decision.name, ())
            _compare_name(found, decision, here, ours, farewell, adopt_equal=adopt_equal)
    for decision, cut in below:
        leads_to = servers.union(*map(_nameservers, current[cut]))
        hides_all = any(rrset.type is RdataType.DNAME for rrset in current[cut])
        is_glue = not hides_all and decision.name in leads_to
        glue = tuple(want for want in decision.wanted if is_glue and _may_be_glue(want))
        hidden = {want.key for want in decision.wanted if want not in glue}
        reason = f"{cut.to_text(omit_final_dot=True)} above it is delegated, so nobody would be answered it"
        cure = "remove the NS or DNAME there, or choose another name"
        found.conflicts |= dict.fromkeys(hidden, f"{reason}; {cure}")
        if glue:
            visible = Decision(decision.name, glue)
            here = current.get(decision.name, ())
            ours = [entry for entry in ledger.get(decision.name, ()) if entry.key not in hidden]
            _compare_name(found, visible, here, ours, farewell, adopt_equal=adopt_equal)
    return found


def _nameservers(rrset: RRset) -> frozenset[Name]:
    """Where a delegation leads; nothing for data of another type."""
    if rrset.type is not RdataType.NS:
        return frozenset()
    return frozenset(data.target for data in rrset.data if isinstance(data, NS))


def _may_be_glue(want: Wanted) -> bool:
    """Addresses of a zone file: a delegation needs those of name servers below it (RFC 1034 4.2.1)."""
    return want.owner == ZONE_FILE and want.rrset.type in _ADDRESSES


def _cut_above(name: Name, zone: Name, current: Mapping[Name, Collection[RRset]]) -> Name | None:
    """The delegation or DNAME between ``zone`` and ``name`` that hides the name (RFC 1034 4.2.1, RFC 6672 2.3)."""
    above = name
    while len(above) > len(zone) + 1:
        above = above.parent()
        if any(rrset.type in _CUTS for rrset in current.get(above, ())):
            return above
    return None


def _compare_name(
    found: Difference,
    decision: Decision,
    served: Iterable[RRset],
    entries: Iterable[Entry],
    farewell: Callable[[str], Farewell],
    *,
    adopt_equal: bool,
) -> None:
    here, ours = {rrset.type: rrset for rrset in served}, {entry.key.type: entry for entry in entries}
    wanted = {want.rrset.type: want for want in decision.wanted}
    foreign = {
        rdtype
        for rdtype, rrset in here.items()
        if not (rdtype in ours and ours[rdtype].covers(rrset))
        and not (adopt_equal and rdtype in wanted and wanted[rdtype].rrset == rrset)
    }
    for rdtype, want in wanted.items():
        entry = ours.get(rdtype)
        current = concerning(here.get(rdtype), want.rrset, *_known(entry))
        _compare_wanted(found, want, current, entry, foreign - {rdtype}, ours, adopt_equal=adopt_equal)
    for rdtype, entry in ours.items():
        if rdtype not in wanted:
            current = concerning(here.get(rdtype), *_known(entry))
            _compare_unwanted(found, entry, current, farewell(entry.owner).reason)


def _known(entry: Entry | None) -> tuple[RRset | None, ...]:
    return (entry.published, entry.intended) if entry is not None else ()


def _is_ours(entry: Entry, current: RRset) -> bool:
    """Whether ``current`` may be changed: it is just what we put there, or values that are known to be ours."""
    return is_by_value(entry.key) or entry.covers(current)


def _compare_wanted(
    found: Difference,
    want: Wanted,
    current: RRset | None,
    entry: Entry | None,
    foreign: set[RdataType],
    ours: Mapping[RdataType, Entry],
    *,
    adopt_equal: bool,
) -> None:
    key = want.key
    if current is None:
        if clash := _clash(want, foreign, taken=bool(ours)):
            found.conflicts[key] = clash
        else:
            alone = want.alone and not ours and not foreign
            found.changes.append(Change(None, want.rrset, want.owner, want.source, want.reason, alone))
        return
    mine = entry is not None and _is_ours(entry, current)
    if current == want.rrset and (mine or entry is not None or adopt_equal):
        if entry is None or entry.unfinished or entry.published != current or entry.owner != want.owner:
            found.adopted.append(Entry(key, want.owner, want.source, want.reason, current))
    elif mine:
        found.changes.append(Change(current, want.rrset, want.owner, want.source, want.reason))
    elif current.same_data(want.rrset):
        found.conflicts[key] = f"{key} is {ADOPTABLE}; take it over with `skulldns zone adopt {key}`"
    else:
        whose = "was changed by somebody else" if entry is not None else "is somebody else's"
        found.conflicts[key] = (
            f"{key} {' '.join(current.values())} {whose}; delete it by hand, or take the name from the guest or file"
        )


def _clash(want: Wanted, foreign: set[RdataType], *, taken: bool) -> str | None:
    """Why foreign RRsets at the name keep ``want`` from being added (law 4); None if they do not."""
    if not foreign:
        return None
    names = ", ".join(sorted(rdtype.name for rdtype in foreign))
    exclusive = want.rrset.type is RdataType.CNAME and foreign - BESIDE_CNAME
    if exclusive or RdataType.CNAME in foreign or (want.alone and not taken):
        name = want.key.name.to_text(omit_final_dot=True)
        return f"{name} has {names} that somebody else put there; delete it by hand, or choose another name"
    return None


def _compare_unwanted(found: Difference, entry: Entry, current: RRset | None, reason: str) -> None:
    if current is None or not _is_ours(entry, current):
        found.forgotten.append(entry.key)
    else:
        found.changes.append(Change(current, None, entry.owner, entry.source, reason))
