"""A real LXD fails under the whole daemon: nothing is deleted, it is said, and what was missed is caught up."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil
import pytest

from skulldns.errors import Unavailable
from skulldns.lab import Lab
from skulldns.lab.waiting import until
from tests.integration.dnsview import reverse
from tests.integration.served import answered, daemon, full, touching, why
from tests.integration.trial import Trial, is_a_sentence_with_cure
from tests.laboratory.guest import Wanted
from tests.laboratory.installation import ZONE, installed
from tests.laboratory.laboratory import Laboratory
from tests.laboratory.lxd import Lxd, LxdContainer
from tests.support import require

_PATIENCE = 120.0

pytestmark = pytest.mark.timeout(300)


@dataclass(frozen=True)
class Installation:
    """SkullDNS with LXD as its only source, and one of its containers, whose name is served."""

    laboratory: Laboratory
    lab: Lab
    trial: Trial
    stays: LxdContainer

    @property
    def lxd(self) -> Lxd:
        return self.laboratory.lxd

    def served(self, container: LxdContainer) -> str:
        """Wait until its name is served, and return its address."""
        address = self.laboratory.await_lease(container)
        answered(self.lab, container.name, address)
        return address

    def process(self, container: LxdContainer) -> str:
        """Its process 1, as seen in the laboratory."""
        return str(self.lxd.ask(f"/1.0/instances/{container.name}/state")["pid"])

    def end(self, process: str) -> None:
        """Let a container end without LXD's doing."""
        self.laboratory.run("kill", "-KILL", process)

    def state(self, container: LxdContainer) -> str:
        """Its state as the daemon knows it."""
        found = (one["state"] for one in daemon(self.lab, "guests") if one["name"] == container.name)
        return str(next(found))

    def is_said(self, cure: str) -> None:
        """Wait until `status` says it in one sentence, and `why` of a name, which is held."""
        begun = time.monotonic()
        sentence = self.trial.until_problem("incus", cure, patience=_PATIENCE)
        print(f"said after {time.monotonic() - begun:.1f} s: {sentence}")  # noqa: T201 - a figure for `pytest -s`
        assert is_a_sentence_with_cure(sentence)
        self.trial.until_states("held", "stays", patience=_PATIENCE)
        assert cure in why(self.lab, "stays")

    def heals(self) -> None:
        """Wait until nothing is wrong any more."""
        begun = time.monotonic()
        until(lambda: not self.trial.problems(), "healing", patience=_PATIENCE)
        self.trial.until_states("served", "stays", patience=_PATIENCE)
        print(f"healed after {time.monotonic() - begun:.1f} s")  # noqa: T201 - a figure for `pytest -s`

    def start_lxd(self) -> None:
        self.lxd.server.start()
        self.lxd.lxd("waitready", "--timeout=60")

    @contextmanager
    def nothing_deleted(self, **addresses: str) -> Iterator[None]:
        """Fail if a record of these names and addresses is deleted in the block, even for a moment."""
        names = [*(full(self.lab, name) for name in addresses), *map(reverse, addresses.values())]
        before = {name: len(touching(self.lab, name)) for name in names}
        assert all(before.values()), "they were never served"
        yield
        after = {name: touching(self.lab, name)[before[name] :] for name in names}
        assert not [change for changes in after.values() for change in changes if change.deleted]


@pytest.fixture(scope="module")
def installation(laboratory: Laboratory) -> Iterator[Installation]:
    require("named", package="bind9")
    source = {"kind": "incus", "socket": str(laboratory.lxd.socket), "zone": ZONE}
    with installed(laboratory, [source]) as lab:
        stays = laboratory.lxd.create(Wanted("stays")).start()
        installation = Installation(laboratory, lab, Trial(lab), stays)
        installation.served(stays)
        yield installation


def test_killed_while_one_container_ends_and_another_begins(installation: Installation) -> None:
    lxd = installation.lxd
    with lxd.create(Wanted("ends")).start() as ends, lxd.create(Wanted("begins")) as begins:
        addresses = {one.name: installation.served(one) for one in (installation.stays, ends)}
        process = installation.process(ends)
        # What LXD does when it starts; without a word it starts again what ran before.
        for container, autostart in ((ends, "false"), (begins, "true")):
            lxd.client("config", "set", container.name, "boot.autostart", autostart)
        with installation.nothing_deleted(**addresses):
            lxd.server.kill()
            with pytest.raises(Unavailable):
                lxd.ask("/1.0")
            installation.is_said("start the daemon")
            installation.end(process)
            installation.start_lxd()
            installation.heals()
            until(lambda: installation.state(ends) == "stopped", "its end being seen", patience=_PATIENCE)
            installation.served(begins)
        assert installation.state(installation.stays) == "running"


def test_stopped_for_a_while(installation: Installation) -> None:
    lxd, short = installation.lxd, installation.lxd.create(Wanted("short"))
    try:
        addresses = {one.name: installation.served(one) for one in (installation.stays, short.start())}
        process = installation.process(short)
        with installation.nothing_deleted(**addresses):
            with _stopped(lxd.server.process):
                installation.is_said("if it stays so, restart the daemon")
                installation.end(process)
            installation.heals()
            until(lambda: installation.state(short) == "stopped", "its end being seen", patience=_PATIENCE)
    finally:
        until(lambda: _removed(short), "LXD being done with its end", patience=_PATIENCE)


def test_restarted(installation: Installation) -> None:
    lxd, stays = installation.lxd, installation.stays
    before, lines = lxd.server.process.pid, _lines(installation)
    with installation.nothing_deleted(stays=installation.served(stays)):
        lxd.server.stop()
        installation.start_lxd()
        assert lxd.server.process.pid != before
        until(lambda: _lines(installation) > lines, "another line of events", patience=_PATIENCE)
        installation.heals()
        with lxd.create(Wanted("later")).start() as later:
            installation.served(later)


@contextmanager
def _stopped(process: psutil.Process) -> Iterator[None]:
    process.suspend()
    try:
        until(lambda: process.status() == psutil.STATUS_STOPPED, "its stop")
        yield
        assert process.status() == psutil.STATUS_STOPPED
    finally:
        process.resume()
        entry = process.parent()  # nsenter stops itself when its program is stopped
        assert entry is not None
        entry.resume()


def _removed(container: LxdContainer) -> bool:
    """Try to remove it; LXD refuses that while it still clears up after the container's end."""
    try:
        container.destroy()
    except Unavailable:
        return False
    return True


def _lines(installation: Installation) -> int:
    """How often the daemon has opened its line to LXD."""
    return installation.trial.log().count(": connected")
