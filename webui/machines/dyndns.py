"""Routers update their addresses: the protocol called dyndns2, as its clients ``ddclient`` and ``inadyn`` speak it.

Source: the "Remote Access API" of Dyn (return codes, ``/nic/update``). One line for each name, in their order.
"""

import math
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TypeVar

from flask import Blueprint, Response, request

from skulldns.desired.policy.hostnames import any_hostname
from skulldns.errors import Conflict, Refused, Unavailable
from skulldns.model.claims import AddressTarget, ClaimState
from skulldns.model.tokens import Scope
from webui.context import desk, now
from webui.desk import claims, machines
from webui.limits import Rate, limiter
from webui.machines.callers import Caller, basic, caller
from webui.security import for_machines
from webui.sessions import client_address

RATE = Rate(burst=30, per_second=0.1)
"""Updates of one token: a router asks when its address changes, and now and then besides."""

_MOST_NAMES = 20  # as Dyn's API has it
_MOST_ADDRESSES = 4

blueprint = Blueprint("dyndns", __name__)

Addresses = tuple[IPv4Address | None, IPv6Address | None]
Address = TypeVar("Address", IPv4Address, IPv6Address)


@blueprint.route("/nic/update", methods=["GET", "POST"])
@for_machines
def update() -> Response:
    """Give the names in ``hostname`` the addresses in ``myip``, or the one that the request comes from."""
    login, text = basic()
    try:
        found = caller(text, Scope.DYNDNS, login=login)
    except Refused:
        answer = _lines("badauth", 401)
        answer.headers["WWW-Authenticate"] = 'Basic realm="dynamic addresses"'
        return answer
    wait = limiter().wait(f"dyndns {found.token.id}", RATE, now())
    if wait:
        answer = _lines("abuse")  # clients read the text only where the status is 200
        answer.headers["Retry-After"] = str(math.ceil(wait))
        return answer
    names = [name.strip() for name in request.values.get("hostname", "").split(",")]
    if names == [""]:
        return _lines("notfqdn")
    if len(names) > _MOST_NAMES:
        return _lines("numhost")
    try:
        addresses = _addresses()
    except Refused:
        return _lines("\n".join("dnserr" for _ in names))
    return _lines("\n".join(_updated(found, name, addresses) for name in names))


@blueprint.get("/nic/checkip")
@for_machines
def check_address() -> Response:
    """The address that the request comes from, for clients that do not know their router's."""
    return _lines(client_address())


def _updated(found: Caller, text: str, addresses: Addresses) -> str:
    """The return code for one name."""
    try:
        name = any_hostname(text)
    except Refused:
        return "notfqdn"
    if not found.token.allows(Scope.DYNDNS, name):
        return "nohost"
    if not _is_updated_by_router(found, text):
        return "nohost"
    try:
        _claim, changed = machines.set_addresses(desk(), found.actor, name, *addresses, now())
    except Refused:
        return "dnserr"
    except (Conflict, Unavailable):
        return "911"
    given = [address for address in addresses if address is not None]
    return f"{'good' if changed else 'nochg'} {','.join(map(str, given))}"


def _is_updated_by_router(found: Caller, text: str) -> bool:
    """Whether the member has an active claim there that leads to an address."""
    try:
        claim = claims.find(desk(), found.actor, text)
    except Refused:
        return False
    return claim.state is ClaimState.ACTIVE and isinstance(claim.target, AddressTarget)


def _addresses() -> Addresses:
    """At most one address of each kind. Raises ``Refused`` for what is none, or two of one kind."""
    words = [word.strip() for word in request.values.get("myip", "").split(",") if word.strip()]
    extra = request.values.get("myipv6", "").strip()
    words += [extra] if extra else []
    if len(words) > _MOST_ADDRESSES:
        raise Refused("there are too many addresses", cure="give one of each kind")
    ipv4: IPv4Address | None = None
    ipv6: IPv6Address | None = None
    for word in words or [client_address()]:
        try:
            found = ip_address(word)
        except ValueError as error:
            raise Refused("this is no address", cure="write one such as 192.0.2.7") from error
        if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
            found = found.ipv4_mapped
        if isinstance(found, IPv4Address):
            ipv4 = _only(ipv4, found)
        else:
            ipv6 = _only(ipv6, found)
    return ipv4, ipv6


def _only(former: Address | None, found: Address) -> Address:
    if former is not None and former != found:
        raise Refused("there are two addresses of one kind", cure="give one of each")
    return found


def _lines(text: str, status: int = 200) -> Response:
    return Response(text + "\n", status, mimetype="text/plain")
