"""The faults that a fake name server has on command."""

import dns.name
import dns.update
import pytest
from dns.rdatatype import NS, A

from skulldns.errors import OutcomeUnknown, Refused, Unavailable
from skulldns.model.changes import Change
from skulldns.model.records import Key, RRset, rrset
from skulldns.targets.fake import FakeNameServer, FakeZone

ZONE = dns.name.from_text("vmsrv.test")
ONE, TWO = (dns.name.from_text(label, ZONE) for label in ("one", "two"))


@pytest.fixture
def zone() -> FakeZone:
    return FakeZone(ZONE, [rrset(ZONE, NS, 60, ["ns1.vmsrv.test."])])


def address(name: dns.name.Name) -> RRset:
    return rrset(name, A, 60, ["192.0.2.1"])


def add(name: dns.name.Name) -> Change:
    return Change(None, address(name), "zone file", "zone file", "a test wants it", alone=True)


def test_a_lost_answer_hides_a_change_that_was_made(zone: FakeZone) -> None:
    server = FakeNameServer(zone)
    server.lost_answers = 1
    with pytest.raises(OutcomeUnknown):
        server.update([add(ONE)])
    assert server.lookup([Key(ONE, A)]) == {Key(ONE, A): address(ONE)}
    server.update([add(TWO)])


def test_a_denied_name_takes_its_batch_along(zone: FakeZone) -> None:
    server = FakeNameServer(zone)
    server.refused = {TWO}
    with pytest.raises(Refused, match=r"deny an update of two\.vmsrv\.test"):
        server.update([add(ONE), add(TWO)])
    assert zone.serial == 1
    server.update([add(ONE)])


def test_a_failing_name_is_left_out_of_what_is_told(zone: FakeZone) -> None:
    server = FakeNameServer(zone)
    server.failing = {TWO}
    assert server.lookup([Key(ONE, A), Key(TWO, A)]) == {Key(ONE, A): None}
    with pytest.raises(Unavailable, match="SERVFAIL"):
        server.lookup([Key(TWO, A)])


def test_a_lagging_secondary_follows_when_it_is_told_to(zone: FakeZone) -> None:
    primary, secondary = FakeNameServer(zone), FakeNameServer(zone, secondary=True)
    secondary.lagging = True
    primary.update([add(ONE)])
    secondary.notify()
    assert secondary.serial() < primary.serial()
    secondary.transfer()
    assert secondary.read() == primary.read()


def test_a_secondary_ignores_a_serial_that_went_backwards(zone: FakeZone) -> None:
    zone.serial = 9
    secondary = FakeNameServer(zone, secondary=True)
    zone.serial = 5
    zone.put(address(ONE))
    secondary.notify()
    assert secondary.serial() == 9


def test_messages_are_counted(zone: FakeZone) -> None:
    server = FakeNameServer(zone)
    server.serial()
    server.lookup([Key(ONE, A), Key(TWO, A)])
    server.read_since(server.read())
    server.update([add(ONE)])
    server.notify()
    assert server.messages == {"query": 3, "transfer": 2, "update": 1, "notify": 1}


def test_the_last_apex_ns_stays(zone: FakeZone) -> None:
    message = dns.update.UpdateMessage(ZONE)
    message.delete(ZONE, *zone.rrsets[Key(ZONE, NS)].data)
    zone.apply(message)
    assert Key(ZONE, NS) in zone.rrsets
    assert zone.serial == 1
