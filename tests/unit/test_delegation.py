"""Whether the world finds a zone, from what its servers, its parent and the servers named there answer."""

from ipaddress import ip_address

import dns.name

from skulldns.model.outlook import Delegate, Delegates, Finding, Outlook, Public, Says, Standing
from skulldns.plan.delegation import judge
from tests.unit.outlookworld import NS1, NS2, ZONE, Zone, addresses, look, outlook, parent

NS3 = dns.name.from_text("ns3", ZONE)
OUTSIDE = dns.name.from_text("ns.example.net.")
GOOD = Zone()


def _ill(found: Outlook) -> list[Finding]:
    return [one for one in judge(found) if one.standing is Standing.ILL]


def _unknown(found: Outlook) -> list[Finding]:
    return [one for one in judge(found) if one.standing is Standing.UNKNOWN]


def _delegate(name: dns.name.Name, address: str, says: Says) -> tuple[Delegate, ...]:
    return (Delegate(name, ip_address(address), says),)


def test_all_is_well_and_said_once_for_each_thing() -> None:
    found = judge(outlook(GOOD))
    assert {one.standing for one in found} == {Standing.WELL}
    assert [(one.kind, one.name, one.what) for one in found] == [
        ("serial", "vmsrv.test", "2 servers with serial 7"),
        (
            "delegation",
            "vmsrv.test",
            "the parent (198.51.100.1:53) delegates it to ns1.vmsrv.test, ns2.vmsrv.test",
        ),
        ("recursion", "192.0.2.53:53", "is off"),
        ("transfer", "vmsrv.test 192.0.2.53:53", "needs a key"),
        ("recursion", "192.0.2.54:53", "is off"),
        ("transfer", "vmsrv.test 192.0.2.54:53", "needs a key"),
    ]


def test_a_parent_that_knows_nothing_is_told_what_to_put_there() -> None:
    [finding] = _ill(outlook(GOOD, above=parent(delegates=Delegates.NO, nameservers=(), glue={})))
    assert finding.what == "the parent (198.51.100.1:53) does not delegate it, so the world does not find it"
    assert finding.cure == (
        "put there: vmsrv.test NS ns1.vmsrv.test, vmsrv.test NS ns2.vmsrv.test, "
        "ns1.vmsrv.test A 192.0.2.53, ns2.vmsrv.test A 192.0.2.54"
    )


def test_name_servers_that_one_side_lacks() -> None:
    [theirs, ours] = _ill(outlook(GOOD, above=parent(nameservers=[NS1, OUTSIDE])))
    assert "names ns.example.net, which is none of the zone's name servers" in theirs.what
    assert "ns2.vmsrv.test is not known to the parent" in ours.what
    assert theirs.cure
    assert ours.cure


def test_glue_that_is_wrong_or_missing() -> None:
    [wrong] = _ill(outlook(GOOD, above=parent(glue=addresses(ns1="192.0.2.99", ns2="192.0.2.54"))))
    assert "has A 192.0.2.99 for ns1.vmsrv.test, the zone A 192.0.2.53" in wrong.what
    [missing] = _ill(outlook(GOOD, above=parent(glue=addresses(ns2="192.0.2.54"))))
    assert missing.what.endswith("has no address (glue) for ns1.vmsrv.test")
    assert missing.cure == "add there: A 192.0.2.53"
    six = Zone(addresses=addresses(ns1="2001:db8::53", ns2="192.0.2.54"))
    [finding] = _ill(outlook(six))
    assert "the zone AAAA 2001:db8::53" in finding.what


def test_name_servers_of_other_zones_need_no_glue() -> None:
    zone = Zone(nameservers=[NS1, OUTSIDE], addresses=addresses(ns1="192.0.2.53"))
    above = parent(nameservers=[NS1, OUTSIDE], glue=addresses(ns1="192.0.2.53"))
    assert _ill(outlook(zone, above=above)) == []


def test_a_name_server_without_an_address_in_the_zone() -> None:
    found = _ill(outlook(Zone(addresses=addresses(ns1="192.0.2.53"))))
    assert [one.what for one in found] == ["it has no address for its name server ns2.vmsrv.test"]


def test_lame_and_silent_servers() -> None:
    [lame] = _ill(outlook(GOOD, delegates=_delegate(NS3, "192.0.2.55", Says.LAME)))
    assert "ns3.vmsrv.test (192.0.2.55) does not serve the zone (lame delegation)" in lame.what
    [silent] = _ill(outlook(GOOD, delegates=_delegate(NS3, "192.0.2.55", Says.SILENT)))
    assert "ns3.vmsrv.test (192.0.2.55) does not answer" in silent.what
    far = outlook(GOOD, delegates=_delegate(NS3, "2001:db8::55", Says.UNREACHABLE))
    assert _ill(far) == []
    assert "cannot be reached from this machine" in _unknown(far)[0].what


def test_name_servers_of_other_zones_whose_address_is_not_found() -> None:
    [none] = _ill(outlook(GOOD, delegates=(Delegate(OUTSIDE, None, Says.SILENT),)))
    assert none.what == "the name server ns.example.net has no address"
    away = outlook(GOOD, delegates=(Delegate(OUTSIDE, None, Says.UNREACHABLE, "nobody tells; wait"),))
    assert _ill(away) == []
    assert _unknown(away)[0].what == "the name server ns.example.net was not asked: nobody tells"


def test_what_cannot_be_asked_is_said_and_no_fault() -> None:
    away = outlook(GOOD, parent=None, unasked="the resolver does not tell; see whether this is offline")
    assert _ill(away) == []
    [finding] = _unknown(away)
    assert finding.what == "the parent was not asked: the resolver does not tell"
    assert finding.cure == "see whether this is offline"
    silent = _delegate(NS2, "192.0.2.54", Says.SILENT)
    assert _ill(outlook(GOOD, parent=None, unasked="it is away", delegates=silent)) == []


def test_a_parent_s_server_that_serves_the_zone_too_shows_no_delegation() -> None:
    hidden = outlook(GOOD, above=parent(delegates=Delegates.HIDDEN, nameservers=(), glue={}))
    assert _ill(hidden) == []
    assert "name another server of the parent" in _unknown(hidden)[0].cure


def test_a_zone_without_a_parent_and_a_view_that_the_world_does_not_see() -> None:
    orphan = [one for one in judge(outlook(GOOD, parent=None, orphan=True)) if one.kind == "delegation"]
    assert [(one.standing, one.what) for one in orphan] == [
        (Standing.WELL, "has no parent, as the config says")
    ]
    above = parent(nameservers=[OUTSIDE])
    assert _ill(outlook(GOOD, above=above))
    assert "delegation" not in {one.kind for one in judge(outlook(GOOD, above=above, world=False))}


def test_a_secondary_that_does_not_follow() -> None:
    [behind] = _ill(outlook(GOOD, Zone(serial=5)))
    assert behind.what == "192.0.2.54:53 has serial 5, the primary 7"
    assert "transfer" in behind.cure
    [ahead] = _ill(outlook(GOOD, Zone(serial=9)))
    assert "rndc retransfer" in ahead.cure
    wrapped = outlook(Zone(serial=2), Zone(serial=2**32 - 1))
    assert "transfer the zone" in _ill(wrapped)[0].cure


def test_servers_that_are_open_to_everybody() -> None:
    for public, words in (
        (Public(offers=True, recursed=False, transferred=False), "offers recursion"),
        (Public(offers=False, recursed=True, transferred=False), "looks up foreign names"),
        (Public(offers=False, recursed=False, transferred=True), "gives the whole zone to who has no key"),
    ):
        [finding] = _ill(outlook(GOOD, servers=(look(GOOD), look(GOOD, 2, public))))
        assert words in finding.what
        assert "192.0.2.54:53" in finding.name
        assert finding.cure


def test_servers_that_do_not_answer() -> None:
    found = outlook(GOOD, servers=(look(None, public=None), look(None, 2, None)))
    assert _ill(found) == []
    assert {one.kind for one in _unknown(found)} == {"delegation", "recursion", "transfer"}
    lame = outlook(
        GOOD, servers=(look(None, public=None),), delegates=_delegate(NS1, "192.0.2.53", Says.LAME)
    )
    assert "lame delegation" in _ill(lame)[0].what
