"""Sources of every kind with 300 guests each, which fail: nothing is deleted, it is said, and it heals."""

import contextlib
import json
import shutil
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from skulldns.errors import Unavailable
from skulldns.lab import Lab
from skulldns.lab.waiting import until
from tests.contract.incus_api import IncusApi
from tests.integration.trial import Trial, is_a_sentence_with_cure, stopped
from tests.support import require

_GUESTS = 300
_ZONE = "vmsrv.test"
_PATIENCE = 90.0
_PAUSE = 0.5
_NETWORKS = ("2001:db8:1::/64", "2001:db8:2::/64")

pytestmark = pytest.mark.timeout(300)


class World(ABC):
    """One source of the daemon, whose guests are ``names``."""

    kind: str
    cure: str
    """What an admin shall do when it does not answer."""

    def __init__(self) -> None:
        self.names = tuple(f"{self.kind}{number}" for number in range(_GUESTS))

    @abstractmethod
    def fill(self) -> None:
        """Create all guests, each with an address."""

    @abstractmethod
    def kill(self) -> None:
        """End what answers."""

    @abstractmethod
    def start(self, left: Sequence[str]) -> None:
        """Let it answer again, with no other guests than these; nobody announces the end of any."""

    @abstractmethod
    def bring_back(self, names: Sequence[str]) -> None:
        """Create guests as they were."""


class LibvirtWorld(World):
    kind = "libvirt"
    cure = "start libvirt's daemon"

    def __init__(self, trial: Trial) -> None:
        super().__init__()
        self._trial = trial
        self._uuids: Mapping[str, str] = {}

    def fill(self) -> None:
        self._uuids = self._trial.define(*self.names)

    def kill(self) -> None:
        self._trial.lab.kill("libvirtd")

    def start(self, left: Sequence[str]) -> None:
        with stopped(self._trial.lab.info.pid["daemon"]):
            self._trial.lab.start("libvirtd")
            self.bring_back(left)

    def bring_back(self, names: Sequence[str]) -> None:
        self._trial.define(*names, uuids=self._uuids)

    @contextmanager
    def silent(self) -> Iterator[None]:
        """The daemon is stopped."""
        with stopped(self._trial.lab.info.pid["libvirtd"]):
            yield


class IncusWorld(World):
    kind = "incus"
    cure = "start the daemon"

    def __init__(self, api: IncusApi) -> None:
        super().__init__()
        self.api = api
        self._instances: dict[tuple[str, str], dict[str, Any]] = {}

    def fill(self) -> None:
        for number, name in enumerate(self.names):
            self.api.define(name)
            instance = self.api.instances["default", name]
            instance |= {"status": "Running", "address": f"2001:db8:1::{number + 1:x}"}
        self._instances = dict(self.api.instances)
        self.kill()
        self.start(self.names)

    def kill(self) -> None:
        self.api.kill()

    def start(self, left: Sequence[str]) -> None:
        self.api.instances.clear()
        self.api.instances.update({place: one for place, one in self._instances.items() if place[1] in left})
        self.api.start()

    def bring_back(self, names: Sequence[str]) -> None:
        for name in names:
            self.api.instances["default", name] = self._instances["default", name]
            self.api.tell("instance-created", ("default", name))

    @contextmanager
    def silent(self) -> Iterator[None]:
        """The daemon is stopped; its line of events stays half open for ever."""
        self.api.hush()
        try:
            yield
        finally:
            self.api.talk()


class LxcWorld(World):
    """Containers that are stopped, with static addresses: so they need no rights."""

    kind = "lxc"
    cure = "bring it back"

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self._aside = path.with_suffix(".aside")

    def fill(self) -> None:
        self.bring_back(self.names)

    def kill(self) -> None:
        self.path.rename(self._aside)

    def start(self, left: Sequence[str]) -> None:
        if len(left) == len(self.names):
            self._aside.rename(self.path)
            return
        # As when another file system is mounted there.
        other = self.path.with_suffix(".other")
        other.mkdir()
        for name in left:
            shutil.copytree(self._aside / name, other / name)
        other.rename(self.path)
        shutil.rmtree(self._aside)

    def bring_back(self, names: Sequence[str]) -> None:
        for name in names:
            (self.path / name).mkdir()
            self.write(name)

    def write(self, name: str, *more: str) -> None:
        """Write a container's config."""
        number = self.names.index(name) + 1
        nic = {
            "type": "veth",
            "hwaddr": f"00:16:3e:01:{number // 256:02x}:{number % 256:02x}",
            "ipv6.address": f"2001:db8:2::{number:x}/64",
        }
        lines = [f"lxc.net.0.{key} = {value}" for key, value in nic.items()]
        (self.path / name / "config").write_text("\n".join([*lines, *more, ""]), encoding="utf-8")


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

    def settle(self) -> None:
        for world in self.worlds:
            world.fill()
        self.until(self._is_well, "everything being served")
        self.before = self.trial.everything()

    def until(self, true: Callable[[Mapping[str, Any]], bool], what: str) -> None:
        """Wait until this is true of what `status` says; it is asked slowly, since its answer has 900 names."""

        def asked() -> bool:
            time.sleep(_PAUSE)
            with contextlib.suppress(Unavailable):
                self._said = self.trial.status()
                return true(self._said)
            return False

        try:
            until(asked, what, patience=_PATIENCE)
        except Unavailable as error:
            raise AssertionError(f"{error}; {self._said.get('problems')}") from error

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
        self.until(self._is_well, "healing")
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

        self.until(said, f"{[world.kind for world in worlds]} being silent")
        assert {source["guests"] for source in self._said["sources"]} == {_GUESTS}
        others = [name for world in self.worlds if world not in worlds for name in world.names]
        assert self._states(self._said, others) <= {"served"}

    def lacks(self, *unseen: Sequence[str]) -> None:
        """Wait until it is said that the sources do not show these guests, and that the guard holds their names."""
        lacking = {
            world.kind: f"{len(names)} of {_GUESTS} known guests are not shown"
            for world, names in zip(self.worlds, unseen, strict=True)
        }
        every = {name for names in unseen for name in names}

        def said(status: Mapping[str, Any]) -> bool:
            return self._states(status, [*every]) == {"held"} and all(
                _has_sentence(status, f"{kind} ", what) for kind, what in lacking.items()
            )

        self.until(said, f"{lacking}")
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
        ending.callback(_end_monitord, lxc.path)
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


def _end_monitord(path: Path) -> None:
    """End LXC's daemon for events below a path, which would stay a while."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            if "lxc-monitord" in process.name() and str(path) in process.cmdline():
                process.kill()
                process.wait(_PATIENCE)


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
