"""DNS-01 with name servers in memory, and what the world finds at a name."""

from ipaddress import ip_address

import dns.name
import dns.resolver
import pytest
from dns.rdatatype import AAAA, CAA, CNAME, NS, TXT, A

from skulldns.errors import Refused, Unavailable
from skulldns.model.certificates import Caa, Challenge, Proof
from skulldns.model.records import Key, rrset
from skulldns.store.acme import PlacedStore
from skulldns.store.database import open_for_looking
from skulldns.targets.challenges.dns01 import DnsProver, ZoneServers
from skulldns.targets.challenges.lookups import NameLookups
from skulldns.targets.fake import FakeNameServer, FakeZone

ZONE = dns.name.from_text("vmsrv.test")
RECORD = dns.name.from_text("_acme-challenge", ZONE)
KEY = Key(RECORD, TXT)
ONE, TWO = (Proof(ZONE, Challenge.DNS01, "token", value) for value in ("one", "two"))


class World:
    """One zone on ns1 and ns2, and a prover; ``begin`` starts it anew, as after a crash."""

    def __init__(self) -> None:
        self.zone = FakeZone(ZONE, [rrset(ZONE, NS, 60, ["ns1.vmsrv.test."])])
        self.ns1 = FakeNameServer(self.zone)
        self.ns2 = FakeNameServer(self.zone, "192.0.2.54:53", secondary=True)
        self.memory = PlacedStore(open_for_looking("sqlite://"))
        self.servers = {ZONE: [ZoneServers(self.ns1, [self.ns2])]}
        self.begin()

    def begin(self) -> None:
        self.prover = DnsProver(self.servers, self.memory)

    def values(self) -> list[str]:
        found = self.zone.rrsets.get(KEY)
        return found.values() if found else []


@pytest.fixture
def world() -> World:
    return World()


def test_two_proofs_share_a_name_and_go_one_by_one(world: World) -> None:
    for proof in (ONE, TWO):
        world.prover.place(proof)
        assert world.prover.seen(proof)
    assert world.values() == ['"one"', '"two"']
    world.prover.remove(ONE)
    assert world.values() == ['"two"']
    world.prover.remove(TWO)
    assert world.values() == []
    assert world.memory.placed() == []


def test_it_is_not_seen_before_the_secondary_has_it(world: World) -> None:
    world.ns2.lagging = True
    world.prover.place(ONE)
    assert not world.prover.seen(ONE)
    assert world.ns2.messages["notify"] == 2
    world.ns2.lagging = False
    assert not world.prover.seen(ONE)  # which notifies once more
    assert world.prover.seen(ONE)


def test_it_is_written_down_before_it_is_sent(world: World) -> None:
    world.ns1.lost_answers = 1
    with pytest.raises(Unavailable):
        world.prover.place(ONE)
    assert world.values() == ['"one"']
    assert world.memory.placed() == [(RECORD, "one")]


def test_what_a_crash_left_is_swept_by_value(world: World) -> None:
    world.prover.place(ONE)
    world.zone.put(rrset(RECORD, TXT, 10, ['"one"', '"not-ours"']))
    world.begin()
    assert world.prover.sweep() == 1
    assert world.values() == ['"not-ours"']
    assert world.prover.sweep() == 0


def test_what_cannot_be_swept_now_is_swept_later(world: World) -> None:
    world.prover.place(ONE)
    world.ns1.down = True
    assert world.prover.sweep() == 0
    world.ns1.down = False
    assert world.prover.sweep() == 1


def test_what_a_server_ignores_is_told(world: World) -> None:
    world.zone.put(rrset(RECORD, CNAME, 60, ["elsewhere.test."]))
    world.prover.place(ONE)
    with pytest.raises(Refused, match=r"_acme-challenge\.vmsrv\.test is an alias"):
        world.prover.seen(ONE)


@pytest.mark.parametrize("which", ["ns1", "ns2"])
def test_a_server_that_is_away_stops_it_before_a_ca_is_asked(world: World, which: str) -> None:
    getattr(world, which).down = True
    with pytest.raises(Unavailable):
        world.prover.check(ZONE)


def test_a_name_outside_of_our_zones_has_no_way(world: World) -> None:
    with pytest.raises(Refused, match="in none of our zones"):
        world.prover.check(dns.name.from_text("example.org"))


def test_the_closest_zone_counts(world: World) -> None:
    below = dns.name.from_text("sub", ZONE)
    other = FakeZone(below)
    prover = DnsProver({**world.servers, below: [ZoneServers(FakeNameServer(other))]}, world.memory)
    prover.place(Proof(dns.name.from_text("www", below), Challenge.DNS01, "token", "one"))
    assert [str(key.name) for key in other.rrsets] == ["_acme-challenge.www.sub.vmsrv.test."]


def test_a_proof_stands_in_all_views_and_goes_from_all(world: World) -> None:
    inside = FakeZone(ZONE)
    world.servers[ZONE].append(ZoneServers(FakeNameServer(inside), public=False))
    world.begin()
    world.prover.place(ONE)
    assert world.prover.seen(ONE)
    assert (world.values(), inside.rrsets[KEY].values()) == (['"one"'], ['"one"'])
    inside.drop(KEY)
    with pytest.raises(Unavailable, match="does not answer the TXT record"):
        world.prover.seen(ONE)
    world.prover.remove(ONE)
    assert (world.values(), inside.rrsets) == ([], {})


# ------------------------------------------------------------------------------------------ look-ups


def test_only_a_public_view_tells_what_the_world_finds(world: World) -> None:
    www = dns.name.from_text("www", ZONE)
    inside = FakeNameServer(FakeZone(ZONE, [rrset(www, A, 60, ["192.0.2.5"])]), "192.0.2.55:53")
    world.servers[ZONE].insert(0, ZoneServers(inside, public=False))
    world.zone.put(rrset(www, A, 60, ["203.0.113.5"]))
    world.ns2.transfer()
    found = NameLookups(world.servers, no_resolver).addresses(www)
    assert found == dict.fromkeys(["192.0.2.53:53", "192.0.2.54:53"], frozenset({ip_address("203.0.113.5")}))


def no_resolver() -> dns.resolver.Resolver:
    raise dns.resolver.NoResolverConfiguration


def test_addresses_are_asked_of_every_server_of_the_zone(world: World) -> None:
    www = dns.name.from_text("www", ZONE)
    world.ns2.lagging = True
    world.zone.put(rrset(www, A, 60, ["203.0.113.5"]), rrset(www, AAAA, 60, ["2001:db8::5"]))
    found = NameLookups(world.servers, no_resolver).addresses(www)
    both = frozenset({ip_address("203.0.113.5"), ip_address("2001:db8::5")})
    assert found == {"192.0.2.53:53": both, "192.0.2.54:53": frozenset()}


def test_an_alias_is_followed(world: World) -> None:
    www, target = dns.name.from_text("www", ZONE), dns.name.from_text("web", ZONE)
    world.zone.put(rrset(www, CNAME, 60, ["web.vmsrv.test."]), rrset(target, A, 60, ["203.0.113.5"]))
    world.ns2.transfer()
    found = NameLookups(world.servers, no_resolver).addresses(www)
    assert set(found.values()) == {frozenset({ip_address("203.0.113.5")})}


def test_an_alias_of_itself_ends(world: World) -> None:
    www = dns.name.from_text("www", ZONE)
    world.zone.put(rrset(www, CNAME, 60, ["www.vmsrv.test."]))
    world.ns2.transfer()
    assert set(NameLookups(world.servers, no_resolver).addresses(www).values()) == {frozenset()}


def test_caa_of_our_zones_is_asked_of_the_primary(world: World) -> None:
    world.zone.put(rrset(ZONE, CAA, 60, ['0 ISSUE "ca.test"']))
    lookups = NameLookups(world.servers, no_resolver)
    assert lookups.caa(ZONE) == [Caa(0, "issue", "ca.test")]
    assert lookups.caa(dns.name.from_text("www", ZONE)) == []


def test_without_a_resolver_the_world_cannot_be_looked_up(world: World) -> None:
    lookups = NameLookups(world.servers, no_resolver)
    with pytest.raises(Unavailable, match=r"example\.org cannot be looked up"):
        lookups.addresses(dns.name.from_text("example.org"))
