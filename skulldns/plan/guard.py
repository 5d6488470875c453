"""The guard: which deletions may be made now, and which wait for a look or for a person (laws 3 and 10).

Deletions are counted over the last hour, so that many small plans weigh as much as a big one. Those that nobody
announced (a guest merely not seen any more, a line gone from a zone file) may be ``percent`` of the RRsets that
we have from the same source; with one RRset of one that is none. Those that a source announced and a look
confirmed may be ``ANNOUNCED_PERCENT``, and always ``ANNOUNCED_FREE``, so that an ordinary end of a guest in a
small zone needs nobody. A name that moves with its guest (a rename) is no loss and is not counted. What a person ended
(a claim released or suspended) has been agreed to by that: it goes at once, whichever source is silent, and is not
counted either, so that nobody's names wait for somebody else's.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from dns.name import Name

from skulldns.model.changes import Action, Change
from skulldns.model.desired import ZONE_FILE, Evidence, Farewell
from skulldns.model.interned import canonicals
from skulldns.model.plan import Block, Blocked, Plan
from skulldns.model.policy import Mode
from skulldns.model.records import Key, RRset
from skulldns.model.zones import ZoneId

ANNOUNCED_PERCENT = 50
ANNOUNCED_FREE = 20
WINDOW = 3600.0
"""Seconds over which deletions are counted."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What the guard needs to know besides the changes.

    ``owned`` counts our RRsets in the zone by source; ``deleted`` those deleted in the last ``WINDOW`` by source
    and by evidence; ``unseen`` counts, by source, our RRsets whose guests it does not show just now though nobody
    announced their end;
    ``silent_sources`` are those that have not answered since start; ``agreed`` is the checksum a person agreed
    to; ``unpublished`` are owners with a name that is wanted but not there yet.
    """

    mode: Mode
    percent: int
    owned: Mapping[str, int]
    deleted: Mapping[tuple[str, Evidence], int]
    unseen: Mapping[str, int] = field(default_factory=dict)
    silent_sources: tuple[str, ...] = ()
    agreed: str | None = None
    unpublished: Collection[str] = ()


def guarded(
    zone: ZoneId,
    changes: Sequence[Change],
    conflicts: Sequence[tuple[Key, str]],
    farewell: Callable[[str], Farewell],
    around: Circumstances,
) -> Plan:
    """Judge ``changes`` and make the plan."""
    allowed: list[Change] = []
    blocked: list[Blocked] = []
    deletions: list[Change] = []
    retained = {change.name for change in changes if change.after is not None}
    changes = sorted(changes, key=_order)
    for change in changes:
        if held := _held(change, retained, farewell, around):
            blocked.append(held)
        elif change.action is not Action.DELETE or change.name in retained:
            # What gives way to something else at its name is no loss.
            allowed.append(change)
        else:
            deletions.append(change)
    checksum = _checksum(zone, sorted([*allowed, *deletions], key=_order) if deletions else allowed)
    for group, reason in _weighed(deletions, farewell, around):
        if reason and around.agreed != checksum:
            blocked += [Blocked(change, Block.GUARD, reason) for change in group]
        else:
            allowed += group
    order = {Action.DELETE: 0, Action.REPLACE: 1, Action.ADD: 2}
    if deletions:
        allowed.sort(key=_order)
    allowed.sort(key=lambda one: order[one.action])
    return Plan(zone, tuple(allowed), tuple(blocked), tuple(conflicts), checksum)


def _held(
    change: Change, retained: Collection[Name], farewell: Callable[[str], Farewell], around: Circumstances
) -> Blocked | None:
    """What keeps one change back by itself; None when nothing does."""
    if around.mode is Mode.OBSERVE:
        return Blocked(change, Block.MODE, "the zone's mode is observe")
    if change.source in around.silent_sources:
        # What is remembered of its guests may be older than what was published last.
        return Blocked(change, Block.WAITING, f"{change.source} has not answered yet")
    if change.action is not Action.DELETE:
        return None
    if around.mode is Mode.NO_DELETES:
        return Blocked(change, Block.MODE, "the zone's mode is no-deletes")
    if around.silent_sources and farewell(change.owner).evidence is not Evidence.DECIDED:
        silent = ", ".join(around.silent_sources)
        return Blocked(change, Block.WAITING, f"{silent} has not answered yet")
    if change.owner != ZONE_FILE and change.owner in around.unpublished and change.name not in retained:
        return Blocked(change, Block.WAITING, "its owner's new name is not served yet")
    return None


def _weighed(
    deletions: Sequence[Change], farewell: Callable[[str], Farewell], around: Circumstances
) -> Iterator[tuple[list[Change], str | None]]:
    """The deletions by source and evidence, each group with the reason why it is too big, if it is."""
    groups: defaultdict[tuple[str, Evidence], list[Change]] = defaultdict(list)
    for change in deletions:
        groups[change.source, farewell(change.owner).evidence].append(change)
    for (source, evidence), group in groups.items():
        count = len(group)
        if evidence is Evidence.UNSEEN:
            # Guests vanish one by one from our view: the first of many must not pass as the only one.
            count = max(count, around.unseen.get(source, 0))
        done = around.deleted.get((source, evidence), 0)
        yield group, _too_many(source, evidence, count, done, around.owned.get(source, 0), around.percent)


def _too_many(source: str, evidence: Evidence, count: int, done: int, owned: int, percent: int) -> str | None:
    """Why ``count`` deletions after ``done`` others are too many of ``owned`` RRsets; None if they are not."""
    if evidence in {Evidence.DECIDED, Evidence.MOVED}:
        return None
    everything = owned + done
    limit = everything * percent // 100
    if evidence is Evidence.ANNOUNCED:
        limit = max(everything * ANNOUNCED_PERCENT // 100, ANNOUNCED_FREE)
    if count + done <= limit:
        return None
    return (
        f"{count + done} of {everything} RRsets of {source} would be deleted within an hour, the guard lets "
        f"{limit} pass; look at `skulldns plan` and agree with `skulldns apply --checksum`"
    )


def _order(change: Change) -> tuple[tuple[bytes, ...], int]:
    return change.key.order


def _checksum(zone: ZoneId, changes: Sequence[Change]) -> str:
    """Twelve hexadecimal digits that name exactly these changes, which are sorted."""
    digest = hashlib.sha256(zone.name.to_digestable() + (zone.view or "").encode())
    for change in changes:
        digest.update(repr((change.key.order, *map(_fingerprint, (change.before, change.after)))).encode())
    return digest.hexdigest()[:12]


def _fingerprint(rrset: RRset | None) -> tuple[int, Sequence[bytes]] | None:
    """What tells an RRset of one key from another."""
    if rrset is None:
        return None
    return rrset.ttl, canonicals(rrset.type, rrset.data)
