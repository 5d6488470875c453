"""The path of a site for members only that goes to the page, whoever asks; all else is asked about there."""

from ipaddress import ip_address

import pytest

from skulldns.desired.sites import AUTH_PATH, HANDOVER_PATH
from skulldns.model.sites import ForwardAuth, SiteOptions, Upstream
from tests.unit.vhostworld import own, render
from webui.machines.entry import HANDOVER

_PAGE = Upstream(ip_address("192.0.2.9"), 8053)
_LOGIN = "https://names.example.org/enter"


def _text(handover: str | None, login: str = _LOGIN) -> str:
    auth = ForwardAuth(_PAGE, AUTH_PATH, login, handover)
    rendered = render(own(options=SiteOptions(forward_auth=auth)))
    assert not rendered.refused
    [text] = [text for file, text in rendered.files.items() if file.startswith("sites/")]
    return text


def test_the_way_in_goes_to_the_page() -> None:
    text = _text(HANDOVER_PATH)
    assert f'location = "{HANDOVER_PATH}"' in text
    assert f'proxy_pass "http://192.0.2.9:8053{HANDOVER_PATH}"' in text
    assert f'proxy_pass "http://192.0.2.9:8053{AUTH_PATH}"' in text


def test_other_askers_have_no_such_path() -> None:
    assert HANDOVER_PATH not in _text(None)


@pytest.mark.parametrize(
    "login", [_LOGIN, "http://localhost:8053/enter", "https://names/enter", "http://[::1]:8053/enter"]
)
def test_the_page_s_own_address_is_taken_as_the_config_has_it(login: str) -> None:
    assert f'return 302 "{login}?rd=' in _text(HANDOVER_PATH, login)


@pytest.mark.parametrize(
    "login", ["http://local host/", "http://-x/", "http://9/", 'http://localhost/"', "ftp://names/"]
)
def test_what_is_no_address_is_not_where_anybody_signs_in(login: str) -> None:
    auth = ForwardAuth(_PAGE, AUTH_PATH, login, HANDOVER_PATH)
    assert render(own(options=SiteOptions(forward_auth=auth))).refused


def test_proxy_and_page_mean_the_same_path() -> None:
    assert HANDOVER_PATH == HANDOVER
