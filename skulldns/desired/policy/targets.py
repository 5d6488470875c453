"""Who may point a name at what: own guests, own addresses, and names and web addresses elsewhere."""

import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from dns.name import Name

from skulldns.desired.policy.addresses import judge_address
from skulldns.desired.policy.alike import shown_name, shown_text
from skulldns.desired.policy.hostnames import any_hostname
from skulldns.desired.policy.labels import port
from skulldns.desired.policy.rules import Rules
from skulldns.errors import Refused
from skulldns.model.claims import AddressTarget, AliasTarget, GuestTarget, RedirectTarget, Target
from skulldns.model.guests import said
from skulldns.model.sites import Scheme
from skulldns.model.views import GuestView

_SCHEMES = (Scheme.HTTP, Scheme.HTTPS)
_LONGEST_URL = 2_000
_REST = re.compile(r"(?:/[A-Za-z0-9._~!&'()*+,;=:@/%?-]{0,1000})?", re.ASCII)
_NOT_IN_REST = re.compile(r"[^A-Za-z0-9._~!&'()*+,;=:@/%?-]", re.ASCII)
_NOWHERE = frozenset({"localhost", "local", "invalid", "onion", "alt", "internal", "arpa"})


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a target: the guest, the member who has the name that an alias leads to, if it is one of ours,
    the claimed names that it leads on to from there, and the guests that have one of the addresses.
    """

    guest: GuestView | None = None
    goal_owner: str | None = None
    onwards: tuple[Name, ...] = ()
    at_address: tuple[GuestView, ...] = ()


def judge_target(target: Target, name: Name, member: str, facts: Facts, rules: Rules) -> Target:
    """The target as it may be kept. Raises ``Refused`` for one that ``member`` may not point ``name`` at."""
    own_domain = rules.zone_of(name) is None
    match target:
        case GuestTarget():
            _judge_guest(target, member, facts.guest, rules, own_domain=own_domain)
        case AliasTarget(goal):
            _no_record_outside(name, own_domain=own_domain)
            _judge_alias(goal, name, member, facts, rules)
        case AddressTarget(ipv4, ipv6):
            _no_record_outside(name, own_domain=own_domain)
            for address in (one for one in (ipv4, ipv6) if one is not None):
                judge_address(address, rules)
            _judge_own_address(facts, member)
        case RedirectTarget(url):
            _needs_proxy(rules)
            return RedirectTarget(redirect_url(url, name))
    return target


def redirect_url(text: str, name: Name | None = None) -> str:
    """A web address to send visitors of ``name`` to: http or https, a host name, no user, no fragment.

    Letters of other languages in the host are encoded (IDNA 2008). Raises ``Refused``.
    """
    if len(text) > _LONGEST_URL or not text.isprintable():
        raise _no_url(text)
    try:
        parts = urlsplit(text)
        number = parts.port
    except ValueError:
        raise _no_url(text) from None
    if parts.scheme not in _SCHEMES or not parts.hostname or "@" in parts.netloc:
        raise _no_url(text)
    rest = parts.path + (f"?{parts.query}" if parts.query else "")
    _judge_rest(rest, text)
    host = any_hostname(parts.hostname)
    _judge_somewhere(host)
    if host == name:
        raise Refused(f"{shown_name(host)} would lead to itself", cure="give another address")
    shown_port = "" if number is None else f":{port(number)}"
    return f"{parts.scheme}://{host.to_text(omit_final_dot=True)}{shown_port}{rest}"


def _judge_rest(rest: str, text: str) -> None:
    """Refuse what cannot stand after the host, and say what of it that is."""
    if "#" in text:
        raise Refused(f"{shown_text(text[:100])} has a part after #", cure="leave out # and what follows it")
    if wrong := _NOT_IN_REST.search(rest):
        escaped = quote(wrong[0])
        raise Refused(
            f"{shown_text(text[:100])} has {shown_text(wrong[0])} after the host",
            cure=f"write it as {escaped}",
        )
    if not _REST.fullmatch(rest):
        raise _no_url(text)


def _judge_guest(
    target: GuestTarget, member: str, guest: GuestView | None, rules: Rules, *, own_domain: bool
) -> None:
    if guest is None or guest.owner != member:
        # One answer for both, so that nobody learns which guests there are.
        raise Refused("there is no such guest of yours", cure="choose one of your guests, or ask an admin")
    port(target.port)
    if target.scheme not in _SCHEMES:
        raise Refused(f"{target.scheme} cannot be chosen here", cure="choose http or https")
    if target.direct and own_domain:
        raise Refused(
            "a domain of your own is served by the proxy", cure="write the guest's addresses into its zone"
        )
    if not target.direct:
        _needs_proxy(rules)


def _judge_alias(goal: Name, name: Name, member: str, facts: Facts, rules: Rules) -> None:
    text = goal.to_text(omit_final_dot=True)
    if any_hostname(text) != goal:
        raise Refused(f"{said(text)} is not a host name", cure="write the whole name in small letters")
    _judge_somewhere(goal)
    if goal == name or goal.is_subdomain(name):
        raise Refused(f"{shown_name(name)} would lead to itself", cure="give another name")
    if name in facts.onwards:
        raise Refused(f"{shown_name(goal)} leads back to {shown_name(name)}", cure="give another name")
    if rules.page is not None and goal == rules.page:
        raise Refused("an alias cannot lead to the address of this page", cure="give another name")
    if rules.zone_of(goal) is not None and facts.goal_owner != member:
        raise Refused(f"{shown_name(goal)} is not a name of yours", cure="give one of your names or guests")


def _judge_own_address(facts: Facts, member: str) -> None:
    if any(guest.owner != member for guest in facts.at_address):
        raise Refused("another's guest has that address", cure="give the address of your own router")


def _judge_somewhere(host: Name) -> None:
    text = host.to_text(omit_final_dot=True)
    if text.rpartition(".")[2] in _NOWHERE:
        raise Refused(f"{text} is nowhere in the public DNS", cure="give a public name")


def _no_record_outside(name: Name, *, own_domain: bool) -> None:
    if own_domain:
        raise Refused(
            f"{shown_name(name)} is in a zone of your own, where we write no record",
            cure="write it there yourself, or choose a guest or a redirect",
        )


def _needs_proxy(rules: Rules) -> None:
    if not rules.proxy:
        raise Refused("there is no proxy here", cure="choose the guest's own addresses")


def _no_url(text: str) -> Refused:
    return Refused(
        f"{shown_text(text[:100])} is no address to send visitors to", cure="write it as https://host/path"
    )
