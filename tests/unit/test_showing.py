"""What the daemon writes for the members' page: what it says, when it looks, and what that costs."""

from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from ipaddress import IPv4Address
from typing import Any

import dns.name
import pytest

from skulldns.desired.policy.states import Step
from skulldns.desired.zonefile import parse_zone
from skulldns.errors import Unavailable
from skulldns.loop.clock import Clock
from skulldns.loop.health import ill, well
from skulldns.loop.probing import Probes
from skulldns.loop.telling import Telling
from skulldns.model.claims import AddressTarget, AliasTarget
from skulldns.model.guests import GuestId
from skulldns.model.namestate import NameState
from skulldns.model.observations import ZoneFile
from skulldns.model.probes import Probe
from skulldns.store.showing import ViewStore
from skulldns.targets.fakeprober import FakeProber
from tests.unit import frontworld
from tests.unit.claimworld import ClaimWorld, to_guest
from tests.unit.loopworld import ZONE, guest

_HOME = AddressTarget(IPv4Address("198.51.100.7"))
_GOOD = Probe(good=True, text="answers 200", status=200, seconds=0.012)
_BAD = Probe(good=False, text="answers 502", status=502)


def _world() -> ClaimWorld:
    """Alice has the guest web; the zone has a certificate."""
    world = ClaimWorld(shown=True)
    world.reports = [frontworld.report()]
    world.source.put(guest("web", "192.0.2.10"))
    world.own("web", "alice")
    world.run(3)
    return world


def test_all_links_of_a_claimed_site_turn_green() -> None:
    world = _world()
    world.claim("blog", to_guest("web"))
    world.run(1)
    links = ("claim", "guest", "ns1", "ns2", "certificate", "site", "first answer")
    assert world.links("blog") == dict.fromkeys(links, "good")
    view = world.view("blog")
    assert view is not None
    assert (view.state, view.owner) == (NameState.SERVED, "alice")
    assert all(link["text"] and link["at"] > 0 for link in view.body["links"])


def test_a_name_of_a_member_s_guest_is_shown_and_those_of_nobody_are_not() -> None:
    world = _world()
    world.source.put(guest("nobodys", "192.0.2.20"))
    world.run(1)
    view = world.view("web")
    assert view is not None
    assert view.owner == "alice"
    assert world.view("nobodys") is None
    with world.office.reading() as books:
        assert [one.name for one in books.views.guests_of("alice")] == ["web"]
        found = books.views.guest(GuestId("id-nobodys"))
    assert found is not None
    assert found.owner is None


def test_names_of_guests_and_zone_files_are_taken_until_they_are_gone() -> None:
    world = _world()
    world.engine.mailbox.put(ZoneFile(ZONE, parse_zone("mail: {type: TXT, value: x}", ZONE, "zone.yaml", 60)))
    world.run(1)
    assert _held(world) == {"web": "guest web", "mail": "the zone file"}
    world.engine.mailbox.put(ZoneFile(ZONE, ()))
    world.source.remove(GuestId("id-web"))
    world.run(120)
    assert _held(world) == {}


def _held(world: ClaimWorld) -> dict[str, str]:
    names = [dns.name.from_text(label, ZONE) for label in ("web", "mail", "blog")]
    found: dict[str, str] = {}
    with world.office.reading() as books:
        for name in names:
            held = books.claims.surroundings(name, "bob", "").held
            found |= {one.name.relativize(ZONE).to_text(): one.holder for one in held if one.name == name}
    return found


def test_a_server_that_is_down_is_a_broken_link_and_green_again_when_it_is_back() -> None:
    world = _world()
    world.ns2.down = True
    world.claim("home", _HOME)
    world.run(2)
    assert world.links("home") == {"claim": "good", "ns1": "good", "ns2": "bad"}
    view = world.view("home")
    assert view is not None
    assert view.state is NameState.PENDING
    world.ns2.down = False
    world.run(20)
    assert world.links("home")["ns2"] == "good"


def _goal(world: ClaimWorld, label: str) -> tuple[str, str]:
    view = world.view(label)
    assert view is not None
    [found] = [link for link in view.body["links"] if link["title"] == "goal"]
    return found["state"], found["text"]


def test_an_alias_tells_whether_its_end_answers_and_is_its_member_s() -> None:
    world = _world()
    pal = world.claim("pal", AddressTarget())
    near = AliasTarget(dns.name.from_text("pal", ZONE))
    world.claim("near", near)
    world.claim("far", AliasTarget(dns.name.from_text("near", ZONE)))
    world.claim("guest", AliasTarget(dns.name.from_text("web", ZONE)))
    world.claim("away", AliasTarget(dns.name.from_text("pages.host.test.")))
    world.run(40)
    assert _goal(world, "guest") == ("good", "web.vmsrv.test answers")
    assert "goal" not in world.links("away")
    for label in ("near", "far"):
        assert _goal(world, label) == ("bad", "pal.vmsrv.test has no address; see what is wrong there")
    pal = world.store(pal, target=_HOME)
    world.run(40)
    for label in ("near", "far"):
        assert _goal(world, label) == ("good", "pal.vmsrv.test answers")
    pal = world.store(pal, member="bob")
    world.run(40)
    assert _goal(world, "near") == (
        "bad",
        "pal.vmsrv.test is no longer alice's; lead the alias to a name that is",
    )
    world.store(pal, member="alice", target=AliasTarget(dns.name.from_text("far", ZONE)))
    world.run(40)
    assert _goal(world, "far")[1] == "near.vmsrv.test leads back here; lead one of them elsewhere"


def test_the_view_of_a_released_name_goes_also_when_that_happened_while_nobody_looked() -> None:
    world = _world()
    first, second = world.claim("first", _HOME), world.claim("second", _HOME)
    world.run(1)
    world.step_claim(first, Step.LET_GO)
    world.run(5)
    assert world.view("first") is None
    world.step_claim(second, Step.LET_GO)
    world.begin()
    world.run(5)
    assert world.view("second") is None


def test_nothing_is_written_while_nothing_changes() -> None:
    world = _world()
    for number in range(20):
        world.claim(f"c{number}", _HOME)
    world.run(5)
    world.memory.writes = 0
    world.run(300)
    assert world.memory.writes == 0


def test_only_what_differs_is_written() -> None:
    world = _world()
    for number in range(20):
        world.claim(f"c{number}", _HOME)
    world.run(5)
    world.memory.rows = 0
    world.claim("one-more", _HOME)
    world.run(5)
    assert 1 <= world.memory.rows <= 5


def test_a_name_on_its_way_is_looked_at_many_times_a_second_and_then_less_and_less() -> None:
    world = _world()
    world.ns2.lagging = True
    world.claim("home", _HOME)
    world.run(1)
    assert _looks(world, 1.0) >= 10
    world.run(600)
    assert _looks(world, 60.0) <= 60 / 5
    world.ns2.lagging = False
    world.ns2.transfer()
    world.run(20)
    assert world.links("home")["ns2"] == "good"
    assert _looks(world, 60.0) <= 3


def _looks(world: ClaimWorld, seconds: float) -> int:
    """How often the name is looked at in so long."""
    world.front.looks.clear()
    world.run(seconds)
    return world.front.looks[dns.name.from_text("home", ZONE)]


def test_thousands_of_names_are_looked_at_in_small_parts() -> None:
    world = _many(400)
    for _ in range(60):
        world.front.looks.clear()
        wait = world.showing.step()
        assert world.front.looks.total() <= 200
        world.now += wait or 0.0
    assert world.memory.rows == 0


def test_thousands_of_names_on_their_way_cost_a_bounded_number_of_looks() -> None:
    world = _many(400, lagging=True)
    world.run_showing(20)
    world.front.looks.clear()
    world.run_showing(20)
    assert world.front.looks.total() <= 20 * 150
    assert len(world.front.looks) >= 400


def _many(number: int, *, lagging: bool = False) -> ClaimWorld:
    world = ClaimWorld(shown=True)
    world.ns2.lagging = lagging
    with world.office.writing() as books:
        for one in range(number):
            books.claims.put(world.made(f"c{one}", _HOME))
    world.run(5)
    world.memory.rows = 0
    return world


def test_a_store_that_cannot_be_written_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    world = _world()
    world.memory.failing = True
    world.claim("home", _HOME)
    world.run(5)
    assert world.view("home") is None
    assert "cannot be written" in caplog.text
    world.memory.failing = False
    world.run(5)
    assert world.links("home")["ns2"] == "good"


def test_nothing_is_shown_as_free_before_the_zone_files_are_read() -> None:
    world = ClaimWorld(shown=True, zone_files=(ZONE,))
    world.claim("home", _HOME)
    world.run(1)
    assert world.view("home") is None
    world.engine.mailbox.put(ZoneFile(ZONE, parse_zone("mail: {type: TXT, value: x}", ZONE, "zone.yaml", 60)))
    world.run(1)
    assert world.view("home") is not None
    assert _held(world) == {"mail": "the zone file"}


def test_a_zone_file_that_is_never_read_keeps_the_page_waiting_for_seconds_only() -> None:
    world = ClaimWorld(shown=True, zone_files=(ZONE,))
    world.claim("home", _HOME)
    world.run(15)
    assert world.view("home") is not None


# Probes


class _Later(Executor):
    """Keeps what it is given until somebody lets it run."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Callable[[], Any], Future[Any]]] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """As ``concurrent.futures`` has it."""
        found: Future[Any] = Future()
        self.waiting.append((lambda: fn(*args, **kwargs), found))
        return found

    def run(self) -> int:
        """Run all; returns how many."""
        waiting, self.waiting = self.waiting, []
        for call, found in waiting:
            found.set_result(call())
        return len(waiting)


class _Probing:
    """Probes of one site, with a clock."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.rings = 0
        self.prober = FakeProber()
        self.name = dns.name.from_text("blog", ZONE)
        self.later = _Later()
        self.probes = Probes(
            self.prober, self.later, Clock(lambda: 0.0, lambda: self.now, lambda: 0.0), self.ring
        )

    def ring(self) -> None:
        self.rings += 1

    def state(self, *, wanted: bool = True) -> str:
        return self.probes.of(self.name, wanted=wanted)[0]

    def asked_in(self, seconds: float) -> int:
        """How often visitors go there in so long, looked at every 100 ms."""
        asked = 0
        for _ in range(round(seconds * 10)):
            self.state()
            asked += self.later.run()
            self.now += 0.1
        return asked


def test_a_site_is_asked_when_all_before_it_is_well_and_the_worker_is_rung() -> None:
    probing = _Probing()
    assert probing.state(wanted=False) == "wait"
    assert probing.later.waiting == []
    assert probing.state() == "wait"
    assert probing.later.run() == 1
    assert probing.rings == 1
    assert probing.state() == "good"
    assert probing.asked_in(5) == 2  # workers of nginx that are about to go may have answered
    assert probing.asked_in(200) == 0
    assert probing.asked_in(200) == 1


def test_a_site_that_fails_is_asked_again_soon_and_less_and_less_often() -> None:
    probing = _Probing()
    probing.prober.sites[probing.name] = _BAD
    assert probing.asked_in(5) >= 3
    assert probing.state() == "bad"
    probing.asked_in(300)
    assert probing.asked_in(600) <= 12
    probing.prober.sites[probing.name] = _GOOD
    probing.asked_in(70)
    assert probing.state() == "good"


def test_a_slow_site_is_asked_once_at_a_time() -> None:
    probing = _Probing()
    for _ in range(50):
        probing.state()
        probing.now += 1.0
    assert len(probing.later.waiting) == 1


def test_a_request_that_fails_in_a_way_that_nobody_foresaw_ends_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    probing = _Probing()
    probing.state()
    [(_, asked)] = probing.later.waiting
    probing.later.waiting.clear()
    asked.set_exception(FileNotFoundError("ca.pem"))
    assert probing.probes.of(probing.name, wanted=True) == ("bad", "it could not be asked: ca.pem")
    assert "ca.pem" in caplog.text
    probing.now += 1.0
    probing.state()
    probing.later.waiting.pop()[1].cancel()
    assert probing.state() == "bad"


# Health


def test_how_everything_is_is_told_with_the_moment(caplog: pytest.LogCaptureFixture) -> None:
    world = ClaimWorld()
    clock = Clock(lambda: world.now, lambda: world.now, lambda: 0.0)
    found = [well("source", "lab", "answers"), ill("zone file", "vmsrv.test", "it is broken; mend it")]
    telling = Telling(lambda: found, ViewStore(world.office), clock)
    assert telling.step() <= 60
    with world.office.reading() as books:
        said = books.views.health()
    assert said is not None
    assert said["at"] == world.now
    assert [(ping["good"], ping["cure"]) for ping in said["pings"]] == [(True, ""), (False, "mend it")]

    class Full(ViewStore):
        def show_health(self, health: Mapping[str, Any]) -> None:  # noqa: ARG002 - fails before it reads it
            raise Unavailable("the disk is full")

    assert Telling(lambda: found, Full(world.office), clock).step() <= 60
    assert "the disk is full" in caplog.text
