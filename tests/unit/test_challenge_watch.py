"""ACME clients' TXT values: placed, shown as served, taken away; one that cannot be holds up no others."""

from collections import Counter

import dns.name
import pytest

from skulldns.errors import Refused, Unavailable
from skulldns.loop.challenges import ChallengeWatch
from skulldns.loop.clock import Clock
from skulldns.model import certificates
from skulldns.model.claims import AddressTarget, ChallengeValue, ClaimState
from skulldns.model.guests import GuestId
from skulldns.model.members import Member
from skulldns.model.views import HeldName
from skulldns.store.acme import PlacedStore
from skulldns.store.showing import ViewStore
from skulldns.targets.challenges.dns01 import DnsProver, ZoneServers
from skulldns.targets.challenges.fake import FakeProver
from skulldns.targets.fake import FakeNameServer, FakeZone
from skulldns.targets.protocol import Prover
from tests.unit.claimworld import ClaimWorld
from tests.unit.loopworld import ZONE


def _clock(world: ClaimWorld) -> Clock:
    return Clock(lambda: world.now + world.jumped, lambda: world.now, lambda: 0.0)


class _Placing:
    """A claim with TXT values, a primary to place them on, and what is remembered of that."""

    def __init__(self) -> None:
        self.world = ClaimWorld()
        self.zone = FakeZone(ZONE)
        self.server = FakeNameServer(self.zone)
        self.placed = PlacedStore(self.world.store_engine, of_members=True)
        self.claim = self.world.claim("blog", AddressTarget())
        self.begin()

    def begin(self, prover: Prover | None = None) -> None:
        """As after a restart."""
        prover = prover or DnsProver({ZONE: (ZoneServers(self.server),)}, self.placed)
        views = ViewStore(self.world.office)
        self.watch = ChallengeWatch(self.world.claims, prover, self.placed.placed, views, _clock(self.world))

    def want(self, *values: str) -> None:
        """The member's client wants these values now."""
        until = self.world.now + 3600
        given = tuple(ChallengeValue(self.claim.name, value, until) for value in values)
        self.claim = self.world.store(self.claim, challenges=given)

    def shown(self, value: str) -> bool:
        """Whether the client is told that all servers answer it."""
        with self.world.office.reading() as books:
            return books.views.serves(self.claim.name, value)

    def run(self, seconds: float) -> None:
        """Let only the watch work for so long."""
        end = self.world.now + seconds
        while self.world.now < end:
            self.world.now += self.watch.step() or 1e-6

    def served(self, label: str = "blog") -> set[str]:
        """The values that are there."""
        found = [one for key, one in self.zone.rrsets.items() if f"_acme-challenge.{label}" in str(key)]
        return {value for one in found for value in one.values()}


def test_values_are_placed_beside_those_of_others_and_taken_away_by_themselves() -> None:
    placing = _Placing()
    placing.world.zone = placing.zone
    placing.world.put_by_hand("_acme-challenge.blog", "TXT", '"somebody-else"')
    placing.want("one", "two")
    placing.watch.step()
    assert placing.served() == {'"somebody-else"', '"one"', '"two"'}
    placing.want("two")
    placing.watch.step()
    assert placing.served() == {'"somebody-else"', '"two"'}
    placing.world.store(placing.claim, state=ClaimState.SUSPENDED)
    placing.watch.step()
    assert placing.served() == {'"somebody-else"'}
    assert placing.placed.placed() == []


def test_what_a_crash_left_is_taken_away_and_what_is_wanted_stays() -> None:
    placing = _Placing()
    placing.want("one", "two")
    placing.watch.step()
    placing.begin()
    placing.want("two")
    before = placing.server.messages["update"]
    placing.watch.step()
    assert placing.served() == {'"two"'}
    assert placing.server.messages["update"] == before + 1


def test_a_value_that_was_remembered_and_never_placed_is_no_trouble() -> None:
    placing = _Placing()
    placing.placed.remember(dns.name.from_text("_acme-challenge.blog", ZONE), "half-done")
    placing.watch.step()
    assert placing.placed.placed() == []
    assert placing.served() == set()


def test_a_primary_that_is_down_is_asked_less_and_less_and_gets_everything_then() -> None:
    placing = _Placing()
    placing.want("one")
    placing.server.down = True
    waits = [_pass(placing) for _ in range(6)]
    assert waits == sorted(waits)
    assert waits[-1] > 2 * waits[0]
    assert placing.served() == set()
    placing.server.down = False
    placing.watch.step()
    assert placing.served() == {'"one"'}


def _pass(placing: _Placing) -> float:
    wait = placing.watch.step()
    placing.world.now += wait
    return wait


def test_a_value_outside_of_our_zones_holds_up_no_others(caplog: pytest.LogCaptureFixture) -> None:
    placing = _Placing()
    elsewhere = dns.name.from_text("a.example.net.")
    until = placing.world.now + 3600
    placing.world.claim(
        "a.example.net.", AddressTarget(), challenges=(ChallengeValue(elsewhere, "lost", until),)
    )
    placing.want("one")
    placing.watch.step()
    assert placing.served() == {'"one"'}
    assert "in none of our zones" in caplog.text


class _Picky(FakeProver):
    """Places all but the values in ``bad``, and counts how often it is asked for each."""

    def __init__(self, bad: dict[str, Exception]) -> None:
        super().__init__()
        self.bad = bad
        self.tries: Counter[str] = Counter()

    def place(self, proof: certificates.Proof) -> None:
        self.tries[proof.content] += 1
        if error := self.bad.get(proof.content):
            raise error
        super().place(proof)


@pytest.mark.parametrize("error", [Refused("not here"), Unavailable("it is down")])
def test_one_bad_value_is_tried_again_alone_and_holds_up_no_others(error: Exception) -> None:
    placing, prover = _Placing(), _Picky({"a": error})
    placing.begin(prover)
    placing.want("a", "b")
    placing.run(60)
    assert [one.content for one in prover.placed] == ["b"]
    assert prover.tries["b"] == 1
    assert 5 <= prover.tries["a"] <= 20
    before = prover.tries["a"]
    placing.want("a", "b", "c")
    placing.watch.step()
    assert [one.content for one in prover.placed] == ["b", "c"]
    assert prover.tries["a"] <= before + 1
    prover.bad.clear()
    placing.run(20)
    assert placing.shown("a")


def test_a_value_that_is_no_text_holds_up_no_others() -> None:
    placing = _Placing()
    placing.want("a\\", "b" * 300, "one")
    placing.watch.step()
    assert placing.served() == {'"one"'}


def test_of_many_bad_values_one_at_most_goes_before_a_new_one() -> None:
    bad: dict[str, Exception] = {f"bad-{number}": Unavailable("it is down") for number in range(8)}
    placing, prover = _Placing(), _Picky(bad)
    placing.begin(prover)
    placing.want(*bad)
    placing.watch.step()
    placing.world.now += 60
    before = prover.tries.total()
    placing.watch.step()
    assert prover.tries.total() == before + 1
    placing.run(120)
    assert min(prover.tries.values()) > 5


def test_a_client_is_told_once_all_servers_answer_and_no_more_after_cleaning_up() -> None:
    placing, prover = _Placing(), _Picky({})
    placing.begin(prover)
    prover.lag = 3
    placing.want("one")
    placing.watch.step()
    assert not placing.shown("one")
    placing.run(0.005)
    assert not placing.shown("one")
    placing.run(1)
    assert placing.shown("one")
    placing.want()
    placing.watch.step()
    assert not placing.shown("one")


def test_a_value_that_waits_to_be_seen_is_taken_away_at_once() -> None:
    placing, prover = _Placing(), _Picky({})
    placing.begin(prover)
    prover.lag = 1000
    placing.want("one")
    placing.run(20)
    assert len(prover.placed) == 1
    placing.want()
    placing.watch.step()
    assert prover.placed == []


def test_after_a_restart_what_is_seen_is_looked_at_and_not_placed_again() -> None:
    placing, prover = _Placing(), _Picky({})
    placing.want("one")
    placing.watch.step()
    placing.begin(prover)
    prover.placed.append(certificates.Proof(placing.claim.name, certificates.Challenge.DNS01, "", "one"))
    placing.watch.step()
    assert placing.shown("one")
    assert prover.tries.total() == 0


def test_values_at_a_guest_s_name_stand_while_it_is_its_member_s() -> None:
    placing = _Placing()
    box = dns.name.from_text("box", ZONE)
    value = ChallengeValue(box, "one", placing.world.now + 3600)

    def owned_by(login: str) -> None:
        with placing.world.office.writing() as books:
            books.views.put_held([HeldName(box, "the guest box", login, GuestId("id-box"))])

    owned_by("alice")
    with placing.world.office.writing() as books:
        books.members.put(Member("alice", 0.0))
        books.challenges.put(box, "alice", value, placing.world.now)
    placing.run(1)
    assert placing.served("box") == {'"one"'}
    with placing.world.office.reading() as books:
        assert books.views.serves(box, "one")
    placing.begin()
    owned_by("bob")
    placing.watch.step()
    assert placing.served("box") == set()
    assert placing.placed.placed() == []


def test_values_at_a_guest_s_name_end_by_themselves() -> None:
    placing = _Placing()
    box = dns.name.from_text("box", ZONE)
    with placing.world.office.writing() as books:
        books.members.put(Member("alice", 0.0))
        books.views.put_held([HeldName(box, "the guest box", "alice", GuestId("id-box"))])
        now = placing.world.now
        books.challenges.put(box, "alice", ChallengeValue(box, "one", now + 60), now)
    placing.run(50)
    assert placing.served("box") == {'"one"'}
    placing.run(20)
    assert placing.served("box") == set()
