"""What may be asked of certificates and done with them, over a certifier with CAs in memory."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import dns.name
import pytest

from skulldns.daemon import certificates
from skulldns.errors import Conflict, Refused, Unavailable
from skulldns.loop.accounts import balances
from skulldns.loop.certifier import Renew
from skulldns.loop.front import Front
from skulldns.loop.mailbox import Call, Worker
from skulldns.model.certificates import Window
from skulldns.model.issuance import Kind
from skulldns.plan.budget import LETS_ENCRYPT
from tests.unit.certworld import DAY, HOUR, CertWorld, wish


@pytest.fixture
def world(tmp_path: Path) -> CertWorld:
    """One certificate that is there, for a zone."""
    world = CertWorld(tmp_path)
    world.want(wish("vmsrv.test", "*.vmsrv.test"))
    world.run(60)
    assert world.report("vmsrv.test").certificate
    return world


def _front(world: CertWorld) -> Front:
    return Front(world.certifier.reports)


def _in_thread(worker: Worker, function: Callable[[], Any]) -> Any:
    call = Call(function)
    worker.mailbox.put(call)
    worker.step()
    return call.answer.result(0)


def _row(world: CertWorld) -> dict[str, Any]:
    [row] = certificates.listing(_front(world), world.store.issuances())
    return row


def _renew(world: CertWorld) -> None:
    certificates.renew(world.certifier, world.certifier._office, "vmsrv.test", _in_thread)


def test_a_renewal_is_remembered_when_it_is_acknowledged_and_then_made(world: CertWorld) -> None:
    before = _row(world)
    _renew(world)
    assert world.store.issuances()["vmsrv.test"].forced
    world.run(60)
    after = _row(world)
    assert after["serial"] != before["serial"]
    assert (before["because"], after["because"]) == ("usual", "usual")


def test_why_the_next_renewal_is_when_it_is(world: CertWorld) -> None:
    world.ca.window_at = lambda one: Window(one.not_before + 30 * DAY, one.not_before + 31 * DAY, HOUR)
    world.run(2 * HOUR)
    assert _row(world)["because"] == "ARI"
    world.ca.trouble = Unavailable("it is away", where=world.ca.directory, cure="wait")
    world.certifier.mailbox.put(Renew("vmsrv.test"))
    world.run(30)
    row = _row(world)
    assert (row["because"], row["failures"]) == ("next try", 1)
    assert "it is away" in row["reason"]


def test_a_certificate_is_found_by_its_identity_and_by_names_on_it(world: CertWorld) -> None:
    front = _front(world)
    for text in ("vmsrv.test", "VMSRV.test.", "*.vmsrv.test"):
        name = dns.name.from_text(text.lower())
        assert certificates.found(front, text, name).wish.identity == "vmsrv.test"
    with pytest.raises(Refused, match="skulldns cert list"):
        certificates.found(front, "elsewhere.test", dns.name.from_text("elsewhere.test"))


def _revoke(world: CertWorld, report: Any = None) -> None:
    report = report or world.report("vmsrv.test")
    certificates.revoke(world.certifier, world.certifier._office, report, 1, _in_thread)


def test_what_is_served_is_revoked_and_replaced(world: CertWorld) -> None:
    before, chain = _row(world), world.files.chain("vmsrv.test")
    _revoke(world)
    assert world.ca.revoked == [chain]
    world.run(60)
    assert _row(world)["serial"] != before["serial"]


def test_where_revoking_fails_that_is_said_and_a_new_one_comes_all_the_same(world: CertWorld) -> None:
    before = _row(world)
    world.ca.trouble = Unavailable("it is away", where=world.ca.directory, cure="wait")
    with pytest.raises(Unavailable, match="it is away"):
        _revoke(world)
    world.ca.trouble = None
    world.run(2 * HOUR)
    assert _row(world)["serial"] != before["serial"]


def test_a_ca_that_is_not_configured_any_more_is_not_asked(world: CertWorld) -> None:
    office = world.certifier._office
    report = world.report("vmsrv.test")
    office_without = type(office)(
        (), office.provers, office.lookups, office.files, office.memory, office.registered
    )
    with pytest.raises(Refused, match="not in the config"):
        certificates.revoke(world.certifier, office_without, report, 0, _in_thread)
    assert world.ca.revoked == []


def test_an_account_gets_a_new_key(world: CertWorld) -> None:
    office = world.certifier._office
    before = certificates.accounts(office)
    world.now += DAY
    found = certificates.new_account_key(world.certifier, office, None, _in_thread)
    assert certificates.accounts(office) == [found]
    assert (found["ca"], found["url"]) == (world.ca.directory, before[0]["url"])
    assert found["key_since"] == world.wall() >= before[0]["key_since"] + DAY


def test_an_account_gets_no_new_key_while_orders_are_signed_with_the_old_one(world: CertWorld) -> None:
    world.want(wish("vmsrv.test", "*.vmsrv.test"), wish("new.test"))
    world.certifier.step()
    assert world.report("new.test").trying
    with pytest.raises(Conflict, match="try again in a minute"):
        certificates.new_account_key(world.certifier, world.certifier._office, None, _in_thread)
    world.run(60)
    certificates.new_account_key(world.certifier, world.certifier._office, None, _in_thread)
    assert world.ca.asked["roll over"] == 1


@pytest.mark.parametrize(
    ("ca", "found"),
    [("https://ca1.test/dir", 1), ("ca0", 0), ("staging", 2), (None, None), ("test", None), ("else", None)],
)
def test_which_account_gets_a_new_key(tmp_path: Path, ca: str | None, found: int | None) -> None:
    world = CertWorld(tmp_path, cas=2, staging=True)
    assert world.staging
    cas, office = [*world.cas, world.staging], world.certifier._office
    if found is None:
        with pytest.raises(Refused, match=r"name one of https://ca0\.test/dir, https://staging"):
            certificates.new_account_key(world.certifier, office, ca, _in_thread)
    else:
        certificates.new_account_key(world.certifier, office, ca, _in_thread)
    assert [one.asked["roll over"] for one in cas] == [int(number == found) for number in range(3)]


def test_what_is_left_at_a_ca(world: CertWorld) -> None:
    world.want(wish("vmsrv.test", "*.vmsrv.test"), wish("deep.web.vmsrv.test"))
    world.run(60)
    rows = certificates.budget(balances({world.ca.directory: LETS_ENCRYPT}, world.store, world.wall()))
    assert {row["limit"] for row in rows} == {kind.value for kind in Kind}
    [orders] = [row for row in rows if row["limit"] == "order"]
    assert (orders["spent"], orders["left"], orders["count"], orders["per"]) == (2, 298, 300, 3 * HOUR)
    assert world.now < orders["free_at"] <= world.now + 3 * HOUR
    same = {row["subject"]: row["left"] for row in rows if row["limit"] == "same names"}
    assert same == {"*.vmsrv.test": 4, "deep.web.vmsrv.test": 4}
    [failed] = [row for row in rows if row["limit"] == "failed validation"]
    assert (failed["spent"], failed["free_at"]) == (0, None)
