"""`skulldns member`, `claim`, `token` and `db` on a real database, without daemon or page."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from skulldns.cli import main
from skulldns.cli.desk import open_desk
from skulldns.model.guests import GuestId, GuestState
from skulldns.model.views import GuestView
from skulldns.store.database import open_database

_CONFIG = """\
state: state
keys: {skulldns: {algorithm: hmac-sha256, secret_file: a-key-that-is-not-there}}
zones:
  vmsrv.test:
    file: zone.yaml
    primary: {address: 127.0.0.1, key: skulldns}
    guests: true
    claims: true
web: {url: "https://names.example.org"}
policy: {quota: 2, approval: POLICY}
"""
Run = Callable[..., Result]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "skulldns.yaml"
    path.write_text(_CONFIG.replace("POLICY", "none"))
    (tmp_path / "state").mkdir()
    return path


@pytest.fixture
def run(config: Path) -> Run:
    """Run a verb with that config; it ends well unless another exit code is awaited."""

    def invoke(*arguments: str, code: int = 0) -> Result:
        result = CliRunner().invoke(main, ["--config", str(config), *arguments])
        assert result.exit_code == code, result.output
        return result

    return invoke


def _json(result: Result) -> Any:
    return json.loads(result.stdout)


def _members(run: Run, tmp_path: Path, *logins: str) -> None:
    password = tmp_path / "password"
    password.write_text("correct horse battery staple\n")
    for login in logins:
        run("member", "invite", login, "--password-file", str(password))


def test_an_invitation_is_a_link_to_the_page(run: Run) -> None:
    result = run("member", "invite", "alice")
    assert re.fullmatch(r"https://names\.example\.org/invitation\#[\w-]{43}\n", result.stdout)
    listed = _json(run("member", "list", "--json"))
    assert listed["members"] == []
    assert [one["login"] for one in listed["invitations"]] == ["alice"]
    assert "alice" in run("member", "list").stdout


def test_a_password_from_a_file_makes_a_member_at_once(run: Run, tmp_path: Path) -> None:
    short = tmp_path / "short"
    short.write_text("short\n")
    assert "too short" in run("member", "invite", "alice", "--password-file", str(short), code=1).stderr
    assert _json(run("member", "list", "--json")) == {"members": [], "invitations": []}

    _members(run, tmp_path, "alice")
    shown = _json(run("member", "show", "alice", "--json"))
    assert (shown["login"], shown["admin"], shown["state"]) == ("alice", False, "active")
    assert "$argon2" not in run("member", "show", "alice", "--json").stdout


def test_members_are_made_admins_and_suspended(run: Run, tmp_path: Path) -> None:
    _members(run, tmp_path, "alice", "bob")
    assert run("member", "admin", "alice").stdout == "alice is an admin\n"
    assert "only admin" in run("member", "admin", "alice", "--off", code=1).stderr
    assert _json(run("member", "suspend", "bob", "--json"))["state"] == "suspended"
    run("claim", "make", "blog", "--for", "bob", "--redirect", "https://example.org/", code=1)
    assert _json(run("member", "resume", "bob", "--json"))["state"] == "active"
    assert _json(run("member", "quota", "bob", "7", "--json"))["quota"] == 7
    assert "there is no member mallory" in run("member", "suspend", "mallory", code=1).stderr


def test_a_claim_from_its_making_to_its_release(run: Run, tmp_path: Path, config: Path) -> None:
    _members(run, tmp_path, "alice", "bob")
    with open_desk(config).office.writing() as books:
        books.views.put_guests([GuestView(GuestId("uuid-1"), "web", "lab", "alice", GuestState.RUNNING)])

    made = _json(run("claim", "make", "shop", "--for", "alice", "--guest", "web", "--direct", "--json"))
    assert (made["name"], made["member"], made["state"]) == ("shop.vmsrv.test", "alice", "active")
    assert made["target"]["guest"] == "uuid-1"
    taken = run("claim", "make", "shop", "--for", "bob", "--redirect", "https://example.org/", code=1)
    assert "taken" in taken.stderr
    assert "guest uuid-1 itself" in run("claim", "show", "shop").stdout
    assert [one["name"] for one in _json(run("claim", "list", "--for", "alice", "--json"))] == [
        "shop.vmsrv.test"
    ]
    assert _json(run("claim", "list", "--for", "bob", "--json")) == []

    assert run("claim", "suspend", "shop", "--reason", "a test").stdout.startswith(
        "shop.vmsrv.test of alice is suspended"
    )
    assert _json(run("claim", "resume", "shop", "--json"))["state"] == "active"
    offer = _json(run("claim", "transfer", "shop", "bob", "--offer", "--json"))
    assert (offer["giver"], offer["heir"]) == ("alice", "bob")
    assert _json(run("claim", "offers", "--for", "bob", "--json")) == [offer]
    assert _json(run("claim", "decline", "shop", "--for", "bob", "--json"))["member"] == "alice"
    assert "nobody offers you" in run("claim", "accept", "shop", "--for", "bob", code=1).stderr
    assert run("claim", "transfer", "shop", "bob", "--offer").stdout.startswith("shop is offered to bob")
    run("claim", "withdraw", "shop")
    assert run("claim", "offers", "--for", "bob").stdout == ""
    run("claim", "transfer", "shop", "bob", "--offer")
    assert _json(run("claim", "accept", "shop", "--for", "bob", "--json"))["member"] == "bob"
    assert _json(run("claim", "transfer", "shop", "alice", "--json"))["member"] == "alice"
    assert _json(run("claim", "transfer", "shop", "bob", "--json"))["member"] == "bob"
    assert _json(run("claim", "release", "shop", "--json"))["state"] == "quarantined"
    rows = _json(run("db", "audit", "--subject", "shop.vmsrv.test", "--json"))
    assert [row["what"] for row in rows] == [
        *("release", "transfer", "transfer", "transfer", "offer"),
        *("withdraw offer", "offer", "decline", "offer", "resume", "suspend", "claim"),
    ]
    assert {(row["who"], row["acting_as"]) for row in rows if row["what"] == "release"} == {
        ("the command line", "bob")
    }


def test_a_target_is_wanted_and_its_guest_must_be_there(run: Run, tmp_path: Path) -> None:
    _members(run, tmp_path, "alice")
    assert "one of --guest" in run("claim", "make", "shop", "--for", "alice", code=2).stderr
    both = ("--alias", "a.example.org", "--address")
    assert "one of --guest" in run("claim", "make", "shop", "--for", "alice", *both, code=2).stderr
    assert (
        "no guest nowhere"
        in run("claim", "make", "shop", "--for", "alice", "--guest", "nowhere", code=1).stderr
    )
    assert "nobody has claimed shop" in run("claim", "show", "shop", code=1).stderr


def test_an_admin_decides_where_policy_says_so(run: Run, tmp_path: Path, config: Path) -> None:
    config.write_text(_CONFIG.replace("POLICY", "all"))
    _members(run, tmp_path, "alice")
    for name in ("one", "two"):
        made = _json(run("claim", "make", name, "--for", "alice", "--address", "--json"))
        assert made["state"] == "awaiting approval"
    assert run("claim", "approve", "one").stdout == "one.vmsrv.test of alice is active\n"
    assert _json(run("claim", "refuse", "two", "--reason", "too short", "--json"))["state"] == "released"
    assert [one["shown"] for one in _json(run("claim", "list", "--state", "active", "--json"))] == [
        "one.vmsrv.test"
    ]


def test_a_token_is_shown_once_and_revoked(run: Run, tmp_path: Path) -> None:
    _members(run, tmp_path, "alice")
    run("claim", "make", "home-nas", "--for", "alice", "--address")
    made = run(
        "token", "make", "router", "--for", "alice", "--scope", "dyndns", "--name", "home-nas", "--days", "9"
    )
    shown = made.stdout.strip()
    assert re.fullmatch(r"skd_[0-9a-f]{16}_[0-9a-f]{64}", shown)
    (listed,) = _json(run("token", "list", "--for", "alice", "--json"))
    assert (listed["label"], listed["scopes"], listed["names"]) == (
        "router",
        ["dyndns"],
        ["home-nas.vmsrv.test"],
    )
    assert shown.rpartition("_")[2] not in run("token", "list", "--for", "alice", "--json").stdout
    assert "router" in run("token", "list", "--for", "alice").stdout
    assert _json(run("token", "revoke", listed["id"], "--json"))["revoked"] is not None
    assert "there is no token" in run("token", "revoke", "0123", code=1).stderr


def test_the_audit_shows_what_was_changed_in_it(run: Run, tmp_path: Path, config: Path) -> None:
    _members(run, tmp_path, "alice")
    assert "all 2 rows are what was written" in run("db", "audit", "--verify").stdout
    assert "the command line" in run("db", "audit").stdout
    engine = open_database(f"sqlite:///{config.parent / 'state' / 'skulldns.db'}")
    with engine.begin() as connection:
        guards = connection.execute(
            text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit'")
        )
        for guard in guards.scalars().all():  # a tamperer drops them first
            connection.execute(text(f"DROP TRIGGER {guard}"))
        connection.execute(text("UPDATE audit SET who = 'mallory' WHERE number = 1"))
    assert "row 1 of the audit is not what was written" in run("db", "audit", "--verify", code=1).stderr
    assert _json(run("db", "audit", "--verify", "--json", code=1))["broken_at"] == 1
