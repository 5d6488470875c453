"""Machines of the config as a source, with what `skulldns.sources.protocol.Source` promises where it applies."""

from ipaddress import ip_address

import pytest

from skulldns.errors import Unavailable
from skulldns.model.guests import (
    Address,
    Guest,
    GuestId,
    GuestOptions,
    GuestState,
    Interface,
    Origin,
    SourceName,
)
from skulldns.sources.protocol import Source
from skulldns.sources.static import Machine, StaticSource

_NAME = SourceName("static vmsrv.test")
_V4, _V6 = ip_address("192.0.2.9"), ip_address("2001:db8::9")


def _source() -> Source:
    return StaticSource(
        _NAME,
        {
            "printer": Machine((_V4, _V6, _V4), GuestOptions(owner="alice", port=631, names=("print",))),
            "Door_1": Machine((ip_address("192.0.2.10"),)),
        },
    )


def test_a_machine_runs_at_its_addresses() -> None:
    printer, door = _source().guests()
    assert printer == Guest(
        GuestId("static:vmsrv.test/printer"),
        _NAME,
        "printer",
        GuestState.RUNNING,
        (Interface(None, None, (Address(_V4, Origin.STATIC), Address(_V6, Origin.STATIC))),),
        GuestOptions(owner="alice", port=631, names=("print",)),
    )
    assert (door.name, door.options) == ("Door_1", GuestOptions())


def test_a_look_at_one_machine_says_what_a_look_at_all_says() -> None:
    source = _source()
    assert [source.guest(guest.id) for guest in source.guests()] == list(source.guests())
    assert source.unreadable() == frozenset()


@pytest.mark.parametrize("identity", ["", "printer", "static:other.test/printer", "static:vmsrv.test/none"])
def test_an_unknown_machine_is_none(identity: str) -> None:
    assert _source().guest(GuestId(identity)) is None


def test_one_name_in_two_zones_is_two_machines() -> None:
    machines = {"printer": Machine((_V4,))}
    sources = [StaticSource(SourceName(f"static {zone}"), machines) for zone in ("one.test", "two.test")]
    assert len({guest.id for source in sources for guest in source.guests()}) == 2


def test_a_closed_source_is_unavailable() -> None:
    source = _source()
    source.close()
    source.close()
    with pytest.raises(Unavailable, match="closed"):
        source.guests()
    with pytest.raises(Unavailable, match="closed"):
        source.guest(GuestId("static:vmsrv.test/printer"))
