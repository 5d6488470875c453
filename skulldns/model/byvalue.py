"""RRsets that several writers fill: each owns its values, and nobody owns the RRset."""

from dns.rdatatype import RdataType

from skulldns.model.records import Key, RRset

CHALLENGE = b"_acme-challenge"
"""The first label where a CA looks for proofs (RFC 8555 section 8.4); several orders have theirs there at once."""


def is_by_value(key: Key) -> bool:
    """Whether data of ``key`` are added and taken away value by value, beside those of other writers."""
    return key.type is RdataType.TXT and key.name.labels[0].lower() == CHALLENGE


def concerning(served: RRset | None, *mine: RRset | None) -> RRset | None:
    """What of ``served`` is to be compared with ``mine``: all, or, of many writers' data, the values in ``mine``.

    While others' values stand beside them, the TTL is theirs as well as ours (RFC 2181 section 5.2): it is shown
    as that of the first RRset in ``mine``, so that writers do not fight for it.
    """
    if served is None or not is_by_value(served.key):
        return served
    known = [rrset for rrset in mine if rrset is not None]
    data = served.data & frozenset().union(*(rrset.data for rrset in known))
    if not data:
        return None
    return served if data == served.data else RRset(served.name, served.type, known[0].ttl, data)
