"""Real clients, unmodified, with the configuration of docs/members.md: routers' and ACME clients."""

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from html import unescape
from pathlib import Path
from urllib.parse import urlsplit

import dns.message
import dns.name
import dns.query
import dns.rdatatype
import pyacmedns
import pytest
from cryptography import x509
from werkzeug.serving import make_server

from skulldns.lab import Lab
from skulldns.lab.parts import EVERYTHING
from skulldns.lab.waiting import until
from skulldns.model.claims import AddressTarget, Claim, GuestTarget
from skulldns.model.members import COMMAND_LINE, Actor
from skulldns.model.tokens import Scope
from skulldns.store.office import open_office
from tests.rooms import ROOT
from tests.support import require
from tests.unit.deskworld import RULES
from webui.app import World as Web
from webui.app import create_app
from webui.desk import Desk, claims, tokens
from webui.settings import WebSettings

pytestmark = pytest.mark.timeout(300)

_PATIENCE = 60.0
_LOGIN = "admin"
_GUIDE = ROOT / "docs" / "members.md"
_HOOK = ROOT / "docs" / "hooks" / "certbot-hook"


class World:
    """A lab with its page and its CA, and what its admin has there as a member."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.zone = dns.name.from_text(lab.info.zone)
        database = lab.info.config.parent / "state" / "skulldns.db"
        rules = RULES.__class__(zones=(self.zone,), own_zones=(self.zone,), quota=50)
        self.desk = Desk(open_office(f"sqlite:///{database}"), rules)
        self.actor = Actor(COMMAND_LINE, acting_as=_LOGIN)
        self.member = Actor(_LOGIN)

    def claim(self, label: str) -> Claim:
        """A name of the member's that leads to an address."""
        return claims.claim(self.desk, self.member, label, AddressTarget(), time.time())

    def token(self, *scopes: Scope) -> str:
        """A token for all names."""
        return tokens.make(self.desk, self.member, "test", scopes, (), time.time())[1]

    @property
    def url(self) -> str:
        """The page's address."""
        return str(self.lab.info.raw["web"]["url"])

    def answers(self, name: str, kind: str = "A") -> set[str]:
        """What both name servers answer alike; nothing while they differ."""
        query = dns.message.make_query(name, dns.rdatatype.from_text(kind))
        found = []
        for server in (self.lab.info.ns1, self.lab.info.ns2):
            answer = dns.query.udp(query, server.address, port=server.port, timeout=5)
            found.append({data.to_text() for rrset in answer.answer for data in rrset})
        return found[0] & found[1]

    def until_clean(self, name: str) -> None:
        """Wait until no challenge is left at a name."""
        record = f"_acme-challenge.{name}"
        until(lambda: not self.answers(record, "TXT"), f"nothing at {record}", patience=_PATIENCE)

    def until_served(self, name: str, address: str, kind: str = "A") -> None:
        """Wait until both servers answer just this."""
        until(lambda: self.answers(name, kind) == {address}, f"{name} being {address}", patience=_PATIENCE)

    def own(self, guest: str, login: str) -> None:
        """A guest of a member's, and wait until the page knows."""
        self.lab.guest(guest).create(login)
        name = dns.name.from_text(guest, self.zone)
        until(lambda: self._owner(name) == login, f"{guest} being {login}'s", patience=_PATIENCE)

    def _owner(self, name: dns.name.Name) -> str | None:
        with self.desk.office.reading() as books:
            held = books.views.held(name)
        return held.owner if held else None


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, lab_programs: None) -> Iterator[World]:  # noqa: ARG001 - as in conftest
    require("pebble", package="pebble")
    with Lab.up(tmp_path_factory.mktemp("machines") / "lab", extra=EVERYTHING) as lab:
        yield World(lab)


@contextmanager
def page_at_an_address(world: World) -> Iterator[str]:
    """The page again, under a host with a dot in it: ddclient takes no other. Yields host and port."""
    server = make_server("127.0.0.1", 0, lambda *_: (), threaded=True)
    host = f"127.0.0.1:{server.server_port}"
    server.app = create_app(Web(world.desk, WebSettings(f"http://{host}", b"k" * 32), time.time))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield host
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def written(kind: str, changes: Mapping[str, str]) -> str:
    """An example of the guide; each text in it that is to be another is there."""
    found = re.search(rf"```{kind}\n(.*?)```", _GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert found, f"no example for {kind}"
    text = found[1]
    for former, new in changes.items():
        assert former in text, former
        text = text.replace(former, new)
    return text


def run(argv: Sequence[str], *, succeeds: bool = True, **environment: str) -> str:
    """What a program says; it has to succeed, or to fail."""
    done = subprocess.run(
        argv,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode == 0) is succeeds, done.stdout
    return done.stdout


def test_ddclient(world: World, tmp_path: Path) -> None:
    world.claim("home")
    with page_at_an_address(world) as host:
        assert "SUCCESS" in _ddclient(world, host, tmp_path)
    world.until_served("home.vmsrv.test", "8.8.8.8")


def _ddclient(world: World, host: str, directory: Path) -> str:
    program = require("ddclient", package="ddclient")
    changes = {
        "use=web, web=https://names.example.org/nic/checkip": "use=ip, ip=8.8.8.8",
        "ssl=yes": "ssl=no",
        "names.example.org": host,
        "your-login": _LOGIN,
        "the-token": world.token(Scope.DYNDNS),
        "home.example.org": "home.vmsrv.test",
    }
    config = directory / "ddclient.conf"
    config.write_text(written("ddclient", changes), encoding="utf-8")
    config.chmod(0o600)
    cache = directory / "ddclient.cache"
    options = ["-daemon=0", "-foreground", "-verbose", "-file", str(config), "-cache", str(cache)]
    return run([program, *options])


def test_inadyn(world: World, tmp_path: Path) -> None:
    program = require("inadyn", package="inadyn")
    name = "attic.vmsrv.test"
    world.claim("attic")
    changes = {
        'checkip-server = names.example.org\n    checkip-path   = "/nic/checkip"\n    checkip-ssl    = true': (
            'checkip-command = "/bin/echo 8.8.4.4"'
        ),
        "ssl         = true": "ssl = false",
        "names.example.org": world.url.removeprefix("http://"),
        "your-login": _LOGIN,
        "the-token": world.token(Scope.DYNDNS),
        "home.example.org": name,
    }
    config = tmp_path / "inadyn.conf"
    config.write_text(written("inadyn", changes), encoding="utf-8")
    config.chmod(0o600)
    options = ["--once", "--foreground", "--loglevel=debug", f"--config={config}"]
    said = run([program, *options, f"--cache-dir={tmp_path}", f"--pidfile={tmp_path / 'pid'}"])
    assert "good 8.8.4.4" in said, said
    world.until_served(name, "8.8.4.4")


def test_lego_by_httpreq(world: World, tmp_path: Path) -> None:
    world.claim("wiki")
    changes = {
        "https://names.example.org": world.url,
        "your-login": _LOGIN,
        "the-token": world.token(Scope.ACME),
    }
    _issue(world, tmp_path, written("lego", changes), "wiki")
    issued = tmp_path / "lego" / "certificates" / "wiki.vmsrv.test.crt"
    assert _names(issued) == {"wiki.vmsrv.test", "*.wiki.vmsrv.test"}
    world.until_clean("wiki.vmsrv.test")


def test_lego_by_acme_dns_for_a_guest_s_own_name(world: World, tmp_path: Path) -> None:
    """It registers by itself, and asks for a CNAME that is not needed: the second time it issues."""
    world.own("mailbox", _LOGIN)
    name = dns.name.from_text("mailbox", world.zone)
    text = tokens.make(world.desk, world.member, "mailbox", [Scope.ACME], [name], time.time())[1]
    certbot = _certbot_with_lego(world, tmp_path, text, "mailbox.vmsrv.test")
    assert "_acme-challenge.mailbox.vmsrv.test" in certbot(succeeds=False)
    example = {"your-login": _LOGIN, "the-token": text, "wiki.example.org": "mailbox.vmsrv.test"}
    registered = json.loads((tmp_path / "acme-dns.json").read_text())["mailbox.vmsrv.test"]
    by_hand = json.loads(written("acme-dns", example))["mailbox.vmsrv.test"]
    assert registered | by_hand == registered
    certbot()
    issued = tmp_path / "etc" / "live" / "mailbox.vmsrv.test" / "cert.pem"
    assert _names(issued) == {"mailbox.vmsrv.test", "*.mailbox.vmsrv.test"}


def test_no_certificate_for_another_s_guest(world: World, tmp_path: Path) -> None:
    world.own("theirs", "bob")
    by_hand = {
        "your-login": _LOGIN,
        "the-token": world.token(Scope.ACME),
        "wiki.example.org": "theirs.vmsrv.test",
    }
    (tmp_path / "acme-dns.json").write_text(written("acme-dns", by_hand), encoding="utf-8")
    said = _certbot_with_lego(world, tmp_path, by_hand["the-token"], "theirs.vmsrv.test")(succeeds=False)
    assert "forbidden" in said
    assert world.answers("_acme-challenge.theirs.vmsrv.test", "TXT") == set()


def _certbot_with_lego(world: World, directory: Path, token: str, name: str) -> Callable[..., str]:
    """Certbot with lego of today inside (certbot-dns-multi), which has acme-dns; Debian's lego lacks it."""
    address = world.url.removeprefix("http://")
    settings = directory / "lego.ini"
    settings.write_text(
        "dns_multi_provider = acme-dns\n"
        f"ACME_DNS_API_BASE = http://{_LOGIN}:{token}@{address}/acme-dns\n"
        f"ACME_DNS_STORAGE_PATH = {directory / 'acme-dns.json'}\n",
        encoding="utf-8",
    )
    settings.chmod(0o600)
    program = Path(sys.executable).with_name("certbot")
    options = [
        *("certonly", "--non-interactive", "--agree-tos", "--email", "you@example.org"),
        *("--authenticator", "dns-multi", "--dns-multi-credentials", str(settings)),
        *("--dns-multi-propagation-seconds", "0"),
        *("--dns-multi-nameservers", f"127.0.0.1:{world.lab.info.ns1.port}"),
        *("--server", _directory(world), "--domain", name, "--domain", f"*.{name}"),
        *("--config-dir", str(directory / "etc"), "--work-dir", str(directory / "work")),
        *("--logs-dir", str(directory / "log")),
    ]
    return lambda **how: run([str(program), *options], REQUESTS_CA_BUNDLE=str(_roots(world)), **how)


def test_the_newest_two_values_of_acme_dns_stay(world: World, tmp_path: Path) -> None:
    """pyacmedns, by the author of acme-dns."""
    name = world.claim("forum").name
    text = tokens.make(world.desk, world.member, "forum", [Scope.ACME], [name], time.time())[1]
    account = {"your-login": _LOGIN, "the-token": text, "wiki.example.org": "forum.vmsrv.test"}
    accounts = tmp_path / "acme-dns.json"
    accounts.write_text(written("acme-dns", account), encoding="utf-8")
    kept = pyacmedns.Storage(str(accounts)).fetch("forum.vmsrv.test")
    host = world.url.removeprefix("http://")
    registered = pyacmedns.Client(f"http://{_LOGIN}:{text}@{host}/acme-dns").register_account([])
    assert registered | kept == registered
    client = pyacmedns.Client(f"{world.url}/acme-dns")
    for value in ("a" * 43, "b" * 43, "c" * 43):
        client.update_txt_record(kept, value)
        assert f'"{value}"' in world.answers(kept["fulldomain"], "TXT")
    wanted = {f'"{letter * 43}"' for letter in "bc"}
    record = kept["fulldomain"]
    until(lambda: world.answers(record, "TXT") == wanted, f"values at {record}", patience=_PATIENCE)


def test_certbot_with_the_hook(world: World, tmp_path: Path) -> None:
    require("certbot", package="certbot")
    world.claim("shop")
    secret = tmp_path / "token"
    secret.write_text(f"{_LOGIN}:{world.token(Scope.ACME)}\n", encoding="utf-8")
    changes = {
        "https://names.example.org": world.url,
        "wiki.example.org": "shop.vmsrv.test",
        "/usr/local/bin/certbot-hook": str(_HOOK),
        "certbot certonly": f"certbot certonly --non-interactive --server {_directory(world)}"
        f" --config-dir {tmp_path / 'etc'} --work-dir {tmp_path / 'work'} --logs-dir {tmp_path / 'log'}",
    }
    run(
        ["sh", "-c", written("certbot", changes)],
        SKULLDNS_TOKEN_FILE=str(secret),
        SKULLDNS_DIG=f"@127.0.0.1 -p {world.lab.info.ns1.port}",
        REQUESTS_CA_BUNDLE=str(_roots(world)),
    )
    issued = tmp_path / "etc" / "live" / "shop.vmsrv.test" / "cert.pem"
    assert _names(issued) == {"shop.vmsrv.test", "*.shop.vmsrv.test"}
    world.until_clean("shop.vmsrv.test")


def test_a_site_for_members_only_lets_in_who_signs_in(world: World, tmp_path: Path) -> None:
    """curl, which knows nothing but cookies and redirections; the page is at a host without a dot."""
    name = f"hall{os.urandom(2).hex()}"  # free also in a second try
    world.own(name, _LOGIN)
    with world.desk.office.reading() as books:
        [guest] = [one for one in books.views.guests_of(_LOGIN) if one.name == name]
    target = GuestTarget(guest.id, world.lab.info.raw["guest_port"])
    claims.claim(world.desk, world.member, f"{name}-club", target, time.time(), members_only=True)
    proxy = world.lab.info.raw["proxy"]
    site = f"{name}-club.vmsrv.test:{proxy['https_port']}"
    curl = [
        *(require("curl", package="curl"), "--silent", "--show-error", "--location", "--max-time", "30"),
        *("--cookie", str(tmp_path / "jar"), "--cookie-jar", str(tmp_path / "jar")),
        *("--cacert", str(_roots(world)), "--resolve", f"{site}:{proxy['address']}"),
    ]
    asking = [*curl, "--write-out", "\n%{url_effective}", f"https://{site}/deep?x=1&y=2"]

    def asks() -> bool:
        done = subprocess.run(asking, capture_output=True, text=True, check=False)
        return urlsplit(done.stdout.rpartition("\n")[2]).path == "/sign-in"

    until(asks, "the site asking who comes", patience=_PATIENCE)
    form, _, address = run(asking).rpartition("\n")
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form))
    password = Path(world.lab.info.raw["web"]["password_file"]).read_text(encoding="utf-8").strip()
    filled = {key: unescape(value) for key, value in fields.items()} | {"login": _LOGIN, "password": password}
    data = [part for key, value in filled.items() for part in ("--data-urlencode", f"{key}={value}")]
    going_on = run([*curl, "--referer", address, *data, f"{world.url}/sign-in"])
    way = re.search(rf'href="(https://{name}-club\.[^"]+)"', going_on)
    assert way, going_on
    assert name in run([*curl, unescape(way[1])])
    arrived = run(asking)
    assert arrived.endswith(f"\nhttps://{site}/deep?x=1&y=2")
    assert name in arrived


def _issue(world: World, directory: Path, command: str, label: str) -> None:
    """Run lego, which looks at no server itself: it could on port 53 only."""
    require("lego", package="lego")
    name = f"{label}.vmsrv.test"
    options = f"lego --server {_directory(world)} --path {directory / 'lego'} --dns.disable-cp"
    text = command.replace("wiki.example.org", name).replace("lego --email", f"{options} --email")
    run(["sh", "-c", text], LEGO_CA_CERTIFICATES=str(_roots(world)))


def _names(file: Path) -> set[str]:
    """What a certificate is for."""
    issued = x509.load_pem_x509_certificate(file.read_bytes())
    found = issued.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return set(found.value.get_values_for_type(x509.DNSName))


def _directory(world: World) -> str:
    return str(world.lab.info.raw["acme"]["directory"])


def _roots(world: World) -> Path:
    return Path(str(world.lab.info.raw["acme"]["root"]))
