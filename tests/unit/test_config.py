import os
import platform
import re
from collections.abc import Callable, Iterator
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

import dns.name
import dns.tsig
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from skulldns.config import Config, LibvirtSourceConfig, ServerConfig, TsigKey, load, load_zone_file, strays
from skulldns.config.explain import sections
from skulldns.config.sections import ConfigFile, schema_text
from skulldns.config.sourcesections import IncusSourceConfig
from skulldns.errors import ConfigError
from skulldns.model.policy import Approval, Https, Mode, OnStop, Publish
from skulldns.wiring.guests import host_labels
from skulldns.wiring.members import rules
from tests.rooms import ROOT

_SECRET = "bm90IGEgcmVhbCBzZWNyZXQsIG9ubHkgYSB0ZXN0"
_DOCUMENT = (ROOT / "docs/config.md").read_text()
_SMALL = """\
keys:
  skulldns: {algorithm: hmac-sha256, secret_file: tsig.key}
zones:
  vmsrv.test:
    primary: {address: 192.0.2.53, key: skulldns}
    guests: true
"""
_LIBVIRT = 'sources: [{kind: libvirt, uri: "qemu:///system", zone: vmsrv.test}]\n'

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a config beside a good key file; returns its path."""

    def write(text: str | bytes, *, key: str = _SECRET, mode: int = 0o640) -> Path:
        secret = tmp_path / "tsig.key"
        secret.write_text(key)
        secret.chmod(mode)
        path = tmp_path / "skulldns.yaml"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write


def _errors(path: Path) -> list[str]:
    """The errors of a config, without its directory."""
    with pytest.raises(ConfigError) as caught:
        load(path)
    return str(caught.value).replace(f"{path.parent}/", "").split("\n")


def _example(number: int) -> str:
    return re.findall(r"```yaml\n(.*?)```", _DOCUMENT, re.DOTALL)[number]  # type: ignore[no-any-return]


def test_the_whole_file(write: Write, tmp_path: Path) -> None:
    config = load(write(_example(1)))
    zone = config.zones[dns.name.from_text("vmsrv.example.org")]
    assert config.path == tmp_path / "skulldns.yaml"
    assert config.state == Path("/var/lib/skulldns")
    assert config.database == "sqlite:////var/lib/skulldns/skulldns.db"
    assert config.keys == {
        "skulldns": TsigKey(dns.name.from_text("skulldns"), "hmac-sha256", tmp_path / "tsig.key")
    }
    assert zone.file == tmp_path / "zones/vmsrv.example.org.yaml"
    [servers] = zone.views
    assert servers.view is None
    assert servers.primary == ServerConfig(address="192.0.2.53", port=53, key="skulldns")
    assert servers.secondaries == (ServerConfig(address="192.0.2.54", port=53, key="skulldns"),)
    assert (zone.guests, zone.claims, zone.mode, zone.ttl) == (True, True, Mode.SYNC, 60)
    assert zone.reverse == (dns.name.from_text("2.0.192.in-addr.arpa"),)
    assert [source.kind for source in config.sources] == [
        "libvirt",
        "libvirt",
        "lxc",
        "incus",
        "incus",
        "static",
    ]
    assert config.sources[0] == LibvirtSourceConfig(uri="qemu:///system", zone=zone.name)
    assert config.networks == (
        IPv4Network("192.0.2.0/24"),
        IPv4Network("198.51.100.0/24"),
        IPv6Network("2001:db8:1::/64"),
    )
    assert config.guests.publish is Publish.GUEST
    assert (config.guests.https, config.guests.on_stop, config.guests.grace) == (
        Https.AUTO,
        OnStop.KEEP,
        86_400.0,
    )
    assert config.proxy is not None
    assert config.proxy.reload == ("nginx", "-s", "reload")
    assert config.acme is not None
    assert config.acme.profile == "classic"
    assert config.web is not None
    assert config.web.listen == "127.0.0.1:8053"
    assert (config.policy.approval, config.policy.quarantine) == (Approval.NONE, 30 * 86_400.0)
    assert config.guard.deletes_percent == 30


def test_defaults_and_relative_paths(write: Write, tmp_path: Path) -> None:
    config = load(write(_SMALL + "state: run\n"))
    assert config.state == tmp_path / "run"
    assert config.database == f"sqlite:///{tmp_path}/run/skulldns.db"
    assert (config.sources, config.proxy, config.acme, config.web) == ((), None, None, None)
    assert config.guests.grace == 86_400.0
    assert config.guard.deletes_percent == 30


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("sqlite:////srv/x.db", "sqlite:////srv/x.db"),
        ("postgresql+psycopg://db.test/skulldns", "postgresql+psycopg://db.test/skulldns"),
    ],
)
def test_a_database_elsewhere_stays_as_it_is(write: Write, given: str, kept: str) -> None:
    assert load(write(f"{_SMALL}database: {given}\n")).database == kept


@pytest.mark.parametrize("word", ["off", "'off'"])
def test_off_is_off_quoted_or_not(write: Write, word: str) -> None:
    assert load(write(f"{_SMALL}guests: {{https: {word}}}\n")).guests.https is Https.OFF


@pytest.mark.parametrize(
    ("duration", "seconds"),
    [("90s", 90), ("15m", 900), ("24h", 86_400), ("30d", 2_592_000), ("2w", 1_209_600)],
)
def test_durations_are_seconds(write: Write, duration: str, seconds: int) -> None:
    assert load(write(f"{_SMALL}guests: {{grace: {duration}}}\n")).guests.grace == float(seconds)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("zonez: {}\n" + _SMALL, "1:1: unknown key \"zonez\"; did you mean 'zones'?"),
        (
            _SMALL.replace("address: 192.0.2.53", "adress: 192.0.2.53, address: 192.0.2.53"),
            "5:15: unknown key \"adress\"; did you mean 'address'?",
        ),
        (
            _SMALL + "networks: [192.0.2.0/24]\n" + _LIBVIRT.replace("uri:", "arpp: false, uri:"),
            "8:27: unknown key \"arpp\"; did you mean 'arp'?",
        ),
        (
            _SMALL + "guard: {qqq: 1}\n",
            '7:9: unknown key "qqq"; the keys here are deletes_percent',
        ),
        (
            _SMALL + "    guests: false\n",
            '7:5: the key "guests" is there twice, first in line 6; take one out or merge them',
        ),
        (_SMALL.replace("address: 192.0.2.53, ", ""), "5:14: the key \"address\" is missing; add 'address:'"),
        (
            _SMALL.replace("192.0.2.53", "ns1.test"),
            "5:24: 'ns1.test' is not an IP address; write the address itself, not a name",
        ),
        (
            _SMALL.replace("key: skulldns}", "key: other}"),
            "5:41: there is no key 'other'; write one of 'keys:' (skulldns)",
        ),
        (
            _SMALL.replace("key: skulldns}", "key: no}"),
            "5:41: \"key\" must be text, but YAML reads yes or no; quote it: 'no'",
        ),
        (
            _SMALL.replace("guests: true", "guests: maybe"),
            '6:13: "guests" must be true or false; write it without quotes',
        ),
        (
            _SMALL.replace("key: skulldns}", "key: skulldns, port: 0}"),
            '5:57: "port" is out of range; write 1 or more',
        ),
        (
            _SMALL.replace("key: skulldns}", "key: skulldns, port: 65536}"),
            '5:57: "port" is out of range; write 65535 or less',
        ),
        (
            _SMALL.replace("key: skulldns}", "key: skulldns, port: '53'}"),
            '5:57: "port" must be a whole number; write it without quotes and unit',
        ),
        (
            _SMALL + "    mode: snyc\n",
            '7:11: "mode" cannot be "snyc"; write sync, no-deletes or observe',
        ),
        (
            _SMALL + "    ttl: 12:30:45\n",
            (
                "7:10: the value 12:30:45 is read by YAML as a number (octal, sexagesimal or the like),"
                " but text is due; quote it: '12:30:45'"
            ),
        ),
        (
            _SMALL + "    ttl: -1\n",
            '7:10: "ttl" is out of range; write 0 or more',
        ),
        (
            _SMALL + "    reverse: [vmsrv.test]\n",
            (
                "7:15: vmsrv.test is not a reverse zone;"
                " write a zone below in-addr.arpa or ip6.arpa, such as 2.0.192.in-addr.arpa"
            ),
        ),
        (_SMALL + "state:\n", "7:7: the value is missing; write it, or take the key out"),
        (
            _SMALL + "guests: {grace: 30}\n",
            "7:17: the duration 30 has no unit; write 30s for seconds, or use m, h, d, w",
        ),
        (
            _SMALL + "guests: {grace: 1 day}\n",
            "7:17: '1 day' is not a duration; write a number and a unit: 90s, 15m, 24h, 30d, 2w",
        ),
        (
            _SMALL + "guests: {publish: proxy}\n",
            "7:19: there is no proxy to publish; add the section 'proxy:'",
        ),
        (
            _SMALL + "networks: [192.0.2.5/24]\n",
            "7:12: 192.0.2.5/24 is an address inside a network; write 192.0.2.0/24",
        ),
        (
            _SMALL + _LIBVIRT,
            (
                "7:10: there are sources but no networks, so no guest could publish an address;"
                " add 'networks:' with the guests' networks"
            ),
        ),
        (
            _SMALL + "networks: [192.0.2.0/24]\n" + _LIBVIRT.replace("vmsrv.test", "other.test"),
            "8:56: the zone other.test is not one of 'zones:'; add it there, or correct it",
        ),
        (
            _SMALL.replace("true", "false") + "networks: [192.0.2.0/24]\n" + _LIBVIRT,
            "8:56: the zone vmsrv.test takes no guests; add 'guests: true' to it",
        ),
        (
            _SMALL + "networks: [192.0.2.0/24]\n" + _LIBVIRT.replace("kind: libvirt", "kind: docker"),
            "8:11: the kind is unknown; write one of libvirt, lxc, incus, static",
        ),
        (
            _SMALL + "database: postgresql://u:hidden@db.test/x\n",
            "7:11: the database URL holds a password; put it into ~/.pgpass, which PostgreSQL's client reads",
        ),
        (
            _SMALL.replace("hmac-sha256", "hmac-md5"),
            "2:25: hmac-md5 is refused, since MD5 is broken; make a key with 'tsig-keygen -a hmac-sha256'",
        ),
        (
            _SMALL.replace("hmac-sha256", "hmac-sha999"),
            '2:25: "algorithm" cannot be "hmac-sha999"; write hmac-sha256, hmac-sha384 or hmac-sha512',
        ),
        (
            _SMALL.replace("vmsrv.test", "a..b"),
            "5:5: 'a..b' is not a domain name: A DNS label is empty; write it like vmsrv.example.org",
        ),
        ("", "1:1: the file is empty; write {} if nothing is what it should say"),
        ("keys:\n\tx: 1\n", "2:1: a tab cannot indent YAML; use spaces"),
        (
            "[]",
            '1:1: "the file" must be a mapping; write it like {key: value}, and check the indentation',
        ),
    ],
)
def test_what_is_refused(write: Write, text: str, error: str) -> None:
    assert _errors(write(text)) == [f"skulldns.yaml:{error}"]


_INCUS = _SMALL + "networks: [192.0.2.0/24]\nsources:\n  - {kind: incus, zone: vmsrv.test"


@pytest.mark.parametrize(
    ("keys", "errors"),
    [
        (
            "",
            [
                "9:5: an incus source has a socket or a url; write 'socket:' for this host, or 'url:' for another"
            ],
        ),
        (
            "socket: /s, url: https://h.test",
            [
                (
                    "9:5: an incus source has a socket or a url, not both;"
                    " write 'socket:' for this host, or 'url:' for another"
                ),
                (
                    "9:54: a url needs the client's certificate and key;"
                    " add 'certificate:' and 'key:', see docs/sources.md"
                ),
            ],
        ),
        ("url: https://h.test, certificate: c", ["9:5: there is a certificate without its key; add 'key:'"]),
        ("url: https://h.test, key: k", ["9:5: there is a key without its certificate; add 'certificate:'"]),
        (
            "socket: /s, certificate: c, key: k, server_certificate: s",
            [
                "9:62: a socket needs no certificate; take it out, or write 'url:'",
                "9:70: a socket needs no key; take it out, or write 'url:'",
                "9:93: a socket needs no server_certificate; take it out, or write 'url:'",
            ],
        ),
        ("socket: s", ["9:45: the path s is relative; write an absolute path, which starts with /"]),
    ],
)
def test_how_incus_is_reached_must_be_clear(write: Write, keys: str, errors: list[str]) -> None:
    found = _errors(write(f"{_INCUS}{keys and ', '}{keys}}}\n"))
    assert found == [f"skulldns.yaml:{error}" for error in errors]


def test_paths_of_an_incus_source_start_at_the_config(write: Write, tmp_path: Path) -> None:
    config = load(
        write(f"{_INCUS}, url: https://h.test, certificate: tls/c, key: /etc/k, server_certificate: s}}\n")
    )
    [source] = config.sources
    assert isinstance(source, IncusSourceConfig)
    assert (source.certificate, source.key, source.server_certificate) == (
        tmp_path / "tls/c",
        Path("/etc/k"),
        tmp_path / "s",
    )


def test_excluded_are_addresses_and_networks(write: Write) -> None:
    config = load(write(_SMALL + 'excluded: [192.0.2.1, 192.0.2.240/28, "2001:db8::1"]\n'))
    assert [str(one) for one in config.excluded] == ["192.0.2.1/32", "192.0.2.240/28", "2001:db8::1/128"]
    assert _errors(write(_SMALL + "excluded: [gateway]\n")) == [
        "skulldns.yaml:7:12: 'gateway' is neither an address nor a network; write it like 192.0.2.1 or 192.0.2.0/28"
    ]


def test_what_the_config_assigns(write: Write) -> None:
    text = "guests: {assign: {web: {owner: alice, port: 8080, names: [], https: off}}}\n"
    assigned = load(write(_SMALL + text)).guests.assign["web"]
    assert (assigned.owner, assigned.port, assigned.names, assigned.publish, assigned.https) == (
        "alice",
        8080,
        (),
        None,
        Https.OFF,
    )


@pytest.mark.parametrize(
    ("assigned", "error"),
    [
        (
            "owner: Alice",
            (
                "7:32: Alice is not a login;"
                " write small letters, digits, '.', '_' and '-', at most 32, the first a letter or digit"
            ),
        ),
        ("port: 0", '7:31: "port" is out of range; write 1 or more'),
        ("shoe: 1", '7:25: unknown key "shoe"; the keys here are owner, port, names, publish, https'),
        ("publish: proxy", "7:34: there is no proxy to publish; add the section 'proxy:'"),
    ],
)
def test_what_the_config_cannot_assign(write: Write, assigned: str, error: str) -> None:
    assert _errors(write(f"{_SMALL}guests: {{assign: {{web: {{{assigned}}}}}}}\n")) == [
        f"skulldns.yaml:{error}"
    ]


def test_one_reverse_zone_has_one_owner(write: Write) -> None:
    zone = "    primary: {address: 192.0.2.53, key: skulldns}\n    reverse: [2.0.192.in-addr.arpa]\n"
    text = _SMALL.split("  vmsrv.test", maxsplit=1)[0] + f"  a.test:\n{zone}  b.test:\n{zone}"
    assert _errors(write(text)) == [
        (
            "skulldns.yaml:9:15: the reverse zone 2.0.192.in-addr.arpa is already one of a.test;"
            " list it under one zone"
        )
    ]


def test_one_zone_in_two_spellings(write: Write) -> None:
    zone = "    primary: {address: 192.0.2.53, key: skulldns}\n"
    text = _SMALL.split("  vmsrv.test", maxsplit=1)[0] + f"  a.test:\n{zone}  A.test.:\n{zone}"
    assert _errors(write(text)) == ["skulldns.yaml:7:5: the zone A.test. is there twice; take one out"]


def test_all_errors_come_at_once_in_the_order_of_the_file(write: Write) -> None:
    text = _SMALL.replace("true", "maybe") + "on: 1\nnetworks: [x]\n"
    assert [error.split(":")[1] for error in _errors(write(text))] == ["6", "7", "8"]


@pytest.mark.parametrize(
    ("key", "mode", "error"),
    [
        (_SECRET, 0o644, "tsig.key: the key file can be read by everyone; run 'chmod o= tsig.key'"),
        (
            "x y",
            0o600,
            "tsig.key: the key file does not hold base64 or one key statement; make one with 'tsig-keygen'",
        ),
        (
            "c2hvcnQ=",
            0o600,
            "tsig.key: the key file holds a secret of 5 bytes, less than 16; make one with 'tsig-keygen'",
        ),
        (
            f'key "other" {{ algorithm hmac-sha256; secret "{_SECRET}"; }};',
            0o600,
            (
                "tsig.key: the key file holds the key other; the config calls it skulldns:"
                " use one name on both sides"
            ),
        ),
        (
            f'key "skulldns" {{ algorithm hmac-md5; secret "{_SECRET}"; }};',
            0o600,
            "tsig.key: the key file holds a key for hmac-md5; the config says hmac-sha256",
        ),
    ],
)
def test_bad_keys(write: Write, key: str, mode: int, error: str) -> None:
    assert _errors(write(_SMALL, key=key, mode=mode)) == [f"skulldns.yaml:2:51: {error}"]


@pytest.mark.parametrize(
    "text",
    [
        _SECRET + "\n",
        f'key "skulldns" {{\n\talgorithm hmac-sha256;\n\tsecret "{_SECRET}";\n}};\n',
        f"# a comment\nkey skulldns. {{ secret {_SECRET}; algorithm HMAC-SHA256; }}; // another",
    ],
)
def test_a_key_is_read_from_both_kinds_of_files(write: Write, text: str) -> None:
    key = load(write(_SMALL, key=text)).keys["skulldns"].key()
    assert key == dns.tsig.Key("skulldns.", _SECRET, "hmac-sha256")


def test_secrets_are_in_no_repr_and_no_error(write: Write) -> None:
    assert _SECRET not in repr(load(write(_SMALL)))
    wrong = _SMALL.replace("tsig.key", _SECRET)
    assert _errors(write(wrong)) == [
        "skulldns.yaml:2:51: secret_file names no file; put the secret into a file and name that here"
    ]
    assert _SECRET not in str(_errors(write(_SMALL, key=_SECRET + "!")))


@pytest.mark.parametrize("number", range(_DOCUMENT.count("```yaml\n")))
def test_the_examples_of_the_documentation_are_read(write: Write, tmp_path: Path, number: int) -> None:
    example = _example(number)
    for name in re.findall(r"secret_file: (\S+\.key)", example):
        (tmp_path / name).write_text(_SECRET)
        (tmp_path / name).chmod(0o640)
    assert isinstance(load(write(example)), Config)


@pytest.mark.parametrize("page", ["https.md", "sources.md", "dnssec.md"])
def test_the_examples_of_other_pages_are_read(write: Write, page: str) -> None:
    examples = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / page).read_text(), re.DOTALL)
    assert examples
    for example in examples:
        assert isinstance(load(write(example)), Config)


def _models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    yield model
    for field in model.model_fields.values():
        for inner in sections(field.annotation):
            yield from _models(inner)


def test_every_key_is_documented_and_every_documented_key_exists() -> None:
    tables = re.findall(r"\| key \|.*\n\|[-|]+\n((?:\|.*\n)+)", _DOCUMENT)
    documented = {frozenset(re.findall(r"^\| `(\w+)`", table, re.MULTILINE)) for table in tables}
    assert documented == {frozenset(model.model_fields) for model in _models(ConfigFile)}


def test_the_schema_is_the_one_of_the_models() -> None:
    # python -c 'from skulldns.config.sections import schema_text; print(end=schema_text())' writes it anew.
    assert (ROOT / "skulldns/config.schema.json").read_text() == schema_text()


def test_every_key_has_a_description() -> None:
    for model in _models(ConfigFile):
        for name, field in model.model_fields.items():
            assert field.description or name == "kind", f"{model.__name__}.{name}"


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"state: \xff", "skulldns.yaml:1:8: the byte 0xff is not UTF-8; save the file as UTF-8"),
        (
            b"\xef\xbb\xbfstate: x",
            "skulldns.yaml:1:1: the file starts with a byte order mark; save it as UTF-8 without BOM",
        ),
        (
            b"#" * 5_000_001,
            "skulldns.yaml: the file is larger than 5000000 bytes; split it, or see what filled it",
        ),
    ],
)
def test_bytes_that_are_no_config(write: Write, data: bytes, error: str) -> None:
    assert _errors(write(data)) == [error]


def test_what_is_no_file(write: Write, tmp_path: Path) -> None:
    path = write(_SMALL)
    path.unlink()
    assert _errors(path) == ["skulldns.yaml: there is no such file; create it, or correct the path"]
    path.symlink_to("gone")
    assert _errors(path) == ["skulldns.yaml: the symlink leads nowhere; let it point to a file (gone)"]
    path.unlink()
    path.mkdir()
    assert _errors(path) == ["skulldns.yaml: this is a directory; name a file"]
    path.rmdir()
    os.mkfifo(path)
    assert _errors(path) == ["skulldns.yaml: this is not a regular file; name a file"]
    assert _errors(tmp_path / "a" / "b") == ["b: there is no such file; create it, or correct the path"]


def test_zone_files_are_read_when_asked_for(write: Write, tmp_path: Path) -> None:
    config = load(write(_SMALL + "    file: zones/vmsrv.test.yaml\n    ttl: 42\n"))
    zone = config.zones[dns.name.from_text("vmsrv.test")]
    with pytest.raises(ConfigError, match="there is no such file"):
        load_zone_file(zone)
    (tmp_path / "zones").mkdir()
    (tmp_path / "zones/vmsrv.test.yaml").write_text("a: {type: A, value: 192.0.2.1}\n")
    (tmp_path / "zones/other.test.yaml").write_text("{}")
    assert [record.rrset.ttl for record in load_zone_file(zone)] == [42]
    assert strays(config) == (tmp_path / "zones/other.test.yaml",)


_FULL = _example(1)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # each example writes its own text
@given(
    st.integers(0, len(_FULL)),
    st.sampled_from(["", *" \t\n'\"[]{}:,-#&*!0a.\\é", "no", "[", "- x", "~", "1e9"]),
)
def test_a_file_cut_or_changed_anywhere_is_read_or_refused(write: Write, place: int, char: str) -> None:
    for text in (_FULL[:place] + char, _FULL[:place] + char + _FULL[place + 1 :]):
        try:
            config = load(write(text))
        except ConfigError as error:
            lines = str(error).split("\n")
        else:
            lines = []
            assert config.zones
        assert all("skulldns.yaml:" in line for line in lines)


_VIEWS = """\
keys:
  inside: {algorithm: hmac-sha256, secret_file: tsig.key}
  outside: {algorithm: hmac-sha256, secret_file: tsig.key}
zones:
  vmsrv.test:
    guests: true
    reverse: [2.0.192.in-addr.arpa]
    views:
      inside:
        primary: {address: 192.0.2.53, key: inside}
        secondaries: [{address: 192.0.2.54, key: inside}]
        clients: [192.0.2.0/24]
      outside:
        primary: {address: 192.0.2.53, key: outside}
        publish: none
        reverse: []
"""


def test_a_zone_with_views(write: Write) -> None:
    [zone] = load(write(_VIEWS)).zones.values()
    inside, outside = zone.views
    assert [str(one) for one in zone.ids] == ["vmsrv.test@inside", "vmsrv.test@outside"]
    assert (inside.publish, outside.publish) == (None, Publish.NONE)
    assert (inside.reverse, outside.reverse) == (zone.reverse, ())
    assert zone.public == (outside,)
    assert [server.address for server in zone.servers] == ["192.0.2.53", "192.0.2.54", "192.0.2.53"]


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        (
            "    views:\n",
            "    primary: {address: 192.0.2.53, key: inside}\n    views:\n",
            "8:14: a zone with views has no primary of its own; move 'primary:' into a view",
        ),
        (
            "key: outside}\n        publish: none",
            "key: inside}\n        publish: none",
            (
                "14:45: 192.0.2.53 cannot tell this view from inside: 'inside' is a key of both there; "
                "give each view keys of its own"
            ),
        ),
        (
            "        publish: none\n",
            "        secondaries: [{address: 192.0.2.55, key: inside}]\n",
            (
                "15:50: 192.0.2.53 cannot tell this view from inside: 'inside' is a key of both there; "
                "give each view keys of its own"
            ),
        ),
        ("publish: none", "publish: proxy", "15:18: there is no proxy to publish; add the section 'proxy:'"),
        (
            "      outside:",
            "      out side:",
            (
                "13:7: 'out side' cannot name a view; write letters, digits, '_', '.' and '-', at most 63, "
                "the first a letter or digit"
            ),
        ),
        (
            "key: inside}]",
            "key: other}]",
            "11:50: there is no key 'other'; write one of 'keys:' (inside, outside)",
        ),
        (
            "        reverse: []",
            "        reverse: [5/26.2.0.192.in-addr.arpa]",
            (
                "16:19: no address has its PTR record in 5/26.2.0.192.in-addr.arpa: '5/26' is not an octet, nor a "
                "block such as 0/26 or 0-63; write it like 2.0.192.in-addr.arpa, 0/26.2.0.192.in-addr.arpa or "
                "8.b.d.0.1.0.0.2.ip6.arpa"
            ),
        ),
    ],
)
def test_views_that_cannot_be(write: Write, old: str, new: str, error: str) -> None:
    assert old in _VIEWS
    assert _errors(write(_VIEWS.replace(old, new))) == [f"skulldns.yaml:{error}"]


def test_what_guests_publish_names_views_that_there_are(write: Write) -> None:
    text = _VIEWS + "guests: {assign: {web: {publish: {inside: guest, outside: none}}}}\n"
    assert str(load(write(text)).guests.assign["web"].publish) == "inside=guest outside=none"
    assert _errors(write(text.replace("outside: none", "elsewhere: none"))) == [
        "skulldns.yaml:17:34: no zone for guests has a view elsewhere; write one of inside, outside"
    ]
    assert _errors(write(_SMALL + "guests: {assign: {web: {publish: {inside: guest}}}}\n")) == [
        "skulldns.yaml:7:34: no zone for guests has a view inside; write one word for everywhere"
    ]


def test_a_record_for_a_view_needs_the_view(write: Write, tmp_path: Path) -> None:
    text = _VIEWS.replace("    guests: true", "    file: zone.yaml\n    guests: true")
    record = "www: {type: A, value: 192.0.2.1, skulldns: {view: inside}}\n"
    (tmp_path / "zone.yaml").write_text(record)
    [zone] = load(write(text)).zones.values()
    assert [one.view for one in load_zone_file(zone)] == ["inside"]
    (tmp_path / "zone.yaml").write_text(record.replace("inside", "insider"))
    with pytest.raises(ConfigError) as caught:
        load_zone_file(zone)
    assert str(caught.value) == (
        f"{tmp_path}/zone.yaml:1:6: the record is for the view insider, which vmsrv.test does not have; "
        "write one of inside, outside"
    )


def test_this_machine_and_the_hypervisors_have_their_names(write: Write) -> None:
    sources = [
        '{kind: libvirt, uri: "qemu:///system", zone: vmsrv.test}',
        '{kind: libvirt, uri: "qemu+ssh://root@hv1.example.org/system", zone: vmsrv.test}',
        '{kind: libvirt, uri: "qemu+tls://192.0.2.9/system", zone: vmsrv.test}',
    ]
    config = load(write(f"{_SMALL}networks: [192.0.2.0/24]\nsources: [{', '.join(sources)}]\n"))
    here = platform.node().partition(".")[0].lower()
    assert set(host_labels(config)) == {here, "hv1"}
    assert {here, "hv1"} <= set(rules(config).reserved)
