"""The worker that looks at our zones from outside, and who reads it."""

import io
import time
from dataclasses import asdict, replace
from pathlib import Path

import dns.name
import dns.resolver
import pytest
from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console

from skulldns.cli.exposition import exposition
from skulldns.cli.status import show_dnssec
from skulldns.config import load
from skulldns.errors import Unavailable
from skulldns.loop.alarms import Alarms
from skulldns.loop.clock import Clock
from skulldns.loop.health import LEAST_FREE, Machine, pings
from skulldns.loop.outlooks import Outlooks
from skulldns.loop.report import Reporter
from skulldns.loop.why import explain
from skulldns.model.outlook import Outlook, Public
from skulldns.plan.cadence import FIRST_SURVEY_AFTER, SURVEY_EVERY, SURVEY_ILL_EVERY
from skulldns.targets.fakesurveyor import FakeSurveyor
from skulldns.targets.outlook import Place
from skulldns.targets.resolving import Resolving
from skulldns.wiring.outlooks import observers
from tests.unit.loopworld import LoopWorld, guest
from tests.unit.outlookworld import NOW, SigningKey, Zone, look, outlook, parent

KEY, OTHER = SigningKey(), SigningKey()
SIGNED = Zone([KEY])
RIGHT = outlook(SIGNED, above=parent([KEY.ds()]))
WRONG = outlook(SIGNED, above=parent([OTHER.ds()]))
_MACHINE = Machine("state", None, 2 * LEAST_FREE, 10 * LEAST_FREE, 0.0)


class _World:
    """Outlooks over one zone, with a clock of their own."""

    def __init__(self) -> None:
        self.surveyor = FakeSurveyor(RIGHT)
        self.steady = 0.0
        self.outlooks = Outlooks([self.surveyor], Clock(lambda: NOW, lambda: self.steady, lambda: 0.0))

    def step(self) -> None:
        wait = self.outlooks.step()
        assert wait is not None
        self.steady += wait


def test_zones_are_looked_at_rarely_and_more_often_while_something_is_ill() -> None:
    world = _World()
    world.step()
    assert world.surveyor.surveys == 0
    assert world.outlooks.lines() == ()
    for surveys, until in ((1, FIRST_SURVEY_AFTER), (2, FIRST_SURVEY_AFTER + SURVEY_EVERY)):
        assert world.steady == until
        world.step()
        assert world.surveyor.surveys == surveys
    world.surveyor.outlook = WRONG
    world.step()
    before = world.steady
    world.step()
    assert world.steady - before == SURVEY_ILL_EVERY


def test_who_looks_now_puts_the_next_look_off() -> None:
    world = _World()
    world.outlooks.look()
    world.step()
    assert world.surveyor.surveys == 1
    assert world.steady == SURVEY_EVERY


def test_without_zones_nothing_is_due() -> None:
    assert Outlooks([], Clock(lambda: NOW, lambda: 0.0, lambda: 0.0)).step() is None


def _reporter(surveyor: FakeSurveyor) -> tuple[LoopWorld, Reporter]:
    world = LoopWorld()
    world.source.put(guest("web", "192.0.2.10"))
    world.run(1)
    clock = Clock(lambda: NOW, lambda: 0.0, lambda: 0.0)
    outlooks = Outlooks([surveyor], clock)
    outlooks.look()
    names = world.reporter.names
    return world, Reporter(names, Alarms(names, clock, None, outlooks), None, outlooks)


def test_status_pings_and_metrics_of_a_zone_that_is_well() -> None:
    _, reporter = _reporter(FakeSurveyor(RIGHT))
    status = reporter.status(NOW)
    assert status.problems == ()
    assert status.alarms == ()
    [line] = status.outlooks
    assert (line.zone, line.at) == ("vmsrv.test", NOW)
    found = pings(status, {}, _MACHINE, NOW)
    assert {"dnssec", "serial", "delegation", "recursion", "transfer"} <= {one.kind for one in found}
    assert all(one.good and one.known for one in found)
    health = {"pings": [asdict(one) for one in found], "status": asdict(status), "budget": []}
    families = {one.name: one for one in text_string_to_metric_families(exposition(health))}
    for name, value in (("signed", 1), ("signatures_expire_seconds", NOW + 4 * 86_400), ("ds_matches", 1)):
        [sample] = families[f"skulldns_zone_{name}"].samples
        assert (sample.labels, sample.value) == ({"zone": "vmsrv.test"}, value)


def test_a_wrong_ds_is_an_alarm_a_problem_and_an_ill_ping() -> None:
    _, reporter = _reporter(FakeSurveyor(WRONG))
    status = reporter.status(NOW)
    [alarm] = status.alarms
    assert alarm.key == "dnssec vmsrv.test"
    assert alarm.what in status.problems
    assert [one.kind for one in pings(status, {}, _MACHINE, NOW) if not one.good] == ["dnssec"]


def test_what_many_zones_share_is_told_once_and_what_is_unknown_is_good() -> None:
    shut = Public(offers=True, recursed=False, transferred=False)
    found = outlook(SIGNED, servers=(look(SIGNED, public=shut), look(None, 2, None)), parent=None)
    world = _World()
    world.outlooks = Outlooks([FakeSurveyor(found)] * 2, Clock(lambda: NOW, lambda: 0.0, lambda: 0.0))
    world.outlooks.look()
    _, reporter = _reporter(FakeSurveyor(found))
    status = replace(reporter.status(NOW), outlooks=world.outlooks.lines())
    said = pings(status, {}, _MACHINE, NOW)
    assert [(one.kind, one.name) for one in said if not one.good] == [("recursion", "192.0.2.53:53")]
    unknown = [one for one in said if not one.known]
    assert {one.kind for one in unknown} == {"dnssec", "delegation", "recursion", "transfer"}
    assert all(one.good for one in unknown)


def test_a_name_s_chain_tells_of_dnssec_and_of_a_delegation_that_is_ill() -> None:
    surveyor = FakeSurveyor(RIGHT)
    world, reporter = _reporter(surveyor)
    name = next(iter(reporter.names.publishers.values())).zone.name

    def links() -> list[tuple[str, str]]:
        assert reporter.outlooks
        reporter.outlooks.look()
        chain = explain(reporter.names, world.ledger, name, NOW, None, reporter.outlooks)
        return [(one.link, one.state.value) for one in chain.links if one.link in {"dnssec", "delegation"}]

    unseen = Outlooks([surveyor], Clock(lambda: NOW, lambda: 0.0, lambda: 0.0))
    chain = explain(reporter.names, world.ledger, name, NOW, None, unseen)
    assert [one.state.value for one in chain.links if one.link == "dnssec"] == ["none"]
    assert links() == [("dnssec", "good")]
    surveyor.outlook = WRONG
    assert links() == [("dnssec", "broken")]
    surveyor.outlook = outlook(Zone(), above=parent(glue={}))
    assert links() == [("dnssec", "none"), ("delegation", "broken"), ("delegation", "broken")]


def test_a_secondary_that_is_behind_is_left_to_its_follower() -> None:
    _, reporter = _reporter(
        FakeSurveyor(outlook(SIGNED, replace(SIGNED, serial=3), above=parent([KEY.ds()])))
    )
    assert reporter.status(NOW).problems == ()


def _shown(*found: Outlook) -> list[str]:
    outlooks = Outlooks([FakeSurveyor(one) for one in found], Clock(time.time, lambda: 0.0, lambda: 0.0))
    outlooks.look()
    text = io.StringIO()
    show_dnssec(Console(file=text, width=200), [asdict(line) for line in outlooks.lines()])
    return text.getvalue().splitlines()


def test_status_shows_what_is_signed() -> None:
    day, now = 86_400, time.time()
    soon = replace(SIGNED, ends=now + 5.5 * day, begins=now - 8 * day)
    late = replace(SIGNED, ends=now - day, begins=now - 8 * day)
    assert _shown() == []
    assert _shown(outlook(Zone())) == ["dnssec  no zone is signed", ""]
    assert _shown(outlook(soon, above=parent([KEY.ds()]))) == [
        "dnssec  vmsrv.test: signed, signatures end in 5 d, the parent's DS matches",
        "",
    ]
    [line, _] = _shown(outlook(late))
    assert line.endswith("signed, its signatures have expired, the parent has no DS")


_CONFIG = """
keys: {k: {algorithm: hmac-sha256, secret_file: k.key}}
zones:
  a.test:
    primary: {address: 192.0.2.53, key: k}
    secondaries: [{address: 192.0.2.54, key: k}]
    reverse: [2.0.192.in-addr.arpa]
    parent: [{address: 198.51.100.1, port: 5353}]
  b.test:
    primary: {address: 192.0.2.53, key: k}
    reverse: [113.0.203.in-addr.arpa]
    parent: []
"""


def test_the_parent_of_a_zone_is_not_that_of_its_reverse_zones_unless_there_is_none(tmp_path: Path) -> None:
    (tmp_path / "k.key").write_text("c2VjcmV0IG9mIHNpeHRlZW4gYnl0ZXM=", encoding="utf-8")
    (tmp_path / "k.key").chmod(0o600)
    (tmp_path / "skulldns.yaml").write_text(_CONFIG, encoding="utf-8")
    found = {str(one.zone): one for one in observers(load(tmp_path / "skulldns.yaml"))}
    assert {name: one._parents for name, one in found.items()} == {
        "a.test": [Place("198.51.100.1", 5353)],
        "2.0.192.in-addr.arpa": None,
        "b.test": [],
        "113.0.203.in-addr.arpa": [],
    }
    assert [one.address for one in found["2.0.192.in-addr.arpa"]._servers] == ["192.0.2.53", "192.0.2.54"]


def test_names_of_private_use_are_not_asked_of_the_system_s_resolver() -> None:
    for name in ("vmsrv.test", "1.168.192.in-addr.arpa", "lab.internal", "8.b.d.0.1.0.0.2.ip6.arpa"):
        with pytest.raises(Unavailable, match="is for private use"):
            Resolving(_no_resolver, own=False).parent_servers(dns.name.from_text(name))
    with pytest.raises(AssertionError, match="it is asked"):
        Resolving(_no_resolver, own=True).parent_servers(dns.name.from_text("vmsrv.test"))
    with pytest.raises(AssertionError, match="it is asked"):
        Resolving(_no_resolver, own=False).parent_servers(dns.name.from_text("vmsrv.skullspace.ca"))


def _no_resolver() -> dns.resolver.Resolver:
    raise AssertionError("it is asked")
