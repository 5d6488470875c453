"""A guest on the web: from its start to its own page over HTTPS, and what its name shows when there is none."""

from collections.abc import Iterator
from contextlib import closing

import libvirt
import pytest

from skulldns.daemon.control import ask
from skulldns.lab import Lab
from skulldns.lab.nameserver import FOREIGN
from skulldns.lab.parts import HTTPS
from skulldns.lab.waiting import until
from tests.integration import hypervisor
from tests.integration.trial import Trial
from tests.integration.visitor import Visitor
from tests.support import require

pytestmark = pytest.mark.timeout(300)

_PATIENCE = 60.0
_ADDRESS = "127.0.0.1"
_ELSEWHERE, _ASTRAY = f"www.{FOREIGN}.", f"astray.{FOREIGN}."
_SITES = f"""
sites:
  {_ELSEWHERE}: {{guest: partner.vmsrv.test}}
  {_ASTRAY}: {{guest: partner.vmsrv.test}}
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, lab_programs: None) -> Iterator[Lab]:  # noqa: ARG001 - as in conftest
    require("nginx", package="nginx")
    require("pebble", package="pebble")
    with Lab.up(tmp_path_factory.mktemp("https") / "lab", daemon=False, extra=HTTPS) as lab:
        with lab.info.config.open("a", encoding="utf-8") as config:
            config.write(_SITES)
        Trial(lab).by_hand(f"update add {_ELSEWHERE} 60 A {_ADDRESS}", zone=FOREIGN)
        lab.start("daemon")
        yield lab


@pytest.fixture(scope="module")
def trial(lab: Lab) -> Trial:
    return Trial(lab)


@pytest.fixture(scope="module")
def visitor(lab: Lab) -> Visitor:
    return Visitor(lab)


@pytest.fixture
def connection(lab: Lab) -> Iterator[libvirt.virConnect]:
    with closing(lab.libvirt()) as connection:
        yield connection


def _until_sees(visitor: Visitor, name: str, *, status: int = 200, text: str = "") -> None:
    """Wait until everybody sees it: for 100 ms after a reload nginx lets the former workers take visitors too."""

    def settled() -> bool:
        return all(visitor.sees(name, status=status, text=text) for _ in range(30))

    until(settled, f"{status} {text} at {name}", patience=_PATIENCE)


def test_a_guest_is_on_the_web_as_soon_as_its_name_answers(lab: Lab, visitor: Visitor, trial: Trial) -> None:
    lab.guest("wiki").create()
    _until_sees(visitor, "wiki", text="<title>wiki</title>")
    trial.until_states("served", "wiki")
    plain = visitor.opens("wiki", "/page?x=1", scheme="http")
    assert plain is not None
    assert plain.status in {301, 308}
    assert plain.headers["location"].endswith("/page?x=1")
    assert plain.headers["location"].startswith("https://wiki.vmsrv.test")


def test_a_second_guest_needs_no_certificate(lab: Lab, visitor: Visitor) -> None:
    lab.guest("journal").create()
    _until_sees(visitor, "journal", text="<title>journal</title>")
    before = visitor.serial("journal")
    lab.guest("blog").create()
    _until_sees(visitor, "blog", text="<title>blog</title>")
    assert visitor.serial("blog") == before


def test_a_stopped_guest_shows_a_page_that_says_so(lab: Lab, visitor: Visitor) -> None:
    lab.guest("sleepy").create()
    _until_sees(visitor, "sleepy", text="<title>sleepy</title>")
    lab.guest("sleepy").stop()
    _until_sees(visitor, "sleepy", status=503, text="stopped")
    visit = visitor.opens("sleepy")
    assert visit is not None
    assert int(visit.headers["retry-after"]) > 0
    assert "sleepy.vmsrv.test" in visit.text


def test_a_name_never_shows_the_guest_that_got_its_address(
    connection: libvirt.virConnect, visitor: Visitor, trial: Trial
) -> None:
    mac = hypervisor.next_mac()
    first = hypervisor.define(connection, "first", mac=mac)
    first.create()
    _until_sees(visitor, "first", text="<title>first</title>")
    first.destroy()
    first.undefine()  # the test driver gives an address to a MAC, so a second guest gets both
    second = hypervisor.define(connection, "second", mac=mac)
    second.create()
    shown = []

    def taken_over() -> bool:
        visit = visitor.opens("first")
        shown.append(visit.text if visit else "")
        return visitor.sees("second", text="<title>second</title>")

    until(taken_over, "the second guest's page", patience=_PATIENCE)
    assert not any("<title>second</title>" in text for text in shown)
    assert not visitor.sees("first")
    assert trial.answers("ns1", "second")


def test_a_guest_without_a_web_server_shows_that_it_does_not_answer(
    lab: Lab, visitor: Visitor, trial: Trial
) -> None:
    lab.guest("mute").create()
    said = trial.says("guest", "assign", "mute", "--port", "9")
    assert said.code == 0, said
    _until_sees(visitor, "mute", status=502, text="mute.vmsrv.test")


def test_a_name_that_nobody_has_is_unknown(visitor: Visitor) -> None:
    visit = visitor.opens("nobody")
    assert visit is not None
    assert visit.status == 404


def test_a_site_can_be_switched_off(lab: Lab, visitor: Visitor, trial: Trial) -> None:
    lab.guest("private").create()
    _until_sees(visitor, "private", text="<title>private</title>")
    assert trial.says("guest", "assign", "private", "--https", "off").code == 0
    _until_sees(visitor, "private", status=404)


def test_a_deeper_name_has_a_certificate_of_its_own(lab: Lab, visitor: Visitor, trial: Trial) -> None:
    lab.guest("shop").create()
    assert trial.says("guest", "assign", "shop", "--names", "old.shop").code == 0
    _until_sees(visitor, "old.shop", text="<title>shop</title>")
    assert visitor.serial("old.shop") != visitor.serial("shop")


def test_a_name_in_somebody_else_s_zone_is_proved_by_http_through_the_proxy(
    lab: Lab, visitor: Visitor, trial: Trial
) -> None:
    lab.guest("partner").create()
    _until_sees(visitor, _ELSEWHERE, text="<title>partner</title>")
    identity = _ELSEWHERE.rstrip(".")
    found = {one["identity"]: one for one in ask(trial.state, "certificates")}
    assert (found[identity]["names"], found[identity]["reason"]) == ([identity], None)
    said = trial.says("why", _ELSEWHERE).out
    assert f"{identity}, by " in said, said
    assert "answers 200" in said, said
    before = visitor.serial(_ELSEWHERE)
    renewed = trial.says("cert", "renew", _ELSEWHERE, "--wait")
    assert renewed.code == 0, renewed
    until(lambda: visitor.serial(_ELSEWHERE) != before, "the new certificate", patience=_PATIENCE)
    tokens = lab.info.directory / "proxy" / "challenges" / ".well-known" / "acme-challenge"
    assert list(tokens.iterdir()) == []


def test_no_ca_is_asked_for_a_name_that_does_not_lead_to_the_proxy(trial: Trial) -> None:
    found = {one["identity"]: one for one in ask(trial.state, "certificates")}[_ASTRAY.rstrip(".")]
    assert found["not_after"] is None
    assert "leads to no address at the resolver" in found["reason"]
    links = {link["link"]: link["text"] for link in ask(trial.state, "why", name=_ASTRAY)["links"]}
    assert f"let it lead to {_ADDRESS}" in links["certificate"]


def test_sites_go_on_while_the_daemon_is_away_and_after_it_is_back(lab: Lab, visitor: Visitor) -> None:
    lab.guest("steady").create()
    _until_sees(visitor, "steady", text="<title>steady</title>")
    serial = visitor.serial("steady")
    lab.kill("daemon")
    assert visitor.sees("steady", text="<title>steady</title>")
    lab.start("daemon")
    lab.guest("later").create()
    _until_sees(visitor, "later", text="<title>later</title>")
    assert visitor.sees("steady", text="<title>steady</title>")
    assert visitor.serial("steady") == serial  # no order at start that was not due


def test_a_proxy_that_was_away_has_everything_when_it_is_back(lab: Lab, visitor: Visitor) -> None:
    lab.kill("nginx")
    lab.guest("meanwhile").create()
    lab.start("nginx")
    _until_sees(visitor, "meanwhile", text="<title>meanwhile</title>")
