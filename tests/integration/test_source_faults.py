"""The hypervisor fails: nothing is deleted, the state of the source is said, and it heals by itself."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from skulldns.lab import Lab
from skulldns.lab.waiting import until
from tests.integration.trial import HEALING, Said, Trial, is_a_sentence_with_cure, stopped

_GUESTS = tuple(f"g{number}" for number in range(12))
_BLOCKED = 4


@pytest.fixture
def trial(lab: Lab) -> Trial:
    return Trial(lab)


# ----------------------------------------------------------------------------------------- it does not answer


@contextmanager
def _killed(trial: Trial) -> Iterator[None]:
    trial.lab.kill("libvirtd")
    yield


@contextmanager
def _socket_gone(trial: Trial) -> Iterator[None]:
    """The daemon has to connect anew, and finds no socket."""
    socket = _socket(trial)
    aside = socket.with_name("aside")
    socket.rename(aside)
    try:
        trial.lab.stop("daemon")
        trial.start_daemon()
        yield
    finally:
        aside.rename(socket)


@contextmanager
def _hanging(trial: Trial) -> Iterator[None]:
    with stopped(trial.lab.info.pid["libvirtd"]):
        yield


def _socket(trial: Trial) -> Path:
    return Path(trial.lab.info.libvirt_uri.partition("socket=")[2])


_SILENCES: Mapping[str, tuple[Callable[[Trial], AbstractContextManager[None]], str]] = {
    "killed": (_killed, "start libvirt's daemon"),
    "socket gone": (_socket_gone, "start libvirt's daemon"),
    "hanging": (_hanging, "restart the daemon"),
}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("silence", _SILENCES)
def test_a_silent_source_is_said_and_its_names_are_held(trial: Trial, silence: str) -> None:
    begin, cure = _SILENCES[silence]
    uuids, before = trial.settle(*_GUESTS)
    with begin(trial):
        sentence = trial.until_problem("libvirt", cure, patience=90)
        assert is_a_sentence_with_cure(sentence)
        assert [one for one in trial.problems() if "libvirt" in one] == [sentence]
        trial.until_states("held", *_GUESTS, patience=20)
        trial.until_states("served", "info", patience=20)
        said = trial.says("status")
        assert cure in said.out
        assert "unavailable" in said.out
        [source] = trial.says("status", "--json").json["sources"]
        assert source["state"] == "unavailable"
        assert source["guests"] == len(_GUESTS)
        assert trial.says("plan", "--exit-code").code == 0
        assert trial.everything() == before
    if silence == "killed":
        trial.lab.start("libvirtd")
        trial.define(*_GUESTS, uuids=uuids)
    healed = trial.until_well()
    print(f"{silence}: healed after {healed:.1f} s")  # noqa: T201 - a figure for `pytest -s`
    assert trial.everything() == before


@pytest.mark.timeout(300)
def test_a_daemon_started_without_its_source_deletes_nothing(trial: Trial) -> None:
    uuids, before = trial.settle(*_GUESTS)
    trial.lab.stop("daemon")
    trial.lab.kill("libvirtd")
    trial.start_daemon()
    trial.until_states("held", *_GUESTS, patience=30)
    assert is_a_sentence_with_cure(trial.until_problem("libvirt", "start libvirt's daemon"))
    # What an admin does meanwhile goes on.
    zone = trial.lab.info.directory / "zones" / f"{trial.zone}.yaml"
    zone.write_text(zone.read_text() + "later: {type: A, value: 127.7.200.1}\n")
    trial.until_states("served", "later", patience=20)
    assert all(records <= trial.everything()[key] for key, records in before.items())
    trial.lab.start("libvirtd")
    trial.define(*_GUESTS, uuids=uuids)
    trial.until_well()
    assert all(records <= trial.everything()[key] for key, records in before.items())


@pytest.mark.timeout(300)
def test_a_source_stopped_for_a_minute_loses_nothing_that_happens_then(trial: Trial) -> None:
    uuids, before = trial.settle(*_GUESTS)
    with stopped(trial.lab.info.pid["libvirtd"]):
        trial.until_problem("libvirt", "does not answer", patience=90)
        assert trial.everything() == before
    new = trial.serve("later")
    trial.until_well()
    assert all(records <= trial.everything()[key] for key, records in before.items())
    assert new["later"] not in uuids.values()


# --------------------------------------------------------------------------------------- it answers with less


@contextmanager
def _blind(trial: Trial) -> Iterator[None]:
    """The daemon sees nothing of what happens in the block."""
    with stopped(trial.lab.info.pid["daemon"]):
        yield


def _forget(trial: Trial, uuids: Mapping[str, str], *remembered: str) -> None:
    """Restart libvirtd, which forgets all guests, and bring back these before the daemon looks."""
    with _blind(trial):
        trial.lab.kill("libvirtd")
        trial.lab.start("libvirtd")
        trial.define(*remembered, uuids=uuids)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("left", "count"), [(0, 1), (0, 3), (0, 12), (0, 40), (1, 3), (1, 12), (1, 40), (20, 40)]
)
def test_an_empty_or_shrunken_answer_deletes_nothing(trial: Trial, left: int, count: int) -> None:
    guests = [f"g{number}" for number in range(count)]
    uuids, before = trial.settle(*guests)
    _forget(trial, uuids, *guests[:left])
    _until_blocked(trial, guests[left:])
    sentence = trial.until_problem("known guests are not shown")
    assert is_a_sentence_with_cure(sentence)
    assert sentence in trial.says("status").out
    assert trial.states(*guests[left:]) == {"held"}
    assert trial.states(*guests[:left]) <= {"served"}
    assert trial.everything() == before
    trial.define(*guests[left:], uuids=uuids)
    healed = trial.until_well()
    print(f"{left} of {count} left: healed after {healed:.1f} s")  # noqa: T201 - a figure for `pytest -s`
    assert trial.everything() == before


def _until_blocked(trial: Trial, guests: list[str]) -> None:
    """Wait until their deletion is due and the guard holds every one back."""

    def blocked() -> bool:
        plan = trial.says("plan", "--json").json
        [zone] = [zone for zone in plan["zones"] if zone["zone"] == trial.zone]
        return {trial.short(one["name"]) for one in zone["blocked"] if one["block"] == "guard"} == set(guests)

    until(blocked, "the guard's block", patience=30)


@pytest.mark.timeout(300)
def test_an_ordinary_end_of_a_guest_needs_nobody(trial: Trial) -> None:
    """The other side of the guard: what the hypervisor announces goes after its grace."""
    trial.serve("web", "mail-relay")
    trial.lab.guest("web").destroy()
    until(lambda: trial.answers("ns1", "web") == [] == trial.answers("ns2", "web"), "the name's end")
    trial.until_well()
    assert trial.answers("ns1", "mail-relay")


# -------------------------------------------------------------------------------------- plan, and apply with it


@pytest.fixture
def guarded(trial: Trial) -> Trial:
    """One guest of 12 is left, and the guard holds the names of the others."""
    uuids, _ = trial.settle(*_GUESTS)
    _forget(trial, uuids, _GUESTS[0])
    _until_blocked(trial, list(_GUESTS[1:]))
    return trial


@pytest.mark.timeout(300)
def test_plan_and_apply_show_the_guard_and_delete_nothing(guarded: Trial) -> None:
    before = guarded.everything()
    plan = guarded.says("plan")
    assert plan.code == 0
    assert "g1.vmsrv.test" in plan.out
    assert "guard" in plan.out
    checksum = _checksum(guarded.says("plan", "--json"))
    assert f"skulldns apply --checksum {checksum}" in plan.out
    assert guarded.says("plan", "--exit-code").code == _BLOCKED
    assert guarded.says("plan", "--exit-code", "--json").code == _BLOCKED
    for arguments in (("apply",), ("apply", "--json")):
        assert guarded.says(*arguments).code == _BLOCKED
    assert guarded.everything() == before


@pytest.mark.timeout(300)
def test_apply_with_its_checksum_deletes_exactly_that(guarded: Trial) -> None:
    before = guarded.everything()
    foreign = f"hand.{guarded.zone}. 60 IN A 127.7.66.66"
    guarded.by_hand(f"update add hand.{guarded.zone}. 60 A 127.7.66.66")
    addresses = {name: guarded.answers("ns1", name)[0] for name in _GUESTS[1:]}
    plan = guarded.says("plan", "--json")
    done = guarded.says("apply", "--checksum", _checksum(plan))
    assert done.code == 0, done
    gone = {f"{name}.{guarded.zone}. 60 IN A {address}" for name, address in addresses.items()}
    expected = before["ns1", guarded.zone] - gone | {foreign}
    assert guarded.holds("ns1") == expected
    until(lambda: guarded.holds("ns2") == expected, "ns2", patience=20)
    [reverse] = guarded.lab.info.reverse
    until(lambda: len(guarded.holds("ns2", reverse)) == len(before["ns2", reverse]) - len(gone), "the PTRs")
    guarded.until_well(patience=HEALING)
    assert guarded.says("plan", "--exit-code").code == 0
    assert foreign in guarded.holds("ns1")


@pytest.mark.timeout(300)
def test_apply_with_a_stale_checksum_refuses(guarded: Trial) -> None:
    plan = guarded.says("plan", "--json")
    with guarded.lab.hypervisor() as connection:
        connection.lookupByName(_GUESTS[0]).destroy()
        connection.lookupByName(_GUESTS[0]).undefine()
    until(lambda: guarded.answers("ns1", _GUESTS[0]) == [], "the announced deletion", patience=30)
    zone = guarded.lab.info.directory / "zones" / f"{guarded.zone}.yaml"
    zone.write_text("{}\n")  # the static record's deletion is a change more, which the guard holds too
    until(lambda: _checksum(guarded.says("plan", "--json")) != _checksum(plan), "another plan", patience=20)
    before = guarded.everything()
    refused = guarded.says("apply", "--checksum", _checksum(plan))
    assert refused.code == 1
    [line] = refused.errors
    assert "by now, not" in line
    assert "skulldns plan" in line
    unknown = guarded.says("apply", "--checksum", "000000000000")
    assert unknown.code == 1
    assert len(unknown.errors) == 1
    assert guarded.everything() == before


def _checksum(plan: Said) -> str:
    return str(plan.json["checksum"])
