"""Real signed zones, their parents, and real servers that are closed and open, looked at from outside."""

import base64
import json
import time
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

import dns.dnssec
import dns.message
import dns.name
import dns.nameserver
import dns.query
import dns.resolver
import pytest
from click.testing import CliRunner
from dns.name import Name
from dns.rdatatype import DNSKEY, A, RdataType

from skulldns import wiring
from skulldns.cli import main
from skulldns.config import load
from skulldns.lab.ports import PortBlock
from skulldns.lab.waiting import until
from skulldns.model.changes import Change
from skulldns.model.dnssec import Dnssec, Ds
from skulldns.model.outlook import Delegates, Finding, Outlook, Public, Says, Standing
from skulldns.model.records import rrset
from skulldns.model.zones import ZoneId
from skulldns.plan import delegation, dnssec
from skulldns.targets.nameserver import DnsServer
from skulldns.targets.nsconfig import settings as ns
from skulldns.targets.outlook import Observer, Place
from skulldns.targets.resolving import Resolving
from tests.contract.bind_stage import BindPrimary
from tests.contract.dns_servers import DnsProgram, fresh_secret, places, tsig
from tests.contract.pair_stage import ZONE, PairStage, pair
from tests.contract.world_stage import HOST, World, open_server, world

NAMES = ("vmsrv.test. 60 NS ns1.vmsrv.test.", "vmsrv.test. 60 NS ns2.vmsrv.test.")
GLUE = ("ns1.vmsrv.test. 60 A 127.0.0.1", "ns2.vmsrv.test. 60 A 127.0.0.1")
_NOBODY = "127.77.77.77"
_PATIENCE = 30.0
_NOT_LONG = 0.1
_numbers = count()


@pytest.fixture(scope="module")
def ports() -> Iterator[PortBlock]:
    found = PortBlock.find()
    yield found
    found.close()


@pytest.fixture(scope="module")
def above(tmp_path_factory: pytest.TempPathFactory, ports: PortBlock) -> Iterator[World]:
    """The parent's server."""
    with world(tmp_path_factory.mktemp("parent"), ports.next()) as found:
        yield found


@pytest.fixture(scope="module", params=["bind-knot", "knot-bind"])
def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PairStage]:
    """A zone that its primary signs."""
    first, second = request.param.split("-")
    with pair(tmp_path_factory.mktemp("ns"), first, second, dnssec=True) as found:
        found.until_followed()
        yield found


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory, ports: PortBlock, above: World) -> Iterator[World]:
    """A server of the zone that is open to everybody."""
    with open_server(tmp_path_factory.mktemp("open"), ports.next(), ZONE, above) as found:
        yield found


def _place(program: DnsProgram) -> Place:
    server = program.settings.server
    return Place(server.address, server.port, program.key)


def _observer(
    servers: Sequence[Place], parents: Sequence[Place] | None, port: int, patience: float = 1.0
) -> Observer:
    def resolver() -> dns.resolver.Resolver:
        found = dns.resolver.Resolver(configure=False)
        found.nameservers = [dns.nameserver.Do53Nameserver(HOST, port)]
        return found

    return Observer(
        ZoneId(ZONE),
        servers,
        parents,
        Resolving(resolver, own=True, lifetime=patience),
        port=port,
        patience=patience,
    )


def _seen(stage: PairStage, above: World, *, walk: bool = False) -> Outlook:
    parents = None if walk else [Place(HOST, above.port)]
    return _observer([_place(stage.first), _place(stage.second)], parents, above.port).survey()


def _verdict(stage: PairStage, above: World) -> Dnssec:
    return dnssec.judge(_seen(stage, above), time.time())


def _ill(found: Outlook) -> list[Finding]:
    return [one for one in delegation.judge(found) if one.standing is Standing.ILL]


# -------------------------------------------------------------------------------------------- DNSSEC


def _answer(program: DnsProgram, name: Name, rdtype: RdataType) -> dns.message.Message:
    query = dns.message.make_query(name, rdtype, want_dnssec=True)
    server = program.settings.server
    return dns.query.tcp(query, server.address, timeout=5, port=server.port)


def _validates(program: DnsProgram, name: Name) -> bool:
    """Whether a server answers an address with a signature by the zone's own keys."""
    keys = _answer(program, ZONE, DNSKEY).answer
    answer = _answer(program, name, A).answer
    if len(answer) != 2:
        return False
    [data, signatures] = sorted(answer, key=lambda one: one.rdtype)
    [trusted] = [one for one in keys if one.rdtype == DNSKEY]
    dns.dnssec.validate(data, signatures, {ZONE: trusted})  # raises if it is not good
    return True


def test_what_is_published_in_a_signed_zone_validates_on_both_servers(stage: PairStage) -> None:
    primary, secondary = stage.primary(), stage.secondary()
    name = dns.name.from_text(f"web{next(_numbers)}", ZONE)
    new = rrset(name, A, 60, ["192.0.2.10"])
    primary.update([Change(None, new, "zone file", "zone file", "a test wants it", alone=True)])
    secondary.notify(primary.serial())
    for server, program in ((primary, stage.first), (secondary, stage.second)):
        until(lambda server=server: server.lookup([new.key])[new.key] == new, "following", patience=_PATIENCE)  # type: ignore[misc]
        assert _validates(program, name)
        server.close()


def test_the_parent_has_the_right_ds_a_wrong_one_and_none(stage: PairStage, above: World) -> None:
    above.delegate(ZONE, [*NAMES, *GLUE])
    none = _verdict(stage, above)
    assert (none.signed, none.ds, none.urgent) == (True, Ds.NONE, False)
    assert none.expires
    assert none.expires > time.time() + 86_400
    [line] = none.ready
    owner, _, _, _, data = line.split(maxsplit=4)
    assert owner == "vmsrv.test."
    above.delegate(ZONE, [*NAMES, *GLUE], [data])
    right = _verdict(stage, above)
    assert (right.ds, right.urgent) == (Ds.MATCHES, False)
    assert {one.standing for one in right.findings} == {Standing.WELL}
    above.delegate(ZONE, [*NAMES, *GLUE], ["12345 13 2 " + "ab" * 32])
    wrong = _verdict(stage, above)
    assert (wrong.ds, wrong.urgent) == (Ds.WRONG, True)
    assert "matches none of its keys" in wrong.findings[0].what


# ---------------------------------------------------------------------------------------- delegation


def test_a_right_delegation_asked_directly_and_found_by_walking(stage: PairStage, above: World) -> None:
    above.delegate(ZONE, [*NAMES, *GLUE])
    for walk in (False, True):
        found = _seen(stage, above, walk=walk)
        assert found.parent
        assert (found.parent.where, found.unasked) == (f"{HOST}:{above.port}", "")
        assert _ill(found) == []
        assert {one.standing for one in delegation.judge(found)} == {Standing.WELL}
        assert {one.says for one in found.delegates} == {Says.SERVES}


def test_a_missing_delegation(stage: PairStage, above: World) -> None:
    above.delegate(ZONE, [])
    found = _seen(stage, above)
    [finding] = _ill(found)
    assert "does not delegate it" in finding.what
    assert "ns1.vmsrv.test A 127.0.0.1" in finding.cure


def test_wrong_glue_and_a_server_that_does_not_answer(stage: PairStage, above: World) -> None:
    above.delegate(ZONE, [*NAMES, GLUE[0], f"ns2.vmsrv.test. 60 A {_NOBODY}"])
    [glue, silent] = _ill(_seen(stage, above))
    assert f"has A {_NOBODY} for ns2.vmsrv.test, the zone A 127.0.0.1" in glue.what
    assert f"ns2.vmsrv.test ({_NOBODY}) does not answer" in silent.what


def test_a_lame_server(above: World) -> None:
    above.delegate(ZONE, [*NAMES, *GLUE])
    place = Place(HOST, above.port)  # it serves the parent, not the zone
    found = _observer([place], [place], above.port).survey()
    assert {one.says for one in found.delegates} == {Says.LAME}
    assert "lame delegation" in _ill(found)[0].what
    assert found.servers[0].trouble


def test_a_parent_that_cannot_be_asked(stage: PairStage, ports: PortBlock) -> None:
    nobody = Place(HOST, ports.next())
    servers = [_place(stage.first), _place(stage.second)]
    for parents in ([nobody], None):
        found = _observer(servers, parents, nobody.port, _NOT_LONG).survey()
        assert found.parent is None
        assert found.unasked
        assert _ill(found) == []
    silent = _observer([nobody], [], nobody.port, _NOT_LONG).survey()
    assert silent.servers[0].apex is None
    assert _ill(silent) == []


# ------------------------------------------------------------------------------------ open to everybody


def test_a_closed_pair_and_an_open_server(stage: PairStage, above: World, opened: World) -> None:
    above.delegate(ZONE, [*NAMES, *GLUE])
    assert [one.public for one in _seen(stage, above).servers] == [_public(stage.first)] * 2
    place = Place(HOST, opened.port)
    found = _observer([place], [place], opened.port).survey()
    assert found.parent
    assert found.parent.delegates is Delegates.HIDDEN
    assert {one.kind for one in _ill(found)} >= {"recursion", "transfer"}
    [look] = found.servers
    assert look.public
    assert look.public.offers
    assert look.public.transferred


def _public(program: DnsProgram) -> object:
    place = _place(program)
    found = _observer([place], [], place.port).survey().servers[0].public
    assert found
    assert found == Public(offers=False, recursed=False, transferred=False)
    return found


# -------------------------------------------------------------------------------------- command line


_VIEWS = """state: state
keys:
  inside: {{algorithm: hmac-sha256, secret_file: inside.key}}
  outside: {{algorithm: hmac-sha256, secret_file: outside.key}}
zones:
  vmsrv.test:
    views:
      inside: {{primary: {{address: 127.0.0.1, port: {port}, key: inside}}, clients: [127.0.0.0/8]}}
      outside: {{primary: {{address: 127.0.0.1, port: {port}, key: outside}}}}
    parent: [{{address: 127.0.0.1, port: {parent}}}]
"""
_CONFIG = """state: state
keys:
  skulldns: {{algorithm: hmac-sha256, secret_file: one.key}}
  skulldns-ns2: {{algorithm: hmac-sha512, secret_file: two.key}}
zones:
  vmsrv.test:
    primary: {{address: 127.0.0.1, port: {first}, key: skulldns}}
    secondaries: [{{address: 127.0.0.1, port: {second}, key: skulldns-ns2}}]
    parent: [{{address: 127.0.0.1, port: {parent}}}]
"""


def test_zone_ds_and_doctor_without_a_daemon(stage: PairStage, above: World, tmp_path: Path) -> None:
    above.delegate(ZONE, [*NAMES, *GLUE])
    config = tmp_path / "skulldns.yaml"
    for program, file in ((stage.first, "one.key"), (stage.second, "two.key")):
        (tmp_path / file).write_bytes(base64.b64encode(program.key.secret))
        (tmp_path / file).chmod(0o600)
    places = [_place(stage.first), _place(stage.second)]
    text = _CONFIG.format(first=places[0].port, second=places[1].port, parent=above.port)
    config.write_text(text, encoding="utf-8")
    said = CliRunner().invoke(main, ["zone", "ds", "vmsrv.test", "--config", str(config)])
    assert said.exit_code == 0, said.output
    [line] = said.stdout.splitlines()
    assert line == _verdict(stage, above).ready[0]
    assert "has no DS for it" in said.stderr
    above.delegate(ZONE, [*NAMES, *GLUE], ["12345 13 2 " + "ab" * 32])
    said = CliRunner().invoke(main, ["doctor", "--json", "--config", str(config)])
    assert said.exit_code == 1
    found = json.loads(said.stdout)["pings"]
    assert [one["kind"] for one in found if not one["good"]] == ["daemon", "dnssec"]
    assert {"serial", "delegation", "recursion", "transfer"} <= {one["kind"] for one in found}
    assert "matches none of its keys" in next(one["text"] for one in found if one["kind"] == "dnssec")


@pytest.fixture
def viewed(ports: PortBlock, tmp_path: Path) -> Iterator[BindPrimary]:
    """A primary that signs two views of the zone."""
    port = ports.next()
    keys = {name: ns.Key(dns.name.from_text(name), "hmac-sha256") for name in ("inside", "outside")}
    servers = {name: ns.Server(HOST, port, key) for name, key in keys.items()}
    settings = ns.Settings(
        ns.Software.BIND,
        ns.Role.PRIMARY,
        servers["outside"],
        tuple(ns.Zone(ZONE, server, view=name) for name, server in servers.items()),
        places(tmp_path / "primary"),
        views=(
            ns.View("inside", (keys["inside"],), ("none",)),
            ns.View("outside", (keys["outside"],), ("any",)),
        ),
        dnssec=True,
    )
    secrets = {key: fresh_secret() for key in keys.values()}
    program = BindPrimary(settings, secrets, ports.next())
    for key, secret in secrets.items():
        file = tmp_path / f"{str(key.name).rstrip('.')}.key"
        file.write_text(secret, encoding="utf-8")
        file.chmod(0o600)
    program.start()
    yield program
    program.stop()


def test_each_view_is_looked_at_with_its_own_key(viewed: BindPrimary, above: World, tmp_path: Path) -> None:
    above.delegate(ZONE, [NAMES[0], GLUE[0]])
    config = tmp_path / "skulldns.yaml"
    config.write_text(_VIEWS.format(port=viewed.settings.server.port, parent=above.port), encoding="utf-8")
    inside, outside = wiring.observers(load(config))
    assert [str(one.zone) for one in (inside, outside)] == ["vmsrv.test@inside", "vmsrv.test@outside"]
    until(lambda: all(_is_signed(one) for one in (inside, outside)), "signing", patience=_PATIENCE)
    key = tsig(
        viewed.settings.views[0].keys[0],
        {viewed.settings.views[0].keys[0]: (tmp_path / "inside.key").read_text()},
    )
    server = DnsServer(ZONE, HOST, viewed.settings.server.port, key)
    name = dns.name.from_text("ns1", ZONE)
    before, new = (rrset(name, A, 3600, [value]) for value in ("127.0.0.1", "192.0.2.53"))
    server.update([Change(before, new, "zone file", "zone file", "a test wants it")])
    server.close()
    for observer, address in ((inside, "192.0.2.53"), (outside, "127.0.0.1")):
        found = observer.survey()
        [look] = found.servers
        assert look.apex
        assert {str(one) for one in look.apex.addresses[name]} == {address}
        assert dnssec.judge(found, time.time()).ds is Ds.NONE
        assert _ill(found) == []
    said = CliRunner().invoke(main, ["zone", "ds", "vmsrv.test", "--view", "inside", "--config", str(config)])
    assert said.stdout.startswith("vmsrv.test. 3600 IN DS ")
    said = CliRunner().invoke(main, ["zone", "ds", "vmsrv.test", "--config", str(config)])
    assert (said.exit_code, said.stdout) == (2, "")
    assert "--view (inside, outside)" in said.stderr


def _is_signed(observer: Observer) -> bool:
    verdict = dnssec.judge(observer.survey(), time.time())
    return bool(verdict.signed) and not verdict.urgent
