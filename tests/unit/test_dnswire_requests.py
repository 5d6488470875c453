"""UPDATE messages as RFC 2136 wants them, read back by dnspython."""

from collections.abc import Sequence
from textwrap import dedent

import dns.message
import dns.name
import dns.update
import pytest
from dns.rdataclass import ANY
from dns.rdatatype import AAAA, CNAME, NS, SOA, TXT, A
from hypothesis import given
from hypothesis import strategies as st

from skulldns.errors import Refused
from skulldns.model.changes import LARGE, Change
from skulldns.model.records import Key, RRset, rrset
from skulldns.targets.dnswire import requests

ZONE = dns.name.from_text("vmsrv.test")
WEB = dns.name.from_text("web", ZONE)
OLD = rrset(WEB, A, 60, ["192.0.2.1", "192.0.2.2"])
NEW = rrset(WEB, A, 60, ["192.0.2.2", "192.0.2.3"])


def change(before: RRset | None, after: RRset | None, *, alone: bool = False) -> Change:
    return Change(before, after, "zone file", "zone file", "a test wants it", alone=alone)


def text(wire: bytes) -> str:
    lines = dns.message.from_wire(wire).to_text().splitlines()
    return "\n".join(line.rstrip() for line in lines)


def update(*changes: Change) -> str:
    """Return the prerequisites and updates of one message, a line each."""
    lines = text(requests.update(ZONE, changes)).splitlines()
    start = lines.index(";PREREQ")
    return "\n".join(lines[start:])


def expect(golden: str) -> str:
    return dedent(golden).strip()


def test_an_update_is_these_bytes() -> None:
    wire = requests.update(ZONE, [change(None, rrset(WEB, A, 60, ["192.0.2.1"]), alone=True)])
    assert wire.hex(" ") == expect(
        """
        00 00 28 00 00 01 00 01 00 01 00 00
        05 76 6d 73 72 76 04 74 65 73 74 00 00 06 00 01
        03 77 65 62 c0 0c 00 ff 00 fe 00 00 00 00 00 00
        03 77 65 62 c0 0c 00 01 00 01 00 00 00 3c 00 04 c0 00 02 01
        """
    ).replace("\n", " ")


def test_an_update_names_the_zone() -> None:
    assert text(requests.update(ZONE, [])) == expect(
        """
        id 0
        opcode UPDATE
        rcode NOERROR
        flags
        ;ZONE
        vmsrv.test. IN SOA
        ;PREREQ
        ;UPDATE
        ;ADDITIONAL
        """
    )


def test_an_add_expects_no_such_rrset() -> None:
    assert update(change(None, OLD)) == expect(
        """
        ;PREREQ
        web.vmsrv.test. NONE A
        ;UPDATE
        web.vmsrv.test. 60 IN A 192.0.2.1
        web.vmsrv.test. 60 IN A 192.0.2.2
        ;ADDITIONAL
        """
    )


def test_adds_of_one_name_share_that_it_is_not_in_use() -> None:
    six = rrset(WEB, AAAA, 60, ["2001:db8::1"])
    assert update(change(None, OLD, alone=True), change(None, six, alone=True)) == expect(
        """
        ;PREREQ
        web.vmsrv.test. NONE ANY
        ;UPDATE
        web.vmsrv.test. 60 IN A 192.0.2.1
        web.vmsrv.test. 60 IN A 192.0.2.2
        web.vmsrv.test. 60 IN AAAA 2001:db8::1
        ;ADDITIONAL
        """
    )


def test_a_replacement_changes_what_differs() -> None:
    assert update(change(OLD, NEW)) == expect(
        """
        ;PREREQ
        web.vmsrv.test. 0 IN A 192.0.2.1
        web.vmsrv.test. 0 IN A 192.0.2.2
        ;UPDATE
        web.vmsrv.test. 0 NONE A 192.0.2.1
        web.vmsrv.test. 60 IN A 192.0.2.3
        ;ADDITIONAL
        """
    )


def test_a_new_ttl_adds_everything_again() -> None:
    assert update(change(OLD, rrset(WEB, A, 300, OLD.values()))) == expect(
        """
        ;PREREQ
        web.vmsrv.test. 0 IN A 192.0.2.1
        web.vmsrv.test. 0 IN A 192.0.2.2
        ;UPDATE
        web.vmsrv.test. 0 NONE A 192.0.2.1
        web.vmsrv.test. 300 IN A 192.0.2.1
        web.vmsrv.test. 300 IN A 192.0.2.2
        ;ADDITIONAL
        """
    )


def test_a_deletion_is_by_value() -> None:
    assert update(change(OLD, None)) == expect(
        """
        ;PREREQ
        web.vmsrv.test. 0 IN A 192.0.2.1
        web.vmsrv.test. 0 IN A 192.0.2.2
        ;UPDATE
        web.vmsrv.test. 0 NONE A 192.0.2.1
        web.vmsrv.test. 0 NONE A 192.0.2.2
        ;ADDITIONAL
        """
    )


def test_very_many_records_are_deleted_as_an_rrset_that_is_known_in_full() -> None:
    many = rrset(
        dns.name.from_text("many", ZONE), A, 60, [f"192.0.{n // 250}.{n % 250}" for n in range(2000)]
    )
    message = dns.message.from_wire(requests.update(ZONE, [change(many, None)]))
    assert isinstance(message, dns.update.UpdateMessage)
    assert {data for found in message.prerequisite for data in found} == many.data
    [deleted] = message.update
    assert (deleted.name, deleted.rdtype, deleted.deleting, len(deleted)) == (many.name, A, ANY, 0)


def test_deletions_come_first_and_a_taken_name_is_not_asked_to_be_free() -> None:
    alias = rrset(WEB, CNAME, 60, ["elsewhere.test."])
    one = rrset(WEB, A, 60, ["192.0.2.1"])
    assert update(change(None, one, alone=True), change(alias, None)) == expect(
        """
        ;PREREQ
        web.vmsrv.test. NONE A
        web.vmsrv.test. 0 IN CNAME elsewhere.test.
        ;UPDATE
        web.vmsrv.test. 0 NONE CNAME elsewhere.test.
        web.vmsrv.test. 60 IN A 192.0.2.1
        ;ADDITIONAL
        """
    )


def test_a_new_apex_ns_is_there_before_the_old_goes() -> None:
    before, after = rrset(ZONE, NS, 60, ["ns1.vmsrv.test."]), rrset(ZONE, NS, 60, ["ns2.vmsrv.test."])
    assert update(change(before, after)) == expect(
        """
        ;PREREQ
        vmsrv.test. 0 IN NS ns1.vmsrv.test.
        ;UPDATE
        vmsrv.test. 60 IN NS ns2.vmsrv.test.
        vmsrv.test. 0 NONE NS ns1.vmsrv.test.
        ;ADDITIONAL
        """
    )


def test_equal_changes_make_equal_messages() -> None:
    values = [f"192.0.2.{number}" for number in range(100)]
    there, back = rrset(WEB, A, 60, values), rrset(WEB, A, 60, reversed(values))
    assert requests.update(ZONE, [change(None, there)]) == requests.update(ZONE, [change(None, back)])


HUGE = rrset(dns.name.from_text("huge", ZONE), TXT, 60, ["x" * 250 + str(number) for number in range(300)])


@pytest.mark.parametrize(
    ("refused", "words"),
    [
        (
            change(None, rrset(dns.name.from_text("a.test."), A, 60, ["192.0.2.1"])),
            "a.test is not in the zone",
        ),
        (
            change(None, rrset(dns.name.from_text("xvmsrv.test."), A, 60, ["192.0.2.1"])),
            "xvmsrv.test is not in",
        ),
        (change(None, rrset(ZONE, SOA, 60, ["a. b. 1 2 3 4 5"])), "the SOA of vmsrv.test belongs to"),
        (change(rrset(ZONE, NS, 60, ["ns1.test."]), None), "would be left without NS records"),
        (
            change(None, HUGE),
            "the changes of huge.vmsrv.test take",
        ),
    ],
)
def test_what_no_server_would_do_is_refused(refused: Change, words: str) -> None:
    with pytest.raises(Refused, match=words.replace(".", r"\.")):
        requests.update(ZONE, [refused])
    good = change(None, OLD)
    assert requests.batches(ZONE, [refused, good]) == [(good,), (refused,)]


def test_too_much_for_one_message_counts_its_names() -> None:
    changes = [change(None, rrset(dns.name.from_text(f"n{n}", ZONE), A, 60, ["192.0.2.1"])) for n in range(9)]
    with pytest.raises(Refused, match=r"n0\.vmsrv\.test and 8 more take"):
        requests.update(ZONE, changes, limit=100)


@st.composite
def changes(draw: st.DrawFn) -> Sequence[Change]:
    """Changes of a few names, some with deletions, in any order and of very different sizes."""
    keys = draw(st.lists(st.tuples(st.integers(0, 20), st.sampled_from([A, TXT])), unique=True, max_size=30))
    made = []
    for number, rdtype in keys:
        name = dns.name.from_text(f"n{number}", ZONE)
        values = ["192.0.2.1"] if rdtype == A else ["x" * draw(st.integers(1, 255))]
        found = rrset(name, rdtype, 60, values)
        made.append(
            change(found, None) if draw(st.booleans()) else change(None, found, alone=draw(st.booleans()))
        )
    return made


@given(changes(), st.integers(700, 2000))
def test_batches_are_small_enough_whole_and_keep_names_together(made: Sequence[Change], limit: int) -> None:
    batches = requests.batches(ZONE, made, limit)
    assert sorted(map(id, made)) == sorted(id(entry) for batch in batches for entry in batch)
    homes: dict[dns.name.Name, int] = {}
    for number, batch in enumerate(batches):
        wire = requests.update(ZONE, batch, limit)  # refuses what is too long
        dns.message.from_wire(wire)
        for entry in batch:
            assert homes.setdefault(entry.name, number) == number
    deleting = {entry.name for entry in made if entry.after is None}
    order = list(dict.fromkeys(entry.name for batch in batches for entry in batch))
    assert set(order[: len(deleting)]) == deleting


def test_a_name_with_very_many_records_comes_alone_and_last() -> None:
    def records(label: str, number: int) -> Change:
        values = [f"192.0.2.{one}" for one in range(number)]
        return change(None, rrset(dns.name.from_text(label, ZONE), A, 60, values))

    small, large, usual = records("small", 1), records("large", LARGE + 1), records("usual", LARGE)
    assert requests.batches(ZONE, [small, large, usual]) == [(small, usual), (large,)]


def test_one_more_byte_needs_one_more_message() -> None:
    made = [change(None, rrset(dns.name.from_text(f"n{n}", ZONE), A, 60, ["192.0.2.1"])) for n in range(4)]
    exact = len(requests.update(ZONE, made))
    assert len(requests.batches(ZONE, made, exact)) == 1
    assert [len(batch) for batch in requests.batches(ZONE, made, exact - 1)] == [3, 1]


def test_queries_ask_for_one_rrset() -> None:
    assert "flags\n;QUESTION\nweb.vmsrv.test. IN A\n" in text(requests.query(Key(WEB, A)))
    assert ";QUESTION\nvmsrv.test. IN AXFR\n" in text(requests.transfer_query(ZONE))


def test_an_incremental_transfer_says_from_where() -> None:
    query = dns.message.from_wire(requests.transfer_query(ZONE, 4294967295))
    assert query.question[0].to_text() == "vmsrv.test. IN IXFR"
    assert query.authority[0].to_text() == "vmsrv.test. 0 IN SOA . . 4294967295 0 0 0 0"


def test_a_notify_may_hint_at_the_serial() -> None:
    assert "opcode NOTIFY\nrcode NOERROR\nflags AA\n;QUESTION\nvmsrv.test. IN SOA\n;ANSWER\n;" in text(
        requests.notify(ZONE)
    )
    assert ";ANSWER\nvmsrv.test. 0 IN SOA . . 7 0 0 0 0\n" in text(requests.notify(ZONE, 7))


# -------------------------------------------------------------------------------------- data by value

PROOFS = rrset(dns.name.from_text("_acme-challenge", ZONE), TXT, 10, ['"one"', '"two"'])


def updates(wire: bytes) -> str:
    return text(wire).partition(";PREREQ")[2].strip()


def test_values_are_added_to_whatever_is_there() -> None:
    assert updates(requests.add_values(ZONE, PROOFS)) == expect(
        """
        ;UPDATE
        _acme-challenge.vmsrv.test. 10 IN TXT "one"
        _acme-challenge.vmsrv.test. 10 IN TXT "two"
        ;ADDITIONAL
        """
    )


def test_values_are_deleted_by_value_and_nothing_else() -> None:
    assert updates(requests.delete_values(ZONE, PROOFS)) == expect(
        """
        ;UPDATE
        _acme-challenge.vmsrv.test. 0 NONE TXT "one"
        _acme-challenge.vmsrv.test. 0 NONE TXT "two"
        ;ADDITIONAL
        """
    )


def test_values_outside_the_zone_are_refused() -> None:
    elsewhere = rrset(dns.name.from_text("elsewhere.test"), TXT, 10, ['"one"'])
    with pytest.raises(Refused, match="not in the zone"):
        requests.add_values(ZONE, elsewhere)
    with pytest.raises(Refused, match="not in the zone"):
        requests.delete_values(ZONE, elsewhere)
