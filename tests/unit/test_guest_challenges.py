"""ACME challenges at the names of guests: their members' clients place them, and nobody else's."""

from pathlib import Path

import dns.name
import pytest

from skulldns.errors import Refused
from skulldns.model.claims import AddressTarget
from skulldns.model.members import Actor
from skulldns.model.tokens import Scope
from skulldns.model.views import HeldName
from skulldns.store.audit import AuditFilter
from tests.unit.deskworld import ALICE, BOB, ROOT, ZONE, desk, held
from webui.desk import Desk, challenges, claims, members, tokens

WEB = dns.name.from_text("alice-web", ZONE)
X, Y, Z = "x" * 43, "y" * 43, "z" * 43


@pytest.fixture
def place(tmp_path: Path) -> Desk:
    return desk(tmp_path)


def standing(place: Desk, now: float = 10.0) -> set[tuple[str, str]]:
    """What the daemon is to publish."""
    with place.office.reading() as books:
        return {(one.name.to_text(), one.value) for one in books.challenges.standing(now)}


def hold(place: Desk, *names: HeldName) -> None:
    """The daemon shows these names as taken now."""
    with place.office.writing() as books:
        books.views.put_held(names)


def test_a_guest_s_name_its_wildcard_and_names_below_it(place: Desk) -> None:
    below = dns.name.from_text("a.b", WEB)
    challenges.present(place, ALICE, WEB, X, 1.0)
    challenges.present(place, ALICE, dns.name.from_text("*", WEB), Y, 2.0)
    challenges.present(place, ALICE, below, Z, 3.0)
    web = WEB.to_text()
    assert standing(place) == {(web, X), (web, Y), (f"a.b.{web}", Z)}
    left = challenges.cleanup(place, ALICE, WEB, X, 4.0)
    assert [one.value for one in left] == [Y]
    assert challenges.cleanup(place, ALICE, WEB, X, 5.0) == left
    assert standing(place) == {(web, Y), (f"a.b.{web}", Z)}


def test_each_change_is_in_the_audit_and_none_twice(place: Desk) -> None:
    by_token = Actor("alice", "192.0.2.7", token="0123456789abcdef")
    challenges.present(place, by_token, WEB, X, 1.0)
    challenges.cleanup(place, by_token, WEB, X, 2.0)
    challenges.cleanup(place, by_token, WEB, X, 3.0)
    with place.office.reading() as books:
        rows = books.audit.rows(AuditFilter(subject="alice-web.vmsrv.example.org"))
        assert books.audit.verify() is None
    assert [(row.act.what, row.act.who) for row in rows] == [
        ("cleanup", "alice by token 0123456789abcdef"),
        ("present", "alice by token 0123456789abcdef"),
    ]


@pytest.mark.parametrize("name", ["bob-web", "a.bob-web", "mail", "a.mail", "free", "*.bob-web", "@"])
def test_no_other_name(place: Desk, name: str) -> None:
    hold(place, HeldName(dns.name.from_text("mail", ZONE), "the zone file"))
    with pytest.raises(Refused, match="not a name of yours"):
        challenges.present(place, ALICE, dns.name.from_text(name, ZONE), X, 1.0)
    assert standing(place) == set()


def test_a_nearer_name_of_another_s_counts(place: Desk) -> None:
    near = dns.name.from_text("shop", WEB)
    hold(place, HeldName(near, "the guest shop", "bob", held("bob-web", "bob").guest))
    with pytest.raises(Refused, match="not a name of yours"):
        challenges.present(place, ALICE, near, X, 1.0)
    challenges.present(place, BOB, near, X, 1.0)
    assert standing(place) == {(near.to_text(), X)}


def test_values_go_with_the_guest(place: Desk) -> None:
    challenges.present(place, ALICE, WEB, X, 1.0)
    hold(place, held("alice-web", "bob"))
    assert standing(place) == set()
    assert challenges.present(place, BOB, WEB, Y, 2.0)[0].value == Y
    assert standing(place) == {(WEB.to_text(), Y)}
    with pytest.raises(Refused, match="not a name of yours"):
        challenges.cleanup(place, ALICE, WEB, Y, 3.0)
    with place.office.writing() as books:
        books.views.drop_held([WEB])
    assert standing(place) == set()


def test_values_of_a_suspended_member_stand_no_more(place: Desk) -> None:
    challenges.present(place, ALICE, WEB, X, 1.0)
    members.suspend_member(place, ROOT, "alice", "test", 2.0)
    assert standing(place) == set()


def test_values_end_by_themselves(place: Desk) -> None:
    challenges.present(place, ALICE, WEB, X, 1.0)
    over = 1.0 + challenges.CHALLENGE_LASTS
    assert standing(place, over - 1) == {(WEB.to_text(), X)}
    assert standing(place, over) == set()


def test_there_are_only_so_many_and_the_newest_may_stay(place: Desk) -> None:
    for number in range(10):
        challenges.present(place, ALICE, WEB, f"{number:043}", float(number))
    with pytest.raises(Refused, match="10 challenges"):
        challenges.present(place, ALICE, WEB, X, 10.0)
    again = challenges.present(place, ALICE, WEB, f"{3:043}", 11.0, newest=2)
    assert [int(one.value) for one in again] == [9, 3]
    assert len(standing(place)) == 2


def test_a_token_for_a_guest_s_name(place: Desk) -> None:
    _, text = tokens.make(place, ALICE, "x", [Scope.ACME], [WEB], 1.0)
    assert tokens.use(place, text, Scope.ACME, WEB, 2.0, "").names == (WEB,)
    hold(place, held("alice-web", "bob"))
    with pytest.raises(Refused):
        tokens.use(place, text, Scope.ACME, WEB, 3.0, "")
    with pytest.raises(Refused, match="not a name of yours"):
        tokens.make(place, ALICE, "x", [Scope.ACME], [dns.name.from_text("bob-web", ZONE)], 1.0)


def test_a_claim_goes_before_a_guest_that_came_later(place: Desk) -> None:
    claim = claims.claim(place, BOB, "later", AddressTarget(), 1.0)
    hold(place, held("later", "alice"))
    with pytest.raises(Refused, match="not a name of yours"):
        challenges.present(place, ALICE, claim.name, X, 2.0)
    challenges.present(place, BOB, claim.name, X, 2.0)
    assert standing(place) == set()  # it is in the claim
