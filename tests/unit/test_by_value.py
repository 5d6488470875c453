"""TXT values at ``_acme-challenge``: a zone file's stand beside those of other writers, each owned by value."""

import dns.message
import dns.name
import pytest
from dns.rdatatype import TXT, A

from skulldns.desired.zonefile import parse_zone
from skulldns.model.byvalue import concerning
from skulldns.model.changes import Change
from skulldns.model.namestate import NameState
from skulldns.model.observations import ZoneFile
from skulldns.model.records import RRset, rrset
from skulldns.model.zones import ZoneId
from skulldns.plan.cadence import FULL_LOOK_EVERY
from skulldns.targets.dnswire import requests
from tests.unit.loopworld import ZONE, LoopWorld

LABEL = "_acme-challenge.web"
NAME = dns.name.from_text(LABEL, ZONE)
_LOOK = FULL_LOOK_EVERY + 5
_MORE = 9
"""Other names of the file: one of ten may go without the guard's word."""


def _text(*values: str, ttl: int = 60) -> RRset:
    return rrset(NAME, TXT, ttl, values)


def _write(world: LoopWorld, *values: str, ttl: int = 60) -> None:
    record = f"{LABEL}: {{type: TXT, ttl: {ttl}, values: [{', '.join(values)}]}}\n" if values else ""
    text = record + "".join(f"a{number}: {{type: A, value: 192.0.2.1}}\n" for number in range(_MORE))
    world.engine.mailbox.put(ZoneFile(ZONE, parse_zone(text, ZONE, "zone.yaml", 60)))


def _world(*values: str) -> LoopWorld:
    world = LoopWorld()
    _write(world, *values)
    world.run(2)
    return world


def _there(world: LoopWorld) -> RRset | None:
    return world.zone.rrsets.get(_text("any").key)


def _published(world: LoopWorld) -> list[str]:
    return [
        value
        for entry in world.ledger.entries(ZoneId(ZONE))
        if entry.key == _text("any").key and entry.published
        for value in entry.published.values()
    ]


def test_values_of_others_beside_ours_are_neither_a_conflict_nor_changed() -> None:
    world = _world("ours")
    world.ns1.add(_text("theirs", ttl=10))
    world.ns1.messages.clear()
    world.run(3 * _LOOK)
    assert world.name(LABEL).state is NameState.SERVED
    found = _there(world)
    assert found is not None
    assert found.values() == ['"ours"', '"theirs"']
    assert world.ns1.messages["update"] == 0
    assert not world.follower.pending
    assert world.alarm_texts() == []


def test_the_file_adds_its_value_beside_another_writers() -> None:
    world = _world()
    world.ns1.add(_text("theirs", ttl=10))
    world.run(_LOOK)
    _write(world, "ours")
    world.run(5)
    assert world.name(LABEL).state is NameState.SERVED
    assert sorted(_published(world)) == ['"ours"']
    found = _there(world)
    assert found is not None
    assert found.values() == ['"ours"', '"theirs"']


def test_a_changed_value_takes_the_place_of_ours_only() -> None:
    world = _world("one", "kept")
    world.ns1.add(_text("theirs", ttl=10))
    world.run(_LOOK)
    _write(world, "two", "kept")
    world.run(5)
    assert world.name(LABEL).state is NameState.SERVED
    assert sorted(_published(world)) == ['"kept"', '"two"']
    found = _there(world)
    assert found is not None
    assert found.values() == ['"kept"', '"theirs"', '"two"']


@pytest.mark.parametrize("looked", [True, False])
def test_what_the_file_drops_is_taken_away_from_beside_the_others(looked: bool) -> None:  # noqa: FBT001 - a table
    """Also when the other value came after our last look: no prerequisite asks for ours alone."""
    world = _world("ours")
    world.ns1.add(_text("theirs", ttl=10))
    world.run(_LOOK if looked else 0)
    _write(world)
    world.run(_LOOK)
    found = _there(world)
    assert found is not None
    assert found.values() == ['"theirs"']
    assert _published(world) == []
    assert not world.follower.pending
    assert world.name(LABEL).state is NameState.FOREIGN
    assert world.publisher.conflicts == {}


def test_what_others_take_away_of_ours_comes_back_beside_theirs() -> None:
    world = _world("one", "two")
    world.ns1.add(_text("theirs"))
    world.ns1.remove(_text("one"))
    world.run(_LOOK)
    found = _there(world)
    assert found is not None
    assert found.values() == ['"one"', '"theirs"', '"two"']
    world.ns1.remove(_text("one", "two"))
    world.run(_LOOK)
    found = _there(world)
    assert found is not None
    assert found.values() == ['"one"', '"theirs"', '"two"']


def test_our_ttl_comes_back_when_the_others_are_gone() -> None:
    world = _world("ours")
    world.ns1.add(_text("theirs", ttl=10))
    world.run(_LOOK)
    assert _there(world) == _text("ours", "theirs", ttl=10)
    world.ns1.remove(_text("theirs"))
    world.run(_LOOK)
    assert _there(world) == _text("ours", ttl=60)
    assert world.name(LABEL).state is NameState.SERVED


def test_a_restart_finds_ours_beside_the_others() -> None:
    world = _world("ours")
    world.ns1.add(_text("theirs", ttl=10))
    world.begin()
    _write(world, "ours")
    world.run(5)
    assert world.name(LABEL).state is NameState.SERVED
    assert world.publisher.plan().changes == ()


def test_a_lost_answer_is_found_among_the_others() -> None:
    world = _world()
    world.ns1.add(_text("theirs", ttl=10))
    world.run(_LOOK)
    world.ns1.lost_answers = 1
    world.ns1.messages.clear()
    _write(world, "ours")
    world.run(10)
    assert world.name(LABEL).state is NameState.SERVED
    assert world.ns1.messages["update"] == 1
    assert _published(world) == ['"ours"']


def test_a_value_that_somebody_put_there_before_is_taken_over_by_a_person() -> None:
    world = _world()
    world.ns1.add(_text("same", "theirs"))
    world.run(_LOOK)
    _write(world, "same")
    world.run(5)
    assert world.name(LABEL).state is NameState.FOREIGN
    assert f"skulldns zone adopt {LABEL}" in world.name(LABEL).reason
    [entry] = world.publisher.adopt(lambda _key: True)
    assert entry.published is not None
    assert entry.published.values() == ['"same"']
    world.run(5)
    assert world.name(LABEL).state is NameState.SERVED


def test_txt_at_other_names_is_owned_as_a_whole() -> None:
    world = LoopWorld()
    text = "info: {type: TXT, value: ours}\n"
    world.engine.mailbox.put(ZoneFile(ZONE, parse_zone(text, ZONE, "zone.yaml", 60)))
    world.run(2)
    world.ns1.add(rrset(dns.name.from_text("info", ZONE), TXT, 60, ["theirs"]))
    world.run(_LOOK)
    assert world.name("info").state is NameState.FOREIGN


def test_an_update_by_value_expects_nothing() -> None:
    change = Change(_text("one", "kept"), _text("two", "kept"), "zone file", "zone file", "a test wants it")
    message = dns.message.from_wire(requests.update(ZONE, [change]))
    prerequisites, updates = message.sections[1:3]
    assert prerequisites == []
    assert [str(record) for record in updates] == [
        f'{NAME} 0 NONE TXT "one"',
        f'{NAME} 60 IN TXT "two"',
    ]


@pytest.mark.parametrize(
    ("served", "mine", "found"),
    [
        (None, _text("ours"), None),
        (_text("theirs"), _text("ours"), None),
        (_text("theirs"), None, None),
        (_text("ours", ttl=10), _text("ours"), _text("ours", ttl=10)),
        (_text("ours", "theirs", ttl=10), _text("ours"), _text("ours", ttl=60)),
        (rrset(NAME, A, 60, ["192.0.2.1"]), None, rrset(NAME, A, 60, ["192.0.2.1"])),
    ],
)
def test_what_concerns_a_writer(served: RRset | None, mine: RRset | None, found: RRset | None) -> None:
    assert concerning(served, mine) == found
