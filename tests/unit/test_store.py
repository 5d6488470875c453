"""What is remembered survives: values come back as they went in, and a broken database is set aside."""

import dataclasses
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import dns.name
import dns.rdatatype
import pytest
from alembic import command
from alembic.config import Config as AlembicConfig
from dns.rdatatype import RdataType
from sqlalchemy import Connection, Engine, create_engine, text

import skulldns.store as store_package
from skulldns.errors import Unavailable
from skulldns.model.assignments import Assignment
from skulldns.model.changes import Change
from skulldns.model.desired import Evidence
from skulldns.model.guests import GuestId, GuestOptions
from skulldns.model.ledger import Entry
from skulldns.model.policy import Https, publishing
from skulldns.model.presence import Known
from skulldns.model.records import RRset, rrset
from skulldns.model.zones import ZoneId
from skulldns.store import codec
from skulldns.store.assignments import AssignmentStore
from skulldns.store.database import open_database, open_for_looking
from skulldns.store.guests import GuestStore
from skulldns.store.ledger import LedgerStore
from skulldns.wiring.published import PublishedZones
from tests.unit.loopworld import guest

ZONE = ZoneId(dns.name.from_text("vmsrv.test."))
OTHER = ZoneId(dns.name.from_text("other.test."))


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'skulldns.db'}"


def _rrset(label: str, *values: str, rdtype: str = "A", ttl: int = 60) -> RRset:
    return rrset(dns.name.from_text(label, ZONE.name), dns.rdatatype.from_text(rdtype), ttl, values)


def _add(found: RRset) -> Change:
    return Change(None, found, "one", "a source", "it is wanted")


def test_a_guest_comes_back_as_it_was(url: str) -> None:
    shown = dataclasses.replace(
        guest("web", "192.0.2.10"),
        options=GuestOptions("alice", 8080, ("shop",), "guest", "auto"),
        forbidden=frozenset({ip_address("192.0.2.1")}),
        hostnames=("ns1",),
    )
    known = Known(
        shown, shown.interfaces, {"web.vmsrv.test.": 1.5}, 2.0, 3.0, 1, witnessed=True, gone_since=3.0
    )
    GuestStore(open_database(url)).remember([known], [])
    assert list(GuestStore(open_database(url)).known()) == [known]


def test_a_forgotten_guest_is_gone(url: str) -> None:
    store = GuestStore(open_database(url))
    store.remember([Known(guest("web"))], [])
    store.remember([], [guest("web").id])
    assert list(store.known()) == []


def test_an_intent_is_on_the_disk_before_anything_is_sent(url: str) -> None:
    found = _rrset("web", "192.0.2.10", "192.0.2.11")
    LedgerStore(open_database(url)).intend(ZONE, [_add(found)])
    [entry] = LedgerStore(open_database(url)).entries(ZONE)
    assert entry == Entry(found.key, "one", "a source", "it is wanted", None, found, unfinished=True)
    assert entry.covers(None)
    assert entry.covers(found)
    assert not entry.covers(_rrset("web", "192.0.2.99"))


@pytest.mark.parametrize(
    "found",
    [
        _rrset("txt", '"quote \\" backslash \\\\ ; and more"', rdtype="TXT", ttl=0),
        _rrset("*", "10 mail.vmsrv.test.", rdtype="MX"),
        _rrset("_sip._tcp", "1 2 5060 sip.vmsrv.test.", rdtype="SRV"),
        _rrset("odd", r"\# 2 abcd", rdtype="TYPE65280"),
    ],
    ids=str,
)
def test_any_rrset_comes_back_as_it_was(url: str, found: RRset) -> None:
    ledger = LedgerStore(open_database(url))
    ledger.settle(ZONE, [Entry(found.key, "one", "a source", "why", found)], [], [], 0)
    assert [entry.published for entry in ledger.entries(ZONE)] == [found]


def test_the_outcome_replaces_the_intent_and_is_in_the_journal(url: str) -> None:
    ledger = LedgerStore(open_database(url))
    found = _rrset("web", "192.0.2.10")
    ledger.intend(ZONE, [_add(found)])
    ledger.settle(
        ZONE, [Entry(found.key, "one", "a source", "why", found)], [], [(_add(found), Evidence.MOVED)], 5.0
    )
    assert [entry.unfinished for entry in ledger.entries(ZONE)] == [False]
    [row] = ledger.journal(found.name, 10)
    assert (row.at, row.before, row.after) == (5.0, None, "192.0.2.10")


def test_deletions_are_counted_by_source_and_evidence_within_the_window(url: str) -> None:
    ledger = LedgerStore(open_database(url))
    gone = Change(_rrset("web", "192.0.2.10"), None, "one", "a source", "over")
    ledger.settle(ZONE, [], [gone.key], [(gone, Evidence.UNSEEN)], 10.0)
    ledger.settle(
        ZONE,
        [],
        [gone.key],
        [(gone, Evidence.ANNOUNCED), (_add(_rrset("x", "192.0.2.1")), Evidence.UNSEEN)],
        20.0,
    )
    assert ledger.deletions(ZONE, 5.0) == {
        ("a source", Evidence.UNSEEN): 1,
        ("a source", Evidence.ANNOUNCED): 1,
    }
    assert ledger.deletions(ZONE, 15.0) == {("a source", Evidence.ANNOUNCED): 1}
    assert ledger.deletions(OTHER, 0.0) == {}


def test_a_ledger_is_lost_where_we_published_and_it_knows_nothing(url: str, tmp_path: Path) -> None:
    def opened() -> LedgerStore:
        return LedgerStore(open_database(url), PublishedZones(tmp_path))

    ledger = opened()
    assert not ledger.lost(ZONE)  # a new installation
    ledger.intend(ZONE, [_add(_rrset("web", "192.0.2.10"))])
    assert not opened().lost(ZONE)
    assert list(ledger.entries(OTHER)) == []
    (tmp_path / "skulldns.db").unlink()
    assert opened().lost(ZONE)
    assert not opened().lost(OTHER)
    opened().settle(ZONE, (), (), (), 1.0)
    assert not opened().lost(ZONE)


def test_commits_are_durable(url: str) -> None:
    with open_database(url).connect() as connection:
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 2
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"


@pytest.mark.parametrize("damage", [b"not a database at all", b"SQLite format 3\x00" + b"\xff" * 5000])
def test_a_broken_database_is_set_aside(url: str, tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "skulldns.db").write_bytes(damage)
    ledger = LedgerStore(open_database(url))
    assert list(ledger.entries(ZONE)) == []
    assert (tmp_path / "skulldns.db.corrupt").read_bytes() == damage


def test_a_database_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"cannot be opened.*check its directory"):
        open_database(f"sqlite:///{tmp_path / 'missing' / 'skulldns.db'}")


def test_looking_makes_no_file(url: str, tmp_path: Path) -> None:
    engine: Engine = open_for_looking(url)
    assert list(GuestStore(engine).known()) == []
    assert list(tmp_path.iterdir()) == []


def _made(database: Engine) -> list[tuple[str, str, str]]:
    """Everything in a database, as the statements that make it."""
    with database.connect() as connection:
        rows = connection.execute(text("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL"))
        return sorted((row.type, row.name, " ".join(row.sql.split())) for row in rows)


def test_the_migrations_make_just_what_a_new_database_has(tmp_path: Path) -> None:
    migrated = create_engine(f"sqlite:///{tmp_path / 'migrated.db'}")
    with migrated.begin() as connection:
        command.upgrade(_alembic(connection), "head")
    new = open_database(f"sqlite:///{tmp_path / 'new.db'}")
    assert _made(new) == _made(migrated)
    versions = []
    for database in (new, migrated):
        with database.connect() as connection:
            versions.append(
                connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all()
            )
    assert versions[0] == versions[1]


def test_a_database_of_an_earlier_version_is_migrated(url: str) -> None:
    database = open_database(url)
    whole = _made(database)
    with database.begin() as connection:
        command.downgrade(_alembic(connection), "0003")
    assert _made(database) != whole
    assert _made(open_database(url)) == whole


def _alembic(connection: Connection) -> AlembicConfig:
    config = AlembicConfig()
    config.set_main_option("script_location", str(Path(store_package.__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def test_what_is_assigned_comes_back_and_an_empty_assignment_is_none(url: str) -> None:
    store = AssignmentStore(open_database(url))
    whole = Assignment("alice", 8080, ("shop", "docs"), publishing("proxy inside=guest"), Https.OFF)
    store.assign(GuestId("one"), whole)
    store.assign(GuestId("two"), Assignment(names=()))
    store.assign(GuestId("three"), Assignment(owner="bob"))
    store.assign(GuestId("three"), Assignment())
    found = AssignmentStore(open_database(url)).assignments()
    assert found == {"one": whole, "two": Assignment(names=())}


def test_what_was_assigned_goes_with_the_guest(url: str) -> None:
    database = open_database(url)
    AssignmentStore(database).assign(GuestId("one"), Assignment(owner="alice"))
    GuestStore(database).remember([], [GuestId("one")])
    assert AssignmentStore(database).assignments() == {}


def test_guests_that_the_first_version_remembered_keep_their_addresses(url: str) -> None:
    older: dict[str, Any] = {
        "source": "a",
        "name": "web",
        "state": "running",
        "interfaces": [["52:54:00:00:00:01", "lab", [["192.0.2.10", "lease"]]]],
        "options": {"owner": None, "port": None, "names": [], "publish": None, "https": None},
        "forbidden": [],
        "addresses": [["192.0.2.10", "lease"]],
        "since": {"192.0.2.10": 1.5},
        "stopped_since": None,
        "missing_since": None,
        "missing_looks": 0,
        "witnessed": False,
        "gone_since": None,
    }
    stopped = older | {"interfaces": [["52:54:00:00:00:01", "lab", []]], "state": "stopped"}
    database = open_database(url)
    with database.begin() as connection:
        command.downgrade(_alembic(connection), "0001")
    with database.begin() as connection:
        for identity, known in (("one", older), ("two", stopped)):
            row = {"id": identity, "known": json.dumps(known)}
            connection.execute(text("INSERT INTO guests (id, known) VALUES (:id, :known)"), row)
    found = {known.id: known for known in GuestStore(open_database(url)).known()}
    assert [str(address) for known in found.values() for address in known.addresses] == [
        "192.0.2.10 (lease)",
        "192.0.2.10 (lease)",
    ]
    assert found[GuestId("one")].interfaces == found[GuestId("one")].guest.interfaces
    assert found[GuestId("two")].guest.addresses == ()


def test_many_may_open_a_new_database_at_once(tmp_path: Path) -> None:
    for number in range(5):
        fresh = f"sqlite:///{tmp_path / str(number)}.db"
        begin = threading.Barrier(6)

        def opened(url: str = fresh, begin: threading.Barrier = begin) -> Engine:
            begin.wait()
            return open_database(url)

        with ThreadPoolExecutor(6) as pool:
            for found in [pool.submit(opened) for _ in range(6)]:
                found.result().dispose()


@pytest.mark.parametrize(
    ("rdtype", "values"),
    [
        (RdataType.A, ["192.0.2.1"]),
        (RdataType.A, ["192.0.2.2", "192.0.2.10"]),
        (RdataType.TXT, ['"a \\"b\\""']),
    ],
)
def test_an_rrset_is_json_and_comes_back(rdtype: RdataType, values: list[str]) -> None:
    given = rrset(dns.name.from_text("a.example.org"), rdtype, 300, values)
    written = codec.rrset_text(given)
    assert written is not None
    assert json.loads(written) == {"ttl": 300, "data": given.values()}
    assert written == json.dumps(json.loads(written))  # equal RRsets are equal text
    assert codec.rrset_from(given.key, written) == given
