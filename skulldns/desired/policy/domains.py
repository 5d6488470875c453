"""Which domains outside of our zones a member may bring."""

from functools import cache

from dns.name import Name
from publicsuffixlist import PublicSuffixList

from skulldns.desired.policy.alike import shown_name, shown_text, unicode_labels
from skulldns.desired.policy.rules import Rules
from skulldns.errors import Refused
from skulldns.model.certificates import shown

_FEWEST = 3  # labels of a domain: its own, the top-level domain's, and the root's
_MOST = 128  # labels of a name (RFC 1035 section 2.3.4: 255 bytes)
_FOR_TESTS = b"test"  # RFC 6761 section 6.2
_NOWHERE = ("localhost", "local", "invalid", "onion", "alt", "internal", "arpa")
"""Top-level domains of RFC 6761, 6762, 7686, 9476, ICANN's ``internal``, and ``arpa`` of RFC 3172."""


def judge_domain(name: Name, rules: Rules) -> None:
    """Refuse what no member can own: public suffixes, parents of our zones, names near the page, and no-one's names."""
    text = shown(name)
    if not rules.domains:
        raise Refused(f"{text} is in none of our zones", cure=f"claim a name in {_zones(rules)}")
    if any(zone.is_subdomain(name) for zone in (*rules.zones, *rules.own_zones)):
        raise Refused(f"{text} holds a zone of ours", cure="bring a domain of your own")
    if text.rpartition(".")[2] in _NOWHERE:
        raise Refused(f"{text} is nowhere in the public DNS", cure="bring a registered domain")
    known = _suffixes().publicsuffix(text) is not None
    if not known and not _is_ours(name, rules):
        raise _no_such_top(name, rules)
    if (known and _suffixes().privatesuffix(text) is None) or len(name) < _FEWEST:
        raise Refused(
            f"{text} is a public suffix, below which others have their domains",
            cure="bring a domain of your own",
        )


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList(accept_unknown=False)


def _is_ours(name: Name, rules: Rules) -> bool:
    """Whether the top-level domain is one of ours, or for tests, though no list has it."""
    ours = (*rules.zones, *rules.own_zones, *filter(None, (rules.page,)))
    return name.labels[-2] in {_FOR_TESTS, *(one.labels[-2] for one in ours if len(one) > 1)}


def _no_such_top(name: Name, rules: Rules) -> Refused:
    top = shown_text(unicode_labels(name)[-1])
    cure = "bring a registered domain"
    if rules.zones and len(name) + len(rules.zones[0]) <= _MOST:
        cure = f"did you mean {shown_name(name)}.{shown_name(rules.zones[0])}?"
    return Refused(f"{top} is no top-level domain", cure=cure)


def _zones(rules: Rules) -> str:
    return " or ".join(shown(zone) for zone in rules.zones) or "a zone of ours"
