"""Make the pictures of the members' page: `make pictures` fills a lab with names and takes them in Chromium.

Each page is taken light and dark, on a desktop and on a phone, as ``page-<name>-<theme>-<device>.webp``.
"""

import base64
import shutil
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from dns.name import Name
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from skulldns.cli.desk import ROOT, acting_for, open_desk
from skulldns.lab import Lab
from skulldns.lab.nameserver import FOREIGN
from skulldns.lab.parts import EVERYTHING
from skulldns.lab.waiting import until
from skulldns.model.claims import AddressTarget, GuestTarget, RedirectTarget
from skulldns.model.guests import GuestId
from skulldns.model.tokens import Scope
from webui.desk import Desk, approval, claims, members, tokens
from webui.signin import passwords, recovery

HERE = Path(__file__).parent
LARGEST = 60_000
"""Bytes of one picture."""
_PASSWORD = "correct horse battery staple"  # noqa: S105 - of a lab that lives for a minute
_PATIENCE = 60.0
_QUALITY = 70
_DEVICES: Mapping[str, ViewportSize] = {
    "desktop": {"width": 1000, "height": 700},
    "phone": {"width": 390, "height": 760},
}


def main() -> None:
    """Take each picture."""
    program = shutil.which("chromium")
    if program is None:
        sys.exit("chromium is not installed; install it with `apt-get install chromium`")
    with Lab.up(extra=EVERYTHING) as lab:
        paths = _furnish(lab, open_desk(lab.info.config))
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
            for device in _DEVICES:
                _take(browser, lab.info.web.url, paths, device)
            browser.close()


def _take(browser: Browser, url: str, paths: Mapping[str, str], device: str) -> None:
    context = browser.new_context(viewport=_DEVICES[device], reduced_motion="reduce")
    context.set_default_timeout(1000 * _PATIENCE)
    page = context.new_page()
    page.goto(f"{url}/sign-in")
    _both_themes(page, "sign-in", device)
    page.get_by_label("Login").fill("alice")
    page.get_by_label("Password").fill(_PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("heading", name="My names").wait_for()
    for name, path in paths.items():
        page.goto(f"{url}{path}")
        if name == "claim":
            page.locator("#name").fill("blog")
            page.locator("#look .found").wait_for()
        _both_themes(page, name, device)
    context.close()


def _both_themes(page: Page, name: str, device: str) -> None:
    session = page.context.new_cdp_session(page)
    page.emulate_media(color_scheme="light")
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
        taken = session.send("Page.captureScreenshot", {"format": "webp", "quality": _QUALITY})
        picture = base64.b64decode(taken["data"])
        if len(picture) > LARGEST:
            sys.exit(f"the picture of {name} has {len(picture)} bytes; take less of it")
        (HERE / f"page-{name}-{theme}-{device}.webp").write_bytes(picture)
    session.detach()


def _furnish(lab: Lab, desk: Desk) -> Mapping[str, str]:
    """Members, guests and names as a hackerspace has them; gives the paths of the pages by what they show."""
    now, alice = time.time(), acting_for("alice")
    for login in ("alice", "bob"):
        _, secret = members.invite(desk, ROOT, login, now, admin=login == "alice")
        members.accept(desk, secret, now, "", password=passwords.encoded(_PASSWORD))
    members.invite(desk, ROOT, "carol", now)
    for guest, owner in {"wiki": "alice", "irc-bot": "alice", "forge": "bob"}.items():
        lab.guest(guest).create(owner)
    until(
        lambda: bool(_guest(desk, "wiki") and _guest(desk, "forge")),
        "the guests on the page",
        patience=_PATIENCE,
    )

    wiki, port = _guest(desk, "wiki"), int(lab.info.raw["guest_port"])
    assert wiki is not None
    shop = claims.claim(desk, alice, "shop", GuestTarget(wiki, port), now)
    claims.claim(desk, alice, "home-nas", AddressTarget(), now)
    claims.claim(desk, alice, "chat", RedirectTarget("https://chat.example.org/"), now)
    own = claims.claim(desk, alice, f"cafe.{FOREIGN}", GuestTarget(wiki, port), now)
    halted = claims.claim(desk, acting_for("bob"), "forum", RedirectTarget("https://forum.example.org/"), now)
    approval.suspend(desk, ROOT, halted.id, "it redirects to nowhere", now)
    tokens.make(desk, alice, "router at home", [Scope.DYNDNS], [], now)
    tokens.make(desk, alice, "lego on wiki", [Scope.ACME], [shop.name], now)
    with desk.office.writing() as books:
        books.signins.set_recovery(
            "alice", [recovery.hashed(str(number)) for number in range(recovery.COUNT)]
        )
    until(lambda: _is_green(desk, shop.name), "the links of a name", patience=_PATIENCE)
    until(lambda: _is_well(desk), "a lab that is well", patience=2 * _PATIENCE)
    return {
        "names": "/",
        "name": f"/names/{shop.id}",
        "domain": f"/names/{own.id}",
        "claim": "/claim",
        "guests": "/guests",
        "tokens": "/tokens",
        "account": "/account",
        "members": "/admin",
        "audit": "/admin/audit",
        "health": "/admin/health",
    }


def _guest(desk: Desk, name: str) -> GuestId | None:
    with desk.office.reading() as books:
        found = [one for one in books.views.guests(name).items if one.name == name and one.addresses]
    return found[0].id if found else None


def _is_green(desk: Desk, name: Name) -> bool:
    with desk.office.reading() as books:
        view = books.views.name(name)
    links = view.body["links"] if view else []
    return len(links) > 1 and all(link["state"] == "good" for link in links)


def _is_well(desk: Desk) -> bool:
    """Whether the health that the page shows is one from after the start."""
    with desk.office.reading() as books:
        health = books.views.health()
    return health is not None and all(ping["good"] for ping in health["pings"])


if __name__ == "__main__":
    main()
