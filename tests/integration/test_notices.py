"""Notices reach a real mail server and a real webhook receiver, and a receiver's faults harm nobody."""

import base64
import hmac
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.message import Message
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address, ip_address
from pathlib import Path
from typing import Any

import dns.name
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from skulldns.config import load
from skulldns.errors import Refused, Unavailable
from skulldns.lab import Lab
from skulldns.lab.waiting import until
from skulldns.loop.clock import Clock
from skulldns.model.alarms import Alarm
from skulldns.model.claims import AddressTarget, GuestTarget
from skulldns.model.members import Actor, Member
from skulldns.model.namestate import NameState
from skulldns.model.notices import Delivery, Kind, Notice, Protection
from skulldns.model.views import NameView
from skulldns.store.office import open_office
from skulldns.targets.notices.mail import MailNotifier, MailServer
from skulldns.targets.notices.webhook import WebhookNotifier
from skulldns.wiring.members import rules
from skulldns.wiring.notices import build_notices
from tests.unit.deskworld import guest
from webui.desk import Desk, claims

PAGE = "https://names.example.org"
WHEN = 1_800_000_000.0
WIKI = dns.name.from_text("wiki.vmsrv.test.")
NOTICE = Notice(
    "live c1", Kind.LIVE, WIKI, "alice", "wiki.vmsrv.test is live", "open it and see", "/names/c1", WHEN
)
MAIL = Delivery(1, "mail:alice@example.org", NOTICE)


@dataclass
class Mailbox:
    """What a mail server took; it refuses receivers with ``answer``."""

    mails: list[Message] = field(default_factory=list)
    answer: str = "250 OK"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if self.answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.answer

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content
        assert isinstance(content, bytes)
        self.mails.append(BytesParser().parsebytes(content))
        return "250 OK"


def _authenticate(
    _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: LoginPassword
) -> AuthResult:
    return AuthResult(handled=False, success=(data.login, data.password) == (b"skulldns", b"a mail password"))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of 127.0.0.1 with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.test")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    path = tmp_path_factory.mktemp("mail") / "server.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return path


@contextmanager
def _mail_server(mailbox: Mailbox, certificate: Path | None = None) -> Iterator[int]:
    more: dict[str, Any] = {}
    if certificate is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
        more = {
            "tls_context": context,
            "require_starttls": True,
            "auth_required": True,
            "authenticator": _authenticate,
        }
    controller = Controller(mailbox, hostname="127.0.0.1", port=_free_port(), **more)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _mail(port: int, trust: ssl.SSLContext | None = None, **server: Any) -> MailNotifier:
    kept = MailServer("127.0.0.1", port, **{"security": Protection.NONE, **server})
    return MailNotifier(kept, "names@example.org", PAGE, "Club names", trust)


def test_a_mail_says_what_where_and_what_to_do() -> None:
    mailbox = Mailbox()
    with _mail_server(mailbox) as port:
        _mail(port).tell(MAIL)
        _mail(port).tell(MAIL)
    mail, same = mailbox.mails
    assert (mail["To"], mail["From"]) == ("alice@example.org", "names@example.org")
    assert mail["Subject"] == "Club names: name live: wiki.vmsrv.test"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Message-ID"] == same["Message-ID"]
    assert mail.get_content_type() == "text/plain"
    text = mail.get_payload(decode=True)
    assert isinstance(text, bytes)
    assert text.decode().split() == (f"Wiki.vmsrv.test is live. Open it and see: {PAGE}/names/c1".split())


def test_mail_over_starttls_with_a_password(certificate: Path) -> None:
    mailbox = Mailbox()
    trust = ssl.create_default_context(cafile=certificate)
    login: dict[str, Any] = {"security": Protection.STARTTLS, "login": "skulldns"}
    with _mail_server(mailbox, certificate) as port:
        _mail(port, trust, password=lambda: "a mail password", **login).tell(MAIL)
        with pytest.raises(Unavailable, match="535"):
            _mail(port, trust, password=lambda: "another", **login).tell(MAIL)
        with pytest.raises(Unavailable, match="certificate"):
            _mail(port, password=lambda: "a mail password", **login).tell(MAIL)
    assert len(mailbox.mails) == 1


def test_a_mail_server_without_starttls_gets_no_mail() -> None:
    mailbox = Mailbox()
    with _mail_server(mailbox) as port, pytest.raises(Unavailable, match="STARTTLS"):
        _mail(port, security=Protection.STARTTLS).tell(MAIL)
    assert mailbox.mails == []


@pytest.mark.parametrize(
    ("answer", "error"),
    [("550 no such mailbox", Refused), ("451 later", Unavailable), ("452 full", Unavailable)],
)
def test_what_a_mail_server_says_decides_about_another_try(answer: str, error: type[Exception]) -> None:
    with _mail_server(Mailbox(answer=answer)) as port, pytest.raises(error, match=answer):
        _mail(port).tell(MAIL)


def test_a_mail_server_that_is_away_is_tried_again() -> None:
    with pytest.raises(Unavailable, match="does not take mail"):
        _mail(_free_port()).tell(MAIL)


def test_no_value_adds_a_header() -> None:
    mailbox = Mailbox()
    evil = replace(NOTICE, what="x\r\nBcc: eve@example.org\r\n\r\nhello", page="/names/c1")
    with _mail_server(mailbox) as port:
        _mail(port).tell(replace(MAIL, notice=evil))
        with pytest.raises(ValueError, match="linefeed"):
            _mail(port).tell(replace(MAIL, to="mail:a@example.org\r\nBcc: eve@example.org"))
    [mail] = mailbox.mails
    assert mail["Bcc"] is None


@dataclass
class Receiver:
    """A program that is told; it answers ``status``, with ``headers``."""

    url: str = ""
    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@contextmanager
def _receiver() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.requests.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(receiver.status)
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its own name
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    receiver.url = f"http://127.0.0.1:{server.server_port}/names"
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _hook(receiver: Receiver, secret: str = "a secret of the hook") -> WebhookNotifier:  # noqa: S107
    return WebhookNotifier(receiver.url, lambda: secret, PAGE, lambda: WHEN + 5)


@pytest.mark.parametrize(
    ("secret", "key"),
    [("a secret of the hook", b"a secret of the hook"), ("whsec_AAECAwQFBgcICQ==", bytes(range(10)))],
)
def test_a_program_can_see_who_told_it(secret: str, key: bytes) -> None:
    with _receiver() as receiver:
        _hook(receiver, secret).tell(replace(MAIL, to=f"hook:{receiver.url}"))
    [(headers, body)] = receiver.requests
    text = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    assert headers["webhook-signature"] == f"v1,{base64.b64encode(hmac.digest(key, text, 'sha256')).decode()}"
    assert headers["webhook-timestamp"] == str(int(WHEN) + 5)
    assert json.loads(body) == {
        "type": "name.live",
        "timestamp": int(WHEN),
        "data": {
            "name": "wiki.vmsrv.test",
            "member": "alice",
            "what": "wiki.vmsrv.test is live",
            "cure": "open it and see",
            "page": f"{PAGE}/names/c1",
        },
    }


@pytest.mark.parametrize(("status", "error"), [(500, Unavailable), (404, Unavailable), (410, Refused)])
def test_what_a_program_answers_decides_about_another_try(status: int, error: type[Exception]) -> None:
    with _receiver() as receiver:
        receiver.status = status
        with pytest.raises(error):
            _hook(receiver).tell(MAIL)


def test_no_redirect_of_a_program_is_followed() -> None:
    with _receiver() as receiver, _receiver() as other:
        receiver.status, receiver.headers = 307, {"Location": other.url}
        with pytest.raises(Unavailable, match="307"):
            _hook(receiver).tell(MAIL)
    assert other.requests == []


_CONFIG = """\
state: state
keys: {{skulldns: {{algorithm: hmac-sha256, secret_file: tsig.key}}}}
zones:
  vmsrv.test: {{primary: {{address: 127.0.0.1, key: skulldns}}, guests: true, claims: true}}
web: {{url: "{page}"}}
notices:
  smtp: {{host: 127.0.0.1, port: {port}, security: none}}
  sender: names@example.org
  webhooks: [{{url: "{hook}", secret_file: hook.secret, kinds: [name live, certificate trouble]}}]
"""


def test_from_the_config_to_mailbox_and_program(tmp_path: Path) -> None:
    mailbox = Mailbox()
    (tmp_path / "hook.secret").write_text("a secret of the hook\n")
    (tmp_path / "hook.secret").chmod(0o600)
    (tmp_path / "state").mkdir()
    with _receiver() as receiver, _mail_server(mailbox) as port:
        path = tmp_path / "skulldns.yaml"
        path.write_text(_CONFIG.format(page=PAGE, port=port, hook=receiver.url))
        config = load(path, secrets=False)
        office = open_office(config.database)
        trouble = Alarm("certificate *.vmsrv.test", "the certificate is over in 2 days", None, WHEN)
        with office.writing() as books:
            books.members.put(Member("alice", 0.0, email="alice@example.org"))
            books.members.put(Member("carol", 0.0, email="carol@example.org", admin=True))
            books.views.put_guests([guest("alice")])
        goal = GuestTarget(guest("alice").id, direct=True)
        found = claims.claim(Desk(office, rules(config)), Actor("alice"), "wiki", goal, WHEN)
        with office.writing() as books:
            links = [{"title": "ns1", "state": "good", "text": "", "at": WHEN}]
            books.views.put_names([NameView(found.name, NameState.SERVED, "alice", WHEN, {"links": links})])
        clock = Clock(lambda: WHEN + 1, lambda: 1.0, lambda: 0.0)
        for _ in range(2):  # as after a restart
            watch = build_notices(config, office, lambda: [trouble], rules(config).times, clock)
            assert watch is not None
            watch.step()
    assert sorted((mail["To"], mail["Subject"].partition(": ")[2]) for mail in mailbox.mails) == [
        ("alice@example.org", "name live: wiki.vmsrv.test"),
        ("carol@example.org", "certificate trouble: *.vmsrv.test"),
    ]
    kinds = sorted(json.loads(body)["type"] for _, body in receiver.requests)
    assert kinds == ["certificate.trouble", "name.live"]


_NOTICES = """
notices:
  smtp: {{host: 127.0.0.1, port: {port}, security: none}}
  sender: names@example.org
  webhooks: [{{url: "{hook}", secret_file: hook.secret}}]
"""


def test_the_daemon_tells_that_a_claim_is_live(tmp_path: Path, lab_programs: None) -> None:  # noqa: ARG001 - as in conftest
    mailbox = Mailbox()
    with (
        _receiver() as receiver,
        _mail_server(mailbox) as port,
        Lab.up(tmp_path / "lab", daemon=False) as lab,
    ):
        path = lab.info.config
        secret = path.with_name("hook.secret")
        secret.write_text("a secret of the hook\n")
        secret.chmod(0o600)
        with path.open("a", encoding="utf-8") as file:
            file.write(_NOTICES.format(port=port, hook=receiver.url))
        lab.start("daemon")
        config = load(path)
        desk = Desk(open_office(config.database), rules(config))
        with desk.office.writing() as books:
            books.members.put(Member("alice", time.time(), email="alice@example.org"))
        goal = AddressTarget(IPv4Address("8.8.8.8"))
        found = claims.claim(desk, Actor("alice"), "attic", goal, time.time())
        until(lambda: bool(mailbox.mails and receiver.requests), "the notices", patience=60.0)
    [mail], [(_, body)] = mailbox.mails, receiver.requests
    assert (mail["To"], mail["Subject"]) == ("alice@example.org", "SkullDNS lab: name live: attic.vmsrv.test")
    told = json.loads(body)
    assert (told["type"], told["data"]["name"]) == ("name.live", "attic.vmsrv.test")
    assert told["data"]["page"].endswith(f"/names/{found.id}")
