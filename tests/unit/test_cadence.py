"""When to send and to try again."""

from skulldns.plan.cadence import RELAXED, RETRY_PAUSES, URGENT, pause
from skulldns.plan.serials import advanced, reached


def test_a_single_change_is_sent_at_once() -> None:
    assert URGENT.at(100.0).wait(100.0, 100.0, 100.0) == 0


def test_a_quick_succession_is_sent_at_once_until_the_bucket_is_empty() -> None:
    pacer, now = URGENT, 100.0
    waits = []
    for _ in range(100):
        waits.append(pacer.wait(now, now, now))
        pacer = pacer.sent(now)
        now += 0.03
    assert waits[:50] == [0] * 50
    assert 0 < waits[-1] <= URGENT.refill


def test_a_long_burst_takes_a_message_for_each_refill() -> None:
    pacer, now, sent = URGENT, 100.0, 0
    while now < 140.0:
        if pacer.wait(now, now, now) <= 0:
            pacer = pacer.sent(now)
            sent += 1
        now += 0.02
    assert sent <= URGENT.capacity + 40 / URGENT.refill + 1


def test_changes_that_are_not_urgent_wait_for_a_quiet_moment_but_not_for_ever() -> None:
    pacer, now = RELAXED, 100.0
    for _ in range(int(RELAXED.capacity)):
        pacer = pacer.sent(now)
    assert pacer.wait(now, now, now) == RELAXED.quiet
    assert pacer.wait(now + RELAXED.patience, now, now + RELAXED.patience) == 0


def test_a_clock_that_jumps_back_costs_no_token_and_gains_none() -> None:
    assert URGENT.at(1000.0).at(10.0).tokens == URGENT.capacity


def test_pauses_grow_and_the_last_repeats() -> None:
    assert [pause(RETRY_PAUSES, attempt) for attempt in (0, 1, 99)] == [0.25, 0.5, 15.0]
    assert pause(RETRY_PAUSES, 99, jitter=1.0) == 12.0


def test_serials_wrap() -> None:
    assert advanced(2**32 - 1, 1) == 2
    assert advanced(1, 2**32 - 1) == -2
    assert reached(0, 2**32 - 1)
    assert not reached(5, 6)
