"""What `skulldns.sources.protocol.Source` promises, asked of the fake and of a real libvirtd alike."""

import threading
from collections.abc import Iterator, Sequence

import pytest

from skulldns.errors import Unavailable
from skulldns.lab import Lab
from skulldns.model.guests import Guest, GuestId, GuestState, Origin
from skulldns.sources.protocol import Source
from tests.contract.incus_stage import LxdStage, fake_incus
from tests.contract.lxc_stage import LxcStage
from tests.contract.source_stages import FakeStage, Hints, LibvirtStage, Stage
from tests.laboratory.laboratory import Laboratory
from tests.laboratory.lxd import Incus
from tests.laboratory.needs import require_laboratory
from tests.support import require

_UNKNOWN = GuestId("00000000-0000-4000-8000-000000000000")


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    require("libvirtd", package="libvirt-daemon")
    require("named", package="bind9")
    with Lab.up(daemon=False) as lab:
        yield lab


@pytest.fixture(scope="module")
def laboratory() -> Iterator[Laboratory]:
    require_laboratory()
    with Laboratory.up() as laboratory:
        yield laboratory


@pytest.fixture(params=["fake", "libvirt", "lxc", "incus", "lxd", "incusd"])
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    if request.param == "fake":
        yield FakeStage()
        return
    if request.param == "incus":
        with fake_incus() as api:
            yield api
        return
    if request.param == "incusd" and not Incus.is_here():
        pytest.skip("there is no incusd; Debian 12 has it in bookworm-backports (package incus-base)")
    if request.param in {"lxd", "incusd"}:
        laboratory = request.getfixturevalue("laboratory")
        lxd = LxdStage(laboratory.lxd if request.param == "lxd" else laboratory.incus)
        lxd.clear()
        yield lxd
        return
    if request.param == "lxc":
        containers = LxcStage(request.getfixturevalue("laboratory"))
        containers.clear()
        yield containers
        return
    stage = LibvirtStage(request.getfixturevalue("lab"))
    stage.clear()
    yield stage
    stage.leave()


@pytest.fixture
def hints(stage: Stage) -> Hints:
    return Hints(stage.heard_as)


@pytest.fixture
def source(stage: Stage, hints: Hints) -> Iterator[Source]:
    """A source that is watched and connected."""
    source = stage.source()
    source.watch(hints)
    source.guests()
    yield source
    source.close()


def guests_once_back(source: Source) -> Sequence[Guest]:
    """Look until the source answers, each time after the pause that it asks for."""
    for _ in range(40):
        try:
            return source.guests()
        except Unavailable as error:
            threading.Event().wait(error.retry_after or 0)
    pytest.fail("the source did not come back")


def test_without_guests_the_answer_is_empty(source: Source) -> None:
    assert list(source.guests()) == []
    assert source.unreadable() == frozenset()


def test_a_stopped_guest_is_reported(stage: Stage, source: Source) -> None:
    identity = stage.define("web")
    [guest] = source.guests()
    assert (guest.id, guest.source, guest.name) == (identity, source.name, "web")
    assert guest.state is GuestState.STOPPED
    assert guest.addresses == ()


def test_a_running_guest_has_its_leased_address(stage: Stage, source: Source) -> None:
    identity = stage.define("web")
    stage.start(identity)
    [guest] = source.guests()
    assert guest.state is GuestState.RUNNING
    [address] = guest.addresses
    assert address.origin is Origin.LEASE
    [interface] = guest.interfaces
    assert interface.network == stage.network
    assert interface.mac
    assert interface.mac == interface.mac.lower()


def test_a_look_at_one_guest_says_what_a_look_at_all_says(stage: Stage, source: Source) -> None:
    identities = [stage.define(f"g{number}", owner="alice") for number in range(3)]
    stage.start(identities[1])
    assert [source.guest(guest.id) for guest in source.guests()] == list(source.guests())
    assert {guest.id for guest in source.guests()} == set(identities)


def test_a_stopped_guest_loses_its_addresses(stage: Stage, source: Source) -> None:
    identity = stage.define("web")
    stage.start(identity)
    stage.stop(identity)
    guest = source.guest(identity)
    assert guest is not None
    assert (guest.state, guest.addresses) == (GuestState.STOPPED, ())


@pytest.mark.parametrize(
    "identity", [_UNKNOWN, "lxc:/var/lib/lxc/web", "", "../x", _UNKNOWN.replace("-", "")]
)
def test_an_unknown_guest_is_none(source: Source, identity: str) -> None:
    assert source.guest(GuestId(identity)) is None


def test_an_undefined_guest_is_gone(stage: Stage, source: Source) -> None:
    identity = stage.define("web")
    assert source.guest(identity) is not None
    stage.undefine(identity)
    assert source.guest(identity) is None
    assert list(source.guests()) == []


def test_every_event_of_a_guest_wakes_for_that_guest(stage: Stage, source: Source, hints: Hints) -> None:
    identity = stage.define("web")
    assert hints.until_guest(identity).source == source.name
    stage.start(identity)
    assert not hints.until_guest(identity).undefined
    stage.assign(identity, "bob")
    assert not hints.until_guest(identity).undefined
    stage.stop(identity)
    assert not hints.until_guest(identity).undefined


def test_an_undefined_guest_is_announced(stage: Stage, source: Source, hints: Hints) -> None:
    identity = stage.define("web")
    stage.undefine(identity)
    hint = hints.until(lambda hint: hint.undefined)
    assert hint.guest in stage.heard_as(identity)
    assert hint.source == source.name


def test_a_rename_keeps_the_identity_and_announces_no_end(stage: Stage, source: Source, hints: Hints) -> None:
    identity = stage.define("before")
    stage.rename(identity, "after")
    if not stage.rename_keeps_identity:
        _until_another_guest(source, hints, identity)
        return
    guest = source.guest(identity)
    assert guest is not None
    assert guest.name == "after"
    last = stage.define("last")
    hints.until_guest(last)
    assert [hint for hint in hints.heard if hint.undefined] == []


def _until_another_guest(source: Source, hints: Hints, former: GuestId) -> None:
    """Where a guest is known by its name, a rename ends one guest, which is announced, and begins another."""
    assert hints.until(lambda hint: hint.undefined).guest == former
    assert source.guest(former) is None
    [guest] = source.guests()
    assert guest.name == "after"
    assert guest.id != former


@pytest.mark.parametrize("name", ["Web_1", "a b", "ns1", "<x>&", "ü", "$(reboot)", "a;b\"'"])
def test_a_name_is_passed_on_as_it_is(stage: Stage, source: Source, name: str) -> None:
    if not stage.allows(name):
        pytest.skip("no guest has such a name here")
    identity = stage.define(name)
    guest = source.guest(identity)
    assert guest is not None
    assert guest.name == name


def test_the_owner_is_read_and_its_change_seen(stage: Stage, source: Source) -> None:
    identity = stage.define("web", owner="alice")
    assert [guest.options.owner for guest in source.guests()] == ["alice"]
    stage.assign(identity, "bob")
    guest = source.guest(identity)
    assert guest is not None
    assert guest.options.owner == "bob"


def test_a_source_that_is_down_is_not_empty(stage: Stage, source: Source) -> None:
    identity = stage.define("web")
    stage.break_down()
    with pytest.raises(Unavailable) as all_guests:
        source.guests()
    with pytest.raises(Unavailable):
        source.guest(identity)
    assert all_guests.value.where == source.name
    assert all_guests.value.cure
    assert "\n" not in str(all_guests.value)


def test_a_lost_and_a_new_connection_wake_for_everything(stage: Stage, source: Source, hints: Hints) -> None:
    hints.until_guest(stage.define("marker"))
    stage.break_down()
    hints.until_everything()
    with pytest.raises(Unavailable):
        source.guests()
    stage.recover()
    guests_once_back(source)
    hints.until_everything()


def test_the_new_world_is_seen_and_heard(stage: Stage, source: Source, hints: Hints) -> None:
    stage.define("old")
    stage.break_down()
    with pytest.raises(Unavailable):
        source.guests()
    stage.recover()
    assert list(guests_once_back(source)) == []
    identity = stage.define("new")
    hints.until_guest(identity)
    assert [guest.name for guest in source.guests()] == ["new"]


def test_a_world_that_is_down_at_first_is_found_when_it_comes(stage: Stage, hints: Hints) -> None:
    stage.break_down()
    source = stage.source()
    source.watch(hints)
    with pytest.raises(Unavailable):
        source.guests()
    stage.recover()
    assert list(guests_once_back(source)) == []
    hints.until_everything()
    hints.until_guest(stage.define("web"))
    source.close()


def test_a_closed_source_is_unavailable_and_silent(stage: Stage, source: Source, hints: Hints) -> None:
    hints.until_guest(stage.define("heard"))
    witness, heard = stage.source(), Hints(stage.heard_as)
    if witness is not source:
        witness.watch(heard)
        witness.guests()
    source.close()
    source.close()
    unheard = stage.define("unheard")
    if witness is not source:
        heard.until_guest(unheard)
        witness.close()
    assert hints.none_left()
    with pytest.raises(Unavailable):
        source.guests()
    with pytest.raises(Unavailable):
        source.guest(_UNKNOWN)


def test_a_source_may_be_closed_before_it_was_used(stage: Stage) -> None:
    source = stage.source()
    source.close()
    with pytest.raises(Unavailable):
        source.guests()
