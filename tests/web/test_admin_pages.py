"""What admins see and do."""

import re
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from skulldns.model.claims import ClaimState, RedirectTarget
from skulldns.model.members import Actor
from skulldns.model.policy import Approval
from skulldns.store.audit import AuditFilter
from tests.unit.deskworld import database
from tests.web.browsing import browser, make_sure, notes
from tests.webworld import ORIGIN, Page
from webui.desk import Desk, claims, members

PAGES = (
    "/admin",
    "/admin/members/alice",
    "/admin/invitations",
    "/admin/names",
    "/admin/approvals",
    "/admin/guests",
    "/admin/reserved",
    "/admin/health",
    "/admin/audit",
)


@pytest.mark.parametrize("path", PAGES)
def test_an_admin_sees_every_page_and_to_others_none_exists(world: Page, path: str) -> None:
    assert browser(world, "carol").get(path).status_code == 200
    assert browser(world, "alice").get(path).status_code == 404
    stranger = browser(world, None).get(path)
    assert stranger.status_code == 302
    assert stranger.location.startswith("/sign-in?next=")


def test_an_invitation_is_a_link_that_is_shown_once_and_works(world: Page) -> None:
    at = browser(world, "carol", sure=True)
    at.get("/admin/invitations")
    text = at.post("/admin/invitations", {"login": "Erin", "email": "erin@example.org"}).text
    found = re.search(rf"{re.escape(ORIGIN)}/invitation#([\w-]+)", text)
    assert found
    assert found[1] not in at.get("/admin/invitations").text
    guest = browser(world, None)
    guest.get("/invitation")
    assert "Welcome, erin" in guest.post("/invitation", {"secret": found[1]}).text
    joined = guest.post(
        "/invitation/accept",
        {"secret": found[1], "password": "four words not alike", "again": "four words not alike"},
    )
    assert joined.status_code == 200
    assert "recovery codes" in joined.text
    with world.desk.office.reading() as books:
        erin = books.members.member("erin")
    assert erin is not None
    assert not erin.admin


def test_a_withdrawn_invitation_is_over(world: Page) -> None:
    found, secret = members.invite(world.desk, Actor("carol"), "erin", world.clock.time)
    at = browser(world, "carol")
    at.post("/admin/invitations/withdraw", {"id": found.id})
    guest = browser(world, None)
    guest.get("/invitation")
    assert guest.post("/invitation", {"secret": secret}).status_code == 404


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/admin/invitations", {"login": "erin"}),
        ("/admin/members/alice/suspend", {}),
        ("/admin/members/alice/admin", {"wanted": "yes"}),
        ("/admin/members/alice/act-for", {}),
    ],
)
def test_a_dangerous_act_asks_who_it_is(world: Page, path: str, fields: dict[str, str]) -> None:
    at = browser(world, "carol")
    answer = at.post(path, fields)
    assert answer.status_code == 302
    assert answer.location.startswith("/sure")
    with world.desk.office.reading() as books:
        assert books.audit.rows() == []
    make_sure(world, at.client)
    assert not (at.post(path, fields).location or "").startswith("/sure")
    with world.desk.office.reading() as books:
        assert books.audit.rows() != []


def test_a_suspended_member_is_out_at_once_and_in_again_with_the_names(world: Page) -> None:
    claim = world.claim("notes")
    alice, carol = browser(world), browser(world, "carol", sure=True)
    carol.post("/admin/members/alice/suspend", {"reason": "spam"})
    assert alice.get("/").status_code == 302
    assert world.now(claim).state is ClaimState.SUSPENDED
    carol.post("/admin/members/alice/resume")
    assert world.now(claim).state is ClaimState.ACTIVE
    assert alice.get("/").status_code == 302, "the old session stays over"
    assert browser(world).get("/").status_code == 200


def test_the_last_admin_stays_and_nobody_suspends_themselves(world: Page) -> None:
    carol = browser(world, "carol", sure=True)
    carol.post("/admin/members/carol/admin", {"wanted": "no"})
    assert "only admin" in carol.flashed()
    carol.post("/admin/members/carol/suspend")
    assert "suspend yourself" in carol.flashed()


def test_quota_name_and_address_of_a_member_are_set(world: Page) -> None:
    carol = browser(world, "carol")
    carol.post("/admin/members/alice/quota", {"quota": "9"})
    carol.post("/admin/members/alice/edit", {"name": "Alice", "email": "alice@example.org"})
    with world.desk.office.reading() as books:
        alice = books.members.member("alice")
    assert alice is not None
    assert (alice.quota, alice.name, alice.email) == (9, "Alice", "alice@example.org")
    carol.post("/admin/members/alice/quota", {"quota": "many"})
    assert "the quota is a number" in carol.flashed()
    assert carol.post("/admin/members/nobody/quota", {"quota": "1"}).status_code == 303
    assert "there is no member nobody" in carol.flashed()


def test_a_claim_is_approved_or_refused_with_a_reason(world: Page) -> None:
    strict = Desk(world.desk.office, replace(world.desk.rules, approval=list(Approval)[-1]))
    goal, now = RedirectTarget("https://example.org/"), world.clock.time
    wanted = claims.claim(strict, Actor("alice"), "shop", goal, now)
    other = claims.claim(strict, Actor("bob"), "bank", goal, now)
    assert wanted.state is ClaimState.AWAITING_APPROVAL
    carol = browser(world, "carol")
    text = carol.get("/admin/approvals").text
    assert "shop.vmsrv.example.org" in text
    assert "bank.vmsrv.example.org" in text
    carol.post(f"/admin/names/{wanted.id}/approve")
    carol.post(f"/admin/names/{other.id}/refuse", {"reason": "it is no bank"})
    assert world.now(wanted).state is ClaimState.ACTIVE
    assert world.now(other).state is ClaimState.RELEASED
    assert "it is no bank" in carol.get("/admin/audit?subject=bank.vmsrv.example.org").text
    assert "Nothing awaits you" in carol.get("/admin/approvals").text


def test_a_name_is_suspended_and_published_again(world: Page) -> None:
    claim, carol = world.claim("notes"), browser(world, "carol")
    carol.post(f"/admin/names/{claim.id}/suspend", {"reason": "complaints"})
    assert world.now(claim).state is ClaimState.SUSPENDED
    assert "complaints" in carol.get(f"/admin/names/{claim.id}").text
    carol.post(f"/admin/names/{claim.id}/resume")
    assert world.now(claim).state is ClaimState.ACTIVE


def test_names_are_searched_by_text_member_and_state(world: Page) -> None:
    claim = world.claim("notes")
    world.claim("other", login="bob")
    carol = browser(world, "carol")
    assert "notes.vmsrv" in carol.get("/admin/names?q=alice").text
    assert "other.vmsrv" not in carol.get("/admin/names?q=alice").text
    assert "No name is like that" in carol.get("/admin/names?state=suspended").text
    assert carol.get(f"/admin/names/{claim.id}/chain").status_code == 200


def test_a_guest_gets_an_owner_and_a_label_is_reserved_and_freed(world: Page) -> None:
    carol = browser(world, "carol")
    carol.post("/admin/guests/owner", {"guest": "guest-alice", "owner": "bob"})
    carol.post("/admin/reserved", {"label": "board*", "note": "the board's"})
    with world.desk.office.reading() as books:
        assert books.settings.assignment("guest-alice").owner == "bob"  # type: ignore[arg-type]
        assert books.settings.reserved() == {"board*": "the board's"}
    carol.post("/admin/reserved/free", {"label": "board*"})
    with world.desk.office.reading() as books:
        assert books.settings.reserved() == {}


def test_acting_for_a_member_shows_on_every_page_and_is_written_down(world: Page) -> None:
    carol = browser(world, "carol", sure=True)
    carol.post("/admin/members/alice/act-for")
    for path in ("/", "/guests", "/tokens", "/account", "/help", *PAGES):
        assert "You act for" in carol.get(path).text, path
    carol.post("/claim", {"name": "helped", "kind": "site", "guest": "guest-alice", "port": "80"})
    with world.desk.office.reading() as books:
        (row,) = books.audit.rows(AuditFilter(what="claim"))
    assert (row.act.who, row.act.acting_as) == ("carol", "alice")
    with world.desk.office.reading() as books:
        (found,) = books.claims.search(member="alice").items
    assert "for alice" in " ".join(carol.get(f"/names/{found.id}").text.split())
    refused = carol.post("/tokens/new", {"label": "x", "scope": ["read"]})
    assert refused.status_code == 400
    assert "secret of its member" in notes(refused.text)
    carol.post("/admin/act-for-no-more")
    assert "You act for" not in carol.get("/").text
    with world.desk.office.reading() as books:
        acts = [(one.act.what, one.act.subject, one.act.acting_as) for one in books.audit.rows()]
    assert ("act for", "alice", None) in acts
    assert ("act for no more", "alice", None) in acts


def test_an_admin_no_more_acts_for_nobody(world: Page) -> None:
    carol = browser(world, "carol", sure=True)
    carol.post("/admin/members/alice/act-for")
    with world.desk.office.writing() as books:
        found = books.members.member("carol")
        assert found is not None
        books.members.put(replace(found, admin=False))
    assert "alice-web" not in carol.get("/guests").text
    assert carol.get("/admin").status_code == 404


def test_health_shows_what_is_ill_first_and_that_the_daemon_is_silent(world: Page) -> None:
    carol = browser(world, "carol")
    assert "The daemon says nothing" in carol.get("/admin/health").text
    well = {"kind": "disk", "name": "/state", "good": True, "text": "is free", "cure": "", "known": True}
    ill = {
        "kind": "server",
        "name": "ns2",
        "good": False,
        "text": "does not answer",
        "cure": "start it",
        "known": True,
    }
    with world.desk.office.writing() as books:
        books.views.put_health({"at": world.clock.time, "pings": [well, ill]})
    text = carol.get("/admin/health").text
    assert "1 thing needs a person" in text
    assert text.index("does not answer") < text.index("is free")
    world.clock.time += 600
    assert "The daemon says nothing" in carol.get("/admin/health").text


def test_health_says_why_the_page_goes_by_an_older_config(world: Page) -> None:
    carol, key = browser(world, "carol"), "skulldns"
    with world.desk.office.writing() as books:
        books.views.put_health({"at": world.clock.time, "pings": []})
    assert "All is well" in carol.get("/admin/health").text
    before = world.app.extensions[key]
    world.app.extensions[key] = replace(before, trouble=lambda: "skulldns.yaml:9:3: it is no number")
    try:
        text = carol.get("/admin/health").text
    finally:
        world.app.extensions[key] = before
    assert "1 thing needs a person" in text
    assert "skulldns.yaml:9:3: it is no number" in text


def test_the_audit_is_filtered_paged_and_its_chain_verified(world: Page, tmp_path: Path) -> None:
    for number in range(45):
        members.invite(world.desk, Actor("carol"), f"guest{number}", world.clock.time)
    carol = browser(world, "carol")
    text = carol.get("/admin/audit?what=invite").text
    older = re.search(r'href="(/admin/audit\?[^"]*before=\d+)"', text)
    assert older
    assert "guest0<" in carol.get(older[1].replace("&amp;", "&")).text
    assert "guest44<" in carol.get("/admin/audit?text=guest44").text
    assert "guest43<" not in carol.get("/admin/audit?text=guest44").text
    assert "Nothing of that kind" in carol.get("/admin/audit?who=mallory").text
    assert "Nothing of that kind" in carol.get("/admin/audit?until=2000-01-01").text
    assert carol.get("/admin/audit?since=0001-01-01&until=9999-12-31").status_code == 200
    carol.post("/admin/audit/verify")
    assert "All 45 rows are as they were written" in carol.flashed("/admin/audit")
    with sqlite3.connect(database(tmp_path).removeprefix("sqlite:///")) as connection:
        guards = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for (guard,) in guards:
            connection.execute(f"DROP TRIGGER {guard}")
        connection.execute("UPDATE audit SET subject = 'mallory' WHERE number = 7")
    connection.close()
    carol.post("/admin/audit/verify")
    assert "Row 7 is not what was written" in carol.flashed("/admin/audit")


def test_what_an_admin_sees_is_escaped(world: Page) -> None:
    evil = "<script>alert(1)</script>"
    carol = browser(world, "carol")
    carol.post("/admin/members/alice/edit", {"name": evil, "email": ""})
    for path in ("/admin", "/admin/members/alice", "/admin/audit", f"/admin/names?q={evil}"):
        assert evil not in carol.get(path).text, path
