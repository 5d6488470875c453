"""Whom a change on this host concerns."""

from ipaddress import ip_address

from skulldns.model.guests import Address, Guest, GuestId, GuestState, Interface, Origin, SourceName
from skulldns.sources.host.holders import Holders

_MAC, _OTHER = "00:16:3e:00:00:01", "00:16:3e:00:00:02"
_LEASED, _HEARD, _NEW = map(ip_address, ("192.0.2.1", "192.0.2.2", "2001:db8::3"))
_WEB, _WIKI = GuestId("lxc:web"), GuestId("lxc:wiki")


def _guest(identity: GuestId, mac: str) -> Guest:
    nic = Interface(mac, "lab", (Address(_LEASED, Origin.LEASE),), (Address(_HEARD, Origin.ARP),))
    return Guest(identity, SourceName("lxc"), identity, GuestState.RUNNING, (nic,))


def _holders() -> Holders:
    holders = Holders()
    holders.saw_all([_guest(_WEB, _MAC)])
    holders.saw(_WIKI, _guest(_WIKI, _OTHER))
    return holders


def test_guests_are_found_by_their_macs() -> None:
    assert [*_holders().with_macs({_OTHER, "00:16:3e:00:00:03"})] == [_WIKI]


def test_an_address_that_a_look_has_shown_surprises_nobody() -> None:
    assert [*_holders().surprised_by({(_MAC, _LEASED), (_OTHER, _HEARD)})] == []


def test_an_address_that_no_look_has_shown_concerns_its_claimant_only() -> None:
    assert [*_holders().surprised_by({(_MAC, _NEW), (_OTHER, _LEASED)})] == [_WEB]


def test_a_guest_that_is_gone_is_nobody() -> None:
    holders = _holders()
    holders.saw(_WEB, None)
    assert [*holders.with_macs({_MAC})] == []
    holders.saw_all([])
    assert [*holders.surprised_by({(_OTHER, _NEW)})] == []
