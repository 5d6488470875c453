"""One zone served differently inside and outside."""

import dns.name
import dns.rdatatype
import pytest

from skulldns.daemon import guests
from skulldns.loop.why import explain
from skulldns.model.assignments import Assignment
from skulldns.model.guests import GuestId, GuestOptions
from skulldns.model.namestate import NameState
from skulldns.model.policy import Publish, Publishing, publishing
from skulldns.model.records import rrset
from skulldns.model.zones import ZoneId
from tests.unit.loopworld import guest
from tests.unit.viewworld import INSIDE, OUTSIDE, ZONE, ViewWorld

REVERSE = dns.name.from_text("2.0.192.in-addr.arpa.")
BLOCK = dns.name.from_text("0/26.2.0.192.in-addr.arpa.")


def _world(**settings: object) -> ViewWorld:
    return ViewWorld(INSIDE, OUTSIDE, **settings)  # type: ignore[arg-type]  # as GuestSettings has them


def test_a_guest_has_its_own_address_inside_and_the_proxy_s_outside() -> None:
    world = _world()
    world.put(guest("web", "192.0.2.10", "2001:db8::10"))
    world.run(3)
    assert world.served(INSIDE) == {
        "web.vmsrv.test A": ["192.0.2.10"],
        "web.vmsrv.test AAAA": ["2001:db8::10"],
    }
    assert world.served(OUTSIDE) == {"web.vmsrv.test A": ["203.0.113.5"]}
    inside, outside = (world.ledger.entries(zone) for zone in (INSIDE, OUTSIDE))
    assert [len(inside), len(outside)] == [2, 1]
    assert world.ledger.entries(ZoneId(ZONE)) == []
    assert [(one.view, one.state) for one in world.reports("web")] == [
        ("inside", NameState.SERVED),
        ("outside", NameState.SERVED),
    ]


def test_views_go_their_own_ways_when_one_has_a_foreign_record() -> None:
    world = _world()
    world.put(guest("db", "192.0.2.11"))
    foreign = dns.name.from_text("db", ZONE)
    world.primaries[OUTSIDE].put(rrset(foreign, dns.rdatatype.A, 300, ["198.51.100.7"]))
    world.run(70)
    assert world.served(INSIDE)["db.vmsrv.test A"] == ["192.0.2.11"]
    assert world.served(OUTSIDE)["db.vmsrv.test A"] == ["198.51.100.7"]
    status = world.reporter.status(world.now)
    assert any("db.vmsrv.test in view outside (db): " in problem for problem in status.problems)
    assert world.names.name(foreign, world.now).state is NameState.FOREIGN


@pytest.mark.parametrize(
    ("said", "inside", "outside"),
    [
        ("proxy", ["203.0.113.5"], ["203.0.113.5"]),
        ("guest", ["192.0.2.10"], ["192.0.2.10"]),
        ("none", None, None),
        ("outside=none", ["192.0.2.10"], None),
        ("inside=proxy, outside=guest", ["203.0.113.5"], ["192.0.2.10"]),
        ("none outside=proxy", None, ["203.0.113.5"]),
    ],
)
def test_each_guest_may_say_what_it_publishes_where(
    said: str, inside: list[str] | None, outside: list[str] | None
) -> None:
    for world, options in (
        (_world(), GuestOptions(publish=said)),
        (_world(assigned={"web": Assignment(publish=publishing(said))}), GuestOptions()),
    ):
        world.put(guest("web", "192.0.2.10", options=options))
        world.run(3)
        assert world.served(INSIDE).get("web.vmsrv.test A") == inside
        assert world.served(OUTSIDE).get("web.vmsrv.test A") == outside


def test_the_strongest_word_about_a_view_counts() -> None:
    world = _world()
    world.put(guest("web", "192.0.2.10", options=GuestOptions(publish="none")))
    world.engine.assign(GuestId("id-web"), Assignment(publish=publishing("inside=guest")))
    world.run(3)
    assert (world.served(INSIDE), world.served(OUTSIDE)) == ({"web.vmsrv.test A": ["192.0.2.10"]}, {})
    [known] = world.engine.registry.all_known()
    assert guests.shown(world.engine.registry, known)["publish"] == "inside=guest outside=none"
    [_, outside] = world.reports("web")
    assert (outside.state, outside.reason) == (
        NameState.UNKNOWN,
        "guest web asks for it, and its option `publish` says that it is not published",
    )
    assert [one.view for one in world.reporter.status(world.now).names] == ["inside"]


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("elsewhere=guest", "vmsrv.test has no view elsewhere; write one of inside, outside"),
        ("inside=maybe", "'inside=maybe' is not known here; write guest, proxy or none, or "),
        ("inside=guest inside=none", "'inside=none' is not known here; "),
        ("guest proxy", "proxy is not known here; "),
        ("=guest", "'=guest' is not known here; "),
        (" ", "nothing is said; "),
    ],
)
def test_what_cannot_be_said_of_views_is_refused(said: str, sentence: str) -> None:
    world = _world()
    world.put(guest("web", "192.0.2.10", options=GuestOptions(publish=said)))
    world.run(3)
    [known] = world.engine.registry.all_known()
    [refusal] = world.engine.registry.verdict(known.id).refusals
    assert refusal.reason.startswith(sentence)
    assert world.served(OUTSIDE) == {"web.vmsrv.test A": ["203.0.113.5"]}


def test_a_word_is_the_same_after_it_was_stored() -> None:
    for text in ("proxy", "inside=guest outside=none", "none inside=proxy"):
        assert str(publishing(text)) == text
    assert publishing("none inside=proxy") == Publishing(Publish.NONE, (("inside", Publish.PROXY),))


def test_static_records_may_be_for_one_view() -> None:
    world = _world()
    world.write(
        "www:\n"
        "  - {type: A, value: 203.0.113.5}\n"
        "  - {type: A, value: 192.0.2.80, skulldns: {view: inside}}\n"
        "printer: {type: A, value: 192.0.2.81, skulldns: {view: inside}}\n"
        "all: {type: TXT, value: both}\n"
    )
    world.run(2)
    assert world.served(INSIDE) == {
        "www.vmsrv.test A": ["192.0.2.80"],
        "printer.vmsrv.test A": ["192.0.2.81"],
        "all.vmsrv.test TXT": ['"both"'],
    }
    assert world.served(OUTSIDE) == {"www.vmsrv.test A": ["203.0.113.5"], "all.vmsrv.test TXT": ['"both"']}
    world.write(
        "www: {type: A, value: 203.0.113.5}\nall: {type: TXT, value: both}\nnew: {type: TXT, value: n}\n"
    )
    world.run(2)
    assert world.served(INSIDE)["www.vmsrv.test A"] == ["203.0.113.5"]


def test_a_record_for_one_view_takes_its_name_there_and_a_reserved_one_everywhere() -> None:
    world = _world()
    world.write(
        "web: {type: A, value: 192.0.2.80, skulldns: {view: outside}}\n"
        "db: {type: TXT, value: x, skulldns: {view: outside, reserved: true}}\n"
    )
    world.put(guest("web", "192.0.2.10"), guest("db", "192.0.2.11"))
    world.run(3)
    assert world.served(INSIDE) == {"web.vmsrv.test A": ["192.0.2.10"]}
    assert world.served(OUTSIDE) == {"web.vmsrv.test A": ["192.0.2.80"], "db.vmsrv.test TXT": ['"x"']}
    registry = world.engine.registry
    reasons = {known.guest.name: registry.verdict(known.id).refusals for known in registry.all_known()}
    assert reasons["web"] == ()
    [refusal] = reasons["db"]
    assert refusal.reason == "the zone file has it (zone.yaml:2); rename the guest or the record"


def test_why_walks_through_each_view() -> None:
    world = _world()
    world.put(guest("web", "192.0.2.10"))
    world.run(3)
    chain = explain(world.names, world.ledger, dns.name.from_text("web", ZONE), world.now)
    zones = [link.text for link in chain.links if link.link == "zone"]
    assert zones == ["vmsrv.test@inside, mode sync", "vmsrv.test@outside, mode sync"]
    assert [link.text for link in chain.links if link.link == "ns1"] == [
        "192.0.2.53:53 answers A 192.0.2.10",
        "192.0.2.53:53 answers A 203.0.113.5",
    ]


def test_the_last_changes_of_a_name_say_in_which_view_they_were() -> None:
    world = _world()
    world.put(guest("web", "192.0.2.10"))
    world.run(3)
    chain = explain(world.names, world.ledger, dns.name.from_text("web", ZONE), world.now)
    assert sorted(sentence.partition(" ->")[0] for _, sentence in chain.history) == [
        "inside: A nothing",
        "outside: A nothing",
    ]


def test_the_plan_of_one_view_is_not_that_of_another() -> None:
    world = _world()
    world.write("www: {type: TXT, value: x}")
    world.engine.step()
    plans = []
    for publisher in world.publishers:
        publisher._read_letters()
        plans.append(publisher.plan())
    assert [plan.zone for plan in plans] == [INSIDE, OUTSIDE]
    assert plans[0].changes == plans[1].changes
    assert plans[0].checksum != plans[1].checksum


def test_pointers_stand_in_each_view_of_a_reverse_zone() -> None:
    zones = [INSIDE, OUTSIDE, ZoneId(REVERSE, "inside"), ZoneId(REVERSE, "outside")]
    world = ViewWorld(*zones, reverse=[REVERSE])
    world.write("web: {type: A, value: 192.0.2.80, skulldns: {view: outside}}")
    world.put(
        guest("web", "192.0.2.10", options=GuestOptions(names=("shop",))),
        guest("db", "192.0.2.11", options=GuestOptions(publish="outside=none")),
    )
    world.run(3)
    assert world.served(zones[2]) == {
        "10.2.0.192.in-addr.arpa PTR": ["web.vmsrv.test."],
        "11.2.0.192.in-addr.arpa PTR": ["db.vmsrv.test."],
    }
    # There `web` is the zone file's, so that its guest is found by its other name.
    assert world.served(zones[3]) == {"10.2.0.192.in-addr.arpa PTR": ["shop.vmsrv.test."]}


def test_a_classless_zone_has_the_pointers_and_the_zone_around_it_leads_there() -> None:
    zone, block, around = ZoneId(ZONE), ZoneId(BLOCK), ZoneId(REVERSE)
    world = ViewWorld(zone, block, around, reverse=[BLOCK, REVERSE])
    world.put(guest("web", "192.0.2.10"), guest("far", "192.0.2.70"), guest("db", "192.0.2.11"))
    world.write(
        "11: {type: PTR, value: static.example.org.}\n12: {type: PTR, value: s12.example.org.}\n", BLOCK
    )
    world.run(3)
    assert world.served(block) == {
        "10.0/26.2.0.192.in-addr.arpa PTR": ["web.vmsrv.test."],
        "11.0/26.2.0.192.in-addr.arpa PTR": ["static.example.org."],  # a static PTR wins
        "12.0/26.2.0.192.in-addr.arpa PTR": ["s12.example.org."],
    }
    assert world.served(around) == {
        "10.2.0.192.in-addr.arpa CNAME": ["10.0/26.2.0.192.in-addr.arpa."],
        "11.2.0.192.in-addr.arpa CNAME": ["11.0/26.2.0.192.in-addr.arpa."],
        "12.2.0.192.in-addr.arpa CNAME": ["12.0/26.2.0.192.in-addr.arpa."],
        "70.2.0.192.in-addr.arpa PTR": ["far.vmsrv.test."],
    }
    world.write("11: {type: PTR, value: static.example.org.}\n", BLOCK)
    world.source.remove(GuestId("id-web"))
    world.run(30)
    assert "10.2.0.192.in-addr.arpa CNAME" not in world.served(around)
    assert "10.0/26.2.0.192.in-addr.arpa PTR" not in world.served(block)
