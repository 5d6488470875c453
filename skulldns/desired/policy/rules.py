"""What the config says about members, as one frozen value. Lengths of time are seconds."""

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

from dns.name import Name

from skulldns.model.guests import IPAddress
from skulldns.model.policy import Approval

_DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Timing:
    """How long the states of a claim last, and how often something is looked at or asked.

    A claim that nobody approves ends after ``approval``, one that nobody proves after ``proof``. A proof is looked at
    every ``proof_every``; once it is missing the claim is suspended after ``proof_lost``. A member confirms a name
    every ``confirm_every``, with ``confirm_grace`` for it; else it is suspended. What such an end suspended is let go
    after ``suspended``. A released name stays blocked for others for ``quarantine``.
    """

    approval: float = 60 * _DAY
    proof: float = 14 * _DAY
    proof_every: float = 7 * _DAY
    proof_lost: float = 14 * _DAY
    confirm_every: float = 365 * _DAY
    confirm_grace: float = 60 * _DAY
    suspended: float = 30 * _DAY
    quarantine: float = 30 * _DAY


@dataclass(frozen=True, slots=True)
class Rules:
    """What members may do.

    ``zones``: where they may claim names, the first by default; ``own_zones``: all that we publish; ``page``: the host
    name of the members' page. ``reserved`` are labels beside the built-in ones. Addresses in ``forbidden`` belong to
    hypervisors, gateways, name servers and proxies; ``networks`` are the guests', ``excluded`` nobody's;
    ``address_networks`` are allowed for a member's own addresses beside all that are global.
    """

    zones: tuple[Name, ...]
    own_zones: tuple[Name, ...] = ()
    page: Name | None = None
    reserved: tuple[str, ...] = ()
    quota: int = 5
    approval: Approval = Approval.NONE
    domains: bool = True
    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    excluded: tuple[IPv4Network | IPv6Network, ...] = ()
    forbidden: frozenset[IPAddress] = frozenset()
    address_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    proxy: bool = True
    body_size: int = 1 << 30
    times: Timing = Timing()

    def zone_of(self, name: Name) -> Name | None:
        """The closest of our zones that ``name`` is in."""
        around = [zone for zone in {*self.zones, *self.own_zones} if name.is_subdomain(zone)]
        return max(around, key=len, default=None)
