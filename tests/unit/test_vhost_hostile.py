"""Whatever strings a member sends: a site is refused, or the files are built as its template says.

`SKULLDNS_EXAMPLES=100000` tries that many.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from ipaddress import IPv4Address, IPv6Address

import hypothesis
from dns.exception import DNSException
from dns.name import Name
from hypothesis import given
from hypothesis import strategies as st

from skulldns.model.guests import IPAddress
from skulldns.model.sites import BasicAuth, ForwardAuth, Header, Page, Scheme, Site, SiteOptions, Upstream
from skulldns.targets.nginx.templates import template_loader
from skulldns.targets.vhost.rendering import Renderer
from skulldns.targets.vhost.syntax import skeleton
from tests.unit.vhostworld import FULL, HASH, SETTINGS, ZONE, own, page, render, upstream

_EXAMPLES = int(os.environ.get("SKULLDNS_EXAMPLES", "300"))
_KNOWN = [
    "a; return 200 x;",
    "a} server {",
    "a\ninclude /etc/passwd;",
    "a # x",
    "~^.*$",
    "_",
    "$host",
    "${host}",
    "{{config}}",
    "{% include 'x' %}",
    "a\\",
    'a"',
    "a'",
    "' off; '",
    '" always; add_header X "',
    "default",
    "include",
    "off",
    "on",
    "",
    " ",
    "\x00",
    "\r\nX: y",
    "unix:/run/x",
    "../../etc/passwd",
    "http://127.0.0.1:2019/",
    "https://a.test/\n;",
    "\ue000x\ue001",
    "\u2028",
    "default-src 'self'",
]
_TEXT = st.one_of(
    st.sampled_from(_KNOWN),
    st.text(max_size=40),
    st.text(alphabet="abcXYZ019.-_:/?&=%@~^*$;{}#'\"\\ \n\r\t\0", max_size=40),
    st.tuples(
        st.sampled_from(["https://a.test/", "/", "a", "", "$6$saltsalt$"]), st.sampled_from(_KNOWN)
    ).map("".join),
)
_RENDERER = Renderer(SETTINGS, template_loader())
_CERTIFICATES = frozenset({ZONE, "www.example.test"})


def _with_header(header: Header, text: str) -> Site:
    return own(options=SiteOptions(headers=((header, text),)))


# For each field of text: a site with that text in it, and one that is built alike with a harmless one.
_FIELDS: dict[str, tuple[Callable[[str], Site], str]] = {
    "realm": (lambda text: own(options=replace(FULL, basic_auth=BasicAuth(text, (("a", HASH),)))), "x"),
    "login": (lambda text: own(options=replace(FULL, basic_auth=BasicAuth("x", ((text, HASH),)))), "x"),
    "hash": (lambda text: own(options=replace(FULL, basic_auth=BasicAuth("x", (("a", text),)))), HASH),
    "redirect": (lambda text: own(options=SiteOptions(redirect=text)), "https://a.test/x"),
    "auth path": (lambda text: own(options=SiteOptions(forward_auth=ForwardAuth(upstream(), text))), "/x"),
    "auth login": (
        lambda text: own(options=SiteOptions(forward_auth=ForwardAuth(upstream(), "/", text))),
        "https://a.test/x",
    ),
    **{str(header): (partial(_with_header, header), "x") for header in Header},
    "owner": (lambda text: page("a", Page.STOPPED, text), "x"),
    "owner of its own": (lambda text: replace(own(), owner=text), "x"),
    "certificate": (lambda text: own(certificate=text), "www.example.test"),
}
_EXPECTED = {
    field: {
        file: skeleton(text) for file, text in render(make(harmless)).files.items() if file.endswith(".conf")
    }
    for field, (make, harmless) in _FIELDS.items()
}


@hypothesis.settings(max_examples=_EXAMPLES)
@given(st.sampled_from(sorted(_FIELDS)), _TEXT)
def test_any_text_in_any_field_is_refused_or_is_one_word(field: str, text: str) -> None:
    make, _ = _FIELDS[field]
    site = make(text)
    rendered = _RENDERER.render([site], _CERTIFICATES)
    if rendered.refused or (not text and field.startswith("owner")):
        return
    built = _built(rendered.files)
    assert built.keys() == _EXPECTED[field].keys()
    if field != "certificate" or text in _CERTIFICATES:  # without its certificate a site has fewer servers
        assert built == _EXPECTED[field]


def _built(files: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    for name, text in files.items():
        if name.startswith("passwords/"):
            assert all(line.count(":") == 1 for line in text.splitlines())
            assert len(text.splitlines()) <= 2
    return {file: skeleton(text) for file, text in files.items() if file.endswith(".conf")}


def _name(text: str) -> Name | None:
    try:
        return Name((*(label.encode() for label in text.split(".")), *ZONE.encode().split(b"."), b""))
    except (DNSException, UnicodeEncodeError):
        return None


@hypothesis.settings(max_examples=_EXAMPLES)
@given(_TEXT.map(_name).filter(lambda name: name is not None), st.booleans())
def test_any_name_is_refused_or_is_one_word(name: Name, common: bool) -> None:  # noqa: FBT001
    options = SiteOptions() if common else SiteOptions(hsts=1)
    rendered = _RENDERER.render([Site((name,), ZONE, upstream=upstream(), options=options)], _CERTIFICATES)
    empty = _RENDERER.render([], _CERTIFICATES)
    if rendered.refused:
        assert rendered.files == empty.files
        return
    labels = [label for label in name.labels if label]
    assert all(set(label.lower()) <= set(b"abcdefghijklmnopqrstuvwxyz0123456789-") for label in labels)
    assert len(skeleton(rendered.files["maps.conf"])) - len(skeleton(empty.files["maps.conf"])) <= 1


@hypothesis.settings(max_examples=_EXAMPLES)
@given(st.ip_addresses(), st.integers(-5, 70_000), st.sampled_from(Scheme), st.booleans())
def test_any_upstream_is_refused_or_in_the_networks(
    address: IPAddress,
    port: int,
    scheme: Scheme,
    verify: bool,  # noqa: FBT001
) -> None:
    site = own(options=SiteOptions(), to=Upstream(address, port, scheme, verify))
    allowed = any(address in one for one in SETTINGS.networks if one.version == address.version)
    good = allowed and address not in SETTINGS.forbidden and 1 <= port <= 65_535
    assert bool(_RENDERER.render([site], _CERTIFICATES).refused) is not good


_NEAR = st.one_of(
    st.integers(0, 255).map(lambda low: IPv4Address(f"192.0.2.{low}")),
    st.integers(0, 65_535).map(lambda low: IPv6Address(f"2001:db8:1::{low:x}")),
)


@hypothesis.settings(max_examples=_EXAMPLES)
@given(_NEAR, st.integers(1, 65_535))
def test_an_upstream_is_written_as_it_is(address: IPAddress, port: int) -> None:
    site = own(options=SiteOptions(), to=Upstream(address, port))
    rendered = _RENDERER.render([site], _CERTIFICATES)
    host = f"[{address}]" if address.version == 6 else str(address)
    if not rendered.refused:
        assert f"proxy_pass http://{host}:{port};" in rendered.files["sites/www.example.test.conf"]
    else:
        assert address in SETTINGS.forbidden
