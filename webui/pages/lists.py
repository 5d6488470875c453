"""Long lists, page by page."""

from typing import Any
from urllib.parse import urlencode

from flask import request, url_for

from skulldns.model.views import Page

SIZE = 25
"""Rows of a page: what a screen shows, and what is made in some milliseconds."""

_LONGEST = 7
"""Digits of where a page may begin; no list is longer."""


def offset() -> int:
    """Where the page that was asked for begins; 0 for nonsense."""
    text = request.args.get("from", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _LONGEST else 0


def paged(endpoint: str, page: Page[Any]) -> dict[str, str | None]:
    """The addresses of the pages before and after, for the template ``pages.html``."""
    end = page.offset + len(page.items)
    before = _address(endpoint, max(0, page.offset - SIZE)) if page.offset else None
    after = _address(endpoint, end) if end < page.total else None
    return {"before": before, "after": after}


def _address(endpoint: str, begin: int) -> str:
    """What was asked for, from another row on. Not by ``url_for``, to which some of a reader's words mean something."""
    return f"{url_for(endpoint)}?{urlencode({**request.args, 'from': begin})}"
