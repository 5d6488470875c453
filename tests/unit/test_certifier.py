"""The certifier over days and weeks, with a clock of its own."""

from pathlib import Path

import dns.name
import pytest

from skulldns.errors import Unavailable
from skulldns.loop.certifier import Renew
from skulldns.model.certificates import Caa, Certificate, Challenge, Window
from skulldns.model.issuance import Kind
from skulldns.plan.budget import LETS_ENCRYPT, Limit
from skulldns.targets.acme.fake import Spoiled
from skulldns.targets.protocol import RateLimited
from tests.unit.certworld import DAY, HOUR, PROXY, CertWorld, wish

ZONE = wish("vmsrv.test", "vmsrv.test", "*.vmsrv.test")
BLOG = wish("blog.example.org", kind=Challenge.HTTP01)


@pytest.fixture
def world(tmp_path: Path) -> CertWorld:
    return CertWorld(tmp_path / "certificates")


def away(world: CertWorld) -> Unavailable:
    return Unavailable("it answers with HTTP status 500", where=world.ca.directory)


def serial(world: CertWorld, identity: str = "vmsrv.test") -> str | None:
    found = world.files.current(identity)
    return found.serial if found else None


def test_a_wish_is_fulfilled_within_seconds(world: CertWorld) -> None:
    world.want(ZONE)
    world.run(5)
    found = world.files.current("vmsrv.test")
    assert found
    assert found.names == set(ZONE.names)
    assert world.issued == ["vmsrv.test"]
    assert world.prover.placed == []
    assert not world.report("vmsrv.test").alarm


@pytest.mark.parametrize(
    ("lifetime", "part"), [(90 * DAY, 2 / 3), (45 * DAY, 2 / 3), (160 * HOUR, 1 / 2), (60.0, 1 / 2)]
)
def test_it_is_renewed_in_time_whatever_the_lifetime(world: CertWorld, lifetime: float, part: float) -> None:
    world.ca.lifetime = lifetime
    world.want(ZONE)
    world.run(1)
    first = serial(world)
    world.run(lifetime * part - 5)
    assert serial(world) == first
    world.run(10)
    assert serial(world) != first
    assert world.ca.asked["replacing"] == 1


def test_a_minute_s_certificates_are_renewed_for_ten_minutes_and_never_expire(world: CertWorld) -> None:
    world.ca.lifetime = 60
    world.want(ZONE)
    for _ in range(60):
        world.run(10)
        found = world.files.current("vmsrv.test")
        assert found
        assert found.not_after > world.wall()
        assert not world.report("vmsrv.test").alarm
    assert 18 <= len(world.issued) <= 21


def test_twenty_starts_in_a_row_order_nothing(world: CertWorld) -> None:
    world.want(ZONE)
    world.run(5)
    for _ in range(20):
        world.begin(ZONE)
        world.run(30)
    assert world.ca.asked["order"] == 1


def test_twenty_power_cuts_in_the_middle_of_an_order_keep_to_the_ladder(world: CertWorld) -> None:
    world.prover.lag = 10**9  # no proof is ever seen, so each order is cut off in its middle
    for _ in range(20):
        world.begin(ZONE)
        world.run(20)
    assert world.ca.asked["order"] <= 2


def test_what_a_crash_left_is_swept_before_the_first_order(world: CertWorld) -> None:
    world.ca.order_trouble = away(world)
    world.want(ZONE)
    world.run(1)
    world.prover.leftovers += world.prover.placed
    world.begin(ZONE)
    world.run(1)
    assert world.prover.leftovers == []


# ------------------------------------------------------------------------------------------- a CA in trouble


def test_two_weeks_of_errors_keep_the_ladder_and_end_within_an_hour(world: CertWorld) -> None:
    world.want(ZONE)
    world.run(5)
    first = world.files.current("vmsrv.test")
    assert first
    world.run(60 * DAY - 60)
    world.ca.trouble = away(world)
    orders = world.ca.asked["order"]
    world.run(14 * DAY)
    found = world.report("vmsrv.test")
    assert world.files.current("vmsrv.test") == first
    assert found.alarm
    assert 15 <= found.failures <= 18
    assert "500" in str(found.reason)
    assert world.ca.asked["order"] - orders <= found.failures
    assert world.ca.asked["ping"] >= 14 * 24
    world.ca.trouble = None
    world.run(HOUR)
    assert serial(world) != first.serial
    assert not world.report("vmsrv.test").alarm


def test_orders_alone_in_trouble_are_repeated_after_1_10_and_100_minutes_then_daily(world: CertWorld) -> None:
    world.ca.order_trouble = away(world)
    world.chance = 0.0
    world.want(ZONE)
    world.run(4 * DAY)
    gaps = [b - a for a, b in zip(world.orders_at, world.orders_at[1:], strict=False)]
    assert gaps[:5] == pytest.approx([60, 600, 6000, DAY, DAY], abs=5)


def test_the_ladder_survives_restarts(world: CertWorld) -> None:
    world.ca.order_trouble = away(world)
    world.want(ZONE)
    world.run(15 * 60)
    assert len(world.orders_at) == 3
    for _ in range(10):
        world.begin(ZONE)
        world.run(5 * 60)
    assert len(world.orders_at) == 3


def test_retry_after_is_obeyed(world: CertWorld) -> None:
    world.ca.order_trouble = RateLimited("too many orders", retry_after=2 * HOUR, where=world.ca.directory)
    world.want(ZONE)
    world.run(2 * HOUR - 5)
    assert len(world.orders_at) == 1
    world.ca.order_trouble = None
    world.run(10)
    assert serial(world)


def test_the_next_ca_is_asked_where_the_first_is_away(tmp_path: Path) -> None:
    world = CertWorld(tmp_path / "certificates", cas=2)
    world.ca.trouble = away(world)
    world.want(ZONE)
    world.run(5)
    assert world.report("vmsrv.test").ca == world.cas[1].directory
    world.ca.trouble = None
    world.run(60 * DAY + HOUR)  # renewed by the first, which has nothing to replace
    assert world.report("vmsrv.test").ca == world.ca.directory
    assert world.ca.asked["replacing"] == 0


def test_a_ca_that_says_replaced_before_is_asked_without(world: CertWorld) -> None:
    world.want(ZONE)
    world.run(5)
    first = world.files.current("vmsrv.test")
    assert first
    assert first.ari_id
    world.ca.replaced.add(first.ari_id)
    world.run(60 * DAY)
    assert serial(world) != first.serial
    assert world.ca.asked["order"] == 3


@pytest.mark.parametrize("spoiled", list(Spoiled))
def test_an_unsound_certificate_never_replaces_a_good_one(world: CertWorld, spoiled: Spoiled) -> None:
    world.want(ZONE)
    world.run(5)
    first = serial(world)
    world.ca.spoiled = spoiled
    world.run(60 * DAY + HOUR)
    assert world.ca.asked["issued"] > 1
    assert serial(world) == first
    assert "the new certificate is not used" in str(world.report("vmsrv.test").reason)
    world.ca.spoiled = None
    world.run(2 * HOUR)
    assert serial(world) != first


def test_a_certificate_that_is_old_when_it_comes_is_not_renewed_in_a_loop(world: CertWorld) -> None:
    world.ca.backdated = 80 * DAY
    world.want(ZONE)
    world.run(6 * DAY)
    assert len(world.issued) == 1
    world.run(3 * DAY)
    assert len(world.issued) == 2


# ---------------------------------------------------------------------------------------- names in trouble


def test_one_failing_name_does_not_block_others(world: CertWorld) -> None:
    world.ca.failing = {dns.name.from_text("bad.test")}
    world.want(wish("bad.test"), ZONE)
    world.run(5)
    assert serial(world)
    assert "could not be validated" in str(world.report("bad.test").reason)


def test_the_other_names_of_a_wish_get_theirs(world: CertWorld) -> None:
    bad = dns.name.from_text("bad.test")
    world.ca.failing = {bad}
    world.want(wish("good.test", "good.test", "bad.test"))
    world.run(5)
    found = world.files.current("good.test")
    assert found
    assert found.names == {dns.name.from_text("good.test")}
    world.ca.failing = set()
    world.run(2 * HOUR)
    found = world.files.current("good.test")
    assert found
    assert bad in found.names


def test_after_a_failed_validation_staging_is_asked_first(tmp_path: Path) -> None:
    world = CertWorld(tmp_path / "certificates", staging=True)
    assert world.staging
    bad = dns.name.from_text("bad.test")
    world.ca.failing = world.staging.failing = {bad}
    world.want(wish("bad.test"))
    world.run(30)
    assert (world.ca.asked["order"], world.staging.asked["order"]) == (1, 0)
    world.run(HOUR)
    assert (world.ca.asked["order"], world.staging.asked["order"]) == (1, 2)
    world.ca.failing = world.staging.failing = set()
    world.run(2 * HOUR)
    assert (world.ca.asked["order"], world.staging.asked["order"]) == (2, 3)
    assert serial(world, "bad.test")


def test_no_ca_is_asked_before_a_name_leads_to_us_everywhere(world: CertWorld) -> None:
    name = dns.name.from_text("blog.example.org")
    world.lookups.at[name] = {"ns1": frozenset({PROXY}), "ns2": frozenset()}
    world.want(BLOG)
    world.run(DAY)
    assert world.ca.asked["order"] == 0
    assert "leads to no address at ns2" in str(world.report("blog.example.org").reason)
    world.lookups.at[name] = {"ns1": frozenset({PROXY}), "ns2": frozenset({PROXY})}
    world.run(70)
    assert serial(world, "blog.example.org")


def test_caa_keeps_a_ca_from_being_asked(world: CertWorld) -> None:
    world.lookups.records[dns.name.from_text("test")] = [Caa(0, "issue", "other.test")]
    world.want(ZONE)
    world.run(5)
    assert world.ca.asked["order"] == 0
    assert "allow only other.test" in str(world.report("vmsrv.test").reason)


def test_our_own_servers_trouble_is_over_within_a_minute_of_its_end(world: CertWorld) -> None:
    world.prover.trouble = Unavailable("nothing listens there", where="192.0.2.53:53")
    world.want(ZONE)
    world.run(DAY)
    assert world.ca.asked["order"] == 0
    world.prover.trouble = None
    world.run(65)
    assert serial(world)


# ------------------------------------------------------------------------------------- renewal information


def always(start: float, end: float) -> Window:
    return Window(start, end, HOUR)


def test_a_window_decides_when_to_renew(world: CertWorld) -> None:
    begin = world.wall()
    world.ca.window_at = lambda _: always(begin + 10 * DAY, begin + 12 * DAY)
    world.want(ZONE)
    world.run(11 * DAY - HOUR)
    assert len(world.issued) == 1
    world.run(2 * HOUR)
    assert len(world.issued) == 2


def test_a_window_that_moves_to_now_renews_within_the_hour(world: CertWorld) -> None:
    begin = world.wall()
    world.ca.window_at = lambda _: always(begin + 50 * DAY, begin + 52 * DAY)
    world.want(ZONE)
    world.run(5 * DAY)
    first = world.files.current("vmsrv.test")
    assert first
    revoked = first.ari_id

    def moved(certificate: Certificate) -> Window:
        if certificate.ari_id == revoked:
            return always(begin, begin + DAY)
        return always(begin + 50 * DAY, begin + 52 * DAY)

    world.ca.window_at = moved
    world.run(HOUR + 60)
    assert len(world.issued) == 2
    world.run(20 * DAY)
    assert len(world.issued) == 2


def test_a_window_that_always_lies_in_the_past_renews_once_and_not_in_a_loop(world: CertWorld) -> None:
    begin = world.wall()
    world.ca.window_at = lambda _: always(begin - 2 * DAY, begin - DAY)
    world.want(ZONE)
    world.run(29 * DAY)
    assert len(world.issued) == 2
    world.run(60 * DAY)
    assert len(world.issued) <= 4


def test_windows_are_looked_at_about_hourly_and_the_moment_is_drawn_once(world: CertWorld) -> None:
    begin = world.wall()
    world.ca.window_at = lambda _: always(begin + 10 * DAY, begin + 20 * DAY)
    world.want(ZONE)
    world.run(HOUR)
    due = world.report("vmsrv.test").due_at
    looks = world.ca.asked["window"]
    world.chance = 0.9
    world.run(DAY)
    world.begin(ZONE)
    world.run(HOUR)
    assert 23 <= world.ca.asked["window"] - looks <= 26
    assert world.report("vmsrv.test").due_at == due


def test_a_ca_that_cannot_tell_windows_is_no_obstacle(world: CertWorld) -> None:
    def broken(_: Certificate) -> Window:
        raise Unavailable("its answer cannot be read", where=world.ca.directory)

    world.ca.window_at = broken
    world.want(ZONE)
    world.run(61 * DAY)
    assert len(world.issued) == 2


# -------------------------------------------------------------------------------------- clocks and persons


def test_a_clock_in_1970_orders_nothing(world: CertWorld) -> None:
    world.want(ZONE)
    world.run(5)
    world.jumped = -world.now
    world.begin(ZONE)
    world.run(HOUR)
    world.jumped = 0.0
    world.run(HOUR)
    assert world.ca.asked["order"] == 1


def test_a_person_may_renew_at_once(world: CertWorld) -> None:
    world.want(ZONE)
    world.run(5)
    world.certifier.mailbox.put(Renew("vmsrv.test"))
    world.run(5)
    assert len(world.issued) == 2
    world.run(DAY)
    assert len(world.issued) == 2


def test_what_is_not_wanted_any_more_is_left_alone(world: CertWorld) -> None:
    world.want(ZONE)
    world.run(5)
    world.want()
    world.run(100 * DAY)
    assert world.ca.asked["order"] == 1


def test_the_budget_refuses_before_the_ca_would(tmp_path: Path) -> None:
    limits = {**LETS_ENCRYPT, Kind.CERTIFICATE: Limit(3, 7 * DAY)}
    world = CertWorld(tmp_path / "certificates", limits=limits)
    world.want(*[wish(f"n{number}.example.org") for number in range(5)])
    world.run(HOUR)
    assert world.ca.asked["order"] == 3
    refused = [one for one in world.certifier.reports() if one.certificate is None]
    assert len(refused) == 2
    assert "its limit of 3 (certificate for example.org) is used up" in str(refused[0].reason)
    world.run(7 * DAY)
    assert world.ca.asked["order"] == 5


def test_a_limit_longer_than_a_week_looks_back_as_far_as_it_is_long(tmp_path: Path) -> None:
    limits = {**LETS_ENCRYPT, Kind.CERTIFICATE: Limit(3, 20 * DAY)}
    world = CertWorld(tmp_path / "certificates", limits=limits)
    world.want(*[wish(f"n{number}.example.org") for number in range(5)])
    world.run(19 * DAY)
    assert world.ca.asked["order"] == 3
    world.run(2 * DAY)
    assert world.ca.asked["order"] == 5
