"""Members' claims in the loop: what is published for each, and what becomes of it when something changes."""

from ipaddress import IPv4Address, IPv6Address

import dns.name
import pytest

from skulldns.desired.farewells import farewell
from skulldns.desired.policy.states import Step
from skulldns.desired.presence import seen
from skulldns.desired.registry import Registry
from skulldns.desired.settings import ClaimSettings
from skulldns.desired.zonefile import parse_zone
from skulldns.loop.report import Reporter
from skulldns.loop.why import explain
from skulldns.model.assignments import Assignment
from skulldns.model.claims import (
    AddressTarget,
    AliasTarget,
    Because,
    ClaimRecord,
    ClaimState,
    RedirectTarget,
    Target,
)
from skulldns.model.desired import Evidence
from skulldns.model.guests import GuestId
from skulldns.model.namestate import NameState
from skulldns.model.observations import ZoneFile
from skulldns.model.policy import Publish
from skulldns.model.sites import Page
from tests.unit.claimworld import PROXY, ClaimWorld, to_guest
from tests.unit.loopworld import ZONE, LoopWorld, guest

_DYN = AddressTarget(IPv4Address("198.51.100.7"), IPv6Address("2001:db8:f::7"))


def _world(*, paged: bool = True) -> ClaimWorld:
    """Alice has the guest web, bob the guest other."""
    world = ClaimWorld(paged=paged)
    world.source.put(guest("web", "192.0.2.10"))
    world.source.put(guest("other", "192.0.2.11"))
    world.own("web", "alice")
    world.own("other", "bob")
    world.run(3)
    return world


def _at(world: LoopWorld, label: str) -> dict[str, list[str]]:
    """What is served at a label and below it, by what is left of the zone's name."""
    served = (
        (key.split(f".{ZONE.to_text(omit_final_dot=True)} "), data) for key, data in world.served().items()
    )
    return {" ".join(key): data for key, data in served if key[0] == label or key[0].endswith(f".{label}")}


def _why(world: ClaimWorld, label: str) -> dict[str, str]:
    name = dns.name.from_text(label, ZONE)
    chain = explain(world.names, world.ledger, name, world.now, world.front)
    return {link.link: f"{link.state.value}: {link.text}" for link in chain.links}


@pytest.mark.parametrize(
    ("target", "served"),
    [
        (to_guest("web"), {"blog A": [str(PROXY)]}),
        (to_guest("web", direct=True), {"blog A": ["192.0.2.10"]}),
        (AliasTarget(dns.name.from_text("www.example.org.")), {"blog CNAME": ["www.example.org."]}),
        (_DYN, {"blog A": ["198.51.100.7"], "blog AAAA": ["2001:db8:f::7"]}),
        (RedirectTarget("https://www.example.org/"), {"blog A": [str(PROXY)]}),
    ],
    ids=["guest", "direct", "alias", "address", "redirect"],
)
def test_a_claim_is_served_on_both_servers_after_one_message(
    target: Target, served: dict[str, list[str]]
) -> None:
    world = _world()
    world.ns1.messages.clear()
    world.claim("blog", target)
    world.run(3)
    assert _at(world, "blog") == served
    assert world.ns1.messages["update"] == 1
    assert not world.follower.pending
    report = world.name("blog")
    assert (report.state, report.owner) == (NameState.SERVED, "alice's claim")
    assert _why(world, "blog")["claim"].startswith("good: alice's claim ")


def test_the_site_of_a_claim_leads_to_its_guest_a_redirect_has_none_and_addresses_no_site() -> None:
    world = _world()
    world.claim("blog", to_guest("web", port=8080))
    world.claim("moved", RedirectTarget("https://www.example.org/"))
    world.claim("plain", to_guest("web", direct=True))
    world.claim("home", _DYN)
    world.run(3)
    blog, moved = world.site_at("blog"), world.site_at("moved")
    assert blog is not None
    assert blog.upstream is not None
    assert (str(blog.upstream.address), blog.upstream.port) == ("192.0.2.10", 8080)
    assert moved is not None
    assert (moved.upstream, moved.options.redirect) == (None, "https://www.example.org/")
    assert world.site_at("plain") is None
    assert world.site_at("home") is None


def test_retargeted_name_changes_over_in_one_message_and_a_released_one_goes() -> None:
    world = _world()
    claim = world.claim("blog", _DYN)
    world.run(3)
    world.ns1.messages.clear()
    claim = world.store(claim, target=AliasTarget(dns.name.from_text("www.example.org.")))
    world.run(3)
    assert _at(world, "blog") == {"blog CNAME": ["www.example.org."]}
    assert world.ns1.messages["update"] == 1
    claim = world.store(claim, target=to_guest("web"))
    world.run(5)
    assert _at(world, "blog") == {"blog A": [str(PROXY)]}
    world.step_claim(claim, Step.LET_GO)
    world.run(5)
    assert _at(world, "blog") == {}
    assert world.site_at("blog") is None
    assert world.name("blog").state is NameState.UNKNOWN


def test_a_suspended_claim_goes_and_comes_back() -> None:
    world = _world()
    claim = world.step_claim(world.claim("blog", to_guest("web")), Step.SUSPENDED)
    world.run(3)
    assert _at(world, "blog") == {}
    assert farewell(world.engine.registry, f"claim {claim.id}").evidence is Evidence.DECIDED
    world.step_claim(claim, Step.RESUMED)
    world.run(3)
    assert _at(world, "blog") == {"blog A": [str(PROXY)]}


def test_releases_and_suspensions_are_held_up_by_nobody_and_hold_up_nobody() -> None:
    world = _world()
    mine = [world.claim(f"c{number}", _DYN) for number in range(60)]
    theirs = world.claim("theirs", to_guest("other", direct=True), "bob")
    world.run(5)
    for claim in mine[1:]:
        world.step_claim(claim, Step.LET_GO)
    world.run(10)
    world.step_claim(theirs, Step.SUSPENDED)
    world.run(10)
    assert {name for name in world.served() if name[0] == "c"} == {"c0.vmsrv.test A", "c0.vmsrv.test AAAA"}
    assert _at(world, "theirs") == {}


def test_a_release_waits_for_no_source_that_was_silent_since_the_start() -> None:
    world = _world()
    claim = world.claim("home", _DYN)
    world.run(3)
    world.source.go_down("it is away")
    world.begin()
    world.step_claim(claim, Step.LET_GO)
    world.run(10)
    assert _at(world, "home") == {}
    assert "web.vmsrv.test A" in world.served()


def test_the_end_of_a_claim_whose_proof_was_merely_not_found_is_weighed() -> None:
    world = _world()
    claim = world.claim("home", _DYN, state=ClaimState.SUSPENDED, because=Because.PROOF)
    world.run(1)
    assert farewell(world.engine.registry, f"claim {claim.id}").evidence is Evidence.ANNOUNCED


def test_one_claim_of_one_may_go_since_a_person_ended_it() -> None:
    world = ClaimWorld()
    claim = world.claim("home", _DYN)
    world.run(3)
    assert _at(world, "home")
    world.step_claim(claim, Step.SUSPENDED)
    world.run(3)
    assert _at(world, "home") == {}


def test_a_guest_that_comes_later_with_the_same_name_is_refused_and_told_so() -> None:
    world = _world()
    world.claim("blog", to_guest("web"))
    world.run(1)
    world.source.put(guest("blog", "192.0.2.12"))
    world.run(3)
    assert _at(world, "blog") == {"blog A": [str(PROXY)]}
    assert world.refusals("blog") == [
        "name blog.vmsrv.test: it is alice's claim; rename the guest, or release the claim"
    ]
    why = _why(world, "blog")
    assert why["claim"].startswith("good")
    assert why["refused"].startswith("broken")
    assert any("blog" in one and "alice's claim" in one for one in _problems(world))


def _problems(world: ClaimWorld) -> tuple[str, ...]:
    return Reporter(world.names, world.alarms).status(world.now).problems


def test_the_guest_gets_its_name_when_the_claim_ends() -> None:
    world = _world()
    claim = world.claim("blog", to_guest("web"))
    world.source.put(guest("blog", "192.0.2.12"))
    world.run(3)
    world.step_claim(claim, Step.LET_GO)
    world.run(3)
    assert _at(world, "blog") == {"blog A": ["192.0.2.12"]}
    assert world.refusals("blog") == []


def test_a_record_in_the_zone_file_goes_before_a_claim_one_beside_it_stands_beside() -> None:
    world = _world()
    claim = world.claim(
        "blog", _DYN, records=(ClaimRecord(dns.name.from_text("blog", ZONE), "TXT", 60, ('"alice"',)),)
    )
    world.claim("other-name", AliasTarget(dns.name.from_text("www.example.org.")))
    world.run(3)
    text = "blog: {type: A, value: 192.0.2.99}\nother-name: {type: TXT, value: hello}\n"
    world.engine.mailbox.put(ZoneFile(ZONE, parse_zone(text, ZONE, "zone.yaml", 60)))
    world.run(3)
    assert _at(world, "blog") == {"blog A": ["192.0.2.99"]}
    assert _at(world, "other-name") == {"other-name TXT": ['"hello"']}
    world.engine.mailbox.put(
        ZoneFile(ZONE, parse_zone("blog: {type: TXT, value: admin}", ZONE, "zone.yaml", 60))
    )
    world.run(3)
    assert _at(world, "blog") == {
        "blog A": ["198.51.100.7"],
        "blog AAAA": ["2001:db8:f::7"],
        "blog TXT": ['"admin"'],
    }
    world.step_claim(claim, Step.LET_GO)
    world.run(3)
    assert _at(world, "blog") == {"blog TXT": ['"admin"']}


def test_a_guest_that_changes_hands_takes_no_claim_along() -> None:
    world = _world()
    world.claim("blog", to_guest("web"))
    world.claim("plain", to_guest("web", direct=True))
    world.run(3)
    world.own("web", "bob")
    world.run(3)
    assert _at(world, "plain") == {}
    assert _at(world, "blog") == {"blog A": [str(PROXY)]}
    site = world.site_at("blog")
    assert site is not None
    assert (site.upstream, site.page) == (None, Page.STOPPED)
    assert "lead the name to one of alice's guests" in _why(world, "blog")["guest"]
    assert (world.name("plain").state, world.name("plain").owner) == (NameState.PENDING, "alice's claim")
    world.own("web", "alice")
    world.run(3)
    assert _at(world, "plain") == {"plain A": ["192.0.2.10"]}


def test_nobody_gets_the_guest_of_another() -> None:
    world = _world()
    world.claim("blog", to_guest("other"))
    world.claim("plain", to_guest("other", direct=True))
    world.claim("nothing", to_guest("never-was"))
    world.run(3)
    assert _at(world, "plain") == {}
    for label in ("blog", "nothing"):
        site = world.site_at(label)
        assert site is not None
        assert site.upstream is None
    assert "lead the name to one of alice's guests" in _why(world, "nothing")["guest"]


def test_further_records_stand_beside_and_below() -> None:
    world = _world()
    here, below = dns.name.from_text("blog", ZONE), dns.name.from_text("_imaps._tcp.blog", ZONE)
    records = (
        ClaimRecord(here, "TXT", 300, ('"v=spf1 -all"',)),
        ClaimRecord(here, "MX", 300, ("10 mail.example.org.",)),
        ClaimRecord(below, "SRV", 300, ("0 1 993 mail.example.org.",)),
    )
    claim = world.claim("blog", to_guest("web"), records=records)
    world.run(3)
    assert _at(world, "blog") == {
        "blog A": [str(PROXY)],
        "blog TXT": ['"v=spf1 -all"'],
        "blog MX": ["10 mail.example.org."],
        "_imaps._tcp.blog SRV": ["0 1 993 mail.example.org."],
    }
    world.store(claim, records=records[:1])
    world.run(5)
    assert set(_at(world, "blog")) == {"blog A", "blog TXT"}


def test_of_two_claims_with_records_at_one_name_its_own_goes_first() -> None:
    world = ClaimWorld()
    below = dns.name.from_text("a.blog", ZONE)
    world.claim("blog", _DYN, records=(ClaimRecord(below, "TXT", 60, ('"from above"',)),))
    world.claim("a.blog", _DYN, records=(ClaimRecord(below, "TXT", 60, ('"its own"',)),))
    world.run(3)
    assert _at(world, "a.blog")["a.blog TXT"] == ['"its own"']


def test_a_domain_of_their_own_has_a_site_and_no_records() -> None:
    world = _world()
    world.claim("www.example.net.", to_guest("web"))
    world.run(3)
    assert not any("example.net" in key for key in world.served())
    site = world.site_at("www.example.net.")
    assert site is not None
    assert site.certificate == "www.example.net"
    wish = next(one for one in world.wishes[-1] if one.identity == "www.example.net")
    assert [challenge.value for challenge in wish.names.values()] == ["http-01"]
    why = _why(world, "www.example.net.")
    assert why["zone"].startswith("none")
    assert why["claim"].startswith("good")


def test_a_site_for_members_only_asks_the_page() -> None:
    world = _world()
    world.claim("blog", to_guest("web"), members_only=True)
    world.run(3)
    site = world.site_at("blog")
    assert site is not None
    auth = site.options.forward_auth
    assert auth is not None
    assert (str(auth.upstream.address), auth.upstream.port, auth.path) == ("127.0.0.1", 8053, "/auth")
    assert auth.login == "https://names.test/enter"


def test_a_site_for_members_only_is_for_nobody_where_there_is_no_page() -> None:
    world = _world(paged=False)
    world.claim("blog", to_guest("web"), members_only=True)
    world.run(3)
    site = world.site_at("blog")
    assert site is not None
    assert (site.upstream, site.page) == (None, Page.HELD)


@pytest.mark.parametrize(
    "state", [one for one in ClaimState if one is not ClaimState.ACTIVE], ids=lambda state: state.value
)
def test_only_an_active_claim_is_published(state: ClaimState) -> None:
    world = ClaimWorld()
    world.claim("home", _DYN, state=state)
    world.run(3)
    assert world.served() == {}


# Views


@pytest.mark.parametrize(
    ("owner", "view", "served"),
    [
        ("alice", "inside", ["192.0.2.10"]),
        ("alice", "outside", [str(PROXY)]),
        ("bob", "inside", [str(PROXY)]),
    ],
)
def test_inside_a_claim_leads_to_its_member_s_guest_and_outside_to_the_proxy(
    owner: str, view: str, served: list[str]
) -> None:
    world = ClaimWorld()
    views = {"inside": Publish.GUEST, "outside": Publish.PROXY}
    registry = Registry(
        {world.source.name: world.settings}, ClaimSettings(proxy_addresses=(PROXY,), views=views)
    )
    registry.assign(GuestId("id-web"), Assignment(owner=owner))
    registry.put(seen(None, guest("web", "192.0.2.10"), 1.0), 1.0)
    registry.put_claim(world.claim("blog", to_guest("web")))
    registry.put_claim(world.claim("plain", to_guest("web", direct=True)))
    [want] = registry.decide(dns.name.from_text("blog", ZONE), view).wanted
    assert want.rrset.values() == served
    direct = registry.decide(dns.name.from_text("plain", ZONE), view).wanted
    assert [one.rrset.values() for one in direct] == ([["192.0.2.10"]] if owner == "alice" else [])


# Nothing is lost


def test_a_restart_knows_all_claims_before_it_decides_anything() -> None:
    world = _world()
    for number in range(30):
        world.claim(f"c{number}", _DYN)
    world.claim("blog", to_guest("web", direct=True))
    world.run(5)
    before = world.served()
    for source in (world.source, world.other_source):
        source.go_down("it is away")
    world.begin()
    world.ns1.messages.clear()
    world.run(60)
    assert world.served() == before
    assert world.ns1.messages["update"] == 0


def test_claims_that_the_database_lost_are_held_until_a_person_agrees() -> None:
    world = _world()
    claims = [world.claim(f"c{number}", _DYN) for number in range(30)]
    world.run(5)
    before = world.served()
    world.lose_claims()
    world.begin()
    world.run(120)
    assert world.served() == before
    assert world.name("c0").state is NameState.HELD
    assert "no member claims it any more" in _why(world, "c0")["claim"]
    owner = f"claim {claims[0].id}"
    assert farewell(world.engine.registry, owner).evidence is Evidence.UNSEEN


def test_a_hypervisor_that_shows_nothing_any_more_takes_no_claims_along() -> None:
    world = ClaimWorld()
    for number in range(5):
        world.source.put(guest(f"web{number}", f"192.0.2.{number + 10}"))
        world.own(f"web{number}", "alice")
        world.claim(f"c{number}", to_guest(f"web{number}", direct=True))
    world.run(5)
    before = world.served()
    assert "c0.vmsrv.test A" in before
    for number in range(5):
        world.source.remove(GuestId(f"id-web{number}"), tell=False)
    world.run(600)
    assert world.served() == before
    assert world.name("c0").state is NameState.HELD


def test_an_assignment_reaches_the_engine_and_an_older_one_does_not_come_back() -> None:
    world = _world()
    known = world.engine.registry.known(GuestId("id-web"))
    assert known is not None
    assert world.engine.registry.verdict(known.id).options.owner == "alice"
    world.engine.assign(GuestId("id-web"), Assignment(owner="bob"))
    world.watch.step()
    world.engine.assign(GuestId("id-web"), Assignment(owner="carol"))
    world.run(3)
    assert world.engine.registry.verdict(known.id).options.owner == "carol"
    world.own("web", None)
    world.run(3)
    assert world.engine.registry.verdict(known.id).options.owner is None
