"""Registered domains: what a CA counts certificates by."""

from functools import cache

import dns.name
from dns.name import Name
from publicsuffixlist import PublicSuffixList

from skulldns.model.certificates import shown


def registered(name: Name) -> Name:
    """The public suffix of ``name`` and one more label; a public suffix itself, if ``name`` is one."""
    text = shown(name).lower()
    return dns.name.from_text(_suffixes().privatesuffix(text) or text)


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()
