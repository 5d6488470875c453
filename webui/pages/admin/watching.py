"""How everything is, and who did what, for admins."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from skulldns.store.audit import AuditFilter
from webui.context import desk, now, world
from webui.pages.admin.common import blueprint
from webui.pages.lists import SIZE
from webui.sessions import for_admins
from webui.texts import _

_SILENT = 180.0
"""Seconds after which a daemon that says nothing has stopped, or hangs."""
_A_DAY = 86_400.0


@blueprint.get("/health")
@for_admins
def health() -> str:
    """The pings of the daemon and what ails the page itself, those that are ill first."""
    with desk().office.reading() as books:
        said = books.views.health() or {}
    at = said.get("at")
    pings = sorted([*_own_pings(), *said.get("pings", [])], key=lambda ping: bool(ping["good"]))
    silent = at is None or now() - at > _SILENT
    return render_template(
        "admin/health.html", pings=pings, at=at, silent=silent, ill=sum(not ping["good"] for ping in pings)
    )


def _own_pings() -> Iterator[Mapping[str, object]]:
    """What only the page's process knows, shaped like the daemon's."""
    if trouble := world().trouble():
        cure = _("correct the file; until then the page goes on with the last good one")
        yield {"kind": "page", "name": "", "good": False, "text": trouble, "cure": cure, "known": True}


@blueprint.get("/audit")
@for_admins
def audit() -> str:
    """What was done, the newest first, by a filter."""
    asked = {
        key: request.args.get(key, "").strip() for key in ("who", "what", "subject", "text", "since", "until")
    }
    since, until, before = _day(asked["since"]), _day(asked["until"]), request.args.get("before", "")
    wanted = AuditFilter(
        who=asked["who"] or None,
        what=asked["what"] or None,
        subject=asked["subject"] or None,
        text=asked["text"],
        since=_moment(since) if since else None,
        until=_moment(until) + _A_DAY if until else None,
        before_number=int(before) if before.isascii() and before.isdecimal() and len(before) < 16 else None,  # noqa: PLR2004 - no number is longer
    )
    with desk().office.reading() as books:
        rows = books.audit.rows(wanted, limit=SIZE + 1)
    more = rows[SIZE - 1].number if len(rows) > SIZE else None
    given: dict[str, Any] = {key: value for key, value in asked.items() if value}
    older = url_for("admin.audit", **given, before=more) if more else None
    return render_template("admin/audit.html", rows=rows[:SIZE], asked=asked, older=older)


@blueprint.post("/audit/verify")
@for_admins
def verify_audit() -> AnyResponse:
    """Look whether every row is what was written, and none is missing between them."""
    with desk().office.reading() as books:
        broken = books.audit.verify()
        newest = books.audit.rows(limit=1)
    if broken is not None:
        flash(
            _("Row %(number)d is not what was written: somebody has changed the audit.", number=broken), "bad"
        )
    else:
        row = newest[0] if newest else None
        said = _(
            "All %(count)d rows are as they were written. The newest has the hash %(hash)s; keep it elsewhere to see "
            "later that none was cut off.",
            count=row.number if row else 0,
            hash=row.hash if row else "",
        )
        flash(said, "good")
    return redirect(url_for("admin.audit"), 303)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _moment(day: date) -> float:
    return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()
