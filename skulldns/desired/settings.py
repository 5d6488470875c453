"""What the config says about guests, as one frozen value for each source."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network

from dns.name import Name

from skulldns.model.assignments import Assignment
from skulldns.model.guests import Guest, IPAddress
from skulldns.model.policy import Https, OnStop, Publish
from skulldns.model.sites import Upstream


@dataclass(frozen=True, slots=True)
class GuestSettings:
    """How the guests of one source are published in ``zone``.

    ``grace`` and ``ttl`` are in seconds; ``reserved`` are labels beside the built-in ones that no guest gets, the
    hypervisor's own name among them; ``forbidden`` are addresses and ``excluded`` networks that no guest publishes.
    ``publish``, ``https`` and ``port`` are for guests of which nobody says anything else, ``views`` what each view of
    the zone publishes then; ``show_owner``: whether pages
    say whose a guest is; ``assigned`` is what the
    config assigns to guests, by their names or identities.
    """

    zone: Name
    ttl: int
    networks: tuple[IPv4Network | IPv6Network, ...]
    reverse: tuple[Name, ...] = ()
    publish: Publish = Publish.GUEST
    views: Mapping[str, Publish] = field(default_factory=dict)
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


@dataclass(frozen=True, slots=True)
class ClaimSettings:
    """How members' claims are published: ``ttl`` in seconds; ``views`` are what each view of their zone publishes.

    In a view that publishes guests' addresses a claim of a guest's site has these, elsewhere the proxy's.
    ``login`` is the address of the page where visitors of a site for members only sign in, ``page`` where it is asked.
    """

    ttl: int = 60
    views: Mapping[str, Publish] = field(default_factory=dict)
    proxy_addresses: tuple[IPAddress, ...] = ()
    zones: tuple[Name, ...] = ()
    page: Upstream | None = None
    login: str | None = None
