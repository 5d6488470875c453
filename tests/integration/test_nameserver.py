"""`DnsServer` against real `named`: what no fake can show, and what breaks between the two."""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import count

import dns.name
import dns.tsig
import pytest
from dns.name import Name
from dns.rdatatype import NS, A

from skulldns.errors import OutcomeUnknown, Refused, SkullDNSError, Unavailable
from skulldns.lab import Lab, Tsig
from skulldns.model.changes import Change
from skulldns.model.records import Key, RRset, rrset
from skulldns.targets.dnswire import requests
from skulldns.targets.nameserver import DnsServer
from tests.integration.relay import Mode, Relay

_numbers = count()


@pytest.fixture
def zone(servers: Lab) -> Name:
    return dns.name.from_text(servers.info.zone)


@pytest.fixture
def key(servers: Lab) -> dns.tsig.Key:
    return _key(servers.info.tsig)


@pytest.fixture
def ns1(servers: Lab, zone: Name, key: dns.tsig.Key) -> Iterator[DnsServer]:
    server = DnsServer(zone, servers.info.ns1.address, servers.info.ns1.port, key)
    yield server
    server.close()


@pytest.fixture
def new(zone: Name) -> Change:
    """A change of the test's own."""
    return _add(dns.name.from_text(f"t{next(_numbers)}", zone))


@pytest.fixture
def relay(servers: Lab) -> Iterator[Relay]:
    with Relay((servers.info.ns1.address, servers.info.ns1.port)) as relay:
        yield relay


@pytest.fixture
def relayed(relay: Relay, zone: Name, key: dns.tsig.Key) -> Iterator[DnsServer]:
    server = DnsServer(zone, relay.host, relay.port, key)
    yield server
    server.close()


def _key(tsig: Tsig) -> dns.tsig.Key:
    return dns.tsig.Key(tsig.name, tsig.secret, tsig.algorithm)


def _rndc_key(lab: Lab) -> dns.tsig.Key:
    """A key that ns1 knows and that has no right in the zone."""
    text = lab.info.ns1.rndc_conf.read_text(encoding="utf-8")
    found = re.search(r'key "?([\w.-]+)"? \{.*?secret "([^"]+)"', text, re.DOTALL)
    assert found, text
    return dns.tsig.Key(found[1], found[2])


def _add(name: Name) -> Change:
    return Change(
        None, rrset(name, A, 60, ["192.0.2.1"]), "zone file", "zone file", "a test wants it", alone=True
    )


def test_a_message_is_made_while_the_server_works_on_the_one_before(
    ns1: DnsServer, zone: Name, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled, compile_one = list[Sequence[Change]](), requests.update

    def counted(zone: Name, batch: Sequence[Change]) -> bytes:
        compiled.append(batch)
        return compile_one(zone, batch)

    monkeypatch.setattr(requests, "update", counted)
    first, second, third = ([_add(dns.name.from_text(f"t{next(_numbers)}", zone))] for _ in range(3))
    outside = [_add(dns.name.from_text("elsewhere.test"))]
    ns1.update(first, second)
    assert compiled == [first, second]
    ns1.update(second, third)
    ns1.update(first_again := [Change(first[0].after, None, "zone file", "zone file", "gone")], outside)
    assert compiled == [first, second, third, first_again, outside]
    with pytest.raises(Refused, match="elsewhere"):
        ns1.update(outside)
    ns1.update(third)
    found = ns1.lookup([change.key for change in (*first, *second, *third)])
    assert list(found.values()) == [None, second[0].after, third[0].after]


def _look(server: DnsServer, change: Change) -> RRset | None:
    return server.lookup([change.key])[change.key]


def _asks(server: DnsServer, change: Change) -> dict[str, Callable[[], object]]:
    return {
        "serial": server.serial,
        "read": server.read,
        "lookup": lambda: server.lookup([change.key]),
        "update": lambda: server.update([change]),
    }


def _errors(server: DnsServer, change: Change) -> dict[str, SkullDNSError]:
    errors = {}
    for name, ask in _asks(server, change).items():
        with pytest.raises(SkullDNSError) as caught:
            ask()
        errors[name] = caught.value
    server.close()
    return errors


# -------------------------------------------------------------------------------------- keys and clocks


def test_faults_of_the_key_have_sentences_of_their_own(
    servers: Lab, zone: Name, key: dns.tsig.Key, ns1: DnsServer, new: Change
) -> None:
    unknown = dns.tsig.Key("stranger", key.secret)
    other_secret = dns.tsig.Key(key.name, b"x" * 32)
    other_algorithm = dns.tsig.Key(key.name, key.secret, "hmac-sha512")
    sentences = [
        (unknown, "does not know the TSIG key stranger with hmac-sha256 (BADKEY)"),
        (other_secret, "its TSIG key skulldns has another secret than ours (BADSIG)"),
        (other_algorithm, "does not know the TSIG key skulldns with hmac-sha512 (BADKEY)"),
    ]
    for wrong, sentence in sentences:
        server = DnsServer(zone, servers.info.ns1.address, servers.info.ns1.port, wrong)
        for error in _errors(server, new).values():
            assert type(error) is Unavailable
            assert sentence in str(error)
    assert _look(ns1, new) is None


@pytest.mark.parametrize(("skew", "words"), [(-4000, "ahead of"), (4000, "behind")])
def test_a_skewed_clock_is_told_with_its_direction(
    servers: Lab, zone: Name, key: dns.tsig.Key, new: Change, skew: int, words: str
) -> None:
    info = servers.info.ns1
    server = DnsServer(zone, info.address, info.port, key, now=lambda: time.time() + skew)
    for error in _errors(server, new).values():
        assert type(error) is Unavailable
        assert re.search(rf"its clock is (3,999|4,00[01]) s {words} ours", str(error))


def test_a_key_without_rights_is_told_what_it_lacks(
    servers: Lab, zone: Name, ns1: DnsServer, new: Change
) -> None:
    info = servers.info.ns1
    server = DnsServer(zone, info.address, info.port, _rndc_key(servers))
    with pytest.raises(
        Refused, match=f"deny an update of {new.name.to_text(omit_final_dot=True)}; .*update-policy"
    ):
        server.update([new])
    with pytest.raises(Unavailable, match=r"refuses to transfer the zone vmsrv\.test; .*allow-transfer"):
        server.read()
    server.close()
    assert _look(ns1, new) is None


def test_a_zone_that_is_not_there_is_told(servers: Lab, key: dns.tsig.Key) -> None:
    info = servers.info.ns1
    zone = dns.name.from_text("nowhere.test")
    server = DnsServer(zone, info.address, info.port, key)
    errors = _errors(server, _add(dns.name.from_text("www", zone)))
    assert {type(error) for error in errors.values()} == {Unavailable}
    assert "is not the primary of the zone nowhere.test" in str(errors["update"])
    assert "refuses queries for the zone nowhere.test" in str(errors["serial"])
    assert "does not serve the zone nowhere.test" in str(errors["read"])


def test_without_a_key_queries_are_answered_and_updates_denied(
    servers: Lab, zone: Name, ns1: DnsServer, new: Change
) -> None:
    server = DnsServer(zone, servers.info.ns1.address, servers.info.ns1.port, None)
    assert server.serial() == ns1.serial()
    with pytest.raises(Refused):
        server.update([new])
    server.close()


def test_names_at_which_updates_fail_are_told_from_a_server_that_fails(
    zone: Name, ns1: DnsServer, new: Change
) -> None:
    many = rrset(dns.name.from_text("too-many", zone), A, 60, [f"192.0.2.{one}" for one in range(101)])
    failing = Change(
        None, many, "zone file", "zone file", "a test wants it"
    )  # SERVFAIL: max-records-per-type
    with pytest.raises(Refused, match="too-many"):
        ns1.update([failing])
    ns1.update([new])  # one that is made ends the row
    for _ in range(40):
        with pytest.raises(Refused, match="too-many"):
            ns1.update([failing])
    with pytest.raises(Unavailable, match="SERVFAIL"):
        ns1.update([failing])


# ------------------------------------------------------------------------------- connections that break


def test_an_ipv6_address_works(servers: Lab, zone: Name, key: dns.tsig.Key, new: Change) -> None:
    with Relay((servers.info.ns1.address, servers.info.ns1.port), "::1") as relay:
        server = DnsServer(zone, "::1", relay.port, key)
        assert server.where == f"[::1]:{relay.port}"
        server.update([new])
        assert _look(server, new) == new.after
        server.close()


def test_one_connection_serves_many_requests(relay: Relay, relayed: DnsServer, new: Change) -> None:
    relayed.serial()
    relayed.update([new])
    assert _look(relayed, new) == new.after
    assert relay.accepted == 1


def test_a_connection_closed_while_idle_is_opened_anew(relay: Relay, relayed: DnsServer, new: Change) -> None:
    for ask in (relayed.serial, lambda: relayed.update([new]), relayed.serial):
        ask()
        relay.hang_up()
    assert relay.accepted == 3
    assert _look(relayed, new) == new.after


def test_a_lost_answer_leaves_the_outcome_unknown(
    relay: Relay, relayed: DnsServer, ns1: DnsServer, new: Change
) -> None:
    relay.mode = Mode.LOSE_ANSWER
    with pytest.raises(OutcomeUnknown, match="an update was sent, but it closed the connection"):
        relayed.update([new])
    assert relay.relayed == 1  # never sent twice
    assert _look(ns1, new) == new.after
    relay.mode = Mode.PASS
    assert _look(relayed, new) == new.after


def test_a_lost_request_leaves_the_outcome_unknown_too(
    relay: Relay, relayed: DnsServer, ns1: DnsServer, new: Change
) -> None:
    relayed.serial()
    relay.mode = Mode.LOSE_REQUEST
    with pytest.raises(OutcomeUnknown):
        relayed.update([new])
    assert _look(ns1, new) is None


def test_a_query_is_asked_again_when_its_connection_breaks(relay: Relay, relayed: DnsServer) -> None:
    relayed.serial()
    relay.mode = Mode.LOSE_REQUEST
    with pytest.raises(Unavailable, match="closed the connection") as caught:
        relayed.serial()
    assert type(caught.value) is Unavailable
    assert relay.accepted == 2


def test_silence_ends_at_the_timeout(relay: Relay, zone: Name, key: dns.tsig.Key, new: Change) -> None:
    server = DnsServer(zone, relay.host, relay.port, key, timeout=0.2)
    relay.mode = Mode.HOLD
    errors = _errors(server, new)
    assert all("no answer within 0.2 s" in str(error) for error in errors.values())
    assert {name for name, error in errors.items() if isinstance(error, OutcomeUnknown)} == {"update"}


def test_a_server_has_longer_for_a_name_with_very_many_records(
    relay: Relay, zone: Name, key: dns.tsig.Key
) -> None:
    server = DnsServer(zone, relay.host, relay.port, key, timeout=0.1)
    relay.mode = Mode.HOLD
    many = rrset(dns.name.from_text("many", zone), A, 60, [f"192.0.2.{one}" for one in range(250)])
    with pytest.raises(OutcomeUnknown, match=r"no answer within 0\.225 s") as caught:
        server.update([Change(None, many, "zone file", "zone file", "a test wants it")])
    assert caught.value.retry_after == pytest.approx(0.125)  # it is still busy with it
    server.close()


def test_a_transfer_that_is_cut_off_fails(relay: Relay, relayed: DnsServer) -> None:
    relay.mode = Mode.LOSE_ANSWER
    with pytest.raises(Unavailable, match="closed the connection"):
        relayed.read()


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        (Mode.STRIP_TSIG, "its answer is not signed although"),
        (Mode.FLIP, "its answer is not signed with our TSIG key"),
    ],
)
def test_a_spoiled_answer_is_not_believed(
    relay: Relay, relayed: DnsServer, new: Change, mode: Mode, words: str
) -> None:
    relay.mode = mode
    errors = _errors(relayed, new)
    assert all(words in str(error) or "malformed" in str(error) for error in errors.values())
    assert words in str(errors["update"])
    assert {name for name, error in errors.items() if isinstance(error, OutcomeUnknown)} == {"update"}


# --------------------------------------------------------------------------------------------- answers


def test_a_delegation_is_seen_from_above(ns1: DnsServer, new: Change) -> None:
    child = rrset(new.name, NS, 60, ["ns.elsewhere.test.", f"in.{new.name}"])
    glue = rrset(dns.name.from_text("in", new.name), A, 60, ["192.0.2.5"])
    below = Key(dns.name.from_text("www", new.name), A)
    ns1.update([Change(None, found, "zone file", "zone file", "a test wants it") for found in (child, glue)])
    assert ns1.lookup([child.key, glue.key, below]) == {child.key: child, glue.key: glue, below: None}


def test_notify_needs_somebody_there(servers: Lab, zone: Name, key: dns.tsig.Key, ns1: DnsServer) -> None:
    info = servers.info.ns2
    secondary = DnsServer(zone, info.address, info.port, key)
    secondary.notify(ns1.serial())
    secondary.notify()
    stranger = DnsServer(zone, info.address, info.port, dns.tsig.Key("stranger", key.secret))
    with pytest.raises(Unavailable, match="BADKEY"):
        stranger.notify()
    other = DnsServer(dns.name.from_text("elsewhere.test"), info.address, info.port, key)
    with pytest.raises(Unavailable, match=r"does not serve the zone elsewhere\.test"):
        other.notify()
