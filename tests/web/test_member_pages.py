"""What members see and do: guests, tokens, options, records, history."""

import re
from dataclasses import replace
from urllib.parse import urljoin, urlsplit

import dns.name
import pytest

from skulldns.model.claims import AddressTarget, Because, ClaimState, RedirectTarget
from skulldns.model.guests import GuestId
from skulldns.model.members import Actor
from skulldns.model.namestate import NameState
from skulldns.model.tokens import Scope
from skulldns.model.views import NameView
from tests.rooms import ROOT
from tests.unit.deskworld import guest
from tests.web.browsing import browser, notes
from tests.webworld import ZONE, Page, bearer
from webui.desk import approval, claims, tokens

CAROL = Actor("carol", admin=True)


def test_a_member_sees_own_guests_with_names_and_refusals(world: Page) -> None:
    own = replace(
        guest("alice"), names=(dns.name.from_text("alice-web", ZONE),), refusals=("name ns1: it is reserved",)
    )
    with world.desk.office.writing() as books:
        books.views.put_guests([own])
        books.views.put_names([NameView(own.names[0], NameState.SERVED, "alice", 0.0, {"links": []})])
    claim = world.claim("notes")
    text = browser(world).get("/guests").text
    assert "alice-web.vmsrv.example.org" in text
    assert "served" in text
    assert "name ns1: it is reserved" in text
    assert f'href="/names/{claim.id}"' in text
    assert 'href="/claim?guest=guest-alice&amp;kind=site&amp;port=80"' in text
    assert "bob-web" not in text


def test_members_are_not_told_the_address_of_a_hypervisor(world: Page) -> None:
    own = replace(guest("alice"), source="qemu+ssh://host.example.org/system")
    with world.desk.office.writing() as books:
        books.views.put_guests([own])
    shown = browser(world).get("/guests").text
    assert own.name in shown
    assert "qemu+ssh" not in shown
    token = bearer(world.token(Scope.READ))
    assert "qemu+ssh" not in world.client().get("/api/v1/guests", headers=token).text
    assert "qemu+ssh" in browser(world, "carol", sure=True).get("/admin/guests").text


def test_names_that_were_released_stand_below_the_others(world: Page) -> None:
    gone = world.claim("attic")
    claims.release(world.desk, Actor("alice"), gone.id, world.clock.time)
    world.claim("zoo")
    shown = browser(world).get("/").text
    live, _, released = shown.partition("Released lately")
    assert "zoo.vmsrv" in live
    assert "attic.vmsrv" not in live
    assert "attic.vmsrv" in released
    assert "attic.vmsrv" in browser(world).get("/?q=attic").text


def test_everything_of_ours_that_the_guide_links_to_is_there(world: Page) -> None:
    here = browser(world, None)
    targets = set(re.findall(r'<a href="([^"]+)"', here.get("/help").text))
    own = {urljoin("/help", target) for target in targets if not urlsplit(target).netloc and target[0] != "#"}
    assert "/hooks/certbot-hook" in own
    for path in own:
        assert here.get(path).status_code in {200, 302}, path
    answer = here.get("/hooks/certbot-hook")
    assert answer.mimetype == "text/plain"
    assert answer.text == (ROOT / "docs" / "hooks" / "certbot-hook").read_text(encoding="utf-8")


def test_the_link_of_a_guest_chooses_it_in_the_form(world: Page) -> None:
    text = browser(world).get("/claim?guest=guest-alice&kind=site&port=8080").text
    assert '<option value="guest-alice" selected>' in text
    assert 'value="8080"' in text


def test_a_new_name_begins_with_the_port_of_the_guest(world: Page) -> None:
    with world.desk.office.writing() as books:
        first = replace(guest("alice"), port=15403)
        books.views.put_guests([first, replace(first, id=GuestId("zoo"), name="zoo", port=3000)])
    here = browser(world)
    assert 'id="port" name="port" inputmode="numeric" value="15403"' in here.get("/claim").text
    assert 'id="port" name="port" inputmode="numeric" value="3000"' in here.get("/claim?guest=zoo").text


def test_a_token_is_shown_once_with_settings_and_works(world: Page) -> None:
    claim = world.claim("home", AddressTarget())
    at = browser(world)
    name = "home.vmsrv.example.org"
    answer = at.post(
        "/tokens/new", {"label": "router", "scope": ["dyndns", "acme"], "names": [name], "lasts": "30"}
    )
    found = re.search(r"skd_[0-9a-f]{16}_[0-9a-f]{64}", answer.text)
    assert found
    assert answer.text.count(found[0]) >= 4, "in the settings of lego, certbot and ddclient too"
    assert f"https://names.example.org/nic/update?hostname={name}" in answer.text
    used = tokens.use(world.desk, found[0], Scope.DYNDNS, claim.name, world.clock.time, "192.0.2.1")
    assert used.expires == pytest.approx(world.clock.time + 30 * 86_400)
    listed = at.get("/tokens").text
    assert found[0] not in listed
    assert "router" in listed
    assert "just now" in listed, "its last use"


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"label": "", "scope": ["dyndns"]}, "label"),
        ({"label": "x"}, "good for nothing"),
        ({"label": "x", "scope": ["root"]}, "no token is good for root"),
        ({"label": "x", "scope": ["read"], "names": ["bob-web.vmsrv.example.org"]}, "not a name of yours"),
        ({"label": "x", "scope": ["read"], "names": ["a..b"]}, "not a name of yours"),
    ],
)
def test_a_token_that_cannot_be_is_refused_and_the_form_kept(
    world: Page, fields: dict[str, str | list[str]], why: str
) -> None:
    answer = browser(world).post("/tokens/new", fields)
    assert answer.status_code == 400
    assert why in notes(answer.text)


def test_a_revoked_token_is_worth_nothing(world: Page) -> None:
    text = world.token(Scope.READ)
    at = browser(world)
    at.post("/tokens/revoke", {"id": text.split("_")[1]})
    with pytest.raises(Exception, match="not good for this"):
        tokens.use(world.desk, text, Scope.READ, None, world.clock.time, "192.0.2.1")
    assert "is worth nothing any more" in at.flashed("/tokens")


def test_records_are_set_and_shown_as_lines(world: Page) -> None:
    claim = world.claim("notes")
    at = browser(world)
    lines = (
        '; a comment\n@ 600 TXT "hello world"\n@ 600 TXT "two"\nMX 10 mail.example.org.\n\n'
        '_sip._tcp IN SRV 10 5 5060 sip.example.org.\nsub.notes.vmsrv.example.org CAA 0 issue "ca.example"'
    )
    assert at.post(f"/names/{claim.id}/records", {"records": lines}).status_code == 303
    found = {(str(one.name), one.type, one.ttl): one.values for one in world.now(claim).records}
    assert found == {
        ("notes.vmsrv.example.org.", "TXT", 600): ('"hello world"', '"two"'),
        ("notes.vmsrv.example.org.", "MX", 300): ("10 mail.example.org.",),
        ("_sip._tcp.notes.vmsrv.example.org.", "SRV", 300): ("10 5 5060 sip.example.org.",),
        ("sub.notes.vmsrv.example.org.", "CAA", 300): ('0 issue "ca.example"',),
    }
    again = re.search(
        r'<textarea id="records-text".*?>(.*?)</textarea>', at.get(f"/names/{claim.id}").text, re.DOTALL
    )
    assert again
    assert (
        at.post(f"/names/{claim.id}/records", {"records": again[1].replace("&#34;", '"')}).status_code == 303
    )
    assert len(world.now(claim).records) == 4, "what is shown is what can be sent"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("@ A 192.0.2.1", "line 1"),
        ("@ TXT", "says nothing after TXT"),
        ("a..b TXT x", "begins with no name"),
        ("x y z TXT a", "too many words"),
        ("@ 5 TXT a", "TTL 5"),
        ("@ 99999999999999 TXT a", "TTL"),
        ("@ 300 TXT a\n@ 600 TXT b", "line 2"),
        ("@ MX mail", "cannot be read"),
        ("bob.vmsrv.example.org. TXT a", "is not below"),
        ("_acme-challenge TXT a", "is for proofs"),
    ],
)
def test_a_record_that_cannot_be_is_refused_by_its_line(world: Page, line: str, why: str) -> None:
    claim = world.claim("notes")
    answer = browser(world).post(f"/names/{claim.id}/records", {"records": line})
    assert answer.status_code == 400
    assert why in notes(answer.text)
    assert line.split("\n", maxsplit=1)[0] in answer.text, "what was typed is still there"
    assert world.now(claim).records == ()


def test_history_tells_what_was_before_and_after(world: Page) -> None:
    claim = world.claim("notes")
    claims.retarget(
        world.desk, Actor("alice"), claim.id, RedirectTarget("https://example.org/new"), world.clock.time
    )
    text = browser(world).get(f"/names/{claim.id}").text
    assert "led elsewhere" in text
    assert f"<del>guest {guest('alice').name}, http port 80</del>" in text
    assert "<ins>https://example.org/new</ins>" in text


def test_a_suspended_and_a_released_name_say_what_to_do(world: Page) -> None:
    claim, other = world.claim("notes"), world.claim("other")
    approval.suspend(world.desk, CAROL, claim.id, "complaints", world.clock.time)
    claims.release(world.desk, Actor("alice"), other.id, world.clock.time)
    at = browser(world)
    text = at.get(f"/names/{claim.id}").text
    assert "It is not served" in text
    assert "complaints" in text
    assert f"/names/{claim.id}/target" not in text, "it cannot be changed now"
    text = at.get(f"/names/{other.id}").text
    assert "Claim it again" in text
    assert "/release" not in text


def test_a_name_that_nobody_confirmed_is_confirmed_and_served_again(world: Page) -> None:
    claim = world.claim("notes")
    with world.desk.office.writing() as books:
        books.claims.put(replace(claim, state=ClaimState.SUSPENDED, because=Because.UNCONFIRMED))
    at = browser(world)
    assert "Say that you still use it" in at.get(f"/names/{claim.id}").text
    at.post(f"/names/{claim.id}/confirm")
    assert world.now(claim).state is ClaimState.ACTIVE


def test_what_happens_at_release_is_said_before(world: Page) -> None:
    claim = world.claim("notes")
    text = browser(world).get(f"/names/{claim.id}").text
    assert "for 30 days only you can claim it again" in text
    assert "its site ends" in text


def test_a_long_list_is_paged_and_searched(world: Page) -> None:
    with world.desk.office.writing() as books:
        books.views.put_guests(
            replace(guest("alice"), id=f"g{number}", name=f"box-{number:03}")  # type: ignore[arg-type]
            for number in range(120)
        )
    at = browser(world)
    first, last = at.get("/guests").text, at.get("/guests?from=100").text
    assert "1 to 25 of 121" in first
    assert 'rel="next"' in first
    assert "101 to 121 of 121" in last
    assert 'rel="next"' not in last
    assert "1 to" not in at.get("/guests?q=box-117").text
    assert "box-117" in at.get("/guests?q=box-117").text


def test_a_domain_of_ones_own_is_told_its_proof_and_its_address(world: Page) -> None:
    claim = world.claim("www.alice-club.org")
    text = browser(world).get(f"/names/{claim.id}").text
    assert "_skulldns.www.alice-club.org. 300 IN TXT" in text
    assert "www.alice-club.org. 300 IN A 203.0.113.5" in text


@pytest.mark.parametrize(
    "word", ["endpoint", "_method", "_scheme", "_external", "_anchor", "values", "self", "from"]
)
def test_a_word_in_a_lists_address_is_nothing_but_a_word(world: Page, word: str) -> None:
    with world.desk.office.writing() as books:
        books.views.put_guests(
            replace(guest("alice"), id=f"g{number}", name=f"box-{number:03}")  # type: ignore[arg-type]
            for number in range(60)
        )
    answer = browser(world).get("/guests", query_string={"from": "25", word: "javascript"})
    assert answer.status_code == 200
    assert all(link.startswith("/guests?") for link in re.findall(r'href="([^"]*from=[^"]*)"', answer.text))
    assert "javascript:" not in answer.text


def test_what_an_admin_suspended_is_not_released_to_be_claimed_again(world: Page) -> None:
    claim = world.claim("wiki")
    approval.suspend(world.desk, Actor("carol"), claim.id, "phishing", world.clock.time)
    at = browser(world)
    assert "/release" not in at.get(f"/names/{claim.id}").text
    at.post(f"/names/{claim.id}/release")
    assert "ask an admin" in at.flashed()
    assert world.now(claim).state is ClaimState.SUSPENDED
    carol = Actor("carol", acting_as="alice", admin=True)
    assert claims.release(world.desk, carol, claim.id, world.clock.time).state is ClaimState.QUARANTINED
