"""Look at instances, with what is known of their addresses."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from skulldns.model.guests import Guest, GuestId, GuestState, IPAddress, SourceName, Trust
from skulldns.sources.host.neighbours import Neighbours
from skulldns.sources.incus.addresses import hostnames, interfaces
from skulldns.sources.incus.answers import (
    BadAnswer,
    Instance,
    Lease,
    Network,
    parse_instance,
    parse_instances,
    parse_leases,
    parse_networks,
)
from skulldns.sources.incus.api import Api, NotFound
from skulldns.sources.incus.places import Place, Places

OtherLeases = Callable[[str], Mapping[str, tuple[Lease, ...]]]
"""The leases by MAC that this host knows on a bridge of this name, which the daemon does not manage."""

_DEFAULT = "default"


@dataclass(slots=True)
class _Look:
    """What one look has learned so far. Everything in it is asked for once."""

    neighbours: Neighbours
    leases: dict[tuple[str, str], Mapping[str, tuple[Lease, ...]]] = field(default_factory=dict)
    networks: set[str] = field(default_factory=set)
    """The projects whose networks are fresh."""


class Reader:
    """Looks with a number of requests that does not depend on how many instances there are.

    All of them: one request for each project that is named (one if none is), then for each project with running
    instances its networks, and the leases of those in use. One of them: the instance, and the leases of its networks.
    """

    def __init__(
        self,
        api: Api,
        source: SourceName,
        places: Places,
        *,
        projects: Sequence[str],
        trust: Trust,
        neighbours: Callable[[], Neighbours],
        other_leases: OtherLeases,
    ) -> None:
        """``neighbours`` and ``other_leases`` are this host's own knowledge, for a daemon on this host."""
        self._api = api
        self._source = source
        self._places = places
        self._projects = projects
        self._trust = trust
        self._neighbours = neighbours
        self._other_leases = other_leases
        self._networks: dict[str, Mapping[str, Network]] = {}
        self._gateways: set[IPAddress] = set()

    def guests(self) -> tuple[list[Guest], frozenset[GuestId]]:
        """Look at all; return the guests, and who exists and cannot be read."""
        instances = self._all("2")
        if any(instance.state is None and instance.uuid is None for instance in instances):
            # Of an instance whose state fails there is but the name; without states its UUID is told.
            uuids = {_place(instance): instance.uuid for instance in self._all("1")}
        else:
            uuids = {}
        self._networks = {}
        self._gateways = set()
        look = _Look(self._neighbours())
        found: dict[GuestId, tuple[Instance, Mapping[str, tuple[Lease, ...]]]] = {}
        unreadable = set()
        identities: dict[Place, GuestId] = {}
        for instance in instances:
            place = _place(instance)
            uuid = instance.uuid or uuids.get(place)
            identity = GuestId(uuid) if uuid else self._places.identity(place)
            if identity in identities.values():
                identity = place.provisional  # two with one UUID: the first keeps it
            identities[place] = identity
            if instance.state is None:
                unreadable.add(identity)
            else:
                found[identity] = (instance, self._leases(instance, look))
        self._places.replace(identities)
        guests = [self._guest(identity, *known, look) for identity, known in found.items()]
        return guests, frozenset(unreadable)

    def guest(self, identity: GuestId) -> Guest | None:
        """Look at one; None if there is none."""
        place = self._places.place(identity)
        instance = self._instance(place) if place else None
        if instance is None or not _may_be(instance, identity):
            # It may have been renamed while nobody listened.
            instance = self._find(identity)
            if instance is None:
                self._places.forget(identity)
                return None
        if instance.state is None:
            raise BadAnswer(f"the state of the instance {instance.name!r} cannot be read")
        if instance.uuid and not self._places.is_settled(identity):
            identity = GuestId(instance.uuid)
        self._places.put(_place(instance), identity)
        look = _Look(self._neighbours())
        return self._guest(identity, instance, self._leases(instance, look), look)

    def _all(self, recursion: str) -> list[Instance]:
        if not self._projects:
            query = {"recursion": recursion, "all-projects": "true"}
            return parse_instances(self._api.get("instances", **query), _DEFAULT)
        return [
            instance
            for project in self._projects
            for instance in parse_instances(
                self._api.get("instances", recursion=recursion, project=project), project
            )
        ]

    def _instance(self, place: Place) -> Instance | None:
        if self._projects and place.project not in self._projects:
            return None
        try:
            answer = self._api.get("instances", place.name, recursion="1", project=place.project)
        except NotFound:
            return None
        return parse_instance(answer, place.project)

    def _find(self, identity: GuestId) -> Instance | None:
        """Ask who has this UUID; the daemon itself looks through its instances."""
        if not _is_uuid(identity):
            return None
        query = {"recursion": "1", "filter": f"config.volatile.uuid eq {identity}"}
        scopes = [{"project": project} for project in self._projects] or [{"all-projects": "true"}]
        for scope in scopes:
            answer = self._api.get("instances", **query, **scope)
            for instance in parse_instances(answer, scope.get("project", _DEFAULT)):
                if instance.uuid == identity:
                    return self._instance(_place(instance))
        return None

    def _leases(self, instance: Instance, look: _Look) -> Mapping[str, tuple[Lease, ...]]:
        """Return the leases by MAC on the networks of an instance; none while it is stopped."""
        found: dict[str, tuple[Lease, ...]] = {}
        for name in sorted({nic.network for nic in instance.nics if nic.network}):
            network = self._network(instance.project, name, look)
            if instance.state is GuestState.RUNNING:
                where = (instance.project, name)
                if where not in look.leases:
                    known = network is not None and network.leases
                    look.leases[where] = self._told(*where) if known else self._other_leases(name)
                for nic in instance.nics:
                    if nic.network == name and nic.mac:
                        found[nic.mac] = look.leases[where].get(nic.mac, ())
        return found

    def _network(self, project: str, name: str, look: _Look) -> Network | None:
        if name not in self._networks.get(project, {}) and project not in look.networks:
            look.networks.add(project)
            networks = parse_networks(self._api.get("networks", recursion="1", project=project))
            self._networks[project] = {network.name: network for network in networks}
            self._gateways.update(*(network.gateways for network in networks))
        return self._networks[project].get(name)

    def _told(self, project: str, network: str) -> Mapping[str, tuple[Lease, ...]]:
        """Ask for the leases of a network; the daemon tells those of one project's instances."""
        try:
            leases = parse_leases(self._api.get("networks", network, "leases", project=project))
        except NotFound:
            return {}
        self._gateways.update(leases.gateways)
        return leases.by_mac

    def _guest(
        self, identity: GuestId, instance: Instance, leases: Mapping[str, tuple[Lease, ...]], look: _Look
    ) -> Guest:
        assert instance.state is not None
        own = (nic.host for nic in instance.nics)
        return Guest(
            id=identity,
            source=self._source,
            name=instance.name,
            state=instance.state,
            interfaces=interfaces(instance, leases, look.neighbours, self._trust),
            options=instance.options,
            forbidden=frozenset(self._gateways).union(*own),
            hostnames=hostnames(instance, leases),
        )


def _place(instance: Instance) -> Place:
    return Place(instance.project, instance.name)


def _may_be(instance: Instance, identity: GuestId) -> bool:
    return identity == _place(instance).provisional or identity == instance.uuid


def _is_uuid(identity: GuestId) -> bool:
    """Whether this can be an instance's UUID; identities of other sources may look otherwise."""
    try:
        return str(UUID(identity)) == identity
    except ValueError:
        return False
