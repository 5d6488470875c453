"""Records of messages and interned values, beside what dnspython makes of the same bytes."""

import copy
import pickle
import struct

import dns.exception
import dns.message
import dns.name
import dns.rdata
import pytest
from dns.name import Name
from dns.rdataclass import IN
from dns.rdatatype import CNAME, MX, TXT, A, RdataType
from hypothesis import given
from hypothesis import strategies as st

from skulldns.model.interned import InternedName, canonical, data_of, held, ipv4, name_of, wires_of
from skulldns.model.records import Key, order
from skulldns.targets.dnswire.answers import read_answer
from skulldns.targets.dnswire.faults import BadAnswer

LABEL = st.binary(min_size=1, max_size=5) | st.sampled_from(
    [b"host19", b"HOST20", b"host20", b"a.b", b"*", b"_x"]
)
NAME = st.lists(LABEL, min_size=1, max_size=4).map(lambda labels: Name([*labels, b"vmsrv", b"test", b""]))
TARGETS = ("CNAME {}", "MX 10 {}", "NS {}", "PTR {}", "SRV 1 2 3 {}", "RP {} .")
DATA = st.sampled_from(
    ["A 192.0.2.1", "AAAA 2001:db8::1", 'TXT "a" "b"', 'CAA 0 issue "ca.test"']
) | st.builds(lambda form, target: form.format(target.to_text()), st.sampled_from(TARGETS), NAME)


@given(st.lists(st.tuples(NAME, DATA), max_size=12))
def test_records_are_those_that_dnspython_reads(records: list[tuple[Name, str]]) -> None:
    message = dns.message.make_response(dns.message.make_query("vmsrv.test", "A"))
    for owner, text in records:
        rdtype, _, rest = text.partition(" ")
        message.answer.append(dns.rrset.from_text(owner, 60, IN, rdtype, rest))
    wire = message.to_wire()
    expected = [
        (found.name.labels, found.rdtype, found.ttl, rdata.to_wire())
        for found in dns.message.from_wire(wire, one_rr_per_rrset=True).answer
        for rdata in found
    ]
    assert [(one.name.labels, one.type, one.ttl, one.wire) for one in read_answer(wire).answers()] == expected


@pytest.mark.parametrize(
    "name",
    [
        b"\xc0\x1d",  # to itself
        b"\xff\xff",  # beyond the end
        b"\x80\0",  # neither a label nor a pointer
        b"\1a" * 128 + b"\0",
    ],
)
def test_names_that_are_none_end(name: bytes) -> None:
    question = b"\5vmsrv\4test\0" + struct.pack("!HH", A, IN)
    wire = struct.pack("!6H", 7, 0x8400, 1, 1, 0, 0) + question
    record = name + struct.pack("!HHIH", A, IN, 60, 4) + bytes(4)
    with pytest.raises((dns.exception.DNSException, BadAnswer)):
        list(read_answer(wire + record).answers())


def test_a_long_chain_of_pointers_is_followed_to_its_end() -> None:
    """Each pointer leads to the one before it: thousands of them in one message."""
    question = b"\0" + struct.pack("!HH", A, IN)
    first, number = 12 + len(question) + 11, 5000
    targets = [12, *range(first, first + 2 * number, 2)]
    pointers = b"".join(struct.pack("!H", 0xC000 | target) for target in targets[:-1])
    wire = struct.pack("!6H", 7, 0x8400, 1, 2, 0, 0) + question
    wire += b"\0" + struct.pack("!HHIH", 65280, IN, 60, len(pointers)) + pointers
    wire += struct.pack("!HHHIH", 0xC000 | targets[-1], A, IN, 60, 4) + bytes(4)
    assert [record.name.labels for record in read_answer(wire).answers()] == [(b"",), (b"",)]


@given(NAME, NAME)
def test_an_interned_name_is_like_dnspython_s(one: Name, other: Name) -> None:
    mine = name_of(one.labels)
    assert (hash(mine), str(mine), mine.parent()) == (hash(one), str(one), one.parent())
    assert mine.to_text(omit_final_dot=True) == one.to_text(omit_final_dot=True)
    assert order(mine) == order(one)
    for second in (other, name_of(other.labels), one.canonicalize(), name_of(one.canonicalize().labels)):
        assert (mine == second) is (one == second)
        assert (mine != second) is (one != second)
        assert (second == mine) is (second == one)


def test_keys_of_numbered_names_have_hashes_of_their_own() -> None:
    names = [f"host{number:04d}.example.test." for number in range(2000)]
    keys = {Key(name_of(dns.name.from_text(name).labels), A) for name in names}
    assert len({hash(key) for key in keys}) == len(names)
    assert {Key(dns.name.from_text(name.upper()), A) for name in names} == keys


def test_equal_names_are_one_object_and_equal_data_are_equal() -> None:
    labels = (b"web", b"vmsrv", b"test", b"")
    assert name_of(labels) is name_of(tuple(bytes(bytearray(label)) for label in labels))
    assert data_of(A, [b"\xc0\0\2\1", b"\xc0\0\2\2"]) == data_of(A, [b"\xc0\0\2\2", b"\xc0\0\2\1"])
    assert data_of(A, [b"\xc0\0\2\1"]) != data_of(A, [b"\xc0\0\2\2"])
    text = dns.rdata.from_text(IN, TXT, '"x"')
    assert held(TXT, [text]) == data_of(TXT, [b"\1x"]) == frozenset({text})
    assert text in held(TXT, [text])
    assert held(TXT, [text]) - {text} == frozenset()
    assert wires_of(TXT, frozenset({text})) == (b"\1x",)
    name = name_of(labels)
    assert isinstance(name, InternedName)
    assert copy.deepcopy(name) is name
    assert pickle.loads(pickle.dumps(name)) is name  # noqa: S301 - our own bytes


@pytest.mark.parametrize("labels", [(b"a" * 64, b""), (b"a" * 63,) * 4 + (b"",), (b"a", b"", b"b", b"")])
def test_labels_that_make_no_name_raise(labels: tuple[bytes, ...]) -> None:
    with pytest.raises(dns.exception.DNSException):
        name_of(labels)


@given(DATA)
def test_data_are_dnspython_s(text: str) -> None:
    rdtype, _, rest = text.partition(" ")
    rdata = dns.rdata.from_text(IN, rdtype, rest)
    wire = rdata.to_wire()
    assert wire is not None
    found = data_of(RdataType[rdtype], [wire])
    assert found == frozenset({rdata})
    assert hash(found) == hash(frozenset({rdata}))
    assert [one.to_text() for one in found] == [rdata.to_text()]
    assert canonical(RdataType[rdtype], wire) == rdata.to_digestable()


def test_names_in_data_are_the_same_in_any_case() -> None:
    for rdtype, begin in ((CNAME, b""), (MX, b"\0\1")):
        upper, lower = begin + b"\1A\0", begin + b"\1a\0"
        assert canonical(rdtype, upper) == canonical(rdtype, lower)
        assert data_of(rdtype, [upper]) == data_of(rdtype, [lower])


@given(st.from_regex(r"[0-9.+ _]{1,16}", fullmatch=True) | st.ip_addresses(v=4).map(str))
def test_an_ipv4_address_has_one_spelling(text: str) -> None:
    try:
        expected = dns.rdata.from_text(IN, A, text).to_wire()
    except dns.exception.DNSException:
        expected = None
    assert ipv4(text) in {expected, None}
    if expected is not None and text.strip() == text:
        assert ipv4(text) == expected
