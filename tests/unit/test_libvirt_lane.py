"""What hangs is bounded, and what fails is tried again at a growing pace."""

import threading

import libvirt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skulldns.model.guests import GuestId
from skulldns.sources.libvirt.addresses import Sighting
from skulldns.sources.libvirt.connection import pause
from skulldns.sources.libvirt.hearsay import Hearsay
from skulldns.sources.libvirt.lane import Closed, Lane, NoAnswer

_PATIENCE = 10.0
_GUEST = GuestId("g")


def test_a_lane_returns_and_raises_what_its_work_does() -> None:
    lane = Lane("test")
    assert lane.run(lambda: 7, _PATIENCE) == 7
    with pytest.raises(ZeroDivisionError):
        lane.run(lambda: 1 / 0, _PATIENCE)
    with pytest.raises(TimeoutError, match="its own"):
        lane.run(_raise_timeout, _PATIENCE)
    lane.close(lambda: None, _PATIENCE)


def _raise_timeout() -> None:
    message = "its own"
    raise TimeoutError(message)


def test_hanging_work_holds_up_no_caller_and_no_second_thread() -> None:
    lane, release, ran = Lane("test hanging"), threading.Event(), threading.Event()
    with pytest.raises(NoAnswer):
        lane.run(release.wait, 0)
    for _ in range(3):
        with pytest.raises(NoAnswer):
            lane.run(ran.set, _PATIENCE)
    assert [thread.name for thread in threading.enumerate()].count("test hanging") == 1
    assert not ran.is_set()
    release.set()
    lane.close(ran.set, _PATIENCE)
    assert ran.is_set()


def test_a_lane_closes_while_work_hangs() -> None:
    lane, release, last = Lane("test"), threading.Event(), threading.Event()
    with pytest.raises(NoAnswer):
        lane.run(release.wait, 0)
    lane.close(last.set, 0)
    with pytest.raises(Closed):
        lane.run(lambda: None, _PATIENCE)
    assert not last.is_set()
    release.set()
    assert last.wait(_PATIENCE)


def test_pauses_grow_to_a_bound() -> None:
    assert [pause(attempt, 0) for attempt in range(8)] == [1, 2, 4, 8, 16, 30, 30, 30]
    assert pause(0, 1) == 0.5
    assert pause(10**9, 0) == 30


@given(st.integers(min_value=0), st.floats(min_value=0, max_value=1))
def test_jitter_only_shortens_by_half_at_most(attempt: int, jitter: float) -> None:
    assert pause(attempt, 0) / 2 <= pause(attempt, jitter) <= pause(attempt, 0)


class _Agent:
    """An agent that takes some seconds of a clock, and may be silent."""

    def __init__(self) -> None:
        self.now = 0.0
        self.takes = 0.0
        self.silent = False
        self.asked = 0

    def clock(self) -> float:
        return self.now

    def __call__(self) -> Sighting:
        self.asked += 1
        self.now += self.takes
        if self.silent:
            raise libvirt.libvirtError("agent not responding")
        return {"52:54:00:00:00:01": []}


def test_a_silent_agent_is_left_alone_and_its_last_word_kept() -> None:
    agent = _Agent()
    agents = Hearsay(agent.clock, rest=300, budget=6)
    agents.begin_look()
    said = agents.ask(_GUEST, agent)
    agent.silent = True
    for _ in range(3):
        agents.begin_look()
        assert agents.ask(_GUEST, agent) == said != {}
    assert agent.asked == 2
    agent.now += 300
    agents.begin_look()
    agents.ask(_GUEST, agent)
    assert agent.asked == 3


def test_an_agent_that_came_back_is_asked_again() -> None:
    agent = _Agent()
    agents = Hearsay(agent.clock)
    agent.silent = True
    agents.begin_look()
    assert agents.ask(_GUEST, agent) == {}
    agent.silent = False
    agents.awake(_GUEST)
    assert agents.ask(_GUEST, agent) != {}


def test_one_look_spends_a_bounded_time_on_agents() -> None:
    agent = _Agent()
    agent.takes, agent.silent = 5.0, True
    agents = Hearsay(agent.clock, budget=6)
    agents.begin_look()
    for number in range(300):
        agents.ask(GuestId(str(number)), agent)
    assert agent.asked == 2


def test_whoever_was_asked_longest_ago_is_known() -> None:
    agent = _Agent()
    agents = Hearsay(agent.clock)
    agents.begin_look()
    agents.ask(_GUEST, agent)
    other = GuestId("other")
    assert agents.asked(other) < agents.asked(_GUEST)
    agent.now += 1
    agents.ask(other, agent)
    assert agents.asked(_GUEST) < agents.asked(other)


def test_a_stopped_or_vanished_guest_is_forgotten() -> None:
    agent = _Agent()
    agents = Hearsay(agent.clock)
    agents.begin_look()
    agents.ask(_GUEST, agent)
    agents.keep([_GUEST])
    agent.silent = True
    assert agents.ask(_GUEST, agent) != {}
    agents.keep([])
    assert agents.ask(_GUEST, agent) == {}
