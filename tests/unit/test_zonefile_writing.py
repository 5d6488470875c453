import dns.name
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skulldns.desired.yamltext import parse_yaml, plain
from skulldns.desired.yamlwriting import natural, write_yaml
from skulldns.desired.zonefile import parse_zone
from skulldns.desired.zonefile.bind import from_bind, to_bind, zone_of
from skulldns.desired.zonefile.writing import to_octodns, to_yaml
from skulldns.errors import ConfigError
from skulldns.model.records import RRset
from skulldns.model.statics import StaticRecord
from tests.unit.everytype import OCTODNS, OURS

_ZONE = dns.name.from_text("zone.test")


def _parse(text: str) -> tuple[StaticRecord, ...]:
    return parse_zone(text, _ZONE, "z.yaml", 300)


def _marked(records: tuple[StaticRecord, ...]) -> set[tuple[RRset, bool, str | None]]:
    return {(one.rrset, one.reserved, one.view) for one in records}


def test_yaml_to_records_to_yaml_changes_nothing() -> None:
    records = _parse(OCTODNS + OURS)
    text = to_yaml(records, _ZONE, ["a comment"])
    again = _parse(text)
    assert _marked(again) == _marked(records)
    assert to_yaml(reversed(again), _ZONE, ["a comment"]) == text
    assert text.startswith("# a comment\n---\n'':\n")
    assert text.endswith("\n...\n")


def test_records_to_a_zone_file_and_back_changes_nothing() -> None:
    records = tuple(one for one in _parse(OCTODNS + OURS) if one.view is None)
    written = to_bind(records, _ZONE)
    imported = from_bind(written.text, _ZONE, "db.zone.test")
    assert {one.rrset for one in imported.records} == {one.rrset for one in records}
    assert imported.left_out == ("the SOA of zone.test: it is the name server's own",)


def test_a_zone_file_leaves_out_what_views_have_and_says_so() -> None:
    written = to_bind(_parse(OURS), _ZONE)
    assert written.left_out == ("both.zone.test A is left out: it is for the view inside only",)
    assert "both 300 IN A 192.0.2.1\n" in written.text


def test_what_octodns_cannot_hold_is_left_out_and_said() -> None:
    written = to_octodns(_parse(OURS), _ZONE)
    assert {sentence.split(":")[0] for sentence in written.left_out} == {
        "afs.zone.test AFSDB is left out",
        "both.zone.test A is left out",
        "cert.zone.test CERT is left out",
        "hinfo.zone.test HINFO is left out",
        "ns1.zone.test A loses its mark",
        "rp.zone.test RP is left out",
        "strings.zone.test TXT is left out",
        "unknown.zone.test TYPE65280 is left out",
    }
    assert "skulldns" not in written.text


_BIND = """\
$TTL 1h
@ IN SOA ns1 hostmaster ( 1 2h 15m
                          2w 5m ) ; made over lines
  NS ns1
ns1 A 192.0.2.1
outside.example. A 192.0.2.2
$ORIGIN sub
x 5m IN TXT "a" "b;c"
y CNAME x
$GENERATE 1-2 h$ A 192.0.2.$
@ RRSIG A 8 3 3600 20300101000000 20200101000000 1 zone.test. AQID
  DNSKEY 257 3 13 AQID
"""


def test_a_zone_file_is_read_as_bind_reads_it() -> None:
    imported = from_bind(_BIND, _ZONE, "db")
    assert [str(one.rrset) for one in imported.records] == [
        "zone.test NS ns1.zone.test. (TTL 3600)",
        "ns1.zone.test A 192.0.2.1 (TTL 3600)",
        "h1.sub.zone.test A 192.0.2.1 (TTL 3600)",
        "h2.sub.zone.test A 192.0.2.2 (TTL 3600)",
        'x.sub.zone.test TXT "a" "b;c" (TTL 300)',
        "y.sub.zone.test CNAME x.sub.zone.test. (TTL 3600)",
    ]
    assert sorted(imported.left_out) == [
        "2 RRsets of DNSSEC's: they come from the name server that signs",
        "outside.example A: it is outside of zone.test",
        "the SOA of zone.test: it is the name server's own",
    ]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (
            "$TTL 5\n\n$INCLUDE x\n",
            "db:3:1: $INCLUDE is not followed; join the files with 'named-compilezone",
        ),
        (
            "a A 192.0.2.1\n",
            "db:1: not a zone file: Missing default TTL value; add a line '$TTL 3600' at the top",
        ),
        ("$TTL 5\na A 192.0.2\nb A 192.0.2.1\n", "db:2: not a zone file: "),
        ("$TTL 5\na UNHEARD x\n", "db:2: not a zone file: unknown rdatatype 'UNHEARD'; "),
        ("$TTL 5\nx SOA a b 1 1 1 1 1\n", "db: not a zone file: add() has non-origin SOA; "),
    ],
)
def test_zone_files_that_are_refused(text: str, error: str) -> None:
    with pytest.raises(ConfigError) as caught:
        from_bind(text, _ZONE, "db")
    assert str(caught.value).startswith(error)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("$ORIGIN zone.test.\n", "zone.test."),
        ("; comment\nZone.Test. 3600 IN SOA a b 1 2 3 4 5\n", "zone.test."),
        ("@ IN SOA a b 1 2 3 4 5\n", None),
        ("$ORIGIN sub\n", None),
    ],
)
def test_a_zone_file_may_say_its_zone(text: str, name: str | None) -> None:
    found = zone_of(text)
    assert (found.to_text() if found else None) == name


_KEYS = st.text("ab01*_.-:# 'no\"", max_size=6)
_TEXTS = st.text("aé0.:# '\"\\\n\t\x07漢𐀀\xad-[]{}no~", max_size=8)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 10**6) | _TEXTS,
    lambda inner: st.dictionaries(
        _KEYS, inner | st.lists(inner, min_size=1, max_size=3), min_size=1, max_size=3
    ),
    max_leaves=6,
)


@given(st.dictionaries(_KEYS, _VALUES, max_size=4))
def test_what_is_written_as_yaml_is_read_as_it_was(value: dict) -> None:  # type: ignore[type-arg]
    root, errors = parse_yaml(write_yaml(value), "f.yaml", 1_000_000)
    assert errors == []
    assert plain(root) == value


def test_names_stand_in_natural_order() -> None:
    assert sorted(["host10", "b", "2", "host2", "", "10", "*"], key=natural) == [
        "",
        "2",
        "10",
        "*",
        "b",
        "host2",
        "host10",
    ]
