"""One list of pings, for `doctor` and for the metrics."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from skulldns.cli.exposition import exposition
from skulldns.errors import Unavailable
from skulldns.loop.clock import Clock
from skulldns.loop.front import Front
from skulldns.loop.health import LEAST_FREE, Machine, Ping, pings
from skulldns.loop.outlooks import OutlookLine
from skulldns.loop.report import Status
from skulldns.model.dnssec import Dnssec, Ds
from skulldns.model.outlook import Finding, Standing
from skulldns.plan.delegation import SERIAL
from skulldns.wiring.machine import MachineLook
from tests.unit.frontworld import NOW, FrontWorld, report
from tests.unit.loopworld import LoopWorld, guest

_MACHINE = Machine("state", None, 2 * LEAST_FREE, 10 * LEAST_FREE, 0.0)


def _status(front: Front | None = None) -> Status:
    world = LoopWorld()
    world.source.put(guest("web", "192.0.2.10"))
    world.run(1)
    status = world.reporter.status(world.now)
    if front is None:
        return status
    return replace(status, proxy=front.proxy(), certificates=front.certificates())


def _ill(
    status: Status | None = None,
    files: Mapping[str, str | None] | None = None,
    machine: Machine = _MACHINE,
    now: float = NOW,
) -> list[Ping]:
    return [one for one in pings(status or _status(), files or {}, machine, now) if not one.good]


def test_all_is_well() -> None:
    found = pings(_status(FrontWorld().front), {"vmsrv.test": None}, _MACHINE, NOW)
    assert [one for one in found if not one.good] == []
    assert {one.kind for one in found} == {
        *("zone file", "source", "server", "database", "disk", "clock", "proxy", "certificate")
    }


def test_a_sentence_is_cut_into_what_is_wrong_and_the_cure() -> None:
    [ping] = _ill(files={"vmsrv.test": "zones/vmsrv.test.yaml:1:2: a; b is wrong; write c"})
    assert ping == Ping(
        "zone file", "vmsrv.test", good=False, text="zones/vmsrv.test.yaml:1:2: a; b is wrong", cure="write c"
    )


@pytest.mark.parametrize(("age", "said"), [(5.0, "with serial 4"), (1500.0, "with serial 4, 25 min ago")])
def test_serials_of_an_older_look_say_how_old_it_is(age: float, said: str) -> None:
    serials = Finding(SERIAL, "vmsrv.test", Standing.WELL, "2 servers with serial 4")
    dnssec = Dnssec(signed=False, expires=None, ds=Ds.NONE, ready=(), findings=(), urgent=False)
    line = OutlookLine("vmsrv.test", NOW - age, dnssec, (serials,))
    [ping] = [
        one for one in pings(replace(_status(), outlooks=(line,)), {}, _MACHINE, NOW) if one.kind == SERIAL
    ]
    assert ping.text.endswith(said)


@pytest.mark.parametrize(
    ("machine", "now", "kind"),
    [
        (replace(_MACHINE, database="the disk is full; make room"), NOW, "database"),
        (replace(_MACHINE, free=LEAST_FREE - 1), NOW, "disk"),
        (replace(_MACHINE, jumped=-31_536_000.0), NOW, "clock"),
        (_MACHINE, 3600.0, "clock"),
    ],
)
def test_the_machine(machine: Machine, now: float, kind: str) -> None:
    [ping] = _ill(machine=machine, now=now)
    assert ping.kind == kind
    assert ping.cure


def test_servers_and_sources_that_do_not_answer() -> None:
    world = LoopWorld()
    world.ns2.down = True
    world.source.go_down("it is away; bring it back")
    world.source.put(guest("web", "192.0.2.10"))
    world.run(60)
    source, server = _ill(world.reporter.status(world.now))
    assert source.kind == "source"
    assert "bring it back" in source.text + source.cure
    assert (server.kind, server.name) == ("server", "vmsrv.test secondary 192.0.2.54:53")
    assert server.cure


def test_the_proxy_and_certificates() -> None:
    world = FrontWorld()
    world.proxy.edited = ["maps.conf"]
    world.sites.look()
    world.proxy.broken = {"web.vmsrv.test"}
    world.reports = [report(days=20, alarm=True, reason="the CA is away; wait")]
    assert [one.kind for one in _ill(_status(world.front))] == ["proxy files", "certificate"]
    world.decide()
    assert [one.kind for one in _ill(_status(world.front))] == ["site", "certificate"]
    world.proxy.down = True
    world.sites.look()
    assert [one.kind for one in _ill(_status(world.front))] == ["proxy", "site", "certificate"]


class _Time:
    wall = NOW
    steady = 0.0

    def pass_(self, seconds: float, *, jump: float = 0.0) -> None:
        self.steady += seconds
        self.wall += seconds + jump


def test_a_jump_of_the_clock_is_told_for_an_hour(tmp_path: Path) -> None:
    time = _Time()
    look = MachineLook(tmp_path, lambda: None, Clock(lambda: time.wall, lambda: time.steady, lambda: 0.0))
    time.pass_(86_400, jump=2)  # a time service corrects as much
    assert look().jumped == 0
    time.pass_(60, jump=-3600)
    assert look().jumped == -3600
    time.pass_(3000)
    assert look().jumped == -3600
    time.pass_(1000)
    assert look().jumped == 0


def test_a_database_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    def write() -> None:
        raise Unavailable("the disk is full", cure="make room")

    clock = Clock(lambda: NOW, lambda: 0.0, lambda: 0.0)
    machine = MachineLook(tmp_path / "not" / "there", write, clock)()
    assert machine.database == "the disk is full; make room"
    assert machine.size > 0


def test_metrics_are_well_formed_and_say_what_the_pings_say() -> None:
    world = FrontWorld()
    world.reports = [report(days=None, reason='a "quoted" \\ reason')]
    status = _status(world.front)
    found = pings(status, {'a"b\\c': "wrong; correct it"}, _MACHINE, NOW)
    health = {"pings": [asdict(one) for one in found], "status": asdict(status), "budget": []}
    families = {one.name: one for one in text_string_to_metric_families(exposition(health))}
    said = {(one.labels["kind"], one.labels["name"]): one.value for one in families["skulldns_ping"].samples}
    assert said == {(one.kind, one.name): float(one.good) for one in found}
    assert said["zone file", 'a"b\\c'] == 0
    assert [one.value for one in families["skulldns_sites"].samples] == [1]
    assert families["skulldns_certificate_not_after_seconds"].samples == []  # there is none yet
    assert [one.value for one in families["skulldns_names"].samples if one.labels["state"] == "served"] == [2]


def test_metrics_without_anything_but_pings() -> None:
    text = exposition({"pings": [asdict(Ping("config", "x", good=False, text="wrong"))]})
    [family] = text_string_to_metric_families(text)
    assert [one.value for one in family.samples] == [0]
