"""Which addresses and names count for a guest, and which raise an alarm: who is believed about what."""

from ipaddress import ip_address, ip_network
from typing import Any

import dns.name
import pytest

from skulldns.model.guests import GuestOptions, Origin
from skulldns.model.namestate import NameState
from skulldns.model.policy import OnStop
from tests.unit.loopworld import ZONE, LoopWorld, guest

_MAC = "52:54:00:00:00:01"


def _world(**settings: Any) -> LoopWorld:
    world = LoopWorld(**settings)
    world.run(1)
    return world


def test_of_two_guests_with_one_mac_the_first_keeps_it_and_the_second_is_told() -> None:
    world = _world()
    world.source.put(guest("web", "192.0.2.10", mac=_MAC))
    world.run(1)
    world.source.put(guest("copy", "192.0.2.11", mac=_MAC.upper()))
    world.run(5)
    assert world.served() == {"web.vmsrv.test A": ["192.0.2.10"]}
    [refusal] = world.refusals("copy")
    assert refusal.startswith("address 192.0.2.11 (lease): guest web has its MAC 52:54:00:00:00:01 too; ")
    [alarm] = world.reporter.status(world.now).alarms
    assert alarm.guest == "copy"
    assert "52:54:00:00:00:01 of guest web" in alarm.what
    assert alarm.since == 1_000_002.0


def test_a_clone_with_mac_and_address_does_not_flap_and_takes_over_when_the_first_goes() -> None:
    world = _world(grace=0)
    world.source.put(guest("web", "192.0.2.10", mac=_MAC))
    world.run(5)
    world.ns1.messages.clear()
    for _ in range(20):
        world.source.put(guest("copy", "192.0.2.10", mac=_MAC))
        world.source.put(guest("web", "192.0.2.10", mac=_MAC))
        world.run(1)
    assert world.ns1.messages["update"] == 0
    assert len(world.alarm_texts()) == 1
    world.source.remove(guest("web").id)
    world.run(5)
    assert world.served() == {"copy.vmsrv.test A": ["192.0.2.10"]}
    assert world.pointers() == {"10": ["copy.vmsrv.test."]}
    assert world.alarm_texts() == []


def test_a_mac_decides_about_a_third_guest_that_wants_the_address() -> None:
    world = _world()
    for number, (name, mac) in enumerate([("web", _MAC), ("copy", _MAC), ("third", None)]):
        world.source.put(guest(name, f"192.0.2.1{min(number, 1)}", mac=mac))
        world.run(3)
    # The copy may not have 192.0.2.11, so the third guest may.
    assert world.served() == {"web.vmsrv.test A": ["192.0.2.10"], "third.vmsrv.test A": ["192.0.2.11"]}
    world.source.put(guest("web", "192.0.2.10"))
    world.run(5)
    assert world.served() == {"web.vmsrv.test A": ["192.0.2.10"], "copy.vmsrv.test A": ["192.0.2.11"]}


def test_a_mac_of_a_guest_that_is_gone_is_free_at_once() -> None:
    world = _world(grace=1000)
    world.source.put(guest("web", "192.0.2.10", mac=_MAC))
    world.run(3)
    world.source.remove(guest("web").id)
    world.source.put(guest("new", "192.0.2.11", mac=_MAC))
    world.run(3)
    assert world.served()["new.vmsrv.test A"] == ["192.0.2.11"]
    assert world.alarm_texts() == []


def test_the_first_guest_of_a_mac_keeps_its_address_while_it_is_stopped_and_no_other_gets_one_by_that() -> (
    None
):
    world = _world()
    for name, number in (("web", 10), ("copy", 11), ("third", 12)):
        world.source.put(guest(name, f"192.0.2.{number}", mac=_MAC))
        world.run(3)
    assert world.served() == {"web.vmsrv.test A": ["192.0.2.10"]}
    for name in ("web", "copy"):
        world.source.put(guest(name, mac=_MAC, running=False))
        world.run(3)
    assert world.served() == {"web.vmsrv.test A": ["192.0.2.10"], "third.vmsrv.test A": ["192.0.2.12"]}
    world.source.put(guest("web", "192.0.2.10", mac=_MAC))
    world.run(3)
    assert world.served() == {"web.vmsrv.test A": ["192.0.2.10"]}


@pytest.mark.parametrize("mac", ["", "00:00:00:00:00:00"])
def test_no_mac_is_nobodys(mac: str) -> None:
    world = _world()
    for number in (1, 2):
        world.source.put(guest(f"g{number}", f"192.0.2.{number}", mac=mac))
    world.run(3)
    assert len(world.served()) == 2
    assert world.alarm_texts() == []


@pytest.mark.parametrize("end", ["stopped", "undefined", "unseen"])
def test_a_guest_that_migrates_is_one_guest_and_never_without_its_name(end: str) -> None:
    world = _world(grace=0, on_stop=OnStop.WITHDRAW)
    there = world.other_source.name
    world.source.put(guest("web", "192.0.2.10"))
    world.run(2)
    world.other_source.put(guest("web", "192.0.2.10", source=there))
    world.run(2)
    if end == "stopped":
        world.source.put(guest("web", running=False))
    else:
        world.source.remove(guest("web").id, tell=end == "undefined")
    for _ in range(200):
        world.run(0.5)
        assert world.served() == {"web.vmsrv.test A": ["192.0.2.10"]}
    assert world.alarm_texts() == []
    known = world.engine.registry.known(guest("web").id)
    assert known is not None
    assert known.guest.source == there
    world.other_source.remove(guest("web").id)
    world.run(5)
    assert world.served() == {}


def test_a_guest_that_left_the_new_host_again_stays_with_the_old_one() -> None:
    world = _world(grace=0)
    world.source.put(guest("web", "192.0.2.10"))
    world.run(2)
    world.other_source.put(guest("web", "192.0.2.10", source=world.other_source.name))
    world.run(2)
    world.other_source.remove(guest("web").id, tell=False)
    world.run(61)
    world.source.remove(guest("web").id)
    world.run(5)
    assert world.served() == {}


def test_of_two_guests_with_one_address_the_first_keeps_it_and_an_alarm_is_raised() -> None:
    world = _world()
    world.source.put(guest("web", "192.0.2.10"))
    world.run(1)
    world.source.put(guest("copy", "192.0.2.10"))
    world.run(3)
    assert world.served() == {"web.vmsrv.test A": ["192.0.2.10"]}
    [alarm] = world.alarm_texts()
    assert alarm.startswith("guest copy has the address 192.0.2.10 of guest web; ")


def test_an_address_that_another_guest_gets_after_a_stop_is_the_others_and_no_alarm() -> None:
    world = _world()
    world.source.put(guest("web", "192.0.2.10"))
    world.run(3)
    world.source.put(guest("web", running=False))
    world.source.put(guest("db", "192.0.2.10"))
    world.run(5)
    assert world.served() == {"db.vmsrv.test A": ["192.0.2.10"]}
    assert world.pointers() == {"10": ["db.vmsrv.test."]}
    assert world.alarm_texts() == []
    world.source.put(guest("web"))  # it runs again, and has no address yet
    world.run(5)
    assert world.served() == {"db.vmsrv.test A": ["192.0.2.10"]}
    world.source.put(guest("web", "192.0.2.11"))
    world.run(5)
    assert world.served() == {"db.vmsrv.test A": ["192.0.2.10"], "web.vmsrv.test A": ["192.0.2.11"]}


def test_an_address_that_only_the_guest_vouches_for_is_listed_and_not_published() -> None:
    world = _world()
    world.source.put(guest("web", heard=["192.0.2.10", "fe80::1"]))
    world.run(3)
    assert world.served() == {}
    [refusal] = world.refusals("web")
    assert refusal.startswith("address 192.0.2.10 (arp): only the guest itself says so (arp); ")
    assert world.name("web").state is NameState.REFUSED
    assert world.alarm_texts() == []


def test_a_guest_that_answers_arp_for_anothers_address_is_named_and_changes_nothing() -> None:
    world = _world()
    world.source.put(guest("db", "192.0.2.7"))
    world.run(3)
    world.ns1.messages.clear()
    world.source.put(guest("web", "192.0.2.10", heard=["192.0.2.7"]))
    world.run(5)
    assert world.served() == {"db.vmsrv.test A": ["192.0.2.7"], "web.vmsrv.test A": ["192.0.2.10"]}
    [alarm] = world.alarm_texts()
    assert alarm.startswith("guest web answers ARP for 192.0.2.7, which is guest db's; ")
    world.source.put(guest("web", "192.0.2.10"))
    world.run(5)
    assert world.alarm_texts() == []


def test_where_arp_is_believed_the_host_s_word_still_goes_first() -> None:
    world = _world()
    world.source.put(guest("web", "192.0.2.7", origin=Origin.ARP))
    world.run(3)
    world.source.put(guest("db", "192.0.2.7"))
    world.run(3)
    assert world.served() == {"db.vmsrv.test A": ["192.0.2.7"]}
    assert any("guest web has the address 192.0.2.7" in alarm for alarm in world.alarm_texts())


@pytest.mark.parametrize(
    ("address", "believed"), [("192.0.2.1", False), ("192.0.2.1", True), ("192.0.2.241", False)]
)
def test_a_guest_that_claims_an_address_of_the_network_itself_is_an_alarm(
    address: str,
    believed: bool,  # noqa: FBT001 - a case
) -> None:
    world = _world(excluded=(ip_network("192.0.2.240/28"),))
    forbidden = frozenset({ip_address("192.0.2.1")})
    if believed:
        world.source.put(guest("web", address, origin=Origin.ARP, forbidden=forbidden))
    else:
        world.source.put(guest("web", heard=[address], forbidden=forbidden))
    world.run(3)
    assert world.served() == {}
    [alarm] = world.alarm_texts()
    assert alarm.startswith(f"guest web answers ARP for {address}, which is a gateway's")


@pytest.mark.parametrize(
    ("hostname", "whose"),
    [
        ("ns1", "which is reserved (ns*)"),
        ("NS1.vmsrv.test", "which is reserved (ns*)"),
        ("wpad", "which is reserved (wpad)"),
        ("db", "which is guest db's"),
        ("web", None),
        ("shop", None),
        ("localhost", None),
        ("debian", None),
        ("x\n$(reboot)", None),
        ("", None),
    ],
)
def test_a_host_name_asked_of_dhcp_has_no_effect(hostname: str, whose: str | None) -> None:
    world = _world()
    world.source.put(guest("db", "192.0.2.7"))
    world.source.put(guest("web", "192.0.2.10", hostnames=(hostname,), options=GuestOptions(names=("shop",))))
    world.run(5)
    assert set(world.served()) == {"db.vmsrv.test A", "web.vmsrv.test A", "shop.vmsrv.test A"}
    alarms = world.alarm_texts()
    assert len(alarms) == (whose is not None)
    if whose:
        assert alarms[0].startswith(f"guest web asked DHCP for the host name {hostname}, {whose}; ")


def test_what_guests_are_called_breaks_no_sentence_and_no_line_of_a_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = _world()
    name = 'web"\nALARM: $(reboot)\x1b[2J'
    with caplog.at_level("INFO"):
        world.source.put(
            guest(name, "192.0.2.10", mac=_MAC, identity="one", options=GuestOptions(names=("shop",)))
        )
        world.run(2)
        world.source.put(guest("copy", "192.0.2.10", mac=_MAC, hostnames=("shop",)))
        world.run(2)
    assert world.served() == {"shop.vmsrv.test A": ["192.0.2.10"]}
    said = [
        *world.alarm_texts(),
        *world.refusals("copy"),
        *(record.getMessage() for record in caplog.records),
    ]
    assert any("$(reboot)" in sentence for sentence in said)
    assert all(sentence.isprintable() for sentence in said)


def test_an_alarm_is_logged_when_it_comes_and_when_it_goes(caplog: pytest.LogCaptureFixture) -> None:
    world = _world()
    world.source.put(guest("db", "192.0.2.7"))
    world.source.put(guest("web", heard=["192.0.2.7"]))
    world.run(600)
    assert [record.levelname for record in caplog.records if "answers ARP" in record.getMessage()] == [
        "ERROR"
    ]
    caplog.clear()
    with caplog.at_level("INFO"):
        world.source.put(guest("web"))
        world.run(5)
    [over] = [record.getMessage() for record in caplog.records if "answers ARP" in record.getMessage()]
    assert over.startswith("the alarm is over: guest web")


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("2001:db8::10", None),
        ("fd00::10", None),
        ("fd01::10", "outside the networks"),
        ("fe80::10", "not an address others can reach"),
        ("fec0::10", "not an address others can reach"),
        ("ff02::1", "not an address others can reach"),
        ("::", "not an address others can reach"),
        ("::ffff:192.0.2.10", "not an address others can reach"),
        ("255.255.255.255", "not an address others can reach"),
        ("192.0.2.255", "broadcast"),
    ],
)
def test_which_addresses_count(address: str, reason: str | None) -> None:
    networks = [ip_network(text) for text in ("192.0.2.0/24", "2001:db8::/64", "fd00::/64")]
    if reason and "reach" in reason:
        networks += [ip_network("::/0"), ip_network("0.0.0.0/0")]  # even where the config is generous
    world = _world()
    world.settings = type(world.settings)(ZONE, 60, tuple(networks))
    world.begin()
    world.source.put(guest("web", address))
    world.run(3)
    if reason is None:
        assert world.served() == {"web.vmsrv.test AAAA": [address]}
    else:
        assert world.served() == {}
        assert reason in world.refusals("web")[0]


def test_a_guest_with_no_address_then_ipv4_then_ipv6_only() -> None:
    world = _world()
    world.source.put(guest("web"))
    world.run(3)
    assert world.served() == {}
    world.source.put(guest("web", "192.0.2.10"))
    world.run(3)
    assert world.served() == {"web.vmsrv.test A": ["192.0.2.10"]}
    world.source.put(guest("web", "2001:db8::10"))
    for _ in range(300):
        assert world.served()
        world.run(0.01)
    world.run(3)
    assert world.served() == {"web.vmsrv.test AAAA": ["2001:db8::10"]}
    assert world.pointers() == {}


def test_one_name_in_two_sources_stays_with_the_first() -> None:
    world = _world()
    other = world.other_source
    world.source.put(guest("web", "192.0.2.10", identity="one"))
    world.run(1)
    other.put(guest("web", "192.0.2.11", identity="two", source=other.name))
    world.run(3)
    world.ns1.messages.clear()
    for _ in range(10):
        other.put(guest("web", running=False, identity="two", source=other.name))
        other.put(guest("web", "192.0.2.11", identity="two", source=other.name))
        world.run(5)
    assert world.served() == {"web.vmsrv.test A": ["192.0.2.10"]}
    assert world.ns1.messages["update"] == 0
    assert world.name("web").owner == "web"


def test_a_running_guest_whose_address_changes_is_never_without_one() -> None:
    world = _world()
    world.source.put(guest("web", "192.0.2.10"))
    world.run(5)
    world.ns1.messages.clear()
    world.source.put(guest("web", "192.0.2.11"))
    for _ in range(20):
        world.run(0.001)
        assert world.served()["web.vmsrv.test A"] in (["192.0.2.10"], ["192.0.2.11"])
    assert world.served() == {"web.vmsrv.test A": ["192.0.2.11"]}
    assert world.ns1.messages["update"] == 1
    world.run(5)
    assert world.pointers() == {"11": ["web.vmsrv.test."]}


def test_a_change_of_one_guest_touches_it_and_its_rivals_only() -> None:
    world = _world()
    for number in range(200):
        world.source.put(
            guest(f"g{number}", f"192.0.2.{number + 1}", mac=f"52:54:00:00:01:{number // 2:02x}")
        )
    world.run(10)
    registry = world.engine.registry
    known = registry.known(guest("g7").id)
    assert known is not None
    _, touched = registry.put(known, world.now)
    own = {dns.name.from_text(label, ZONE) for label in ("g6", "g7")}
    assert {name for name in touched if name.is_subdomain(ZONE)} == own
    assert len(touched) == 4


def test_a_running_guest_keeps_its_address_when_another_takes_its_lease() -> None:
    world = LoopWorld()
    world.source.put(guest("web", "192.0.2.7"))
    world.source.put(guest("thief", "192.0.2.8"))
    world.run(3)
    world.source.put(guest("thief", "192.0.2.8", "192.0.2.7"))
    world.source.put(guest("web", None))
    world.run(5)
    assert world.served()["web.vmsrv.test A"] == ["192.0.2.7"]
    assert world.served()["thief.vmsrv.test A"] == ["192.0.2.8"]
    world.begin()  # also after a restart
    world.run(5)
    assert world.served()["web.vmsrv.test A"] == ["192.0.2.7"]
    alarms = world.reporter.status(world.now).alarms
    assert [alarm.guest for alarm in alarms] == ["thief"]


def test_an_address_of_a_stopped_guest_goes_to_the_next_one_that_runs() -> None:
    world = LoopWorld()
    world.source.put(guest("web", "192.0.2.7"))
    world.run(3)
    world.source.put(guest("web", None, running=False))
    world.source.put(guest("next", "192.0.2.7"))
    world.run(5)
    assert world.served().get("web.vmsrv.test A") is None
    assert world.served()["next.vmsrv.test A"] == ["192.0.2.7"]
    world.source.put(guest("web", None))  # started again, and not settled before it has an address
    world.run(5)
    assert world.served()["next.vmsrv.test A"] == ["192.0.2.7"]
