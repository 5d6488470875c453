"""What visitors get from a real nginx with our files."""

import base64
import json
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path, PurePosixPath

import pytest

from skulldns.model.certificates import Challenge, Proof
from skulldns.model.sites import BasicAuth, ForwardAuth, Header, Page, Scheme, Site, SiteOptions, Upstream
from skulldns.targets.challenges.http01 import Door, TokenFiles
from skulldns.targets.probe import HttpProber
from skulldns.targets.vhost.settings import Listen
from tests.realnginx import (
    LOOPBACK,
    PATIENCE,
    ZONE,
    Answer,
    RealNginx,
    guest,
    name,
    own,
    page,
    web_server,
    wrapped,
)

_NASTY = '</script><b>O\'Brien & "co" $host'
_SECRET = "$6$saltsalt$TVLlQcbpFVof5W3Yz4DTP6gRstiNuHwwTt6GLc1E5n0U0aDehy0S5knV8wiOQSpT0Y77vwPZN.Pq.H91p5hVO1"
_NOBODY = 9  # the discard port: nothing listens there


@pytest.fixture(scope="module")
def ports() -> Iterator[Mapping[str, int]]:
    """Web servers of guests, by what they answer."""
    with web_server("wiki") as wiki, web_server("shop") as shop, web_server("gate") as gate:
        yield {"wiki": wiki, "shop": shop, "gate": gate}


@pytest.fixture(scope="module")
def nginx(ports: Mapping[str, int]) -> Iterator[RealNginx]:
    with ExitStack() as stack:
        running = stack.enter_context(RealNginx())
        private = running.certificate("behind", "private.test")
        behind_tls = stack.enter_context(web_server("private", private))
        settings = replace(
            running.settings,
            # There is no telling a client on loopback from a sender there, and no need to.
            https=(*running.settings.https, Listen(LOOPBACK, running.behind, proxy_protocol=True)),
            http=(*running.settings.http, Listen(LOOPBACK, running.behind_http, proxy_protocol=True)),
            senders=(ip_network("127.0.0.1/32"),),
            roots=PurePosixPath(private.chain),
        )
        wiki, shop = ports["wiki"], ports["shop"]
        gate = Upstream(LOOPBACK, ports["gate"])
        strict = SiteOptions(
            hsts=300, body_size=1000, headers=((Header.X_FRAME_OPTIONS, "DENY"),), websockets=False
        )
        sites = [
            guest("wiki", wiki),
            guest("silent", _NOBODY, _NASTY),
            page("off", Page.STOPPED, _NASTY),
            page("new", Page.STARTING),
            page("kept", Page.HELD),
            own("shop.test", shop, strict, names=("www.shop.test",)),
            own("plain.test", shop, SiteOptions(http=True), certificate="shop.test"),
            own("locked.test", shop, SiteOptions(basic_auth=BasicAuth("Members", (("alice", _SECRET),)))),
            own("near.test", shop, SiteOptions(allow=(ip_network("127.0.0.1/32"),))),
            own("far.test", shop, SiteOptions(allow=(ip_network("192.0.2.0/24"),))),
            own("shut.test", shop, SiteOptions(deny=(ip_network("127.0.0.0/8"),))),
            own("waiting.test", shop, certificate="not-yet"),
            own("late.vmsrv.test", shop, certificate="not-yet"),
            own("gated.test", shop, SiteOptions(forward_auth=ForwardAuth(gate, "/?status=200"))),
            own("barred.test", shop, SiteOptions(forward_auth=ForwardAuth(gate, "/?status=401"))),
            own(
                "login.test",
                shop,
                SiteOptions(forward_auth=ForwardAuth(gate, "/?status=401", "https://auth.test/?a=b")),
            ),
            *(
                Site((name(title),), title, Upstream(LOOPBACK, behind_tls, Scheme.HTTPS, verify))
                for title, verify in (("any.test", False), ("private.test", True), ("false.test", True))
            ),
            Site((name("rpc.test"),), "rpc.test", Upstream(LOOPBACK, _NOBODY, Scheme.GRPC)),
            Site(
                (name("moved.test"),),
                "moved.test",
                options=SiteOptions(redirect="https://new.test"),
            ),
        ]
        own_names = {site.certificate for site in sites} - {ZONE, "not-yet"}
        certificates = {
            **running.wildcard(),
            **{one: running.certificate(one, one, "www.shop.test", "plain.test") for one in own_names},
        }
        rollout = running.target(settings).roll_out(sites, certificates)
        assert not rollout.quarantined
        running.settled()
        yield running


def seen(answer: Answer) -> Mapping[str, str]:
    """The headers that an upstream saw, in lower case."""
    lines = answer.body.split("\n\n")[0].splitlines()[2:]
    return {line.split(": ", 1)[0].lower(): line.split(": ", 1)[1] for line in lines}


# ------------------------------------------------------------------------------------- who answers what


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("wiki.vmsrv.test", "wiki"),
        ("WIKI.vmsrv.test.", None),
        ("shop.test", "shop"),
        ("www.shop.test", "shop"),
        ("near.test", "shop"),
    ],
)
def test_each_name_shows_its_own_guest(nginx: RealNginx, host: str, name: str | None) -> None:
    answer = nginx.get(host, "/a/../b?c=%2e", sni=host.lower().rstrip("."))
    assert answer.status == 200
    assert answer.body.startswith(name or "wiki")
    assert "GET /a/../b?c=%2e\n" in answer.body


def test_cookies_and_the_body_pass_untouched(nginx: RealNginx) -> None:
    answer = nginx.get("wiki.vmsrv.test", method="POST", body="x" * 2000, headers=[("Cookie", "a=b; c=d")])
    assert answer.headers["set-cookie"] == "a=b; Path=/"
    assert seen(answer)["cookie"] == "a=b; c=d"
    assert answer.body.endswith("\n\n2000")


def test_what_a_guest_says_to_nginx_is_not_obeyed(nginx: RealNginx) -> None:
    # The test's web server asks for an internal redirection with X-Accel-Redirect.
    assert nginx.get("wiki.vmsrv.test").body.startswith("wiki")


@pytest.mark.parametrize("name", ["other.test", "vmsrv.test", "wiki.vmsrv.test.evil.test", None])
def test_a_name_that_nobody_has_gets_no_handshake(nginx: RealNginx, name: str | None) -> None:
    with pytest.raises(ssl.SSLError, match=r"(?i)unrecognized.name"):
        nginx.get("wiki.vmsrv.test", sni=name)


@pytest.mark.parametrize(
    ("host", "sni"),
    [
        ("shop.test", "wiki.vmsrv.test"),
        ("off.vmsrv.test", "wiki.vmsrv.test"),
        ("wiki.vmsrv.test", "shop.test"),
        ("www.shop.test", "shop.test"),
        ("other.test", "wiki.vmsrv.test"),
        ("127.0.0.1", "wiki.vmsrv.test"),
    ],
)
def test_a_host_that_the_handshake_did_not_name_is_misdirected(nginx: RealNginx, host: str, sni: str) -> None:
    assert nginx.get(host, sni=sni).status == 421


@pytest.mark.parametrize("host", ["other.test", "127.0.0.1", "a..b", "vmsrv.test"])
def test_an_unknown_host_on_port_80_is_misdirected(nginx: RealNginx, host: str) -> None:
    assert nginx.get(host, tls=False).status in {421, 400}


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "TRACK"])
@pytest.mark.parametrize("tls", [True, False])
def test_methods_that_no_site_needs_are_refused(nginx: RealNginx, method: str, tls: bool) -> None:  # noqa: FBT001
    assert nginx.get("wiki.vmsrv.test", method=method, tls=tls).status in {405, 400}


def test_port_80_leads_to_https_and_keeps_the_path(nginx: RealNginx) -> None:
    for host in ("wiki.vmsrv.test", "shop.test", "nobody.vmsrv.test"):
        answer = nginx.get(host, "/a?b=c", tls=False)
        assert (answer.status, answer.headers["location"]) == (301, f"https://{host}:{nginx.https}/a?b=c")


def test_port_80_serves_a_site_that_asks_for_it(nginx: RealNginx) -> None:
    answer = nginx.get("plain.test", tls=False)
    assert answer.body.startswith("shop")
    assert seen(answer)["x-forwarded-proto"] == "http"


@pytest.mark.parametrize(
    "host", ["wiki.vmsrv.test", "shop.test", "locked.test", "shut.test", "waiting.test", "x.test"]
)
def test_challenges_are_answered_for_every_name(nginx: RealNginx, host: str) -> None:
    (nginx.challenges / "token_1-a").write_text("token_1-a.thumbprint", encoding="ascii")
    answer = nginx.get(host, "/.well-known/acme-challenge/token_1-a", tls=False)
    assert (answer.status, answer.body) == (200, "token_1-a.thumbprint")
    assert answer.headers["content-type"] == "text/plain"
    assert nginx.get(host, "/.well-known/acme-challenge/", tls=False).status in {403, 404, 503}
    assert (
        nginx.get(host, "/.well-known/acme-challenge/../../../nginx.conf", tls=False).body.find("http {") < 0
    )


def test_a_proof_is_seen_once_the_proxy_shows_it(nginx: RealNginx) -> None:
    doors = [Door(LOOPBACK, nginx.http), Door(LOOPBACK, nginx.behind_http, proxy_protocol=True)]
    proof = Proof(name("late.example.test"), Challenge.HTTP01, "token_2-a", "token_2-a.thumbprint")
    files = [TokenFiles(nginx.challenges, door) for door in (*doors, Door(LOOPBACK, _NOBODY))]
    assert [one.seen(proof) for one in files] == [False, False, False]
    files[0].place(proof)
    assert [one.seen(proof) for one in files] == [True, True, False]
    other = replace(proof, content="token_2-a.another")
    assert not any(door.shows(other) for door in doors)
    files[0].remove(proof)


def test_the_proxy_is_tried_where_it_wants_the_proxy_protocol(nginx: RealNginx) -> None:
    wiki = name("wiki.vmsrv.test")
    root = nginx.home / f"{ZONE}.chain"
    for proxy_protocol in (True, False):
        prober = HttpProber((LOOPBACK, nginx.behind), root, proxy_protocol=proxy_protocol)
        assert prober.site(wiki).good is proxy_protocol


# ---------------------------------------------------------------------------------------------- headers


def test_what_is_said_of_the_client_is_replaced(nginx: RealNginx) -> None:
    forged = [
        ("X-Forwarded-For", "192.0.2.66"),
        ("X-Forwarded-Host", "evil.test"),
        ("X-Forwarded-Proto", "gopher"),
        ("X-Forwarded-Port", "1"),
        ("X-Forwarded-Prefix", "/evil"),
        ("X-Forwarded-User", "root"),
        ("X-Real-IP", "192.0.2.66"),
        ("Forwarded", "for=192.0.2.66"),
        ("Remote-User", "root"),
        ("X-Original-URL", "/admin"),
        ("Proxy", "http://evil.test"),
        ("Proxy-Authorization", "Basic x"),
        ("Keep-Alive", "9"),
        ("TE", "trailers"),
        ("X_Forwarded_For", "192.0.2.66"),
        ("Upgrade", "h2c"),
        ("HTTP2-Settings", "AAMAAABkAAQAAP__"),
        ("X-Own", "stays"),
    ]
    for host in ("wiki.vmsrv.test", "shop.test"):
        assert seen(nginx.get(host, headers=forged)) == {
            "host": f"{host}:{nginx.https}",
            "x-real-ip": "127.0.0.1",
            "x-forwarded-for": "127.0.0.1",
            "x-forwarded-host": f"{host}:{nginx.https}",
            "x-forwarded-port": str(nginx.https),
            "x-forwarded-proto": "https",
            "forwarded": f'for=127.0.0.1;host="{host}:{nginx.https}";proto=https',
            "x-own": "stays",
        }


@pytest.mark.parametrize(
    ("head", "statuses"),
    [
        ("Content-Length: 5\r\nTransfer-Encoding: chunked", {400}),
        ("Content-Length: 5\r\nContent-Length: 6", {400}),
        ("Transfer-Encoding: xchunked", {501}),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", {400}),
        ("Transfer-Encoding : chunked\r\nContent-Length: 3", {400}),
        ("X-A: b\r\n Host: shop.test", {400}),
        ("X-A: b\rHost: shop.test", {400}),
        ("X-A: b\0c", {400}),
        ("X-A: " + 70_000 * "a", {400, 431, 494}),
        ("\r\n".join(f"X-{number}: a" for number in range(3000)), {400, 431, 494}),
    ],
)
def test_a_request_that_could_be_read_in_two_ways_reaches_nobody(
    nginx: RealNginx, head: str, statuses: set[int]
) -> None:
    with socket.create_connection(("127.0.0.1", nginx.https), PATIENCE) as raw:
        stream = wrapped(raw, "wiki.vmsrv.test")
        lines = f"POST / HTTP/1.1\r\nHost: wiki.vmsrv.test\r\n{head}\r\nConnection: close\r\n\r\n"
        with suppress(OSError):  # it may have had enough before the end
            stream.sendall(lines.encode() + b"0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n")
        answer = stream.recv(65_536).decode()
        stream.close()
    assert int(answer.split(" ", 2)[1]) in statuses
    assert "wiki" not in answer


def test_two_host_headers_are_refused(nginx: RealNginx) -> None:
    assert nginx.get("wiki.vmsrv.test", headers=[("Host", "shop.test")]).status == 400


def test_an_absolute_request_cannot_smuggle_another_host(nginx: RealNginx) -> None:
    assert nginx.get("wiki.vmsrv.test", "https://shop.test/", sni="wiki.vmsrv.test").status == 421
    answer = nginx.get("evil.test", "https://wiki.vmsrv.test/", sni="wiki.vmsrv.test")
    assert seen(answer)["host"] == f"wiki.vmsrv.test:{nginx.https}"


def test_a_site_s_own_headers_replace_the_guest_s(nginx: RealNginx) -> None:
    answer = nginx.get("shop.test")
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["strict-transport-security"] == "max-age=300"
    assert nginx.get("wiki.vmsrv.test").headers["x-frame-options"] == "ALLOWALL"


# ---------------------------------------------------------------------------------------------- options


def test_a_body_may_be_as_large_as_the_site_says(nginx: RealNginx) -> None:
    assert nginx.get("shop.test", method="POST", body="x" * 1000).status == 200
    assert nginx.get("shop.test", method="POST", body="x" * 1001).status == 413


def test_a_password_is_asked_for(nginx: RealNginx) -> None:
    assert nginx.get("locked.test").status == 401
    for word, status in {"secret": 200, "wrong": 401}.items():
        login = base64.b64encode(f"alice:{word}".encode()).decode()
        assert nginx.get("locked.test", headers=[("Authorization", f"Basic {login}")]).status == status


@pytest.mark.parametrize(("host", "status"), [("near.test", 200), ("far.test", 403), ("shut.test", 403)])
def test_networks_are_let_in_or_not(nginx: RealNginx, host: str, status: int) -> None:
    assert nginx.get(host).status == status


def test_another_server_says_who_may_enter(nginx: RealNginx) -> None:
    assert nginx.get("gated.test").body.startswith("shop")
    assert nginx.get("barred.test").status == 401
    answer = nginx.get("login.test", "/a?b=c")
    target = f"https://auth.test/?a=b&rd=https://login.test:{nginx.https}/a?b=c"
    assert (answer.status, answer.headers["location"]) == (302, target)


def test_a_redirection_keeps_the_path(nginx: RealNginx) -> None:
    answer = nginx.get("moved.test", "/a?b=c")
    assert (answer.status, answer.headers["location"]) == (302, "https://new.test/a?b=c")


@pytest.mark.parametrize(("host", "status"), [("any.test", 200), ("private.test", 200), ("false.test", 502)])
def test_an_upstream_s_certificate_is_verified_if_asked(nginx: RealNginx, host: str, status: int) -> None:
    assert nginx.get(host).status == status


def test_a_grpc_upstream_that_is_not_there_is_said_so(nginx: RealNginx) -> None:
    assert nginx.get("rpc.test", method="POST").status == 502


def test_the_proxy_protocol_tells_the_client_s_address(nginx: RealNginx) -> None:
    with socket.create_connection(("127.0.0.1", nginx.behind), PATIENCE) as raw:
        raw.sendall(b"PROXY TCP4 192.0.2.99 127.0.0.1 12345 443\r\n")
        with wrapped(raw, "wiki.vmsrv.test") as stream:
            stream.sendall(b"GET / HTTP/1.1\r\nHost: wiki.vmsrv.test\r\nConnection: close\r\n\r\n")
            text = stream.makefile().read()
    assert "X-Real-IP: 192.0.2.99\n" in text
    assert "Forwarded: for=192.0.2.99;" in text


# ------------------------------------------------------------------------------------------------ pages


@pytest.mark.parametrize(
    ("host", "status", "retry", "title"),
    [
        ("off.vmsrv.test", 503, "120", "switched off"),
        ("new.vmsrv.test", 503, "5", "is starting"),
        ("kept.vmsrv.test", 503, "60", "out of sight"),
        ("nobody.vmsrv.test", 404, None, "Nobody lives here"),
        ("silent.vmsrv.test", 502, None, "does not answer"),
        ("late.vmsrv.test", 503, "30", "being set up"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_page_says_what_the_matter_is(
    nginx: RealNginx, host: str, status: int, retry: str | None, title: str, method: str
) -> None:
    answer = nginx.get(host, "/some/path.php?x=y", method=method)
    assert (answer.status, answer.headers.get("retry-after")) == (status, retry)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert title in answer.body
    assert host in answer.body
    assert "<!--#" not in answer.body


def test_a_page_says_whose_guest_it_is_and_nothing_else(nginx: RealNginx) -> None:
    for host in ("off.vmsrv.test", "silent.vmsrv.test"):
        text = nginx.get(host).body
        assert "<b>" not in text
        assert "&#60;b&#62;O&#39;Brien" in text
    assert "belongs to" not in nginx.get("nobody.vmsrv.test").body


def test_a_host_name_is_shown_escaped(nginx: RealNginx) -> None:
    try:
        text = nginx.get("a<b>&'.vmsrv.test").body
    except ssl.SSLError:
        return  # a newer nginx takes no such name in a handshake
    assert "a&lt;b&gt;&amp;" in text
    assert "<b>" not in text


def test_pages_cannot_be_asked_for(nginx: RealNginx) -> None:
    for path in ("/.skulldns/stopped.html", "/.skulldns/no-answer.html", "/.skulldns/auth", "/.skulldns/"):
        answer = nginx.get("gated.test", path)
        assert answer.status == 404
        assert "Nobody lives here" in answer.body


def test_a_site_without_its_certificate_is_told_so_on_port_80(nginx: RealNginx) -> None:
    answer = nginx.get("waiting.test", tls=False)
    assert (answer.status, answer.headers["retry-after"]) == (503, "30")
    assert "certificate" in answer.body
    with pytest.raises(ssl.SSLError, match=r"(?i)unrecognized.name"):
        nginx.get("waiting.test")


# ------------------------------------------------------------------------------------------------ TLS


def test_old_tls_is_refused_and_http2_offered(nginx: RealNginx) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection(("127.0.0.1", nginx.https), 30) as raw,
        context.wrap_socket(raw, server_hostname="wiki.vmsrv.test") as stream,
    ):
        assert (stream.selected_alpn_protocol(), stream.version()) == ("h2", "TLSv1.3")


# ---------------------------------------------------------------------------------------------- gixy-ng


_SKIPPED = (
    "hsts_header",  # whether to promise HTTPS for good is the site owner's choice
    "missing_resolver",  # the variable of proxy_pass holds address literals only
)


def test_gixy_finds_nothing(nginx: RealNginx) -> None:
    gixy = Path(sys.executable).with_name("gixy")
    config = str(nginx.home / "nginx.conf")
    done = subprocess.run(
        [str(gixy), "-f", "json", "--skips", ",".join(_SKIPPED), config],
        check=False,
        capture_output=True,
        timeout=100,
    )
    assert json.loads(done.stdout) == [], done.stdout.decode()
