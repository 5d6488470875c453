"""One of 1,000 guests changes: the worker that looks asks its source about that one only, whatever the source."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from skulldns.lab import Lab
from skulldns.lab.waiting import until
from skulldns.loop.clock import Clock
from skulldns.loop.looker import Looker
from skulldns.model.guests import Guest, GuestId, Hint, SourceName
from skulldns.model.observations import Observation, Seen, Snapshot
from skulldns.sources.lxc import LxcSource
from skulldns.sources.protocol import Source
from tests.contract.incus_stage import fake_incus
from tests.contract.source_stages import LibvirtStage
from tests.integration.worlds import end_monitord
from tests.support import require

_MANY = 1000
_PATIENCE = 60.0

World = tuple[Source, list[GuestId], Callable[[GuestId], None]]
"""A source, its guests, and how to change one of them."""


class _Counted:
    """A source that notes whom it was asked about; None is everybody."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.asked: list[GuestId | None] = []

    @property
    def name(self) -> SourceName:
        return self._source.name

    def watch(self, wake: Callable[[Hint], None]) -> None:
        self._source.watch(wake)

    def guests(self) -> Sequence[Guest]:
        self.asked.append(None)
        return self._source.guests()

    def guest(self, identity: GuestId) -> Guest | None:
        self.asked.append(identity)
        return self._source.guest(identity)

    def unreadable(self) -> frozenset[GuestId]:
        return self._source.unreadable()

    def close(self) -> None:
        self._source.close()


@pytest.fixture
def libvirt(servers: Lab) -> Iterator[World]:
    stage = LibvirtStage(servers)
    stage.clear()
    yield stage.source(), [stage.define(f"g{number}") for number in range(_MANY)], stage.start
    stage.clear()
    stage.leave()


@pytest.fixture
def incus() -> Iterator[World]:
    with fake_incus() as stage:
        yield stage.source(), [stage.define(f"g{number}") for number in range(_MANY)], stage.start


@pytest.fixture
def lxc(tmp_path: Path) -> Iterator[World]:
    """Containers whose configs change: as with a start, an event names the one."""
    require("lxc-ls", package="lxc")

    def write(identity: GuestId) -> None:
        (Path(identity.removeprefix("lxc:")) / "config").write_text("lxc.environment = SKULLDNS_PORT=8080\n")

    identities = [GuestId(f"lxc:{tmp_path}/g{number}") for number in range(_MANY)]
    for identity in identities:
        Path(identity.removeprefix("lxc:")).mkdir()
        (Path(identity.removeprefix("lxc:")) / "config").touch()
    yield LxcSource(tmp_path), identities, write
    end_monitord(tmp_path)


@pytest.mark.parametrize("kind", ["libvirt", "incus", "lxc"])
def test_one_of_a_thousand_costs_a_look_at_that_one(kind: str, request: pytest.FixtureRequest) -> None:
    source, identities, change = request.getfixturevalue(kind)
    counted, observed = _Counted(source), list[Observation]()
    looker = Looker(counted, observed.append, Clock(time.time, time.monotonic, random.random))
    with closing(counted):
        looker.start()

        def knows_all() -> bool:
            looker.step()
            return any(isinstance(one, Snapshot) and len(one.guests) == _MANY for one in observed)

        until(knows_all, "a look at everything", patience=_PATIENCE)
        ones = iter(identities)

        def only_that_one() -> bool:
            # What the beginning still has to tell may come between.
            one = next(ones)
            counted.asked.clear()
            observed.clear()
            change(one)

            def is_seen() -> bool:
                looker.step()
                seen = any(isinstance(each, Seen) and each.guest.id == one for each in observed)
                return seen or None in counted.asked

            until(is_seen, "the change", patience=_PATIENCE)
            return set(counted.asked) == {one}

        until(only_that_one, "a change that costs a look at one", patience=_PATIENCE)
