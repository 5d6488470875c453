"""Whatever strings a member sends: a site is refused, or the files are built as its template says.

`SKULLDNS_EXAMPLES=100000` puts that many strings into each field.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from ipaddress import IPv4Address, IPv6Address, IPv6Network
from math import ceil
from pathlib import PurePosixPath

import hypothesis
import pytest
from dns.exception import DNSException
from dns.name import Name
from hypothesis import given
from hypothesis import strategies as st

from skulldns.errors import ConfigError
from skulldns.model.guests import IPAddress
from skulldns.model.sites import BasicAuth, ForwardAuth, Header, Page, Scheme, Site, SiteOptions, Upstream
from skulldns.targets.nginx.templates import template_loader
from skulldns.targets.vhost.rendering import Rendered, Renderer
from skulldns.targets.vhost.settings import ProxySettings
from skulldns.targets.vhost.syntax import skeleton
from tests.unit.vhostworld import HASH, SETTINGS, ZONE, name, own, page, upstream

_EXAMPLES = int(os.environ.get("SKULLDNS_EXAMPLES", "100"))
_AT_ONCE = 25
"""Strings in one rendering, each in a site of its own: what all sites share is rendered once for them."""
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
_NEARLY_GOOD = "abcXYZ019.-_:/?&=%@~^*$"
_TEXT = st.one_of(
    st.sampled_from(_KNOWN),
    st.text(max_size=40),
    st.text(alphabet=_NEARLY_GOOD + ";{}#'\"\\ \n\r\t\0", max_size=40),
    st.text(alphabet=_NEARLY_GOOD + " ;{}#'", min_size=1, max_size=40),
    st.tuples(
        st.sampled_from(["https://a.test/", "/", "a", "", "$6$saltsalt$", "/etc/"]), st.sampled_from(_KNOWN)
    ).map("".join),
)
_LABELS = st.one_of(
    _TEXT,
    st.text(alphabet="abxyz019-", min_size=1, max_size=66),
    st.text(alphabet="aZ0-._*\u00e9", min_size=1, max_size=70),
)


def _many(strategy: st.SearchStrategy[object]) -> st.SearchStrategy[list[object]]:
    return st.lists(strategy, min_size=_AT_ONCE, max_size=_AT_ONCE)


_examples = hypothesis.settings(
    max_examples=ceil(_EXAMPLES / _AT_ONCE), suppress_health_check=list(hypothesis.HealthCheck)
)


def _auth(realm: str = "x", login: str = "a", word: str = HASH) -> Site:
    return own(options=SiteOptions(basic_auth=BasicAuth(realm, ((login, word),))))


def _asked(path: str = "/x", login: str | None = None) -> Site:
    return own(options=SiteOptions(forward_auth=ForwardAuth(upstream(), path, login)))


def _with_header(header: Header, text: str) -> Site:
    return own(options=SiteOptions(headers=((header, text),)))


# For each field of text: a site with that text in it, and a harmless text with which it is built alike.
_FIELDS: dict[str, tuple[Callable[[str], Site], str]] = {
    "realm": (_auth, "x"),
    "login": (lambda text: _auth(login=text), "a"),
    "hash": (lambda text: _auth(word=text), HASH),
    "redirect": (lambda text: own(options=SiteOptions(redirect=text)), "https://a.test/x"),
    "auth path": (_asked, "/x"),
    "auth login": (lambda text: _asked(login=text), "https://a.test/x"),
    **{str(header): (partial(_with_header, header), "x") for header in Header},
    "owner": (lambda text: page("a", Page.STOPPED, text or "x"), "x"),
    "owner of its own": (lambda text: replace(own(options=SiteOptions()), owner=text or "x"), "x"),
    "certificate": (lambda text: own(options=SiteOptions(), certificate=text), "c"),
}


class _Bench:
    """Renders sites, and tells how each file is built."""

    def __init__(self, settings: ProxySettings = SETTINGS) -> None:
        self._renderer = Renderer(settings, template_loader())
        self._skeletons: dict[str, tuple[str, ...]] = {}
        self.empty, _ = self.built([])

    def built(self, sites: Sequence[Site], *certificates: str) -> tuple[dict[str, tuple[str, ...]], Rendered]:
        """The skeleton of each of nginx's files, and all that was rendered."""
        rendered = self._renderer.render(sites, {ZONE, *certificates})
        for file, text in rendered.files.items():
            if file.startswith("passwords/"):
                assert text.count("\n") == text.count(":") == len(text.splitlines())
        before, self._skeletons = self._skeletons, {}
        for file, text in rendered.files.items():
            if file.endswith(".conf"):
                self._skeletons[text] = before.get(text) or skeleton(text)
        files = {
            file: self._skeletons[text] for file, text in rendered.files.items() if file.endswith(".conf")
        }
        return files, rendered


_BENCH = _Bench()


def _numbered(field: str, texts: Sequence[str]) -> list[Site]:
    """A site for each text, with names of its own."""
    make, _ = _FIELDS[field]
    parent = ZONE if field == "owner" else "example.test"
    sites = [make(text) for text in texts]
    return [
        replace(site, names=tuple(name(f"{letter}{number}.{parent}") for letter in "st"[: len(site.names)]))
        for number, site in enumerate(sites)
    ]


_HARMLESS = {
    field: _BENCH.built(_numbered(field, [harmless] * _AT_ONCE), "c", "www.example.test")[0]
    for field, (_, harmless) in _FIELDS.items()
}


@_examples
@given(_many(_TEXT))
def test_any_text_in_any_field_is_refused_or_is_one_word(texts: list[str]) -> None:
    for field, expected in _HARMLESS.items():
        _check_field(field, texts, expected)


def _check_field(field: str, texts: list[str], expected: Mapping[str, tuple[str, ...]]) -> None:
    files, rendered = _BENCH.built(_numbered(field, texts), "www.example.test", *texts)
    left_out = {f"sites/{title}.conf" for title in rendered.refused}
    assert files.keys() == expected.keys() - left_out, field
    for file, built in files.items():
        assert built == expected[file], f"{field}: {file}"


def _name(text: str) -> Name | None:
    try:
        return Name((*(label.encode() for label in text.split(".")), *ZONE.encode().split(b"."), b""))
    except (DNSException, UnicodeEncodeError):
        return None


@_examples
@given(_many(_LABELS.map(_name).filter(lambda one: one is not None)))
@pytest.mark.parametrize("options", [SiteOptions(), SiteOptions(hsts=1)])
def test_any_name_is_refused_or_is_one_word(options: SiteOptions, names: list[Name]) -> None:
    sites = [Site((name,), ZONE, upstream=upstream(), options=options) for name in names]
    files, rendered = _BENCH.built(sites)
    served = set(rendered.names)
    assert set("".join(served)) <= set("abcdefghijklmnopqrstuvwxyz0123456789-.")
    common = {one for one in served if one.count(".") == ZONE.count(".") + 1 and not options.hsts}
    added = [line for line in files["maps.conf"] if line not in _BENCH.empty["maps.conf"]]
    assert sorted(added) == sorted(f"{one} 2 ;" for one in common)
    others = {file for file in files if file.startswith("sites/")}
    assert len(others) == len(served - common)
    assert len({files[file] for file in others}) <= 1
    assert files.keys() - others == _BENCH.empty.keys()


_UPSTREAMS = st.builds(
    Upstream, st.ip_addresses(), st.integers(-5, 70_000), st.sampled_from(Scheme), st.booleans()
)
_NEAR = st.builds(
    Upstream,
    st.one_of(
        st.integers(0, 255).map(lambda low: IPv4Address(f"192.0.2.{low}")),
        st.integers(0, 65_535).map(lambda low: IPv6Address(f"2001:db8:1::{low:x}")),
        st.integers(0, 65_535).map(lambda low: IPv6Address(f"2001:db8:1::1%{low}")),
        st.integers(0, 255).map(lambda low: IPv6Address(f"::ffff:192.0.2.{low}")),
    ),
    st.integers(-1, 65_537),
)


@_examples
@given(_many(st.one_of(_UPSTREAMS, _NEAR)))
def test_any_upstream_is_refused_or_is_written_as_it_is(upstreams: list[Upstream]) -> None:
    sites = [
        Site((name(f"s{number}.example.test"),), "c", upstream=one) for number, one in enumerate(upstreams)
    ]
    rendered = _RENDERER.render(sites, {ZONE, "c"})
    for number, one in enumerate(upstreams):
        title = f"s{number}.example.test"
        good = _within(one.address) and 1 <= one.port <= 65_535
        assert (title in rendered.refused) is not good
        if good:
            host = f"[{one.address}]" if one.address.version == 6 else str(one.address)
            text = rendered.files[f"sites/{title}.conf"]
            assert f"_pass {one.scheme}://{host}:{one.port};" in text
        else:
            assert f"sites/{title}.conf" not in rendered.files


@pytest.mark.parametrize("field", ["allow", "deny"])
@pytest.mark.parametrize("text", ["2001:db8::%x; return 299", "2001:db8::%}\nserver { return 299; }/64"])
def test_a_network_that_carries_a_text_is_refused(field: str, text: str) -> None:
    site = own(options=SiteOptions(**{field: (IPv6Network(text),)}))  # type: ignore[arg-type]
    rendered = _RENDERER.render([site], {ZONE, "c", site.certificate})
    assert list(rendered.refused)
    assert not any("299" in one for one in rendered.files.values())


_RENDERER = Renderer(SETTINGS, template_loader())


def _within(address: IPAddress) -> bool:
    plain = address.version == 4 or not (address.scope_id or address.ipv4_mapped)
    within = any(address in one for one in SETTINGS.networks if one.version == address.version)
    return plain and within and address not in SETTINGS.forbidden


@_examples
@given(_many(st.one_of(st.integers(), st.integers(-2, (1 << 53) + 9), st.integers(-2, 1 << 31))))
@pytest.mark.parametrize("field", ["hsts", "body_size"])
def test_any_number_is_refused_or_is_one_word(field: str, numbers: list[int]) -> None:
    options = [SiteOptions(**{field: number}) for number in numbers]  # type: ignore[arg-type]
    sites = [replace(own(options=one), names=(name(f"s{at}.test"),)) for at, one in enumerate(options)]
    files, rendered = _BENCH.built(sites, "www.example.test")
    assert {at for at in range(_AT_ONCE) if f"s{at}.test" not in rendered.refused} == {
        at for at, number in enumerate(numbers) if _possible(field, number)
    }
    assert len({files[file] for file in files if file.startswith("sites/")}) <= 1


def _possible(field: str, number: int) -> bool:
    return 0 <= number <= 1 << 31 if field == "hsts" else 1 <= number <= 1 << 53


@_examples
@given(_many(_TEXT))
@pytest.mark.parametrize("field", ["directory", "challenges", "roots"])
def test_any_path_is_refused_or_is_one_word(field: str, texts: list[str]) -> None:
    for text in texts:
        try:
            settings = replace(SETTINGS, **{field: PurePosixPath(text)})  # type: ignore[arg-type]
        except ConfigError:
            continue
        assert _built_with(settings) == _BENCH.empty


@cache
def _built_with(settings: ProxySettings) -> Mapping[str, tuple[str, ...]]:
    return _Bench(settings).empty
