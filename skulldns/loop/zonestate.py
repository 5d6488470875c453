"""What a publisher keeps of its zone: what is wanted, what is served, what is ours. Indexed by name."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TypeVar

from dns.name import Name
from dns.rdatatype import RdataType

from skulldns.model.byvalue import concerning, is_by_value
from skulldns.model.desired import ZONE_FILE, Decision
from skulldns.model.ledger import Entry
from skulldns.model.records import Key, RRset

_Typed = TypeVar("_Typed", RRset, Entry)


class _Served(Mapping[Key, RRset]):
    """The index of what is served, read by key."""

    def __init__(self, current: Mapping[Name, tuple[RRset, ...]]) -> None:
        self._current = current

    def __getitem__(self, key: Key) -> RRset:
        found = _of_type(self._current[key.name], key.type)
        if found is None:
            raise KeyError(key)
        return found

    def __iter__(self) -> Iterator[Key]:
        return (rrset.key for here in self._current.values() for rrset in here)

    def __len__(self) -> int:
        return sum(len(here) for here in self._current.values())


class ZoneState:
    """Three indexes side by side; a change of one name costs the same in a zone of any size.

    What stands at a name is a tuple: most names have one RRset, for which a dict would be four times as large.
    """

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.wanted: dict[Name, Decision] = {}
        self.current: dict[Name, tuple[RRset, ...]] = {}
        self.ledger: dict[Name, tuple[Entry, ...]] = {}
        self.owned_by_source: Counter[str] = Counter()
        self._entries_of: Counter[str] = Counter()
        self._wanted_by: dict[str, set[Key]] = {}
        for entry in entries:
            self.enter(entry)

    def entries_of(self, owner: str) -> int:
        """How many RRsets of ours are ``owner``'s."""
        return self._entries_of[owner]

    def size(self) -> int:
        """How many names the server serves."""
        return len(self.current)

    def names(self) -> set[Name]:
        """Every name where something is wanted or ours."""
        found = set(self.wanted)  # a set takes the hashes of a dict over, and not those of its keys()
        found.update(self.ledger)
        return found

    def decision(self, name: Name) -> Decision:
        return self.wanted.get(name) or Decision(name)

    def want(self, decision: Decision) -> None:
        if self.wanted.get(decision.name) == decision:
            return
        for want in self.decision(decision.name).wanted:
            if want.owner != ZONE_FILE:
                self._wanted_by[want.owner].discard(want.key)
        for want in decision.wanted:
            if want.owner != ZONE_FILE:
                self._wanted_by.setdefault(want.owner, set()).add(want.key)
        if decision.wanted:
            self.wanted[decision.name] = decision
        else:
            self.wanted.pop(decision.name, None)
        if here := self.current.get(decision.name):
            self.current[decision.name] = tuple(map(self._shared, here))

    def serve_all(self, rrsets: Mapping[Key, RRset]) -> None:
        """The server was read as a whole."""
        self.current = {}
        for rrset in rrsets.values():
            self.current[rrset.name] = (*self.current.get(rrset.name, ()), self._shared(rrset))

    def image(self) -> Mapping[Key, RRset]:
        """Everything the server was seen to serve, as a live view that costs nothing to make."""
        return _Served(self.current)

    def serve(self, key: Key, rrset: RRset | None) -> None:
        """The server was seen to serve this at ``key``."""
        _put(self.current, key, None if rrset is None else self._shared(rrset))

    def served(self, key: Key) -> RRset | None:
        """What the server was seen to serve; of data of several writers, what is wanted or ours."""
        found = _of_type(self.current.get(key.name, ()), key.type)
        if found is None or not is_by_value(key):
            return found
        wanted = (want.rrset for want in self.decision(key.name).wanted if want.key == key)
        entry = self.entry(key)
        return concerning(found, *wanted, *((entry.published, entry.intended) if entry else ()))

    def settled(self, name: Name) -> bool:
        """Whether ``name`` was seen to be just as it is wanted, and all of it is ours: at a glance, if shared."""
        decision, here, ours = self.wanted.get(name), self.current.get(name, ()), self.ledger.get(name, ())
        if decision is None or not len(decision.wanted) == len(here) == len(ours):
            return False
        for want in decision.wanted:
            entry = _of_type(ours, want.rrset.type)
            if _of_type(here, want.rrset.type) is not want.rrset or entry is None:
                return False
            if entry.published is not want.rrset or entry.unfinished or entry.owner != want.owner:
                return False
        return True

    def _shared(self, rrset: RRset) -> RRset:
        """The equal RRset that is wanted or ours: held once, what is served costs no memory and compares at once."""
        key = rrset.key
        entry = self.entry(key)
        found = entry.published if entry is not None and entry.published == rrset else rrset
        for want in self.decision(key.name).wanted:
            if want.rrset.type == key.type and want.rrset == rrset:
                found = want.rrset
        if entry is not None and entry.published == found and entry.published is not found:
            _put(self.ledger, key, replace(entry, published=found))
        return found

    def entry(self, key: Key) -> Entry | None:
        return _of_type(self.ledger.get(key.name, ()), key.type)

    def enter(self, entry: Entry) -> None:
        """Put an entry into the ledger, in place of a former one."""
        former = self.entry(entry.key)
        _put(self.ledger, entry.key, entry)
        if former is not None and (former.owner, former.source) == (entry.owner, entry.source):
            return
        if former is not None:
            self._uncount(former)
        self._entries_of[entry.owner] += 1
        self.owned_by_source[entry.source] += 1

    def strike(self, key: Key) -> None:
        """Take an entry out of the ledger, if it is there."""
        entry = self.entry(key)
        if entry is None:
            return
        _put(self.ledger, key, None)
        self._uncount(entry)

    def _uncount(self, entry: Entry) -> None:
        self._entries_of[entry.owner] -= 1
        if not self._entries_of[entry.owner]:
            del self._entries_of[entry.owner]
        self.owned_by_source[entry.source] -= 1

    def unpublished(self, owner: str) -> bool:
        """Whether ``owner`` wants something that is not served yet; a zone file's names do not hang together."""
        wanted = (self.decision(key.name) for key in self._wanted_by.get(owner, ()))
        return any(
            not want.rrset.same_data(self.served(want.key)) for decision in wanted for want in decision.wanted
        )

    def owned_keys(self) -> dict[Key, RRset | None]:
        """Every RRset of ours that should be served."""
        return {entry.key: entry.published for here in self.ledger.values() for entry in here}


def _of_type(here: Iterable[_Typed], rdtype: RdataType) -> _Typed | None:
    for one in here:
        if one.key.type == rdtype:
            return one
    return None


def _put(index: dict[Name, tuple[_Typed, ...]], key: Key, value: _Typed | None) -> None:
    """Replace what stands at ``key``; None takes it away."""
    found = [one for one in index.get(key.name, ()) if one.key.type != key.type]
    if value is not None:
        found.append(value)
    if found:
        index[key.name] = tuple(found)
    else:
        index.pop(key.name, None)
