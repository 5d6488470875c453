"""Long lists, page by page."""

from typing import Any

from flask import request, url_for

from skulldns.model.views import Page

SIZE = 30
"""Rows of a page: what a screen or two show, and what is made in some milliseconds."""

_LONGEST = 7
"""Digits of where a page may begin; no list is longer."""


def offset() -> int:
    """Where the page that was asked for begins; 0 for nonsense."""
    text = request.args.get("from", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _LONGEST else 0


def paged(endpoint: str, page: Page[Any], **arguments: str) -> dict[str, str | None]:
    """The addresses of the pages before and after, for the template ``pages.html``."""
    end = page.offset + len(page.items)
    here: dict[str, Any] = {**request.args, **arguments}
    before = url_for(endpoint, **here | {"from": max(0, page.offset - SIZE)}) if page.offset else None
    after = url_for(endpoint, **here | {"from": end}) if end < page.total else None
    return {"before": before, "after": after}
