from dns.name import Name, from_text
from dns.rdatatype import RdataType

from skulldns.model.desired import ZONE_FILE, Decision, Evidence, Farewell, Wanted
from skulldns.model.ledger import Entry
from skulldns.model.records import Key, RRset, rrset
from skulldns.plan.difference import Difference, compare

_ZONE = from_text("vmsrv.test.")
_CHILD = from_text("child.vmsrv.test.")
_SERVER = from_text("ns.child.vmsrv.test.")
_OTHER = from_text("www.child.vmsrv.test.")
_NS = rrset(_CHILD, RdataType.NS, 60, ["ns.child.vmsrv.test."])
_GLUE = rrset(_SERVER, RdataType.A, 60, ["192.0.2.54"])


def _compare(wanted: list[RRset], served: list[RRset], owner: str = ZONE_FILE) -> Difference:
    decisions: dict[Name, list[Wanted]] = {}
    for one in wanted:
        decisions.setdefault(one.name, []).append(Wanted(one, owner, owner, "asked for", alone=False))
    current: dict[Name, list[RRset]] = {}
    for one in served:
        current.setdefault(one.name, []).append(one)
    ledger = {one.name: [Entry(one.key, owner, owner, "asked for", one)] for one in served if one != _NS}
    return compare(
        [Decision(name, tuple(wants)) for name, wants in decisions.items()],
        current,
        ledger,
        lambda _: Farewell("gone", Evidence.UNSEEN),
        _ZONE,
    )


def test_the_address_of_a_name_server_below_its_delegation_is_published_and_changes() -> None:
    found = _compare([_NS, _GLUE], [_NS])
    assert [(change.before, change.after) for change in found.changes] == [(None, _GLUE)]
    other = rrset(_SERVER, RdataType.A, 60, ["192.0.2.55"])
    found = _compare([other], [_NS, _GLUE])
    assert [(change.before, change.after) for change in found.changes] == [(_GLUE, other)]
    assert found.conflicts == {}


def test_glue_of_a_name_server_that_the_delegation_gets_in_the_same_plan() -> None:
    before = rrset(_CHILD, RdataType.NS, 60, ["ns.elsewhere.test."])
    found = _compare([_GLUE, _NS], [before])
    assert {change.after for change in found.changes} == {_GLUE, _NS}


def test_what_else_lies_below_a_delegation_is_still_in_the_way() -> None:
    aside = rrset(_OTHER, RdataType.A, 60, ["192.0.2.80"])
    text = rrset(_SERVER, RdataType.TXT, 60, ["hello"])
    found = _compare([_GLUE, aside, text], [_NS])
    assert [change.after for change in found.changes] == [_GLUE]
    assert set(found.conflicts) == {Key(_OTHER, RdataType.A), Key(_SERVER, RdataType.TXT)}


def test_a_guest_puts_no_glue_into_somebody_else_s_delegation() -> None:
    found = _compare([_GLUE], [_NS], owner="guest")
    assert found.changes == []
    assert set(found.conflicts) == {_GLUE.key}


def test_there_is_no_glue_below_a_dname() -> None:
    both = rrset(_CHILD, RdataType.DNAME, 60, ["elsewhere.test."])
    assert set(_compare([_GLUE], [_NS, both]).conflicts) == {_GLUE.key}
