"""The bell wakes other processes, and a process that dies in the middle of a transaction leaves nothing half done."""

import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dns.name
import pytest

from skulldns.lab.waiting import until
from skulldns.model.claims import AddressTarget
from skulldns.model.members import Actor
from skulldns.store.bell import Bell
from tests.unit.deskworld import ALICE, ROOT, RULES, ZONE, desk, numbers
from webui.app import World, create_app
from webui.desk import challenges, claims, members
from webui.machines import challenges as clients
from webui.settings import WebSettings

_DYING = """
import os, signal, sys
from dataclasses import replace
from skulldns.model.audit import Act
from skulldns.store.office import open_office

url, when = sys.argv[1:]
office = open_office(url)
with office.writing() as books:
    [former] = books.claims.search("first").items
    if when == "before the claim":
        os.kill(os.getpid(), signal.SIGKILL)
    books.claims.put(replace(former, member="bob"))
    if when == "between claim and audit":
        os.kill(os.getpid(), signal.SIGKILL)
    books.audit.add(Act(5.0, "bob", "transfer", "first"))
    if when == "before the commit":
        os.kill(os.getpid(), signal.SIGKILL)
if when == "after the commit":
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_ring_wakes_all_who_listen_and_the_dead_are_forgotten(tmp_path: Path) -> None:
    directory = tmp_path / ("long" * 40) / "bell"
    directory.parent.mkdir()
    bell = Bell(directory)
    with bell.listen() as one, bell.listen() as other:
        assert not one.wait(0)
        bell.ring()
        bell.ring()
        assert one.wait(5)
        assert other.wait(5)
        assert not one.wait(0)
    assert list(directory.iterdir()) == []
    dead = "from pathlib import Path; from skulldns.store.bell import Bell; import os, sys"
    subprocess.run(
        [
            sys.executable,
            "-c",
            f"{dead}; one = Bell(Path(sys.argv[1])).listen(); os._exit(0)",
            str(directory),
        ],
        check=True,
        timeout=60,
    )
    assert len(list(directory.iterdir())) == 1
    bell.ring()
    assert list(directory.iterdir()) == []


def test_what_others_wait_for_rings_after_it_is_on_the_disk_and_nothing_else_does(tmp_path: Path) -> None:
    bell = Bell(tmp_path / "bell")
    place = desk(tmp_path, bell=bell)
    with bell.listen() as listener:
        claims.claim(place, ALICE, "wiki", AddressTarget(), 1.0)
        assert listener.wait(5)
        members.invite(place, ROOT, "dave", 1.0)
        assert not listener.wait(0)


def test_a_client_waits_until_its_value_is_served_and_not_for_ever(tmp_path: Path) -> None:
    place = desk(tmp_path, bell=Bell(tmp_path / "bell"))
    name, value = claims.claim(place, ALICE, "wiki", AddressTarget(), 1.0).name, "x" * 43
    assert not challenges.served(place, name, value, 0.05)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(challenges.served, place, dns.name.from_text("*", name), value, 60.0)
        until(lambda: len(list((tmp_path / "bell").iterdir())) == 1, "the client listening", patience=30)
        with place.office.writing() as books:
            books.views.put_served(name, value)
        assert waiting.result(30)
    with place.office.writing() as books:
        books.views.drop_served(name, value)
    assert not challenges.served(place, name, value, 0.0)
    assert list((tmp_path / "bell").iterdir()) == []


def test_of_many_clients_that_wait_the_page_keeps_threads_for_people(tmp_path: Path) -> None:
    place = desk(tmp_path, bell=Bell(tmp_path / "bell"))
    name, value = claims.claim(place, ALICE, "wiki", AddressTarget(), 1.0).name, "x" * 43
    app = create_app(World(place, WebSettings("https://names.example.org", b"k" * 32), time.time))

    def served() -> bool:
        with app.app_context():
            return clients.served(name, value, patience=60)

    with ThreadPoolExecutor(clients.WAITING) as pool:
        waiting = [pool.submit(served) for _ in range(clients.WAITING)]
        until(
            lambda: len(list((tmp_path / "bell").iterdir())) == clients.WAITING,
            "all listening",
            patience=30,
        )
        assert not any(one.done() for one in waiting)
        assert not served()
        assert not any(one.done() for one in waiting), "the next one should not wait as they do"
        with place.office.writing() as books:
            books.views.put_served(name, value)
        assert all(one.result(30) for one in waiting)
    assert served()


@pytest.mark.parametrize(
    "when", ["before the claim", "between claim and audit", "before the commit", "after the commit"]
)
def test_who_dies_in_a_transaction_leaves_all_or_nothing(tmp_path: Path, when: str) -> None:
    place = desk(tmp_path, RULES, "alice", "bob")
    claims.claim(place, ALICE, "first", AddressTarget(), 1.0)
    before = numbers(place.office)
    url = f"sqlite:///{tmp_path / 'skulldns.db'}"
    child = subprocess.run([sys.executable, "-c", _DYING, url, when], check=False, timeout=60)
    assert child.returncode == -signal.SIGKILL
    with place.office.reading() as books:
        found = books.claims.holder(dns.name.from_text("first", ZONE))
        assert books.audit.verify() is None
    assert found is not None
    if when == "after the commit":
        assert (found.member, numbers(place.office)) == ("bob", (before[0], before[1] + 1))
    else:
        assert (found.member, found.revision, numbers(place.office)) == ("alice", 1, before)
    claims.claim(place, Actor("bob"), "second", AddressTarget(), 6.0)
