import random
from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from jinja2 import ChoiceLoader, DictLoader, Environment, StrictUndefined, meta

from skulldns.errors import ConfigError
from skulldns.model.sites import BasicAuth, ForwardAuth, Page, Scheme, Site, SiteOptions, Upstream
from skulldns.targets.nginx.templates import template_loader
from skulldns.targets.vhost.rendering import Rendered, Renderer
from skulldns.targets.vhost.settings import Features, Listen, ProxySettings
from skulldns.targets.vhost.syntax import directives, skeleton, tokens
from tests.rooms import ROOT
from tests.unit.vhostworld import FULL, HASH, MODERN, SETTINGS, ZONE, guest, name, own, page, render, upstream

_GOLDEN = Path(__file__).parent / "golden" / "vhost"
_ZONE_FILE = f"zones/{ZONE}.conf"
_OWN_FILE = "sites/www.example.test.conf"


def found(text: str, directive: str) -> list[tuple[str, ...]]:
    return [words[1:] for words in directives(text) if words[0] == directive]


# ------------------------------------------------------------------------------------------ golden files


@pytest.mark.parametrize(
    ("directory", "rendered"),
    [
        (
            "common",
            lambda: render(
                guest("wiki"), guest("six", "2001:db8:1::7", 8080), page("off", Page.STOPPED, "Zoë <O'Brien>")
            ),
        ),
        ("full", lambda: render(own())),
        (
            "modern",
            lambda: render(own(options=SiteOptions(hsts=60)), settings=replace(SETTINGS, features=MODERN)),
        ),
        ("waiting", lambda: render(own(options=SiteOptions()), certificates=frozenset())),
    ],
)
def test_the_text_is_as_it_was_looked_at(directory: str, rendered: Callable[[], Rendered]) -> None:
    # To make them anew: write each text to its file, and look at the difference.
    files = {file: text for file, text in rendered().files.items() if not file.startswith(".skulldns/")}
    golden = _GOLDEN / directory
    expected = {
        str(path.relative_to(golden)): path.read_text(encoding="utf-8")
        for path in golden.rglob("*")
        if path.is_file()
    }
    assert {file: files[file] for file in expected} == expected
    assert expected


# -------------------------------------------------------------------------------------- what goes where


def test_a_thousand_guests_share_one_server_block() -> None:
    one = render(guest("a"))
    many = render(*(guest(f"g{number}", f"192.0.2.{2 + number % 250}") for number in range(1000)))
    assert many.files.keys() == one.files.keys()
    assert many.files[_ZONE_FILE] == one.files[_ZONE_FILE]


def test_the_order_of_sites_does_not_matter() -> None:
    sites = [guest(f"g{number}") for number in range(50)] + [own(), page("off", Page.HELD, "alice")]
    first = render(*sites)
    random.Random(1).shuffle(sites)  # noqa: S311 - an order, no secret
    second = render(*sites)
    assert list(first.files.items()) == list(second.files.items())


def test_an_upstream_changes_one_file() -> None:
    before, after = render(guest("a"), guest("b")), render(guest("a", "192.0.2.99"), guest("b"))
    assert [file for file in before.files if before.files[file] != after.files[file]] == ["maps.conf"]


def test_a_site_of_its_own_changes_its_own_file_only() -> None:
    before, after = render(guest("a"), own()), render(guest("a"), own(to=upstream("192.0.2.99")))
    assert [file for file in before.files if before.files[file] != after.files[file]] == [_OWN_FILE]


def test_a_renderer_remembers_sites_and_still_sees_changes() -> None:
    renderer = Renderer(SETTINGS, template_loader())
    first = renderer.render([own()], {"www.example.test"})
    assert renderer.render([own()], {"www.example.test"}).files[_OWN_FILE] is first.files[_OWN_FILE]
    assert renderer.render([own()], set()).files[_OWN_FILE] != first.files[_OWN_FILE]
    assert _OWN_FILE not in renderer.render([], set()).files


def test_the_hashes_grow_with_the_names() -> None:
    long = "x" * 60
    guests = [guest(f"{long}{number}" if number < 1 else f"g{number}") for number in range(3000)]
    small = render(guest("a")).files["skulldns.conf"]
    large = render(*guests, own(".".join([long] * 4) + ".test")).files["skulldns.conf"]
    assert (found(small, "map_hash_max_size"), found(small, "map_hash_bucket_size")) == (
        [("1024",)],
        [("128",)],
    )
    assert (found(large, "map_hash_max_size"), found(large, "map_hash_bucket_size")) == (
        [("8192",)],
        [("512",)],
    )


@pytest.mark.parametrize(
    "site",
    [
        own("deep.er.vmsrv.test", options=SiteOptions()),
        own("a.vmsrv.test", options=SiteOptions(hsts=1), certificate=ZONE),
        own("a.vmsrv.test", options=SiteOptions(), to=upstream(scheme=Scheme.HTTPS), certificate=ZONE),
        own("vmsrv.test", options=SiteOptions(), certificate=ZONE),
        own("a.vmsrv.test", "a.example.test", options=SiteOptions(), certificate=ZONE),
    ],
)
def test_what_is_not_common_has_a_file_of_its_own(site: Site) -> None:
    rendered = render(site)
    assert not rendered.refused
    assert [file for file in rendered.files if file.startswith("sites/")] == [
        f"sites/{site.names[0].to_text()}conf"
    ]


def test_without_its_certificate_a_zone_is_told_so_on_port_80_only() -> None:
    text = render(guest("a"), certificates=frozenset()).files[_ZONE_FILE]
    assert not found(text, "ssl_certificate")
    assert ("/.well-known/acme-challenge/",) in [words[-1:] for words in found(text, "location")]
    assert ("503",) in found(text, "return")


def test_a_name_in_a_zone_waits_for_its_own_certificate_under_the_zone_s() -> None:
    site = own("a.b.vmsrv.test", options=SiteOptions())
    text = render(site, certificates=frozenset({ZONE})).files["maps.conf"]
    assert ("no-certificate",) in [words[1:] for words in directives(text) if words[0] == "a.b.vmsrv.test"]


@pytest.mark.parametrize(
    ("scheme", "directive", "value"),
    [
        (Scheme.HTTP, "proxy_pass", "http://192.0.2.8:8080"),
        (Scheme.HTTPS, "proxy_pass", "https://192.0.2.8:8080"),
        (Scheme.GRPC, "grpc_pass", "grpc://192.0.2.8:8080"),
        (Scheme.GRPCS, "grpc_pass", "grpcs://192.0.2.8:8080"),
    ],
)
def test_each_scheme_is_passed_on(scheme: Scheme, directive: str, value: str) -> None:
    text = render(own(options=SiteOptions(), to=upstream("192.0.2.8", 8080, scheme))).files[_OWN_FILE]
    assert found(text, directive) == [(value,)]


def test_an_upstream_is_verified_only_if_asked() -> None:
    bare = Upstream(ip_address("192.0.2.8"), 443, Scheme.HTTPS)
    texts = [
        render(own(options=SiteOptions(), to=one)).files[_OWN_FILE]
        for one in (bare, replace(bare, verify=True))
    ]
    assert [found(text, "proxy_ssl_verify") for text in texts] == [[], [("on",)]]


def test_a_redirection_keeps_the_path_unless_it_has_one() -> None:
    texts = [
        render(own(options=SiteOptions(redirect=to))).files[_OWN_FILE]
        for to in ("https://new.example.test", "https://new.example.test/start?a=b")
    ]
    assert [found(text, "return")[2] for text in texts] == [
        ("302", '"https://new.example.test$request_uri"'),
        ("302", '"https://new.example.test/start?a=b"'),
    ]


def test_nothing_is_rewritten_aliased_or_matched_by_a_pattern() -> None:
    rendered = render(guest("a"), page("b", Page.STOPPED), own())
    for file, text in rendered.files.items():
        if file.endswith(".conf"):
            words = tokens(text)
            assert not {"rewrite", "alias", "perl", "js_content", "proxy_intercept_errors"} & set(words), file
            assert not [word for word in words if word.startswith("~")], file
    assert {
        words for text in rendered.files.values() if "include" in text for words in found(text, "include")
    } == {
        (f"/etc/nginx/skulldns/generations/@generation@/{part}",)
        for part in ("maps.conf", "zones/*.conf", "sites/*.conf")
    }


# ------------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("site", "why"),
    [
        (guest("a", "198.51.100.1"), "in no network"),
        (guest("a", "127.0.0.1"), "in no network"),
        (guest("a", "169.254.169.254"), "in no network"),
        (guest("a", "192.0.2.1"), "not a guest's"),
        (guest("a", "::ffff:192.0.2.7"), "in disguise"),
        (guest("a", "2001:db8:1::7%eth0"), "in disguise"),
        (guest("a", port=0), "out of range"),
        (guest("a", port=65536), "out of range"),
        (guest("a", port=-1), "out of range"),
        (guest("a", port=True), "out of range"),
        (guest("_dmarc"), "no host name"),
        (guest("-a"), "no host name"),
        (guest("*"), "no host name"),
        (guest(r"a\;b"), "no host name"),
        (guest(r"a\010b"), "no host name"),
        (guest(r"a\.b"), "no host name"),
        (own("1.2.3.4"), "no host name"),
        (own("localhost"), "no host name"),
        (own("example.test", certificate="../../etc/passwd"), "names no certificate"),
        (own("example.test", certificate="a b"), "names no certificate"),
        (Site((), ZONE, upstream=upstream()), "no name"),
        (Site((name("a.vmsrv.test"),), ZONE), "one of an upstream"),
        (Site((name("a.vmsrv.test"),), ZONE, upstream=upstream(), page=Page.HELD), "one of an upstream"),
        (own(options=SiteOptions(hsts=-1)), "out of range"),
        (own(options=SiteOptions(body_size=0)), "out of range"),
        (own(options=SiteOptions(redirect="javascript:alert(1)")), "no address"),
        (own(options=SiteOptions(redirect="https://a.test/$host")), "no address"),
        (own(options=SiteOptions(redirect="https://user@a.test/")), "no address"),
        (own(options=SiteOptions(redirect="https://a.test:99999/")), "no address"),
        (own(options=SiteOptions(redirect="https://[::1%x;]/")), "no address"),
        (own(options=SiteOptions(redirect="//a.test/")), "no address"),
        (own(options=SiteOptions(redirect="https://a.test/ b")), "no address"),
        (own(options=SiteOptions(redirect="https://a.test", deny=FULL.deny)), "before it asks"),
        (own(options=SiteOptions(basic_auth=BasicAuth("off", (("a", HASH),)))), "realm"),
        (own(options=SiteOptions(basic_auth=BasicAuth("r", ()))), "nobody"),
        (own(options=SiteOptions(basic_auth=BasicAuth("r", (("a:b", HASH),)))), "login"),
        (own(options=SiteOptions(basic_auth=BasicAuth("r", (("a", "{PLAIN}x"),)))), "no hash"),
        (own(options=SiteOptions(forward_auth=ForwardAuth(upstream("127.0.0.1")))), "in no network"),
        (own(options=SiteOptions(forward_auth=ForwardAuth(upstream(), "/a b"))), "no path"),
        (own(options=SiteOptions(forward_auth=ForwardAuth(upstream(scheme=Scheme.GRPC)))), "gRPC"),
    ],
)
def test_a_site_is_refused_and_stops_no_other(site: Site, why: str) -> None:
    rendered = render(site, guest("other"))
    (error,) = rendered.refused.values()
    assert why in str(error)
    assert "other.vmsrv.test 192.0.2.7:80;" in rendered.files["maps.conf"]
    assert not [file for file in rendered.files if file.startswith("sites/")]


def test_a_name_has_one_site() -> None:
    first, second = guest("a"), own("b.example.test", "a.vmsrv.test", options=SiteOptions())
    for sites in ([first, second], [second, first]):
        rendered = render(*sites)
        assert "is served by the site a.vmsrv.test" in str(rendered.refused["b.example.test"])


def test_an_owner_s_name_is_only_ever_text() -> None:
    nasty = "\"; } server { # $host <script> ' \\ \n\x00 {{x}} Zoë"
    text = render(page("a", Page.STOPPED, nasty)).files["maps.conf"]
    assert skeleton(text) == skeleton(render(page("a", Page.STOPPED, "x")).files["maps.conf"])
    (owner,) = [words[1] for words in directives(text) if words[0] == "a.vmsrv.test" and words[1][0] == '"']
    assert not set(owner[1:-1]) & set("<>\"'$\\{}\n\0")


# ------------------------------------------------------------------------------------ nginx's features


@pytest.mark.parametrize(
    ("told", "features"),
    [
        ("nginx version: nginx/1.22.1\nconfigure arguments: --with-http_v2_module", Features(http2=True)),
        ("nginx version: nginx/1.26.3 (Ubuntu)\n", Features(http2=False, http2_directive=True)),
        ("nginx version: freenginx/1.27.0\n--with-http_v2_module --with-http_v3_module", MODERN),
        (
            "nginx version: nginx/1.25.0\n--with-http_v2_module --with-http_v3_module",
            Features(http2=True, http2_directive=False, http3=False),
        ),
    ],
)
def test_features_are_read_from_what_nginx_says(told: str, features: Features) -> None:
    assert Features.found(told) == features


@pytest.mark.parametrize("told", ["nginx version: nginx/1.18.0", "", "bash: nginx: command not found"])
def test_an_nginx_that_cannot_reject_handshakes_is_too_old(told: str) -> None:
    with pytest.raises(ConfigError, match="install nginx"):
        Features.found(told)


def test_http2_and_http3_are_said_as_this_nginx_wants_it() -> None:
    old, new = (
        render(guest("a"), settings=replace(SETTINGS, features=features)).files[_ZONE_FILE]
        for features in (Features(), MODERN)
    )
    assert ("203.0.113.5:443", "ssl", "http2") in found(old, "listen")
    assert not found(old, "http2")
    assert ("203.0.113.5:443", "ssl") in found(new, "listen")
    assert ("203.0.113.5:443", "quic") in found(new, "listen")
    assert found(new, "http2") == found(new, "http3") == [("on",)]
    assert found(new, "add_header")[0] == ("Alt-Svc", "\"h3=':443'; ma=86400\"")


def test_the_proxy_protocol_is_spoken_where_it_is_asked_for_and_believed_from_its_senders() -> None:
    settings = replace(
        SETTINGS,
        https=(*SETTINGS.https, Listen(ip_address("192.0.2.1"), 8443, proxy_protocol=True)),
        senders=(ip_network("192.0.2.2/32"),),
    )
    text = render(guest("a"), settings=settings).files[_ZONE_FILE]
    assert ("192.0.2.1:8443", "ssl", "http2", "proxy_protocol") in found(text, "listen")
    assert ("192.0.2.2/32",) in found(text, "set_real_ip_from")


@pytest.mark.parametrize("path", ["relative", "/a b", "/a;b", "/", "/a/../b", "/a$b", '/a"b', "/a\nb"])
def test_a_path_that_nginx_could_misread_is_refused(path: str) -> None:
    with pytest.raises(ConfigError):
        replace(SETTINGS, directory=type(SETTINGS.directory)(path))


def test_the_generation_is_told_on_loopback_only() -> None:
    with pytest.raises(ConfigError, match="loopback"):
        replace(SETTINGS, status=Listen(ip_address("192.0.2.1"), 80))


# -------------------------------------------------------------------------------------------- templates


def with_template(template: str, text: str, settings: ProxySettings = SETTINGS) -> Renderer:
    return Renderer(settings, ChoiceLoader([DictLoader({template: text}), template_loader()]))


def test_an_unknown_variable_is_an_error_that_names_the_template() -> None:
    with pytest.raises(ConfigError, match=r"zone\.conf\.j2.*nonsense"):
        with_template("zone.conf.j2", "server_name {{ nonsense }};").render([], set())


def test_a_syntax_error_names_its_line() -> None:
    with pytest.raises(ConfigError, match=r"zone\.conf\.j2:2"):
        with_template("zone.conf.j2", "a;\n{% if %}").render([], set())


def test_a_bad_template_of_sites_stops_these_only() -> None:
    rendered = with_template("site.conf.j2", "server { {{ names|join(' ') }} }").render(
        [own(), guest("a")], {ZONE}
    )
    assert list(rendered.refused) == ["www.example.test"]
    assert _ZONE_FILE in rendered.files


def test_an_admin_s_template_goes_first(tmp_path: Path) -> None:
    (tmp_path / "stopped.html.j2").write_text("gone fishing", encoding="utf-8")
    rendered = Renderer(SETTINGS, template_loader(tmp_path)).render([], set())
    assert rendered.files[".skulldns/stopped.html"] == "gone fishing"
    assert "Nobody lives here" in rendered.files[".skulldns/unknown.html"]


@pytest.mark.parametrize("shown", list(Page))
def test_every_page_is_whole_and_needs_nothing_from_elsewhere(shown: Page) -> None:
    text = render().files[f".skulldns/{shown}.html"]
    assert text.count("<h1>") == 1
    assert '<!--# echo var="host" encoding="entity" -->' in text
    assert "$skulldns_owner" in text
    assert not [word for word in ("http://", "https://", "src=", "@import", "url(") if word in text]
    assert len(text) < 6000


def test_the_readme_documents_each_template_and_each_variable() -> None:
    readme = (ROOT / "proxy_templates" / "README.md").read_text(encoding="utf-8")
    environment = Environment(undefined=StrictUndefined)  # noqa: S701 - only parses
    files = sorted((ROOT / "proxy_templates").glob("*.j2"))
    used = set()
    for file in files:
        used |= meta.find_undeclared_variables(environment.parse(file.read_text(encoding="utf-8")))
    rows = [line.split("|")[1] for line in readme.splitlines() if line.startswith("| `")]
    documented = {word.strip(" `") for row in rows for word in row.split(",")}
    assert documented == used - {"self"} | {"port"} | {file.name for file in files}


def test_every_option_of_a_site_reaches_its_file() -> None:
    plain, full = (skeleton(render(own(options=one)).files[_OWN_FILE]) for one in (SiteOptions(), FULL))
    assert set(plain) < set(full) | set(plain)
    without = replace(FULL, websockets=False)
    assert skeleton(render(own(options=without)).files[_OWN_FILE]) == full
    assert (
        found(render(own(options=without)).files[_OWN_FILE], "proxy_set_header").count(("Upgrade", '""')) == 4
    )
