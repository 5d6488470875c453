"""What the proxy or a certificate lacks is said in a sentence, and is an alarm when a person should look."""

import pytest

from skulldns.loop.alarms import Alarms
from skulldns.loop.clock import Clock
from skulldns.loop.report import Reporter
from skulldns.plan.cadence import ALARM_AFTER
from tests.unit.frontworld import FrontWorld, report
from tests.unit.loopworld import LoopWorld


def test_nothing_is_wrong_with_what_is_served() -> None:
    world = FrontWorld()
    assert (world.problems(), world.alarms()) == ([], [])
    proxy = world.front.proxy()
    assert proxy is not None
    assert (proxy.state, proxy.generation, proxy.sites) == ("ready", 1, 1)


def test_a_proxy_that_does_not_run_is_an_alarm_after_five_minutes() -> None:
    world = FrontWorld()
    world.proxy.down = True
    world.sites.look()
    assert world.problems() == ["the proxy: the proxy does not answer; start it"]
    world.run(ALARM_AFTER - 30)
    assert world.alarms() == []
    world.run(60)
    [alarm] = world.alarms()
    assert alarm.endswith("; start it")
    world.proxy.down = False
    world.run(60)
    assert (world.problems(), world.alarms()) == ([], [])


def test_asking_often_does_not_put_off_the_next_try() -> None:
    world = FrontWorld()
    world.proxy.down = True
    world.sites.look()
    world.run(60)  # the pauses between tries have grown
    world.proxy.down = False
    for _ in range(30):
        world.proxy.down = True
        world.sites.look()
        world.proxy.down = False
        world.run(1)
    assert world.problems() == []


def test_a_site_in_quarantine_is_an_alarm_at_once_until_it_is_well() -> None:
    world = FrontWorld()
    world.proxy.broken = {"web.vmsrv.test"}
    world.decide()
    [sentence] = world.problems()
    assert sentence.startswith("the site web.vmsrv.test is not served as asked: ")
    assert world.alarms() == [sentence]
    world.proxy.broken = set()
    world.decide()
    assert (world.problems(), world.alarms()) == ([], [])


def test_a_certificate_that_the_proxy_cannot_use() -> None:
    world = FrontWorld()
    world.proxy.mismatched = {"vmsrv.test"}
    world.decide()
    [sentence] = world.alarms()
    assert "the certificate of vmsrv.test is not served: " in sentence


def test_an_edited_file_is_an_alarm_at_the_next_look() -> None:
    world = FrontWorld()
    world.proxy.edited = ["maps.conf"]
    world.sites.look()
    [sentence] = world.problems()
    assert "maps.conf" in sentence
    assert world.alarms() == [sentence]


@pytest.mark.parametrize(
    ("found", "sentence", "alarm"),
    [
        (report(), None, False),
        (
            report(days=29.5, alarm=True),
            "ends in 29 days and was not renewed; see `skulldns cert list`",
            True,
        ),
        (
            report(days=29.5, alarm=True, reason="the CA is away; wait"),
            "not renewed: the CA is away; wait",
            True,
        ),
        (
            report(days=40, reason="the CA is away; wait", failures=3),
            "not renewed: the CA is away; wait",
            False,
        ),
        (report(days=-1, alarm=True), "the certificate of vmsrv.test has expired", True),
        (report(days=None), None, False),
        (
            report(days=None, reason="no way; look", failures=1),
            "vmsrv.test has no certificate: no way; look",
            False,
        ),
        (
            report(days=None, reason="no way; look", failures=2),
            "vmsrv.test has no certificate: no way; look",
            True,
        ),
    ],
)
def test_certificates(found: object, sentence: str | None, *, alarm: bool) -> None:
    world = FrontWorld()
    world.reports = [found]  # type: ignore[list-item]
    problems = world.problems()
    assert (len(problems) == 1 and sentence in problems[0]) if sentence else problems == []
    assert world.alarms() == (problems if alarm else [])


def test_status_has_it_in_its_lists_of_problems_and_alarms() -> None:
    world, names = FrontWorld(), LoopWorld().reporter.names
    clock = Clock(lambda: world.now, lambda: world.now, lambda: 0.0)
    reporter = Reporter(names, Alarms(names, clock, world.front), world.front)
    assert reporter.status(world.now).problems == ()
    world.proxy.edited = ["maps.conf"]
    world.sites.look()
    status = reporter.status(world.now)
    [alarm] = status.alarms
    assert (alarm.what,) == status.problems
    assert status.proxy is not None
    assert status.proxy.drift == ("maps.conf",)
    assert [one.identity for one in status.certificates] == ["vmsrv.test"]
    world.now += 100
    assert reporter.status(world.now).alarms == (alarm,)  # it has lasted since then
