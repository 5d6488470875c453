import logging
import warnings
from collections.abc import Iterator
from pathlib import Path

import dns.name
import dns.rdata
import dns.rdatatype
import pytest
from octodns.provider.yaml import YamlProvider  # type: ignore[import-untyped]
from octodns.zone import Zone  # type: ignore[import-untyped]

from skulldns.config.zones import read_zone_files
from skulldns.desired.zonefile import ZoneRules
from skulldns.desired.zonefile.writing import to_octodns
from skulldns.errors import ConfigError
from tests.unit.everytype import OCTODNS

_ZONE = "zone.test."
Records = dict[tuple[str, str], tuple[int, frozenset[bytes]]]


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """octoDNS 1.22 warns of what its next version will do otherwise."""
    logging.getLogger("octodns").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def octodns_records(
    directory: Path, name: str = _ZONE, *, enforce_order: bool = False, **options: object
) -> Records:
    """What octoDNS would publish to a target that is called as we are, in wire format."""
    zone = Zone(name, [])
    YamlProvider("files", str(directory), enforce_order=enforce_order, **options).populate(zone)
    found = {}
    for record in zone.records:
        left_out = record.ignored or "skulldns" in record.excluded
        of_octodns = record._type in {"ALIAS", "URLFWD"} or "/" in record._type
        if left_out or of_octodns or (record.included and "skulldns" not in record.included):
            continue
        owner, ttl, rdtype, values = record.rrs
        data = (
            dns.rdata.from_text("IN", rdtype, value, origin=dns.name.root, relativize=False)
            for value in values
        )
        found[owner, rdtype] = (ttl, frozenset(one.to_wire() or b"" for one in data))
    return found


def our_records(path: Path, name: str = _ZONE, *, escaped_semicolons: bool = True) -> Records:
    """What we would publish, in wire format."""
    rules = ZoneRules(dns.name.from_text(name), 3600, escaped_semicolons)
    return {
        (one.rrset.name.to_text(), dns.rdatatype.to_text(one.rrset.type)): (
            one.rrset.ttl,
            frozenset(data.to_wire() or b"" for data in one.rrset.data),
        )
        for one in read_zone_files(path, rules).records
    }


def _write(directory: Path, text: str, name: str = "zone.test.yaml") -> Path:
    (directory / name).write_text(text)
    return directory / name


def test_a_zone_with_every_type_has_the_records_that_octodns_reads(tmp_path: Path) -> None:
    path = _write(tmp_path, OCTODNS)
    theirs = octodns_records(tmp_path)
    assert {rdtype for _, rdtype in theirs} >= set(
        "A AAAA CAA CNAME DNAME DS HTTPS LOC MX NAPTR NS OPENPGPKEY PTR SPF SRV SSHFP SVCB TLSA TXT URI".split()
    )
    assert our_records(path) == theirs


@pytest.mark.parametrize(
    "text",
    [
        "a: {type: A, value: 192.0.2.1, geo: {AF: [192.0.2.2]}}",
        (
            "a: {type: A, value: 192.0.2.1, dynamic: {pools: {one: {values: [{value: 192.0.2.2}]}},"
            " rules: [{pool: one}]}}"
        ),
        "a: {type: A, value: 192.0.2.1, octodns: {healthcheck: {protocol: HTTP}, other: {x: 1}}}",
        (
            "a: [{type: A, value: 192.0.2.1}, {type: URLFWD, value:"
            " {code: 301, masking: 2, path: /, query: 0, target: 'http://x.test'}}]"
        ),
        "a: {type: A, value: [192.0.2.1, 192.0.2.2]}",
        "a: {type: A, values: 192.0.2.1}",
        "p: {k: &k {type: A}}\nq: &q {type: A, ttl: 1, value: 192.0.2.1}\na: {ttl: 5, <<: *q}"[
            len("p: {k: &k {type: A}}\n") :
        ],
        "q: &q {type: A, value: 192.0.2.1}\nr: &r {type: A, value: 192.0.2.2}\na: {<<: [*q, *r]}",
        "---\n",
    ],
)
def test_other_shapes_have_the_records_that_octodns_reads(tmp_path: Path, text: str) -> None:
    path = _write(tmp_path, text)
    assert our_records(path) == octodns_records(tmp_path)


def test_semicolons_as_octodns_reads_them_with_its_switch_off(tmp_path: Path) -> None:
    path = _write(tmp_path, "a: {type: TXT, values: ['v=DKIM1; p=x', ;, 'a ; b']}")
    assert our_records(path, escaped_semicolons=False) == octodns_records(tmp_path, escaped_semicolons=False)
    _write(tmp_path, r"a: {type: TXT, value: 'a\; b'}")
    with pytest.raises(ConfigError, match="has an escaped semicolon"):
        our_records(path, escaped_semicolons=False)


def test_split_directories(tmp_path: Path) -> None:
    directory = tmp_path / "zone.test."
    directory.mkdir()
    _write(
        directory,
        "? ''\n: - {type: A, value: 192.0.2.1}\n'*': {type: A, value: 192.0.2.2}\n",
        "$zone.test.yaml",
    )
    _write(directory, "www: {type: A, value: 192.0.2.3}\n", "www.yaml")
    _write(directory, "not read", "notes.txt")
    theirs = octodns_records(tmp_path, split_extension=".", disable_zonefile=True)
    assert len(theirs) == 3
    assert our_records(directory) == theirs


def test_included_files(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    _write(tmp_path, "values: [192.0.2.1, 192.0.2.2]\n", "sub/both.yaml")
    _write(tmp_path, "!include sub/both.yaml\n", "again.yaml")
    _write(tmp_path, "- {type: A, value: 192.0.2.3}\n- {type: TXT, value: x}\n", "list.yaml")
    path = _write(tmp_path, "a: {type: A, <<: !include sub/both.yaml}\nb: !include list.yaml\n")
    assert our_records(path) == octodns_records(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "test: {type: TXT, values: [null, foo, null]}",
        "test: {type: TXT, value: }",
        "test: {type: TXT, value: 'a;b'}",
        "test: {type: TXT, value: 'a\\\\;b'}",
        "test: {type: TXT, value: ä}",
        "test: !include does-not-exist.yaml",
        "data: !include [zone.test.yaml]",
        "test: {value: 192.0.2.1}",
        "test: {type: UNHEARD, value: 192.0.2.1}",
        "test: {type: A, ttl: -1, value: 192.0.2.1}",
        "test: {type: A, value: 192.0.2.256}",
        "test: {type: A}",
        "test: {type: MX, value: {preference: 1}}",
        "test: {type: MX, value: {preference: x, exchange: a.test.}}",
        "test: [{type: A, value: 192.0.2.1}, {type: A, value: 192.0.2.2}]",
        "'': {type: CNAME, value: a.test.}",
        "'@': {type: A, value: 192.0.2.1}",
        "a..b: {type: A, value: 192.0.2.1}",
        "a b: {type: A, value: 192.0.2.1}",
        f"{'a' * 64}: {{type: A, value: 192.0.2.1}}",
        "test: {type: LOC, value: {lat_degrees: 91}}",
        "test: {type: HTTPS, value: {svcpriority: 1, targetname: ., svcparams: {port: x}}}",
        "test: !!python/object/apply:os.getcwd []",
        "test: [",
    ],
)
def test_what_octodns_refuses_is_refused_with_its_place(tmp_path: Path, text: str) -> None:
    path = _write(tmp_path, text)
    with pytest.raises(Exception):  # noqa: B017, PT011 - octoDNS raises what comes up
        octodns_records(tmp_path)
    with pytest.raises(ConfigError) as caught:
        our_records(path)
    assert str(caught.value).startswith(f"{path}:1:")


def test_what_is_written_for_octodns_is_read_there_in_its_strict_order(tmp_path: Path) -> None:
    rules = ZoneRules(dns.name.from_text(_ZONE), 3600)
    records = read_zone_files(_write(tmp_path, OCTODNS), rules).records
    before = octodns_records(tmp_path)
    written = to_octodns(records, rules.zone)
    _write(tmp_path, written.text)
    assert written.left_out == ()
    assert octodns_records(tmp_path, enforce_order=True) == before
