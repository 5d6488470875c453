"""What `plan` shows of the answer of a daemon: as text, and as Markdown that nothing in a zone can break."""

from typing import Any

import click
import pytest

from skulldns.cli.planmarkdown import code, markdown
from skulldns.cli.planrows import by_name, summary
from skulldns.cli.plantext import lines
from skulldns.model.plan import ADOPTABLE


def side(*values: str, ttl: int = 60) -> dict[str, Any]:
    return {"ttl": ttl, "values": list(values)}


def change(name: str, rdtype: str, **more: Any) -> dict[str, Any]:
    before, after = more.pop("before", None), more.pop("after", None)
    action = "add" if before is None else "delete" if after is None else "replace"
    return {
        "action": action,
        "name": name,
        "type": rdtype,
        "before": before,
        "after": after,
        "owner": "zone file",
        "source": "zone file",
        "reason": "/etc/skulldns/zones/a.test.yaml:7 has it",
        "evidence": "unseen" if after is None else None,
    } | more


def plan(*changes: dict[str, Any], blocked: Any = (), conflicts: Any = (), **more: Any) -> dict[str, Any]:
    zone = {"zone": "a.test", "view": None, "checksum": "0" * 12}
    return {
        "zones": [{**zone, "changes": list(changes), "blocked": list(blocked), "conflicts": list(conflicts)}],
        "checksum": "abcdef012345",
        "changes": len(changes),
        "needs_agreement": bool(blocked),
        "failures": [],
        "files": [],
    } | more


def shown(found: dict[str, Any], **options: Any) -> list[str]:
    return [click.unstyle(line) for line in lines(found["zones"], **options)]


def held(name: str) -> dict[str, Any]:
    reason = "3 of 4 would be deleted; agree with `skulldns apply --checksum`"
    gone = change(name, "A", before=side("192.0.2.9"), reason="the zone file has it no more")
    return gone | {"block": "guard", "because": reason}


def test_each_name_stands_once_with_all_that_becomes_of_it() -> None:
    text = shown(
        plan(
            change("www.a.test", "A", after=side("192.0.2.1")),
            change("mail.a.test", "MX", after=side("10 mail.a.test.")),
            change("www.a.test", "AAAA", after=side("2001:db8::1"), owner="id-1", reason="guest www of qemu"),
        )
    )
    assert text[0] == "a.test   3 to add"
    assert [line for line in text if line.startswith("  ") and line[2] != " "] == [
        "  mail.a.test",
        "  www.a.test",
    ]
    assert text.index("  www.a.test") + 2 == next(
        at for at, line in enumerate(text) if "guest www of qemu" in line
    )


def test_a_static_record_names_its_file_and_line() -> None:
    assert shown(plan(change("www.a.test", "A", after=side("192.0.2.1"))))[2].endswith(
        "  /etc/skulldns/zones/a.test.yaml:7"
    )


def test_of_many_values_those_that_go_and_come_are_told_from_those_that_stay() -> None:
    one = change(
        "a.test",
        "NS",
        before=side("ns1.a.test.", "ns2.a.test."),
        after=side("ns1.a.test.", "ns3.a.test.", ttl=300),
    )
    text = shown(plan(one))
    assert [line.split("  TTL")[0].strip() for line in text[2:5]] == [
        "~ NS    - ns2.a.test.",
        "+ ns3.a.test.",
        "ns1.a.test.",
    ]
    assert "TTL 60 → 300" in text[2]


def test_a_deletion_says_why_and_on_what_evidence() -> None:
    gone = change(
        "old.a.test", "A", before=side("192.0.2.9"), reason="guest old was undefined", evidence="announced"
    )
    assert "guest old was undefined (announced)" in shown(plan(gone))[2]


def test_what_the_guard_holds_is_marked_and_its_cure_said_once() -> None:
    text = "\n".join(shown(plan(blocked=[held("x.a.test"), held("y.a.test")])))
    assert text.count("agree with `skulldns apply --checksum`") == 1
    assert text.count("  held by the guard") == 3


def test_what_is_in_the_way_stands_at_its_name() -> None:
    conflict = {"key": "www.a.test A", "name": "www.a.test", "type": "A", "reason": "it is somebody else's"}
    assert shown(plan(conflicts=[conflict]))[1:3] == ["  www.a.test", "    ! it is somebody else's"]


def test_what_waits_to_be_adopted_is_said_once_for_all() -> None:
    one = {"name": "www.a.test", "type": "A", "reason": f"www.a.test A is {ADOPTABLE}; take it over"}
    assert shown(plan(conflicts=[one]))[1:3] == [
        "  www.a.test",
        f"    ! www.a.test A is {ADOPTABLE}; take it over",
    ]
    found = plan(change("new.a.test", "A", after=side("192.0.2.1")), conflicts=[one] * 74)
    said = f"74 RRsets are {ADOPTABLE}; list and take them over with `skulldns zone adopt a.test`"
    head, name, _, line = shown(found)[:4]
    assert ("74 in the way" in head, name, line) == (True, "  new.a.test", f"  ! {said}")
    assert markdown(found).count(ADOPTABLE) == 1
    alone = markdown(plan(conflicts=[one] * 2))
    assert "2 RRsets are" in alone
    assert "|" not in alone


def test_more_names_than_asked_for_are_counted() -> None:
    many = plan(*(change(f"h{number}.a.test", "A", after=side("192.0.2.1")) for number in range(5)))
    assert [line for line in shown(many, most=2) if "3 more names" in line]


def test_what_a_terminal_would_act_on_is_made_visible() -> None:
    evil = change("www.a.test", "A", after=side("192.0.2.1"), owner="id", reason="guest \x1b[31mred of qemu")
    assert "\\x1b[31mred" in shown(plan(evil))[2]


def test_the_summary_counts_in_words() -> None:
    zones = plan(change("a.test", "A", after=side("192.0.2.1")), blocked=[held("x.a.test")])["zones"]
    assert summary(zones) == "1 to add, 1 held by the guard"


def test_names_are_ordered_as_in_dnssec() -> None:
    names = ["b.a.test", "a.b.a.test", "a.test", "z.a.test"]
    zone = plan(*(change(name, "A", after=side("192.0.2.1")) for name in names))["zones"][0]
    assert list(by_name(zone)) == ["a.test", "b.a.test", "a.b.a.test", "z.a.test"]


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("plain", "`plain`"),
        ("a|b", "`a\\|b`"),
        ("`", "`` ` ``"),
        ("a``b", "```a``b```"),
        ("@everybody <b> [x](y) https://evil.test", "`@everybody <b> [x](y) https://evil.test`"),
        ("two\nlines", "`two\\nlines`"),
        ("", "`  `"),
    ],
)
def test_a_code_span_holds_whatever_it_is_given(text: str, span: str) -> None:
    assert code(text) == span


def test_markdown_has_a_table_with_the_checksum_and_who_wants_it() -> None:
    text = markdown(plan(change("www.a.test", "TXT", after=side('"a|b `x` @all"'))))
    assert "### DNS plan `abcdef012345`: 1 to add" in text
    row = next(line for line in text.splitlines() if "www.a.test" in line)
    assert row == (
        '| add | `www.a.test` | TXT | ``"a\\|b `x` @all"`` | 60 | `/etc/skulldns/zones/a.test.yaml:7` |'
    )


def test_a_long_zone_is_folded_and_a_longer_one_cut_with_the_number_that_is_missing() -> None:
    many = [change(f"h{number}.a.test", "A", after=side("192.0.2.1")) for number in range(2000)]
    folded = markdown(plan(*many[:50]))
    assert "<details><summary><code>a.test</code>: 50 to add</summary>" in folded
    assert "</details>" in folded
    assert "left out" not in folded
    cut = markdown(plan(*many))
    assert len(cut) < 65_536
    rows = sum(line.startswith("| add |") for line in cut.splitlines())
    assert f"{2000 - rows:,} more lines are left out" in cut


def test_markdown_says_how_to_agree_with_what_the_guard_holds() -> None:
    text = markdown(plan(blocked=[held("x.a.test")]))
    assert "`skulldns apply --checksum abcdef012345`" in text
    assert "**held by the guard**" in text
