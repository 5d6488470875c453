import dns.name
import pytest

from skulldns.desired.zonefile import ZoneData, ZoneRules, ZoneText, read_zone
from skulldns.errors import ConfigError

_RULES = ZoneRules(dns.name.from_text("vmsrv.test"), 300)
_ONE_RECORD = "put all its values into one record's 'values:'"
_ADDRESS = "type: A, value: 192.0.2.1"


def _read(*texts: str) -> ZoneData:
    return read_zone([ZoneText(f"{index}.yaml", text) for index, text in enumerate(texts)], _RULES)


def _refused(*texts: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        _read(*texts)
    return str(caught.value).split("\n")


@pytest.mark.parametrize(
    ("record", "records", "warnings"),
    [
        (f"{_ADDRESS}, octodns: {{lenient: true}}", 1, []),
        (f"{_ADDRESS}, octodns: {{ignored: true}}", 0, []),
        (f"{_ADDRESS}, octodns: {{ignored: false}}", 1, []),
        (f"{_ADDRESS}, octodns: {{excluded: [other]}}", 1, []),
        (f"{_ADDRESS}, octodns: {{excluded: [skulldns, other]}}", 0, []),
        (f"{_ADDRESS}, octodns: {{included: [skulldns]}}", 1, []),
        (
            f"{_ADDRESS}, octodns: {{included: [other]}}",
            0,
            [
                (
                    "0.yaml:1:42: the record is left out: it is for other targets;"
                    " add 'skulldns' to the list to publish it from here"
                )
            ],
        ),
        (
            f"{_ADDRESS}, geo: {{AF: [192.0.2.2]}}",
            1,
            [
                (
                    "0.yaml:1:32: 'geo' is left out: answers by place are not DNS data;"
                    " the record's own values are published"
                )
            ],
        ),
        (
            f"{_ADDRESS}, dynamic: {{}}",
            1,
            [
                (
                    "0.yaml:1:32: 'dynamic' is left out: answers by rules are not DNS data;"
                    " the record's own values are published"
                )
            ],
        ),
        (
            f"{_ADDRESS}, octodns: {{healthcheck: {{protocol: TCP}}}}",
            1,
            [
                (
                    "0.yaml:1:42: 'octodns: healthcheck' is left out: it is not DNS data;"
                    " the record's own values are published"
                )
            ],
        ),
        (
            "type: ALIAS, value: a.test.",
            0,
            [
                (
                    "0.yaml:1:11: the ALIAS record is left out: some providers have it, DNS does not;"
                    " write A and AAAA records, or a CNAME where it is not the apex"
                )
            ],
        ),
        (
            "type: Route53/ALIAS, values: [{type: A}]",
            0,
            [
                (
                    "0.yaml:1:11: the Route53/ALIAS record is left out: it is one provider's own;"
                    " write records that DNS has"
                )
            ],
        ),
    ],
)
def test_what_octodns_has_and_dns_does_not(record: str, records: int, warnings: list[str]) -> None:
    data = _read(f"a: {{{record}}}")
    assert len(data.records) == records
    assert list(map(str, data.warnings)) == warnings


def test_our_options() -> None:
    [record] = _read(f"a: {{{_ADDRESS}, skulldns: {{reserved: true, view: inside}}}}").records
    assert (record.reserved, record.view) == (True, "inside")
    [record] = _read(f"a: {{{_ADDRESS}}}").records
    assert (record.reserved, record.view) == (False, None)


def test_a_name_has_one_rrset_for_each_view_and_one_for_the_others() -> None:
    views = (f"{{{_ADDRESS}, skulldns: {{view: {view}}}}}" for view in ("inside", "outside"))
    data = _read(f"a: [{{{_ADDRESS}}}, {', '.join(views)}]")
    assert [record.view for record in data.records] == [None, "inside", "outside"]


@pytest.mark.parametrize(
    ("text", "errors"),
    [
        (
            f"a: {{{_ADDRESS}, skulldns: {{reservd: true}}}}",
            ["0.yaml:1:43: 'skulldns' has no option \"reservd\"; did you mean 'reserved'?"],
        ),
        (
            f"a: {{{_ADDRESS}, skulldns: {{reserved: 1}}}}",
            ["0.yaml:1:53: 'reserved' must be true or false; write it without quotes"],
        ),
        (
            f"a: {{{_ADDRESS}, skulldns: {{view: }}}}",
            ["0.yaml:1:49: the view has no name; write the name of one of the zone's views"],
        ),
        (
            f"a: {{{_ADDRESS}, skulldns: x}}",
            ["0.yaml:1:42: 'skulldns' must be a mapping; write {reserved: true}"],
        ),
        (
            f"a: {{{_ADDRESS}, octodns: x}}",
            ["0.yaml:1:41: 'octodns' must be a mapping; write {lenient: true}"],
        ),
        (
            f"a: {{{_ADDRESS}, octodns: {{excluded: [no]}}}}",
            ["0.yaml:1:53: 'excluded' lists names of targets; write [skulldns]"],
        ),
        (
            f"a: [{{type: CNAME, value: b.test., skulldns: {{view: inside}}}}, {{{_ADDRESS}}}]",
            [
                (
                    "0.yaml:1:62: a.vmsrv.test A stands beside the CNAME of line 1;"
                    " a CNAME stands alone: keep one of them"
                )
            ],
        ),
        (
            f"a: [{{{_ADDRESS}, skulldns: {{view: x}}}}, {{{_ADDRESS}, skulldns: {{view: x}}}}]",
            [f"0.yaml:1:55: a.vmsrv.test A is there twice, first in line 1; {_ONE_RECORD}"],
        ),
    ],
)
def test_wrong_options(text: str, errors: list[str]) -> None:
    assert _refused(text) == errors


def test_several_files_are_one_zone() -> None:
    assert [one.where for one in _read(f"a: {{{_ADDRESS}}}", f"b: {{{_ADDRESS}}}").records] == [
        "0.yaml:1:4",
        "1.yaml:1:4",
    ]
    assert _refused(f"a: {{{_ADDRESS}}}", f"b: [\na: {{{_ADDRESS}}}", f"a: {{{_ADDRESS}}}") == [
        "1.yaml:2:31: not valid YAML: did not find expected ',' or ']'; close the bracket or brace",
        f"2.yaml:1:4: a.vmsrv.test A is there twice, first in 0.yaml:1:4; {_ONE_RECORD}",
    ]


def test_errors_before_the_one_that_ends_the_reading_are_said_too() -> None:
    lines = _refused("a: {type: A, value: x}\nb: {type: UNHEARD, value: x}\nc: [\n")
    assert [line.split(": ")[0] for line in lines] == ["0.yaml:1:21", "0.yaml:2:11", "0.yaml:3:5"]


def test_quoted_numbers_are_numbers_as_in_octodns() -> None:
    [record] = _read("a: {type: MX, ttl: '60', value: {preference: '10', exchange: m.test.}}").records
    assert str(record.rrset) == "a.vmsrv.test MX 10 m.test. (TTL 60)"


def test_an_include_needs_somebody_who_reads() -> None:
    assert _refused("a: !include b.yaml") == [
        '0.yaml:1:4: the tag "!include" is not allowed; write a plain value without a tag',
        "0.yaml:1:4: the record of \"a\" is text; write '{type: A, value: 192.0.2.1}' or a list of such",
    ]
