"""What members and admins may do, on a real database file: judged, stored and written down in one transaction."""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path
from threading import Barrier

import dns.name
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from skulldns.desired.policy.proofs import looked
from skulldns.desired.policy.states import confirm_by
from skulldns.errors import Conflict, Refused
from skulldns.model.claims import (
    AddressTarget,
    AliasTarget,
    Because,
    Claim,
    ClaimId,
    ClaimRecord,
    ClaimState,
    RedirectTarget,
)
from skulldns.model.members import Actor, Session
from skulldns.model.policy import Approval
from skulldns.model.sites import BasicAuth, SiteOptions
from skulldns.model.tokens import Scope
from skulldns.store.audit import AuditFilter
from skulldns.store.database import open_database
from skulldns.store.office import Office
from skulldns.store.proving import ClaimStore
from tests.unit.deskworld import (
    ALICE,
    BOB,
    RULES,
    ZONE,
    database,
    desk,
    numbers,
    stricter,
    web,
)
from webui.desk import Desk, admin, approval, challenges, claims, handing, machines, members, tokens

CAROL = Actor("carol", "192.0.2.9")
WIKI = dns.name.from_text("wiki", ZONE)


@pytest.fixture
def place(tmp_path: Path) -> Desk:
    return desk(tmp_path)


def newest(desk: Desk) -> tuple[str, str, str]:
    with desk.office.reading() as books:
        [row] = books.audit.rows(limit=1)
        assert books.audit.verify() is None
    return row.act.who, row.act.what, row.act.subject


def test_a_claim_is_on_the_disk_and_in_the_audit(place: Desk, tmp_path: Path) -> None:
    made = claims.claim(place, ALICE, "Wiki", web(), 5.0)
    assert (made.state, made.name, made.member) == (ClaimState.ACTIVE, WIKI, "alice")
    assert newest(place) == ("alice", "claim", "wiki.vmsrv.example.org")
    store = ClaimStore(Office(open_database(database(tmp_path))))
    assert store.changed_since(0) == [made]
    assert store.changed_since(store.revision()) == []


def test_everything_of_a_claim_comes_back_as_it_was(place: Desk) -> None:
    redirect = claims.claim(place, ALICE, "away", RedirectTarget("https://a.test/x"), 5.0)
    assert claims.show(place, ALICE, redirect.id) == redirect
    made = claims.claim(place, ALICE, "wiki", web(), 5.0)
    options = SiteOptions(http=True, hsts=60, basic_auth=BasicAuth("x", (("a", "$2y$12$" + "a" * 53),)))
    claims.set_options(place, ALICE, made.id, options, 6.0, members_only=True)
    records = [ClaimRecord(WIKI, "TXT", 60, ('"a"', '"b"'))]
    stored = claims.set_records(place, ALICE, made.id, records, 7.0)
    assert claims.show(place, ALICE, made.id) == stored
    assert (stored.options, stored.members_only, stored.records) == (options, True, tuple(records))
    with place.office.reading() as books:
        assert "$2y$" not in json.dumps([row.act.after for row in books.audit.rows()])


def test_what_is_refused_leaves_nothing(place: Desk) -> None:
    claims.claim(place, ALICE, "wiki", web(), 1.0)
    before = numbers(place.office)
    attempts: list[Callable[[], object]] = [
        lambda: claims.claim(place, BOB, "wiki", web("bob"), 2.0),
        lambda: claims.claim(place, BOB, "w-iki", web("bob"), 2.0),
        lambda: claims.claim(place, BOB, "bob-web", web("bob"), 2.0),
        lambda: claims.claim(place, BOB, "alice-w3b.alice-web.vmsrv.example.org", web("bob"), 2.0),
        lambda: claims.claim(place, BOB, "shop", web("alice"), 2.0),
        lambda: claims.claim(place, BOB, "shop", AliasTarget(WIKI), 2.0),
        lambda: claims.claim(place, Actor("nobody"), "shop", web(), 2.0),
        lambda: claims.claim(place, replace(BOB, acting_as="alice"), "shop", web(), 2.0),
    ]
    for attempt in attempts:
        with pytest.raises(Refused):
            attempt()
    assert numbers(place.office) == before


def test_anothers_claim_looks_like_none(place: Desk) -> None:
    made = claims.claim(place, ALICE, "wiki", web(), 1.0)
    acts: list[Callable[[str], object]] = [
        lambda one: claims.show(place, BOB, one),
        lambda one: claims.retarget(place, BOB, one, web("bob"), 2.0),
        lambda one: claims.set_options(place, BOB, one, SiteOptions(), 2.0),
        lambda one: claims.set_records(place, BOB, one, [], 2.0),
        lambda one: handing.offer(place, BOB, one, "carol", 2.0),
        lambda one: handing.withdraw(place, BOB, one, 2.0),
        lambda one: claims.release(place, BOB, one, 2.0),
        lambda one: claims.confirm(place, BOB, one, 2.0),
    ]
    for act in acts:
        answers = []
        for identity in (made.id, "0" * 32):
            with pytest.raises(Refused) as refused:
                act(identity)
            answers.append(str(refused.value))
        assert answers[0] == answers[1]
    for decide in (approval.approve, approval.resume):
        with pytest.raises(Refused, match="only an admin"):
            decide(place, BOB, made.id, 2.0)


def test_an_admin_acts_for_a_member_and_that_is_written_down(place: Desk) -> None:
    made = claims.claim(place, replace(CAROL, acting_as="alice"), "wiki", web(), 1.0)
    assert made.member == "alice"
    with place.office.reading() as books:
        [row] = books.audit.rows(AuditFilter(who="carol"))
    assert (row.act.acting_as, row.act.address) == ("alice", "192.0.2.9")


def test_a_released_name_is_kept_from_others_for_a_while(place: Desk) -> None:
    made = claims.claim(place, ALICE, "wiki", web(), 1.0)
    claims.release(place, ALICE, made.id, 2.0)
    with pytest.raises(Refused, match="is free on"):
        claims.claim(place, BOB, "wiki", web("bob"), 3.0)
    again = claims.claim(place, ALICE, "wiki", web(), 4.0)
    assert again.id != made.id
    with place.office.reading() as books:
        assert [one.state for one in books.claims.history(WIKI)] == [ClaimState.ACTIVE, ClaimState.RELEASED]


def test_of_two_who_bring_a_domain_the_one_who_proves_it_has_it(place: Desk) -> None:
    ours = claims.claim(place, ALICE, "www.member.test", web(), 1.0)
    theirs = claims.claim(place, BOB, "www.member.test", web("bob"), 1.0)
    store = ClaimStore(place.office)
    assert {one.id for one in store.to_look_at(0.0, 0.0)} == {ours.id, theirs.id}

    def proved(identity: str) -> Claim | None:
        return store.change(
            identity, lambda one, around: looked(one, around, found=True, now=9.0, rules=RULES), "prove", 9.0
        )

    found = proved(theirs.id)
    assert found is not None
    assert found.state is ClaimState.ACTIVE
    with pytest.raises(Refused, match="taken"):
        proved(ours.id)
    assert newest(place) == ("the daemon", "prove", "www.member.test")


def test_admins_approve_refuse_suspend_and_resume(place: Desk) -> None:
    strict = stricter(place, replace(RULES, approval=Approval.ALL))
    one = claims.claim(strict, ALICE, "wiki", web(), 1.0)
    other = claims.claim(strict, ALICE, "shop", web(), 1.0)
    assert one.state is ClaimState.AWAITING_APPROVAL
    assert approval.approve(strict, CAROL, one.id, 2.0).state is ClaimState.ACTIVE
    assert approval.refuse(strict, CAROL, other.id, "no shops", 2.0).state is ClaimState.RELEASED
    with pytest.raises(Refused, match="not awaiting approval; look again how it stands"):
        approval.approve(strict, CAROL, other.id, 3.0)
    held = approval.suspend(strict, CAROL, one.id, "broken", 3.0)
    assert (held.because, held.until) == (Because.ADMIN, None)
    with pytest.raises(Refused, match="nothing to confirm"):
        claims.confirm(strict, ALICE, one.id, 4.0)
    assert approval.resume(strict, CAROL, one.id, 4.0).state is ClaimState.ACTIVE


def test_an_invitation_works_once_and_in_time(place: Desk) -> None:
    _, secret = members.invite(place, CAROL, "dave", 1.0)
    with pytest.raises(Refused, match="too old"):
        members.accept(place, secret, 1.0 + members.INVITED_FOR, "192.0.2.1")
    assert members.accept(place, secret, 2.0, "192.0.2.1", password="$argon2id$x").login == "dave"
    with pytest.raises(Refused, match="used up"):
        members.accept(place, secret, 3.0, "192.0.2.1")
    with place.office.reading() as books:
        assert books.signins.password("dave") == "$argon2id$x"
        assert secret not in str([row.act for row in books.audit.rows()])
    for actor in (ALICE, replace(CAROL, token="t")):
        with pytest.raises(Refused, match="only an admin"):
            members.invite(place, actor, "erin", 1.0)


def test_a_suspended_member_is_out_with_all_names_and_comes_back_with_them(place: Desk) -> None:
    made = claims.claim(place, ALICE, "wiki", web(), 1.0)
    with place.office.writing() as books:
        books.sessions.put(Session("s", "alice", 1.0, 1.0, 100.0, "192.0.2.1", "x"))
    members.suspend_member(place, CAROL, "alice", "left", 2.0)
    with place.office.reading() as books:
        assert books.sessions.session("s", 2.0) is None
        found = books.claims.claim(made.id)
    assert found is not None
    assert found.because is Because.MEMBER
    with pytest.raises(Refused, match="no active member"):
        claims.release(place, ALICE, made.id, 3.0)
    members.resume_member(place, CAROL, "alice", 4.0)
    assert claims.show(place, ALICE, made.id).state is ClaimState.ACTIVE
    with pytest.raises(Refused, match="only admin"):
        members.set_admin(place, CAROL, "carol", 5.0, admin=False)


def test_a_token_is_good_for_what_it_says_and_nothing_else(place: Desk) -> None:
    claims.claim(place, ALICE, "wiki", AddressTarget(), 1.0)
    claims.claim(place, ALICE, "shop", web(), 1.0)
    token, word = tokens.make(place, ALICE, "router", [Scope.DYNDNS], [WIKI], 2.0, expires=100.0)
    assert tokens.use(place, word, Scope.DYNDNS, WIKI, 3.0, "192.0.2.1").id == token.id
    shop = dns.name.from_text("shop", ZONE)
    answers = set()
    for other, scope, name, now in (
        (word, Scope.DYNDNS, shop, 3.0),
        (word, Scope.ACME, WIKI, 3.0),
        (word, Scope.DYNDNS, WIKI, 100.0),
        (word[:-1] + ("0" if word[-1] != "0" else "1"), Scope.DYNDNS, WIKI, 3.0),
        ("skd_x", Scope.DYNDNS, WIKI, 3.0),
        ("", Scope.DYNDNS, WIKI, 3.0),
    ):
        with pytest.raises(Refused) as refused:
            tokens.use(place, other, scope, name, now, "192.0.2.1")
        answers.add(str(refused.value))
    tokens.revoke(place, ALICE, token.id, 4.0)
    with pytest.raises(Refused) as refused:
        tokens.use(place, word, Scope.DYNDNS, WIKI, 5.0, "192.0.2.1")
    assert answers == {str(refused.value)}
    with place.office.reading() as books:
        found = books.tokens.token(token.id)
        assert word.split("_")[2] not in str([row.act for row in books.audit.rows()])
    assert found is not None
    assert (found.last_used, found.last_address) == (3.0, "192.0.2.1")
    with pytest.raises(Refused, match="not a name of yours"):
        tokens.make(place, BOB, "x", [Scope.READ], [WIKI], 6.0)


def test_a_router_updates_its_address_and_an_acme_client_its_challenge(place: Desk) -> None:
    claims.claim(place, ALICE, "wiki", AddressTarget(), 1.0)
    address = IPv4Address("9.9.9.9")
    assert machines.set_addresses(place, ALICE, WIKI, address, None, 2.0)[1]
    assert not machines.set_addresses(place, ALICE, WIKI, address, None, 3.0)[1]
    with pytest.raises(Refused):
        machines.set_addresses(place, ALICE, WIKI, IPv4Address("127.0.0.1"), None, 3.0)
    below = dns.name.from_text("*.a", WIKI)
    placed = challenges.present(place, ALICE, below, "x" * 43, 4.0)
    assert [(one.name.to_text(), one.value) for one in placed] == [("a.wiki.vmsrv.example.org.", "x" * 43)]
    with place.office.reading() as books:
        kept = books.claims.holder(WIKI)
    assert kept is not None
    assert kept.challenges == placed
    with place.office.reading() as books:
        due = {one.id: one.until for one in books.claims.due(4.0 + challenges.CHALLENGE_LASTS)}
        assert not books.claims.due(3.9 + challenges.CHALLENGE_LASTS)
    assert due == {kept.id: kept.until}
    assert kept.until == confirm_by(kept, RULES.times)
    assert challenges.cleanup(place, ALICE, below, "x" * 43, 5.0) == ()
    with pytest.raises(Refused):
        challenges.present(place, BOB, WIKI, "x" * 43, 4.0)
    with pytest.raises(Refused):
        challenges.present(place, ALICE, WIKI, '"; x', 4.0)


def test_no_challenge_is_placed_in_a_zone_of_the_member_s_own(place: Desk) -> None:
    own = claims.claim(place, ALICE, "cafe.example.net", web(), 1.0)
    with place.office.writing() as books:
        books.claims.put(replace(own, state=ClaimState.ACTIVE))
    for name in (own.name, dns.name.from_text("*.a", own.name)):
        with pytest.raises(Refused, match=r"is in a zone of your own, where we write no record; .*http-01"):
            challenges.present(place, ALICE, name, "x" * 43, 2.0)
    assert claims.show(place, ALICE, own.id).challenges == ()


def test_a_redirect_asks_nobody_who_they_are(place: Desk) -> None:
    goal, asks = RedirectTarget("https://example.net/"), "before anybody is asked"
    passwords = BasicAuth("x", (("alice", "$2y$12$" + "a" * 53),))
    with pytest.raises(Refused, match=asks):
        claims.claim(place, ALICE, "club", goal, 1.0, members_only=True)
    with pytest.raises(Refused, match=asks):
        claims.claim(place, ALICE, "club", goal, 1.0, options=SiteOptions(basic_auth=passwords))
    redirect = claims.claim(place, ALICE, "club", goal, 1.0)
    with pytest.raises(Refused, match=asks):
        claims.set_options(place, ALICE, redirect.id, SiteOptions(), 2.0, members_only=True)
    only = claims.claim(place, ALICE, "hall", web(), 1.0, members_only=True)
    with pytest.raises(Refused, match=asks):
        claims.retarget(place, ALICE, only.id, goal, 2.0)
    assert claims.show(place, ALICE, only.id).target == web()


def test_what_admins_reserve_and_assign_counts(place: Desk) -> None:
    admin.reserve(place, CAROL, "party*", "for the party", 1.0)
    with pytest.raises(Refused, match="reserved"):
        claims.claim(place, ALICE, "party-7", web(), 2.0)
    admin.unreserve(place, CAROL, "party*", 3.0)
    claims.claim(place, ALICE, "party-7", web(), 4.0)
    admin.assign_owner(place, CAROL, "guest-bob", "alice", 5.0)
    with pytest.raises(Refused, match="only an admin"):
        admin.assign_owner(place, ALICE, "guest-bob", "alice", 5.0)


def test_the_audit_cannot_be_changed_unseen(place: Desk, tmp_path: Path) -> None:
    for label in ("one", "two", "three"):
        claims.claim(place, ALICE, label, web(), 1.0)
    engine = open_database(database(tmp_path))
    with pytest.raises(DBAPIError, match="only ever appended"), engine.begin() as connection:
        connection.execute(text("UPDATE audit SET who = 'bob' WHERE number = 2"))
    with engine.begin() as connection:
        connection.execute(text("DROP TRIGGER audit_keeps_update"))
        connection.execute(text("UPDATE audit SET who = 'bob' WHERE number = 2"))
    with place.office.reading() as books:
        assert books.audit.verify() == 2


def test_the_database_itself_lets_a_name_be_held_once(place: Desk) -> None:
    made = claims.claim(place, ALICE, "wiki", web(), 1.0)
    with pytest.raises(Conflict, match="taken"), place.office.writing() as books:
        books.claims.put(replace(made, id=type(made.id)("other"), member="bob"))


@pytest.mark.timeout(600)  # 10,000 transactions, also on a machine that is busy
def test_of_fifty_who_claim_one_name_at_once_one_has_it_each_of_200_times(tmp_path: Path) -> None:
    everybody = [f"m{number:02}" for number in range(50)]
    place = desk(tmp_path, replace(RULES, quota=1000), *everybody)
    barrier = Barrier(len(everybody))

    def race(login: str) -> Sequence[str]:
        outcomes = []
        for number in range(200):
            barrier.wait(300)
            try:
                won = claims.claim(place, Actor(login), f"race-{number}x", web(login), float(number))
                outcomes.append(won.member)
            except Refused as refused:
                outcomes.append(str(refused))
        return outcomes

    with ThreadPoolExecutor(len(everybody)) as pool:
        rounds = list(zip(*pool.map(race, everybody), strict=True))
    for number, outcomes in enumerate(rounds):
        [winner] = [one for one in outcomes if one in everybody]
        others = [one for one in outcomes if one != winner]
        assert others == [f"race-{number}x.vmsrv.example.org is taken; choose another name"] * 49
    assert numbers(place.office) == (200, 200)


def test_pages_of_a_list_are_its_parts_from_whichever_end_they_are_read(place: Desk) -> None:
    with place.office.writing() as books:
        for number in range(11):
            name = dns.name.from_text(f"n{number:02}", ZONE)
            target = AliasTarget(dns.name.from_text("elsewhere.test."))
            books.claims.put(
                Claim(ClaimId(f"{number:032x}"), name, "alice", ClaimState.ACTIVE, target, 0.0, 0.0, 0.0)
            )
    with place.office.reading() as books:
        whole = [claim.name for claim in books.claims.search(limit=100).items]
        for offset in range(13):
            page = books.claims.search(offset=offset, limit=3)
            assert ([claim.name for claim in page.items], page.total) == (whole[offset : offset + 3], 11)
