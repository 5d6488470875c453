from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from skulldns.cli import main
from skulldns.desired.policy.records import TYPES

_SECRET = "bm90IGEgcmVhbCBzZWNyZXQsIG9ubHkgYSB0ZXN0"
_CONFIG = """\
keys:
  skulldns: {algorithm: hmac-sha256, secret_file: tsig.key}
zones:
  vmsrv.test:
    file: zones/vmsrv.test.yaml
    primary: {address: 192.0.2.53, key: skulldns}
    secondaries: [{address: 192.0.2.54, key: skulldns}, {address: 192.0.2.55, key: skulldns}]
    reverse: [2.0.192.in-addr.arpa]
"""

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `skulldns ns config` in a directory with a good config."""
    monkeypatch.chdir(tmp_path)
    Path("skulldns.yaml").write_text(_CONFIG)
    Path("tsig.key").write_text(_SECRET)
    Path("tsig.key").chmod(0o600)

    def run(*words: str) -> Result:
        return CliRunner().invoke(main, ["ns", "config", *words])

    return run


def test_one_file_is_printed_as_it_is(run: Run) -> None:
    result = run("--server", "nsd", "--role", "secondary", "--address", "192.0.2.55")
    assert result.exit_code == 0, result.output
    assert result.output.startswith("# NSD")
    assert "ip-address: 192.0.2.55@53" in result.output


def test_several_files_have_their_names_above(run: Run) -> None:
    result = run("--server", "bind", "--role", "primary")
    assert result.output.startswith("==> named.conf <==\n")
    assert "==> zones/2.0.192.in-addr.arpa.zone <==\n" in result.output


def test_files_are_written_and_nothing_that_is_there_is_replaced(run: Run) -> None:
    words = ("--server", "powerdns", "--role", "primary", "--output", "new")
    assert run(*words).exit_code == 0
    written = sorted(str(path.relative_to("new")) for path in Path("new").rglob("*") if path.is_file())
    assert written == ["pdns.conf", "setup.sh", "zones/2.0.192.in-addr.arpa.zone", "zones/vmsrv.test.zone"]
    assert run(*words).exit_code == 2


@pytest.mark.parametrize("server", ["bind", "knot", "powerdns"])
def test_no_secret_is_printed(run: Run, server: str) -> None:
    result = run("--server", server, "--role", "primary", "--dnssec")
    assert result.exit_code == 0
    assert _SECRET not in result.output


def test_a_zone_with_a_file_may_hold_any_type_and_its_reverse_zone_pointers_only(run: Run) -> None:
    lines = run("--server", "bind", "--role", "primary").output.splitlines()
    assert [line.strip() for line in lines if "grant" in line] == [
        'grant "skulldns" zonesub NS;',
        'grant "skulldns" zonesub;',
        'update-policy { grant "skulldns" zonesub PTR; };',
    ]


def test_a_zone_with_claims_and_without_a_file_may_hold_what_members_may_publish(run: Run) -> None:
    Path("skulldns.yaml").write_text(
        _CONFIG.replace("    file: zones/vmsrv.test.yaml\n", "    claims: true\n    guests: true\n")
    )
    result = run("--server", "bind", "--role", "primary")
    assert result.exit_code == 0, result.output
    [line, _] = [line.strip() for line in result.output.splitlines() if "grant" in line]
    granted = set(line.removesuffix("; };").rpartition("zonesub ")[2].split())
    assert granted == {"A", "AAAA", "CNAME", "PTR", *TYPES}


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--server", "nsd", "--role", "primary"), "NSD takes no updates"),
        (
            ("--server", "knot", "--role", "secondary"),
            "192.0.2.54 port 53, 192.0.2.55 port 53; name one with --address",
        ),
        (("--server", "knot", "--role", "primary", "--catalog", "a..b"), "'a..b' is not a domain name"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(run: Run, words: tuple[str, ...], sentence: str) -> None:
    result = run(*words)
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert result.stderr.count("\n") == 1


_VIEWS = """\
keys:
  inside: {algorithm: hmac-sha256, secret_file: tsig.key}
  outside: {algorithm: hmac-sha256, secret_file: tsig.key}
  outside2: {algorithm: hmac-sha256, secret_file: tsig.key}
  plain: {algorithm: hmac-sha256, secret_file: tsig.key}
zones:
  vmsrv.test:
    reverse: [0/26.2.0.192.in-addr.arpa, 2.0.192.in-addr.arpa]
    views:
      outside:
        primary: {address: 192.0.2.53, key: outside}
        secondaries: [{address: 192.0.2.54, key: outside2}]
        reverse: []
      inside: {primary: {address: 192.0.2.53, key: inside}, clients: [192.0.2.0/24]}
  plain.test: {primary: {address: 192.0.2.53, key: plain}}
"""


def test_views_are_told_apart_by_all_keys_and_the_one_for_everybody_comes_last(run: Run) -> None:
    Path("skulldns.yaml").write_text(_VIEWS)
    text = run("--server", "bind", "--role", "primary").output
    assert [line for line in text.splitlines() if line.startswith(("view", "match-clients"))] == [
        'view "inside" {',
        'match-clients { !key "outside"; !key "outside2"; key "inside"; key "plain"; 192.0.2.0/24; };',
        'view "outside" {',
        'match-clients { !key "inside"; !key "plain"; key "outside"; key "outside2"; any; };',
    ]
    assert text.count('zone "2.0.192.in-addr.arpa" {') == 1
    assert text.count('zone "plain.test" { in-view "inside"; };') == 1
    assert 'grant "inside" zonesub CNAME PTR;' in text  # of the zone around the classless one
    assert "zones/0-26.2.0.192.in-addr.arpa@inside.zone" in text


def test_a_server_of_one_view_only_needs_no_views(run: Run) -> None:
    Path("skulldns.yaml").write_text(_VIEWS)
    assert "view" not in run("--server", "knot", "--role", "secondary").output
    result = run("--server", "knot", "--role", "primary")
    assert (result.exit_code, "knot has no views" in result.stderr) == (2, True)
    result = run("--server", "bind", "--role", "primary", "--catalog", "catalog.test")
    assert "a catalog lists a zone once" in result.stderr
