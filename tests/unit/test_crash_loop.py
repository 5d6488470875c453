"""A guest that starts and stops all the time costs one UPDATE in two seconds, and keeps nobody else waiting."""

import dns.name
import pytest

from skulldns.model.policy import OnStop
from skulldns.plan.cadence import SAME_NAME_EVERY, spaced
from tests.unit.loopworld import ZONE, LoopWorld, guest

_ROUNDS = 250
_PAUSE = 0.1
"""Seconds between a start and a stop: 500 changes in 50 s."""


def _messages(world: LoopWorld) -> int:
    return world.ns1.messages["update"]


def test_something_sent_may_be_sent_again_after_its_pause() -> None:
    assert spaced([], 10.0) == 10.0
    assert spaced([None], 10.0) == 10.0
    assert spaced([9.5, 9.0, None], 10.0) == 9.5 + SAME_NAME_EVERY
    assert spaced([10.0 - SAME_NAME_EVERY], 10.0) == 10.0


@pytest.mark.parametrize("kept", [True, False])
def test_a_crash_loop_costs_one_update_in_two_seconds(kept: bool) -> None:  # noqa: FBT001 - a case
    """Kept: with another lease at each start. Else its name is withdrawn at each stop."""
    world = LoopWorld(grace=0, on_stop=OnStop.KEEP if kept else OnStop.WITHDRAW)
    world.run(1)
    for round_ in range(_ROUNDS):
        world.source.put(guest("loop", f"192.0.2.{round_ + 1 if kept else 7}"))
        world.run(_PAUSE)
        if round_ == 0:
            assert _messages(world) == 1, "the first change goes at once"
        world.source.put(guest("loop", running=False))
        world.run(_PAUSE)
    seconds = _ROUNDS * 2 * _PAUSE
    assert 5 <= _messages(world) <= seconds / 2.0 + 1
    assert world.ns1_reverse.messages["update"] <= seconds / 2.0 + 1
    world.source.put(guest("loop", "192.0.2.99"))
    world.run(15)
    assert world.served() == {"loop.vmsrv.test A": ["192.0.2.99"]}
    assert world.pointers() == {"99": ["loop.vmsrv.test."]}
    assert world.reporter.status(world.now).problems == ()


def test_others_do_not_wait_for_a_crash_loop() -> None:
    world = LoopWorld(grace=0, on_stop=OnStop.WITHDRAW)
    world.run(1)
    for round_ in range(50):
        world.source.put(guest("loop", "192.0.2.7", running=bool(round_ % 2)))
        world.source.put(guest(f"g{round_}", f"192.0.2.{round_ + 10}"))
        world.run(_PAUSE)
        assert world.served()[f"g{round_}.vmsrv.test A"] == [f"192.0.2.{round_ + 10}"]


def test_a_crash_loop_uses_up_nobody_s_share_of_deletions() -> None:
    world = LoopWorld(grace=0, on_stop=OnStop.WITHDRAW)
    for number in range(30):
        world.source.put(guest(f"g{number}", f"192.0.2.{number + 10}"))
    world.run(5)
    for round_ in range(100):
        world.source.put(guest("loop", "192.0.2.7", running=bool(round_ % 2)))
        world.run(2)
    world.source.remove(guest("loop").id)
    for number in range(10):
        world.source.remove(guest(f"g{number}").id)
    world.run(10)
    assert len(world.served()) == 20


def test_a_guest_s_further_names_count_with_it() -> None:
    world = LoopWorld(grace=0)
    world.run(1)
    for round_ in range(20):
        world.source.put(guest(f"name{round_}", "192.0.2.7", identity="one"))
        world.run(0.5)
    assert _messages(world) <= 10 / 2.0 + 2
    world.run(10)
    assert world.served() == {"name19.vmsrv.test A": ["192.0.2.7"]}
    assert world.name("name19").records == ("A 192.0.2.7",)
    assert dns.name.from_text("name19", ZONE) in world.publisher.state.names()
