"""The path of a site for members only that goes to the page, whoever asks; all else is asked about there."""

from ipaddress import ip_address

from skulldns.desired.sites import AUTH_PATH, HANDOVER_PATH
from skulldns.model.sites import ForwardAuth, SiteOptions, Upstream
from tests.unit.vhostworld import own, render
from webui.machines.entry import HANDOVER

_PAGE = Upstream(ip_address("192.0.2.9"), 8053)
_LOGIN = "https://names.example.org/enter"


def _text(handover: str | None) -> str:
    auth = ForwardAuth(_PAGE, AUTH_PATH, _LOGIN, handover)
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


def test_proxy_and_page_mean_the_same_path() -> None:
    assert HANDOVER_PATH == HANDOVER
