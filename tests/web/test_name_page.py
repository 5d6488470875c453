"""The page of one name: how it stands, how its site is served, and to whom it is handed on."""

import re

import bcrypt
import pytest

from skulldns.model.claims import RedirectTarget
from skulldns.model.members import Actor
from skulldns.model.namestate import NameState
from skulldns.model.sites import Header, SiteOptions
from skulldns.model.views import NameView
from skulldns.store.audit import AuditFilter
from tests.web.browsing import browser, make_sure, notes
from tests.webworld import Page
from webui.desk import approval, claims

CAROL = Actor("carol", admin=True)


def test_options_are_set_and_passwords_hashed_for_nginx(world: Page) -> None:
    claim = world.claim("notes")
    at = browser(world)
    sent = {
        "members_only": "yes",
        "http": "yes",
        "hsts": "30",
        "body_size": "5",
        "allow": "192.0.2.0/24\n2001:db8::/32",
        "deny": "192.0.2.7",
        "user": "ann",
        "user_password": "a secret",
        "header-X-Frame-Options": "DENY",
    }
    assert at.post(f"/names/{claim.id}/options", sent).status_code == 303
    found = world.now(claim)
    options = found.options
    assert found.members_only
    assert (options.http, options.websockets, options.hsts) == (True, False, 30 * 86_400)
    assert options.body_size == 5 * 2**20
    assert [str(one) for one in options.allow] == ["192.0.2.0/24", "2001:db8::/32"]
    assert options.basic_auth is not None
    ((user, word),) = options.basic_auth.users
    assert user == "ann"
    assert bcrypt.checkpw(b"a secret", word.encode())
    shown = at.get(f"/names/{claim.id}").text
    assert word not in shown
    assert "a secret" not in shown
    assert "DENY" in shown


def test_the_form_of_a_redirect_asks_only_what_has_an_effect_on_it(world: Page) -> None:
    claim = world.claim("notes", RedirectTarget("https://example.net/"), options=SiteOptions(body_size=5))
    at = browser(world)
    shown = at.get(f"/names/{claim.id}").text
    asked = set(re.findall(r'name="([^"]+)"', shown.partition('id="options"')[2].partition("</form>")[0]))
    assert asked == {"form_token", "http", "hsts", *(f"header-{header}" for header in Header)}
    at.post(f"/names/{claim.id}/options", {"http": "yes"})
    assert world.now(claim).options == SiteOptions(http=True, websockets=True, body_size=5)
    answer = at.post(f"/names/{claim.id}/options", {"members_only": "yes"})
    assert "before anybody is asked" in notes(answer.text)


@pytest.mark.parametrize("kind", ["alias", "address", "direct"])
def test_a_site_for_members_only_is_not_led_past_the_proxy(world: Page, kind: str) -> None:
    claim = world.claim("notes", members_only=True)
    at = browser(world)
    at.post(f"/names/{claim.id}/target", {"kind": kind, "guest": "guest-alice", "alias": "example.net"})
    assert "our proxy does not see who comes" in at.flashed()
    assert world.now(claim) == claim
    at.post(f"/names/{claim.id}/options", {"websockets": "yes"})
    at.post(f"/names/{claim.id}/target", {"kind": kind, "guest": "guest-alice", "alias": "example.net"})
    assert 'id="options"' not in at.get(f"/names/{claim.id}").text


def test_a_name_is_handed_on_when_the_heir_has_accepted_it(world: Page) -> None:
    claim = world.claim("notes")
    at = browser(world)
    assert "7 days to accept" in at.get(f"/names/{claim.id}").text
    answer = at.post(f"/names/{claim.id}/transfer", {"to": "bob"})
    assert answer.location.startswith("/sure"), "nobody takes it back, so who one is is asked again"
    assert world.now(claim) == claim
    make_sure(world, at.client)
    at.post(f"/names/{claim.id}/transfer", {"to": "bob"})
    assert world.now(claim) == claim
    assert "You have offered it to bob" in at.get(f"/names/{claim.id}").text
    heir = browser(world, "bob")
    assert "notes.vmsrv.example.org" in heir.get("/").text
    world.clock.time += 60
    heir.post(f"/names/{claim.id}/accept")
    assert world.now(claim).member == "bob"
    with world.desk.office.reading() as books:
        (row,) = books.audit.rows(AuditFilter(what="transfer"))
    assert (row.act.who, row.act.subject) == ("bob", "notes.vmsrv.example.org")
    history = heir.get(f"/names/{claim.id}").text.partition('id="history"')[2]
    assert "handed on" in history
    assert "<del>alice</del> → <ins>bob</ins>" in history
    assert "claimed" not in history, "what was before is the former holder's"


def test_an_offer_is_declined_or_taken_back_on_the_page(world: Page) -> None:
    claim = world.claim("notes")
    at, heir = browser(world, sure=True), browser(world, "bob")
    for who, act in ((heir, "decline"), (at, "withdraw")):
        at.post(f"/names/{claim.id}/transfer", {"to": "bob"})
        assert "alice offers you" in heir.get("/").text
        who.post(f"/names/{claim.id}/{act}")
        assert "alice offers you" not in heir.get("/").text
        assert "You have offered" not in at.get(f"/names/{claim.id}").text
    heir.post(f"/names/{claim.id}/accept")
    assert "nobody offers you this name" in heir.flashed()
    assert world.now(claim) == claim


def test_an_admin_who_acts_for_a_member_hands_on_at_once(world: Page) -> None:
    claim, admin = world.claim("notes"), browser(world, "carol", sure=True)
    admin.post("/admin/members/alice/act-for")
    assert "they are not asked" in admin.get(f"/names/{claim.id}").text
    admin.post(f"/names/{claim.id}/transfer", {"to": "bob"})
    assert world.now(claim).member == "bob"


def test_an_open_page_asks_soon_while_a_change_is_on_its_way_and_seldom_afterwards(world: Page) -> None:
    claim, at = world.claim("notes"), browser(world)

    def pace() -> str:
        text = at.get(f"/names/{claim.id}/chain").text
        return text.partition('hx-trigger="every ')[2].partition('"')[0]

    assert pace() == "250ms"
    world.clock.time += 60
    assert pace() == "2s"
    with world.desk.office.writing() as books:
        links = [{"state": "good", "title": "claim", "text": "is well"}]
        books.views.put_names([NameView(claim.name, NameState.SERVED, "alice", 0.0, {"links": links})])
    assert pace() == "10s"
    claims.retarget(
        world.desk, Actor("alice"), claim.id, RedirectTarget("https://a.example/"), world.clock.time
    )
    assert pace() == "1s", "the chain is that of before, until the daemon has looked"


def test_an_open_page_shows_how_a_name_stands_and_is_loaded_anew_in_another_state(world: Page) -> None:
    claim, at = world.claim("notes"), browser(world)
    [again] = re.findall(r'hx-get="([^"]+)"', at.get(f"/names/{claim.id}").text)
    answer = at.get(again.replace("&amp;", "&"))
    assert "on its way" in answer.text.partition('id="standing" hx-swap-oob="true"')[2]
    assert "HX-Refresh" not in answer.headers
    approval.suspend(world.desk, CAROL, claim.id, "complaints", world.clock.time)
    assert at.get(again).headers["HX-Refresh"] == "true"


def test_users_stay_until_they_are_removed(world: Page) -> None:
    claim = world.claim("notes")
    at = browser(world)
    for user in ("ann", "ben"):
        at.post(f"/names/{claim.id}/options", {"websockets": "yes", "user": user, "user_password": "x"})
    at.post(f"/names/{claim.id}/options", {"websockets": "yes", "drop": ["ann"]})
    auth = world.now(claim).options.basic_auth
    assert auth is not None
    assert [user for user, _ in auth.users] == ["ben"]
    at.post(f"/names/{claim.id}/options", {"websockets": "yes", "drop": ["ben"]})
    assert world.now(claim).options.basic_auth is None


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"allow": "192.0.2.1/24"}, "no address or network"),
        ({"allow": "unix:/run/x"}, "no address or network"),
        ({"hsts": "-1"}, "write a number"),
        ({"body_size": "99999999"}, "out of range"),
        ({"user_password": "x"}, "nobody has that password"),
        ({"user": "ann", "user_password": ""}, "cannot be used"),
        ({"user": "a;b", "user_password": "x"}, "cannot be"),
        ({"header-X-Robots-Tag": "x$host"}, "printable ASCII"),
        ({"realm": "off", "user": "ann", "user_password": "x"}, "cannot be 'off'"),
    ],
)
def test_options_that_cannot_be_are_refused_and_the_form_kept(
    world: Page, fields: dict[str, str], why: str
) -> None:
    claim = world.claim("notes")
    answer = browser(world).post(f"/names/{claim.id}/options", fields)
    assert answer.status_code == 400
    assert why in notes(answer.text)
    assert '<details class="card" id="options" open>' in answer.text
    assert world.now(claim) == claim
