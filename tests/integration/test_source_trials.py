"""Sources of every kind with 300 guests each, which fail: nothing is deleted, it is said, and it heals."""

import contextlib
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psutil
import pytest

from skulldns.daemon.control import ask
from skulldns.errors import Unavailable
from skulldns.lab import Lab
from skulldns.lab.waiting import until
from tests.contract.incus_api import IncusApi
from tests.integration.trial import Trial, is_a_sentence_with_cure
from tests.integration.worlds import GUESTS, IncusWorld, LibvirtWorld, LxcWorld, World, end_monitord
from tests.support import require

_ZONE = "vmsrv.test"
_PATIENCE = 90.0
_NETWORKS = ("2001:db8:1::/64", "2001:db8:2::/64")

pytestmark = pytest.mark.timeout(300)


class Everything:
    """The daemon with one source of each kind."""

    def __init__(self, lab: Lab, incus: IncusWorld, lxc: LxcWorld) -> None:
        self.trial = Trial(lab)
        self.libvirt = LibvirtWorld(self.trial)
        self.incus = incus
        self.lxc = lxc
        self.worlds: tuple[World, ...] = (self.libvirt, incus, lxc)
        self._said: Mapping[str, Any] = {}
        self.before: dict[tuple[str, str], frozenset[str]] = {}

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for world in self.worlds for name in world.names)

    @property
    def _ends(self) -> list[str]:
        return [name for world in self.worlds for name in (world.names[0], world.names[-1])]

    def settle(self) -> None:
        for world in self.worlds:
            world.fill()
        self.until(self._is_well, "everything being served", served=self._ends)
        self.before = self.trial.everything()

    def until(self, true: Callable[[Mapping[str, Any]], bool], what: str, **begins: Sequence[str]) -> None:
        """Wait until this is true of what `status` says.

        Its answer has 900 names and costs much: ``begins`` says which names are in which state before it can be true.
        """

        def asked() -> bool:
            with contextlib.suppress(Unavailable):
                if all(self._state(name) == state for state, names in begins.items() for name in names):
                    self._said = self.trial.status()
                    return true(self._said)
            return False

        try:
            until(asked, what, patience=_PATIENCE)
        except Unavailable as error:
            raise AssertionError(f"{error}; {self._said.get('problems')}") from error

    def _state(self, name: str) -> str:
        return str(ask(self.trial.state, "name", name=name)["state"])

    def until_states(self, state: str, *names: str) -> None:
        self.until(lambda said: self._states(said, names) == {state}, f"{len(names)} names being {state}")

    def _states(self, said: Mapping[str, Any], names: Sequence[str]) -> set[str]:
        states = {self.trial.short(one["name"]): one["state"] for one in said["names"]}
        return {states.get(name, "absent") for name in names}

    def _is_well(self, said: Mapping[str, Any]) -> bool:
        return not said["problems"] and self._states(said, self.names) == {"served"}

    def nothing_changed(self) -> bool:
        return self.trial.everything() == self.before

    def heals(self) -> None:
        begun = time.monotonic()
        self.until(self._is_well, "healing", served=self._ends)
        print(f"healed after {time.monotonic() - begun:.1f} s")  # noqa: T201 - a figure for `pytest -s`
        assert self.nothing_changed()

    def are_silent(self, worlds: Sequence[World], cure: str = "") -> None:
        """Wait until it is said of these sources, and no other, that they do not answer; their names are held."""

        def said(status: Mapping[str, Any]) -> bool:
            silent = {one["name"] for one in status["sources"] if one["state"] == "unavailable"}
            return {name.partition(" ")[0] for name in silent} == {world.kind for world in worlds} and all(
                self._states(status, world.names) == {"held"}
                and _has_sentence(status, f"{world.kind} ", cure or world.cure)
                for world in worlds
            )

        kinds = [world.kind for world in worlds]
        self.until(said, f"{kinds} being silent", held=[world.names[-1] for world in worlds])
        assert {source["guests"] for source in self._said["sources"]} == {GUESTS}
        others = [name for world in self.worlds if world not in worlds for name in world.names]
        assert self._states(self._said, others) <= {"served"}

    def lacks(self, *unseen: Sequence[str]) -> None:
        """Wait until it is said that the sources do not show these guests, and that the guard holds their names."""
        lacking = {
            world.kind: f"{len(names)} of {GUESTS} known guests are not shown"
            for world, names in zip(self.worlds, unseen, strict=True)
        }
        every = {name for names in unseen for name in names}

        def said(status: Mapping[str, Any]) -> bool:
            return self._states(status, [*every]) == {"held"} and all(
                _has_sentence(status, f"{kind} ", what) for kind, what in lacking.items()
            )

        self.until(said, f"{lacking}", held=[names[-1] for names in unseen])
        until(lambda: every <= self._guarded(), "the guard's block", patience=_PATIENCE)

    def _guarded(self) -> set[str]:
        zones = self.trial.says("plan", "--json").json["zones"]
        blocked = (one for zone in zones for one in zone["blocked"])
        return {self.trial.short(one["name"]) for one in blocked if one["block"] == "guard"}


@pytest.fixture(scope="module")
def everything(lab_programs: None) -> Iterator[Everything]:  # noqa: ARG001 - it only has to be there
    require("lxc-ls", package="lxc")
    with ExitStack() as ending:
        # Short, for the names of Unix sockets.
        home = Path(ending.enter_context(tempfile.TemporaryDirectory(prefix="skulldns-trials-")))
        incus, lxc = IncusWorld(IncusApi(home / "incus")), LxcWorld(home / "lxc")
        ending.callback(incus.api.kill)
        incus.api.start()
        lxc.path.mkdir()
        ending.callback(end_monitord, lxc.path)
        sources = [
            {"kind": "incus", "socket": str(incus.api.socket), "zone": _ZONE},
            {"kind": "lxc", "path": str(lxc.path), "zone": _ZONE},
        ]
        (home / "lab").mkdir()
        surroundings = json.dumps({"sources": sources, "networks": _NETWORKS})
        (home / "lab" / "surroundings.json").write_text(surroundings, encoding="utf-8")
        found = Everything(ending.enter_context(Lab.up(home / "lab")), incus, lxc)
        found.settle()
        yield found


def _monitor(everything: Everything) -> psutil.Process | None:
    """The daemon's `lxc-monitor`."""
    daemon = psutil.Process(everything.trial.lab.info.pid["daemon"])
    return next((one for one in daemon.children(recursive=True) if one.name() == "lxc-monitor"), None)


def _has_sentence(said: Mapping[str, Any], *words: str) -> bool:
    """Whether `status` has a sentence with all these words, that says what to do."""
    found = [one for one in said["problems"] if all(word in one for word in words)]
    return bool(found) and all(map(is_a_sentence_with_cure, found))


def _all_answer(said: Mapping[str, Any]) -> bool:
    return {source["state"] for source in said["sources"]} == {"ready"}


def test_killed_and_the_daemon_started_without_them(everything: Everything) -> None:
    trial = everything.trial
    for world in everything.worlds:
        world.kill()
    everything.are_silent(everything.worlds)
    said = trial.says("status")
    for world in everything.worlds:
        assert world.cure in said.out
    assert trial.says("plan", "--exit-code").code == 0
    assert everything.nothing_changed()
    trial.lab.kill("daemon")
    trial.start_daemon()
    everything.are_silent(everything.worlds)
    assert everything.nothing_changed()
    for world in everything.worlds:
        world.start(world.names)
    everything.heals()


def test_stopped_for_a_while(everything: Everything) -> None:
    """Each for as long as it takes to be noticed. LXC has no daemon; what can stop there is the monitor."""
    silent = (everything.libvirt, everything.incus)
    monitor = _monitor(everything)
    assert monitor is not None
    with ExitStack() as stack:
        for world in silent:
            stack.enter_context(world.silent())
        monitor.suspend()
        everything.are_silent(silent, "if it stays so, restart the daemon")
        until(lambda: _monitor(everything) not in {None, monitor}, "another monitor", patience=_PATIENCE)
        assert everything.nothing_changed()
    everything.heals()


def test_one_guest_of_300_and_an_empty_answer(everything: Everything) -> None:
    for number in (1, 0):
        for world in everything.worlds:
            world.kill()
        for world in everything.worlds:
            world.start(world.names[:number])
        everything.lacks(*(world.names[number:] for world in everything.worlds))
        assert everything.nothing_changed()
    for world in everything.worlds:
        world.bring_back(world.names)
    everything.heals()


def test_one_broken_guest_of_300(everything: Everything) -> None:
    trial, incus, lxc = everything.trial, everything.incus, everything.lxc
    broken = incus.names[117], lxc.names[117]
    instance = incus.api.instances["default", broken[0]]
    instance["status"] = "Error"
    incus.api.tell("instance-updated", ("default", broken[0]))
    lxc.write(broken[1], "lxc.no.such.key = 1")
    # A look at everything, in which the others are read.
    trial.lab.stop("daemon")
    trial.start_daemon()
    others = [name for name in everything.names if name not in broken]
    everything.until_states("served", *others)
    everything.until(_all_answer, "a look at every source")
    assert everything.nothing_changed()
    instance["status"] = "Running"
    incus.api.tell("instance-updated", ("default", broken[0]))
    lxc.write(broken[1])
    everything.heals()
