"""What the config says about guests, as one frozen value for each source."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network

from dns.name import Name

from skulldns.model.assignments import Assignment
from skulldns.model.guests import Guest, IPAddress
from skulldns.model.policy import Https, OnStop, Publish


@dataclass(frozen=True, slots=True)
class GuestSettings:
    """How the guests of one source are published in ``zone``.

    ``grace`` and ``ttl`` are in seconds; ``reserved`` are labels beside the built-in ones that no guest gets, the
    hypervisor's own name among them; ``forbidden`` are addresses and ``excluded`` networks that no guest publishes.
    ``publish``, ``https`` and ``port`` are for guests of which nobody says anything else; ``show_owner``: whether pages
    say whose a guest is; ``assigned`` is what the
    config assigns to guests, by their names or identities.
    """

    zone: Name
    ttl: int
    networks: tuple[IPv4Network | IPv6Network, ...]
    reverse: tuple[Name, ...] = ()
    publish: Publish = Publish.GUEST
    https: Https = Https.AUTO
    port: int = 80
    show_owner: bool = False
    on_stop: OnStop = OnStop.KEEP
    grace: float = 86400.0
    reserved: tuple[str, ...] = ()
    forbidden: frozenset[IPAddress] = frozenset()
    excluded: tuple[IPv4Network | IPv6Network, ...] = ()
    proxy_addresses: tuple[IPAddress, ...] = ()
    assigned: Mapping[str, Assignment] = field(default_factory=dict)

    def assignment(self, guest: Guest) -> tuple[str, Assignment]:
        """What the config assigns to ``guest``, and under which key: its identity counts before its name."""
        key = guest.id if guest.id in self.assigned else guest.name
        return key, self.assigned.get(key, Assignment())
