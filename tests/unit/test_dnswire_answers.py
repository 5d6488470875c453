"""Answers, transfers and signatures, read from messages that dnspython wrote."""

import time

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rrset
import dns.tsig
import pytest
from dns.rdatatype import AAAA, NS, A
from hypothesis import given
from hypothesis import strategies as st

from skulldns.model.records import Key, RRset, rrset
from skulldns.targets.dnswire import requests
from skulldns.targets.dnswire.answers import Answer, read_answer
from skulldns.targets.dnswire.faults import BadAnswer, UnsignedAnswer, WrongClock
from skulldns.targets.dnswire.signing import Verifier, sign
from skulldns.targets.dnswire.transfer import Transfer, difference

ZONE = dns.name.from_text("vmsrv.test")
WEB = dns.name.from_text("web", ZONE)
KEY = dns.tsig.Key("skulldns", b"s" * 32)
NOW = 1_800_000_000.5


def answer(*records: str, authority: str = "", additional: str = "", flags: str = "QR AA") -> Answer:
    head = ["id 7", f"flags {flags}", ";QUESTION", "web.vmsrv.test. IN A", ";ANSWER", *records]
    lines = [*head, ";AUTHORITY", authority, ";ADDITIONAL", additional]
    message = dns.message.from_text("\n".join(line for line in lines if line))
    return read_answer(message.to_wire())


# --------------------------------------------------------------------------------------------- answers


def test_an_rrset_is_the_records_of_its_name_and_type() -> None:
    told = answer(
        "web.vmsrv.test. 60 IN A 192.0.2.1",
        "WEB.vmsrv.test. 60 IN A 192.0.2.2",
        "web.vmsrv.test. 60 IN TXT x",
        "www.vmsrv.test. 60 IN A 192.0.2.3",
    )
    assert told.rrset(Key(WEB, A)) == rrset(WEB, A, 60, ["192.0.2.1", "192.0.2.2"])
    assert told.rrset(Key(WEB, AAAA)) is None


def test_a_cname_is_not_the_address_that_was_asked_for() -> None:
    told = answer("web.vmsrv.test. 60 IN CNAME www.vmsrv.test.", "www.vmsrv.test. 60 IN A 192.0.2.3")
    assert told.rrset(Key(WEB, A)) is None


def test_a_referral_tells_of_the_delegation_only() -> None:
    told = answer(
        authority="web.vmsrv.test. 60 IN NS in.web.vmsrv.test.",
        additional="in.web.vmsrv.test. 60 IN A 192.0.2.5",
        flags="QR",
    )
    assert told.refers_below(ZONE)
    assert told.rrset(Key(WEB, NS)) == rrset(WEB, NS, 60, ["in.web.vmsrv.test."])
    glue = dns.name.from_text("in.web", ZONE)
    assert told.rrset(Key(glue, A)) == rrset(glue, A, 60, ["192.0.2.5"])
    assert told.rrset(Key(WEB, A)) is None


@pytest.mark.parametrize("owner", [".", "test.", "vmsrv.test.", "elsewhere.test."])
def test_a_referral_to_elsewhere_is_no_answer_of_the_zone(owner: str) -> None:
    assert not answer(authority=f"{owner} 60 IN NS ns1.elsewhere.test.", flags="QR").refers_below(ZONE)


def test_only_an_answer_to_the_request_fits() -> None:
    query = requests.query(Key(dns.name.from_text("WEB", ZONE), A))
    request = (7).to_bytes(2) + query[2:]
    assert answer().fits(request)
    assert not answer().fits((8).to_bytes(2) + query[2:])
    assert not answer(flags="AA").fits(request)
    assert not answer().fits((7).to_bytes(2) + requests.query(Key(WEB, AAAA))[2:])
    assert not answer().fits((7).to_bytes(2) + requests.notify(ZONE)[2:])


def test_a_ttl_with_the_highest_bit_is_none() -> None:
    wire = answer("web.vmsrv.test. 16909060 IN A 192.0.2.1").wire
    told = read_answer(wire.replace(bytes((1, 2, 3, 4)), bytes((0x80, 2, 3, 4))))
    found = told.rrset(Key(WEB, A))
    assert found is not None
    assert found.ttl == 0


@given(st.data())
def test_a_broken_message_raises_nothing_unexpected(data: st.DataObject) -> None:
    wire = bytearray(
        answer("web.vmsrv.test. 60 IN A 192.0.2.1", "web.vmsrv.test. 60 IN NS a.web.vmsrv.test.").wire
    )
    for _ in range(data.draw(st.integers(0, 4))):
        wire[data.draw(st.integers(0, len(wire) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(wire[: data.draw(st.integers(0, len(wire)))])
    try:
        told = read_answer(cut)
        told.rrset(Key(WEB, NS))
        told.refers_below(ZONE)
    except (BadAnswer, dns.exception.DNSException):
        pass


# ------------------------------------------------------------------------------------------- transfers


def soa(serial: int) -> str:
    return f"vmsrv.test. 60 IN SOA ns1.vmsrv.test. host.vmsrv.test. {serial} 2 3 4 5"


def take(transfer: Transfer, *messages: list[str]) -> Transfer:
    for records in messages:
        rrs = "\n".join(records)
        text = f"flags QR AA\n;QUESTION\nvmsrv.test. IN AXFR\n;ANSWER\n{rrs}\n"
        message = dns.message.from_text(text, one_rr_per_rrset=True)
        transfer.take(read_answer(message.to_wire()).answers())
    return transfer


def test_a_whole_zone_leaves_out_what_servers_make_themselves() -> None:
    transfer = take(
        Transfer(ZONE),
        [soa(9), "vmsrv.test. 60 IN NS ns1.vmsrv.test.", "web.vmsrv.test. 60 IN A 192.0.2.1"],
        [
            "web.vmsrv.test. 60 IN A 192.0.2.2",
            "web.vmsrv.test. 60 IN NSEC vmsrv.test. A",
            "vmsrv.test. 60 IN CDS 0 0 0 00",
            r"vmsrv.test. 60 IN TYPE65534 \# 1 00",
            "web.elsewhere.test. 60 IN A 192.0.2.66",
            "child.vmsrv.test. 60 IN DS 1 8 2 " + "00" * 32,
            soa(9),
        ],
    )
    assert transfer.done
    assert transfer.serial == 9
    assert sorted(map(str, transfer.rrsets)) == ["child.vmsrv.test DS", "vmsrv.test NS", "web.vmsrv.test A"]
    assert transfer.rrsets[Key(WEB, A)] == rrset(WEB, A, 60, ["192.0.2.1", "192.0.2.2"])


@pytest.mark.parametrize(
    "messages",
    [
        [["web.vmsrv.test. 60 IN A 192.0.2.1"]],
        [["web.vmsrv.test. 60 IN SOA a. b. 9 2 3 4 5"]],
        [[soa(9), "web.vmsrv.test. 60 IN A 192.0.2.1", soa(10)]],
        [[soa(9), soa(9), "web.vmsrv.test. 60 IN A 192.0.2.1"]],
    ],
)
def test_what_makes_no_transfer_is_refused(messages: list[list[str]]) -> None:
    with pytest.raises(BadAnswer):
        take(Transfer(ZONE), *messages)


def test_a_transfer_without_its_end_is_not_done() -> None:
    assert not take(Transfer(ZONE), [soa(9), "web.vmsrv.test. 60 IN A 192.0.2.1"]).done


BASE = {
    key.key: key
    for key in (rrset(WEB, A, 60, ["192.0.2.1", "192.0.2.2"]), rrset(ZONE, NS, 60, ["ns1.vmsrv.test."]))
}


@pytest.mark.parametrize(("server", "base"), [(9, 9), (8, 9), (4294967290, 5)])
def test_a_serial_that_is_not_newer_ends_the_transfer(server: int, base: int) -> None:
    transfer = take(Transfer(ZONE, (base, BASE)), [soa(server)])
    assert transfer.current
    assert transfer.serial == server


def test_steps_are_taken_one_after_another() -> None:
    transfer = take(
        Transfer(ZONE, (4294967295, BASE)),
        [soa(2)],  # RFC 1982: 2 is newer than 4294967295
        [soa(4294967295), "web.vmsrv.test. 60 IN A 192.0.2.1", soa(1), "new.vmsrv.test. 60 IN A 192.0.2.3"],
        [soa(1), "new.vmsrv.test. 60 IN A 192.0.2.3", "web.vmsrv.test. 60 IN A 192.0.2.2"],
        [soa(2), "web.vmsrv.test. 300 IN A 192.0.2.2", soa(2)],
    )
    assert transfer.done
    assert transfer.incremental
    assert transfer.exact
    assert transfer.changed == {
        Key(WEB, A): rrset(WEB, A, 300, ["192.0.2.2"]),
        Key(dns.name.from_text("new", ZONE), A): None,
    }


def test_a_server_may_tell_all_instead() -> None:
    transfer = take(Transfer(ZONE, (8, BASE)), [soa(9), "vmsrv.test. 60 IN NS ns1.vmsrv.test.", soa(9)])
    assert (transfer.done, transfer.incremental, transfer.current) == (True, False, False)
    assert difference(BASE, transfer.rrsets) == {Key(WEB, A): None}


def test_a_deletion_of_what_the_base_lacks_is_noticed() -> None:
    transfer = take(
        Transfer(ZONE, (8, {})), [soa(9), soa(8), "web.vmsrv.test. 60 IN A 192.0.2.1", soa(9), soa(9)]
    )
    assert transfer.done
    assert not transfer.exact


def test_a_step_must_start_where_the_last_ended() -> None:
    with pytest.raises(BadAnswer, match="leaves out a serial"):
        take(Transfer(ZONE, (7, BASE)), [soa(10), soa(7), soa(8), soa(9), soa(10), soa(10)])


def test_a_difference_names_what_is_new_other_and_gone() -> None:
    kept, old = rrset(ZONE, NS, 60, ["ns1.vmsrv.test."]), rrset(WEB, A, 60, ["192.0.2.1"])
    new, gone = rrset(WEB, A, 61, ["192.0.2.1"]), rrset(WEB, AAAA, 60, ["2001:db8::1"])

    def zone(*rrsets: RRset) -> dict[Key, RRset]:
        return {found.key: found for found in rrsets}

    assert difference(zone(kept, old, gone), zone(kept, new)) == {new.key: new, gone.key: None}


# ------------------------------------------------------------------------------------------ signatures


def signed_answer(request: bytes, mac: bytes, *, error: int = 0, other: bytes = b"") -> bytes:
    """What a server answers, signed by dnspython at the real time; only its error is of interest here."""
    query = dns.message.from_wire(request, keyring=False)
    reply = dns.message.Message(id=query.id)
    reply.flags = dns.flags.Flag(dns.flags.QR | dns.flags.AA)
    reply.question = query.question
    reply.use_tsig(KEY, tsig_error=error, other_data=other)
    reply.request_mac = mac
    return reply.to_wire()


def test_dnspython_accepts_our_signature() -> None:
    query = requests.update(ZONE, [])
    wire, mac = sign(query, KEY, time.time())
    message = dns.message.from_wire(wire, keyring=KEY)
    assert message.had_tsig
    assert message.mac == mac
    with pytest.raises(dns.tsig.BadSignature):
        dns.message.from_wire(wire[:3] + bytes((wire[3] ^ 1,)) + wire[4:], keyring=KEY)


def test_an_answer_is_checked_against_its_request_and_the_time() -> None:
    now = time.time()
    wire, mac = sign(requests.query(Key(WEB, A)), KEY, now)
    told = read_answer(signed_answer(wire, mac))
    Verifier(KEY, mac).check(told.wire, told.tsig, now, last=True)
    with pytest.raises(dns.tsig.BadSignature):
        Verifier(KEY, b"x" * 32).check(told.wire, told.tsig, now, last=True)
    with pytest.raises(dns.tsig.BadTime):
        Verifier(KEY, mac).check(told.wire, told.tsig, now + 301, last=True)
    with pytest.raises(dns.tsig.BadKey):
        Verifier(dns.tsig.Key("other", KEY.secret), mac).check(told.wire, told.tsig, now, last=True)


@pytest.mark.parametrize("ahead", [4000, -4000])
def test_a_refused_time_tells_the_server_s(ahead: int) -> None:
    wire, mac = sign(requests.query(Key(WEB, A)), KEY, NOW)
    other = (int(NOW) + ahead).to_bytes(6)
    told = read_answer(signed_answer(wire, mac, error=dns.rcode.BADTIME, other=other))
    with pytest.raises(WrongClock) as caught:
        Verifier(KEY, mac).check(told.wire, told.tsig, NOW, last=True)
    assert caught.value.ahead == ahead


def test_only_the_middle_of_a_transfer_may_be_unsigned() -> None:
    now = time.time()
    wire, mac = sign(requests.transfer_query(ZONE), KEY, now)
    first = read_answer(signed_answer(wire, mac))
    bare = answer()
    verifier = Verifier(KEY, mac)
    with pytest.raises(UnsignedAnswer):
        verifier.check(bare.wire, bare.tsig, now, last=False)
    verifier.check(first.wire, first.tsig, now, last=False)
    verifier.check(bare.wire, bare.tsig, now, last=False)
    with pytest.raises(UnsignedAnswer):
        verifier.check(bare.wire, bare.tsig, now, last=True)
