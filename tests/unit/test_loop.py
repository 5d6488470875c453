"""The loop from event to read-back, with fakes and a clock of its own."""

import dns.name
from dns.rdatatype import A

from skulldns.desired.zonefile import parse_zone
from skulldns.model.guests import Hint
from skulldns.model.namestate import NameState
from skulldns.model.observations import ZoneFile
from skulldns.model.records import Key
from skulldns.plan.cadence import ALARM_AFTER, FOLLOW_PAUSES, FULL_LOOK_EVERY
from tests.unit.loopworld import ZONE, LoopWorld, guest


def test_a_guest_starts_and_both_servers_answer_after_one_message() -> None:
    world = LoopWorld()
    world.run(1)
    world.source.put(guest("web", "192.0.2.10"))
    world.run(1)
    assert world.served() == {"web.vmsrv.test A": ["192.0.2.10"]}
    assert world.name("web").state is NameState.SERVED
    assert world.ns1.messages["update"] == 1
    assert not world.follower.pending


def test_an_unchanged_world_costs_one_query_per_server_and_minute() -> None:
    world = LoopWorld()
    world.source.put(guest("web", "192.0.2.10"))
    world.run(5)
    world.ns1.messages.clear()
    world.ns2.messages.clear()
    world.run(10 * FULL_LOOK_EVERY)
    assert dict(world.ns1.messages) == {"query": 10}
    assert dict(world.ns2.messages) == {"query": 10}


def test_an_event_about_one_guest_reads_one_guest() -> None:
    world = LoopWorld()
    for number in range(100):
        world.source.put(guest(f"g{number}", f"192.0.2.{number + 1}"), tell=False)
    world.run(5)
    world.source.calls.clear()
    world.source.put(guest("g5", "192.0.2.200"))
    world.run(5)
    assert dict(world.source.calls) == {"guest": 1}


def test_many_guests_share_few_messages() -> None:
    world = LoopWorld()
    world.run(1)
    for number in range(200):
        world.source.put(guest(f"g{number}", f"192.0.2.{number + 1}"))
    world.run(3)
    assert len(world.served()) == 200
    assert world.ns1.messages["update"] <= 2


def test_guests_started_one_after_another_share_messages_once_they_are_many() -> None:
    world = LoopWorld()
    world.run(1)
    for number in range(250):
        world.source.put(guest(f"g{number}", f"192.0.2.{number + 1}"))
        world.run(0.02)
    world.run(2)
    assert len(world.served()) == 250
    assert world.ns1.messages["update"] <= 62


def test_noerror_that_changed_nothing_is_pending_and_tried_again_without_a_storm() -> None:
    world = LoopWorld()
    world.run(1)
    cname = world.put_by_hand("web", "CNAME", "other.test.")
    # The loop has read the zone before: it does not know of the CNAME, and a prerequisite tells it.
    world.source.put(guest("web", "192.0.2.10"))
    world.run(30)
    assert world.name("web").state is NameState.FOREIGN
    assert world.ns1.messages["update"] <= 8
    world.zone.drop(cname)
    world.run(FULL_LOOK_EVERY + 20)
    assert world.name("web").state is NameState.SERVED


def test_a_lost_answer_is_read_back_and_the_change_counted_as_ours() -> None:
    world = LoopWorld()
    world.run(1)
    world.ns1.lost_answers = 1
    world.source.put(guest("web", "192.0.2.10"))
    world.run(5)
    assert world.name("web").state is NameState.SERVED
    assert world.ns1.messages["update"] == 1
    assert world.publisher.owns("id-web")


def test_what_the_primary_has_lost_and_nobody_wants_is_no_name_any_more() -> None:
    world = LoopWorld()
    texts = [
        "".join(f"n{number}: {{type: A, value: 192.0.2.1}}\n" for number in range(2)),
        "n0: {type: A, value: 192.0.2.1}",
    ]
    world.engine.mailbox.put(ZoneFile(ZONE, parse_zone(texts[0], ZONE, "zone.yaml", 60)))
    world.run(5)
    assert world.name("n1").state is NameState.SERVED
    lost = dns.name.from_text("n1", ZONE)
    world.zone.drop(Key(lost, A))
    world.begin()  # as a one-shot `status` does after a restore: it looks, and writes nothing
    world.engine.mailbox.put(ZoneFile(ZONE, parse_zone(texts[1], ZONE, "zone.yaml", 60)))
    world.engine.step()
    world.publisher.look()
    assert world.name("n1").state is NameState.UNKNOWN


def test_one_refused_name_does_not_keep_the_others_back() -> None:
    world = LoopWorld()
    world.run(1)
    world.ns1.refused.add(dns.name.from_text("g7", ZONE))
    for number in range(20):
        world.source.put(guest(f"g{number}", f"192.0.2.{number + 1}"))
    world.run(5)
    assert len(world.served()) == 19
    assert world.name("g7").state is NameState.PENDING
    assert "deny an update of g7.vmsrv.test" in world.name("g7").reason
    assert any("g7.vmsrv.test is pending" in problem for problem in world.reporter.status(world.now).problems)
    world.ns1.refused.clear()
    world.run(30)
    assert world.name("g7").state is NameState.SERVED


def test_an_equal_record_put_there_by_hand_in_the_same_moment_stays_foreign() -> None:
    world = LoopWorld()
    world.source.put(guest("first", "192.0.2.9"))
    world.run(2)
    world.put_by_hand("web", "A", "192.0.2.10")
    world.source.put(guest("web", "192.0.2.10"))
    world.run(20)
    assert world.name("web").state is NameState.FOREIGN
    [ours] = [rrset for key, rrset in world.zone.rrsets.items() if str(key) == "web.vmsrv.test A"]
    assert ours.ttl == 300


def test_ns1_down_for_a_day_is_bounded_by_names_and_heals() -> None:
    world = LoopWorld()
    world.run(1)
    world.ns1.down = True
    for round_ in range(50):
        world.source.put(guest("web", f"192.0.2.{round_ + 1}"))
        world.run(30)
    assert world.name("web").state is NameState.PENDING
    assert world.name("web").reason.endswith("start the name server")
    world.ns1.messages.clear()
    world.run(3600)
    assert world.ns1.messages.total() <= 3600 / 15 * 1.3
    world.ns1.down = False
    world.run(60)
    assert world.served() == {"web.vmsrv.test A": ["192.0.2.50"]}


def test_a_secondary_that_lags_is_asked_ever_more_rarely_and_spoken_of_while_others_names_come() -> None:
    world = LoopWorld()
    world.source.put(guest("web", "192.0.2.10"))
    world.run(5)
    world.ns2.lagging = True
    world.source.put(guest("later", "192.0.2.11"))
    world.run(30)
    said = world.follower.reason
    assert said is not None
    world.ns2.messages.clear()
    world.run(120)  # two looks at the primary, which have no news
    assert world.ns2.messages["query"] <= 120 / FOLLOW_PAUSES[-1] * 1.3

    world.ns2.lagging = False
    world.ns2.transfer()
    world.run(20)
    assert world.follower.reason is None
    world.ns2.lagging = True
    for number in range(8):
        world.source.put(guest(f"busy{number}", f"192.0.2.{20 + number}"))
        world.run(3)
    said = world.follower.reason
    assert said is not None


def test_a_name_that_is_refused_again_and_again_keeps_the_publisher_at_rest_between_its_tries() -> None:
    world = LoopWorld()
    world.run(1)
    world.ns1.refused.add(dns.name.from_text("bad", ZONE))
    world.source.put(guest("bad", "192.0.2.11"))
    steps = []
    for _ in range(1000):
        wait = world.publisher.step()
        steps.append(wait)
        world.run(0.001)
    assert world.ns1.messages["update"] == 1
    assert [wait for wait in steps if wait is not None and wait <= 0] == []


def test_ns2_down_is_pending_then_an_alarm_then_served_by_itself() -> None:
    world = LoopWorld()
    world.run(1)
    world.ns2.down = True
    world.source.put(guest("web", "192.0.2.10"))
    world.run(10)
    assert world.name("web").state is NameState.PENDING
    assert world.alarm_texts() == []
    world.run(ALARM_AFTER)
    assert len(world.alarm_texts()) == 1
    world.ns2.down = False
    world.run(60)
    assert world.name("web").state is NameState.SERVED
    assert world.reporter.status(world.now).problems == ()


def test_a_secondary_that_misses_the_notify_is_notified_again() -> None:
    world = LoopWorld()
    world.run(1)
    world.ns2.lagging = True
    world.source.put(guest("web", "192.0.2.10"))
    world.run(5)
    assert world.name("web").state is NameState.PENDING
    world.ns2.lagging = False
    world.run(30)
    assert world.name("web").state is NameState.SERVED


def test_a_source_that_is_down_holds_its_names() -> None:
    world = LoopWorld()
    world.source.put(guest("web", "192.0.2.10"))
    world.run(2)
    world.source.go_down()
    world.run(200)
    assert world.name("web").state is NameState.HELD
    assert world.served() == {"web.vmsrv.test A": ["192.0.2.10"]}
    world.source.come_up()
    world.run(60)
    assert world.name("web").state is NameState.SERVED


def test_an_empty_answer_deletes_nothing_however_long_it_lasts() -> None:
    world = LoopWorld()
    for number in range(10):
        world.source.put(guest(f"g{number}", f"192.0.2.{number + 1}"))
    world.run(2)
    world.source.answer_empty()
    world.run(6 * 3600)
    assert len(world.served()) == 10
    assert world.name("g3").state is NameState.HELD


def test_one_guest_that_cannot_be_read_keeps_its_name_and_the_others_go_on() -> None:
    world = LoopWorld()
    for number in range(5):
        world.source.put(guest(f"g{number}", f"192.0.2.{number + 1}"))
    world.run(2)
    world.source.fail(guest("g3").id)
    world.source.wake(Hint(world.source.name, guest("g3").id))
    world.source.put(guest("new", "192.0.2.99"))
    world.run(300)
    assert len(world.served()) == 6
    [problem] = world.reporter.status(world.now).problems
    assert problem.startswith("fake: g3 cannot be read and nothing of them changes")


def test_an_undefined_guest_goes_after_its_grace_also_when_it_was_the_only_one() -> None:
    world = LoopWorld(grace=100)
    world.source.put(guest("web", "192.0.2.10"))
    world.run(2)
    world.source.remove(guest("web").id)
    world.run(90)
    assert world.name("web").state is NameState.HELD
    assert len(world.served()) == 1
    world.run(20)
    assert world.served() == {}
    assert world.ledger.journal(dns.name.from_text("web", ZONE), 1)[0].after is None


def test_a_renamed_guest_is_never_without_a_name() -> None:
    world = LoopWorld()
    world.source.put(guest("old", "192.0.2.10", identity="one"))
    world.run(2)
    world.source.put(guest("new", "192.0.2.10", identity="one"))
    for _ in range(200):
        world.run(0.002)
        assert world.served()
    world.run(5)
    assert world.served() == {"new.vmsrv.test A": ["192.0.2.10"]}


def test_a_restart_changes_nothing_and_deletes_nothing_before_the_source_has_answered() -> None:
    world = LoopWorld()
    for number in range(5):
        world.source.put(guest(f"g{number}", f"192.0.2.{number + 1}"))
    world.run(2)
    world.source.remove(guest("g1").id, tell=False)
    world.source.go_down()
    world.ns1.messages.clear()
    world.begin()
    world.run(120)
    assert world.ns1.messages["update"] == 0
    world.source.come_up()
    world.run(60)
    assert len(world.served()) == 4


def test_a_record_of_ours_that_somebody_deleted_comes_back() -> None:
    world = LoopWorld()
    world.source.put(guest("web", "192.0.2.10"))
    world.run(2)
    world.zone.drop(*world.zone.rrsets)
    world.run(FULL_LOOK_EVERY + 1)
    assert world.served() == {"web.vmsrv.test A": ["192.0.2.10"]}


def test_a_serial_that_went_backwards_is_noticed_and_the_zone_read_again() -> None:
    world = LoopWorld()
    world.source.put(guest("web", "192.0.2.10"))
    world.run(2)
    world.zone.drop(*world.zone.rrsets)
    world.zone.serial = 1
    world.run(FULL_LOOK_EVERY + 1)
    assert world.served() == {"web.vmsrv.test A": ["192.0.2.10"]}


def test_a_guest_without_an_address_is_looked_at_again_with_growing_pauses() -> None:
    world = LoopWorld()
    world.run(1)
    world.source.put(guest("web"))
    world.source.calls.clear()
    world.run(10)
    assert 6 <= world.source.calls["guest"] <= 9
    assert world.name("web").state is NameState.PENDING
    world.source.put(guest("web", "192.0.2.10"), tell=False)
    world.run(30)
    assert world.name("web").state is NameState.SERVED


def test_a_clock_that_jumps_a_year_back_stops_nothing() -> None:
    world = LoopWorld()
    world.run(5)
    world.jumped = -365 * 86400
    world.source.put(guest("web", "192.0.2.10"))
    world.run(1)
    assert world.name("web").state is NameState.SERVED
    world.zone.drop(*world.zone.rrsets)
    world.run(FULL_LOOK_EVERY + 1)
    assert world.name("web").state is NameState.SERVED


def test_a_guest_defined_anew_under_its_name_while_nobody_looked_has_the_name_at_once() -> None:
    world = LoopWorld(grace=1000)
    world.source.put(guest("web", "192.0.2.10", identity="one"))
    world.run(2)
    world.source.remove(guest("web", identity="one").id, tell=False)
    world.source.put(guest("web", "192.0.2.11", identity="two"), tell=False)
    world.begin()
    world.run(1)
    assert world.served() == {"web.vmsrv.test A": ["192.0.2.11"]}


def test_an_orderly_stop_remembers_what_was_seen_last() -> None:
    world = LoopWorld()
    world.source.put(guest("first", "192.0.2.9"))
    world.run(2)
    world.source.put(guest("web", "192.0.2.10"))
    world.looker.step()
    world.engine.step()
    world.source.put(guest("last", "192.0.2.11"))
    world.looker.step()
    world.engine.step()
    world.engine.close()
    world.source.go_down()
    world.begin()
    assert world.engine.registry.known(guest("last").id) is not None


def test_a_name_with_very_many_records_that_is_not_answered_holds_up_no_other() -> None:
    world = LoopWorld()
    world.run(1)
    big = dns.name.from_text("big", ZONE)
    world.ns1.unanswered = {big}
    values = ", ".join(f"198.51.{number // 250}.{number % 250}" for number in range(300))
    text = f"big: {{type: A, values: [{values}]}}\nsmall: {{type: A, value: 192.0.2.1}}\n"
    world.engine.mailbox.put(ZoneFile(ZONE, parse_zone(text, ZONE, "zone.yaml", 60)))
    world.source.put(guest("web", "192.0.2.10"))
    world.run(1)
    for name in ("small", "web"):
        assert world.name(name).state is NameState.SERVED
    assert world.name("big").state is NameState.PENDING
    assert "an update was sent" in world.name("big").reason
    assert world.publisher.trouble is None
    world.source.put(guest("later", "192.0.2.11"))
    world.run(1)
    assert world.name("later").state is NameState.SERVED
    world.ns1.unanswered = set()
    world.run(30)
    assert world.name("big").state is NameState.SERVED
