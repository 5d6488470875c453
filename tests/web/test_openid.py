"""Signing in through an OpenID provider: a real one on loopback, and what it or others may try."""

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from skulldns.errors import Refused
from skulldns.model.members import Actor, Identity, Member, MemberState
from tests.web.browser import Browser, give_password, path_of
from tests.web.identity_provider import CLIENT, CLIENT_SECRET, IdentityProvider, running
from tests.webworld import ORIGIN, SETTINGS, Page, page
from webui.desk import identities, members
from webui.sessions import SURE_FOR
from webui.settings import Service

BACK = f"{ORIGIN}/sign-in/openid/back"


@pytest.fixture(scope="module")
def server() -> Iterator[IdentityProvider]:
    with running(BACK) as provider:
        yield provider


@pytest.fixture
def provider(server: IdentityProvider) -> IdentityProvider:
    """The provider as it is when nobody bends it."""
    fresh = IdentityProvider(server.issuer, server.clock, server.redirect_uri, key=server.key)
    vars(server).update(vars(fresh))
    return server


@pytest.fixture(scope="module")
def shared(server: IdentityProvider, tmp_path_factory: pytest.TempPathFactory) -> Page:
    return _world(tmp_path_factory.mktemp("page"), server, create=True)


@pytest.fixture
def refusing(shared: Page, provider: IdentityProvider) -> Page:
    """A page that all tests share in which nobody becomes a member; it knows nothing of the provider any more."""
    provider.clock = shared.clock
    shared.clock.time += 1000
    return shared


@pytest.fixture
def world(tmp_path: Path, provider: IdentityProvider) -> Page:
    return _world(tmp_path, provider, create=True)


def _world(directory: Path, provider: IdentityProvider, **more: Any) -> Page:
    service = Service("Club", provider.issuer, CLIENT, CLIENT_SECRET, **more)
    here = page(directory, settings=replace(SETTINGS, service=service))
    provider.clock = here.clock
    return here


def _member(here: Page, login: str) -> Member | None:
    with here.desk.office.reading() as books:
        return books.members.member(login)


def _link(here: Page, provider: IdentityProvider, login: str = "alice") -> None:
    with here.desk.office.writing() as books:
        books.signins.link(login, Identity(provider.issuer, provider.person["sub"]))


def _away(browser: Browser, path: str = "/sign-in/openid") -> str:
    """Let the browser go to the provider; where that sends it back to."""
    left = browser.get(path)
    assert left.status_code == 302, left.text
    answer = httpx.get(left.headers["Location"])
    assert answer.status_code == 302, answer.text
    return str(answer.headers["Location"])


def _there_and_back(browser: Browser, path: str = "/sign-in/openid") -> Any:
    return browser.get(_away(browser, path).removeprefix(ORIGIN))


def test_who_has_an_account_there_becomes_a_member(world: Page) -> None:
    browser = Browser(world)
    assert "Sign in with Club" in browser.get("/sign-in").text
    answer = _there_and_back(browser)
    assert path_of(answer) == "/names" or path_of(answer) == "/"
    assert browser.is_signed_in
    member = _member(world, "dora")
    assert member is not None
    assert not member.admin
    with world.desk.office.reading() as books:
        assert [row.act.what for row in books.audit.rows(limit=1)] == ["join"]


def test_the_same_person_is_the_same_member_whatever_they_are_called_now(
    world: Page, provider: IdentityProvider
) -> None:
    _there_and_back(Browser(world))
    provider.person = {"sub": "1234", "preferred_username": "alice"}
    browser = Browser(world)
    _there_and_back(browser)
    assert "dora" in browser.get("/account").text


@pytest.mark.parametrize("login", ["alice", "carol", "ad min", "../x", "", "the command line", "D" * 40])
def test_a_login_that_is_taken_or_cannot_be_makes_nobody(
    world: Page, provider: IdentityProvider, login: str
) -> None:
    provider.person = {"sub": "666", "preferred_username": login}
    browser = Browser(world)
    assert path_of(_there_and_back(browser)) == "/sign-in"
    assert not browser.is_signed_in
    with world.desk.office.reading() as books:
        assert books.members.members().total == 3
        assert books.signins.member_of(Identity(provider.issuer, "666")) is None


def test_an_invited_login_is_not_taken_from_the_invited(world: Page) -> None:
    members.invite(world.desk, Actor("carol", admin=True), "dora", world.clock.time)
    browser = Browser(world)
    _there_and_back(browser)
    assert not browser.is_signed_in
    assert "invited" in browser.get("/sign-in").text


def test_without_create_only_linked_accounts_sign_in(tmp_path: Path, provider: IdentityProvider) -> None:
    here = _world(tmp_path, provider)
    browser = Browser(here)
    _there_and_back(browser)
    assert not browser.is_signed_in
    assert "no member here has that account" in browser.get("/sign-in").text
    _link(here, provider)
    _there_and_back(browser)
    assert browser.is_signed_in


def test_a_suspended_member_does_not_get_in(world: Page, provider: IdentityProvider) -> None:
    _link(world, provider)
    with world.desk.office.writing() as books:
        books.members.put(Member("alice", 0.0, state=MemberState.SUSPENDED))
    browser = Browser(world)
    _there_and_back(browser)
    assert not browser.is_signed_in


def test_groups_say_at_each_sign_in_who_is_an_admin(tmp_path: Path, provider: IdentityProvider) -> None:
    here = _world(tmp_path, provider, create=True, groups_claim="groups", admin_groups=("ops",))
    for groups, admin in ((["all", "ops"], True), (["all"], False), ("ops", False), (None, False)):
        provider.person = {"sub": "1", "preferred_username": "dora", "groups": groups}
        _there_and_back(Browser(here))
        found = _member(here, "dora")
        assert found is not None
        assert found.admin is admin, groups


def test_groups_and_login_may_stand_in_the_user_information(
    tmp_path: Path, provider: IdentityProvider
) -> None:
    here = _world(tmp_path, provider, create=True, groups_claim="groups", admin_groups=("ops",))
    provider.person = {"sub": "1"}
    provider.userinfo = {"preferred_username": "erin", "groups": ["ops"]}
    _there_and_back(Browser(here))
    found = _member(here, "erin")
    assert found is not None
    assert found.admin
    provider.userinfo = {"sub": "another", "preferred_username": "mallory"}
    _there_and_back(Browser(here))
    assert _member(here, "mallory") is None


def test_only_a_verified_mail_address_is_believed(world: Page, provider: IdentityProvider) -> None:
    for login, verified in (("dora", False), ("erin", True)):
        provider.person = {
            "sub": login,
            "preferred_username": login,
            "email": "who@example.org",
            "email_verified": verified,
        }
        _there_and_back(Browser(world))
        found = _member(world, login)
        assert found is not None
        assert found.email == ("who@example.org" if verified else "")


Bend = Callable[[dict[str, Any], dict[str, Any]], None]


def _set(**claims: Any) -> Bend:
    return lambda _header, found: found.update(claims)


def _drop(name: str) -> Bend:
    def drop(_header: dict[str, Any], claims: dict[str, Any]) -> None:
        del claims[name]

    return drop


def _later(seconds: int) -> Bend:
    def late(_header: dict[str, Any], claims: dict[str, Any]) -> None:
        claims["exp"] += seconds
        claims["iat"] += seconds

    return late


@pytest.mark.parametrize(
    "bend",
    [
        pytest.param(_set(nonce="another"), id="nonce of another"),
        pytest.param(_drop("nonce"), id="no nonce"),
        pytest.param(_set(aud="another-client"), id="for another client"),
        pytest.param(_set(aud=["another-client", CLIENT]), id="for two, nobody authorized"),
        pytest.param(_set(aud=["another-client", CLIENT], azp="another-client"), id="another authorized"),
        pytest.param(_set(azp="another-client"), id="authorized is another"),
        pytest.param(_drop("aud"), id="for nobody"),
        pytest.param(_set(iss="https://evil.example"), id="issued by another"),
        pytest.param(_drop("iss"), id="issued by nobody"),
        pytest.param(_later(-1000), id="expired"),
        pytest.param(_later(10_000), id="from the future"),
        pytest.param(_drop("exp"), id="without end"),
        pytest.param(_set(sub=""), id="about nobody"),
        pytest.param(_set(sub=["1234"]), id="about a list"),
        pytest.param(_drop("sub"), id="without subject"),
    ],
)
def test_an_id_token_that_does_not_fit_signs_nobody_in(
    refusing: Page, provider: IdentityProvider, bend: Bend
) -> None:
    provider.bend = bend
    browser = Browser(refusing)
    assert path_of(_there_and_back(browser)) == "/sign-in"
    assert "did not fit" in browser.get("/sign-in").text
    assert not browser.is_signed_in


def _part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def _unsigned(header: dict[str, Any], claims: dict[str, Any]) -> str:
    return f"{_part(header | {'alg': 'none'})}.{_part(claims)}."


def _with_own_key(header: dict[str, Any], claims: dict[str, Any]) -> str:
    return jwt.encode(header, claims, ECKey.generate_key("P-256", {"kid": "first"}))


def _with_own_key_inside(header: dict[str, Any], claims: dict[str, Any]) -> str:
    key = ECKey.generate_key("P-256", {"kid": "first"})
    return jwt.encode({**header, "jwk": key.as_dict(private=False)}, claims, key)


def _with_client_secret(header: dict[str, Any], claims: dict[str, Any]) -> str:
    return jwt.encode({**header, "alg": "HS256"}, claims, OctKey.import_key(CLIENT_SECRET))


def _changed_afterwards(header: dict[str, Any], claims: dict[str, Any]) -> str:
    first, _, last = _unsigned(header, claims).split(".")
    return f"{first}.{_part(claims | {'sub': 'admin'})}.{last}AAAA"


@pytest.mark.parametrize(
    "sign",
    [_unsigned, _with_own_key, _with_own_key_inside, _with_client_secret, _changed_afterwards, lambda *_: ""],
    ids=["alg none", "another key", "a key inside", "HMAC with the secret", "changed", "none at all"],
)
def test_only_the_providers_signature_counts(refusing: Page, provider: IdentityProvider, sign: Any) -> None:
    provider.sign_with = sign
    browser = Browser(refusing)
    assert path_of(_there_and_back(browser)) == "/sign-in"
    assert not browser.is_signed_in


def test_an_answer_belongs_to_the_browser_that_asked(world: Page) -> None:
    victim, attacker = Browser(world), Browser(world)
    answer = _away(attacker).removeprefix(ORIGIN)
    victim.get(answer)
    assert not victim.is_signed_in
    victim.get("/sign-in/openid")
    victim.get(answer)
    assert not victim.is_signed_in


def test_an_answer_works_once_even_with_the_old_cookie(world: Page, provider: IdentityProvider) -> None:
    browser = Browser(world)
    answer = _away(browser).removeprefix(ORIGIN)
    note = browser.cookie("note")
    assert note
    begun = dict(provider.codes)
    browser.get(answer)
    assert browser.is_signed_in
    thief = Browser(world)
    thief.set_cookie(note, "note")
    provider.codes.update(begun)  # a provider that lets a code be used twice
    thief.get(answer)
    assert not thief.is_signed_in


def test_an_old_answer_is_over(refusing: Page) -> None:
    browser = Browser(refusing)
    answer = _away(browser).removeprefix(ORIGIN)
    refusing.clock.time += 601
    browser.get(answer)
    assert not browser.is_signed_in


@pytest.mark.parametrize("change", ["&state=x", "&iss=https://evil.example"])
def test_another_state_or_issuer_in_the_answer_is_refused(refusing: Page, change: str) -> None:
    browser = Browser(refusing)
    url = _away(browser).removeprefix(ORIGIN)
    name = change[1:].partition("=")[0]
    kept = "&".join(part for part in url.partition("?")[2].split("&") if not part.startswith(f"{name}="))
    browser.get(f"/sign-in/openid/back?{kept}{change}")
    assert not browser.is_signed_in


def test_an_answer_without_the_promised_issuer_is_refused(refusing: Page) -> None:
    browser = Browser(refusing)
    url = _away(browser).removeprefix(ORIGIN)
    kept = "&".join(part for part in url.partition("?")[2].split("&") if not part.startswith("iss="))
    browser.get(f"/sign-in/openid/back?{kept}")
    assert not browser.is_signed_in


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": "http://evil.example/token"},
        {"jwks_uri": "file:///etc/passwd"},
        {"userinfo_endpoint": "http://192.0.2.1/"},
        {"authorization_endpoint": ""},
    ],
)
def test_a_provider_that_says_it_is_another_or_talks_in_clear_is_not_asked(
    refusing: Page, provider: IdentityProvider, metadata: dict[str, str]
) -> None:
    provider.metadata = metadata
    answer = Browser(refusing).get("/sign-in/openid")
    assert answer.status_code == 503
    assert "Club does not answer as it should" in answer.text


def test_what_the_browser_carries_to_the_provider(refusing: Page, provider: IdentityProvider) -> None:
    answer = Browser(refusing).get("/sign-in/openid")
    query = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert query["code_challenge_method"] == ["S256"]
    assert query["redirect_uri"] == [BACK]
    assert len(query["state"][0]) >= 43
    assert len(query["nonce"][0]) >= 43
    assert provider.issuer in answer.headers["Location"]
    assert CLIENT_SECRET not in answer.headers["Location"]


@pytest.mark.parametrize(
    "goal", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
)
def test_nobody_is_led_elsewhere_after_signing_in(world: Page, goal: str) -> None:
    browser = Browser(world)
    answer = _there_and_back(browser, f"/sign-in/openid?next={goal}")
    assert path_of(answer) == path_of(browser.get("/sign-in"))
    assert browser.is_signed_in


def test_the_page_that_was_wanted_is_gone_on_to(world: Page) -> None:
    assert path_of(_there_and_back(Browser(world), "/sign-in/openid?next=/account")) == "/account"


def test_a_cancelled_sign_in_says_so(refusing: Page) -> None:
    browser = Browser(refusing)
    state = parse_qs(urlsplit(browser.get("/sign-in/openid").headers["Location"]).query)["state"][0]
    issuer = refusing.app.extensions["skulldns"].settings.service.issuer
    browser.get(f"/sign-in/openid/back?error=access_denied&state={state}&iss={issuer}")
    assert "Club did not sign you in" in browser.get("/sign-in").text


def test_a_session_begins_anew_and_is_sure_only_if_the_provider_asked_just_now(
    world: Page, provider: IdentityProvider
) -> None:
    browser = Browser(world)
    browser.set_cookie("fixed-by-an-attacker")
    _there_and_back(browser)
    assert browser.cookie() != "fixed-by-an-attacker"
    assert path_of(browser.post("/account/recovery-codes", form="/account")).startswith("/sure")
    provider.bend = _set(auth_time=int(world.clock.time))
    fresh = Browser(world)
    _there_and_back(fresh)
    assert fresh.post("/account/recovery-codes", form="/account").status_code == 200


def test_a_member_without_password_is_sure_through_the_service(
    world: Page, provider: IdentityProvider
) -> None:
    browser = Browser(world)
    _there_and_back(browser)
    before = browser.cookie()
    left = parse_qs(urlsplit(browser.get("/sign-in/openid?why=sure").headers["Location"]).query)
    assert (left["prompt"], left["max_age"]) == (["login"], ["0"])
    assert path_of(_there_and_back(browser, "/sign-in/openid?why=sure&next=/account")) == "/account"
    assert browser.cookie() != before
    assert browser.post("/account/recovery-codes", form="/account").status_code == 200
    world.clock.time += SURE_FOR + 1
    assert path_of(browser.post("/account/recovery-codes", form="/account")).startswith("/sure")
    provider.asks_again = False
    assert path_of(_there_and_back(browser, "/sign-in/openid?why=sure")) == "/sure"
    assert path_of(browser.post("/account/recovery-codes", form="/account")).startswith("/sure")


def test_another_account_makes_nobody_sure(world: Page, provider: IdentityProvider) -> None:
    browser = Browser(world)
    _there_and_back(browser)
    provider.person = {"sub": "another", "preferred_username": "erin"}
    _there_and_back(Browser(world))
    assert path_of(_there_and_back(browser, "/sign-in/openid?why=sure")) == "/sure"
    assert path_of(browser.post("/account/recovery-codes", form="/account")).startswith("/sure")


def test_a_member_links_their_account_by_a_form_of_the_page(world: Page, provider: IdentityProvider) -> None:
    give_password(world, "alice")
    browser = Browser(world)
    browser.sign_in()
    shown = _there_and_back(browser, "/sign-in/openid?why=link")
    assert "as dora gets into your account" in shown.text
    with world.desk.office.reading() as books:
        assert books.signins.identities("alice") == []
    assert path_of(browser.post("/sign-in/openid/link", form="/account")) == "/account"
    with world.desk.office.reading() as books:
        assert books.signins.identities("alice") == [Identity(provider.issuer, "1234")]
    other = Browser(world)
    _there_and_back(other)
    assert "alice" in other.get("/account").text
    browser.post("/sign-in/openid/unlink", form="/account")
    with world.desk.office.reading() as books:
        assert books.signins.identities("alice") == []


def test_an_account_is_linked_to_one_member_only(world: Page) -> None:
    _there_and_back(Browser(world))
    identity = Identity(world.app.extensions["skulldns"].settings.service.issuer, "1234")
    with pytest.raises(Refused, match="another member's"):
        identities.link(world.desk, Actor("alice"), identity, 1.0)


def test_the_last_way_in_is_not_given_up(world: Page) -> None:
    _there_and_back(Browser(world))
    with pytest.raises(Refused, match="could not sign in"):
        identities.unlink(world.desk, Actor("dora"), 1.0)


def test_an_invitation_to_begin_anew_unlinks(world: Page, provider: IdentityProvider) -> None:
    _link(world, provider)
    _, secret = members.invite(world.desk, Actor("carol", admin=True), "alice", world.clock.time)
    members.accept(world.desk, secret, world.clock.time, "192.0.2.1", password=None)
    with world.desk.office.reading() as books:
        assert books.signins.identities("alice") == []


def test_without_a_service_there_is_no_such_page(tmp_path: Path) -> None:
    browser = Browser(page(tmp_path))
    assert browser.get("/sign-in/openid").status_code == 404
    assert "openid" not in browser.get("/sign-in").text


def test_the_secret_is_not_shown_by_accident() -> None:
    service = Service("Club", "https://club.example", CLIENT, CLIENT_SECRET)
    assert CLIENT_SECRET not in repr(replace(SETTINGS, service=service))
