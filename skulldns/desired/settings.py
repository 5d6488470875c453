"""What the config says about guests, as one frozen value for each zone that takes guests."""

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

from dns.name import Name

from skulldns.model.guests import IPAddress
from skulldns.model.policy import OnStop, Publish


@dataclass(frozen=True, slots=True)
class GuestSettings:
    """How the guests of one source are published in ``zone``.

    ``grace`` and ``ttl`` are in seconds; ``reserved`` are labels beside the built-in ones that no guest gets, the
    hypervisor's own name among them; ``forbidden`` are addresses that no guest publishes.
    """

    zone: Name
    ttl: int
    networks: tuple[IPv4Network | IPv6Network, ...]
    reverse: tuple[Name, ...] = ()
    publish: Publish = Publish.GUEST
    on_stop: OnStop = OnStop.KEEP
    grace: float = 86400.0
    reserved: tuple[str, ...] = ()
    forbidden: frozenset[IPAddress] = frozenset()
    proxy_addresses: tuple[IPAddress, ...] = ()
