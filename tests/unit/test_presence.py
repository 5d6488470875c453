"""Law 3: down is not empty, and unseen is not gone."""

from dataclasses import replace
from ipaddress import ip_address

from skulldns.desired.presence import LOOKS_TO_CONFIRM, answers_for, missed, seen
from skulldns.model.guests import Address, GuestState, Origin, SourceName
from tests.unit.loopworld import guest

WEB = guest("web", "192.0.2.10")


def test_one_look_that_misses_a_guest_does_not_make_it_gone() -> None:
    known = missed(seen(None, WEB, 0), 1, witnessed=False)
    assert not known.present
    assert known.gone_since is None


def test_several_looks_spread_over_time_make_it_gone_since_the_first() -> None:
    known = seen(None, WEB, 0)
    for look in range(LOOKS_TO_CONFIRM):
        known = missed(known, 10 + look, witnessed=False)
    assert known.gone_since == 10


def test_many_looks_in_one_moment_do_not() -> None:
    known = seen(None, WEB, 0)
    for _ in range(100):
        known = missed(known, 10, witnessed=False)
    assert known.gone_since is None


def test_one_look_suffices_when_the_end_was_announced() -> None:
    known = missed(seen(None, WEB, 0), 10, witnessed=True)
    assert known.gone_since == 10
    assert known.witnessed


def test_a_guest_that_is_seen_again_is_as_if_it_had_never_been_missed() -> None:
    known = seen(None, WEB, 0)
    assert seen(missed(known, 10, witnessed=True), WEB, 20) == known


def test_a_stopped_guest_keeps_the_addresses_it_was_seen_with() -> None:
    stopped = replace(WEB, state=GuestState.STOPPED, interfaces=())
    known = seen(seen(None, WEB, 0), stopped, 10)
    assert [address.ip for address in known.addresses] == [ip_address("192.0.2.10")]
    assert known.stopped_since == 10


def test_new_addresses_replace_the_old_ones() -> None:
    later = replace(
        WEB,
        interfaces=(
            replace(WEB.interfaces[0], addresses=(Address(ip_address("2001:db8::5"), Origin.LEASE),)),
        ),
    )
    assert seen(seen(None, WEB, 0), later, 10).addresses == later.addresses


def test_a_migrated_guest_belongs_to_the_host_where_it_runs() -> None:
    here, there = SourceName("host a"), SourceName("host b")
    known = seen(None, replace(WEB, source=here), 0)
    arrived = replace(WEB, source=there)
    stopped_here = replace(WEB, source=here, state=GuestState.STOPPED)
    assert not answers_for(known, there, replace(arrived, state=GuestState.STOPPED))
    known = seen(known, stopped_here, 1)
    assert answers_for(known, there, arrived)
    known = seen(known, arrived, 2)
    assert not answers_for(known, here, None), "the end on the old host says nothing about the new one"
    assert not answers_for(known, here, stopped_here)
