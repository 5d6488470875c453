"""Members of the config: the rules for their claims, and the workers that publish these."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

import dns.name
from dns.name import Name

from skulldns.config import Config
from skulldns.desired.policy.rules import Rules, Timing
from skulldns.desired.settings import ClaimSettings
from skulldns.loop.challenges import ChallengeWatch
from skulldns.loop.claims import ClaimWatch
from skulldns.loop.clock import Clock
from skulldns.loop.engine import Engine
from skulldns.loop.front import Front
from skulldns.loop.health import Ping
from skulldns.loop.mailbox import Mailbox, Worker
from skulldns.loop.names import Names
from skulldns.loop.notices import NoticeWatch
from skulldns.loop.probing import Probes
from skulldns.loop.proofs import ProofWatch
from skulldns.loop.showing import Showing
from skulldns.loop.telling import Telling
from skulldns.model.sites import SiteRule, Upstream
from skulldns.store.acme import PlacedStore
from skulldns.store.office import Office
from skulldns.store.protocol import AssignmentMemory
from skulldns.store.proving import ClaimStore
from skulldns.store.showing import ViewStore
from skulldns.targets.challenges.dns01 import DnsProver
from skulldns.targets.challenges.lookups import NameLookups
from skulldns.wiring.guests import forbidden, host_labels
from skulldns.wiring.nameservers import connections, resolver

_PROBES_AT_ONCE = 8

Pings = Callable[[], Sequence[Ping]]


@dataclass(frozen=True, slots=True)
class Members:
    """Everything that the daemon does for members' claims."""

    office: Office
    claims: ClaimWatch
    proofs: ProofWatch
    challenges: ChallengeWatch
    showing: Showing
    telling: Telling
    notices: NoticeWatch | None
    probing: ThreadPoolExecutor

    def workers(self) -> Iterable[tuple[str, Worker]]:
        """Each worker with a name for its thread."""
        yield "claims", self.claims
        yield "proofs", self.proofs
        yield "challenges", self.challenges
        yield "showing", self.showing
        yield "telling", self.telling
        if self.notices is not None:
            yield "notices", self.notices

    def woken(self) -> Iterable[Mailbox]:
        """Who wants to know at once when something in the store has changed."""
        yield self.claims.mailbox
        yield self.proofs.mailbox
        yield self.challenges.mailbox
        if self.notices is not None:
            yield self.notices.mailbox

    def close(self) -> None:
        self.probing.shutdown(wait=False, cancel_futures=True)


def build_members(
    config: Config,
    office: Office,
    assignments: AssignmentMemory,
    placed: PlacedStore,
    engine: Engine,
    clock: Clock,
) -> Callable[[Names, Front, Pings], Members]:
    """The workers for claims, in two steps: those that the engine begins with, then those that read it."""
    claims = ClaimStore(office)
    watch = ClaimWatch(claims, assignments, engine.mailbox, rules(config).times, clock)
    engine.begin_with(watch.load())

    def finish(names: Names, front: Front, pings: Pings) -> Members:
        servers = connections(config)
        lookups = NameLookups(connections(config), lambda: resolver(config))
        pool = ThreadPoolExecutor(_PROBES_AT_ONCE, thread_name_prefix="probe")
        mailbox = Mailbox()
        probes = Probes(front.prober, pool, clock, lambda: mailbox.put(None))
        views = ViewStore(office)
        showing = Showing(names, front, probes, views, clock, mailbox)
        engine.tell(showing.mailbox)
        return Members(
            office,
            watch,
            ProofWatch(claims, lookups.texts, rules(config), clock),
            ChallengeWatch(claims, DnsProver(servers, placed), placed.placed, views, clock),
            showing,
            Telling(pings, views, clock),
            _notices(config, office, front, clock),
            pool,
        )

    return finish


def _notices(config: Config, office: Office, front: Front, clock: Clock) -> NoticeWatch | None:
    if config.notices is None:
        return None
    from skulldns.wiring.notices import build_notices  # noqa: PLC0415 - its HTTP library takes long to load

    return build_notices(config, office, lambda: front.alarms(clock.wall()), rules(config).times, clock)


def rules(config: Config) -> Rules:
    """What members may do, as the config says."""
    policy = config.policy
    zones = tuple(zone.name for zone in config.zones.values() if zone.claims)
    reverse = (name for zone in config.zones.values() for name in zone.reverse)
    return Rules(
        zones=zones,
        own_zones=(*(zone.name for zone in config.zones.values()), *reverse),
        page=page(config),
        reserved=(*policy.reserved, *host_labels(config)),
        quota=policy.quota,
        approval=policy.approval,
        domains=policy.domains and config.proxy is not None and config.acme is not None,
        networks=config.networks,
        excluded=config.excluded,
        forbidden=forbidden(config),
        address_networks=policy.address_networks,
        proxy=config.proxy is not None,
        times=Timing(quarantine=policy.quarantine),
    )


def claim_settings(config: Config) -> ClaimSettings:
    """How claims are published."""
    zones = [zone for zone in config.zones.values() if zone.claims]
    views = {
        view.view: view.publish or config.guests.publish
        for zone in zones
        for view in zone.views
        if view.view is not None
    }
    return ClaimSettings(
        ttl=min((zone.ttl for zone in zones), default=60),
        views=views,
        proxy_addresses=tuple(map(ip_address, config.proxy.addresses)) if config.proxy else (),
        zones=tuple(zone.name for zone in config.zones.values() if zone.guests and config.acme),
        page=page_upstream(config),
        login=f"{config.web.url.rstrip('/')}/enter" if config.web else None,
    )


def page(config: Config) -> Name | None:
    """The host name of the members' page."""
    host = urlsplit(config.web.url).hostname if config.web else None
    return dns.name.from_text(host) if host and not _is_address(host) else None


def page_upstream(config: Config) -> Upstream | None:
    """Where the page listens."""
    if config.web is None:
        return None
    address, _, port = config.web.listen.rpartition(":")
    return Upstream(ip_address(address.strip("[]")), int(port))


def page_rules(config: Config) -> tuple[SiteRule, ...]:
    """The site of the page, where it is reached through our proxy."""
    name, upstream = page(config), page_upstream(config)
    if name is None or upstream is None or config.proxy is None or not config.web:
        return ()
    if urlsplit(config.web.url).scheme != "https" or any(name in rule.names for rule in config.sites):
        return ()
    return (SiteRule((name,), upstream=upstream),)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
