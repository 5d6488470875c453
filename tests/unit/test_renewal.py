"""When certificates are renewed and tries repeated, as functions of now."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skulldns.model.certificates import Certificate, Window
from skulldns.model.issuance import Attempts, Issuance, Suggestion
from skulldns.plan import renewal

DAY, HOUR = 86_400.0, 3600.0
BEGIN = 1_800_000_000.0
STATE = Issuance("vmsrv.test", "https://ca.test/dir")


def certificate(lifetime: float = 90 * DAY, ari_id: str | None = "aki.serial") -> Certificate:
    return Certificate(frozenset(), BEGIN, BEGIN + lifetime, "1", "ca", ari_id)


def told(moment: float, ari_id: str = "aki.serial") -> Issuance:
    return replace(STATE, suggestion=Suggestion(ari_id, 0.0, moment - 10, moment + 10, moment))


@pytest.mark.parametrize(
    ("lifetime", "after"),
    [
        (90 * DAY, 60 * DAY),
        (45 * DAY, 30 * DAY),
        (10 * DAY, 20 * DAY / 3),
        (160 * HOUR, 80 * HOUR),
        (60.0, 30.0),
    ],
)
def test_without_a_window_two_thirds_of_the_lifetime_or_half_of_a_short_one(
    lifetime: float, after: float
) -> None:
    assert renewal.due_at(certificate(lifetime), STATE) == pytest.approx(BEGIN + after)


def test_a_window_s_moment_counts() -> None:
    assert renewal.due_at(certificate(), told(BEGIN + 50 * DAY)) == BEGIN + 50 * DAY


def test_another_certificate_s_window_does_not_count() -> None:
    assert renewal.due_at(certificate(), told(BEGIN, "another")) == BEGIN + 60 * DAY


def test_no_window_delays_into_the_last_tenth() -> None:
    assert renewal.due_at(certificate(), told(BEGIN + 89 * DAY)) == BEGIN + 81 * DAY


def test_after_an_early_renewal_a_third_of_the_lifetime_is_used() -> None:
    past = told(BEGIN - DAY)
    assert renewal.due_at(certificate(), past) == BEGIN - DAY
    assert renewal.due_at(certificate(), replace(past, early=True)) == BEGIN + 30 * DAY


@given(
    st.floats(60, 400 * DAY),
    st.floats(-400 * DAY, 400 * DAY),
    st.booleans(),
    st.floats(-400 * DAY, 400 * DAY),
)
def test_it_is_always_due_before_the_end(lifetime: float, moment: float, early: bool, since: float) -> None:  # noqa: FBT001
    one = certificate(lifetime)
    state = replace(told(BEGIN + moment), early=early, since=BEGIN + since)
    assert renewal.due_at(one, state) < one.not_after
    assert renewal.due_at(one, replace(state, suggestion=None)) < one.not_after


def test_the_moment_is_drawn_once_for_a_window() -> None:
    window = Window(BEGIN + 50 * DAY, BEGIN + 52 * DAY, HOUR)
    first = renewal.looked(certificate(), STATE, window, BEGIN, 0.25)
    assert first == Suggestion("aki.serial", BEGIN + HOUR, window.start, window.end, BEGIN + 50.5 * DAY)
    again = renewal.looked(certificate(), replace(STATE, suggestion=first), window, BEGIN + DAY, 0.9)
    assert (again.moment, again.look_at) == (first.moment, BEGIN + DAY + HOUR)


def test_a_moved_window_draws_anew() -> None:
    first = renewal.looked(certificate(), STATE, Window(BEGIN, BEGIN + DAY, HOUR), BEGIN, 0.5)
    moved = Window(BEGIN + DAY, BEGIN + 2 * DAY, HOUR)
    again = renewal.looked(certificate(), replace(STATE, suggestion=first), moved, BEGIN, 0.5)
    assert again.moment == BEGIN + 1.5 * DAY


def test_a_window_after_the_end_is_none() -> None:
    late = Window(BEGIN + 91 * DAY, BEGIN + 92 * DAY, HOUR)
    assert renewal.looked(certificate(), STATE, late, BEGIN, 0.5).moment is None


def test_looks_are_hourly_more_often_for_short_lives_and_never_after_the_end() -> None:
    seen = renewal.looked(certificate(), STATE, None, BEGIN, 0.5)
    state = replace(STATE, suggestion=seen)
    assert renewal.look_due(certificate(), STATE, BEGIN)
    assert not renewal.look_due(certificate(), state, BEGIN + HOUR - 1)
    assert renewal.look_due(certificate(), state, BEGIN + HOUR)
    assert renewal.looked(certificate(600), STATE, None, BEGIN, 0.5).look_at == BEGIN + 30
    assert not renewal.look_due(certificate(), STATE, BEGIN + 90 * DAY)
    assert not renewal.look_due(certificate(ari_id=None), STATE, BEGIN)


def test_a_failed_look_keeps_the_moment() -> None:
    state = told(BEGIN + 50 * DAY)
    after = renewal.not_looked(certificate(), state, BEGIN, 7200)
    assert after.look_at == BEGIN + 7200
    assert renewal.due_at(certificate(), replace(state, suggestion=after)) == BEGIN + 50 * DAY


def test_the_ladder() -> None:
    attempts, now, pauses = Attempts(), BEGIN, []
    for _ in range(6):
        attempts = renewal.begun(attempts, now, 0.0)
        pauses.append(attempts.next_at - now)
        now = attempts.next_at
    assert pauses == [60, 600, 6000, DAY, DAY, DAY]
    assert attempts.failures == 6


@given(st.floats(0, 1))
def test_jitter_never_shortens_a_pause(jitter: float) -> None:
    assert 60 <= renewal.begun(Attempts(), 0.0, jitter).next_at <= 66


def test_retry_after_makes_a_pause_longer_and_never_shorter() -> None:
    begun = renewal.begun(Attempts(), BEGIN, 0.0)
    assert renewal.failed(begun, BEGIN, "why", 10).next_at == BEGIN + 60
    assert renewal.failed(begun, BEGIN, "why", 7200).next_at == BEGIN + 7200
    assert renewal.failed(begun, BEGIN, "why", 1e12).next_at == BEGIN + 8 * DAY


def test_a_pause_that_a_clock_ahead_wrote_is_not_believed() -> None:
    attempts = Attempts(3, BEGIN + 365 * DAY)
    assert renewal.may_try(attempts, BEGIN)
    assert not renewal.may_try(Attempts(3, BEGIN + DAY), BEGIN)


def test_the_alarm_rings_at_a_third_of_the_lifetime_unless_the_ca_means_later() -> None:
    assert renewal.alarm_at(certificate(), STATE) == BEGIN + 60 * DAY
    assert renewal.alarm_at(certificate(160 * HOUR), STATE) == pytest.approx(BEGIN + 160 * HOUR * 2 / 3)
    assert renewal.alarm_at(certificate(), told(BEGIN + 62 * DAY)) == BEGIN + 62 * DAY


def test_a_clock_before_the_certificate_was_made_is_behind() -> None:
    assert renewal.clock_is_behind(certificate(), 0.0)
    assert not renewal.clock_is_behind(certificate(), BEGIN - HOUR)
