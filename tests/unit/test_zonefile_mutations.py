"""Zone files that went wrong: cut, mangled, emptied."""

import dns.name
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from skulldns.desired.zonefile import ZoneRules, ZoneText, cut_short, ends_itself, parse_zone, read_zone
from skulldns.errors import ConfigError, ConfigErrors
from skulldns.model.records import RRset
from skulldns.model.statics import StaticRecord
from tests.rooms import ROOT
from tests.unit.everytype import OCTODNS, OURS

_ZONE = dns.name.from_text("vmsrv.skullspace.ca")
_FILE = "z.yaml"
_EXAMPLE = (ROOT / "zones/vmsrv.skullspace.ca.yaml").read_text()
_UNMARKED = _EXAMPLE.removesuffix("...\n")
_ALL = OCTODNS + OURS
_SCRAPS = [
    *" \t\n'\"[]{}:,-#&*!0a.\\;\x00é|>%@`",
    "no",
    "...",
    "---",
    "\n- ",
    ": ",
    "<<: *alpha",
    "!include x",
    "\r\n",
]


_PLAIN = """\
---
# Records as most people write them.
'':
- {type: NS, values: [ns1.example.org., ns2.example.org.]}
- type: MX
  value: {exchange: mail.example.org., preference: 10}
a1: {type: A, value: 192.0.2.1}
a2: {ttl: 60, type: AAAA, value: beef}
a3:
  ttl: 60
  type: AAAA
  value: 2001:db8::3

10:
  type: TXT
  value: some plain: text
no: {type: A, value: 192.0.2.4}
# A comment
a5:
    value: a1.example.org.
    type: CNAME
'quoted': {type: TXT, value: 'x'}
a6: &six
  type: TXT
  value: some plain text
    with more
a7: *six
a8: {type: TXT, value: five}
"""


def _records(text: str) -> set[RRset] | None:
    """The records of a file, None when it is refused; nothing else may happen."""
    try:
        records = parse_zone(text, _ZONE, _FILE, 300)
    except ConfigError as error:
        if not all(line.startswith(_FILE) for line in str(error).split("\n")):
            raise
        return None
    assert all(record.rrset.data for record in records)
    return {record.rrset for record in records}


@st.composite
def _mutated(draw: st.DrawFn) -> str:
    text = draw(st.sampled_from([_EXAMPLE, _ALL, _PLAIN]))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, min(len(text), start + draw(st.sampled_from([0, 1, 3, 40])))))
        match draw(st.sampled_from(["replace", "repeat", "move", "swap case"])):
            case "replace":
                text = text[:start] + draw(st.sampled_from(_SCRAPS)) + text[end:]
            case "repeat":
                text = text[:end] + text[start:end] + text[end:]
            case "move":
                text = text[:start] + text[end:] + text[start:end]
            case _:
                text = text[:start] + text[start:end].swapcase() + text[end:]
    return text


@settings(max_examples=2000, deadline=None)
@given(_mutated())
def test_a_mangled_file_is_read_or_refused(text: str) -> None:
    _records(text)


@pytest.mark.parametrize("text", [_EXAMPLE, _UNMARKED], ids=["with its end", "without"])
def test_a_file_cut_at_any_byte_is_refused_or_held_back_or_has_all_records(text: str) -> None:
    whole, data = _records(text), text.encode()
    held = 0
    for length in range(len(data)):
        cut = data[:length].decode(errors="ignore")
        if cut_short([ZoneText(_FILE, text)], [ZoneText(_FILE, cut)]) is not None:
            held += 1
            continue
        found = _records(cut)
        assert found is None or found == whole, f"cut at byte {length}"
    assert held > len(data) / 2


@given(st.integers(0, len(_UNMARKED)), st.integers(0, len(_UNMARKED) + 2))
@example(0, 300)
def test_a_file_that_had_an_end_is_held_back_without_it_whatever_else_changed(
    place: int, length: int
) -> None:
    edited = _EXAMPLE[:place] + "# edited" + _EXAMPLE[place:]
    cut = edited[:length]
    assert cut_short([ZoneText(_FILE, _EXAMPLE)], [ZoneText(_FILE, cut)]) is not None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a: 1\n", "a: 1\n"),
        ("a: 1\n", "a: 1\nb: 2\n"),
        ("a: 1\nb: 2\n", "b: 2\n"),
        ("a: 1\nb: 2\n", "a: 1\n...\n"),
        ("a: 1\nb: 2\n", "a: 1\n... # the rest is gone\n# for good\n"),
        ("a: 1\nb: 2\n...\n", "a: 1\n...\n"),
        ("a: 1\n# the last word\n\n", "a: 1\n"),
        ("a: 1\n\n\n", "a: 1"),
        ("a: 1", "a: 2"),
        ("a: 1", "a: 1\nb: 2"),
        ("", "a: 1\n"),
    ],
)
def test_what_is_whole(before: str, after: str) -> None:
    assert cut_short([ZoneText(_FILE, before)], [ZoneText(_FILE, after)]) is None


@pytest.mark.parametrize(
    ("before", "after", "error"),
    [
        ("a: 1\nb: 2\n", "a: 1\n", "1:5: the file is the beginning of what it was, as if it were cut"),
        ("a: 1\nb: 2\n", "", "1:1: the file is the beginning of what it was, as if it were cut"),
        ("a: 1\nb: 22\n", "a: 1\nb: 2", "2:5: the file is the beginning of what it was, as if it were cut"),
        ("a: 1 # x\n", "a: 1 #", "1:7: the file is the beginning of what it was, as if it were cut"),
        ("a: 1\nb: 2\n", "c: 1\nb: 2", "2:5: the last line does not end, as if the file were cut"),
        ("a: 1\n...\n", "c: 1\n", "1:5: the file has lost the line '...' that ended it, so it may be cut"),
    ],
)
def test_what_looks_cut(before: str, after: str, error: str) -> None:
    found = cut_short([ZoneText("x", "a: 1\n"), ZoneText(_FILE, before)], [ZoneText(_FILE, after)])
    assert str(found) == (
        f"z.yaml:{error}; write the rest; if it is meant to end here, end it with a line '...'"
    )


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("a: 1\n...\n", True),
        ("...", True),
        ("a: 1\n....\n", False),
        ("a: 1\n ...\n", False),
        ("a: ...\n", False),
    ],
)
def test_the_end_of_a_file(text: str, whole: bool) -> None:  # noqa: FBT001 - it is the expectation
    assert ends_itself(text) is whole


def test_the_example_keeps_its_end() -> None:
    for path in (ROOT / "zones").glob("*.yaml"):
        assert ends_itself(path.read_text()), path.name


def _said(text: str) -> tuple[list[StaticRecord], list[str]]:
    """All that a file says, or all that is wrong with it."""
    try:
        found = read_zone([ZoneText(_FILE, text)], ZoneRules(_ZONE, 300))
    except ConfigErrors as error:
        return [], [str(one) for one in error.errors]
    except ConfigError as error:
        return [], [str(error)]
    return list(found.records), [str(warning) for warning in found.warnings]


@st.composite
def _of_lines(draw: st.DrawFn) -> str:
    """Lines of the examples in any order."""
    lines = [line + "\n" for text in (_PLAIN, _EXAMPLE) for line in text.split("\n")]
    return "".join(draw(st.lists(st.sampled_from(lines), min_size=2, max_size=12)))


@settings(max_examples=500, deadline=None)
@given(st.one_of(_mutated(), _of_lines()))
def test_plain_entries_say_the_same_with_and_without_a_yaml_parser(text: str) -> None:
    # A carriage return leaves all to the parser; without it more may be said before the place that is no YAML.
    records, said = _said("#\n" + text)
    parsed, expected = _said("#\r\n" + text)
    assert records == parsed
    assert said == expected or set(said) > set(expected)
    if records:
        assert said == expected


def test_plain_entries_are_read_as_the_parser_reads_them() -> None:
    good = _PLAIN.replace("beef", "fe80::a").replace("no:", "nn:").replace("plain: text", "plain:text")
    records, warnings = _said("#\n" + good)
    assert (records, warnings) == _said("#\r\n" + good)
    assert len(records) == 12
