"""What a publisher keeps of its zone: what is wanted, what is served, what is ours. Indexed by name."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from dns.name import Name
from dns.rdatatype import RdataType

from skulldns.model.byvalue import concerning, is_by_value
from skulldns.model.desired import Decision
from skulldns.model.ledger import Entry
from skulldns.model.records import Key, RRset


class _Served(Mapping[Key, RRset]):
    """The index of what is served, read by key."""

    def __init__(self, current: Mapping[Name, Mapping[RdataType, RRset]]) -> None:
        self._current = current

    def __getitem__(self, key: Key) -> RRset:
        return self._current[key.name][key.type]

    def __iter__(self) -> Iterator[Key]:
        return (rrset.key for here in self._current.values() for rrset in here.values())

    def __len__(self) -> int:
        return sum(len(here) for here in self._current.values())


class ZoneState:
    """Three indexes side by side; a change of one name costs the same in a zone of any size."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.wanted: dict[Name, Decision] = {}
        self.current: dict[Name, dict[RdataType, RRset]] = {}
        self.ledger: dict[Name, dict[RdataType, Entry]] = {}
        self.owned_by_source: Counter[str] = Counter()
        self._entries_of: Counter[str] = Counter()
        self._wanted_by: defaultdict[str, set[Key]] = defaultdict(set)
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
            self._wanted_by[want.owner].discard(want.key)
        for want in decision.wanted:
            self._wanted_by[want.owner].add(want.key)
        if decision.wanted:
            self.wanted[decision.name] = decision
        else:
            self.wanted.pop(decision.name, None)
        here = self.current.get(decision.name, {})
        for rdtype, rrset in here.items():
            here[rdtype] = self._shared(Key(decision.name, rdtype), rrset)

    def serve_all(self, rrsets: Mapping[Key, RRset]) -> None:
        """The server was read as a whole."""
        self.current = {}
        for key, rrset in rrsets.items():
            self.current.setdefault(key.name, {})[key.type] = self._shared(key, rrset)

    def image(self) -> Mapping[Key, RRset]:
        """Everything the server was seen to serve, as a live view that costs nothing to make."""
        return _Served(self.current)

    def serve(self, key: Key, rrset: RRset | None) -> None:
        """The server was seen to serve this at ``key``."""
        here = self.current.setdefault(key.name, {})
        if rrset is None:
            here.pop(key.type, None)
        else:
            here[key.type] = self._shared(key, rrset)
        if not here:
            del self.current[key.name]

    def served(self, key: Key) -> RRset | None:
        """What the server was seen to serve; of data of several writers, what is wanted or ours."""
        found = self.current.get(key.name, {}).get(key.type)
        if found is None or not is_by_value(key):
            return found
        wanted = (want.rrset for want in self.decision(key.name).wanted if want.key == key)
        entry = self.entry(key)
        return concerning(found, *wanted, *((entry.published, entry.intended) if entry else ()))

    def settled(self, name: Name) -> bool:
        """Whether ``name`` was seen to be just as it is wanted, and all of it is ours: at a glance, if shared."""
        decision, here, ours = self.wanted.get(name), self.current.get(name, {}), self.ledger.get(name, {})
        if decision is None or not len(decision.wanted) == len(here) == len(ours):
            return False
        for want in decision.wanted:
            entry = ours.get(want.rrset.type)
            if here.get(want.rrset.type) is not want.rrset or entry is None:
                return False
            if entry.published is not want.rrset or entry.unfinished or entry.owner != want.owner:
                return False
        return True

    def _shared(self, key: Key, rrset: RRset) -> RRset:
        """The equal RRset that is wanted or ours: held once, what is served costs no memory and compares at once."""
        entry = self.entry(key)
        found = entry.published if entry is not None and entry.published == rrset else rrset
        for want in self.decision(key.name).wanted:
            if want.rrset.type == key.type and want.rrset == rrset:
                found = want.rrset
        if entry is not None and entry.published == found and entry.published is not found:
            self.ledger[key.name][key.type] = replace(entry, published=found)
        return found

    def entry(self, key: Key) -> Entry | None:
        return self.ledger.get(key.name, {}).get(key.type)

    def enter(self, entry: Entry) -> None:
        """Put an entry into the ledger, in place of a former one."""
        self.strike(entry.key)
        self.ledger.setdefault(entry.key.name, {})[entry.key.type] = entry
        self._entries_of[entry.owner] += 1
        self.owned_by_source[entry.source] += 1

    def strike(self, key: Key) -> None:
        """Take an entry out of the ledger, if it is there."""
        here = self.ledger.get(key.name, {})
        entry = here.pop(key.type, None)
        if entry is None:
            return
        if not here:
            del self.ledger[key.name]
        self._entries_of[entry.owner] -= 1
        if not self._entries_of[entry.owner]:
            del self._entries_of[entry.owner]
        self.owned_by_source[entry.source] -= 1

    def unpublished(self, owner: str) -> bool:
        """Whether ``owner`` wants something that is not served yet."""
        wanted = (self.decision(key.name) for key in self._wanted_by.get(owner, ()))
        return any(
            not want.rrset.same_data(self.served(want.key)) for decision in wanted for want in decision.wanted
        )

    def owned_keys(self) -> dict[Key, RRset | None]:
        """Every RRset of ours that should be served."""
        return {entry.key: entry.published for here in self.ledger.values() for entry in here.values()}
