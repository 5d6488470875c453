"""Keys, rights, DNSSEC, catalogs and views with each make of name server, as `ns config` sets it up."""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from pathlib import Path

import dns.message
import dns.name
import dns.query
import dns.tsig
import pytest
from dns.name import Name
from dns.rdatatype import PTR, RRSIG, TXT, A, RdataType

from skulldns.errors import Refused, SkullDNSError, Unavailable
from skulldns.lab.ports import PortBlock
from skulldns.lab.waiting import until
from skulldns.model.changes import Change
from skulldns.model.records import Key, RRset, rrset
from skulldns.targets.dnswire.transfer import DNSSEC_OWN
from skulldns.targets.nameserver import DnsServer
from skulldns.targets.nsconfig import settings as ns
from tests.contract.bind_stage import BindPrimary
from tests.contract.dns_servers import DnsProgram, fresh_secret, places, tsig
from tests.contract.pair_stage import REVERSE, ZONE, PairStage, pair

_numbers = count()


@pytest.fixture(scope="module", params=["bind-powerdns", "knot-nsd", "powerdns-knot"])
def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PairStage]:
    first, second = request.param.split("-")
    with pair(tmp_path_factory.mktemp("ns"), first, second) as found:
        yield found


def _server(
    program: DnsProgram, key: dns.tsig.Key, *, zone: Name = ZONE, now: Callable[[], float] = time.time
) -> DnsServer:
    server = program.settings.server
    return DnsServer(zone, server.address, server.port, key, now=now)


def _add(zone: Name = ZONE, rdtype: RdataType = A, value: str = "192.0.2.1") -> Change:
    new = rrset(dns.name.from_text(f"m{next(_numbers)}", zone), rdtype, 60, [value])
    return Change(None, new, "zone file", "zone file", "a test wants it", alone=True)


def _errors(server: DnsServer, *, updates: bool = True) -> Iterator[SkullDNSError]:
    """What each kind of request raises."""
    change = _add()
    asks: list[Callable[[], object]] = [
        server.serial,
        server.read,
        lambda: server.lookup([change.key]),
        server.notify,
    ]
    if updates:
        asks.append(lambda: server.update([change]))
    for ask in asks:
        with pytest.raises(SkullDNSError) as caught:
            ask()
        yield caught.value
    server.close()


def _served(server: DnsServer, wanted: RRset | None) -> bool:
    assert wanted
    return server.lookup([wanted.key]).get(wanted.key) == wanted


# -------------------------------------------------------------------------------------- keys and clocks


@pytest.fixture(params=["first", "second"])
def program(stage: PairStage, request: pytest.FixtureRequest) -> DnsProgram:
    """Each of the two servers."""
    found: DnsProgram = getattr(stage, request.param)
    return found


def _sentences(program: DnsProgram, key: dns.tsig.Key, now: Callable[[], float] = time.time) -> Iterator[str]:
    # NSD says NOTIMP to every update.
    updates = program.settings.software is not ns.Software.NSD
    for error in _errors(_server(program, key, now=now), updates=updates):
        assert type(error) is Unavailable
        yield str(error)


def _expected(program: DnsProgram, sentence: str) -> str:
    """PowerDNS does not say what is wrong with a signature."""
    if program.settings.software is ns.Software.POWERDNS:
        return "it does not accept our TSIG with the key"
    return sentence


def test_an_unknown_key_is_told(program: DnsProgram) -> None:
    stranger = dns.tsig.Key("stranger", program.key.secret)
    for sentence in _sentences(program, stranger):
        assert _expected(program, "does not know the TSIG key stranger with hmac-sha256") in sentence


def test_another_secret_is_told(program: DnsProgram) -> None:
    other = dns.tsig.Key(program.key.name, b"x" * 32, program.key.algorithm)
    for sentence in _sentences(program, other):
        assert _expected(program, "has another secret than ours (BADSIG)") in sentence


@pytest.mark.parametrize(("skew", "direction"), [(-4000, "ahead of"), (4000, "behind")])
def test_a_skewed_clock_is_told(program: DnsProgram, skew: int, direction: str) -> None:
    for sentence in _sentences(program, program.key, now=lambda: time.time() + skew):
        assert re.search(_expected(program, rf"its clock is (3,9\d\d|4,0\d\d) s {direction} ours"), sentence)


def test_the_secondary_s_key_reads_the_primary_and_changes_nothing(stage: PairStage) -> None:
    server = _server(stage.first, stage.second.key)
    change = _add()
    assert server.read().serial == server.serial()
    with pytest.raises(SkullDNSError, match=r"closed to the key|deny an update"):
        server.update([change])
    assert server.lookup([change.key])[change.key] is None
    server.close()


def test_a_zone_without_a_file_takes_its_types_only(stage: PairStage) -> None:
    server = _server(stage.first, stage.first.key, zone=REVERSE)
    pointer, text = _add(REVERSE, PTR, "web.vmsrv.test."), _add(REVERSE, TXT, "no")
    server.update([pointer])
    assert _served(server, pointer.after)
    if stage.first.settings.software is not ns.Software.POWERDNS:  # it cannot tell types apart
        with pytest.raises(Refused, match="deny an update of"):
            server.update([text])
        assert server.lookup([text.key])[text.key] is None
    server.close()


def test_a_secondary_follows_the_primary_s_own_notify(stage: PairStage) -> None:
    primary, secondary = stage.primary(), stage.secondary()
    change = _add()
    primary.update([change])
    # Less than the zone's refresh of 60 s, at which it would follow without any NOTIFY.
    until(lambda: _served(secondary, change.after), "following a NOTIFY", patience=30)
    primary.close()
    secondary.close()


# -------------------------------------------------------------------------------------------- DNSSEC


@pytest.mark.parametrize("first", ["bind", "knot", "powerdns"])
def test_what_is_published_in_a_signed_zone_is_signed_and_read_without_signatures(
    first: str, tmp_path: Path
) -> None:
    with pair(tmp_path, first, "bind", dnssec=True) as stage:
        primary, secondary = stage.primary(), stage.secondary()
        base, change = primary.read(), _add()
        primary.update([change])
        assert _served(primary, change.after)
        assert primary.read_since(base).rrsets == {change.key: change.after}
        secondary.notify(primary.serial())
        until(lambda: _served(secondary, change.after), "following", patience=30)
        until(lambda: secondary.read() == primary.read(), "following", patience=30)
        assert not {key.type for key in primary.read().rrsets} & DNSSEC_OWN
        for program in (stage.first, stage.second):
            assert {A, RRSIG} <= _types_with_dnssec(program, change.key)
        primary.close()
        secondary.close()


def _types_with_dnssec(program: DnsProgram, key: Key) -> set[RdataType]:
    """The types in the answer to somebody who checks signatures."""
    query = dns.message.make_query(key.name, key.type, want_dnssec=True)
    server = program.settings.server
    answer = dns.query.tcp(query, server.address, timeout=5, port=server.port)
    return {found.rdtype for found in answer.answer}


# ------------------------------------------------------------------------------- catalogs and views


@pytest.mark.parametrize(("first", "second"), [("bind", "knot"), ("knot", "knot"), ("powerdns", "bind")])
def test_a_secondary_learns_its_zones_from_the_catalog(first: str, second: str, tmp_path: Path) -> None:
    with pair(tmp_path, first, second, catalog=True) as stage:
        rendered = "".join(path.read_text() for path in Path(stage.second.directory).glob("*.conf"))
        assert str(ZONE).rstrip(".") not in re.sub("(?m)^ *(#|//).*", "", rendered)
        stage.until_followed()
        secondary = stage.secondary()
        assert secondary.read().rrsets
        secondary.close()


@pytest.fixture
def views(tmp_path: Path) -> Iterator[tuple[BindPrimary, Mapping[str, DnsServer]]]:
    """A primary with two views of the zone, and a connection to each."""
    ports = PortBlock.find()
    port = ports.next()
    keys = {name: ns.Key(dns.name.from_text(name), "hmac-sha256") for name in ("inside", "outside")}
    servers = {name: ns.Server("127.0.0.1", port, key) for name, key in keys.items()}
    settings = ns.Settings(
        ns.Software.BIND,
        ns.Role.PRIMARY,
        servers["outside"],
        tuple(ns.Zone(ZONE, server, view=name) for name, server in servers.items()),
        places(tmp_path / "primary"),
        views=(
            ns.View("inside", (keys["inside"],), ("127.0.0.2",)),
            ns.View("outside", (keys["outside"],), ("any",)),
        ),
    )
    secrets = {key: fresh_secret() for key in keys.values()}
    program = BindPrimary(settings, secrets, ports.next())
    program.start()
    found = {name: _server(program, tsig(key, secrets)) for name, key in keys.items()}
    yield program, found
    for server in found.values():
        server.close()
    program.stop()
    ports.close()


def test_each_key_changes_and_reads_its_own_view(
    views: tuple[BindPrimary, Mapping[str, DnsServer]],
) -> None:
    program, servers = views
    name = dns.name.from_text("wiki", ZONE)
    wanted = {
        "inside": rrset(name, A, 60, ["192.0.2.1"]),
        "outside": rrset(name, A, 60, ["203.0.113.5"]),
    }
    for view, new in wanted.items():
        servers[view].update([Change(None, new, "zone file", "zone file", "a test wants it", alone=True)])
    for view, new in wanted.items():
        assert _served(servers[view], new)
        assert servers[view].read().rrsets[new.key] == new
    for source, view in (("127.0.0.2", "inside"), ("127.0.0.1", "outside")):
        query = dns.message.make_query(name, A)
        server = program.settings.server
        answer = dns.query.udp(query, server.address, timeout=5, port=server.port, source=source)
        [found] = answer.answer
        assert set(found) == wanted[view].data
