"""What `skulldns.targets.protocol.NameServer` promises, asked of the fake and of real servers of all makes alike."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from itertools import count

import dns.name
import pytest
from dns.name import Name
from dns.rdatatype import AAAA, CNAME, MX, NS, SOA, SRV, TXT, A, RdataType

from skulldns.errors import Conflict, Refused, Unavailable
from skulldns.lab import Lab
from skulldns.model.changes import Change
from skulldns.model.records import Key, RRset, rrset
from skulldns.targets.protocol import NameServer
from tests.contract.bind_stage import Bind
from tests.contract.nameserver_stages import BindStage, FakeStage, Stage
from tests.contract.pair_stage import PairStage, pair
from tests.support import require

_numbers = count()

Maker = Callable[..., RRset]


_PAIRS = ("knot-nsd", "powerdns-knot", "bind-powerdns", "bind-knot-signed", "knot-bind-signed")
"""Each make once as a primary and once as a secondary, and both that sign."""


@pytest.fixture(scope="module", params=["fake", "bind", *_PAIRS])
def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    if request.param == "fake":
        yield FakeStage()
    elif request.param == "bind":
        require("libvirtd", package="libvirt-daemon")
        require("named", package="bind9")
        with Lab.up(daemon=False) as lab:
            yield BindStage(lab)
    else:
        first, second, *signed = request.param.split("-")
        with pair(tmp_path_factory.mktemp("ns"), first, second, dnssec=bool(signed)) as found:
            yield found


@pytest.fixture
def server(stage: Stage) -> Iterator[NameServer]:
    server = stage.primary()
    yield server
    server.close()


@pytest.fixture
def secondary(stage: Stage) -> Iterator[NameServer]:
    secondary = stage.secondary()
    yield secondary
    secondary.close()


@pytest.fixture
def domain(stage: Stage) -> Name:
    """A name of the test's own, so that tests can share a zone; relative names stand below it."""
    return dns.name.from_text(f"t{next(_numbers)}", stage.zone)


def change(before: RRset | None, after: RRset | None, *, alone: bool = False) -> Change:
    return Change(before, after, "zone file", "zone file", "a test wants it", alone=alone)


def address(name: Name, *values: str, ttl: int = 60) -> RRset:
    return rrset(name, A, ttl, values or ["192.0.2.1"])


def make(server: NameServer, *changes: Change) -> int:
    """Make changes batch by batch, and return the number of batches."""
    batches = server.batches(changes)
    for batch in batches:
        server.update(batch)
    return len(batches)


def look(server: NameServer, name: Name, rdtype: RdataType = A) -> RRset | None:
    return server.lookup([Key(name, rdtype)])[Key(name, rdtype)]


# ------------------------------------------------------------------------------------- data by value


def text(name: Name, *values: str, ttl: int = 10) -> RRset:
    return rrset(name, TXT, ttl, [f'"{value}"' for value in values])


def test_data_are_added_beside_what_is_there(server: NameServer, domain: Name) -> None:
    server.add(text(domain, "one"))
    server.add(text(domain, "two"))
    server.add(text(domain, "two"))
    assert look(server, domain, TXT) == text(domain, "one", "two")


def test_data_are_removed_from_beside_others(server: NameServer, domain: Name) -> None:
    server.add(text(domain, "one", "two", ttl=60))
    server.remove(text(domain, "one"))
    assert look(server, domain, TXT) == text(domain, "two", ttl=60)
    server.remove(text(domain, "one"))
    server.remove(text(domain, "two"))
    assert look(server, domain, TXT) is None


def test_changes_of_what_several_writers_fill_leave_the_others_values(
    server: NameServer, domain: Name
) -> None:
    name = dns.name.from_text("_acme-challenge", domain)
    server.add(text(name, "theirs"))
    make(server, change(None, text(name, "one", "kept")))
    assert look(server, name, TXT) == text(name, "one", "kept", "theirs")
    make(server, change(text(name, "one", "kept"), text(name, "two", "kept")))
    assert look(server, name, TXT) == text(name, "two", "kept", "theirs")
    make(server, change(text(name, "two", "kept"), None))
    assert look(server, name, TXT) == text(name, "theirs")


def test_a_ttl_of_what_several_writers_fill_is_changed(server: NameServer, domain: Name) -> None:
    name = dns.name.from_text("_acme-challenge", domain)
    server.add(text(name, "one", "two"))
    make(server, change(text(name, "one", "two"), text(name, "one", "two", ttl=60)))
    assert look(server, name, TXT) == text(name, "one", "two", ttl=60)


def test_data_outside_the_zone_are_refused(server: NameServer) -> None:
    elsewhere = text(dns.name.from_text("elsewhere.example."), "one")
    for change_values in (server.add, server.remove):
        with pytest.raises(Refused, match=r"elsewhere\.example"):
            change_values(elsewhere)


def test_a_frozen_zone_takes_no_data(stage: Stage, server: NameServer, domain: Name) -> None:
    stage.freeze()
    try:
        with pytest.raises(Unavailable):
            server.add(text(domain, "one"))
    finally:
        stage.thaw()


# --------------------------------------------------------------------------------- what an update does


def test_an_added_rrset_is_answered_and_transferred(server: NameServer, domain: Name) -> None:
    new = address(domain, "192.0.2.1", "192.0.2.2")
    make(server, change(None, new, alone=True))
    assert look(server, domain) == new
    assert server.read().rrsets[new.key] == new


def test_a_replaced_rrset_keeps_nothing_of_the_old(server: NameServer, domain: Name) -> None:
    old, new = address(domain, "192.0.2.1", "192.0.2.2"), address(domain, "192.0.2.2", "192.0.2.3")
    make(server, change(None, old))
    make(server, change(old, new))
    assert look(server, domain) == new


@pytest.mark.parametrize("values", [["192.0.2.1"], ["192.0.2.1", "192.0.2.2", "192.0.2.3"]])
def test_a_ttl_alone_can_change(server: NameServer, domain: Name, values: Sequence[str]) -> None:
    old, new = address(domain, *values), address(domain, *values, ttl=300)
    make(server, change(None, old))
    make(server, change(old, new))
    assert look(server, domain) == new
    assert server.read().rrsets[new.key] == new


def test_ttl_and_data_can_change_at_once(server: NameServer, domain: Name) -> None:
    old, new = address(domain, "192.0.2.1", "192.0.2.2", ttl=300), address(domain, "192.0.2.2", "192.0.2.3")
    make(server, change(None, old))
    make(server, change(old, new))
    assert server.read().rrsets[new.key] == new


def test_a_deleted_rrset_leaves_its_neighbours(server: NameServer, domain: Name) -> None:
    gone, stays = address(domain), rrset(domain, TXT, 60, ["stays"])
    make(server, change(None, gone), change(None, stays))
    make(server, change(gone, None))
    assert server.lookup([gone.key, stays.key]) == {gone.key: None, stays.key: stays}


def test_a_cname_becomes_an_address_and_back_in_one_batch(
    stage: Stage, server: NameServer, domain: Name
) -> None:
    alias, own = rrset(domain, CNAME, 60, ["elsewhere.test."]), address(domain)
    make(server, change(None, alias, alone=True))
    assert make(server, change(None, own, alone=True), change(alias, None)) == 1
    assert server.lookup([alias.key, own.key]) == {alias.key: None, own.key: own}
    assert make(server, change(None, alias), change(own, None)) == 1
    if stage.drops_cname:
        assert server.lookup([alias.key, own.key]) == {alias.key: None, own.key: None}
        make(server, change(None, alias))
    assert server.lookup([alias.key, own.key]) == {alias.key: alias, own.key: None}


def test_the_only_apex_ns_can_be_replaced(stage: Stage, server: NameServer) -> None:
    before = look(server, stage.zone, NS)
    assert before is not None
    one = rrset(stage.zone, NS, 60, ["ns8.elsewhere.test."])
    other = rrset(stage.zone, NS, 60, ["ns9.elsewhere.test."])
    for old, new in [(before, one), (one, other), (other, before)]:
        make(server, change(old, new))
        assert look(server, stage.zone, NS) == new


def test_the_apex_ns_change_with_their_ttl(server: NameServer, stage: Stage) -> None:
    before = look(server, stage.zone, NS)
    assert before is not None
    two = rrset(stage.zone, NS, 300, ["ns8.elsewhere.test.", "ns9.elsewhere.test."])
    one = rrset(stage.zone, NS, 120, ["ns7.elsewhere.test.", "ns8.elsewhere.test."])
    for old, new in [(before, two), (two, one), (one, before)]:
        make(server, change(old, new))
        assert look(server, stage.zone, NS) == new


@pytest.mark.parametrize(
    ("label", "rdtype", "values"),
    [
        (
            "text",
            TXT,
            [r'"a \"quoted\" word"', r'"back\\slash; semicolon"', '"' + "x" * 200 + '" "' + "y" * 100 + '"'],
        ),
        ("text", TXT, [r'"\000\255\010"']),
        ("*", A, ["192.0.2.9"]),
        ("_xmpp._tcp", SRV, ["5 0 5222 chat.vmsrv.test."]),
        ("mail", MX, ["10 a.elsewhere.test.", "20 b.elsewhere.test."]),
        ("UPPER", AAAA, ["2001:db8::1"]),
        (r"dot\.in\032label", TXT, ["odd"]),
    ],
)
def test_odd_names_and_data_come_back_as_they_went(
    server: NameServer, domain: Name, label: str, rdtype: RdataType, values: Sequence[str]
) -> None:
    new = rrset(dns.name.from_text(label, domain), rdtype, 60, values)
    make(server, change(None, new, alone=True))
    assert look(server, new.name, rdtype) == new
    assert server.read().rrsets[new.key] == new
    make(server, change(new, None))
    assert look(server, new.name, rdtype) is None


def test_no_changes_are_no_batches(server: NameServer) -> None:
    assert make(server) == 0


# ------------------------------------------------------------------------------------ what it must find


@pytest.mark.parametrize("alone", [True, False])
def test_an_add_finds_the_rrset_there(stage: Stage, server: NameServer, domain: Name, alone: bool) -> None:  # noqa: FBT001
    foreign = address(domain, "192.0.2.99")
    stage.put(foreign)
    with pytest.raises(Conflict):
        make(server, change(None, address(domain), alone=alone))
    assert look(server, domain) == foreign


def test_an_add_alone_finds_the_name_in_use(stage: Stage, server: NameServer, domain: Name) -> None:
    stage.put(rrset(domain, TXT, 60, ["foreign"]))
    with pytest.raises(Conflict):
        make(server, change(None, address(domain), alone=True))
    make(server, change(None, address(domain)))
    assert look(server, domain) == address(domain)


def test_several_adds_share_a_name_that_is_free(server: NameServer, domain: Name) -> None:
    four, six = address(domain), rrset(domain, AAAA, 60, ["2001:db8::1"])
    assert make(server, change(None, four, alone=True), change(None, six, alone=True)) == 1
    assert server.lookup([four.key, six.key]) == {four.key: four, six.key: six}


def test_a_replacement_finds_other_data(stage: Stage, server: NameServer, domain: Name) -> None:
    foreign = address(domain, "192.0.2.1", "192.0.2.99")
    stage.put(foreign)
    with pytest.raises(Conflict):
        make(server, change(address(domain, "192.0.2.1"), address(domain, "192.0.2.2")))
    assert look(server, domain) == foreign


def test_a_deletion_finds_what_somebody_added(stage: Stage, server: NameServer, domain: Name) -> None:
    foreign = address(domain, "192.0.2.1", "192.0.2.99")
    stage.put(foreign)
    with pytest.raises(Conflict):
        make(server, change(address(domain, "192.0.2.1"), None))
    assert look(server, domain) == foreign


def test_a_deletion_finds_nothing(server: NameServer, domain: Name) -> None:
    with pytest.raises(Conflict):
        make(server, change(address(domain), None))


def test_another_ttl_is_no_conflict(stage: Stage, server: NameServer, domain: Name) -> None:
    stage.put(address(domain, ttl=7200))
    make(server, change(address(domain), None))
    assert look(server, domain) is None


def test_a_batch_is_made_as_a_whole_or_not_at_all(stage: Stage, server: NameServer, domain: Name) -> None:
    free, taken = dns.name.from_text("free", domain), dns.name.from_text("taken", domain)
    stage.put(address(taken, "192.0.2.99"))
    with pytest.raises(Conflict):
        make(server, change(None, address(free)), change(None, address(taken)))
    assert look(server, free) is None


def test_an_address_beside_a_cname_is_never_made(stage: Stage, server: NameServer, domain: Name) -> None:
    alias = rrset(domain, CNAME, 60, ["elsewhere.test."])
    stage.put(alias)
    with contextlib.suppress(Refused):  # PowerDNS; the others ignore it without a word
        make(server, change(None, address(domain)))
    assert look(server, domain) is None
    assert look(server, domain, CNAME) == alias


def test_a_type_without_a_name_is_made_or_refused(stage: Stage, server: NameServer, domain: Name) -> None:
    odd = rrset(domain, RdataType.make(65280), 60, [r"\# 4 0a000001"])
    if stage.knows_types:
        make(server, change(None, odd))
        assert look(server, domain, odd.type) == odd
        assert server.read().rrsets[odd.key] == odd
    else:
        with pytest.raises(Refused, match="ask for a type that it knows"):
            make(server, change(None, odd))


def test_more_records_than_some_allow_at_one_name_are_made_or_refused(
    stage: Stage, server: NameServer, domain: Name
) -> None:
    if isinstance(stage, PairStage) and isinstance(stage.second, Bind) and not isinstance(stage.first, Bind):
        pytest.skip("a secondary by BIND would not follow a primary with so many any more")
    many = rrset(domain, A, 60, [f"127.8.0.{number}" for number in range(120)])
    beside = address(dns.name.from_text("beside", domain))
    try:
        make(server, change(None, many), change(None, beside))
    except Refused:  # BIND since 9.18.28: 100 by default
        with pytest.raises(Refused, match="max-records-per-type"):
            make(server, change(None, many))
        make(server, change(None, beside))
        assert look(server, domain) is None
    else:
        assert look(server, domain) == many
    assert look(server, beside.name) == beside


def test_very_many_records_at_one_name_keep_no_other_name_waiting(
    stage: Stage, server: NameServer, domain: Name
) -> None:
    if isinstance(stage, PairStage) and isinstance(stage.second, Bind) and not isinstance(stage.first, Bind):
        pytest.skip("a secondary by BIND would not follow a primary with so many any more")
    many = rrset(domain, A, 60, [f"127.8.{number // 250}.{number % 250}" for number in range(250)])
    beside = address(dns.name.from_text("beside", domain))
    first, second = server.batches([change(None, many), change(None, beside)])
    server.update(first)
    assert look(server, beside.name) == beside
    try:
        server.update(second)
    except Refused:  # BIND
        assert look(server, domain) is None
    else:
        assert look(server, domain) == many
        server.update([change(many, None)])
        assert look(server, domain) is None


# --------------------------------------------------------------------------------------------- batches


def test_more_than_one_message_holds_is_cut_between_names(server: NameServer, domain: Name) -> None:
    names = [dns.name.from_text(f"n{number}", domain) for number in range(300)]
    changes = [
        change(None, new)
        for name in names
        for new in (rrset(name, TXT, 60, ["x" * 250, "y" * 250]), address(name))
    ]
    batches = server.batches(changes)
    assert len(batches) > 2
    homes = [{entry.name for entry in batch} for batch in batches]
    assert sum(map(len, homes)) == len(names)  # no name stands in two
    make(server, *changes)
    wanted = {entry.key: entry.after for entry in changes}
    assert server.lookup(wanted) == wanted
    make(server, *[change(entry.after, None) for entry in changes])
    assert set(server.lookup(wanted).values()) == {None}


def test_deletions_come_in_the_first_batch(server: NameServer, domain: Name) -> None:
    big = [
        change(None, rrset(dns.name.from_text(f"n{number}", domain), TXT, 60, ["x" * 255] * 1 + ["y" * 255]))
        for number in range(200)
    ]
    gone = change(address(domain), None)
    assert gone in server.batches([*big, gone])[0]


def test_what_cannot_be_sent_stops_nothing_else(stage: Stage, server: NameServer, domain: Name) -> None:
    huge = change(None, rrset(domain, TXT, 60, [f'"{number}{"x" * 250}"' for number in range(260)]))
    outside = change(None, address(dns.name.from_text("www.elsewhere.test.")))
    soa = change(None, rrset(stage.zone, SOA, 60, ["ns1.test. h.test. 1 2 3 4 5"]))
    good = change(None, address(dns.name.from_text("good", domain)))
    first, *others = server.batches([huge, outside, soa, good])
    server.update(first)
    assert look(server, good.name) == good.after
    assert len(others) == 3
    for batch in others:
        with pytest.raises(Refused):
            server.update(batch)


# ---------------------------------------------------------------------------------------- what is read


def test_serial_moves_with_each_change_only(server: NameServer, domain: Name) -> None:
    before = server.serial()
    assert server.serial() == before
    make(server, change(None, address(domain)))
    assert server.serial() > before
    assert server.read().serial == server.serial()


def test_a_zone_has_neither_its_soa_nor_strangers(stage: Stage, server: NameServer) -> None:
    image = server.read()
    assert Key(stage.zone, SOA) not in image.rrsets
    assert all(found.key == key for key, found in image.rrsets.items())
    assert all(key.name.is_subdomain(stage.zone) for key in image.rrsets)


def test_an_unchanged_zone_has_no_delta(server: NameServer) -> None:
    image = server.read()
    delta = server.read_since(image)
    assert (delta.serial, dict(delta.rrsets)) == (image.serial, {})


def test_a_delta_tells_what_others_did(stage: Stage, server: NameServer, domain: Name) -> None:
    names = [dns.name.from_text(label, domain) for label in ("kept", "grown", "gone", "new", "twice")]
    kept, grown, gone, new, twice = names
    for name in (kept, grown, gone):
        stage.put(address(name))
    base = server.read()
    stage.put(address(grown, "192.0.2.1", "192.0.2.2", ttl=300))
    stage.drop(Key(gone, A))
    stage.put(address(new))
    stage.put(address(twice))
    stage.drop(Key(twice, A))
    delta = server.read_since(base)
    assert delta.serial == server.serial()
    told = dict(delta.rrsets)
    assert told.pop(Key(twice, A), None) is None
    assert told == {
        Key(grown, A): address(grown, "192.0.2.1", "192.0.2.2", ttl=300),
        Key(gone, A): None,
        Key(new, A): address(new),
    }


def test_a_base_that_never_was_is_mended(stage: Stage, server: NameServer, domain: Name) -> None:
    stage.put(address(domain))
    # BIND tells in full what is shorter so, and a small zone is.
    stage.put(address(dns.name.from_text("many", domain), *[f"192.0.2.{number}" for number in range(80)]))
    image = server.read()
    ghost = address(dns.name.from_text("ghost", domain))
    wrong = {key: found for key, found in image.rrsets.items() if key != Key(domain, A)}
    stage.drop(Key(domain, A))
    delta = server.read_since(type(image)(image.serial, {**wrong, ghost.key: ghost}))
    assert delta.rrsets == {ghost.key: None}


def test_a_serial_that_went_backwards_is_read_in_full(stage: Stage, server: NameServer, domain: Name) -> None:
    numbers = count(1)
    for _ in range(10):
        stage.put(address(domain, f"192.0.2.{next(numbers)}"))
    base = server.read()
    stage.rewind(base.serial - 8)  # a server that signs counts on by itself
    extra = address(dns.name.from_text("extra", domain))
    stage.put(extra)
    delta = server.read_since(base)
    assert delta.serial == server.serial() < base.serial
    assert delta.rrsets == {extra.key: extra}
    while server.serial() <= base.serial:  # so that the secondary follows again
        stage.put(address(domain, f"192.0.2.{next(numbers)}"))


def test_lookup_tells_what_is_not_there(stage: Stage, server: NameServer, domain: Name) -> None:
    stage.put(rrset(domain, CNAME, 60, ["ns1.vmsrv.test."]))
    keys = [
        Key(domain, A),  # a CNAME stands there
        Key(domain, CNAME),
        Key(dns.name.from_text("no", domain), A),  # no such name
        Key(stage.zone, AAAA),  # no such data
    ]
    found = server.lookup(keys)
    assert list(found) == keys
    assert [found[key] is None for key in keys] == [True, False, True, True]


def test_a_wildcard_answers_for_names_below_it(stage: Stage, server: NameServer, domain: Name) -> None:
    stage.put(address(dns.name.from_text("*", domain)))
    stage.put(rrset(dns.name.from_text("text", domain), TXT, 60, ["is"]))
    covered, own = dns.name.from_text("any", domain), dns.name.from_text("text", domain)
    assert look(server, covered) == address(covered)
    assert look(server, own) is None


def test_many_keys_are_answered_in_one_call(stage: Stage, server: NameServer, domain: Name) -> None:
    stage.put(address(dns.name.from_text("*", domain)))
    keys = [Key(dns.name.from_text(f"n{number}", domain), A) for number in range(730)]
    found = server.lookup([*keys, keys[0]])
    assert list(found) == keys
    assert all(found[key] == address(key.name) for key in keys)


def test_no_keys_are_no_question(server: NameServer) -> None:
    assert server.lookup([]) == {}


# ------------------------------------------------------------------------------ secondaries and faults


def test_a_secondary_follows_a_notify(
    stage: Stage, server: NameServer, secondary: NameServer, domain: Name
) -> None:
    make(server, change(None, address(domain)))
    secondary.notify(server.serial())
    stage.until_followed()
    secondary.notify()
    assert look(secondary, domain) == address(domain)
    assert secondary.read() == server.read()


def test_a_secondary_takes_no_updates(secondary: NameServer, domain: Name) -> None:
    with pytest.raises(Unavailable, match="a secondary"):
        make(secondary, change(None, address(domain)))


def test_a_twin_is_another_way_to_the_same_server(server: NameServer, domain: Name) -> None:
    twin = server.twin()
    make(twin, change(None, address(domain)))
    twin.close()
    assert twin.where == server.where
    assert look(server, domain) == address(domain)


def test_a_frozen_zone_is_unavailable_until_it_is_thawed(
    stage: Stage, server: NameServer, domain: Name
) -> None:
    stage.freeze()
    with pytest.raises(Unavailable, match=r"frozen.*`rndc thaw vmsrv\.test`"):
        make(server, change(None, address(domain)))
    stage.thaw()
    make(server, change(None, address(domain)))
    assert look(server, domain) == address(domain)


def test_a_server_that_is_down_is_unavailable_and_comes_back(
    stage: Stage, server: NameServer, domain: Name
) -> None:
    base = server.read()
    new = change(None, address(domain))
    stage.stop()
    try:
        asks: list[Callable[[], object]] = [
            server.serial,
            server.read,
            lambda: server.read_since(base),
            lambda: server.lookup([Key(domain, A)]),
            lambda: server.update([new]),
            server.notify,
        ]
        for ask in asks:
            with pytest.raises(Unavailable, match="nothing listens"):
                ask()
    finally:
        stage.start()
    server.update([new])
    assert look(server, domain) == new.after
