"""A zone's YAML, in octoDNS's format, to static records and back; BIND's zone files too.

Top level: a name relative to the zone ('' is the apex) leads to one record or a list of them; a record is a
mapping of ``type``, ``ttl``, and ``value`` or ``values``, with options in ``octodns`` and ``skulldns``.
"""

from skulldns.desired.zonefile.doubts import doubts
from skulldns.desired.zonefile.reading import (
    MAX_TTL,
    MAX_ZONE_FILE,
    ZoneData,
    ZoneRules,
    ZoneText,
    parse_zone,
    read_zone,
)
from skulldns.desired.zonefile.whole import cut_short, ends_itself

__all__ = [
    "MAX_TTL",
    "MAX_ZONE_FILE",
    "ZoneData",
    "ZoneRules",
    "ZoneText",
    "cut_short",
    "doubts",
    "ends_itself",
    "parse_zone",
    "read_zone",
]
