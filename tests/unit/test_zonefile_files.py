import json
from pathlib import Path

import dns.name
import pytest
from click.testing import CliRunner, Result
from jsonschema import Draft202012Validator

from skulldns.cli import main
from skulldns.config.octodns import import_octodns
from skulldns.config.zones import read_zone_files
from skulldns.desired.yamltext import parse_yaml, plain
from skulldns.desired.zonefile import ZoneData, ZoneRules, parse_zone
from skulldns.desired.zonefile.schema import schema_text
from skulldns.errors import ConfigError
from tests.rooms import ROOT
from tests.unit.everytype import OCTODNS, OURS

_ZONE = dns.name.from_text("zone.test")
_RULES = ZoneRules(_ZONE, 300)
_RECORD = "{type: A, value: 192.0.2.1}\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _write(path: str, text: str) -> Path:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text)
    return Path(path)


def _read(path: str = "z.yaml") -> ZoneData:
    return read_zone_files(Path(path), _RULES)


def _refused(path: str = "z.yaml") -> str:
    with pytest.raises(ConfigError) as caught:
        _read(path)
    return str(caught.value)


@pytest.mark.usefixtures("here")
def test_a_record_from_an_included_file_says_so() -> None:
    _write("z.yaml", "a: !include sub/record.yaml\nb: !include sub/record.yaml\n")
    _write("sub/record.yaml", _RECORD)
    data = _read()
    assert [one.where for one in data.records] == ["sub/record.yaml:1:1", "sub/record.yaml:1:1"]
    assert [text.file for text in data.files] == ["z.yaml", "sub/record.yaml"]


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("none.yaml", "there is no such file; create it, or correct the path"),
        ("/etc/hostname", "the file is outside of the zone's directory; put it there, without '..' and '~'"),
        (
            "../outside.yaml",
            "the file is outside of the zone's directory; put it there, without '..' and '~'",
        ),
        ("link.yaml", "the file is outside of the zone's directory; put it there, without '..' and '~'"),
        ("directory", "this is a directory; name a file"),
    ],
)
def test_what_cannot_be_included(path: str, error: str) -> None:
    _write("outside.yaml", _RECORD)
    Path("zones/directory").mkdir(parents=True)
    Path("zones/link.yaml").symlink_to("../outside.yaml")
    _write("zones/z.yaml", f"a: !include {path}\n")
    assert _refused("zones/z.yaml") == f'zones/z.yaml:1:4: !include "{path}": {error}'


@pytest.mark.usefixtures("here")
def test_an_error_in_an_included_file_is_placed_there() -> None:
    _write("z.yaml", "a: !include b.yaml\nb: {type: A, value: x}\n")
    _write("b.yaml", "\n{type: B, value: x}\n")
    assert [line.split(": ")[0] for line in _refused().split("\n")] == ["z.yaml:2:21", "b.yaml:2:8"]
    _write("b.yaml", "[")
    assert _refused().startswith("b.yaml:1:2: not valid YAML")


@pytest.mark.usefixtures("here")
def test_includes_end() -> None:
    _write("z.yaml", "a: !include b.yaml\n")
    _write("b.yaml", "!include z.yaml\n")
    assert _refused() == 'b.yaml:1:1: !include "z.yaml" includes itself; take one of them out'
    for depth in range(10):
        _write(f"{depth}.yaml", f"!include {depth + 1}.yaml\n")
    _write("z.yaml", "a: !include 0.yaml\n")
    assert "7.yaml:1:1: includes are more than 1000, or 8 deep" in _refused()
    _write("z.yaml", f"a: [{'!include r.yaml, ' * 1001}]\n")
    _write("r.yaml", _RECORD)
    assert "includes are more than 1000, or 8 deep" in _refused()


@pytest.mark.usefixtures("here")
def test_included_files_cannot_be_repeated_into_a_bomb() -> None:
    _write("list.yaml", f"[{'x, ' * 1000}]\n")
    _write("z.yaml", f"a: &a !include list.yaml\nb: [{'*a, ' * 1000}]\n")
    assert "aliases repeat more than 100000 values" in _refused()


@pytest.mark.usefixtures("here")
def test_a_split_directory_is_one_zone() -> None:
    _write("zone.test./$zone.test.yaml", f"'': {_RECORD}")
    _write("zone.test./www.yaml", f"www: {_RECORD}")
    _write("zone.test./shared/record.txt", _RECORD)
    _write("zone.test./inc.yaml", "inc: !include shared/record.txt\n")
    names = [one.rrset.name.to_text() for one in _read("zone.test.").records]
    assert names == ["zone.test.", "inc.zone.test.", "www.zone.test."]
    Path("empty").mkdir()
    assert _refused("empty") == "empty: this is a directory without YAML files; name a file"


# ------------------------------------------------------------------------------------- the command line

_CONFIG = """\
state: state
keys: {k: {algorithm: hmac-sha256, secret_file: key}}
zones:
  zone.test: {file: zone.test.yaml, ttl: 300, primary: {address: 192.0.2.53, key: k}}
"""


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


@pytest.fixture
def config(here: Path) -> Path:
    _write("key", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n").chmod(0o600)
    _write("skulldns.yaml", _CONFIG)
    _write("zone.test.yaml", OCTODNS)
    return here


@pytest.mark.usefixtures("config")
def test_a_zone_goes_out_as_a_zone_file_and_comes_in_again() -> None:
    before = {one.rrset for one in _read("zone.test.yaml").records}
    assert _run("zone", "export", "zone.test", "--format", "bind", "--output", "db").exit_code == 0
    done = _run("zone", "import", "db")
    assert (done.exit_code, done.stderr) == (0, "the SOA of zone.test: it is the name server's own\n")
    assert {one.rrset for one in parse_zone(done.stdout, _ZONE, "z", 300)} == before
    assert done.stdout.startswith("# static records of zone.test, imported from db\n---\n")


@pytest.mark.usefixtures("config")
def test_export_writes_yaml_that_stays_the_same() -> None:
    first = _run("zone", "export", "zone.test").stdout
    _write("zone.test.yaml", first)
    assert _run("zone", "export", "zone.test").stdout == first


def _give_views() -> None:
    """Let the zone of the config have two views."""
    server = "primary: {address: 192.0.2.53, key: k}"
    views = f"views: {{inside: {{{server}}}, outside: {{{server.replace('53', '54')}}}}}"
    assert server in _CONFIG
    _write("skulldns.yaml", _CONFIG.replace(server, views))


@pytest.mark.usefixtures("config")
def test_one_view_is_exported_as_it_is_served() -> None:
    _write("zone.test.yaml", OURS)
    _give_views()
    exported = {
        view: _run("zone", "export", f"zone.test@{view}", "--format", "bind")
        for view in ("inside", "outside")
    }
    assert [done.exit_code for done in exported.values()] == [0, 0]
    assert "192.0.2.2" in exported["inside"].stdout
    assert "192.0.2.2" not in exported["outside"].stdout
    assert "is for the view" not in exported["inside"].stderr
    done = _run("zone", "export", "zone.test@elsewhere")
    assert done.stderr == "skulldns.yaml: the zone zone.test has no view 'elsewhere'; correct the name\n"


@pytest.mark.usefixtures("config")
def test_export_to_octodns_says_what_it_loses() -> None:
    _write("zone.test.yaml", OURS)
    _give_views()
    done = _run("zone", "export", "zone.test", "--format", "octodns")
    assert "both.zone.test A is left out: it is for the view inside only\n" in done.stderr
    assert "ns1.zone.test A loses its mark: octoDNS knows no reserved names\n" in done.stderr


@pytest.mark.usefixtures("config")
@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["import"], "name one of FILE, --axfr and --octodns; see 'skulldns zone import --help'"),
        (["import", "db", "--axfr", "192.0.2.53"], "name one of FILE, --axfr and --octodns; see"),
        (["import", "--axfr", "192.0.2.53"], "--axfr and --key go together; see"),
        (
            ["import", "--axfr", "192.0.2.53", "--key", "no"],
            "skulldns.yaml: there is no key 'no'; name one of its keys (k)",
        ),
        (["import", "--axfr", "ns1", "--key", "k"], "ns1 is not a server: write an address, or"),
        (["import", "none"], "none: there is no such file; create it, or correct the path"),
        (["import", "key"], "key: the file does not say its zone's name; name it with --zone"),
        (["import", "zone.test.yaml", "--zone", "zone.test"], "zone.test.yaml:"),
        (
            ["import", "--octodns", "skulldns.yaml"],
            "skulldns.yaml: this is no config of octoDNS; name the file",
        ),
        (
            ["export", "other.test"],
            "skulldns.yaml: the zone other.test is not one of 'zones:'; correct the name",
        ),
        (
            ["export", "zone.test", "--output", "key"],
            "key: the file cannot be written: File exists; take it away",
        ),
    ],
)
def test_what_moving_refuses(arguments: list[str], error: str) -> None:
    done = _run("zone", *arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith(error)
    assert done.stderr.count("\n") == 1


_OCTODNS = """\
manager: {max_workers: 2}
providers:
  files: {class: octodns.provider.yaml.YamlProvider, directory: ./config, default_ttl: 77, escaped_semicolons: false}
  parts: {class: octodns.provider.yaml.SplitYamlProvider, directory: ./config, extension: .}
  zones: {class: octodns_bind.ZoneFileSource, directory: ./bind, file_extension: .zone}
  ns1: {class: octodns_bind.Rfc2136Provider, host: 192.0.2.53, key_name: k, key_secret: env/SECRET}
  cloud: {class: octodns_cloudflare.CloudflareProvider, token: env/TOKEN}
zones:
  zone.test.: {sources: [files], targets: [ns1, cloud]}
  alias.test.: {alias: zone.test.}
  split.test.: {sources: [parts], targets: [ns1]}
  bind.test.: {sources: [zones, cloud], targets: [ns1]}
"""


@pytest.fixture
def octodns(here: Path) -> Path:
    _write(
        "config/zone.test.yaml", "www: {type: TXT, value: a;b}\nto: {type: CNAME, value: www.zone.test.}\n"
    )
    _write("config/split.test./www.yaml", "www: {type: A, value: 192.0.2.1, geo: {}}\n")
    _write("bind/bind.test.zone", "$TTL 5\n@ SOA ns1 h 1 2 3 4 5\nwww A 192.0.2.2\n")
    _write("production.yaml", _OCTODNS)
    return here


@pytest.mark.usefixtures("octodns")
def test_octodns_zones_come_in_with_their_servers() -> None:
    found = {
        name.to_text(): imported for name, imported, _ in import_octodns(Path("production.yaml")) if imported
    }
    assert {name: [str(one.rrset) for one in imported.records] for name, imported in found.items()} == {
        "zone.test.": ['www.zone.test TXT "a;b" (TTL 77)', "to.zone.test CNAME www.zone.test. (TTL 77)"],
        "alias.test.": ['www.alias.test TXT "a;b" (TTL 77)', "to.alias.test CNAME www.zone.test. (TTL 77)"],
        "split.test.": ["www.split.test A 192.0.2.1 (TTL 3600)"],
        "bind.test.": ["www.bind.test A 192.0.2.2 (TTL 5)"],
    }
    assert found["bind.test."].left_out == (
        "source cloud: neither YAML files nor zone files of BIND's",
        "the SOA of bind.test: it is the name server's own",
    )
    [warning] = found["split.test."].left_out
    assert warning.startswith("config/split.test./www.yaml:1:34: 'geo' is left out")


@pytest.mark.usefixtures("octodns")
def test_octodns_zones_become_files() -> None:
    Path("zones").mkdir()
    done = _run("zone", "import", "--octodns", "production.yaml", "--output", "zones")
    assert done.exit_code == 0
    assert sorted(path.name for path in Path("zones").iterdir()) == [
        "alias.test.yaml",
        "bind.test.yaml",
        "split.test.yaml",
        "zone.test.yaml",
    ]
    assert Path("zones/split.test.yaml").read_text() == (
        "# static records of split.test, imported from octoDNS (production.yaml)\n"
        "# octoDNS's target ns1 as the zone's server in skulldns.yaml:\n"
        "#   primary: {address: 192.0.2.53, port: 53, key: k}\n"
        "---\nwww:\n  ttl: 3600\n  type: A\n  value: 192.0.2.1\n...\n"
    )
    several = _run("zone", "import", "--octodns", "production.yaml")
    assert several.stderr.startswith(
        "there are 4 zones: name a directory with --output, or one with --zone; "
    )
    assert "SECRET" not in "".join(path.read_text() for path in Path("zones").iterdir())


@pytest.mark.usefixtures("octodns")
def test_octodns_dynamic_zones_are_those_that_have_files() -> None:
    text = _OCTODNS.partition("zones:\n  zone")[0] + "zones:\n  '*': {sources: [files], targets: [ns1]}\n"
    _write("production.yaml", text)
    assert [name.to_text() for name, _, _ in import_octodns(Path("production.yaml"))] == ["zone.test."]


@pytest.mark.usefixtures("octodns")
def test_each_octodns_zone_is_taken_by_the_first_dynamic_one_that_wants_it() -> None:
    for zone in ("one.test", "two.test", "one.example", "other.example"):
        _write(f"config/{zone}.yaml", "www: {type: A, value: 192.0.2.1}\n")
    providers = _OCTODNS.partition("zones:\n  zone")[0]
    dynamic = (
        "zones:\n  '*.a': {sources: [files], glob: one.*}\n"
        "  '*.b': {sources: [files], regex: '^o.*example'}\n  '*': {sources: [files]}\n"
    )
    _write("production.yaml", providers + dynamic)
    assert [name.to_text() for name, _, _ in import_octodns(Path("production.yaml"))] == [
        "one.example.",
        "one.test.",
        "other.example.",
        "two.test.",
        "zone.test.",
    ]
    _write("production.yaml", providers + "zones:\n  '*': {sources: [files], regex: '('}\n")
    with pytest.raises(ConfigError, match=r"the regex of the zone \* is wrong"):
        list(import_octodns(Path("production.yaml")))


@pytest.mark.usefixtures("octodns")
def test_what_is_wrong_in_octodns_zones_is_said_at_once_and_nothing_is_written() -> None:
    Path("zones").mkdir()
    _write("config/zone.test.yaml", "www: {type: A, value: x}\n")
    _write("config/split.test./www.yaml", "www: {type: A, value: y}\n")
    done = _run("zone", "import", "--octodns", "production.yaml", "--output", "zones")
    assert done.exit_code == 2
    assert [line.partition(":")[0] for line in done.stderr.splitlines()] == [
        "config/zone.test.yaml",
        "config/split.test./www.yaml",
    ]
    assert list(Path("zones").iterdir()) == []


@pytest.mark.usefixtures("octodns")
def test_octodns_zones_are_written_all_or_none() -> None:
    _write("zones/zone.test.yaml", "{}\n")
    done = _run("zone", "import", "--octodns", "production.yaml", "--output", "zones")
    assert done.stderr.startswith("zones/zone.test.yaml: there is such a file; take it away first")
    assert [path.name for path in Path("zones").iterdir()] == ["zone.test.yaml"]


@pytest.mark.usefixtures("octodns")
def test_an_octodns_zone_without_files_keeps_no_other_from_coming_in() -> None:
    _write("production.yaml", _OCTODNS + "  2.0.192.in-addr.arpa.: {sources: [auto-arpa], targets: [ns1]}\n")
    Path("zones").mkdir()
    done = _run("zone", "import", "--octodns", "production.yaml", "--output", "zones")
    assert done.exit_code == 0
    assert "the zone 2.0.192.in-addr.arpa.: octoDNS has no files for it; import it with --axfr" in done.stderr
    assert len(list(Path("zones").iterdir())) == 4


# --------------------------------------------------------------------------------------- the JSON Schema


def test_the_schema_in_the_package_is_the_one_that_the_code_has() -> None:
    assert (ROOT / "skulldns/zone.schema.json").read_text() == schema_text()


def _complaints(text: str) -> list[str]:
    root, _ = parse_yaml(text, "f.yaml", 100_000)
    schema = json.loads(schema_text())
    return [error.message for error in Draft202012Validator(schema).iter_errors(plain(root))]


@pytest.mark.parametrize("path", sorted((ROOT / "zones").glob("*.yaml")), ids=lambda path: path.name)
def test_the_schema_takes_the_zone_files_of_the_repository(path: Path) -> None:
    assert _complaints(path.read_text()) == []


@pytest.mark.parametrize(
    "text",
    [
        "'@': {type: A, value: 192.0.2.1}",
        "a: {type: A}",
        "a: {value: 192.0.2.1}",
        "a: {type: A, value: 192.0.2.1, vlaue: x}",
        "a: {type: A, ttl: -1, value: 192.0.2.1}",
        "a: {type: MX, value: {preference: 1}}",
        "a: {type: MX, values: [{preference: 65536, exchange: a.test.}]}",
        "a: {type: SRV, value: {priority: 1, weight: 1, port: 1, target: a.test}}",
        "a: {type: A, value: 192.0.2.1, skulldns: {reserved: 1}}",
        "a: x",
    ],
)
def test_the_schema_finds_mistakes(text: str) -> None:
    assert _complaints(text) != []
