"""What axe-core finds on every page of the members' page, in both themes: nothing."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import ConsoleMessage, Page
from werkzeug.routing import Rule

from skulldns.cli.desk import ROOT, acting_for
from skulldns.cli.web import page as application
from skulldns.config import load
from skulldns.lab.nameserver import FOREIGN
from skulldns.model.claims import AddressTarget, RedirectTarget
from skulldns.model.tokens import Scope
from tests.browser.world import World
from webui.desk import approval, claims, handing, tokens

pytestmark = pytest.mark.timeout(400)

_NO_PAGES = ("/api/", "/static/", "/nic/", "/acme", "/auth", "/.skulldns/")
"""What answers programs."""
_RULES: Mapping[str, Any] = {
    "light": {"resultTypes": ["violations"]},
    "dark": {"resultTypes": ["violations"], "runOnly": ["color-contrast"]},
}
"""The dark theme has other colours, and nothing else."""


def test_axe_finds_nothing_and_every_page_keeps_its_own_policy(world: World) -> None:
    login = world.fresh("grace")
    filled, axe, seen = _furnish(world, login), Axe(), set[str]()
    complaints: list[str] = []
    with world.page() as admin, world.page() as stranger:
        for page in (admin, stranger):
            page.on("console", lambda message: complaints.extend(_complaint(message)))
            page.on("pageerror", lambda error: complaints.append(str(error)))
        world.sign_in(admin, login)
        admin.get_by_text(f"{login}-given").first.wait_for()  # what is offered is on the page
        for page in (stranger, admin):
            for path in _paths(world, filled):
                answer = page.goto(f"{world.url}{path}")
                assert answer is not None
                if not page.locator("main").count() or page.url in seen:
                    continue  # a fragment, or a form that led elsewhere
                seen.add(page.url)
                for theme in ("light", "dark"):
                    complaints += [f"{path}, {theme}: {one}" for one in _violations(axe, page, theme)]
        stranger.goto(world.invite(world.fresh("henry")))
        stranger.get_by_role("heading", name="Welcome").wait_for()
        assert _violations(axe, stranger, "light") == []
        admin.goto(f"{world.url}/there-is-nothing")
        assert _violations(axe, admin, "light") == []
    assert len(seen) > 15, seen
    found = [one for one in complaints if "404 ()" not in one]
    assert not found, "\n".join(found)
    assert [url for url in world.asked if not url.startswith(f"{world.url}/")] == []


def _violations(axe: Axe, page: Page, theme: str) -> list[str]:
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light", reduced_motion="reduce")
    return [
        f"{one['id']}: {one['help']}: {one['nodes'][0]['html'][:200]} {one['nodes'][0]['failureSummary']}"
        for one in axe.run(page, options=_RULES[theme]).response["violations"]
    ]


def _complaint(message: ConsoleMessage) -> Iterator[str]:
    """What the browser objects to, such as a script that the policy forbids."""
    if message.type in {"error", "warning"}:
        yield message.text


def _furnish(world: World, login: str) -> Mapping[str, str]:
    """Names in several states, a guest, a token, an invitation: so that no page is empty. Gives arguments of paths."""
    now = time.time()
    world.member(login, admin=True)
    world.guest(f"{login}-web", login)
    grace, redirect = acting_for(login), RedirectTarget("https://example.org/")
    first = claims.claim(world.desk, grace, f"{login}-first", redirect, now)
    claims.claim(world.desk, grace, f"{login}-nas", AddressTarget(), now)
    claims.claim(world.desk, grace, f"{login}.{FOREIGN}", redirect, now)
    halted = claims.claim(world.desk, grace, f"{login}-halted", redirect, now)
    approval.suspend(world.desk, ROOT, halted.id, "it is a test", now)
    giver = world.member(world.fresh("giver"))
    given = claims.claim(world.desk, acting_for(giver), f"{login}-given", redirect, now)
    handing.offer(world.desk, acting_for(giver), given.id, login, now)
    handing.offer(world.desk, grace, first.id, giver, now)
    tokens.make(world.desk, grace, "router", [Scope.DYNDNS], [first.name], now)
    return {"identity": first.id, "login": login}


def _paths(world: World, filled: Mapping[str, str]) -> list[str]:
    """Every page's path; one with an argument that is not known here fails the test."""
    rules = application(load(world.lab.info.config, secrets=False)).url_map.iter_rules()
    pages = [rule for rule in rules if _is_page(rule)]
    with world.desk.office.reading() as books:
        names = [f"/names/{one.id}" for one in books.claims.search(member=filled["login"]).items]
    return sorted({*names, *(_path(rule, filled) for rule in pages)})


def _is_page(rule: Rule) -> bool:
    return "GET" in (rule.methods or ()) and not rule.rule.startswith(_NO_PAGES)


def _path(rule: Rule, filled: Mapping[str, str]) -> str:
    path = rule.rule
    for argument in rule.arguments:
        path = path.replace(f"<{argument}>", filled[argument])
    return path
