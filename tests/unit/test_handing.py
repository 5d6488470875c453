"""Names that go from one member to another: offered, and theirs only once they have said yes."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import dns.name
import pytest

from skulldns.desired.policy.proofs import looked
from skulldns.errors import Refused
from skulldns.model.claims import AddressTarget, Claim, ClaimState, Offer, RedirectTarget, Surroundings
from skulldns.model.members import Actor
from skulldns.model.sites import BasicAuth, SiteOptions
from skulldns.store.audit import AuditFilter
from skulldns.store.proving import ClaimStore
from tests.unit.deskworld import ALICE, BOB, ROOT, ZONE, desk, web
from webui.desk import Desk, approval, claims, handing, members

CAROL = Actor("carol", "192.0.2.9")
WIKI = dns.name.from_text("wiki", ZONE)


@pytest.fixture
def place(tmp_path: Path) -> Desk:
    return desk(tmp_path)


@pytest.fixture
def made(place: Desk) -> Claim:
    return claims.claim(place, ALICE, "wiki", web(), 1.0)


def offered(place: Desk, actor: Actor = BOB, now: float = 3.0) -> list[Offer]:
    return list(handing.offers(place, actor, now))


def acts(place: Desk) -> list[tuple[str, str]]:
    with place.office.reading() as books:
        return [(row.act.who, row.act.what) for row in books.audit.rows(AuditFilter(subject=str(WIKI)[:-1]))]


def test_a_name_is_the_heir_s_when_they_accept_it_and_not_before(place: Desk, made: Claim) -> None:
    offer = handing.offer(place, ALICE, made.id, "bob", 2.0)
    assert (offer.name, offer.giver, offer.heir) == (WIKI, "alice", "bob")
    assert offered(place) == [offer]
    assert claims.show(place, ALICE, made.id) == made
    after = handing.accept(place, BOB, made.id, 3.0)
    assert (after.member, after.created, after.state) == ("bob", 3.0, ClaimState.ACTIVE)
    assert handing.accept(place, BOB, made.id, 4.0) == after
    assert offered(place) == []
    assert acts(place) == [("bob", "transfer"), ("alice", "offer"), ("alice", "claim")]
    with pytest.raises(Refused, match="no such claim"):
        claims.show(place, ALICE, made.id)


def test_whoever_declines_is_not_asked_again_and_the_giver_keeps_it(place: Desk, made: Claim) -> None:
    handing.offer(place, ALICE, made.id, "bob", 2.0)
    handing.decline(place, BOB, made.id, 3.0)
    handing.decline(place, BOB, made.id, 3.0)
    assert offered(place) == []
    with pytest.raises(Refused, match="nobody offers you"):
        handing.accept(place, BOB, made.id, 3.0)
    assert claims.show(place, ALICE, made.id) == made
    assert acts(place)[:2] == [("bob", "decline"), ("alice", "offer")]


def test_the_giver_takes_an_offer_back_or_makes_another(place: Desk, made: Claim) -> None:
    first = handing.offer(place, ALICE, made.id, "bob", 2.0)
    assert handing.offer(place, ALICE, made.id, "bob", 3.0) == first
    handing.offer(place, ALICE, made.id, "carol", 3.0)
    assert (offered(place), len(offered(place, CAROL))) == ([], 1)
    handing.withdraw(place, ALICE, made.id, 4.0)
    handing.withdraw(place, ALICE, made.id, 4.0)
    assert offered(place, CAROL) == []
    with pytest.raises(Refused, match="nobody offers you"):
        handing.accept(place, CAROL, made.id, 5.0)
    assert [what for _, what in acts(place)] == ["withdraw offer", "offer", "offer", "claim"]


def test_an_offer_stands_seven_days(place: Desk, made: Claim) -> None:
    until = handing.offer(place, ALICE, made.id, "bob", 2.0).until
    assert until == 2.0 + 7 * 86_400
    assert offered(place, now=until - 1.0)
    assert offered(place, now=until) == []
    with pytest.raises(Refused, match="nobody offers you"):
        handing.accept(place, BOB, made.id, until)


@pytest.mark.parametrize("how", ["released", "suspended", "handed on by an admin"])
def test_an_offer_is_over_when_the_name_is_no_longer_the_giver_s_to_give(
    place: Desk, made: Claim, how: str
) -> None:
    handing.offer(place, ALICE, made.id, "bob", 2.0)
    ends: dict[str, Callable[[], object]] = {
        "released": lambda: claims.release(place, ALICE, made.id, 3.0),
        "suspended": lambda: approval.suspend(place, CAROL, made.id, "broken", 3.0),
        "handed on by an admin": lambda: handing.transfer(
            place, replace(ROOT, acting_as="alice"), made.id, "carol", 3.0
        ),
    }
    ends[how]()
    assert offered(place) == []
    with pytest.raises(Refused, match="nobody offers you"):
        handing.accept(place, BOB, made.id, 4.0)


def test_a_login_that_nobody_has_is_offered_a_name_like_any_other(place: Desk, made: Claim) -> None:
    members.set_admin(place, ROOT, "bob", 1.0, admin=True)
    members.suspend_member(place, ROOT, "carol", "left", 1.0)
    members.set_quota(place, ROOT, "bob", 0, 1.0)
    found = [handing.offer(place, ALICE, made.id, heir, 2.0) for heir in ("nobody", "carol", "bob")]
    assert [replace(one, heir="x") for one in found] == [replace(found[0], heir="x")] * 3
    with pytest.raises(Refused, match="not a login"):
        handing.offer(place, ALICE, made.id, "no/body", 2.0)
    with pytest.raises(Refused, match=r"is alice.s already"):
        handing.offer(place, ALICE, made.id, "alice", 2.0)


def test_the_rules_judge_the_heir_when_they_accept(place: Desk, made: Claim) -> None:
    members.set_quota(place, ROOT, "bob", 0, 1.0)
    handing.offer(place, ALICE, made.id, "bob", 2.0)
    with pytest.raises(Refused, match="you have 0 names of 0"):
        handing.accept(place, BOB, made.id, 3.0)
    assert claims.show(place, ALICE, made.id) == made
    members.set_quota(place, ROOT, "bob", 1, 4.0)
    assert handing.accept(place, BOB, made.id, 5.0).member == "bob"


def test_nobody_accepts_or_declines_for_another(place: Desk, made: Claim) -> None:
    handing.offer(place, ALICE, made.id, "bob", 2.0)
    handing.decline(place, CAROL, made.id, 3.0)
    with pytest.raises(Refused, match="nobody offers you"):
        handing.accept(place, CAROL, made.id, 3.0)
    with pytest.raises(Refused, match="no such claim"):
        handing.withdraw(place, BOB, made.id, 3.0)
    assert len(offered(place)) == 1


def test_only_an_admin_hands_on_without_asking_and_learns_no_figures(place: Desk, made: Claim) -> None:
    with pytest.raises(Refused, match="only an admin"):
        handing.transfer(place, ALICE, made.id, "bob", 2.0)
    acting = replace(CAROL, acting_as="alice")
    members.set_quota(place, ROOT, "bob", 0, 2.0)
    with pytest.raises(Refused, match=r"^bob has no room for another name"):
        handing.transfer(place, acting, made.id, "bob", 2.0)
    with pytest.raises(Refused, match="no active member nobody"):
        handing.transfer(place, acting, made.id, "nobody", 2.0)
    members.set_quota(place, ROOT, "bob", 1, 3.0)
    assert handing.transfer(place, acting, made.id, "bob", 4.0).member == "bob"


def test_a_name_that_was_handed_on_leads_nowhere_of_the_former_holder(place: Desk, made: Claim) -> None:
    passwords = BasicAuth("x", (("alice", "$2y$12$" + "a" * 53),))
    claims.set_options(place, ALICE, made.id, SiteOptions(basic_auth=passwords), 2.0, members_only=True)
    handing.offer(place, ALICE, made.id, "bob", 2.0)
    after = handing.accept(place, BOB, made.id, 3.0)
    assert (after.target, after.options, after.members_only) == (AddressTarget(), SiteOptions(), False)
    assert claims.retarget(place, BOB, made.id, web("bob"), 4.0).options == SiteOptions()


def test_a_redirect_goes_with_the_name(place: Desk) -> None:
    goal = RedirectTarget("https://example.net/")
    made = claims.claim(place, ALICE, "wiki", goal, 1.0)
    handing.offer(place, ALICE, made.id, "bob", 2.0)
    assert handing.accept(place, BOB, made.id, 3.0).target == goal


def test_a_domain_whose_proof_is_missing_wins_no_time_by_being_handed_on(place: Desk) -> None:
    domain = claims.claim(place, ALICE, "alices-domain.net", RedirectTarget("https://example.com/"), 1.0)
    with place.office.writing() as books:
        proved = books.claims.put(looked(domain, Surroundings(), found=True, now=2.0, rules=place.rules))
        lost = books.claims.put(looked(proved, Surroundings(), found=False, now=3.0, rules=place.rules))
    for number, (giver, heir) in enumerate([(ALICE, BOB), (BOB, ALICE), (ALICE, BOB)]):
        handing.offer(place, giver, lost.id, heir.who, 4.0 + number)
        after = handing.accept(place, heir, lost.id, 4.5 + number)
        assert after.proof is not None
        assert (after.member, after.proof.lost, after.until) == (heir.who, 3.0, lost.until)


def test_a_proof_makes_no_name_of_a_suspended_member_active(place: Desk) -> None:
    domain = claims.claim(place, ALICE, "alices-domain.net", RedirectTarget("https://example.com/"), 1.0)
    members.suspend_member(place, CAROL, "alice", "spam", 2.0)
    kept = ClaimStore(place.office)
    assert kept.to_look_at(10.0, 10.0) == []
    judge = partial(looked, found=True, now=3.0, rules=place.rules)
    after = kept.change(domain.id, judge, "proof seen", 3.0)
    assert after is not None
    assert after.state is ClaimState.AWAITING_PROOF
    members.resume_member(place, CAROL, "alice", 4.0)
    assert [one.id for one in kept.to_look_at(10.0, 10.0)] == [domain.id]
    after = kept.change(domain.id, judge, "proof seen", 5.0)
    assert after is not None
    assert after.state is ClaimState.ACTIVE
