"""What members may try at what is another's, or an admin's (the group "members" of the trials)."""

import html

import pytest

from skulldns.model.claims import ClaimState
from skulldns.model.tokens import Scope
from tests.web.browsing import browser, path_of, views
from tests.webworld import Page

FORMS = ("target", "options", "records", "transfer", "withdraw", "release", "confirm")


@pytest.mark.parametrize("form", FORMS)
def test_another_s_claim_is_answered_as_one_that_is_not_there(world: Page, form: str) -> None:
    claim, mallory = world.claim("notes"), browser(world, "bob", sure=True)
    said = []
    for identity in (claim.id, "0" * 32, "x"):
        answer = mallory.post(
            f"/names/{identity}/{form}", {"kind": "redirect", "url": "https://x.example/", "to": "bob"}
        )
        said.append((answer.status_code, mallory.flashed() if answer.status_code == 303 else answer.text))
    assert said[0] == said[1] == said[2]
    assert "no such claim" in html.unescape(said[0][1])
    assert world.now(claim) == claim


def test_another_s_pages_are_not_there(world: Page) -> None:
    claim = world.claim("notes")
    mallory = browser(world, "bob")
    for path in (
        f"/names/{claim.id}",
        f"/names/{claim.id}/chain",
        f"/admin/names/{claim.id}",
        "/admin/members/alice",
    ):
        assert mallory.get(path).status_code == 404, path
        assert "alice" not in mallory.get(path).text, path


def test_another_s_token_and_session_are_not_ended(world: Page) -> None:
    identity = world.token(Scope.READ).split("_")[1]
    alice, mallory = browser(world), browser(world, "bob", sure=True)
    mallory.post("/tokens/revoke", {"id": identity})
    assert "no such token" in mallory.flashed()
    with world.desk.office.reading() as books:
        (session,) = books.sessions.sessions("alice", world.clock.time)
        token = books.tokens.token(identity)
    assert token is not None
    assert token.revoked is None
    mallory.post("/account/sessions/end", {"id": session.id})
    assert alice.get("/").status_code == 200


def test_no_member_does_what_admins_do(world: Page) -> None:
    claim = world.claim("notes", login="bob")
    mallory = browser(world, "alice", sure=True)
    for rule in views(world, "POST"):
        if rule.endpoint.startswith("admin."):
            answer = mallory.post(path_of(world, rule, claim.id), {"wanted": "yes", "login": "mallory"})
            assert answer.status_code == 404, rule
    assert world.now(claim).state is ClaimState.ACTIVE
    with world.desk.office.reading() as books:
        assert [row.act.what for row in books.audit.rows()] == ["claim"]


def test_fields_that_nobody_asked_for_change_nothing(world: Page) -> None:
    at = browser(world, sure=True)
    more = {"is_admin": "1", "admin": "yes", "member": "bob", "state": "active", "acting_as": "carol"}
    at.post("/claim", {"name": "notes", "kind": "site", "guest": "guest-alice", "port": "80", **more})
    with world.desk.office.reading() as books:
        alice = books.members.member("alice")
        (claim,) = books.claims.search(member="alice").items
    assert alice is not None
    assert not alice.admin
    assert claim.member == "alice"
