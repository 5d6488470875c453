"""What a CA lets us have, and what is left of it."""

import dns.name
import pytest

from skulldns.model.issuance import Cost, Expense, Kind
from skulldns.plan.budget import LETS_ENCRYPT, Budget, Limit, costs, validations
from skulldns.targets.acme.domains import registered

DAY, HOUR, NOW = 86_400.0, 3600.0, 1_800_000_000.0
ORDER = Cost(Kind.ORDER)
DOMAIN = Cost(Kind.CERTIFICATE, "example.org")


def names(*texts: str) -> list[dns.name.Name]:
    return [dns.name.from_text(text) for text in texts]


def spent(cost: Cost, *ago: float) -> list[Expense]:
    return [Expense("ca", cost, NOW - one) for one in ago]


@pytest.mark.parametrize(
    ("cost", "count", "per"),
    [
        (DOMAIN, 50, 7 * DAY),
        (Cost(Kind.SAME_NAMES, "a b"), 5, 7 * DAY),
        (ORDER, 300, 3 * HOUR),
        (Cost(Kind.FAILURE, "a"), 5, HOUR),
    ],
)
def test_lets_encrypt_s_limits_to_the_last_one(cost: Cost, count: int, per: float) -> None:
    nearly = Budget(expenses=spent(cost, *[1.0] * (count - 1)))
    assert nearly.balance(cost, NOW).left == 1
    assert nearly.exhausted([cost], NOW) is None
    full = Budget(expenses=spent(cost, *[1.0] * count))
    found = full.exhausted([cost], NOW)
    assert found
    assert found.free_at == NOW - 1 + per
    assert full.exhausted([cost], NOW - 1 + per) is None


def test_the_window_slides() -> None:
    budget = Budget({**LETS_ENCRYPT, Kind.ORDER: Limit(2, 100)}, spent(ORDER, 90, 50, 10))
    found = budget.exhausted([ORDER], NOW)
    assert found
    assert found.free_at == NOW + 50  # when the second last has gone out of the window
    assert budget.exhausted([ORDER], NOW + 50) is None


def test_the_limit_that_comes_free_last_is_told() -> None:
    budget = Budget(expenses=[*spent(ORDER, *[1.0] * 300), *spent(DOMAIN, *[1.0] * 50)])
    found = budget.exhausted([ORDER, DOMAIN], NOW)
    assert found
    assert found.cost == DOMAIN


def test_other_subjects_do_not_count() -> None:
    budget = Budget(expenses=spent(Cost(Kind.CERTIFICATE, "example.net"), *[1.0] * 50))
    assert budget.exhausted([DOMAIN], NOW) is None


def test_what_a_clock_ahead_wrote_does_not_count_for_ever() -> None:
    assert Budget(expenses=spent(ORDER, *[-365 * DAY] * 300)).exhausted([ORDER], NOW) is None
    assert Budget(expenses=spent(ORDER, *[-60.0] * 300)).exhausted([ORDER], NOW)


def test_a_certificate_costs_an_order_its_set_and_each_registered_domain() -> None:
    found = costs(
        names("*.vmsrv.example.org", "vmsrv.example.org", "a.b.example.co.uk"), registered, renewal=False
    )
    assert found == [
        ORDER,
        Cost(Kind.SAME_NAMES, "*.vmsrv.example.org a.b.example.co.uk vmsrv.example.org"),
        Cost(Kind.CERTIFICATE, "example.co.uk"),
        Cost(Kind.CERTIFICATE, "example.org"),
    ]


def test_a_renewal_that_names_its_predecessor_is_free_but_its_failures_count() -> None:
    assert costs(names("example.org"), registered, renewal=True) == []
    assert validations(names("*.example.org", "example.org")) == [Cost(Kind.FAILURE, "example.org")]


def test_balances_tell_what_was_spent_and_what_is_left() -> None:
    found = Budget(expenses=spent(DOMAIN, 10.0, 8 * DAY)).balances(NOW)
    assert [(one.cost, one.spent, one.left) for one in found] == [(ORDER, 0, 300), (DOMAIN, 1, 49)]


@pytest.mark.parametrize(
    ("name", "domain"),
    [
        ("vmsrv.skullspace.ca", "skullspace.ca"),
        ("a.example.github.io", "example.github.io"),
        ("com", "com"),
        ("deep.name.test", "name.test"),
    ],
)
def test_registered_domains(name: str, domain: str) -> None:
    assert registered(dns.name.from_text(name)) == dns.name.from_text(domain)
