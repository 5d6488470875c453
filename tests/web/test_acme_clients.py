"""ACME clients place TXT values for their member's names, and for no others: httpreq and acme-dns."""

import base64
import hashlib
from pathlib import Path
from typing import Any

import pytest

from skulldns.model.certificates import shown
from skulldns.model.claims import Claim
from skulldns.model.tokens import Scope
from tests.webworld import HOST, Page, basic, page
from webui.machines.challenges import RATE

VALUE = base64.urlsafe_b64encode(hashlib.sha256(b"x").digest()).decode().rstrip("=")
OTHERS = (VALUE[::-1], VALUE[1:] + "x")
WIKI = "wiki.vmsrv.example.org"


@pytest.fixture
def here(tmp_path: Path) -> Page:
    found = page(tmp_path)
    found.claim("bobs", login="bob")
    return found


@pytest.fixture
def wiki(here: Page) -> Claim:
    claim = here.claim("wiki")
    here.serve(claim, VALUE, *OTHERS)
    return claim


def values(here: Page, claim: Claim) -> list[tuple[str, str]]:
    return [(shown(one.name), one.value) for one in here.now(claim).challenges]


def httpreq(here: Page, path: str, body: object, token: str | None = None, login: str = "alice") -> int:
    headers = basic(login, token or here.token(Scope.ACME))
    return here.client().post(f"/acme/{path}", json=body, headers=headers).status_code


def test_present_and_cleanup(here: Page, wiki: Claim) -> None:
    body = {"fqdn": f"_acme-challenge.{WIKI}.", "value": VALUE}
    assert httpreq(here, "present", body) == 200
    assert httpreq(here, "present", body) == 200
    assert values(here, wiki) == [(WIKI, VALUE)]
    assert httpreq(here, "cleanup", body) == 200
    assert httpreq(here, "cleanup", body) == 200
    assert values(here, wiki) == []


def test_a_value_that_is_not_served_yet_is_kept_and_that_is_said(here: Page, wiki: Claim) -> None:
    value = "y" * 43
    assert httpreq(here, "present", {"fqdn": WIKI, "value": value}) == 202
    assert values(here, wiki) == [(WIKI, value)]
    keys = {"X-Api-User": "alice", "X-Api-Key": here.token(Scope.ACME)}
    body = {"subdomain": WIKI, "txt": value}
    assert acme_dns(here, "update", keys, body) == (503, {"error": "not_served_yet"})
    here.serve(wiki, value)
    assert httpreq(here, "present", {"fqdn": WIKI, "value": value}) == 200
    assert acme_dns(here, "update", keys, body) == (200, {"txt": value})


def test_raw_mode_reckons_the_value(here: Page, wiki: Claim) -> None:
    body = {"domain": WIKI, "token": "t", "keyAuth": "x"}
    assert httpreq(here, "present", body) == 200
    assert values(here, wiki) == [(WIKI, VALUE)]


def test_a_name_and_its_wildcard_stand_beside_each_other(here: Page, wiki: Claim) -> None:
    other = OTHERS[0]
    for name, value, status in ((WIKI, VALUE, 200), (f"*.{WIKI}", other, 200), (f"a.{WIKI}", VALUE, 202)):
        body = {"domain": name, "keyAuth": "k"} | {"fqdn": name, "value": value}
        assert httpreq(here, "present", body) == status
    assert values(here, wiki) == [(WIKI, VALUE), (WIKI, other), (f"a.{WIKI}", VALUE)]


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("bobs.vmsrv.example.org", 401),
        ("bob-web.vmsrv.example.org", 401),
        ("free.vmsrv.example.org", 401),
        ("vmsrv.example.org", 401),
        ("somebodys.test", 422),
        ("a..b", 422),
        ("", 422),
    ],
)
def test_other_names_are_refused(here: Page, wiki: Claim, name: str, status: int) -> None:
    assert httpreq(here, "present", {"fqdn": f"_acme-challenge.{name}", "value": VALUE}) == status
    assert values(here, wiki) == []


def test_a_guest_s_own_name_is_its_member_s_by_either_way(here: Page) -> None:
    name, scope = "alice-web.vmsrv.example.org", (Scope.ACME,)
    keys = {"X-Api-User": "alice", "X-Api-Key": here.token(*scope)}
    assert httpreq(here, "present", {"fqdn": f"*.{name}", "value": VALUE}) == 202
    assert acme_dns(here, "update", keys, {"subdomain": name, "txt": OTHERS[0]})[0] == 503
    assert at_guest(here) == {VALUE, OTHERS[0]}
    bobs = {"X-Api-User": "bob", "X-Api-Key": here.token(*scope, login="bob")}
    forbidden = (401, {"error": "forbidden"})
    assert acme_dns(here, "update", bobs, {"subdomain": name, "txt": OTHERS[1]}) == forbidden
    for value in (VALUE, OTHERS[0]):
        assert httpreq(here, "cleanup", {"fqdn": name, "value": value}) == 200
    assert at_guest(here) == set()


def at_guest(here: Page) -> set[str]:
    with here.desk.office.reading() as books:
        return {one.value for one in books.challenges.standing(here.clock.time)}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"fqdn": WIKI, "value": "not a digest"}, 422),
        ({"fqdn": WIKI}, 400),
        ({"fqdn": [WIKI], "value": VALUE}, 400),
        ([], 400),
    ],
)
def test_what_is_no_challenge_is_refused(here: Page, wiki: Claim, body: object, status: int) -> None:
    assert httpreq(here, "present", body) == status
    assert values(here, wiki) == []


def test_tokens_of_others_and_for_other_things(here: Page, wiki: Claim) -> None:
    body = {"fqdn": WIKI, "value": VALUE}
    assert httpreq(here, "present", body, here.token(Scope.DYNDNS)) == 401
    assert httpreq(here, "present", body, here.token(Scope.ACME, login="bob"), "bob") == 401
    assert httpreq(here, "present", body, here.token(Scope.ACME), "bob") == 401
    only = here.claim("other").name
    assert httpreq(here, "present", body, here.token(Scope.ACME, names=(only,))) == 401
    assert values(here, wiki) == []


def test_too_many_values_at_once(here: Page, wiki: Claim) -> None:
    token, body = here.token(Scope.ACME), {"fqdn": WIKI, "value": VALUE}
    answers = [httpreq(here, "present", body, token) for _ in range(RATE.burst + 1)]
    assert answers == [200] * RATE.burst + [429]
    assert len(values(here, wiki)) == 1


def acme_dns(here: Page, path: str, headers: dict[str, str], body: object = None) -> tuple[int, Any]:
    answer = here.client().post(f"/acme-dns/{path}", json=body, headers=headers | {"Host": HOST})
    return answer.status_code, answer.json


def test_an_acme_dns_account_is_a_token_for_one_name(here: Page, wiki: Claim) -> None:
    token = here.token(Scope.ACME, names=(wiki.name,))
    status, account = acme_dns(here, "register", basic("alice", token))
    assert (status, account["subdomain"], account["fulldomain"]) == (201, WIKI, f"_acme-challenge.{WIKI}")
    keys = {"X-Api-User": account["username"], "X-Api-Key": account["password"]}
    texts = [VALUE, *OTHERS]
    for text in texts:
        answer = acme_dns(here, "update", keys, {"subdomain": account["subdomain"], "txt": text})
        assert answer == (200, {"txt": text})
    assert values(here, wiki) == [(WIKI, text) for text in texts[1:]]


def test_acme_dns_registers_nobody_without_a_token(here: Page, wiki: Claim) -> None:
    assert acme_dns(here, "register", {}) == (401, {"error": "forbidden"})
    assert acme_dns(here, "register", basic("alice", here.token(Scope.ACME)))[0] == 422
    assert wiki.challenges == ()


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ({"subdomain": WIKI, "txt": "short"}, (400, {"error": "bad_txt"})),
        ({"subdomain": "bobs.vmsrv.example.org", "txt": VALUE}, (401, {"error": "forbidden"})),
        ({"subdomain": "nonsense", "txt": VALUE}, (400, {"error": "bad_subdomain"})),
        ({"subdomain": "x.test", "txt": VALUE}, (400, {"error": "bad_subdomain"})),
        ({"txt": VALUE}, (400, {"error": "malformed_json_payload"})),
    ],
)
def test_acme_dns_says_what_is_wrong(here: Page, wiki: Claim, body: object, answer: object) -> None:
    keys = {"X-Api-User": "alice", "X-Api-Key": here.token(Scope.ACME)}
    assert acme_dns(here, "update", keys, body) == answer
    assert values(here, wiki) == []


def test_acme_dns_is_there(here: Page) -> None:
    assert here.client().get("/acme-dns/health", headers={"Host": HOST}).status_code == 200
