"""Which types a zone file may have."""

import difflib
import re
from functools import lru_cache

import dns.exception
import dns.rdatatype
from dns.rdatatype import RdataType

from skulldns.desired.yamltext import Kind, Node, Scalar, error_at, misread, shown
from skulldns.errors import ConfigError

SIGNERS_OWN = frozenset(
    {
        RdataType.RRSIG,
        RdataType.NSEC,
        RdataType.NSEC3,
        RdataType.NSEC3PARAM,
        RdataType.DNSKEY,
        RdataType.CDS,
        RdataType.CDNSKEY,
        RdataType.make(65534),
    }
)
"""What a signing server makes by itself (RFC 4034, 5155, 7344; 65534 is BIND's note of its progress)."""

_FEATURES = {
    "ALIAS": "write A and AAAA records, or a CNAME where it is not the apex",
    "URLFWD": "let a web server answer with the redirect",
}
_PROVIDERS_OWN = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*/\w+")


def read_type(node: Node, *, apex: bool) -> RdataType | ConfigError:
    """The type of a record; a warning for octoDNS's types that are not DNS. Raises ``ConfigError``."""
    if isinstance(node, Scalar) and node.kind is Kind.TEXT:
        known = _known(node.text)
        if known is not None and not (apex and known is RdataType.CNAME):
            return known
    return _unusual(node, apex=apex)


@lru_cache(maxsize=256)
def _known(text: str) -> RdataType | None:
    """The type if it may be used; remembered, since a file has few types and many records."""
    try:
        rdtype = dns.rdatatype.from_text(text)
    except (dns.exception.DNSException, ValueError):  # ValueError: TYPE99999
        return None
    metatype = dns.rdatatype.is_metatype(rdtype) or rdtype == RdataType.NONE
    if rdtype is RdataType.SOA or rdtype in SIGNERS_OWN or metatype:
        return None
    return rdtype


def _unusual(node: Node, *, apex: bool) -> ConfigError:
    if not isinstance(node, Scalar):
        raise error_at(node, "the type must be text", "write one type, such as A")
    if node.kind is not Kind.TEXT:
        raise misread(node, "the type", node.file)
    text = node.text
    if text in _FEATURES:
        return error_at(
            node, f"the {text} record is left out: some providers have it, DNS does not", _FEATURES[text]
        )
    if _PROVIDERS_OWN.fullmatch(text):
        return error_at(
            node, f"the {text} record is left out: it is one provider's own", "write records that DNS has"
        )
    try:
        rdtype = dns.rdatatype.from_text(text)
    except (dns.exception.DNSException, ValueError):
        near = difflib.get_close_matches(text.upper(), RdataType.__members__, 1)
        cure = f"did you mean {near[0]}?" if near else "write a type that DNS has, such as A or TXT"
        raise error_at(node, f"unknown type {shown(text)}", cure) from None
    name = dns.rdatatype.to_text(rdtype)
    if rdtype is RdataType.SOA:
        raise error_at(node, "the SOA is the name server's own", "take the record out")
    if rdtype in SIGNERS_OWN:
        raise error_at(node, f"{name} comes from the name server that signs", "take the record out")
    if apex and rdtype is RdataType.CNAME:
        raise error_at(
            node, "the apex cannot have a CNAME, since it has SOA and NS", "write A and AAAA records"
        )
    raise error_at(node, f"{name} is no type of data", "take the record out")
