"""Two real `named` with two views each, set up by `ns config`: what `apply` publishes where, and what people see."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rdatatype
import dns.reversename
import pytest
from click.testing import CliRunner, Result

from skulldns.cli import main
from skulldns.config import load
from skulldns.lab.ports import PortBlock
from skulldns.wiring.nameservers import name_server_settings
from tests.contract.bind_stage import BindPrimary, BindSecondary
from tests.contract.dns_servers import DnsProgram, fresh_secret, places, write_private

_INSIDE, _OUTSIDE = "127.0.0.2", "127.0.0.1"
_CONFIG = """\
state: state
keys:
  inside1: {algorithm: hmac-sha256, secret_file: inside1.secret}
  inside2: {algorithm: hmac-sha256, secret_file: inside2.secret}
  outside1: {algorithm: hmac-sha256, secret_file: outside1.secret}
  outside2: {algorithm: hmac-sha256, secret_file: outside2.secret}
  plain1: {algorithm: hmac-sha256, secret_file: plain1.secret}
  plain2: {algorithm: hmac-sha256, secret_file: plain2.secret}
zones:
  vmsrv.test:
    file: vmsrv.test.yaml
    guests: true
    reverse: [0/26.2.0.192.in-addr.arpa, 2.0.192.in-addr.arpa, 8.b.d.0.1.0.0.2.ip6.arpa]
    views:
      outside:
        primary: {address: 127.0.0.1, port: NS1, key: outside1}
        secondaries: [{address: 127.0.0.1, port: NS2, key: outside2}]
        publish: proxy
        reverse: []
      inside:
        primary: {address: 127.0.0.1, port: NS1, key: inside1}
        secondaries: [{address: 127.0.0.1, port: NS2, key: inside2}]
        clients: [127.0.0.2/32]
  plain.test:
    file: plain.test.yaml
    primary: {address: 127.0.0.1, port: NS1, key: plain1}
    secondaries: [{address: 127.0.0.1, port: NS2, key: plain2}]
sources:
  - kind: static
    zone: vmsrv.test
    guests:
      web: {addresses: [192.0.2.10, "2001:db8::10"]}
      db: {addresses: [192.0.2.70], publish: {outside: none}}
networks: [192.0.2.0/24, "2001:db8::/32"]
proxy: {kind: nginx, directory: DIRECTORY, addresses: [203.0.113.5]}
"""
_KEYS = ("inside1", "inside2", "outside1", "outside2", "plain1", "plain2")
_STATIC = r"""
'*.dev': {type: A, value: 192.0.2.90, skulldns: {view: inside}}
_irc._tcp: {type: SRV, value: {priority: 0, weight: 5, port: 6697, target: irc.vmsrv.test.}}
child: {type: NS, value: ns.child.test., skulldns: {view: inside}}
many: {type: A, values: [MANY], skulldns: {view: inside}}
text:
  - {type: TXT, value: 'LONG "quoted" \\ back\; semicolon'}
  - {type: TXT, value: 'inside only', skulldns: {view: inside}}
www:
  - {type: A, value: 203.0.113.80}
  - {type: A, value: 192.0.2.80, skulldns: {view: inside}}
"""


@dataclass
class _World:
    """The two servers, and the directory of the config."""

    home: Path
    servers: tuple[DnsProgram, DnsProgram]

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(main, [*words, "--config", str(self.home / "skulldns.yaml")])

    def asked(self, name: str, rdtype: str, client: str) -> list[list[str]]:
        """What each server answers to somebody at this address: all records of the answer, as text."""
        query = dns.message.make_query(name, rdtype)
        found = []
        for server in (program.settings.server for program in self.servers):
            answer = dns.query.tcp(query, server.address, timeout=5, port=server.port, source=client)
            found.append(sorted(rdata.to_text() for rrset in answer.answer for rdata in rrset))
        return found


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_World]:
    home = tmp_path_factory.mktemp("views")
    ports = PortBlock.find()
    text = _CONFIG.replace("NS1", str(ports.next())).replace("NS2", str(ports.next()))
    (home / "skulldns.yaml").write_text(text.replace("DIRECTORY", str(home / "nginx")))
    many = ", ".join(f"198.51.100.{number}" for number in range(1, 91))
    (home / "vmsrv.test.yaml").write_text(_STATIC.replace("MANY", many).replace("LONG", "x" * 300))
    (home / "plain.test.yaml").write_text("www: {type: A, value: 192.0.2.95}\n")
    secrets = {name: fresh_secret() for name in _KEYS}
    for name, secret in secrets.items():
        write_private(home / f"{name}.secret", secret)
    config = load(home / "skulldns.yaml")
    programs: list[DnsProgram] = []
    cleanup = ExitStack()
    cleanup.callback(ports.close)
    for make, role in ((BindPrimary, "primary"), (BindSecondary, "secondary")):
        directory = places(home / role)
        options = {"places": {"data": directory.data, "run": directory.run, "keys": directory.keys}}
        settings = name_server_settings(config, "bind", role, options=options)
        keys = [key for view in settings.views for key in view.keys]
        known = {key: secrets[key.name.to_text(omit_final_dot=True)] for key in keys}
        programs.append(make(settings, known, ports.next()))
    with cleanup:
        for program in programs:
            cleanup.callback(program.stop)
            program.start()
        yield _World(home, (programs[0], programs[1]))


@pytest.fixture(scope="module")
def applied(world: _World) -> Result:
    return world.run("apply")


def test_check_and_ns_config_know_the_views(world: _World) -> None:
    assert "vmsrv.test (views outside, inside): " in world.run("check").stdout
    printed = world.run("ns", "config", "--server", "bind", "--role", "primary").stdout
    assert printed.index('view "inside"') < printed.index('view "outside"')  # which is for everybody
    inside = (
        'match-clients { !key "outside1"; !key "outside2"; key "inside1"; key "inside2"; '
        'key "plain1"; key "plain2"; 127.0.0.2/32; };'
    )
    assert inside in printed


def test_each_view_is_published_and_followed(world: _World, applied: Result) -> None:
    assert applied.exit_code == 0, applied.output
    expected: list[tuple[str, str, list[str], list[str]]] = [
        ("web.vmsrv.test", "A", ["192.0.2.10"], ["203.0.113.5"]),
        ("web.vmsrv.test", "AAAA", ["2001:db8::10"], []),
        ("db.vmsrv.test", "A", ["192.0.2.70"], []),
        ("www.vmsrv.test", "A", ["192.0.2.80"], ["203.0.113.80"]),
        ("any.dev.vmsrv.test", "A", ["192.0.2.90"], []),
        ("www.plain.test", "A", ["192.0.2.95"], ["192.0.2.95"]),  # a zone without views
        ("_irc._tcp.vmsrv.test", "SRV", ["0 5 6697 irc.vmsrv.test."], ["0 5 6697 irc.vmsrv.test."]),
    ]
    for name, rdtype, inside, outside in expected:
        assert world.asked(name, rdtype, _INSIDE) == [inside] * 2, name
        assert world.asked(name, rdtype, _OUTSIDE) == [outside] * 2, name
    assert [len(answer) for answer in world.asked("many.vmsrv.test", "A", _INSIDE)] == [90, 90]
    assert world.asked("text.vmsrv.test", "TXT", _INSIDE) == [['"inside only"']] * 2
    [text] = world.asked("text.vmsrv.test", "TXT", _OUTSIDE)[1]
    assert text.replace('" "', "") == '"' + "x" * 300 + r' \"quoted\" \\ back; semicolon"'


@pytest.mark.usefixtures("applied")
def test_addresses_lead_to_names_through_the_classless_zone(world: _World) -> None:
    for address, block, name in (
        ("192.0.2.10", "10.0/26.2.0.192.in-addr.arpa.", "web.vmsrv.test."),
        ("192.0.2.70", None, "db.vmsrv.test."),
        ("2001:db8::10", None, "web.vmsrv.test."),
    ):
        asked = dns.reversename.from_address(address).to_text()
        if block:  # a resolver follows; `named` without recursion does not from zone to zone
            assert world.asked(asked, "PTR", _INSIDE) == [[block]] * 2
            asked = block
        assert world.asked(asked, "PTR", _INSIDE) == [[name]] * 2


@pytest.mark.usefixtures("applied")
def test_a_name_below_a_delegation_of_one_view_is_served_in_the_other(world: _World) -> None:
    file = world.home / "vmsrv.test.yaml"
    file.write_text(file.read_text().partition("x.child:")[0] + "x.child: {type: A, value: 192.0.2.91}\n")
    assert "view inside" in world.run("plan").stdout
    assert world.run("apply").exit_code == 0
    assert world.asked("x.child.vmsrv.test", "A", _INSIDE) == [[]] * 2
    assert world.asked("x.child.vmsrv.test", "A", _OUTSIDE) == [["192.0.2.91"]] * 2
    status = world.run("status").stdout
    assert "vmsrv.test@inside" in status
    assert "vmsrv.test@outside" in status
    assert "x.child.vmsrv.test@inside" in status
    assert "x.child.vmsrv.test@outside" not in status


@pytest.mark.usefixtures("applied")
def test_why_walks_through_both_views(world: _World) -> None:
    why = world.run("why", "web").stdout
    assert "vmsrv.test@inside" in why
    assert "vmsrv.test@outside" in why
    assert "192.0.2.10" in why
    assert "203.0.113.5" in why
