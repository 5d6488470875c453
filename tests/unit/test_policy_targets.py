"""What a claim may lead to, and what may stand beside it."""

from collections.abc import Sequence
from dataclasses import fields, replace
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import dns.name
import pytest
from dns.name import Name
from hypothesis import given
from hypothesis import strategies as st

from skulldns.desired.policy.options import applying, judge_access, judge_options
from skulldns.desired.policy.records import judge_records
from skulldns.desired.policy.rules import Rules
from skulldns.desired.policy.targets import Facts, judge_target
from skulldns.errors import Refused
from skulldns.model.claims import (
    AddressTarget,
    AliasTarget,
    ClaimRecord,
    GuestTarget,
    RedirectTarget,
    Target,
)
from skulldns.model.guests import GuestId, GuestState
from skulldns.model.sites import BasicAuth, Header, Scheme, SiteOptions
from skulldns.model.views import GuestView

ZONE = dns.name.from_text("vmsrv.example.org.")
WIKI = dns.name.from_text("wiki", ZONE)
OWN = dns.name.from_text("www.member.test.")
RULES = Rules(
    zones=(ZONE,),
    own_zones=(ZONE,),
    page=dns.name.from_text("names.club.test."),
    networks=(ip_network("198.51.100.0/24"),),
    excluded=(ip_network("8.8.8.0/24"),),
    forbidden=frozenset({ip_address("203.0.113.5"), ip_address("1.1.1.1")}),
    address_networks=(ip_network("203.0.113.0/24"), ip_network("2001:db8::/32"), ip_network("127.0.0.0/8")),
)
MINE = GuestView(GuestId("mine"), "web", "libvirt", "alice", GuestState.RUNNING)
THEIRS = replace(MINE, id=GuestId("theirs"), owner="bob")
DAY = 86_400.0
NOWHERE = AddressTarget()


def target(wanted: Target, facts: Facts = Facts(), name: Name = WIKI) -> Target:  # noqa: B008 - frozen
    return judge_target(wanted, name, "alice", facts, RULES)


def test_own_guests_may_be_shown() -> None:
    for scheme in (Scheme.HTTP, Scheme.HTTPS):
        target(GuestTarget(MINE.id, 8080, scheme), Facts(guest=MINE))
        target(GuestTarget(MINE.id, 8080, scheme), Facts(guest=MINE), OWN)
    target(GuestTarget(MINE.id, direct=True), Facts(guest=MINE))


@pytest.mark.parametrize("guest", [None, THEIRS, replace(MINE, owner=None)])
def test_anothers_guest_and_no_guest_get_one_answer(guest: GuestView | None) -> None:
    with pytest.raises(Refused, match="no such guest of yours"):
        target(GuestTarget(GuestId("x")), Facts(guest=guest))


@pytest.mark.parametrize("port", [0, 65_536, -1, "80;"])
def test_ports_are_ports(port: int) -> None:
    with pytest.raises(Refused, match="port"):
        target(GuestTarget(MINE.id, port), Facts(guest=MINE))


def test_a_guest_is_talked_to_by_http_and_a_domain_elsewhere_only_through_the_proxy() -> None:
    with pytest.raises(Refused, match="grpc"):
        target(GuestTarget(MINE.id, 80, Scheme.GRPC), Facts(guest=MINE))
    with pytest.raises(Refused, match="served by the proxy"):
        target(GuestTarget(MINE.id, direct=True), Facts(guest=MINE), OWN)
    with pytest.raises(Refused, match="no proxy"):
        judge_target(GuestTarget(MINE.id), WIKI, "alice", Facts(guest=MINE), replace(RULES, proxy=False))


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "169.254.169.254", "0.0.0.0", "255.255.255.255", "224.0.0.1", "240.0.0.1", "10.0.0.1"),  # noqa: S104
        *("203.0.113.5", "1.1.1.1", "8.8.8.8", "198.51.100.7", "192.168.1.1", "100.64.0.1"),
        *("::1", "::", "::ffff:127.0.0.1", "::ffff:9.9.9.9", "fe80::1", "fe80::1%eth0", "ff02::1", "fc00::1"),
        *("fd00:ec2::254", "2002:7f00:1::", "64:ff9b::7f00:1", "fec0::1"),
    ],
)
def test_an_address_that_is_not_the_members_to_give_is_refused(address: str) -> None:
    found = ip_address(address)
    wanted = AddressTarget(found) if isinstance(found, IPv4Address) else AddressTarget(None, found)
    with pytest.raises(Refused, match=r"give the address|choose the guest"):
        target(wanted)


def test_public_and_allowed_addresses_may_be_given_but_not_those_of_anothers_guest() -> None:
    wanted = AddressTarget(IPv4Address("203.0.113.9"), IPv6Address("2001:db8::9"))
    assert target(wanted) == wanted
    target(AddressTarget(IPv4Address("9.9.9.9"), IPv6Address("2606:4700::1")))
    target(wanted, Facts(at_address=(MINE,)))
    with pytest.raises(Refused, match="another's guest"):
        target(wanted, Facts(at_address=(MINE, THEIRS)))


@given(st.ip_addresses())
def test_no_address_within_the_host_or_the_link_is_ever_given(address: IPv4Address | IPv6Address) -> None:
    wanted = AddressTarget(address) if isinstance(address, IPv4Address) else AddressTarget(None, address)
    try:
        target(wanted)
    except Refused:
        return
    assert address.is_global or any(
        address in one for one in RULES.address_networks if one.version == address.version
    )
    assert not any((address.is_loopback, address.is_link_local, address.is_multicast))
    assert address not in RULES.forbidden


@pytest.mark.parametrize(
    ("goal", "owner", "free"),
    [
        ("pages.host.test.", None, True),
        ("other.vmsrv.example.org.", "alice", True),
        ("other.vmsrv.example.org.", "bob", False),
        ("other.vmsrv.example.org.", None, False),
        ("vmsrv.example.org.", None, False),
        ("wiki.vmsrv.example.org.", "alice", False),
        ("a.wiki.vmsrv.example.org.", "alice", False),
        ("names.club.test.", None, False),
        ("localhost.", None, False),
        ("x.localhost.", None, False),
        ("4.3.2.1.", None, False),
        ("under_score.host.test.", None, False),
        ("*.host.test.", None, False),
    ],
)
def test_an_alias_leads_outside_or_to_ones_own(goal: str, owner: str | None, free: bool) -> None:  # noqa: FBT001 - a table
    wanted = AliasTarget(dns.name.from_text(goal))
    if free:
        assert target(wanted, Facts(goal_owner=owner)) == wanted
    else:
        with pytest.raises(Refused):
            target(wanted, Facts(goal_owner=owner))


def test_in_a_zone_of_the_members_own_we_write_no_record() -> None:
    for wanted in (
        AliasTarget(dns.name.from_text("pages.host.test.")),
        AddressTarget(IPv4Address("9.9.9.9")),
    ):
        with pytest.raises(Refused, match="no record"):
            target(wanted, name=OWN)


@pytest.mark.parametrize(
    "url",
    [
        *(
            "http://127.0.0.1:2019/",
            "http://2130706433/",
            "http://[::ffff:127.0.0.1]/",
            "unix:/run/x",
            "ftp://a.test/",
        ),
        *(
            "https://a.test:0/",
            "https://a.test:65536/",
            "https://a.test:-1/",
            "https://a.test:80;/",
            "javascript:x",
        ),
        *(
            "https://user@a.test/",
            "https://a.test/#x",
            "https://a.test/ x",
            'https://a.test/"',
            "https://a.test/\\",
        ),
        *(
            "https://a.test/$host",
            "https://a.test/{{config}}",
            "https://a.test\r\nX: y",
            "https://",
            "//a.test/",
            "",
        ),
        *(
            "https://localhost/",
            "https://x.localhost/",
            "https://1.2.3/",
            "https://wiki.vmsrv.example.org/",
            "a.test",
        ),
        "https://a.test/" + "x" * 3000,
    ],
)
def test_a_redirect_leads_to_a_public_web_address(url: str) -> None:
    with pytest.raises(Refused):
        target(RedirectTarget(url))


def test_a_redirect_is_kept_in_one_form() -> None:
    kept = RedirectTarget("https://a.test:8443/x?y=%20")
    assert target(RedirectTarget("HTTPS://A.Test:8443/x?y=%20")) == kept
    assert target(kept) == kept
    assert target(RedirectTarget("https://bücher.test/a")) == RedirectTarget("https://xn--bcher-kva.test/a")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://a.test/#top", "after #"),
        ("https://a.test/ä", "'ä' after the host; write it as %C3%A4"),
        ("https://a.test/a b", "' ' after the host; write it as %20"),
        ('https://a.test/?x="', "after the host; write it as %22"),
        ("a.test", "write it as https://host/path"),
    ],
)
def test_what_is_wrong_with_a_redirect_is_said(url: str, said: str) -> None:
    with pytest.raises(Refused) as refused:
        target(RedirectTarget(url))
    assert said in str(refused.value)


def records(*wanted: ClaimRecord, leads_to: Target = NOWHERE, name: Name = WIKI) -> Sequence[ClaimRecord]:
    return judge_records(wanted, name, leads_to, RULES)


def record(label: str, rdtype: str, *values: str, ttl: int = 300) -> ClaimRecord:
    return ClaimRecord(dns.name.from_text(label, WIKI) if label else WIKI, rdtype, ttl, values)


@pytest.mark.parametrize(
    "wanted",
    [
        record("", "TXT", '"v=spf1 -all"'),
        record("", "TXT", '"a \\" quote; a \\\\ backslash"'),
        record("mail", "MX", "10 mx.host.test."),
        record("", "MX", "0 ."),
        record("_sip._tcp", "SRV", "1 2 5060 sip.host.test."),
        record("", "CAA", '0 issue "ca.test"'),
        record("", "SSHFP", "4 2 " + "ab" * 32),
        record("_443._tcp", "TLSA", "3 1 1 " + "ab" * 32),
        record("_dmarc", "TXT", '"v=DMARC1"'),
    ],
    ids=lambda one: f"{one.name} {one.type}",
)
def test_useful_records_may_be_set(wanted: ClaimRecord) -> None:
    assert records(wanted) == (wanted,)


@pytest.mark.parametrize(
    "wanted",
    [
        *(
            record("", kind, "x.host.test.")
            for kind in ("A", "NS", "CNAME", "PTR", "SOA", "DNAME", "ANY", "TYPE1", "")
        ),
        record("_acme-challenge", "TXT", '"x"'),
        record("_skulldns", "TXT", '"x"'),
        record("*", "TXT", '"x"'),
        record("a.b.c.d.e.f", "TXT", '"x"'),
        record("", "TXT", '"' + "x" * 3000 + '"'),
        record("", "TXT", "a\nb IN A 192.0.2.1"),
        record("", "TXT"),
        record("", "TXT", *(f'"{number}"' for number in range(11))),
        record("", "TXT", *('"' + f"{number}" * 250 + '"' for number in range(9))),
        record("", "TXT", '"x"', ttl=0),
        record("", "TXT", '"x"', ttl=1 << 31),
        record("", "MX", "10 under_score.host.test."),
        record("", "MX", "10 1.2.3.4."),
        record("", "MX", "mx.host.test."),
        record("", "SRV", "1 2 5060 sip.host.test."),
        record("_x y._tcp", "SRV", "1 2 5060 sip.host.test."),
        record("_a._b", "MX", "10 mx.host.test."),
        ClaimRecord(OWN, "TXT", 300, ('"x"',)),
    ],
    ids=lambda one: f"{one.name} {one.type}",
)
def test_other_records_are_refused(wanted: ClaimRecord) -> None:
    with pytest.raises(Refused) as refused:
        records(wanted)
    assert refused.value.cure


@pytest.mark.parametrize(
    "value", ["v=DMARC1; p=none", "v=spf1 -all", "a  b", '"a" b', '"a";b', 'x"y z"', ";"]
)
def test_text_with_blanks_or_semicolons_is_to_be_quoted(value: str) -> None:
    with pytest.raises(Refused) as refused:
        records(record("", "TXT", value))
    assert "in quotes" in (refused.value.cure or "")


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("plain", '"plain"'),
        ('"v=DMARC1; p=none"', '"v=DMARC1; p=none"'),
        ('"a b" "c;d"', '"a b" "c;d"'),
        (r'"say \"a; b\""', r'"say \"a; b\""'),
        ('"' + "k" * 600 + '"', f'"{"k" * 255}" "{"k" * 255}" "{"k" * 90}"'),
        ("k" * 256, f'"{"k" * 255}" "k"'),
        ('"a" "' + "k" * 256 + '"', f'"a" "{"k" * 255}" "k"'),
        ('"' + "é" * 128 + '"', None),
    ],
)
def test_text_is_kept_as_strings_of_at_most_255_bytes(value: str, kept: str | None) -> None:
    [found] = records(record("", "TXT", value))
    if kept is not None:
        assert found.values == (kept,)
    assert records(found) == (found,)


def test_records_have_limits_together() -> None:
    one = record("", "TXT", '"x"')
    with pytest.raises(Refused, match="twice"):
        records(one, one)
    with pytest.raises(Refused, match="too many"):
        records(*(record(f"a{number}", "TXT", '"x"') for number in range(21)))
    with pytest.raises(Refused, match="beside an alias"):
        records(one, leads_to=AliasTarget(OWN))
    records(record("below", "TXT", '"x"'), leads_to=AliasTarget(OWN))
    with pytest.raises(Refused, match="no record"):
        records(replace(one, name=OWN), name=OWN)


@pytest.mark.parametrize(
    "options",
    [
        SiteOptions(redirect="https://a.test"),
        SiteOptions(hsts=-1),
        SiteOptions(hsts=1 << 40),
        SiteOptions(body_size=0),
        SiteOptions(body_size=1 << 40),
        SiteOptions(basic_auth=BasicAuth("off", (("alice", "$2y$12$" + "a" * 53),))),
        SiteOptions(basic_auth=BasicAuth("x", ())),
        SiteOptions(basic_auth=BasicAuth("x", (("alice", "plain"),))),
        SiteOptions(basic_auth=BasicAuth("x", (("a:b", "$2y$12$" + "a" * 53),))),
        SiteOptions(headers=((Header.X_FRAME_OPTIONS, "DENY\r\nSet-Cookie: x"),)),
        SiteOptions(headers=((Header.X_FRAME_OPTIONS, '"; return 200;'),)),
        SiteOptions(headers=((Header.X_FRAME_OPTIONS, "$host"),)),
        SiteOptions(headers=((Header.X_FRAME_OPTIONS, "a"), (Header.X_FRAME_OPTIONS, "b"))),
        SiteOptions(allow=(ip_network("192.0.2.0/24"),) * 51),
    ],
)
def test_options_beyond_policy_are_refused(options: SiteOptions) -> None:
    with pytest.raises(Refused):
        judge_options(options, RULES)


@pytest.mark.parametrize(
    ("options", "members_only"),
    [
        (SiteOptions(), True),
        (SiteOptions(allow=(ip_network("192.0.2.0/24"),)), False),
        (SiteOptions(deny=(ip_network("192.0.2.0/24"),)), False),
        (SiteOptions(basic_auth=BasicAuth("x", (("alice", "$2y$12$" + "a" * 53),))), False),
    ],
)
@pytest.mark.parametrize(
    ("target", "why"),
    [
        (RedirectTarget("https://a.test/"), "before anybody is asked"),
        (AliasTarget(dns.name.from_text("a.test")), "does not see who comes"),
        (AddressTarget(), "does not see who comes"),
        (GuestTarget(MINE.id, direct=True), "does not see who comes"),
    ],
)
def test_only_a_guests_site_asks_who_comes(
    target: Target,
    why: str,
    options: SiteOptions,
    members_only: bool,  # noqa: FBT001 - a table
) -> None:
    with pytest.raises(Refused, match=why):
        judge_access(target, options, members_only=members_only)
    judge_access(GuestTarget(MINE.id), options, members_only=members_only)
    judge_access(target, SiteOptions(http=True, hsts=1), members_only=False)


def test_the_options_of_a_name_are_those_that_have_an_effect() -> None:
    every = {field.name for field in fields(SiteOptions)} - {"redirect", "forward_auth"} | {"members_only"}
    assert applying(GuestTarget(MINE.id)) == every
    assert applying(RedirectTarget("https://a.test/")) == {"http", "hsts", "headers"}
    assert applying(GuestTarget(MINE.id, direct=True)) == frozenset()


def test_other_options_are_kept() -> None:
    options = SiteOptions(http=True, hsts=DAY.__trunc__(), headers=((Header.X_FRAME_OPTIONS, "DENY"),))
    assert judge_options(options, RULES) == options
