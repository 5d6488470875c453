"""A member's way from the invitation to a released name, in a real browser."""

import re
import time
from http import HTTPStatus

import pytest
from playwright.sync_api import Locator, Page, expect

from skulldns.lab.nameserver import FOREIGN
from skulldns.lab.waiting import until
from tests.browser.handover import Handover
from tests.browser.world import AUTHENTICATOR, HOST, PASSWORD, PATIENCE, World
from tests.integration.trial import Trial

pytestmark = pytest.mark.timeout(400)
expect.set_options(timeout=PATIENCE)

_LONG = PATIENCE / 1000
_LINKS = ("claim", "guest", "ns1", "ns2", "certificate", "site", "first answer")


def _claim(world: World, page: Page, name: str, guest: str, port: int) -> None:
    """Fill the form, and send it when the page has said that the name is free."""
    page.goto(f"{world.url}/claim")
    page.get_by_label("Name", exact=True).first.fill(name)
    page.locator("#look .found").wait_for()
    page.locator("#guest").select_option(page.locator("#guest option", has_text=guest).get_attribute("value"))
    page.locator("#port").fill(str(port))
    page.get_by_role("button", name="Claim it").click()


def _all_green(page: Page, begun: float) -> float:
    """Wait until every link of the chain is green; seconds since ``begun``."""
    links = page.locator("#chain ol.chain > li")
    expect(links).to_have_count(len(_LINKS))
    expect(page.locator("#chain ol.chain > li.good")).to_have_count(len(_LINKS))
    return time.monotonic() - begun


def test_a_member_joins_and_signs_in_with_password_and_passkey(world: World) -> None:
    alice = world.fresh("alice")
    link = world.invite(alice)
    with world.page() as page:
        session = page.context.new_cdp_session(page)
        session.send("WebAuthn.enable")
        session.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
        page.goto(link)
        expect(page.get_by_role("heading", name=f"Welcome, {alice}")).to_be_visible()
        assert not [url for url in world.asked if link.partition("#")[2] in url.partition("#")[0]]
        page.locator("#password").fill(PASSWORD)
        page.locator("#again").fill(PASSWORD)
        page.get_by_role("button", name="Join").click()
        expect(page.locator("pre.codes")).to_contain_text(re.compile(r"\S+\s+\S+"))
        cookies = {cookie["name"]: cookie for cookie in page.context.cookies()}
        assert cookies["__Host-session"]["secure"]
        assert cookies["__Host-session"]["httpOnly"]
        page.get_by_role("link", name="I have kept them").click()
        page.get_by_role("button", name="Sign out").click()

        world.sign_in(page, alice)
        page.goto(f"{world.url}/account")
        page.get_by_label("What shall it be called?").fill("laptop")
        page.get_by_role("button", name="Add a passkey").click()
        expect(page.get_by_text("works from now on")).to_be_visible()
        page.get_by_role("button", name="Sign out").click()

        page.get_by_role("button", name="Sign in with a passkey").click()
        expect(page.get_by_role("heading", name="My names")).to_be_visible()

    with world.page(scripts=False) as page:
        page.goto(link)
        page.get_by_label("Code of the invitation").fill(link.partition("#")[2])
        page.get_by_role("button", name="Go on").click()
        expect(page.get_by_text("used up or too old")).to_be_visible()


def test_a_claimed_name_comes_alive_and_is_given_away(world: World) -> None:
    anna, bert = world.member(world.fresh("anna")), world.member(world.fresh("bert"))
    guest, label = f"{anna}-web", world.fresh("shop")
    world.guest(guest, anna)
    with world.page() as page:
        world.sign_in(page, anna)
        expect(page.get_by_text(f"{guest}.vmsrv.test")).to_be_visible()
        page.goto(f"{world.url}/claim")
        page.locator("#name").fill("www")
        expect(page.locator("#look .error")).to_contain_text("reserved")

        _claim(world, page, label, guest, world.lab.info.raw["guest_port"])
        begun = time.monotonic()
        page.wait_for_url(re.compile("/names/"))
        taken = _all_green(page, begun)
        expect(page.locator("#standing .state.good")).to_have_text("served")
        print(f"claimed to all links green: {taken * 1000:.0f} ms")  # noqa: T201 - a measured figure
        with world.visitor() as visitor:
            answer = visitor.goto(page.get_by_role("link", name="Open it").get_attribute("href") or "")
            assert answer is not None
            assert answer.status == 200
            assert visitor.title() == guest

        page.get_by_text("Give it away, or back").click()
        page.get_by_label("Hand it to the member").fill(bert)
        page.get_by_role("button", name="Offer it").click()
        expect(page.get_by_text(f"You have offered it to {bert}")).to_be_visible()

    with world.page() as page:
        world.sign_in(page, bert)
        page.get_by_role("button", name=f"Accept {label}.vmsrv.test").click()
        expect(page.get_by_text(f"{label}.vmsrv.test is yours now")).to_be_visible()
        page.get_by_text("Give it away, or back").click()
        page.get_by_role("button", name="Release it").click()
        expect(page.get_by_text(f"{label}.vmsrv.test is released")).to_be_visible()


def test_a_domain_of_ones_own_is_proved_and_opened(world: World) -> None:
    dora, domain = world.member(world.fresh("dora")), f"{world.fresh('cafe')}.{FOREIGN}"
    guest = f"{dora}-web"
    world.guest(guest, dora)
    with world.page() as page:
        world.sign_in(page, dora)
        _claim(world, page, domain, guest, world.lab.info.raw["guest_port"])
        line = page.locator("pre").first.inner_text()
        name, text = re.fullmatch(r'(\S+) 300 IN TXT "(.*)"', line.strip()).groups()  # type: ignore[union-attr]  # its fault is the test's
        by_hand = Trial(world.lab).by_hand
        by_hand(f"update add {domain}. 60 A 127.0.0.1", zone=FOREIGN)
        begun = time.monotonic()
        by_hand(f'update add {name} 60 TXT "{text}"', zone=FOREIGN)
        expect(page.locator("#chain li.good", has_text="first answer")).to_be_visible()
        print(f"proof in the zone to first answer: {(time.monotonic() - begun) * 1000:.0f} ms")  # noqa: T201 - a measured figure
        with world.visitor() as visitor:
            visitor.goto(f"https://{domain}/")
            assert visitor.title() == guest


def test_a_site_for_members_only_lets_in_who_signs_in(world: World) -> None:
    gina = world.member("gina")
    world.guest("gina-web", gina)
    hall, den = world.members_only("hall", gina), world.members_only("den", gina)
    seen = f"{hall}/deep?x=1&y=2"
    with world.visitor() as page:
        page.goto(seen)
        expect(page.get_by_role("heading", name="Sign in", exact=True)).to_be_visible()
        world.give_password(page, gina)
        page.wait_for_url(seen)
        assert page.title() == "gina-web"
        cookies = {(cookie["domain"], cookie["name"]): cookie["value"] for cookie in page.context.cookies()}
    session = cookies[HOST, "__Host-session"]
    entry = cookies["hall.vmsrv.test", "__Host-skulldns-entry"]
    way = Handover(world.lab)

    assert way.enters("hall", entry)
    for site, cookie in (("den", entry), ("hall", "made-up"), ("hall", session)):
        assert not way.enters(site, cookie)

    begun = way.begin("hall")
    ticket = way.ticket(begun, session)
    another, elsewhere = way.begin("hall"), way.begin("den")
    assert way.use(ticket, at="hall", begun=another.secret) == HTTPStatus.FORBIDDEN
    assert way.use(ticket, at="den", begun=elsewhere.secret) == HTTPStatus.FORBIDDEN
    assert way.use(ticket, at="den", begun=begun.secret) == HTTPStatus.FORBIDDEN
    assert way.use(ticket, at="hall", begun=begun.secret) == HTTPStatus.FOUND
    assert way.use(ticket, at="hall", begun=begun.secret) == HTTPStatus.FORBIDDEN

    for goal in ("https://evil.test/", "https://hall.vmsrv.test.evil.test/", f"{world.url}/", "//evil.test/"):
        assert way.led(goal) == HTTPStatus.NOT_FOUND
    assert way.led(f"{den}/") == HTTPStatus.FOUND


def test_it_works_without_scripts(world: World) -> None:
    emil, label = world.member(world.fresh("emil")), world.fresh("plain")
    name = f"{label}.vmsrv.test"
    world.guest(f"{emil}-web", emil)
    with world.page(scripts=False) as page:
        world.sign_in(page, emil)
        page.get_by_role("link", name="Claim a name").click()
        page.locator("#name").fill("www")
        page.get_by_role("button", name="Claim it").click()
        expect(page.get_by_role("alert")).to_contain_text("www is reserved")

        page.locator("#name").fill(label)
        page.locator("#port").fill(str(world.lab.info.raw["guest_port"]))
        page.get_by_role("button", name="Claim it").click()
        expect(page.get_by_role("heading", name=name)).to_be_visible()
        _look_again(page, page.locator("#chain ol.chain > li.good"), len(_LINKS))

        page.get_by_text("Further records").click()
        page.locator("#records-text").fill('@ 300 TXT "without scripts"')
        page.get_by_role("button", name="Set these records").click()
        expect(page.locator(".note.good")).to_contain_text("These are the records of the name now")
        expect(page.locator("#records-text")).to_have_value('@ 300 TXT "without scripts"')
        trial = Trial(world.lab)
        until(
            lambda: trial.answers("ns2", label, "TXT") == ['"without scripts"'],
            "the TXT record",
            patience=_LONG,
        )

        page.get_by_text("Give it away, or back").click()
        page.get_by_role("button", name="Release it").click()
        expect(page.get_by_text(f"{name} is released")).to_be_visible()


def _look_again(page: Page, wanted: Locator, count: int) -> None:
    """Follow the link that stands where scripts would ask by themselves, until that many are there."""

    def there() -> bool:
        page.get_by_role("link", name="Look again").click()
        return wanted.count() == count

    until(there, "every link of the chain", patience=_LONG)


def test_no_request_left_the_page(world: World) -> None:
    with world.page() as page:
        world.sign_in(page, world.member(world.fresh("fred")))
        page.goto(f"{world.url}/help")
    assert len(world.asked) > 3  # of all tests in this file, and of this one at least
    assert [url for url in world.asked if not url.startswith(f"{world.url}/")] == []
