"""What Incus' and LXD's JSON means; the shapes are those of LXD 5.0 and Incus 6."""

from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skulldns.model.guests import Address, GuestState, IPAddress, Origin, Trust
from skulldns.sources.incus.addresses import hostnames, interfaces
from skulldns.sources.incus.answers import (
    BadAnswer,
    Instance,
    Lease,
    parse_instance,
    parse_instances,
    parse_leases,
    parse_networks,
)

_MAC = "00:16:3e:f1:b3:0f"
_UUID = "67e553a5-76d2-4059-a7c5-d8f7e411da05"
_EUI64 = "2001:db8:5:0:216:3eff:fef1:b30f"
_NOBODY = Trust()

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


def ips(*texts: str) -> tuple[IPAddress, ...]:
    return tuple(ip_address(text) for text in texts)


def answer(
    *,
    config: Mapping[str, str] | None = None,
    nic: Mapping[str, str] | None = None,
    network: Mapping[str, Any] | None = None,
    **other: object,
) -> dict[str, Any]:
    """An instance as the API has it, with one NIC."""
    return {
        "name": "web",
        "project": "default",
        "status": "Running",
        "status_code": 103,
        "config": {},
        "expanded_config": {"volatile.uuid": _UUID, "volatile.eth0.hwaddr": _MAC.upper(), **(config or {})},
        "expanded_devices": {
            "root": {"type": "disk", "path": "/", "pool": "default"},
            "eth0": {"type": "nic", "name": "eth0", "network": "lxdbr0", **(nic or {})},
        },
        "state": {"status": "Running", "network": network},
        **other,
    }


def inside(*addresses: str, mac: str = _MAC) -> dict[str, Any]:
    """What is set inside of an instance, as its state has it."""
    listed = [
        {"family": "inet", "address": address, "netmask": "24", "scope": "global"} for address in addresses
    ]
    return {"hwaddr": mac, "host_name": "veth1", "state": "up", "addresses": listed}


def lease(address: str, **other: str) -> dict[str, str]:
    return {
        "hostname": "web",
        "hwaddr": _MAC,
        "address": address,
        "type": "dynamic",
        "location": "none",
        **other,
    }


def addresses(instance: Instance, *leases: Mapping[str, str], trust: Trust = _NOBODY) -> list[Address]:
    found = interfaces(instance, parse_leases(list(leases)).by_mac, {}, trust)
    return [address for one in found for address in one.addresses]


# ------------------------------------------------------------------------------------------------------ instances


def test_an_instance_has_its_host_s_view() -> None:
    instance = parse_instance(answer(config={"user.skulldns.owner": "alice"}), "default")
    assert (instance.project, instance.name, instance.uuid) == ("default", "web", _UUID)
    assert instance.state is GuestState.RUNNING
    [nic] = instance.nics
    assert (nic.mac, nic.network, nic.static) == (_MAC, "lxdbr0", ())
    assert instance.options.owner == "alice"


@pytest.mark.parametrize(
    ("code", "state"),
    [
        (102, GuestState.STOPPED),
        (103, GuestState.RUNNING),
        (110, GuestState.RUNNING),  # frozen
        (106, GuestState.RUNNING),  # starting
        (113, GuestState.RUNNING),  # ready
        (112, None),  # the daemon cannot tell
        (100, None),
        (None, None),
        ("103", None),
    ],
)
def test_whatever_is_not_off_runs_and_an_error_is_no_state(code: object, state: GuestState | None) -> None:
    assert parse_instance(answer(status_code=code), "default").state is state


def test_an_instance_whose_state_failed_has_a_name_only() -> None:
    broken = {"name": "web", "status": "Error", "status_code": 112, "location": "none"}
    instance = parse_instance(broken, "second")
    assert (instance.project, instance.name, instance.uuid, instance.state) == ("second", "web", None, None)


def test_a_state_without_the_configuration_is_not_believed() -> None:
    assert parse_instance({"name": "web", "status_code": 102}, "default").state is None


@pytest.mark.parametrize("bad", [None, [], {}, {"name": ""}, {"name": 5}, "web"])
def test_an_instance_without_a_name_is_none(bad: object) -> None:
    with pytest.raises(BadAnswer, match="no name"):
        parse_instance(bad, "default")


@pytest.mark.parametrize("bad", ["", "no uuid", "x" * 10_000])
def test_an_identity_that_is_none_is_left_out(bad: str) -> None:
    assert parse_instance(answer(config={"volatile.uuid": bad}), "default").uuid is None


def test_an_empty_list_may_be_null() -> None:
    assert parse_instances(None, "default") == parse_instances([], "default") == []


@given(_JSON)
def test_any_json_is_read_or_refused(value: object) -> None:
    for parse in (lambda one: parse_instances(one, "p"), parse_networks, parse_leases):
        try:
            parse(value)
        except BadAnswer:
            continue


@given(st.dictionaries(st.sampled_from(sorted(answer())), _JSON))
def test_any_value_in_an_instance_is_read_or_dropped(values: dict[str, object]) -> None:
    assert parse_instance({**answer(), **values, "name": "web"}, "p").name == "web"


# -------------------------------------------------------------------------------------------------------- options


def test_options_are_read_from_the_expanded_configuration() -> None:
    config = {
        "user.skulldns.owner": " alice ",
        "user.skulldns.port": "8080",
        "user.skulldns.names": "wiki, www,wiki  docs",
        "user.skulldns.publish": "proxy",
        "user.skulldns.https": "off",
        "user.other": "x",
    }
    options = parse_instance(answer(config=config), "default").options
    assert (options.owner, options.port, options.names) == ("alice", 8080, ("wiki", "www", "docs"))
    assert (options.publish, options.https) == ("proxy", "off")


def test_what_the_instance_s_own_configuration_says_alone_does_not_count() -> None:
    """A profile's word is the admin's too, and the expanded configuration has both."""
    own = answer()
    own["config"] = {"user.skulldns.owner": "mallory"}
    assert parse_instance(own, "default").options.owner is None


@pytest.mark.parametrize("port", ["x", "-1", "8080 80", "８０"])
def test_a_port_that_is_no_number_is_passed_on_as_written(port: str) -> None:
    assert parse_instance(answer(config={"user.skulldns.port": port}), "default").options.port == port


def test_values_that_are_too_long_are_cut_and_marked() -> None:
    config = {"user.skulldns.owner": "a" * 256, "user.skulldns.names": f"web {'b' * 256}"}
    options = parse_instance(answer(config=config), "default").options
    assert (options.owner, options.names) == ("a" * 255 + "…", ("web", "b" * 255 + "…"))


# ------------------------------------------------------------------------------------------------------ addresses


def test_a_lease_counts() -> None:
    instance = parse_instance(answer(), "default")
    assert addresses(instance, lease("198.51.100.6")) == [Address(ip_address("198.51.100.6"), Origin.LEASE)]


def test_another_mac_s_lease_does_not_count() -> None:
    instance = parse_instance(answer(), "default")
    assert addresses(instance, lease("198.51.100.6", hwaddr="00:16:3e:00:00:01")) == []


def test_static_addresses_of_the_definition_come_first_and_count_when_it_is_stopped() -> None:
    nic = {"ipv4.address": "198.51.100.9", "ipv6.address": "2001:db8:5::9"}
    running = parse_instance(answer(nic=nic), "default")
    stopped = parse_instance(answer(nic=nic, status_code=102), "default")
    static = [Address(ip, Origin.STATIC) for ip in ips("198.51.100.9", "2001:db8:5::9")]
    assert addresses(running, lease("198.51.100.6"))[:2] == static
    assert addresses(stopped, lease("198.51.100.6")) == static


@pytest.mark.parametrize("written", ["none", "auto", "", "198.51.100.300"])
def test_a_word_is_no_static_address(written: str) -> None:
    assert addresses(parse_instance(answer(nic={"ipv4.address": written}), "default")) == []


def test_a_routed_nic_has_several_addresses_and_the_host_s_end_is_forbidden() -> None:
    nic = {
        "nictype": "routed",
        "ipv4.address": "198.51.100.9, 198.51.100.10/32",
        "ipv4.host_address": "198.51.100.1",
    }
    [found] = parse_instance(answer(nic=nic), "default").nics
    assert found.static == ips("198.51.100.9", "198.51.100.10")
    assert found.host == {ip_address("198.51.100.1")}


def test_an_address_for_slaac_counts_only_when_the_guest_uses_it() -> None:
    """The daemon reckons it from the MAC of each instance, even of one that has no IPv6."""
    unused = parse_instance(answer(network={"eth0": inside("198.51.100.6")}), "default")
    used = parse_instance(answer(network={"eth0": inside("198.51.100.6", _EUI64)}), "default")
    assert addresses(unused, lease(_EUI64)) == []
    assert addresses(used, lease(_EUI64)) == [Address(ip_address(_EUI64), Origin.LEASE)]


def test_a_static_ipv6_lease_counts_without_the_guest() -> None:
    instance = parse_instance(answer(), "default")
    assert addresses(instance, lease(_EUI64, type="static")) == [Address(ip_address(_EUI64), Origin.LEASE)]


def test_what_is_set_inside_is_heard_and_counts_where_the_config_says_so() -> None:
    instance = parse_instance(answer(network={"eth0": inside("198.51.100.77")}), "default")
    [unasked] = interfaces(instance, {}, {}, _NOBODY)
    told = (Address(ip_address("198.51.100.77"), Origin.AGENT),)
    assert (unasked.addresses, unasked.heard) == ((), told)
    trust = Trust(agent=(ip_network("198.51.100.0/24"),))
    assert addresses(instance, trust=trust) == [*told]


def test_bridges_and_tunnels_inside_drop_out() -> None:
    network = {
        "eth0": inside("198.51.100.77"),
        "docker0": inside("172.17.0.1", mac="02:42:00:00:00:01"),
        "lo": inside("127.0.0.1", mac=""),
        "wg0": inside("203.0.113.1", mac=""),
    }
    [found] = interfaces(parse_instance(answer(network=network), "default"), {}, {}, _NOBODY)
    assert [address.ip for address in found.heard] == [ip_address("198.51.100.77")]


@pytest.mark.parametrize("address", ["fe80::1", "169.254.1.1", "127.0.0.1", "::1", "224.0.0.1", "0.0.0.0"])  # noqa: S104
def test_addresses_without_a_meaning_outside_are_left_out(address: str) -> None:
    instance = parse_instance(answer(network={"eth0": inside(address)}), "default")
    [found] = interfaces(instance, {}, {}, _NOBODY)
    assert (found.addresses, found.heard) == ((), ())


def test_the_neighbour_table_counts_for_the_nic_s_own_bridge_only() -> None:
    instance = parse_instance(answer(), "default")
    table = {"lxdbr0": {_MAC: ips("198.51.100.8")}, "eth0": {_MAC: ips("192.0.2.8")}}
    [found] = interfaces(instance, {}, table, _NOBODY)
    assert found.heard == (Address(ip_address("198.51.100.8"), Origin.ARP),)


def test_a_nic_without_a_mac_has_only_what_is_written() -> None:
    raw = answer(
        nic={"nictype": "ipvlan", "ipv4.address": "198.51.100.9"},
        network={"eth0": inside("192.0.2.1", mac="")},
    )
    del raw["expanded_config"]["volatile.eth0.hwaddr"]
    [found] = interfaces(parse_instance(raw, "default"), {}, {}, _NOBODY)
    assert found.mac is None
    assert found.addresses == (Address(ip_address("198.51.100.9"), Origin.STATIC),)
    assert found.heard == ()


# ---------------------------------------------------------------------------------------------- networks and leases


def test_gateways_and_uplinks_are_the_host_s_and_no_leases() -> None:
    found = parse_leases(
        [
            lease("198.51.100.1", hwaddr="", type="gateway", hostname="lxdbr0.gw"),
            lease("203.0.113.7", hwaddr=_MAC, type="uplink", hostname="default-ovn.uplink"),
            lease("198.51.100.6"),
            lease("2001:db8:5::77", hwaddr=""),  # DHCPv6: tied to no MAC
            lease("no address"),
        ]
    )
    assert found.gateways == {*ips("198.51.100.1", "203.0.113.7")}
    assert found.by_mac == {_MAC: (Lease(_MAC, ip_address("198.51.100.6"), "web", reckoned=False),)}


def test_a_host_name_that_differs_from_the_instance_s_is_what_the_guest_said() -> None:
    instance = parse_instance(answer(), "default")
    leases = parse_leases(
        [lease("198.51.100.6", hostname="ns1"), lease("198.51.100.7"), lease("198.51.100.8", hostname="*")]
    )
    assert hostnames(instance, leases.by_mac) == ("ns1",)


def test_a_network_s_own_addresses_are_gateways() -> None:
    [bridge, physical, host] = parse_networks(
        [
            {
                "name": "lxdbr0",
                "type": "bridge",
                "managed": True,
                "config": {"ipv4.address": "198.51.100.1/24", "ipv6.address": "none", "ipv4.nat": "true"},
            },
            {"name": "up", "type": "physical", "managed": True, "config": {"ipv4.gateway": "203.0.113.1/24"}},
            {"name": "br0", "type": "bridge", "managed": False, "config": {}},
        ]
    )
    assert [*bridge.gateways] == [*ips("198.51.100.1")]
    assert [*physical.gateways] == [*ips("203.0.113.1")]
    assert (host.name, host.gateways) == ("br0", frozenset())
    assert [one.leases for one in (bridge, physical, host)] == [True, False, False]
