"""How sentences of the daemon are shown, and that the guide speaks as the page does."""

import re

from skulldns.model.tokens import Scope
from tests.rooms import ROOT
from tests.webworld import Page
from webui import wording, words


def test_the_guide_calls_tokens_as_the_page_does(world: Page) -> None:
    guide = (ROOT / "docs" / "members.md").read_text(encoding="utf-8")
    named = set(re.findall(r"token(?: of yours)?\s+for\s+\*([^*]+)\*", guide))
    with world.app.test_request_context():
        titles = {wording.good_for_title(scope): str(scope) for scope in Scope}
    assert {"Report addresses", "Get certificates"} <= named <= set(titles)
    for title in named:
        assert f"*{title}* (`{titles[title]}`" in guide, "the API and the command line call it otherwise"


def test_what_is_typed_stands_out_and_nothing_else_becomes_markup() -> None:
    assert words.quoted("name `parent:` & <b>") == "name <code>parent:</code> &amp; &lt;b&gt;"
    assert words.quoted("`<i>` and `") == "`&lt;i&gt;` and `"
    assert words.quoted("plain") == "plain"
