"""What is told, to whom, when and how often: decisions, and the worker with a notifier that tells nobody."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import dns.name
import pytest

from skulldns.desired.notices import FRESH, about, is_live, of_alarm, receivers
from skulldns.desired.policy.rules import Timing
from skulldns.errors import Refused, Unavailable
from skulldns.loop.clock import Clock
from skulldns.loop.notices import NoticeWatch
from skulldns.model.alarms import Alarm
from skulldns.model.claims import Claim, ClaimId, ClaimState, GuestTarget, Proof
from skulldns.model.guests import GuestId
from skulldns.model.members import Member, MemberState
from skulldns.model.namestate import NameState
from skulldns.model.notices import Kind, Notice
from skulldns.model.views import NameView
from skulldns.plan.telling import PER_HOUR, RETRIES, TROUBLE_OVER_AFTER, again
from skulldns.store.notices import NoticeStore
from skulldns.store.proving import ClaimStore
from skulldns.targets.fakenotifier import FakeNotifier
from tests.unit.deskworld import desk
from webui.desk import Desk

NOW = 1_800_000_000.0
DAY = 86_400.0
TIMES = Timing()
HOOK = "https://hook.example.org/"
WIKI = dns.name.from_text("wiki.vmsrv.example.org.")


def claim(**changes: object) -> Claim:
    base = Claim(
        ClaimId("c1"), WIKI, "alice", ClaimState.ACTIVE, GuestTarget(GuestId("guest-alice")), NOW, NOW, NOW
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def view(state: NameState = NameState.SERVED, *links: str) -> NameView:
    body = {"links": [{"title": "x", "state": one, "text": "", "at": 0} for one in links or ("good", "none")]}
    return NameView(WIKI, state, "alice", NOW, body)


def kinds(found: Iterable[Notice]) -> list[Kind]:
    return [one.kind for one in found]


def test_a_claim_that_is_well_is_no_news() -> None:
    assert list(about(claim(), NOW, TIMES)) == []


def test_a_claim_that_awaits_approval_is_told_to_admins() -> None:
    [notice] = about(claim(state=ClaimState.AWAITING_APPROVAL), NOW, TIMES)
    assert (notice.kind, notice.member, notice.page) == (Kind.APPROVAL, None, "/admin/approvals")


def test_a_lost_proof_is_told_once_for_each_loss() -> None:
    lost = claim(proof=Proof("n", lost=NOW - DAY))
    [notice] = about(lost, NOW, TIMES)
    assert notice.kind is Kind.PROOF
    assert "2027-01-28" in notice.what
    [later] = about(lost, NOW + DAY, TIMES)
    assert later.key == notice.key
    [again_lost] = about(claim(proof=Proof("n", lost=NOW)), NOW + DAY, TIMES)
    assert again_lost.key != notice.key


def test_a_confirmation_is_asked_for_twice_within_its_time() -> None:
    since = NOW - TIMES.confirm_every
    keys = []
    for days in (-1, 0, 30, 52, 54, 59, 60):
        found = list(about(claim(confirmed=since), NOW + days * DAY, TIMES))
        keys.append(found[0].key if found else None)
    assert keys[0] is None
    assert keys[-1] is None
    assert len(set(keys[1:-1])) == 2
    assert keys[1] == keys[2] == keys[3]


@pytest.mark.parametrize("state", [ClaimState.SUSPENDED, ClaimState.QUARANTINED, ClaimState.RELEASED])
def test_nothing_is_told_of_claims_that_are_over(state: ClaimState) -> None:
    assert list(about(claim(state=state, proof=Proof("n", lost=1.0), confirmed=1.0), NOW, TIMES)) == []


def test_a_name_is_live_when_all_its_links_are_good() -> None:
    assert is_live(view())
    assert not is_live(None)
    assert not is_live(view(NameState.PENDING))
    assert not is_live(view(NameState.SERVED, "good", "wait"))


def test_only_trouble_with_certificates_is_told() -> None:
    trouble = Alarm("certificate wiki.vmsrv.example.org", "it is over tomorrow", None, NOW)
    notice = of_alarm(trouble, {WIKI: claim()}, NOW)
    assert notice is not None
    assert (notice.kind, notice.member, notice.page) == (Kind.CERTIFICATE, "alice", "/names/c1")
    assert of_alarm(Alarm("proxy", "down", None, NOW), {}, NOW) is None
    assert of_alarm(Alarm("certificate a..b", "x", None, NOW), {}, NOW) is None
    wild = of_alarm(Alarm("certificate *.vmsrv.example.org", "x", None, NOW), {}, NOW)
    assert wild is not None
    assert wild.member is None


def test_who_is_told() -> None:
    alice, carol = (
        Member("alice", 0.0, email="a@example.org"),
        Member("carol", 0.0, email="c@example.org", admin=True),
    )
    [lost] = about(claim(proof=Proof("n", lost=NOW)), NOW, TIMES)
    [wanted] = about(claim(state=ClaimState.AWAITING_APPROVAL), NOW, TIMES)
    hooks = {HOOK: [Kind.APPROVAL]}
    assert receivers(lost, alice, [carol], hooks, mail=True) == ["mail:a@example.org"]
    assert receivers(wanted, None, [carol], hooks, mail=True) == ["mail:c@example.org", f"hook:{HOOK}"]
    assert receivers(lost, alice, [carol], {}, mail=False) == []
    assert receivers(lost, replace(alice, state=MemberState.SUSPENDED), [], {}, mail=True) == []


@pytest.mark.parametrize(
    "address",
    ["", "a", "a@b c", "a@b,c@d", "a@b\nBcc: c@d", "<a@b>", "a@b;c@d", '"x"@b', "a@b\r\n.", "@", "a@"],
)
def test_what_is_no_single_address_gets_no_mail(address: str) -> None:
    [lost] = about(claim(proof=Proof("n", lost=NOW)), NOW, TIMES)
    assert receivers(lost, Member("alice", 0.0, email=address), [], {}, mail=True) == []


def test_tries_become_rarer_and_end() -> None:
    pauses = [(again(tries, 0.0, 0.0) or 0.0) for tries in range(1, len(RETRIES) + 1)]
    assert pauses == sorted(pauses)
    assert sum(pauses) > 2 * DAY
    assert again(len(RETRIES) + 1, 0.0, 0.0) is None


@dataclass
class World:
    """The worker over a real database, with clock and notifiers of our own."""

    desk: Desk
    time: float = NOW
    alarms: list[Alarm] = field(default_factory=list)
    mail: FakeNotifier = field(default_factory=FakeNotifier)
    hook: FakeNotifier = field(default_factory=FakeNotifier)

    def watch(self) -> NoticeWatch:
        """A worker as after a start."""
        clock = Clock(lambda: self.time, lambda: self.time, lambda: 0.0)
        office = self.desk.office
        return NoticeWatch(
            NoticeStore(office),
            ClaimStore(office),
            lambda: self.alarms,
            {"mail": self.mail, HOOK: self.hook},
            {HOOK: list(Kind)},
            TIMES,
            clock,
        )

    def put(self, claim: Claim, *views: NameView) -> None:
        with self.desk.office.writing() as books:
            books.claims.put(claim)
            books.views.put_names(views)


@pytest.fixture
def world(tmp_path: Path) -> World:
    here = World(desk(tmp_path))
    with here.desk.office.writing() as books:
        books.members.put(Member("alice", 0.0, email="alice@example.org"))
        books.members.put(Member("carol", 0.0, email="carol@example.org", admin=True))
    return here


def told(notifier: FakeNotifier) -> list[tuple[Kind, str]]:
    return [(one.notice.kind, one.to) for one in notifier.told]


def test_a_name_that_comes_alive_is_told_once_over_restarts(world: World) -> None:
    watch = world.watch()
    world.put(claim(), view(NameState.PENDING))
    watch.step()
    assert world.mail.told == []
    world.put(claim(), view())
    watch.step()
    assert told(world.mail) == [(Kind.LIVE, "mail:alice@example.org")]
    assert told(world.hook) == [(Kind.LIVE, f"hook:{HOOK}")]
    for _ in range(2):
        watch = world.watch()
        watch.step()
        watch.step()
    assert len(world.mail.told) == len(world.hook.told) == 1


def test_names_that_were_there_long_before_are_no_news(world: World) -> None:
    world.put(claim(confirmed=NOW - FRESH - 1), view())
    world.watch().step()
    assert world.mail.tries == world.hook.tries == 0


def test_a_failure_is_tried_again_later_and_nothing_is_lost_over_a_restart(world: World) -> None:
    world.put(claim(), view())
    world.mail.trouble = Unavailable("the mail server is away")
    watch = world.watch()
    watch.step()
    assert (world.mail.tries, len(world.hook.told)) == (1, 1)
    watch.step()
    assert world.mail.tries == 1
    world.mail.trouble = None
    world.time += RETRIES[0] + 1
    world.watch().step()
    assert told(world.mail) == [(Kind.LIVE, "mail:alice@example.org")]
    assert len(world.hook.told) == 1


def test_a_receiver_that_is_refused_is_not_tried_again(world: World) -> None:
    world.put(claim(), view())
    world.mail.trouble = Refused("no such mailbox")
    watch = world.watch()
    for _ in range(3):
        watch.step()
        world.time += 10 * DAY
    assert world.mail.tries == 1


def test_it_is_given_up_after_days(world: World) -> None:
    world.put(claim(), view())
    world.mail.trouble = Unavailable("away")
    watch = world.watch()
    for _ in range(30):
        watch.step()
        world.time += 25 * 3600
    assert world.mail.tries == len(RETRIES) + 1


def test_one_receiver_is_told_only_so_much_in_an_hour(world: World) -> None:
    watch = world.watch()
    with world.desk.office.writing() as books:
        for number in range(PER_HOUR + 5):
            name = dns.name.from_text(f"n{number}", WIKI)
            books.claims.put(claim(id=ClaimId(f"c{number}"), name=name, skeleton=str(number)))
            books.views.put_names([replace(view(), name=name)])
    for _ in range(3):
        watch.step()
    assert len(world.mail.told) == PER_HOUR
    for _ in range(3):
        world.time += 1900
        watch.step()
    assert len(world.mail.told) == PER_HOUR + 5


def test_trouble_with_a_certificate_is_told_again_only_after_it_was_over(world: World) -> None:
    world.put(claim(confirmed=NOW - 2 * DAY))
    trouble = Alarm("certificate wiki.vmsrv.example.org", "the certificate is over in 2 days", None, NOW)
    watch = world.watch()
    for there, hours in (
        (True, 10),
        (True, 10),
        (False, TROUBLE_OVER_AFTER / 3600 + 2),
        (False, 2),
        (True, 1),
    ):
        world.alarms = [trouble] if there else []
        watch.step()
        world.time += hours * 3600
    people = [to for kind, to in told(world.mail) if kind is Kind.CERTIFICATE]
    assert sorted(people) == ["mail:alice@example.org"] * 2 + ["mail:carol@example.org"] * 2


def test_a_member_is_asked_twice_in_a_year_whether_a_name_is_still_in_use(world: World) -> None:
    world.put(claim(confirmed=NOW))
    watch, days = world.watch(), []
    for day in range(430):
        world.time = NOW + day * DAY
        before = len(world.mail.told)
        watch.step()
        days += [day] * (len(world.mail.told) - before)
    assert {kind for kind, _ in told(world.mail)} == {Kind.CONFIRMATION}
    assert days == [365, 418]
    assert len(world.hook.told) == 2


def test_a_mail_way_that_is_gone_keeps_nothing_waiting(world: World) -> None:
    world.put(claim(), view())
    world.mail.trouble = Unavailable("away")
    world.watch().step()
    clock = Clock(lambda: world.time, lambda: world.time, lambda: 0.0)
    office = world.desk.office
    world.time += DAY
    NoticeWatch(NoticeStore(office), ClaimStore(office), list, {}, {}, TIMES, clock).step()
    with office.reading():
        assert NoticeStore(office).due(world.time + 100 * DAY) == []
