"""The states of a name, in the words of the design."""

from enum import StrEnum


class NameState(StrEnum):
    """``served``: ns1 and every secondary answer it. ``pending``: not everywhere yet. ``held``: kept as it is,
    because its source cannot be seen or a deletion waits. ``refused``: asked for and not published. ``foreign``:
    in the zone, but not ours. ``unknown``: none of these.
    """

    SERVED = "served"
    PENDING = "pending"
    HELD = "held"
    REFUSED = "refused"
    FOREIGN = "foreign"
    UNKNOWN = "unknown"
