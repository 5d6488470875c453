import json
import re
from pathlib import Path

import dns.name
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skulldns.desired.zonefile import parse_zone
from skulldns.errors import ConfigError, ConfigErrors
from skulldns.model.statics import StaticRecord
from tests.rooms import ROOT

_ZONE = dns.name.from_text("vmsrv.test")
_FILE = "z.yaml"


def _parse(text: str) -> tuple[StaticRecord, ...]:
    return parse_zone(text, _ZONE, _FILE, 300)


def _texts(text: str) -> list[str]:
    return [str(record.rrset) for record in _parse(text)]


def _refused(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        _parse(text)
    return str(caught.value).split("\n")


@pytest.mark.parametrize(
    ("text", "rrset"),
    [
        ("www: {type: A, value: 192.0.2.1}", "www.vmsrv.test A 192.0.2.1 (TTL 300)"),
        ("www: {type: A, ttl: 0, value: 192.0.2.1}", "www.vmsrv.test A 192.0.2.1 (TTL 0)"),
        ("a: {type: A, ttl: 2147483647, value: 192.0.2.1}", "a.vmsrv.test A 192.0.2.1 (TTL 2147483647)"),
        ("'': {type: A, values: [192.0.2.1, 192.0.2.2]}", "vmsrv.test A 192.0.2.1 192.0.2.2 (TTL 300)"),
        ("'*': {type: AAAA, value: '2001:db8::1'}", "*.vmsrv.test AAAA 2001:db8::1 (TTL 300)"),
        ("7: {type: PTR, value: a.test.}", "7.vmsrv.test PTR a.test. (TTL 300)"),
        ("WWW.Sub: {type: A, value: 192.0.2.1}", "www.sub.vmsrv.test A 192.0.2.1 (TTL 300)"),
        ("bücher: {type: A, value: 192.0.2.1}", "xn--bcher-kva.vmsrv.test A 192.0.2.1 (TTL 300)"),
        ("a: {type: CNAME, value: faß.test.}", "a.vmsrv.test CNAME xn--fa-hia.test. (TTL 300)"),
        ("a: {type: MX, value: {preference: 10, exchange: m.test.}}", "a.vmsrv.test MX 10 m.test. (TTL 300)"),
        ("a: {type: MX, value: {priority: 10, value: m.test.}}", "a.vmsrv.test MX 10 m.test. (TTL 300)"),
        ("a: {type: MX, value: 10 m.test.}", "a.vmsrv.test MX 10 m.test. (TTL 300)"),
        (
            "_x._tcp: {type: SRV, value: {priority: 0, weight: 1, port: 5060, target: a.test.}}",
            "_x._tcp.vmsrv.test SRV 0 1 5060 a.test. (TTL 300)",
        ),
        ("a: {type: CAA, value: {tag: issue, value: ';'}}", 'a.vmsrv.test CAA 0 issue ";" (TTL 300)'),
        (
            "a: {type: SSHFP, value: {algorithm: 1, fingerprint_type: 1, fingerprint: " + "ab" * 20 + "}}",
            "a.vmsrv.test SSHFP 1 1 " + "ab" * 20 + " (TTL 300)",
        ),
        (
            (
                "a: {type: TLSA, value: {certificate_usage: 3, selector: 1, matching_type: 1,"
                f" certificate_association_data: {'ab' * 32}}}}}"
            ),
            f"a.vmsrv.test TLSA 3 1 1 {'ab' * 32} (TTL 300)",
        ),
        (
            f"a: {{type: DS, value: {{key_tag: 1, algorithm: 13, digest_type: 2, digest: {'ab' * 32}}}}}",
            f"a.vmsrv.test DS 1 13 2 {'ab' * 32} (TTL 300)",
        ),
        (
            (
                r"a: {type: NAPTR, value: {order: 1, preference: 2, flags: U, service: E2U+sip,"
                r" regexp: '!^.*$!sip:\\1@x!', replacement: .}}"
            ),
            r'a.vmsrv.test NAPTR 1 2 "U" "E2U+sip" "!^.*$!sip:\\1@x!" . (TTL 300)',
        ),
        (
            (
                "a: {type: LOC, value: {lat_degrees: 49, lat_minutes: 53, lat_seconds: 4.3, lat_direction: N,"
                " long_degrees: 97, long_minutes: 8, long_seconds: 30, long_direction: W, altitude: 230,"
                " size: 10, precision_horz: 10, precision_vert: 20}}"
            ),
            "a.vmsrv.test LOC 49 53 4.300 N 97 8 30.000 W 230.00m 10.00m 10.00m 20.00m (TTL 300)",
        ),
        (
            (
                "a: {type: HTTPS, value: {svcpriority: 1, targetname: ., svcparams:"
                " {alpn: [h3, h2], port: 8443, no-default-alpn: , ipv4hint: [192.0.2.1]}}}"
            ),
            'a.vmsrv.test HTTPS 1 . alpn="h3,h2" no-default-alpn port="8443" ipv4hint="192.0.2.1" (TTL 300)',
        ),
        (
            "a: {type: URI, value: {priority: 1, weight: 2, target: 'https://x.test/'}}",
            'a.vmsrv.test URI 1 2 "https://x.test/" (TTL 300)',
        ),
        (r"a: {type: TYPE65280, value: '\# 4 0A000001'}", r"a.vmsrv.test TYPE65280 \# 4 0a000001 (TTL 300)"),
        (r"a: {type: TXT, value: 'v=DKIM1\; p=a\\b\"c'}", r'a.vmsrv.test TXT "v=DKIM1; p=a\\b\"c" (TTL 300)'),
        ("a: {type: TXT, value: 'v=spf1 mx -all'}", 'a.vmsrv.test TXT "v=spf1 mx -all" (TTL 300)'),
        ("""a: {type: TXT, value: '"one" "two"'}""", 'a.vmsrv.test TXT "onetwo" (TTL 300)'),
        (
            f"a: {{type: TXT, value: {'x' * 300}}}",
            f'a.vmsrv.test TXT "{"x" * 255}" "{"x" * 45}" (TTL 300)',
        ),
    ],
)
def test_what_is_read(text: str, rrset: str) -> None:
    assert _texts(text) == [rrset]


def test_a_record_knows_its_place() -> None:
    records = _parse("a:\n  - type: A\n    value: 192.0.2.1\n  - {type: TXT, value: x}\n")
    assert [record.where for record in records] == ["z.yaml:2:5", "z.yaml:4:5"]


def test_an_empty_zone_is_written_as_braces() -> None:
    assert _parse("{}") == ()


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (
            "a: {type: CNAME, value: mail}",
            "1:25: CNAME value \"mail\" has no trailing dot; write 'mail.' or 'mail.vmsrv.test.'",
        ),
        (
            "a: {type: MX, value: 10 mail}",
            "1:22: MX value \"mail\" has no trailing dot; write 'mail.' or 'mail.vmsrv.test.'",
        ),
        (
            "a: {type: MX, value: {preference: 1, exchange: mail}}",
            "1:48: MX value \"mail\" has no trailing dot; write 'mail.' or 'mail.vmsrv.test.'",
        ),
        ("a: {type: CNAME, value: '@'}", "1:25: CNAME value \"@\" is not a full name; write 'vmsrv.test.'"),
        ("'@': {type: A, value: 192.0.2.1}", "1:1: the name \"@\" is not used here; write '' for the apex"),
        (
            "ns: no",
            "1:5: the record of \"ns\" is yes or no; write '{type: A, value: 192.0.2.1}' or a list of such",
        ),
        (
            "a: {type: A, ttl: -1, value: 192.0.2.1}",
            '1:19: the TTL "-1" is not valid; write seconds, a whole number from 0 to 2147483647',
        ),
        (
            "a: {type: A, ttl: 2147483648, value: 192.0.2.1}",
            '1:19: the TTL "2147483648" is not valid; write seconds, a whole number from 0 to 2147483647',
        ),
        (
            "a: {type: A, ttl: 12:30:45, value: 192.0.2.1}",
            '1:19: the TTL "12:30:45" is not valid; write seconds, a whole number from 0 to 2147483647',
        ),
        (
            "a: {type: AAAA, value: 2001:10:20:30:40:50:1:2}",
            (
                "1:24: value 2001:10:20:30:40:50:1:2 is read by YAML as a number"
                " (octal, sexagesimal or the like), but text is due; quote it: '2001:10:20:30:40:50:1:2'"
            ),
        ),
        (
            "a: {type: A, value: 3221225985}",
            (
                '1:21: A value "3221225985" is not valid: Text input is malformed;'
                " write an IPv4 address such as 192.0.2.1"
            ),
        ),
        (
            "a: {type: MX, value: 10}",
            (
                '1:22: MX value "10" is not valid: expecting an identifier;'
                " write {preference: 10, exchange: mail.example.org.}"
            ),
        ),
        (
            "a: {type: TXT, value: 10}",
            "1:23: value 10 is read by YAML as a whole number, but text is due; quote it: '10'",
        ),
        (
            "'': {type: CNAME, value: a.test.}",
            "1:12: the apex cannot have a CNAME, since it has SOA and NS; write A and AAAA records",
        ),
        (
            "a: [{type: CNAME, value: b.test.}, {type: A, value: 192.0.2.1}]",
            "1:36: a.vmsrv.test A stands beside the CNAME of line 1; a CNAME stands alone: keep one of them",
        ),
        (
            "a: {type: CNAME, values: [b.test., c.test.]}",
            "1:26: CNAME has 2 values, but a name has one; keep one",
        ),
        (
            "a: {type: A, value: 192.0.2.1}\nA: {type: A, value: 192.0.2.2}",
            (
                "2:4: a.vmsrv.test A is there twice, first in line 1;"
                " put all its values into one record's 'values:'"
            ),
        ),
        (
            "a: {type: A, value: 192.0.2.1}\na: {type: A, value: 192.0.2.2}",
            '2:1: the key "a" is there twice, first in line 1; take one out or merge them',
        ),
        ("a: {type: SOA, value: x}", "1:11: the SOA is the name server's own; take the record out"),
        (
            "a: {type: DNSKEY, value: x}",
            "1:11: DNSKEY comes from the name server that signs; take the record out",
        ),
        ("a: {type: AXFR, value: x}", "1:11: AXFR is no type of data; take the record out"),
        ("a: {type: TX, value: x}", '1:11: unknown type "TX"; did you mean TXT?'),
        (
            "a: {type: TYPE99999, value: x}",
            '1:11: unknown type "TYPE99999"; write a type that DNS has, such as A or TXT',
        ),
        ("a: {typ: A, type: A, value: 192.0.2.1}", "1:5: unknown key \"typ\"; did you mean 'type'?"),
        ("a: {value: 192.0.2.1}", "1:4: the record has no type; add 'type:'"),
        ("a: {type: A}", "1:4: A has no value; add 'value:' or 'values:'"),
        (
            "a: {type: A, value: 192.0.2.1, values: [192.0.2.2]}",
            "1:14: A has both 'value' and 'values'; keep one of them",
        ),
        ("a: {type: A, values: []}", "1:22: A has no value; add 'value:' or 'values:'"),
        ("a: {type: A, value: }", "1:21: value is empty; write a value"),
        (
            "a: {type: A, value: 192.0.2.300}",
            (
                '1:21: A value "192.0.2.300" is not valid: Text input is malformed;'
                " write an IPv4 address such as 192.0.2.1"
            ),
        ),
        (
            "www.vmsrv.test: {type: A, value: 192.0.2.1}",
            "1:1: the name \"www.vmsrv.test\" repeats the zone's; write 'www'",
        ),
        (
            "www.example.: {type: A, value: 192.0.2.1}",
            (
                '1:1: the name "www.example." is outside of vmsrv.test;'
                " write names relative to the zone, without a final dot"
            ),
        ),
        (
            "a..b: {type: A, value: 192.0.2.1}",
            '1:1: the name "a..b" is not valid: A DNS label is empty; correct it',
        ),
        (
            "a b: {type: A, value: 192.0.2.1}",
            '1:1: the name "a b" has blanks or control characters; take them out',
        ),
        (r"a: {type: TXT, value: a;b}", r"""1:23: TXT value "a;b" has an unescaped semicolon; write '\;'"""),
        (
            "a: {type: CAA, value: 0 issue x.test; a=b}",
            '1:23: CAA value "0 issue x.test; a=b" has a \';\' that starts a comment; put it into "quotes"',
        ),
        (
            'a: {type: A, value: "192.0.2.1\\n192.0.2.2"}',
            "1:21: A value has a line break; write one line for each value",
        ),
        (
            "a: {type: MX, value: {preferense: 1, exchange: m.test.}}",
            '1:23: MX has no field "preferense"; its fields are preference, priority, exchange, value',
        ),
        ("a: {type: MX, value: {preference: 1}}", "1:22: MX lacks exchange; add 'exchange:'"),
        (
            "a: {type: MX, value: {preference: 65536, exchange: m.test.}}",
            '1:35: MX preference "65536" is out of range; write a whole number from 0 to 65535',
        ),
        ("[]", "1:1: a zone file leads from names to records; write 'www: {type: A, value: 192.0.2.1}'"),
    ],
)
def test_what_is_refused(text: str, error: str) -> None:
    assert _refused(text) == [f"{_FILE}:{error}"]


def test_labels_and_names_end_where_the_wire_ends() -> None:
    assert len(_parse(f"{'a' * 63}: {{type: A, value: 192.0.2.1}}")) == 1
    assert _refused(f"{'a' * 64}: {{type: A, value: 192.0.2.1}}")[0].startswith("z.yaml:1:1: the name")
    long = ".".join(["a" * 49] * 5)
    assert "not valid" in _refused(f"{long}: {{type: A, value: 192.0.2.1}}")[0]


def test_all_errors_of_a_file_come_at_once_in_its_order() -> None:
    text = "on: {type: A, value: 192.0.2.1}\nb: {type: A, ttl: -1, value: x}\nc: {type: NO, value: x}\n"
    with pytest.raises(ConfigErrors) as caught:
        _parse(text)
    assert [(error.line, error.column) for error in caught.value.errors] == [
        (1, 1),
        (2, 19),
        (2, 30),
        (3, 11),
    ]


def test_no_value_that_is_too_long_for_the_wire() -> None:
    assert _refused(f"a: {{type: TXT, value: {'x' * 66_000}}}") == [
        "z.yaml:1:23: TXT value is longer than 65535 bytes; shorten it"
    ]


_PAGES = [(ROOT / page).read_text() for page in ("zones/README.md", "docs/zones.md")]


@pytest.mark.parametrize(
    "block", [block for page in _PAGES for block in re.findall(r"```yaml\n(?!# \.)(.*?)```", page, re.DOTALL)]
)
def test_the_examples_of_the_docs_are_read(block: str) -> None:
    assert _parse(block)


@pytest.mark.parametrize("path", sorted((ROOT / "zones").glob("*.yaml")), ids=lambda path: path.name)
def test_the_zone_files_of_the_repository_are_read(path: Path) -> None:
    assert parse_zone(path.read_text(), dns.name.from_text(path.stem), path.name, 300)


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    _only_config_errors(text)


@given(
    st.text(),
    st.sampled_from(
        "A AAAA CNAME MX TXT SRV CAA LOC NAPTR SSHFP TLSA DS SVCB HTTPS URI HINFO RP IPSECKEY"
        " APL HIP CERT WKS NSAP X25 GPOS SPF AMTRELAY OPENPGPKEY TYPE731 CSYNC DHCID"
        " EUI48 L32 NID SMIMEA TKEY ZONEMD".split()
    ),
    st.text(),
)
def test_any_name_and_value_is_read_or_refused(name: str, rdtype: str, value: str) -> None:
    _only_config_errors(f"{json.dumps(name)}: {{type: {rdtype}, value: {json.dumps(value)}}}")


def _only_config_errors(text: str) -> None:
    try:
        records = _parse(text)
    except ConfigError as error:
        lines = str(error).split("\n")
    else:
        lines = []
        assert all(record.rrset.data for record in records)
    assert all(line.startswith("z.yaml:") for line in lines)


def test_what_aliases_repeat_is_said_once() -> None:
    with pytest.raises(ConfigError) as caught:
        _parse("a: &a [[x]]\nb: [*a, *a, *a]\n")
    cure = "write '{type: A, value: 192.0.2.1}' or a list of such"
    assert str(caught.value).splitlines() == [
        f'z.yaml:1:4: the record of "b" is a list in a list; {cure}',
        f'z.yaml:1:8: the record of "a" is a list in a list; {cure}',
    ]
