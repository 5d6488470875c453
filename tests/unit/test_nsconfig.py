"""What `ns config` renders; that the servers take it is tested in `contract`."""

import re
from collections.abc import Mapping
from dataclasses import replace

import dns.name
import dns.zone
import pytest
from jinja2 import PackageLoader

from skulldns.errors import ConfigError
from skulldns.targets.nsconfig.choice import one_server
from skulldns.targets.nsconfig.rendering import render
from skulldns.targets.nsconfig.settings import DEBIAN, Key, Role, Server, Settings, Software, View, Zone

TEMPLATES = PackageLoader("skulldns.targets.nsconfig")
OURS = Key(dns.name.from_text("skulldns"), "hmac-sha256")
THEIRS = Key(dns.name.from_text("skulldns-ns2"), "hmac-sha512")
NS1 = Server("192.0.2.53", 53, OURS)
NS2 = Server("192.0.2.54", 53, THEIRS)
NS3 = Server("2001:db8::54", 5353, THEIRS)
ZONE = Zone(dns.name.from_text("vmsrv.test"), NS1, (NS2, NS3))
REVERSE = Zone(dns.name.from_text("0/25.2.0.192.in-addr.arpa"), NS1, (NS2,), types={"PTR"})

PRIMARIES = [Software.BIND, Software.KNOT, Software.POWERDNS]
BOTH = [
    (software, role)
    for software in Software
    for role in Role
    if (software, role) != (Software.NSD, Role.PRIMARY)
]


def settings(software: Software, role: Role = Role.PRIMARY, **changes: object) -> Settings:
    server = NS1 if role is Role.PRIMARY else NS2
    return replace(Settings(software, role, server, (ZONE, REVERSE), DEBIAN[software]), **changes)  # type: ignore[arg-type]


def text(software: Software, role: Role = Role.PRIMARY, **changes: object) -> str:
    return "\n".join(files(software, role, **changes).values())


def files(software: Software, role: Role = Role.PRIMARY, **changes: object) -> Mapping[str, str]:
    return render(settings(software, role, **changes), TEMPLATES)


def without_comments(found: str) -> str:
    return re.sub(r"(?m)^\s*(#|//|;).*\n", "", found)


@pytest.mark.parametrize(("software", "role"), BOTH)
def test_every_zone_peer_and_key_is_in_it(software: Software, role: Role) -> None:
    found = without_comments(text(software, role))
    for zone in ("vmsrv.test", "0/25.2.0.192.in-addr.arpa"):
        assert zone in found
    assert ("192.0.2.54" if role is Role.PRIMARY else "192.0.2.53") in found
    assert "skulldns-ns2" in found


@pytest.mark.parametrize(("software", "role"), BOTH)
def test_a_secondary_knows_its_own_key_only(software: Software, role: Role) -> None:
    keys = set(re.findall(r"(?:/etc/\w+/)([\w-]+)\.(?:key|secret)", text(software, role)))
    assert keys == ({"skulldns", "skulldns-ns2"} if role is Role.PRIMARY else {"skulldns-ns2"})


@pytest.mark.parametrize(("software", "role"), BOTH)
def test_every_line_of_a_template_makes_sense_with_every_option(software: Software, role: Role) -> None:
    catalog = None if software in {Software.NSD, Software.POWERDNS} else dns.name.from_text("catalog.test")
    for found in (
        text(software, role),
        text(software, role, dnssec=True, catalog=catalog, managers=("192.0.2.9",)),
    ):
        assert "{{" not in found
        assert "{%" not in found
        assert "None" not in found
        assert max(map(len, found.splitlines())) < 140


def test_names_of_files_have_no_slash() -> None:
    assert "zones/0-25.2.0.192.in-addr.arpa.zone" in files(Software.BIND)


def test_a_first_zone_is_a_zone_with_the_names_of_its_servers() -> None:
    found = files(Software.KNOT)
    zone = dns.zone.from_text(found["zones/vmsrv.test.zone"], "vmsrv.test")
    assert {str(ns) for ns in zone.find_rdataset("@", "NS")} == {"ns1", "ns2", "ns3"}
    assert zone.find_rdataset("ns3", "AAAA")
    reverse = dns.zone.from_text(found["zones/0-25.2.0.192.in-addr.arpa.zone"], "0/25.2.0.192.in-addr.arpa")
    assert {str(ns) for ns in reverse.find_rdataset("@", "NS")} == {"ns1.vmsrv.test.", "ns2.vmsrv.test."}


def test_a_zone_without_a_file_gives_no_right_to_other_types() -> None:
    assert 'grant "skulldns" zonesub PTR;' in text(Software.BIND)
    assert "update-type: [PTR]" in text(Software.KNOT)


@pytest.mark.parametrize("software", PRIMARIES)
def test_dnssec_is_an_option(software: Software) -> None:
    word = {
        Software.BIND: "dnssec-policy default",
        Software.KNOT: "dnssec-signing",
        Software.POWERDNS: "secure-zone",
    }
    assert word[software] not in text(software)
    assert word[software] in text(software, dnssec=True)


@pytest.mark.parametrize(
    ("software", "role", "changes", "words"),
    [
        (Software.NSD, Role.PRIMARY, {}, "takes no updates"),
        (Software.NSD, Role.SECONDARY, {"catalog": dns.name.from_text("c.test")}, "no catalog zones"),
        (Software.POWERDNS, Role.SECONDARY, {"catalog": dns.name.from_text("c.test")}, "without a key"),
        (Software.KNOT, Role.PRIMARY, {"views": (View("inside", (OURS,), ()),)}, "has no views"),
    ],
)
def test_what_a_server_cannot_do_is_told(
    software: Software, role: Role, changes: Mapping[str, object], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        text(software, role, **changes)


@pytest.mark.parametrize("bad", ['x"; include "/etc/shadow', "x\ny", "x;y", "x'y", "$(reboot)", "{x}", "x\\"])
def test_values_cannot_leave_their_place(bad: str) -> None:
    for software in Software:
        broken = replace(DEBIAN[software], data=f"/srv/{bad}")
        with pytest.raises(ConfigError, match="cannot stand in a name server's configuration"):
            text(software, Role.SECONDARY, places=broken)


def test_the_only_server_of_a_role_is_meant() -> None:
    server, served = one_server([ZONE, REVERSE], Role.PRIMARY, None)
    assert (server, served) == (NS1, (ZONE, REVERSE))


def test_one_of_several_servers_is_named_by_its_address() -> None:
    with pytest.raises(
        ConfigError, match=r"several servers of this role: 192.0.2.54 port 53, 2001:db8::54 port 5353"
    ):
        one_server([ZONE, REVERSE], Role.SECONDARY, None)
    assert one_server([ZONE, REVERSE], Role.SECONDARY, "2001:db8::54") == (NS3, (ZONE,))
    with pytest.raises(ConfigError, match=r"no zone has a secondary at 192\.0\.2\.1"):
        one_server([ZONE], Role.SECONDARY, "192.0.2.1")
