"""Configs of LXC containers."""

from collections.abc import Iterable
from ipaddress import ip_address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skulldns.model.guests import GuestOptions
from skulldns.sources.lxc.config import BadConfig, Definition, Lines, Nic, parse_definition, parse_lines
from skulldns.sources.lxc.configs import Configs

_MAC = "00:16:3e:00:00:01"


def _no_files(_value: str) -> Iterable[Lines]:
    return ()


def _read(text: str) -> Definition:
    return parse_definition(parse_lines(text), _no_files)


def test_an_interface_has_its_bridge_its_mac_its_addresses_and_its_gateways() -> None:
    read = _read(
        """
        # a comment
        lxc.net.0.type = veth
        lxc.net.0.link = lxcbr0
        lxc.net.0.hwaddr = 00:16:3E:00:00:01
        lxc.net.0.ipv4.address = 192.0.2.7/24 192.0.2.255
        lxc.net.0.ipv6.address = 2001:db8::7/64
        lxc.net.0.ipv4.gateway = 192.0.2.1
        lxc.net.0.ipv6.gateway = auto
        """
    )
    addresses = ip_address("192.0.2.7"), ip_address("2001:db8::7")
    assert read.nics == (Nic("eth0", "lxcbr0", _MAC, addresses, (ip_address("192.0.2.1"),)),)


def test_the_keys_of_old_lxc_are_read() -> None:
    read = _read(
        """
        lxc.network.type = veth
        lxc.network.link = one
        lxc.network.ipv4 = 192.0.2.7/24
        lxc.network.type = veth
        lxc.network.link = two
        lxc.network.hwaddr = 00:16:3e:00:00:01
        """
    )
    assert [(nic.link, nic.mac) for nic in read.nics] == [("one", None), ("two", _MAC)]
    assert read.nics[0].addresses == (ip_address("192.0.2.7"),)


@pytest.mark.parametrize("hwaddr", ["00:16:3e:xx:xx:xx", "", "nonsense"])
def test_a_mac_that_is_not_whole_is_none(hwaddr: str) -> None:
    assert _read(f"lxc.net.0.type = veth\nlxc.net.0.hwaddr = {hwaddr}").nics == (Nic("eth0"),)


def test_devices_are_counted_as_the_kernel_does() -> None:
    text = "\n".join(f"lxc.net.{number}.type = veth" for number in range(3))
    assert [nic.device for nic in _read(f"{text}\nlxc.net.1.name = eth0").nics] == ["eth1", "eth0", "eth2"]


@pytest.mark.parametrize(
    "text",
    [
        "lxc.net.0.type = empty",
        "lxc.net.0.type = none",
        "lxc.net.0.link = lxcbr0",
        "lxc.net.0.type = veth\nlxc.net =",
        "lxc.net.0.type = veth\nlxc.net.0 =",
        "lxc.net.0.type = veth\nlxc.namespace.keep = user net",
        "lxc.net.0.type = veth\nlxc.namespace.share.net = other",
    ],
)
def test_without_a_network_of_its_own_there_is_no_interface(text: str) -> None:
    assert _read(text).nics == ()


def test_an_empty_value_takes_back_what_was_said() -> None:
    text = "lxc.net.0.type = veth\nlxc.net.0.ipv4.address = 192.0.2.7\nlxc.net.0.ipv4.address =\n"
    assert _read(text).nics[0].addresses == ()


def test_the_options_are_in_the_environment() -> None:
    read = _read(
        """
        lxc.environment = PATH=/bin
        lxc.environment = SKULLDNS_OWNER=bob
        lxc.environment = SKULLDNS_OWNER=alice
        lxc.environment = "SKULLDNS_PORT=8080"
        lxc.environment = SKULLDNS_NAMES=blog, wiki blog
        lxc.environment = SKULLDNS_PUBLISH=proxy
        lxc.environment = SKULLDNS_HTTPS=off
        """
    )
    assert read.options == GuestOptions("alice", 8080, ("blog", "wiki"), "proxy", "off")


def test_a_port_that_is_no_number_is_passed_on_to_be_judged() -> None:
    assert _read("lxc.environment = SKULLDNS_PORT=http").options.port == "http"


def test_an_overlong_option_is_cut_and_marked() -> None:
    text = f"lxc.environment = SKULLDNS_PORT={'8' * 256}\nlxc.environment = SKULLDNS_NAMES=web {'b' * 256}"
    options = _read(text).options
    assert (options.port, options.names) == ("8" * 255 + "…", ("web", "b" * 255 + "…"))


@given(st.lists(st.text(alphabet="lxc.net0type=eth \n\t#'\"[]\0é", max_size=40), max_size=10))
def test_no_text_is_too_odd(lines: list[str]) -> None:
    _read("\n".join(lines))


class _Place:
    """A directory of containers."""

    def __init__(self, path: Path) -> None:
        self.path = path / "lxc"
        (self.path / "web" / "rootfs").mkdir(parents=True)
        self.configs = Configs(self.path)

    def write(self, text: str) -> None:
        (self.path / "web" / "config").write_text(text, encoding="utf-8")

    def owner(self) -> str | None:
        return self.configs.read("web").options.owner


@pytest.fixture
def place(tmp_path: Path) -> _Place:
    return _Place(tmp_path)


def test_included_files_are_read_in_their_place(place: _Place, tmp_path: Path) -> None:
    directory = tmp_path / "conf.d"
    directory.mkdir()
    (directory / "a.conf").write_text("lxc.environment = SKULLDNS_OWNER=alice")
    (directory / "b.txt").write_text("lxc.environment = SKULLDNS_OWNER=bob")
    place.write(f"lxc.environment = SKULLDNS_OWNER=carol\nlxc.include = {directory}")
    assert place.owner() == "alice"
    (directory / "a.conf").write_text("lxc.environment = SKULLDNS_OWNER=dave")
    assert place.owner() == "dave"


def test_a_loop_of_includes_is_an_error(place: _Place) -> None:
    place.write(f"lxc.include = {place.path}/web/config")
    with pytest.raises(BadConfig, match="loop"):
        place.owner()


def test_nothing_inside_of_a_container_is_included(place: _Place, tmp_path: Path) -> None:
    inside = place.path / "web" / "rootfs" / "x.conf"
    inside.write_text("lxc.environment = SKULLDNS_OWNER=mallory")
    link = tmp_path / "link.conf"
    link.symlink_to(inside)
    elsewhere = tmp_path / "roots" / "web"
    elsewhere.mkdir(parents=True)
    (elsewhere / "x.conf").write_text("lxc.environment = SKULLDNS_OWNER=mallory")
    for text in (
        f"lxc.include = {inside}",
        f"lxc.include = {link}",
        f"lxc.rootfs.path = dir:{elsewhere}\nlxc.include = {elsewhere}/x.conf",
    ):
        place.write(text)
        with pytest.raises(BadConfig, match="container may write"):
            place.owner()


@pytest.mark.parametrize("named", ["relative.conf", "/nonexistent/x.conf", "/dev/zero"])
def test_an_include_that_is_no_file_is_an_error(place: _Place, named: str) -> None:
    place.write(f"lxc.include = {named}")
    with pytest.raises(BadConfig) as error:
        place.owner()
    assert error.value.cure


def test_a_directory_for_a_config_is_an_error(place: _Place) -> None:
    (place.path / "web" / "config").mkdir()
    with pytest.raises(BadConfig):
        place.owner()
