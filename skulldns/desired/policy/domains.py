"""Which domains outside of our zones a member may bring."""

from functools import cache

from dns.name import Name
from publicsuffixlist import PublicSuffixList

from skulldns.desired.policy.rules import Rules
from skulldns.errors import Refused
from skulldns.model.certificates import shown

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
    if _suffixes().privatesuffix(text) is None:
        raise Refused(
            f"{text} is a public suffix, below which others have their domains",
            cure="bring a domain of your own",
        )


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


def _zones(rules: Rules) -> str:
    return " or ".join(shown(zone) for zone in rules.zones) or "a zone of ours"
