"""Each YAML file here is one scenario; README.md says how to write one."""

import hashlib
from functools import partial
from ipaddress import IPv4Address, ip_address, ip_network
from pathlib import Path
from typing import Any

import dns.name
import dns.rdatatype
import pytest
import yaml

from skulldns.desired.claimed import CLAIMS, is_claim
from skulldns.desired.farewells import farewell
from skulldns.desired.presence import missed, seen
from skulldns.desired.registry import Registry
from skulldns.desired.settings import ClaimSettings, GuestSettings
from skulldns.desired.zonefile import parse_zone
from skulldns.model.claims import (
    AddressTarget,
    AliasTarget,
    Claim,
    ClaimId,
    ClaimRecord,
    ClaimState,
    GuestTarget,
    Target,
)
from skulldns.model.desired import ZONE_FILE
from skulldns.model.guests import (
    Address,
    Guest,
    GuestId,
    GuestOptions,
    GuestState,
    Interface,
    Origin,
    SourceName,
)
from skulldns.model.ledger import Entry
from skulldns.model.plan import Plan
from skulldns.model.policy import Mode, OnStop, Publish
from skulldns.model.records import Key, RRset, rrset
from skulldns.model.zones import ZoneId
from skulldns.plan.difference import compare
from skulldns.plan.guard import Circumstances, guarded

ZONE = dns.name.from_text("vmsrv.test.")
REVERSE = dns.name.from_text("2.0.192.in-addr.arpa.")
TTL = 60
NOW = 1_000_000.0
FILES = sorted(Path(__file__).parent.glob("*.yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_scenario(path: Path) -> None:
    """The plan has exactly the lines that the scenario expects."""
    scenario = yaml.safe_load(path.read_text())
    plan = _plan(scenario)
    sign = {"add": "+", "replace": "~", "delete": "-"}
    changes = [f"{sign[change.action]} {_short(change.after or change.before)}" for change in plan.changes]
    blocked = [f"{one.block} {_short(one.change.before or one.change.after)}" for one in plan.blocked]
    conflicts = [_relative(key.name) + " " + key.type.name for key, _ in plan.conflicts]
    expected = scenario.get("expect", {})
    assert changes == expected.get("plan", []), scenario["why"]
    assert blocked == expected.get("blocked", []), scenario["why"]
    assert conflicts == expected.get("conflicts", []), scenario["why"]


def test_every_scenario_says_why() -> None:
    """A scenario without its reason cannot be judged later."""
    assert FILES
    assert all(len(yaml.safe_load(path.read_text())["why"]) > 20 for path in FILES)


def _plan(scenario: dict[str, Any]) -> Plan:
    settings = _settings(scenario.get("settings", {}))
    published = ClaimSettings(ttl=TTL, proxy_addresses=settings.proxy_addresses)
    registry = Registry({SourceName(name): settings for name in ("a", "b")}, published)
    statics = parse_zone(scenario["static"], ZONE, "zone.yaml", TTL) if "static" in scenario else ()
    names = registry.put_statics(ZONE, statics)
    for given in scenario.get("guests", []):
        names |= _put(registry, given)
    for given in scenario.get("claims", []):
        names |= registry.put_claim(_claim(given))
    current: dict[dns.name.Name, list[RRset]] = {}
    ledger: dict[dns.name.Name, list[Entry]] = {}
    for line in scenario.get("served", []):
        served = _rrset(line)
        current.setdefault(served.name, []).append(served)
    for owner, lines in scenario.get("ours", {}).items():
        for line in lines:
            ours = _rrset(line)
            source = ZONE_FILE if owner == ZONE_FILE else CLAIMS if is_claim(owner) else "a"
            entry = Entry(ours.key, owner, source, "it was wanted", ours)
            ledger.setdefault(ours.name, []).append(entry)
    names |= ledger.keys()
    decisions = [registry.decide(name) for name in names]
    found = compare(decisions, current, ledger, partial(farewell, registry), ZONE)
    unpublished = {
        want.owner
        for decision in decisions
        for want in decision.wanted
        if not any(map(want.rrset.same_data, current.get(want.key.name, ())))
    }
    owned: dict[str, int] = {}
    for here in ledger.values():
        for entry in here:
            owned[entry.source] = owned.get(entry.source, 0) + 1
    around = Circumstances(
        mode=Mode(scenario.get("settings", {}).get("mode", "sync")),
        percent=30,
        owned=owned,
        deleted={},
        unseen=_unseen(registry, ledger),
        silent_sources=tuple(scenario.get("silent", ())),
        unpublished=unpublished,
    )
    return guarded(
        ZoneId(ZONE),
        found.changes,
        tuple(sorted(found.conflicts.items())),
        partial(farewell, registry),
        around,
    )


def _unseen(registry: Registry, ledger: dict[dns.name.Name, list[Entry]]) -> dict[str, int]:
    owners = {known.id for known in registry.all_known() if not known.present and not known.witnessed}
    return {"a": sum(entry.owner in owners for here in ledger.values() for entry in here)}


def _settings(given: dict[str, Any]) -> GuestSettings:
    return GuestSettings(
        zone=ZONE,
        ttl=TTL,
        networks=(ip_network("192.0.2.0/24"), ip_network("2001:db8::/64")),
        reverse=(REVERSE,) if given.get("reverse") else (),
        publish=Publish(given.get("publish", "guest")),
        on_stop=OnStop(given.get("on_stop", "keep")),
        grace=float(given.get("grace", 60)),
        forbidden=frozenset({ip_address("192.0.2.53")}),
        proxy_addresses=(ip_address("203.0.113.5"),),
    )


def _put(registry: Registry, given: dict[str, Any]) -> frozenset[dns.name.Name]:
    """Let looks show the guest as the scenario has it."""
    addresses, heard = (
        tuple(Address(ip_address(text), origin) for text in given.get(key, []))
        for key, origin in (("addresses", Origin.LEASE), ("heard", Origin.ARP))
    )
    mac = given.get("mac") or "52:54:00:00:00:" + hashlib.sha256(given["id"].encode()).hexdigest()[:2]
    guest = Guest(
        GuestId(given["id"]),
        SourceName(given.get("source", "a")),
        given["name"],
        GuestState(given.get("state", "running")),
        (Interface(mac, "lab", addresses, heard),),
        GuestOptions(
            names=tuple(given.get("names", ())), publish=given.get("publish"), owner=given.get("owner")
        ),
        frozenset({ip_address("192.0.2.1")}),
    )
    asked = NOW - 1000 + given.get("asked", 0)
    known, names = registry.put(seen(None, guest, asked), asked)
    gone_for = given.get("gone_for")
    if gone_for is not None:
        looks = 1 if given["gone"] == "announced" else 3
        for look in range(looks):
            known = missed(known, NOW - gone_for + 2 * look, witnessed=given["gone"] == "announced")
        known, more = registry.put(known, NOW)
        names |= more
    return names


def _claim(given: dict[str, Any]) -> Claim:
    """Alice's claim, to a guest, an alias or an address; further ``records`` are lines as in ``served``."""
    target: Target = AddressTarget(IPv4Address(given.get("address", "198.51.100.7")))
    if "guest" in given:
        target = GuestTarget(GuestId(given["guest"]), direct=given.get("direct", False))
    elif "alias" in given:
        target = AliasTarget(dns.name.from_text(given["alias"]))
    found = [_rrset(line) for line in given.get("records", [])]
    records = tuple(ClaimRecord(one.name, one.type.name, one.ttl, tuple(one.values())) for one in found)
    state, name = ClaimState(given.get("state", "active")), dns.name.from_text(given["name"], ZONE)
    return Claim(ClaimId(given["id"]), name, "alice", state, target, NOW, NOW, NOW, records=records)


def _rrset(line: str) -> RRset:
    name, rdtype, *values = line.split(" ", 2)
    owner = dns.name.from_text(name, origin=ZONE)
    return rrset(owner, dns.rdatatype.from_text(rdtype), TTL, values[0].split(" and "))


def _short(found: RRset | None) -> str:
    assert found is not None
    return f"{_relative(found.name)} {found.type.name} {' and '.join(found.values())}"


def _relative(name: dns.name.Name) -> str:
    return name.relativize(ZONE).to_text(omit_final_dot=True)


def test_key_order_is_total() -> None:
    """Plans are sorted by key, so two keys must always compare."""
    assert min([Key(ZONE, dns.rdatatype.TXT), Key(ZONE, dns.rdatatype.A)]).type == dns.rdatatype.A
