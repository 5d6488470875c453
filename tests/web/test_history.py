"""What the audit says in words: every act there is has some, and what changed is said as people say it."""

import ast
import json
from collections.abc import Iterator

from skulldns.model.audit import Act
from skulldns.model.members import Actor
from tests.rooms import ROOT
from tests.unit.deskworld import guest
from tests.web.browsing import browser
from tests.webworld import Page
from webui import history
from webui.desk import handing

_ACTORS = ("webui/desk", "webui/pages", "webui/signin", "webui/sessions.py", "skulldns/loop")
"""Where something is done that is written down."""
_WRITERS = frozenset({"write_down", "_write_down", "change", "_changed", "_edit", "keep"})


def _acts() -> set[str]:
    """The acts that the code writes down: texts given to what writes, or kept as ``what`` until it does."""
    found: set[str] = set()
    for place in _ACTORS:
        path = ROOT / place
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                found |= set(_texts(node))
    return found


def _texts(node: ast.AST) -> Iterator[str]:
    values: list[ast.expr] = []
    if isinstance(node, ast.Call):
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        values = list(node.args) if called in _WRITERS else []
    elif isinstance(node, ast.Assign) and any(getattr(one, "id", "") == "what" for one in node.targets):
        values = [node.value]
    for value in values:
        for one in (value.body, value.orelse) if isinstance(value, ast.IfExp) else (value,):
            if isinstance(one, ast.Constant) and isinstance(one.value, str):
                yield one.value


def test_every_act_has_words_and_there_are_none_for_others(world: Page) -> None:
    acts = _acts()
    assert {"claim", "transfer", "end", "proof missing", "set password"} <= acts
    assert acts == set(history.ACTS)
    with world.app.test_request_context():
        for act in acts:
            assert history.done(act).strip()


def test_a_guest_is_called_by_its_name_to_who_may_know_it(world: Page) -> None:
    claim, named = world.claim("notes"), f"guest {guest('alice').name}, http port 80"
    assert named in _history(world, "alice", f"/names/{claim.id}")
    handing.offer(world.desk, Actor("alice"), claim.id, "bob", world.clock.time)
    handing.accept(world.desk, Actor("bob"), claim.id, world.clock.time)
    assert named in _history(world, "carol", f"/admin/names/{claim.id}")
    assert guest("alice").name not in _history(world, "bob", f"/names/{claim.id}")


def _history(world: Page, login: str, path: str) -> str:
    return browser(world, login).get(path).text.partition('id="history"')[2]


def test_of_what_changed_the_old_and_the_new_are_said(world: Page) -> None:
    before = {"target": {"kind": "redirect", "url": "https://a.test/"}, "members_only": True, "quota": None}
    after = {"target": {"kind": "guest", "guest": "gone", "direct": True}, "members_only": False, "quota": 7}
    act = Act(0.0, "alice", "change", "x", json.dumps(before), json.dumps(after), "", None)
    with world.app.test_request_context():
        found = {change.what: (change.old, change.new) for change in history.changes(act)}
    assert found == {
        "leads to": ("https://a.test/", "guest gone itself"),
        "members only": ("yes", ""),
        "quota": ("", "7"),
    }
