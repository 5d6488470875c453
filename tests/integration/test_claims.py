"""From a claim at the desk, in another process than the daemon, to what both servers answer and visitors see."""

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from ipaddress import IPv4Address
from itertools import count
from pathlib import Path

import dns.name
import pytest

from skulldns.config import load
from skulldns.daemon.control import ask
from skulldns.desired.policy.proofs import proof_record
from skulldns.lab import Lab
from skulldns.lab.nameserver import FOREIGN
from skulldns.lab.parts import HTTPS
from skulldns.lab.waiting import until
from skulldns.model.claims import AddressTarget, AliasTarget, Claim, ClaimState, GuestTarget, RedirectTarget
from skulldns.model.members import Actor, Member
from skulldns.model.views import NameView
from skulldns.store.office import open_office
from skulldns.wiring.members import rules
from tests.integration.dnsview import both, transactions, updates
from tests.integration.served import full, touching
from tests.integration.trial import Trial
from tests.integration.visitor import Visitor
from tests.support import require
from webui.desk import Desk, approval, challenges, claims

pytestmark = pytest.mark.timeout(300)

_ALICE = Actor("alice", "192.0.2.7")
_PATIENCE = 60.0
_PROXY = ("127.0.0.1",)
_NUMBERS = count(1)
_POLICY = """
policy: {quota: 1000, address_networks: [198.51.100.0/24]}
"""
_HOME = AddressTarget(IPv4Address("198.51.100.7"))
_CLAIMING = Path(__file__).with_name("claiming.py")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, lab_programs: None) -> Iterator[Lab]:  # noqa: ARG001 - as in conftest
    require("nginx", package="nginx")
    require("pebble", package="pebble")
    with Lab.up(tmp_path_factory.mktemp("claims") / "lab", daemon=False, extra=HTTPS) as lab:
        with lab.info.config.open("a", encoding="utf-8") as config:
            config.write(_POLICY)
        lab.start("daemon")
        yield lab


@pytest.fixture(scope="module")
def trial(lab: Lab) -> Trial:
    return Trial(lab)


@pytest.fixture(scope="module")
def visitor(lab: Lab) -> Visitor:
    return Visitor(lab)


@pytest.fixture(scope="module")
def desk(lab: Lab) -> Desk:
    """The desk of this process, with the member alice, who has the guest web."""
    config = load(lab.info.config)
    desk = Desk(open_office(config.database), rules(config))
    with desk.office.writing() as books:
        books.members.put(Member("alice", time.time()))
    lab.guest("web").create("alice")
    until(lambda: bool(_guests(desk)), "alice's guest on the page", patience=_PATIENCE)
    return desk


def _fresh(word: str) -> str:
    """A label that nobody has claimed, also when a test runs again."""
    return f"{word}{next(_NUMBERS)}"


def _guests(desk: Desk) -> list[GuestTarget]:
    """Targets: the guests that the page shows alice."""
    with desk.office.reading() as books:
        return [GuestTarget(one.id, port=one.port) for one in books.views.guests_of("alice") if one.addresses]


def _view(desk: Desk, name: dns.name.Name) -> NameView | None:
    with desk.office.reading() as books:
        return books.views.name(name)


def _links(desk: Desk, name: dns.name.Name) -> dict[str, str]:
    view = _view(desk, name)
    return {} if view is None else {link["title"]: link["state"] for link in view.body["links"]}


def _until_served(lab: Lab, label: str, kind: str, *data: str) -> None:
    until(
        lambda: both(lab, full(lab, label), kind) == (data, data),
        f"{label} {kind} {data} on both servers",
        patience=_PATIENCE,
    )


def test_a_claim_of_a_guest_is_served_and_its_page_is_seen(
    lab: Lab, desk: Desk, visitor: Visitor, trial: Trial
) -> None:
    [target] = _guests(desk)
    before, blog = updates(lab), _fresh("blog")
    claim = claims.claim(desk, _ALICE, blog, target, time.time())
    _until_served(lab, blog, "A", *_PROXY)
    assert updates(lab) == before + 1
    until(lambda: visitor.sees(blog, text="<title>web</title>"), "the guest's page", patience=_PATIENCE)
    until(lambda: set(_links(desk, claim.name).values()) == {"good"}, "green links", patience=_PATIENCE)
    assert {"claim", "guest", "ns1", "ns2", "certificate", "site", "first answer"} == set(
        _links(desk, claim.name)
    )
    said = trial.says("why", blog)
    assert "alice's claim leads through the proxy" in said.out, said
    assert trial.status()["problems"] == []


def test_a_claim_goes_from_target_to_target_and_ends(lab: Lab, desk: Desk, visitor: Visitor) -> None:
    home = _fresh("home")
    claim = claims.claim(desk, _ALICE, home, _HOME, time.time())
    _until_served(lab, home, "A", "198.51.100.7")
    alias = AliasTarget(dns.name.from_text("www.example.org."))
    claims.retarget(desk, _ALICE, claim.id, alias, time.time())
    _until_served(lab, home, "CNAME", "www.example.org.")
    claims.retarget(desk, _ALICE, claim.id, RedirectTarget("https://www.example.org/x"), time.time())
    _until_served(lab, home, "A", *_PROXY)

    def redirected() -> bool:
        visit = visitor.opens(home)
        return visit is not None and visit.headers.get("location", "").startswith("https://www.example.org/x")

    until(redirected, "the redirect", patience=_PATIENCE)
    until(lambda: set(_links(desk, claim.name).values()) == {"good"}, "green links", patience=_PATIENCE)
    claims.release(desk, _ALICE, claim.id, time.time())
    _until_served(lab, home, "A")
    assert len(touching(lab, full(lab, home))) == 4
    until(lambda: _view(desk, claim.name) is None, "the end of what the page shows", patience=_PATIENCE)


def test_a_txt_value_of_an_acme_client_stands_beside_another_s_and_is_taken_away(
    lab: Lab, desk: Desk, trial: Trial
) -> None:
    label = _fresh("certified")
    claim = claims.claim(desk, _ALICE, label, _HOME, time.time())
    place, values = f"_acme-challenge.{label}", ("a" * 43, "b" * 43)
    trial.by_hand(f'update add {full(lab, place)} 60 TXT "by hand"')
    for value in values:
        challenges.present(desk, _ALICE, claim.name, value, time.time())
    _until_served(lab, place, "TXT", *(f'"{value}"' for value in (*values, "by hand")))
    challenges.cleanup(desk, _ALICE, claim.name, values[0], time.time())
    _until_served(lab, place, "TXT", f'"{values[1]}"', '"by hand"')
    challenges.cleanup(desk, _ALICE, claim.name, values[1], time.time())
    _until_served(lab, place, "TXT", '"by hand"')
    trial.by_hand(f"update delete {full(lab, place)} TXT")


def test_a_domain_of_their_own_is_proved_and_opened_over_https(
    desk: Desk, visitor: Visitor, trial: Trial
) -> None:
    [target] = _guests(desk)
    own = f"{_fresh('shop')}.{FOREIGN}"
    claim = claims.claim(desk, _ALICE, own, target, time.time())
    assert claim.state is ClaimState.AWAITING_PROOF
    assert claim.proof is not None
    record, text = proof_record(claim.name, "alice", claim.proof.nonce)
    trial.by_hand(f'update add {record} 60 TXT "{text}"', f"update add {own}. 60 A {_PROXY[0]}", zone=FOREIGN)
    until(lambda: _now(desk, claim).state is ClaimState.ACTIVE, "the proof", patience=_PATIENCE)
    until(
        lambda: visitor.sees(f"{own}.", text="<title>web</title>"),
        "the guest's page",
        patience=2 * _PATIENCE,
    )
    until(lambda: set(_links(desk, claim.name).values()) == {"good"}, "green links", patience=_PATIENCE)
    found = {one["identity"]: one["names"] for one in ask(trial.state, "certificates")}
    assert found[own] == [own]
    said = trial.says("why", own).out
    assert "alice's claim" in said
    assert "none of ours" in said


def _now(desk: Desk, claim: Claim) -> Claim:
    with desk.office.reading() as books:
        found = books.claims.claim(claim.id)
    assert found is not None
    return found


def test_a_member_who_releases_all_names_holds_up_nobody_and_a_suspension_bites(
    lab: Lab, desk: Desk, trial: Trial
) -> None:
    """Most of the zone goes by members' and admins' own acts: no guard waits for a second agreement."""
    now, bob, word = time.time(), Actor("bob", "192.0.2.8"), _fresh("many")
    with desk.office.writing() as books:
        books.members.put(Member("bob", now))
        books.members.put(Member("carol", now, admin=True))
    mine = {label: claims.claim(desk, _ALICE, label, _HOME, now) for label in _labels(word, "mine", 80)}
    theirs = {label: claims.claim(desk, bob, label, _HOME, now) for label in _labels(word, "theirs", 2)}
    [kept] = _labels(word, "kept", 1)
    claims.claim(desk, _ALICE, kept, _HOME, now)
    for label in (*mine, *theirs, kept):
        _until_served(lab, label, "A", "198.51.100.7")
    released, suspended = theirs.values()
    for claim in mine.values():
        claims.release(desk, _ALICE, claim.id, time.time())
    claims.release(desk, bob, released.id, time.time())
    approval.suspend(desk, Actor("carol", "192.0.2.9"), suspended.id, "a test", time.time())
    for label in (*mine, *theirs):
        _until_served(lab, label, "A")
    _until_served(lab, kept, "A", "198.51.100.7")
    assert trial.status()["problems"] == []


def _labels(word: str, whose: str, many: int) -> list[str]:
    return [f"{word}-{whose}-{number}x" for number in range(many)]


def test_who_is_killed_at_any_moment_loses_nothing_that_was_acknowledged(
    lab: Lab, desk: Desk, trial: Trial
) -> None:
    """The desk's process is killed in the middle of claiming, again and again, and the daemon with it."""
    acknowledged: set[str] = set()
    word = _fresh("turn")
    chance = random.Random(7)  # noqa: S311 - any moment will do
    for turn in range(4):
        child = subprocess.Popen(
            [sys.executable, str(_CLAIMING), str(lab.info.config), f"{word}-{turn}"],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert child.stdout is not None
        some = [child.stdout.readline().strip() for _ in range(chance.randint(1, 12))]
        if turn % 2:
            lab.kill("daemon")
        child.kill()
        acknowledged |= {*some, *child.stdout.read().split("\n")[:-1]} - {""}
        child.stdout.close()
        child.wait()
        if turn % 2:
            lab.start("daemon")
    assert len(acknowledged) >= 4
    with desk.office.reading() as books:
        found = books.claims.search(word, limit=10_000).items
        assert books.audit.verify() is None
    made = {one.name.labels[0].decode() for one in found}
    assert acknowledged <= made
    assert len(made - acknowledged) <= 4  # one at the moment of each kill
    wanted = {f"{full(lab, label)} 60 IN A 198.51.100.7" for label in made}
    until(
        lambda: all(wanted <= trial.holds(server) for server in ("ns1", "ns2")),
        "all that was acknowledged on both servers",
        patience=_PATIENCE,
    )
    history = [line for one in transactions(lab, lab.info.zone) for line in (*one.deleted, *one.added)]
    assert sorted(line for line in history if line in wanted) == sorted(
        wanted
    )  # each once, and never taken away
