"""Libvirt's XML, read into values."""

from ipaddress import ip_address, ip_network

import pytest

from skulldns.model.guests import Address, GuestOptions, Origin, Trust
from skulldns.sources.libvirt.addresses import interfaces
from skulldns.sources.libvirt.domainxml import BadXML, Nic, parse_domain, parse_network

_NS = "https://skulldns.org/guest/1"
_MAC = "52:54:00:00:00:01"
_OTHER_MAC = "52:54:00:00:00:02"


def _domain(inner: str = "", kind: str = "qemu") -> str:
    return f"<domain type='{kind}'><name>web</name>{inner}</domain>"


def _options(guest: str) -> GuestOptions:
    return parse_domain(_domain(f"<metadata>{guest}</metadata>")).options


def _nics(inner: str, kind: str = "qemu") -> tuple[Nic, ...]:
    return parse_domain(
        _domain(f"<devices><interface type='network'>{inner}</interface></devices>", kind)
    ).nics


def test_options_as_attributes() -> None:
    assert _options(
        f"<guest xmlns='{_NS}' owner='alice' port='8080' names='www, blog shop' publish='proxy' https='off'/>"
    ) == GuestOptions("alice", "8080", ("www", "blog", "shop"), "proxy", "off")


def test_options_as_children() -> None:
    assert _options(
        f"<s:guest xmlns:s='{_NS}'><s:owner> alice </s:owner><s:port>8080</s:port><s:name>www</s:name>"
        "<s:name>blog</s:name><s:publish>proxy</s:publish><s:https>off</s:https></s:guest>"
    ) == GuestOptions("alice", "8080", ("www", "blog"), "proxy", "off")


def test_children_without_the_namespace_as_virsh_metadata_writes_them() -> None:
    guest = f"<s:guest xmlns:s='{_NS}'><owner>alice</owner><name>www</name></s:guest>"
    assert _options(guest) == GuestOptions(owner="alice", names=("www",))


def test_another_namespace_is_not_ours() -> None:
    assert _options("<guest xmlns='https://example.test/' owner='alice'/>") == GuestOptions()
    assert _options("<guest owner='alice'/>") == GuestOptions()


@pytest.mark.parametrize("port", ["0", "80;", "http", "٨٠"])
def test_a_bad_port_is_passed_on_as_it_is_written(port: str) -> None:
    assert _options(f"<guest xmlns='{_NS}' owner='alice' port='{port}'/>") == GuestOptions("alice", port)


def test_an_overlong_value_is_cut_and_marked() -> None:
    options = _options(f"<guest xmlns='{_NS}' owner='{'a' * 256}' names='web {'b' * 256}' https='off'/>")
    assert options == GuestOptions("a" * 255 + "…", names=("web", "b" * 255 + "…"), https="off")


def test_an_overlong_list_ends_with_a_mark() -> None:
    names = _options(f"<guest xmlns='{_NS}' names='{'web ' * 20_000}'/>").names
    assert names == ("web", "…")


def test_names_are_bounded_in_number() -> None:
    children = "".join(f"<name>n{number}</name>" for number in range(1500))
    assert len(_options(f"<guest xmlns='{_NS}'>{children}</guest>").names) == 1000


def test_a_bad_value_of_a_name_stays_data() -> None:
    assert _options(f"<guest xmlns='{_NS}'><name>a&quot;; b</name></guest>").names == ('a"; b',)


def test_a_nic_joins_a_network() -> None:
    inner = f"<mac address='{_MAC.upper()}'/><source network='lab' bridge='virbr0'/>"
    assert _nics(inner) == (Nic(_MAC, "lab", "virbr0"),)


def test_a_nic_joins_a_bridge() -> None:
    assert _nics(f"<mac address='{_MAC}'/><source bridge='br0'/>") == (Nic(_MAC, None, "br0"),)


def test_a_nic_without_a_mac_is_none() -> None:
    assert _nics("<source network='lab'/>") == ()


def test_only_a_container_gets_the_addresses_of_its_definition() -> None:
    inner = f"<mac address='{_MAC}'/><ip address='192.0.2.7' prefix='24'/><ip address='nonsense'/>"
    assert _nics(inner, "lxc") == (Nic(_MAC, addresses=(ip_address("192.0.2.7"),)),)
    assert _nics(inner, "qemu") == (Nic(_MAC),)


def test_an_agent_counts_when_it_is_connected() -> None:
    channel = "<devices><channel><target name='org.qemu.guest_agent.0' state='{}'/></channel></devices>"
    assert parse_domain(_domain(channel.format("connected"))).agent
    assert not parse_domain(_domain(channel.format("disconnected"))).agent
    assert not parse_domain(_domain()).agent


def test_a_network() -> None:
    network = parse_network(
        f"""<network><name>lab</name><bridge name='virbr0'/>
        <ip address='192.0.2.1' netmask='255.255.255.0'><dhcp>
          <host mac='{_MAC.upper()}' name='ns1' ip='192.0.2.9'/>
          <host mac='{_OTHER_MAC}' ip='nonsense'/>
          <host name='only-a-name' ip='192.0.2.10'/>
        </dhcp></ip>
        <ip family='ipv6' address='2001:db8::1' prefix='64'><dhcp>
          <host id='0:3:0:1:52:54:0:0:0:1' ip='2001:db8::9'/>
        </dhcp></ip></network>"""
    )
    assert (network.name, network.bridge) == ("lab", "virbr0")
    assert network.gateways == {ip_address("192.0.2.1"), ip_address("2001:db8::1")}
    assert network.hosts == {_MAC: (ip_address("192.0.2.9"),)}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "<domain>",
        "<network/>",
        "<domain/>",
        "<domain><name/></domain>",
        '<!DOCTYPE domain [<!ENTITY a "b">]><domain><name>&a;</name></domain>',
        '<!DOCTYPE domain SYSTEM "http://192.0.2.1/x"><domain><name>web</name></domain>',
        f"<domain><name>web</name><!--{'x' * 5_000_000}--></domain>",
    ],
    ids=range(9),
)
def test_bad_xml_is_one_kind_of_error(text: str) -> None:
    with pytest.raises(BadXML):
        parse_domain(text)


def test_each_nic_has_what_its_mac_is_told_to_have_and_only_the_believed_count() -> None:
    leased, heard, believed = (ip_address(f"192.0.2.{number}") for number in (9, 10, 200))
    nics = [Nic(_MAC, "lab"), Nic(_OTHER_MAC, bridge="br0")]
    sightings = {
        Origin.ARP: {_MAC: [leased, heard, believed]},
        Origin.LEASE: {_MAC: [leased]},
        Origin.STATIC: {_OTHER_MAC: [heard]},
    }
    first, second = interfaces(nics, sightings, Trust(arp=(ip_network("192.0.2.128/25"),)))
    assert (first.mac, first.network) == (_MAC, "lab")
    assert first.addresses == (Address(leased, Origin.LEASE), Address(believed, Origin.ARP))
    assert first.heard == (Address(heard, Origin.ARP),)
    assert (second.mac, second.network) == (_OTHER_MAC, "br0")
    assert second.addresses == (Address(heard, Origin.STATIC),)


def test_the_order_of_addresses_does_not_depend_on_the_answers() -> None:
    ips = [ip_address(text) for text in ("2001:db8::2", "192.0.2.10", "192.0.2.9")]
    [one] = interfaces([Nic(_MAC)], {Origin.LEASE: {_MAC: ips}}, Trust())
    [two] = interfaces([Nic(_MAC)], {Origin.LEASE: {_MAC: ips[::-1]}}, Trust())
    assert one == two
    assert [str(address.ip) for address in one.addresses] == ["192.0.2.9", "192.0.2.10", "2001:db8::2"]


@pytest.mark.parametrize("text", ["169.254.1.1", "fe80::1", "224.0.0.251", "ff02::1", "::"])
def test_addresses_without_meaning_are_left_out(text: str) -> None:
    [interface] = interfaces([Nic(_MAC)], {Origin.LEASE: {_MAC: [ip_address(text)]}}, Trust())
    assert interface.addresses == interface.heard == ()


def test_an_unknown_mac_is_left_out() -> None:
    [interface] = interfaces([Nic(_MAC)], {Origin.AGENT: {_OTHER_MAC: [ip_address("192.0.2.9")]}}, Trust())
    assert interface.addresses == interface.heard == ()
