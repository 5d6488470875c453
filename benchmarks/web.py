"""The members' page: 10,000 claims and 500 members, one gunicorn worker, 20 requests a second."""

import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import dns.name
import requests
from flask import Flask

from benchmarks.rows import Row
from skulldns.desired.policy.alike import skeleton
from skulldns.desired.policy.rules import Rules
from skulldns.lab.waiting import until
from skulldns.model.audit import Act
from skulldns.model.claims import Claim, ClaimId, ClaimState, GuestTarget
from skulldns.model.guests import GuestId, GuestState
from skulldns.model.members import Member, Session
from skulldns.model.namestate import NameState
from skulldns.model.views import GuestView, NameView
from skulldns.store.office import Office, open_office
from webui.app import World, create_app
from webui.desk import Desk
from webui.sessions import session_id
from webui.settings import WebSettings

_MEMBERS, _CLAIMS, _ACTS = 500, 10_000, 10_000
_EACH = 40
_APART = 1 / 20
_PATIENCE = 60.0
_MS = 1_000
_ZONE = dns.name.from_text("vmsrv.test.")
_SECRET = "benchmark"  # noqa: S105 - of a database that lives as long as the benchmark
_LINKS = [{"title": f"link {one}", "state": "good", "text": "is well", "at": 0.0} for one in range(7)]


def app(directory: str, url: str) -> Flask:
    """What gunicorn serves: the page over the database in ``directory``."""
    office = open_office(_database(Path(directory)))
    desk = Desk(office, Rules(zones=(_ZONE,), own_zones=(_ZONE,), quota=1_000))
    return create_app(World(desk, WebSettings(url, b"x" * 32), time.time))


def run() -> list[Row]:
    """Milliseconds of each page, the 95th percentile."""
    with tempfile.TemporaryDirectory() as directory:
        office = open_office(_database(Path(directory)))
        _fill(office)
        url = f"http://127.0.0.1:{_free_port()}"
        command = [
            sys.executable, "-m", "gunicorn", "--workers", "1", "--threads", "4", "--log-level", "warning",
            "--bind", url.removeprefix("http://"), f"benchmarks.web:app('{directory}', '{url}')",
        ]  # fmt: skip
        server = subprocess.Popen(command, cwd=Path(__file__).parents[1], env=dict(os.environ))
        try:
            return _measured(url)
        finally:
            server.terminate()
            server.wait(_PATIENCE)


def _measured(url: str) -> list[Row]:
    browser = requests.Session()
    browser.cookies.set("session", _SECRET)
    until(lambda: _answers(browser, url), "the page answers", patience=_PATIENCE)
    pages = _pages(browser, url)
    took: dict[str, list[float]] = {title: [] for title in pages}
    due = time.perf_counter()
    for _ in range(_EACH):
        for title, path in pages.items():
            due += _APART
            time.sleep(max(0.0, due - time.perf_counter()))
            start = time.perf_counter()
            answer = browser.get(url + path, timeout=_PATIENCE)
            took[title].append((time.perf_counter() - start) * _MS)
            assert answer.ok, (path, answer.status_code)
    return [_row(title, times) for title, times in took.items()]


def _row(title: str, times: list[float]) -> Row:
    slow = statistics.quantiles(times, n=20)[-1]
    return Row(title, slow, "ms", f"50; median {statistics.median(times):.3g}, worst {max(times):.3g}")


def _pages(browser: requests.Session, url: str) -> dict[str, str]:
    """Each page of a member and an admin, by what it is."""
    own = _first(browser, url, "/", r'href="(/names/[0-9a-f]{32})"')
    return {
        "my names": "/",
        "my names, searched": "/?q=name77",
        "my guests": "/guests",
        "tokens": "/tokens",
        "make a token": "/tokens/new",
        "claim a name": "/claim",
        "look while typing": "/claim/look?name=notyet",
        "a name": own,
        "the chain of a name": f"{own}/chain",
        "account": "/account",
        "all members": "/admin",
        "all members, searched": "/admin?q=m49",
        "the last of all members": "/admin?from=450",
        "a member": "/admin/members/m7",
        "all names": "/admin/names",
        "all names, searched": "/admin/names?q=me77",
        "the last of all names": "/admin/names?from=9950",
        "all names in a state": "/admin/names?state=suspended",
        "a name, for admins": f"/admin{own}",
        "approvals": "/admin/approvals",
        "all guests": "/admin/guests",
        "all guests, searched": "/admin/guests?q=guest33",
        "health": "/admin/health",
        "audit": "/admin/audit",
        "audit of one member": "/admin/audit?who=m7",
        "audit, a text that is nowhere": "/admin/audit?text=nowhere",
    }


def _first(browser: requests.Session, url: str, path: str, pattern: str) -> str:
    found = re.search(pattern, browser.get(url + path, timeout=_PATIENCE).text)
    assert found
    return found[1]


def _answers(browser: requests.Session, url: str) -> bool:
    try:
        return browser.get(url, timeout=_PATIENCE).ok
    except requests.ConnectionError:
        return False


def _fill(office: Office) -> None:
    now = time.time()
    with office.writing() as books:
        for number in range(_MEMBERS):
            books.members.put(Member(f"m{number}", 0.0, admin=number == 0))
        books.views.put_guests(_guest(number) for number in range(_MEMBERS * 2))
        names = [dns.name.from_text(f"name{number}", _ZONE) for number in range(_CLAIMS)]
        for number, name in enumerate(names):
            member, state = (
                f"m{number % _MEMBERS}",
                ClaimState.SUSPENDED if number % 10 == 0 else ClaimState.ACTIVE,
            )
            target = GuestTarget(GuestId(f"g{number % _MEMBERS}"))
            claim = Claim(ClaimId(f"{number:032x}"), name, member, state, target, now, now, now, until=4e9)
            books.claims.put(replace(claim, skeleton=skeleton(name)))
        books.views.put_names(
            NameView(name, NameState.SERVED, None, now, {"links": _LINKS}) for name in names
        )
        books.views.put_health({"at": 4e9, "pings": []})
        for number in range(_ACTS):
            subject = f"name{number % _CLAIMS}.vmsrv.test"
            books.audit.add(Act(now, f"m{number % _MEMBERS}", "confirm", subject, None, '{"confirmed": 1.0}'))
        books.sessions.put(
            Session(session_id(_SECRET), "m0", now, now, now + 86_400, "127.0.0.1", "benchmark")
        )


def _guest(number: int) -> GuestView:
    name = f"guest{number}"
    return GuestView(
        GuestId(f"g{number}"),
        name,
        "libvirt qemu:///system",
        f"m{number % _MEMBERS}",
        GuestState.RUNNING,
        addresses=(ip_address(f"198.51.100.{number % 256}"),),
        names=(dns.name.from_text(name, _ZONE),),
    )


def _database(directory: Path) -> str:
    return f"sqlite:///{directory / 'skulldns.db'}"


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
