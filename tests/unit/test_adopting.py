"""What stood in the zone before becomes ours when a person asks, or when the ledger was lost; else never."""

import dns.name
import pytest

from skulldns.model.guests import GuestId
from skulldns.model.records import Key, rrset
from skulldns.model.zones import ZoneId
from skulldns.store.ledger import LedgerStore
from tests.unit.loopworld import ZONE, LoopWorld, guest


class _Marks(set[ZoneId]):
    """Into which zones we ever published."""

    def has(self, zone: ZoneId) -> bool:
        return zone in self

    def put(self, zone: ZoneId) -> None:
        self.add(zone)


def _all(_key: Key) -> bool:
    return True


def _world(*, published: bool, ttl: int = 60) -> tuple[LoopWorld, Key]:
    """A world whose ledger is empty, and a record there as its guest wants it."""
    world = LoopWorld()
    marks = _Marks({ZoneId(ZONE)} if published else ())
    world.ledger = LedgerStore(world._database, marks)
    found = rrset(dns.name.from_text("web", ZONE), dns.rdatatype.A, ttl, ["192.0.2.10"])
    world.zone.put(found)
    world.source.put(guest("web", "192.0.2.10"))
    world.begin()
    return world, found.key


def test_a_new_ledger_adopts_nothing_by_itself() -> None:
    world, key = _world(published=False)
    world.run(5)
    assert world.name("web").state == "foreign"
    assert "skulldns zone adopt web.vmsrv.test A" in world.name("web").reason
    assert world.ledger.entries(ZoneId(ZONE)) == []
    assert world.publisher.plan().changes == ()
    assert [entry.key for entry in world.publisher.adoptable(_all)] == [key]
    assert world.ledger.entries(ZoneId(ZONE)) == []


def test_a_lost_ledger_adopts_what_equals_the_desired_state() -> None:
    world, key = _world(published=True)
    world.run(5)
    assert world.name("web").state == "served"
    assert [entry.key for entry in world.ledger.entries(ZoneId(ZONE))] == [key]


def test_what_is_adopted_goes_with_its_guest() -> None:
    world, key = _world(published=False)
    world.run(5)
    [entry] = world.publisher.adopt(_all)
    assert (entry.key, entry.owner) == (key, "id-web")
    world.run(5)
    assert world.name("web").state == "served"
    assert world.publisher.adopt(_all) == []
    world.source.remove(GuestId("id-web"))
    world.run(60)
    assert key not in world.zone.rrsets


def test_another_ttl_is_set_after_adopting() -> None:
    world, key = _world(published=False, ttl=300)
    world.run(5)
    [entry] = world.publisher.adoptable(_all)
    assert entry.published is not None
    assert entry.published.ttl == 300
    world.publisher.adopt(_all)
    world.run(5)
    assert world.zone.rrsets[key].ttl == 60
    assert world.name("web").state == "served"


@pytest.mark.parametrize("value", ["192.0.2.11"])
def test_other_data_is_not_adopted(value: str) -> None:
    world, key = _world(published=False)
    world.zone.put(rrset(key.name, key.type, 60, [value]))
    world.run(5)
    assert world.publisher.adopt(_all) == []
    assert world.zone.rrsets[key].values() == [value]


def test_only_what_is_chosen_is_adopted() -> None:
    world, key = _world(published=False)
    world.put_by_hand("more", "A", "192.0.2.12")
    world.source.put(guest("more", "192.0.2.12"))
    world.run(70)
    assert len(world.publisher.adoptable(_all)) == 2
    assert [entry.key for entry in world.publisher.adopt(lambda one: one == key)] == [key]
    assert world.name("more").state == "foreign"
