"""`why` goes on behind the name servers: site, certificate, upstream, and a request through the proxy."""

import dns.name
import pytest

from skulldns.loop.links import Link
from skulldns.loop.visit import visit
from skulldns.model.probes import Probe
from skulldns.model.sites import Page
from tests.unit.frontworld import UPSTREAM, WEB, ZONE, FrontWorld, report, site


def _links(world: FrontWorld, name: dns.name.Name = WEB) -> dict[str, Link]:
    return {link.link: link for link in visit(world.front, name, world.now)}


def _states(links: dict[str, Link]) -> list[tuple[str, str]]:
    return [(link.link, link.state.value) for link in links.values()]


def test_a_site_that_is_well() -> None:
    links = _links(FrontWorld())
    assert _states(links) == [
        ("site", "good"),
        ("certificate", "good"),
        ("upstream", "good"),
        ("https", "good"),
    ]
    assert "in the map of its zone, leads to port 80 of 192.0.2.10" in links["site"].text
    assert "vmsrv.test, by A test CA, until 2027-03-16 " in links["certificate"].text


def test_a_name_without_a_site_ends_at_the_name_servers_and_asks_nobody() -> None:
    world = FrontWorld()
    assert _links(world, dns.name.from_text("other", ZONE)) == {}
    assert world.prober.asked == []


@pytest.mark.parametrize(
    ("page", "words"),
    [
        (Page.STOPPED, "its guest is stopped, or another's by now; start it, or lead the name elsewhere"),
        (Page.STARTING, "no address yet"),
        (Page.HELD, "does not show"),
    ],
)
def test_the_page_of_a_guest_that_is_not_there(page: Page, words: str) -> None:
    world = FrontWorld(site(page=page))
    world.prober.sites[WEB] = Probe(good=False, text="answers 503", status=503)
    links = _links(world)
    assert _states(links) == [
        ("site", "waiting"),
        ("certificate", "good"),
        ("upstream", "none"),
        ("https", "good"),
    ]
    assert words in links["site"].text
    assert world.prober.asked == [WEB]


def test_a_guest_without_a_web_server() -> None:
    world = FrontWorld()
    world.prober.upstreams[UPSTREAM] = Probe(good=False, text="192.0.2.10:80: nothing listens there")
    world.prober.sites[WEB] = Probe(good=False, text="answers 502 Bad Gateway", status=502)
    links = _links(world)
    assert _states(links)[2:] == [("upstream", "broken"), ("https", "broken")]
    assert "nothing listens there; start a web server" in links["upstream"].text


def test_a_page_that_nobody_gets() -> None:
    world = FrontWorld(site(page=Page.STOPPED))
    world.prober.sites[WEB] = Probe(good=False, text="nothing listens there")
    assert _links(world)["https"].state.value == "broken"


def test_quarantine_and_a_proxy_that_is_away_are_told_at_the_site() -> None:
    world = FrontWorld()
    world.proxy.broken = {"web.vmsrv.test"}
    world.decide(site())
    assert "the proxy refuses it" in _links(world)["site"].text
    world = FrontWorld()
    world.proxy.down = True
    world.sites.look()
    assert _links(world)["site"].state.value == "broken"


@pytest.mark.parametrize(
    ("reports", "state", "words"),
    [
        ([], "broken", "configure `acme`"),
        ([report(days=None)], "waiting", "about to be ordered"),
        ([report(days=None, reason="CAA forbids it; add it")], "broken", "none yet: CAA forbids it; add it"),
        ([report(days=-1)], "broken", "has expired"),
        ([report(days=20, alarm=True, reason="the CA is away; wait")], "waiting", "the CA is away; wait"),
    ],
)
def test_certificates(reports: list[object], state: str, words: str) -> None:
    world = FrontWorld()
    world.reports = reports  # type: ignore[assignment]
    link = _links(world)["certificate"]
    assert link.state.value == state
    assert words in link.text


def test_a_deeper_name_has_a_server_block_and_a_certificate_of_its_own() -> None:
    deep = dns.name.from_text("deep.web", ZONE)
    world = FrontWorld(site(deep))
    links = _links(world, deep)
    assert "with a server block of its own" in links["site"].text
    assert "is not for this name" in links["certificate"].text  # the wildcard covers one label
