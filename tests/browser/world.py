"""The members' page in a lab, seen by a real browser: Chromium, driven by Playwright.

The page is a site of its own behind the lab's nginx, with a certificate of the lab's CA, as in a real installation.
"""

import base64
import hashlib
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, Request

from skulldns.cli.desk import ROOT, open_desk
from skulldns.lab import Lab
from skulldns.lab.nameserver import FOREIGN
from skulldns.lab.waiting import until
from skulldns.model.claims import GuestTarget
from skulldns.model.members import Actor
from tests.integration.visitor import Visitor
from webui.desk import Desk, claims, members
from webui.signin import passwords

HOST = f"names.{FOREIGN}"
PASSWORD = "correct horse battery staple"
PATIENCE = 60_000.0
"""Milliseconds that the browser waits for anything; CI is slow."""
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
"""A virtual authenticator that says yes to everything (WebAuthn section 11)."""


@dataclass
class World:
    """The lab, the browser, and every address that a page of ours made the browser ask for."""

    lab: Lab
    desk: Desk
    browser: Browser
    asked: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The page's address."""
        return self.lab.info.web.url

    @contextmanager
    def page(self, *, theme: str = "light", phone: bool = False, scripts: bool = True) -> Iterator[Page]:
        """A browser of one person, with nothing in it yet."""
        with self._context(theme=theme, phone=phone, scripts=scripts) as context:
            context.on("request", self._note)
            yield context.new_page()

    @contextmanager
    def visitor(self) -> Iterator[Page]:
        """Somebody who opens members' sites."""
        with self._context() as context:
            yield context.new_page()

    @contextmanager
    def _context(
        self, *, theme: str = "light", phone: bool = False, scripts: bool = True
    ) -> Iterator[BrowserContext]:
        size = {"width": 390, "height": 844} if phone else {"width": 1100, "height": 800}
        context = self.browser.new_context(
            color_scheme="dark" if theme == "dark" else "light",
            viewport={"width": size["width"], "height": size["height"]},
            java_script_enabled=scripts,
        )
        context.set_default_timeout(PATIENCE)
        try:
            yield context
        finally:
            context.close()

    def _note(self, request: Request) -> None:
        self.asked.append(request.url)

    @staticmethod
    def fresh(word: str) -> str:
        """A login or label that begins with ``word`` and is free, also when a test gets a second try."""
        return f"{word}{secrets.token_hex(3)}"

    def invite(self, login: str, *, admin: bool = False) -> str:
        """The link of an invitation."""
        _, secret = members.invite(self.desk, ROOT, login, time.time(), admin=admin)
        return f"{self.url}/invitation#{secret}"

    def member(self, login: str, *, admin: bool = False) -> str:
        """A member with `PASSWORD`; gives the login."""
        _, secret = members.invite(self.desk, ROOT, login, time.time(), admin=admin)
        members.accept(self.desk, secret, time.time(), "", password=passwords.encoded(PASSWORD))
        return login

    def guest(self, name: str, owner: str) -> None:
        """A running guest of a member, which the page knows."""
        self.lab.guest(name).create(owner)

        def known() -> bool:
            with self.desk.office.reading() as books:
                return any(one.name == name and one.addresses for one in books.views.guests_of(owner))

        until(known, f"the guest {name} on the page", patience=PATIENCE / 1000)

    def sign_in(self, page: Page, login: str) -> None:
        """Sign in with the password."""
        page.goto(f"{self.url}/sign-in")
        self.give_password(page, login)
        page.get_by_role("heading", name="My names").wait_for()

    def give_password(self, page: Page, login: str) -> None:
        """Fill the form that is open, and send it."""
        page.get_by_label("Login").fill(login)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()

    def members_only(self, label: str, login: str) -> str:
        """A site for members only at a label of the lab's zone, which shows a member's guest; gives its address."""
        with self.desk.office.reading() as books:
            [guest] = books.views.guests_of(login)
        target = GuestTarget(guest.id, self.lab.info.raw["guest_port"])
        claims.claim(self.desk, Actor(login), label, target, time.time(), members_only=True)
        visitor = Visitor(self.lab)

        def asks() -> bool:  # for a moment after a reload nginx's former workers answer too
            return all(visitor.sees(label, status=302) for _ in range(30))

        until(asks, f"{label} asking who comes", patience=PATIENCE / 1000)
        return f"https://{label}.{self.lab.info.zone}:{self.lab.info.raw['proxy']['https_port']}"


def chromium(playwright: Playwright, lab: Lab, program: str) -> Browser:
    """Chromium, which finds every name at the lab's proxy and trusts what the lab's CA signed, and nothing else."""
    proxy = lab.info.raw["proxy"]
    rules = f"MAP *:443 {proxy['address']}:{proxy['https_port']}, MAP * {proxy['address']}"
    return playwright.chromium.launch(
        executable_path=program,
        args=[
            "--no-sandbox",  # as root it has none, and it opens pages of the lab only
            f"--host-resolver-rules={rules}",
            f"--ignore-certificate-errors-spki-list={_issuer(lab.info.directory, lab.info.zone)}",
        ],
    )


def _issuer(directory: Path, zone: str) -> str:
    """The fingerprint of the key that signs the lab's certificates (RFC 7469 section 2.4)."""
    chain = (directory / "state" / "certificates" / zone / "current" / "chain.pem").read_bytes()
    issuer = x509.load_pem_x509_certificates(chain)[1]
    key = issuer.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(key).digest()).decode()


def desk_of(lab: Lab) -> Desk:
    """The desk of the lab's page."""
    return open_desk(lab.info.config)
