"""Sites follow their names: what the proxy is told, and how often."""

from dataclasses import replace
from ipaddress import ip_address

import dns.name
import pytest

from skulldns.desired.sites import wishes
from skulldns.model.certificates import Challenge
from skulldns.model.guests import GuestId, GuestOptions
from skulldns.model.policy import Https
from skulldns.model.sites import Page, Scheme, Site, SiteOptions, SiteRule, Upstream
from skulldns.plan import rollouts
from skulldns.targets.fakeproxy import FakeProxy
from tests.unit.loopworld import ZONE, LoopWorld, guest


@pytest.fixture
def proxy() -> FakeProxy:
    return FakeProxy()


@pytest.fixture
def world(proxy: FakeProxy) -> LoopWorld:
    return LoopWorld(proxy=proxy)


def _shown(proxy: FakeProxy, name: str = "web") -> Upstream | Page | None:
    site = proxy.served.get(f"{name}.vmsrv.test")
    return (site.upstream or site.page) if site else None


def _trouble(world: LoopWorld) -> str | None:
    return world.sites.trouble.reason if world.sites.trouble else None


def _at(address: str, port: int = 80) -> Upstream:
    return Upstream(ip_address(address), port)


def test_a_running_guest_has_a_site_at_its_address(world: LoopWorld, proxy: FakeProxy) -> None:
    world.source.put(guest("web", "192.0.2.7", options=GuestOptions(owner="alice", port="8080")))
    world.run(1)
    assert _shown(proxy) == _at("192.0.2.7", 8080)
    assert proxy.served["web.vmsrv.test"].owner is None
    assert proxy.served["web.vmsrv.test"].certificate == "vmsrv.test"


def test_an_owner_is_shown_only_where_the_config_says_so(proxy: FakeProxy) -> None:
    world = LoopWorld(proxy=proxy, show_owner=True)
    world.source.put(guest("web", running=False, options=GuestOptions(owner="alice")))
    world.run(1)
    assert proxy.served["web.vmsrv.test"].owner == "alice"


def test_the_first_of_several_addresses_is_an_ipv4_one(world: LoopWorld, proxy: FakeProxy) -> None:
    world.source.put(guest("web", "2001:db8::7", "192.0.2.7"))
    world.run(1)
    assert _shown(proxy) == _at("192.0.2.7")


@pytest.mark.parametrize(
    ("now", "page"),
    [
        (guest("web", running=False), Page.STOPPED),
        (guest("web"), Page.STARTING),
        (guest("web", "203.0.113.9"), Page.STARTING),  # outside of the networks
    ],
)
def test_a_guest_without_an_upstream_has_a_page(
    world: LoopWorld, proxy: FakeProxy, now: object, page: Page
) -> None:
    assert isinstance(now, type(guest("web")))
    world.source.put(now)
    world.run(1)
    assert _shown(proxy) == page


def test_a_stopped_guest_s_address_shows_nobody_else(world: LoopWorld, proxy: FakeProxy) -> None:
    world.source.put(guest("web", "192.0.2.7"))
    world.run(2)
    world.source.put(guest("web", running=False))
    world.source.put(guest("other", "192.0.2.7"))
    world.run(2)
    assert _shown(proxy) == Page.STOPPED
    assert _shown(proxy, "other") == _at("192.0.2.7")


def test_a_guest_that_nobody_sees_keeps_its_site(world: LoopWorld, proxy: FakeProxy) -> None:
    world.source.put(guest("web", "192.0.2.7"))
    world.run(2)
    world.source.go_down()
    world.run(600)
    assert _shown(proxy) == _at("192.0.2.7")


def test_a_guest_that_nobody_sees_gives_its_address_to_one_that_is_seen(
    world: LoopWorld, proxy: FakeProxy
) -> None:
    world.source.put(guest("web", "192.0.2.7"))
    world.run(2)
    world.source.remove(GuestId("id-web"), undefined=False, tell=False)
    world.other_source.put(guest("other", "192.0.2.7", source=world.other_source.name))
    world.run(61)
    assert _shown(proxy) != _at("192.0.2.7") or _shown(proxy, "other") != _at("192.0.2.7")


def test_a_guest_that_left_has_no_site(world: LoopWorld, proxy: FakeProxy) -> None:
    world.source.put(guest("web", "192.0.2.7"))
    world.run(2)
    world.source.remove(GuestId("id-web"))
    world.run(5)
    assert _shown(proxy) == Page.STOPPED  # its grace
    world.run(120)
    assert proxy.served == {}


def test_https_off_is_no_site(world: LoopWorld, proxy: FakeProxy) -> None:
    world.source.put(guest("web", "192.0.2.7", options=GuestOptions(https="off")))
    world.run(1)
    assert proxy.served == {}


def test_whoever_does_not_hold_a_name_has_no_site_there(world: LoopWorld, proxy: FakeProxy) -> None:
    world.source.put(guest("web", "192.0.2.7"))
    world.run(2)
    world.other_source.put(guest("web", "192.0.2.8", identity="late", source=world.other_source.name))
    world.run(2)
    assert _shown(proxy) == _at("192.0.2.7")


def test_a_changed_address_is_rolled_out_at_once(world: LoopWorld, proxy: FakeProxy) -> None:
    world.source.put(guest("web", "192.0.2.7"))
    world.run(5)
    world.source.put(guest("web", "192.0.2.8"))
    world.run(0.01)
    assert _shown(proxy) == _at("192.0.2.8")


def test_two_hundred_events_in_ten_seconds_are_three_reloads(world: LoopWorld, proxy: FakeProxy) -> None:
    world.run(30)
    before = proxy.reloads
    for number in range(200):
        world.source.put(guest(f"g{number}", f"192.0.2.{number + 1}"))
        world.run(0.05)
    during = proxy.reloads - before
    world.run(10)
    assert during <= 3
    assert len(proxy.served) == 200


def test_a_proxy_that_is_back_gets_everything(world: LoopWorld, proxy: FakeProxy) -> None:
    world.run(1)
    proxy.down = True
    world.source.put(guest("web", "192.0.2.7"))
    world.run(60)
    assert _trouble(world) == "the proxy does not run; start it"
    proxy.down = False
    world.run(20)
    assert _trouble(world) is None
    assert _shown(proxy) == _at("192.0.2.7")


def test_one_site_that_is_refused_is_said_and_stops_no_other(world: LoopWorld, proxy: FakeProxy) -> None:
    proxy.broken.add("bad.vmsrv.test")
    world.source.put(guest("bad", "192.0.2.6"))
    world.source.put(guest("web", "192.0.2.7"))
    world.run(5)
    assert _shown(proxy) == _at("192.0.2.7")
    assert world.sites.rollout is not None
    assert list(world.sites.rollout.quarantined) == ["bad.vmsrv.test"]


def test_an_edited_file_is_noticed_within_a_minute(world: LoopWorld, proxy: FakeProxy) -> None:
    world.run(5)
    proxy.edited.append("maps.conf")
    world.run(61)
    assert world.sites.drift == ("maps.conf",)


def test_a_restart_changes_no_site_before_the_sources_have_answered(
    world: LoopWorld, proxy: FakeProxy
) -> None:
    world.source.put(guest("web", "192.0.2.7"))
    world.run(5)
    world.source.go_down()
    world.begin()
    world.run(120)
    assert _shown(proxy) == _at("192.0.2.7")


def test_without_a_memory_a_proxy_s_sites_stay_until_every_source_has_answered(
    world: LoopWorld, proxy: FakeProxy
) -> None:
    world.source.put(guest("web", "192.0.2.7"))
    world.run(5)
    fresh = LoopWorld(proxy=proxy)
    fresh.other_source.put(guest("new", "192.0.2.8", source=fresh.other_source.name))
    fresh.source.put(guest("web", "192.0.2.7"))
    fresh.source.go_down()
    fresh.run(30)
    assert set(proxy.served) == {"web.vmsrv.test"}
    assert fresh.sites.trouble is not None
    fresh.source.come_up()
    fresh.run(60)
    assert set(proxy.served) == {"web.vmsrv.test", "new.vmsrv.test"}
    assert fresh.sites.trouble is None


def test_the_wildcard_is_wanted_from_the_beginning_and_a_deeper_name_has_its_own(
    world: LoopWorld, proxy: FakeProxy
) -> None:
    world.run(1)
    [first] = world.wishes
    assert [(wish.identity, list(map(str, wish.names))) for wish in first] == [
        ("vmsrv.test", ["*.vmsrv.test."])
    ]
    world.source.put(guest("web", "192.0.2.7", options=GuestOptions(names=("shop.web", "blog"))))
    world.run(1)
    _, second = world.wishes
    assert [wish.identity for wish in second] == ["vmsrv.test", "shop.web.vmsrv.test"]
    assert proxy.served["shop.web.vmsrv.test"].certificate == "shop.web.vmsrv.test"
    assert proxy.served["blog.vmsrv.test"].certificate == "vmsrv.test"


def test_names_below_the_zone_are_proved_by_dns() -> None:
    deep = dns.name.from_text("a.b", ZONE)
    [_, wish] = wishes([Site((deep,), "a.b.vmsrv.test", page=Page.STOPPED)], [ZONE], [ZONE])
    assert wish.names == {deep: Challenge.DNS01}


@pytest.mark.parametrize("eager", [[ZONE], []])
def test_a_zone_s_own_name_stands_beside_its_wildcard(eager: list[dns.name.Name]) -> None:
    elsewhere, blog = dns.name.from_text("www.elsewhere.test"), dns.name.from_text("blog", ZONE)
    sites = [
        Site((ZONE, blog, elsewhere), "vmsrv.test", page=Page.STOPPED),
        Site((dns.name.from_text("a", ZONE),), "vmsrv.test", page=Page.STOPPED),
    ]
    [wish] = wishes(sites, eager, [ZONE])
    assert wish.identity == "vmsrv.test"
    assert wish.names == {
        dns.name.from_text("*", ZONE): Challenge.DNS01,
        ZONE: Challenge.DNS01,
        elsewhere: Challenge.HTTP01,
    }


def test_a_site_that_is_off_for_all_is_none_for_each(proxy: FakeProxy) -> None:
    world = LoopWorld(proxy=proxy, https=Https.OFF)
    world.source.put(guest("web", "192.0.2.7"))
    world.run(1)
    assert proxy.served == {}


_BLOG, _WWW = dns.name.from_text("blog", ZONE), dns.name.from_text("www.elsewhere.test")


def test_an_admin_s_rule_serves_a_guest_with_options_under_further_names(proxy: FakeProxy) -> None:
    options = SiteOptions(hsts=3600)
    rule = SiteRule((_BLOG, _WWW), guest=dns.name.from_text("web", ZONE), options=options)
    world = LoopWorld(proxy=proxy, rules=[rule])
    world.source.put(guest("web", "192.0.2.7"))
    world.run(2)
    site = proxy.served["blog.vmsrv.test"]
    assert (site.upstream, site.options, site.names) == (_at("192.0.2.7"), options, (_BLOG, _WWW))
    assert proxy.served["web.vmsrv.test"].options == SiteOptions()
    wish = {wish.identity: wish for wish in world.wishes[-1]}["blog.vmsrv.test"]
    assert wish.names == {_BLOG: Challenge.DNS01, _WWW: Challenge.HTTP01}
    world.source.put(guest("web", running=False))
    world.run(2)
    assert proxy.served["www.elsewhere.test"].page is Page.STOPPED


def test_a_rule_for_a_guest_s_own_name_changes_how_it_is_served(proxy: FakeProxy) -> None:
    rule = SiteRule((dns.name.from_text("web", ZONE),), scheme=Scheme.HTTPS)
    world = LoopWorld(proxy=proxy, rules=[rule])
    world.source.put(guest("web", "192.0.2.7", options=GuestOptions(port="8443")))
    world.run(2)
    site = proxy.served["web.vmsrv.test"]
    assert site.upstream == Upstream(ip_address("192.0.2.7"), 8443, Scheme.HTTPS)
    assert site.certificate == "vmsrv.test"


@pytest.mark.parametrize(
    ("rule", "shows"),
    [
        (SiteRule((_WWW,), upstream=_at("192.0.2.99")), _at("192.0.2.99")),
        (SiteRule((_WWW,), options=SiteOptions(redirect="https://vmsrv.test")), None),
        (SiteRule((_WWW,), guest=dns.name.from_text("nobody", ZONE)), Page.UNKNOWN),
    ],
)
def test_a_rule_needs_no_guest(proxy: FakeProxy, rule: SiteRule, shows: Upstream | Page | None) -> None:
    world = LoopWorld(proxy=proxy, rules=[rule])
    world.run(2)
    site = proxy.served["www.elsewhere.test"]
    assert (site.upstream or site.page) == shows


@pytest.mark.parametrize(
    ("now", "last", "first", "latest", "seconds"),
    [
        (10.0, 0.0, 10.0, 10.0, 0.0),  # alone: at once
        (10.5, 10.0, 10.5, 10.5, 0.5),  # soon after another: a second apart
        (12.0, 10.0, 10.5, 12.0, 0.25),  # a stream: when it is quiet
        (15.6, 10.0, 10.5, 15.6, 0.0),  # or after five seconds
    ],
)
def test_when_to_roll_out(now: float, last: float, first: float, latest: float, seconds: float) -> None:
    assert rollouts.wait(now, last, first, latest) == pytest.approx(seconds)


def test_a_page_waits_a_moment_for_what_comes_next(world: LoopWorld, proxy: FakeProxy) -> None:
    world.run(30)
    before = proxy.reloads
    world.source.put(guest("web", running=False))
    world.run(0.05)
    world.source.put(guest("web", "192.0.2.7"))
    world.run(0.01)
    assert _shown(proxy) == _at("192.0.2.7")
    assert proxy.reloads == before + 1


def test_the_site_of_a_migrated_guest_follows_it(world: LoopWorld, proxy: FakeProxy) -> None:
    here = guest("web", "192.0.2.7")
    world.source.put(here)
    world.run(2)
    world.other_source.put(replace(guest("web", "192.0.2.8", source=world.other_source.name), id=here.id))
    world.source.remove(here.id)
    world.run(5)
    assert _shown(proxy) == _at("192.0.2.8")
