"""What is wrong for longer than five minutes becomes an alarm, by a clock of the test's own."""

from collections.abc import Callable

import dns.name
import pytest

from skulldns.model.namestate import NameState
from skulldns.plan.cadence import ALARM_AFTER
from tests.unit.loopworld import ZONE, LoopWorld, guest

_MARGIN = 30.0
"""Seconds; more than the longest pause between two tries."""


def _problems(world: LoopWorld) -> list[str]:
    return list(world.reporter.status(world.now).problems)


def _ns1_down(world: LoopWorld, *, wrong: bool) -> None:
    world.ns1.down = wrong


def _ns2_down(world: LoopWorld, *, wrong: bool) -> None:
    world.ns2.down = wrong


def _ns2_behind(world: LoopWorld, *, wrong: bool) -> None:
    world.ns2.lagging = wrong


def _name_denied(world: LoopWorld, *, wrong: bool) -> None:
    world.ns1.refused.clear()
    if wrong:
        world.ns1.refused.add(dns.name.from_text("web", ZONE))


_FAULTS = [_ns1_down, _ns2_down, _ns2_behind, _name_denied]


@pytest.mark.parametrize("fault", _FAULTS)
def test_an_alarm_comes_after_five_minutes_and_goes_with_the_fault(fault: Callable[..., None]) -> None:
    world = LoopWorld()
    world.run(1)
    fault(world, wrong=True)
    world.source.put(guest("web", "192.0.2.10"))
    world.run(ALARM_AFTER - _MARGIN)
    early = _problems(world)
    assert early
    assert world.alarm_texts() == []
    world.run(2 * _MARGIN)
    [alarm] = world.alarm_texts()
    assert alarm in early  # the same sentence, with its cure
    assert "; " in alarm
    world.run(3600)
    assert world.alarm_texts() == [alarm]
    fault(world, wrong=False)
    world.run(60)
    assert _problems(world) == []
    assert world.name("web").state is NameState.SERVED


@pytest.mark.parametrize("fault", _FAULTS)
def test_a_fault_that_comes_and_goes_is_no_alarm(fault: Callable[..., None]) -> None:
    world = LoopWorld()
    world.run(1)
    for number in range(4):
        fault(world, wrong=True)
        world.source.put(guest("web", f"192.0.2.{number + 1}"))
        world.run(ALARM_AFTER / 4)
        fault(world, wrong=False)
        world.run(60)
        assert _problems(world) == []
    fault(world, wrong=True)
    world.source.put(guest("web", "192.0.2.99"))
    world.run(ALARM_AFTER / 4)
    assert world.alarm_texts() == []
