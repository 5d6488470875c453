"""`plan --base`: what changed zone files would change on the servers, without daemon, state or sources."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from skulldns import wiring
from skulldns.config import Config, load_zone_file
from skulldns.daemon.once import look
from skulldns.daemon.verbs import Verbs
from skulldns.model.desired import ZONE_FILE
from skulldns.model.ledger import Entry
from skulldns.model.records import Key, RRset
from skulldns.model.zones import ZoneId

_MEMORY = "sqlite://"


def proposed(config: Config, base: Config) -> dict[str, Any]:
    """The plan that leads from the zone files of ``base`` to those of ``config``, as the servers serve them now.

    What ``base``'s files have counts as published by us; everything else in the zones is left alone. Raises
    ``ConfigError`` for a file with an error, and ``Unavailable`` when no primary can be read.
    """
    files = replace(config, sources=(), proxy=None, database=_MEMORY)
    installation = wiring.build(files, read_only=True)
    try:
        for publisher in installation.publishers:
            for entry in _entries(*(_statics(one, publisher.zone) for one in (base, config))):
                publisher.state.enter(entry)
        look(installation, secondaries=False)
        return Verbs(installation, lambda _, function: function()).plan()
    finally:
        installation.close()


def _statics(config: Config, zone: ZoneId) -> Mapping[Key, RRset]:
    """The static records of a zone, or of one view of it: its own go before those of all views."""
    configured = config.zones.get(zone.name)
    records = load_zone_file(configured) if configured else ()
    ordered = sorted(records, key=lambda one: one.view is not None)
    return {one.rrset.key: one.rrset for one in ordered if one.view in {None, zone.view}}


def _entries(before: Mapping[Key, RRset], after: Mapping[Key, RRset]) -> Iterable[Entry]:
    """A ledger in which either side is ours: what the files had, and what was already published from the new ones."""
    for key in before.keys() | after.keys():
        old, new = before.get(key), after.get(key)
        yield Entry(key, ZONE_FILE, ZONE_FILE, "the base has it", old, new, unfinished=True)
