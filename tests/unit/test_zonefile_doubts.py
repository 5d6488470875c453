"""What `check` can know of name servers without asking them."""

import dns.name
import pytest

from skulldns.desired.zonefile import doubts, parse_zone

_MANY = ", ".join(f"192.0.2.{number}" for number in range(101))
_LONG = ", ".join(f"{number}{'x' * 1000}" for number in range(70))
_REFUSED = "use letters, digits and hyphens, or say 'check-names primary ignore;' there"
_HIDDEN = "nobody would be answered it: take out one of them"


def _doubts(text: str, zone: str = "zone.test") -> list[str]:
    name = dns.name.from_text(zone)
    return [str(doubt) for doubt in doubts(parse_zone(text, name, "z", 60), name)]


@pytest.mark.parametrize(
    ("text", "doubt"),
    [
        (
            f"a: {{type: A, values: [{_MANY}]}}",
            (
                "z:1:4: a.zone.test A has 101 values, and BIND takes 100 by default;"
                " spread them over several names, or raise its max-records-per-type"
            ),
        ),
        (
            f"a: {{type: TXT, values: [{_LONG}]}}",
            (
                "z:1:4: a.zone.test TXT takes 71,390 bytes, but one update holds 65,023;"
                " give the name fewer or shorter values"
            ),
        ),
        (
            "b: {type: TXT, value: x}\na_b: {type: A, value: 192.0.2.1}",
            (
                "z:2:6: a_b.zone.test A: no host may be called a_b.zone.test,"
                f" and BIND refuses it (check-names); {_REFUSED}"
            ),
        ),
        (
            "'': {type: MX, value: 10 mail_1.example.org.}",
            (
                "z:1:5: zone.test MX: no host may be called mail_1.example.org,"
                f" and BIND refuses it (check-names); {_REFUSED}"
            ),
        ),
        (
            "d: {type: NS, value: ns.example.org.}\na.d: {type: A, value: 192.0.2.1}",
            f"z:2:6: a.d.zone.test A stands below the delegation of d.zone.test (line 1); {_HIDDEN}",
        ),
        (
            "d: {type: DNAME, value: example.org.}\nb.a.d: {type: TXT, value: x}",
            f"z:2:8: b.a.d.zone.test TXT stands below the DNAME of d.zone.test (line 1); {_HIDDEN}",
        ),
        (
            (
                "d: {type: NS, value: ns.example.org., skulldns: {view: inside}}\n"
                "a.d: {type: A, value: 192.0.2.1}"
            ),
            f"z:2:6: a.d.zone.test A stands below the delegation of d.zone.test (line 1); {_HIDDEN}",
        ),
    ],
)
def test_what_a_server_will_refuse_or_hide_is_said_with_its_place(text: str, doubt: str) -> None:
    assert _doubts(text) == [doubt]


@pytest.mark.parametrize(
    "text",
    [
        "'': {type: A, value: 192.0.2.1}\n'*': {type: A, value: 192.0.2.1}\n'*.a': {type: AAAA, value: '::1'}",
        "A-1: {type: A, value: 192.0.2.1}\n'0': {type: A, value: 192.0.2.1}",
        "gc._msdcs: {type: A, value: 192.0.2.1}",
        "_a_: {type: TXT, value: x}\na_b: {type: CNAME, value: c_d.test.}",
        "'': {type: MX, value: 0 .}",
        "_a._tcp: {type: SRV, value: 0 0 1 a.test.}",
        "p: {type: PTR, value: a_b.test.}",
        "d: [{type: NS, value: ns.d.zone.test.}, {type: TXT, value: x}]\nns.d: {type: A, value: 192.0.2.1}",
        (
            "d: {type: NS, value: ns.example.org., skulldns: {view: inside}}\n"
            "a.d: {type: A, value: 192.0.2.1, skulldns: {view: outside}}"
        ),
        "'': {type: NS, value: ns.example.org.}\na: {type: A, value: 192.0.2.1}",
        f"a: {{type: A, values: [{_MANY.removesuffix(', 192.0.2.100')}]}}",
    ],
)
def test_what_servers_take_is_not_doubted(text: str) -> None:
    assert _doubts(text) == []


def test_a_pointer_of_a_reverse_zone_leads_to_a_host() -> None:
    [doubt] = _doubts("1: {type: PTR, value: a_b.zone.test.}", "2.0.192.in-addr.arpa")
    assert "no host may be called a_b.zone.test" in doubt
