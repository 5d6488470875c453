"""The API: what a token may do, what is said when it may not, and that a repetition changes nothing."""

from pathlib import Path
from typing import Any

import pytest

from skulldns.model.claims import AddressTarget
from skulldns.model.tokens import Scope
from tests.rooms import ROOT
from tests.webworld import HOST, Page, bearer, page
from webui.api.operations import OPERATIONS, RATE

GUEST = {"kind": "guest", "guest": "guest-alice"}
_BEGIN, _END = "|---|---|---|\n", "<!-- end -->"


@pytest.fixture
def here(tmp_path: Path) -> Page:
    return page(tmp_path)


def call(here: Page, token: str, method: str, path: str, body: object = None) -> tuple[int, Any]:
    more: dict[str, Any] = {} if body is None else {"json": body}
    answer = here.client().open(f"/api/v1{path}", method=method, headers=bearer(token), **more)
    return answer.status_code, answer.json


def test_a_name_s_life(here: Page) -> None:
    token = here.token(Scope.CLAIM)
    assert call(here, token, "GET", "/look?name=wiki")[1]["free"]
    status, made = call(here, token, "PUT", "/names/wiki", {"target": GUEST})
    assert (status, made["state"], made["name"]) == (201, "active", "wiki.vmsrv.example.org")
    assert not call(here, token, "GET", "/look?name=wiki")[1]["free"]
    records = [{"name": "wiki.vmsrv.example.org", "type": "TXT", "values": ['"x"']}]
    wanted = {"target": GUEST | {"port": 8080}, "options": {"members_only": True}, "records": records}
    status, found = call(here, token, "PUT", "/names/wiki", wanted)
    assert (status, found["target"]["port"], found["options"]["members_only"]) == (200, 8080, True)
    assert call(here, token, "PUT", "/names/wiki", wanted) == (200, found)
    assert call(here, token, "PUT", "/names/wiki", {"target": GUEST | {"port": 8080}}) == (200, found)
    assert call(here, token, "GET", "/names/wiki") == (200, found)
    assert call(here, token, "PUT", "/names/wiki/confirmation")[0] == 200
    events = call(here, token, "GET", "/names/wiki/history")[1]["items"]
    assert [one["what"] for one in events] == ["change", "claim"]
    assert call(here, token, "DELETE", "/names/wiki")[1]["state"] == "quarantined"
    assert call(here, token, "DELETE", "/names/wiki")[1]["state"] == "quarantined"


def test_a_change_counts_whole_or_not_at_all(here: Page) -> None:
    token, claim = here.token(), here.claim("wiki")
    wrong = [{"name": "elsewhere.test", "type": "TXT", "values": ['"x"']}]
    status, said = call(here, token, "PUT", "/names/wiki", {"target": GUEST | {"port": 81}, "records": wrong})
    assert (status, said["detail"]) == (422, "elsewhere.test is not below wiki.vmsrv.example.org")
    assert here.now(claim) == claim


def test_a_name_is_offered_and_accepted(here: Page) -> None:
    here.claim("wiki")
    token, heir = here.token(), here.token(login="bob")
    status, offer = call(here, token, "PUT", "/names/wiki/holder", {"login": "bob"})
    assert (status, offer["name"], offer["heir"]) == (202, "wiki.vmsrv.example.org", "bob")
    assert call(here, token, "PUT", "/names/wiki/holder", {"login": "bob"}) == (202, offer)
    assert call(here, token, "GET", "/names/wiki")[1]["offer"] == offer
    assert call(here, token, "GET", "/offers")[1] == {"items": []}
    assert call(here, heir, "GET", "/offers")[1] == {"items": [offer]}
    assert call(here, heir, "GET", "/names/wiki")[0] == 404
    for _ in range(2):
        status, found = call(here, heir, "PUT", "/offers/wiki")
        assert (status, found["name"], found["offer"]) == (200, "wiki.vmsrv.example.org", None)
    assert call(here, token, "PUT", "/names/wiki/holder", {"login": "bob"})[0] == 404


def test_an_offer_is_declined_or_withdrawn(here: Page) -> None:
    here.claim("wiki")
    token, heir = here.token(), here.token(login="bob")
    for method, path, who in (("DELETE", "/offers/wiki", heir), ("DELETE", "/names/wiki/offer", token)):
        call(here, token, "PUT", "/names/wiki/holder", {"login": "bob"})
        assert len(call(here, heir, "GET", "/offers")[1]["items"]) == 1
        for _ in range(2):
            assert call(here, who, method, path)[0] == 200
        assert call(here, heir, "GET", "/offers")[1] == {"items": []}
        status, said = call(here, heir, "PUT", "/offers/wiki")
        assert (status, said["detail"]) == (422, "nobody offers you this name")
    assert call(here, token, "GET", "/names/wiki")[1]["offer"] is None


def test_an_offer_does_not_tell_who_is_a_member(here: Page) -> None:
    here.claim("wiki")
    token, answers = here.token(), []
    for login in ("bob", "nobody"):
        status, offer = call(here, token, "PUT", "/names/wiki/holder", {"login": login})
        answers.append((status, offer | {"heir": "x"}))
    assert answers[0] == answers[1]


def test_a_token_for_one_name_accepts_no_other(here: Page) -> None:
    here.claim("wiki")
    only = here.claim("blog", login="bob").name
    narrow = here.token(Scope.CLAIM, login="bob", names=(only,))
    call(here, here.token(), "PUT", "/names/wiki/holder", {"login": "bob"})
    assert call(here, narrow, "GET", "/offers")[1] == {"items": []}
    assert call(here, narrow, "PUT", "/offers/wiki")[0] == 403
    assert call(here, narrow, "DELETE", "/offers/wiki")[0] == 403


def test_addresses_of_a_router_stay(here: Page) -> None:
    token = here.token()
    here.claim("home", AddressTarget())
    told = {"target": {"kind": "address", "ipv4": "8.8.8.8"}}
    assert call(here, token, "PUT", "/names/home", told)[0] == 200
    found = call(here, token, "PUT", "/names/home", {"target": {"kind": "address"}})[1]
    assert found["target"]["ipv4"] == "8.8.8.8"


def test_passwords_are_kept_and_never_shown(here: Page) -> None:
    token, claim = here.token(), here.claim("wiki")
    word = "$2y$12$" + "a" * 53
    auth = {"realm": "us", "users": [{"login": "a", "hash": word}]}
    found = call(here, token, "PUT", "/names/wiki/options", {"basic_auth": auth})[1]
    assert found["options"]["basic_auth"]["users"] == [{"login": "a", "hash": None}]
    assert call(here, token, "PUT", "/names/wiki/options", found["options"]) == (200, found)
    kept = here.now(claim).options.basic_auth
    assert kept is not None
    assert kept.users == (("a", word),)


def test_lists_are_paged_and_searched(here: Page) -> None:
    token = here.token(Scope.READ)
    for label in ("cat", "cow", "dog"):
        here.claim(label)
    here.claim("bear", login="bob")
    status, found = call(here, token, "GET", "/names?limit=2&offset=1")
    assert (status, found["total"]) == (200, 3)
    assert [one["name"].partition(".")[0] for one in found["items"]] == ["cow", "dog"]
    assert call(here, token, "GET", "/names?q=do")[1]["total"] == 1


def test_others_names_are_not_there(here: Page) -> None:
    here.claim("bobs", login="bob")
    token = here.token()
    for method, path, body in (
        ("GET", "", None),
        ("DELETE", "", None),
        ("GET", "/history", None),
        ("PUT", "/target", GUEST),
        ("PUT", "/holder", {"login": "alice"}),
        ("DELETE", "/offer", None),
        ("PUT", "/records", {"records": []}),
        ("PUT", "/options", {}),
        ("PUT", "/confirmation", None),
    ):
        assert call(here, token, method, f"/names/bobs{path}", body)[0] == 404
    status, said = call(here, token, "PUT", "/names/bobs", {"target": GUEST})
    assert (status, said["cure"]) == (422, "choose another name")


def test_a_token_for_one_name_and_one_for_reading(here: Page) -> None:
    here.claim("wiki")
    only = here.claim("blog").name
    narrow, reading = here.token(Scope.CLAIM, names=(only,)), here.token(Scope.READ)
    assert [one["name"] for one in call(here, narrow, "GET", "/names")[1]["items"]] == [
        "blog.vmsrv.example.org"
    ]
    for method, body in (("GET", None), ("PUT", {"target": GUEST}), ("DELETE", None)):
        assert call(here, narrow, method, "/names/wiki", body)[0] == 403
    assert call(here, narrow, "PUT", "/names/blog", {"target": GUEST})[0] == 200
    assert call(here, reading, "PUT", "/names/wiki", {"target": GUEST})[0] == 401
    assert call(here, here.token(Scope.DYNDNS), "GET", "/names")[0] == 401


def test_tokens_are_listed_without_secrets_and_end_at_once(here: Page) -> None:
    token, other = here.token(), here.token(Scope.READ)
    items = call(here, token, "GET", "/tokens")[1]["items"]
    assert {one["id"] for one in items} == {text.split("_")[1] for text in (token, other)}
    assert call(here, token, "DELETE", f"/tokens/{other.split('_')[1]}")[0] == 200
    assert call(here, token, "DELETE", f"/tokens/{here.token(login='bob').split('_')[1]}")[0] == 404
    assert call(here, other, "GET", "/names")[0] == 401


def test_a_cookie_is_nobody(here: Page) -> None:
    client = here.client()
    here.sign_in(client)
    answer = client.get("/api/v1/names", base_url=f"https://{HOST}")
    assert answer.status_code == 401
    assert answer.content_type == "application/problem+json"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_what_is_not_there_is_a_problem_too(here: Page) -> None:
    token = here.token()
    assert call(here, token, "GET", "/nothing")[0] == 404
    answer = here.client().patch("/api/v1/names", headers=bearer(token))
    assert (answer.status_code, answer.content_type) == (405, "application/problem+json")
    assert "GET" in answer.headers["Allow"]
    large = here.client().put("/api/v1/names/x", data=b"x" * 10_000_000, headers=bearer(token))
    assert large.status_code in {413, 415}


def test_a_token_that_asks_too_often_waits(here: Page) -> None:
    token = here.token()
    answers = [call(here, token, "GET", "/guests")[0] for _ in range(RATE.burst + 1)]
    assert answers == [200] * RATE.burst + [429]
    assert call(here, here.token(), "GET", "/guests")[0] == 200
    here.clock.time += 1
    assert call(here, token, "GET", "/guests")[0] == 200


def test_the_guide_lists_every_operation() -> None:
    rows = [
        f"| `{one.method} {one.path}` | {one.scope} | {(one.view.__doc__ or '').splitlines()[0]} |\n"
        for one in OPERATIONS
    ]
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    assert text.partition(_BEGIN)[2].partition(_END)[0] == "".join(rows)
