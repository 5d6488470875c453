"""dyndns2 as routers speak it: return codes, both kinds of addresses, and whose names."""

from ipaddress import ip_address
from pathlib import Path

import pytest

from skulldns.model.claims import AddressTarget
from skulldns.model.tokens import Scope
from tests.webworld import ADDRESS, Page, basic, page
from webui.machines.dyndns import RATE

HOME = "home.vmsrv.example.org"
PUBLIC = "8.8.8.8"
PUBLIC6 = "2600::7"


@pytest.fixture
def here(tmp_path: Path) -> Page:
    found = page(tmp_path)
    found.claim("home", AddressTarget())
    found.claim("wiki")
    found.claim("bobs", AddressTarget(), login="bob")
    return found


def update(here: Page, query: str, login: str = "alice", token: str | None = None) -> tuple[int, str]:
    text = token or here.token(Scope.DYNDNS)
    answer = here.client().get(f"/nic/update?{query}", headers=basic(login, text))
    return answer.status_code, answer.text.strip()


def addresses(here: Page) -> tuple[str | None, str | None]:
    with here.desk.office.reading() as books:
        [claim] = books.claims.search("home").items
    target = claim.target
    assert isinstance(target, AddressTarget)
    return (str(target.ipv4) if target.ipv4 else None, str(target.ipv6) if target.ipv6 else None)


def test_good_then_nochg(here: Page) -> None:
    assert update(here, f"hostname={HOME}&myip={PUBLIC}") == (200, f"good {PUBLIC}")
    assert update(here, f"hostname={HOME}&myip={PUBLIC}") == (200, f"nochg {PUBLIC}")
    assert addresses(here) == (PUBLIC, None)


def test_one_kind_leaves_the_other(here: Page) -> None:
    assert update(here, f"hostname={HOME}&myip={PUBLIC},{PUBLIC6}") == (200, f"good {PUBLIC},{PUBLIC6}")
    assert update(here, f"hostname={HOME}&myip=8.8.4.4")[1] == "good 8.8.4.4"
    assert addresses(here) == ("8.8.4.4", PUBLIC6)
    assert update(here, f"hostname={HOME}&myipv6=2600::8")[1] == "good 2600::8"
    assert addresses(here) == ("8.8.4.4", "2600::8")


def test_without_an_address_it_is_the_client_s(tmp_path: Path) -> None:
    here = page(tmp_path)
    here.claim("home", AddressTarget())
    client = here.client()
    client.environ_base["REMOTE_ADDR"] = PUBLIC
    answer = client.get(f"/nic/update?hostname={HOME}", headers=basic("alice", here.token()))
    assert answer.text.strip() == f"good {PUBLIC}"


def test_an_address_nobody_can_reach_is_an_error(here: Page) -> None:
    # ADDRESS is for documentation, as 192.0.2.0/24 is.
    assert not ip_address(ADDRESS).is_global
    for text in (ADDRESS, "127.0.0.1", "::1", "10.0.0.1", "169.254.169.254", "::ffff:127.0.0.1", "nonsense"):
        assert update(here, f"hostname={HOME}&myip={text}") == (200, "dnserr")
    assert update(here, f"hostname={HOME}&myip={PUBLIC},8.8.4.4") == (200, "dnserr")
    assert addresses(here) == (None, None)


def test_several_names_have_a_line_each(here: Page) -> None:
    found = update(here, f"hostname={HOME},wiki.vmsrv.example.org,bobs.vmsrv.example.org,x&myip={PUBLIC}")
    assert found == (200, f"good {PUBLIC}\nnohost\nnohost\nnotfqdn")


def test_a_request_without_a_name(here: Page) -> None:
    assert update(here, f"myip={PUBLIC}") == (200, "notfqdn")
    assert update(here, f"hostname={','.join([HOME] * 21)}&myip={PUBLIC}") == (200, "numhost")


@pytest.mark.parametrize("login", ["bob", "", "nobody"])
def test_login_and_token_belong_together(here: Page, login: str) -> None:
    assert update(here, f"hostname={HOME}&myip={PUBLIC}", login) == (401, "badauth")


def test_a_token_for_something_else_is_no_good(here: Page) -> None:
    token = here.token(Scope.ACME, Scope.READ)
    assert update(here, f"hostname={HOME}&myip={PUBLIC}", token=token) == (401, "badauth")
    assert here.client().get("/nic/update", headers={"Host": "names.example.org"}).status_code == 401


def test_a_token_for_another_name_is_no_good_for_this(here: Page) -> None:
    token = here.token(Scope.DYNDNS, names=(here.claim("third", AddressTarget()).name,))
    assert update(here, f"hostname={HOME}&myip={PUBLIC}", token=token) == (200, "nohost")


def test_too_many_updates_are_abuse_until_some_time_has_passed(here: Page) -> None:
    token = here.token(Scope.DYNDNS)
    query = f"hostname={HOME}&myip={PUBLIC}"
    answers = [update(here, query, token=token)[1] for _ in range(RATE.burst + 1)]
    assert [answer == "abuse" for answer in answers] == [False] * RATE.burst + [True]
    assert update(here, query)[1] == f"nochg {PUBLIC}"  # another token
    here.clock.time += 1 / RATE.per_second
    assert update(here, query, token=token)[1] == f"nochg {PUBLIC}"


def test_another_host_name_is_not_answered(here: Page) -> None:
    headers = basic("alice", here.token()) | {"Host": "wiki.vmsrv.example.org"}
    assert here.client().get(f"/nic/update?hostname={HOME}", headers=headers).status_code == 421
