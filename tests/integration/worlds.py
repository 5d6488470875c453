"""Sources of every kind that a test fills with guests, kills, stops and lets answer with less; none needs root."""

import contextlib
import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from tests.contract.incus_api import IncusApi
from tests.integration.trial import Trial, stopped

_PATIENCE = 30.0

GUESTS = 300
"""How many guests each of them has."""


class World(ABC):
    """One source of the daemon, whose guests are ``names``."""

    kind: str
    cure: str
    """What an admin shall do when it does not answer."""

    def __init__(self) -> None:
        self.names = tuple(f"{self.kind}{number}" for number in range(GUESTS))

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


def end_monitord(path: Path) -> None:
    """End LXC's daemon for events below a path, which would stay a while."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            if "lxc-monitord" in process.name() and str(path) in process.cmdline():
                process.kill()
                process.wait(_PATIENCE)
