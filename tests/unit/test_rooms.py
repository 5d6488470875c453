from pathlib import Path

import pytest

from tests.rooms import ROOMS, ROOT, Room, breaches

PLAN = Room("skulldns.plan")
DESIRED = next(room for room in ROOMS if room.package == "skulldns.desired")
MODEL = next(room for room in ROOMS if room.package == "skulldns.model")


@pytest.mark.parametrize(
    "path", [pytest.param(path, id=str(path.relative_to(ROOT))) for room in ROOMS for path in room.files()]
)
def test_a_pure_room_keeps_its_law(path: Path) -> None:
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    room = next(room for room in ROOMS if name.startswith(room.package))
    assert breaches(path.read_text(encoding="utf-8"), room) == []


def test_the_rooms_are_found() -> None:
    found = {room.package for room in ROOMS if room.files()}
    assert found >= {"skulldns.model", "skulldns.desired", "skulldns.plan"}


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("import os", "imports os"),
        ("import os.path as ospath", "imports os.path"),
        ("def f():\n    import socket", "imports socket"),
        ("from pathlib import Path", "imports pathlib.Path"),
        ("import time", "imports time"),
        ("import random", "imports random"),
        ("import logging", "imports logging"),
        ("import yaml", "imports yaml"),
        ("import dns.query", "imports dns.query"),
        ("from dns import name, resolver", "imports dns.resolver"),
        ("import dns", "imports dns"),
        ("import typing_extensions", "imports typing_extensions"),
        ("import skulldns.desired.policy", "imports skulldns.desired.policy"),
        ("from skulldns.targets import dnswire", "imports skulldns.targets.dnswire"),
        ("from . import guard", "imports by a relative name"),
        ("import dns.name\ndns.query.tcp", "uses dns.query"),
        ("import datetime\ndatetime.datetime.now()", "uses datetime.datetime.now: the clock"),
        ("import datetime as d\nd.date.today()", "uses datetime.date.today: the clock"),
        ("from datetime import datetime as dt\nf = dt.utcnow", "uses datetime.datetime.utcnow: the clock"),
        ("import uuid\nuuid.uuid4()", "uses uuid.uuid4: randomness"),
        ("from uuid import uuid4\nuuid4()", "uses uuid.uuid4: randomness"),
        ("import dns.zone\ndns.zone.from_file(f)", "uses dns.zone.from_file: a file"),
        ("open('x')", "uses open: a file"),
        ("show = print", "uses print: the terminal"),
        ("input()", "uses input: the terminal"),
        ("__import__('os')", "uses __import__: any module"),
        ("eval('1')", "uses eval: anything"),
    ],
)
def test_a_breach_is_found(source: str, what: str) -> None:
    assert what in [breach.what for breach in breaches(source, PLAN)]


@pytest.mark.parametrize(
    "source",
    [
        "from collections.abc import Iterable",
        "from datetime import datetime\ndef f(now: datetime) -> str:\n    return now.isoformat()",
        "import uuid\ndef f(u: uuid.UUID) -> bool:\n    return u.version == 4",
        "import dns.name\ndns.name.from_text('a.test.')",
        "from dns import rdatatype\nrdatatype.A",
        "from dns.rdtypes.ANY.MX import MX",
        "from skulldns import errors, model",
        "from skulldns.model.records import RRset",
        "import skulldns.plan.guard",
        "class Port:\n    def open(self) -> None: ...\nPort().open()",
    ],
)
def test_what_is_allowed_passes(source: str) -> None:
    assert breaches(source, PLAN) == []


def test_a_breach_names_its_line() -> None:
    assert [breach.line for breach in breaches("import re\n\nimport os\n", PLAN)] == [3]


def test_only_desired_may_parse_yaml() -> None:
    assert [room.package for room in ROOMS if not breaches("import yaml", room)] == [DESIRED.package]


def test_the_model_imports_no_other_room() -> None:
    assert breaches("from skulldns.errors import Refused", MODEL) == []
    assert breaches("from skulldns.plan import guard", MODEL) != []
