"""Stages of Incus' and LXD's API for the play that every source has part in."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from skulldns.lab.waiting import until
from skulldns.model.guests import GuestId, SourceName
from skulldns.sources.host.neighbours import HostNetwork
from skulldns.sources.incus import IncusSource, Limits, LocalSocket
from tests.contract.incus_api import IncusApi
from tests.contract.source_stages import Stage
from tests.laboratory.guest import Wanted
from tests.laboratory.lxd import Lxd

_PATIENCE = 60.0
_OWNER = "user.skulldns.owner"
_HOST_NAME = re.compile(r"[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")


class FakeIncusStage(Stage):
    """An API over instances in memory."""

    network = "lab"

    def __init__(self, directory: Path) -> None:
        self.api = IncusApi(directory / "unix.socket")
        self.api.start()
        self._names: dict[GuestId, str] = {}

    def source(self) -> IncusSource:
        return _source(LocalSocket(self.api.socket))

    def define(self, name: str, *, owner: str | None = None) -> GuestId:
        guest = GuestId(self.api.define(name, config={_OWNER: owner} if owner else {}))
        self._names[guest] = name
        return guest

    def start(self, guest: GuestId) -> None:
        self.api.set_status(guest, "Running", "instance-started")

    def stop(self, guest: GuestId) -> None:
        self.api.set_status(guest, "Stopped", "instance-stopped")

    def rename(self, guest: GuestId, name: str) -> None:
        self.api.rename(guest, name)
        self._names[guest] = name

    def assign(self, guest: GuestId, owner: str) -> None:
        self.api.set_config(guest, owner=owner)

    def undefine(self, guest: GuestId) -> None:
        self.api.delete(guest)

    def break_down(self) -> None:
        self.api.kill()
        self.api.instances.clear()

    def recover(self) -> None:
        self.api.start()

    def heard_as(self, guest: GuestId) -> frozenset[GuestId]:
        return _heard_as(guest, self._names)


@contextmanager
def fake_incus() -> Iterator[FakeIncusStage]:
    """A stage of its own, which ends with the block."""
    with TemporaryDirectory() as directory:
        stage = FakeIncusStage(Path(directory))
        try:
            yield stage
        finally:
            stage.api.kill()


class LxdStage(Stage):
    """A laboratory's LXD or Incus, changed with its own client."""

    def __init__(self, lxd: Lxd) -> None:
        self.lxd = lxd
        self.network = self.lxd.bridge
        self._host = HostNetwork(lxd.laboratory.command())
        self._names: dict[GuestId, str] = {}

    def source(self) -> IncusSource:
        return _source(LocalSocket(self.lxd.socket, self._host))

    def allows(self, name: str) -> bool:
        return _HOST_NAME.fullmatch(name) is not None

    def define(self, name: str, *, owner: str | None = None) -> GuestId:
        self.lxd.create(Wanted(name, owner=owner))
        guest = GuestId(self.lxd.client("config", "get", name, "volatile.uuid").strip())
        self._names[guest] = name
        return guest

    def start(self, guest: GuestId) -> None:
        name = self._names[guest]
        self.lxd.client("start", name)
        mac = self.lxd.client("config", "get", name, "volatile.eth0.hwaddr").strip()
        until(lambda: mac in self.lxd.leases(), f"the lease of {name}", patience=_PATIENCE)

    def stop(self, guest: GuestId) -> None:
        self.lxd.client("stop", "--force", self._names[guest])

    def rename(self, guest: GuestId, name: str) -> None:
        self.lxd.client("rename", self._names[guest], name)
        self._names[guest] = name

    def assign(self, guest: GuestId, owner: str) -> None:
        self.lxd.client("config", "set", self._names[guest], _OWNER, owner)

    def undefine(self, guest: GuestId) -> None:
        self.lxd.client("delete", self._names[guest])

    def break_down(self) -> None:
        self.lxd.server.kill()

    def recover(self) -> None:
        self.lxd.server.start()
        self.lxd.lxd("waitready", "--timeout=60")
        self._remove_all()

    def heard_as(self, guest: GuestId) -> frozenset[GuestId]:
        return _heard_as(guest, self._names)

    def clear(self) -> None:
        """Bring back the daemon if a test left it dead, and remove all guests."""
        if not self.lxd.server.is_running():
            self.recover()
        self._remove_all()

    def _remove_all(self) -> None:
        for url in self.lxd.ask("/1.0/instances"):
            self.lxd.client("delete", "--force", url.rpartition("/")[2])


def _source(socket: LocalSocket) -> IncusSource:
    limits = Limits(ping=(1, 4))
    return IncusSource(socket, name=SourceName("incus"), limits=limits, jitter=lambda: 1.0)


def _heard_as(guest: GuestId, names: Mapping[GuestId, str]) -> frozenset[GuestId]:
    """Events tell names only: a guest that no look has shown yet is heard by the name it has."""
    return frozenset({guest, GuestId(f"incus:default/{names.get(guest)}")})
