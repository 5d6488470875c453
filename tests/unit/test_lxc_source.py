"""The source of LXC containers over recorded answers of LXC's programs."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from skulldns.errors import Unavailable
from skulldns.model.guests import Address, Guest, GuestId, GuestState, Origin, Trust
from skulldns.sources.host.commands import Finished, Hangs, Missing
from skulldns.sources.lxc import Limits, LxcSource
from skulldns.sources.lxc.tools import parse_info, parse_list

_MAC = "00:16:3e:00:00:01"
_INSIDE = "36:af:bd:d1:87:5a"
_NOW = 1_000_000.0
_NIC = "lxc.net.0.type = veth\nlxc.net.0.link = lab\n"
_STATIC = ip_address("192.0.2.7")
_LEASED = ip_address("192.0.2.9")
_TOLD = ip_address("192.0.2.20")


@dataclass
class Host:
    """A host whose programs answer as recorded; ``calls`` counts them."""

    path: Path
    states: dict[str, str] = field(default_factory=dict)
    told: dict[str, list[str]] = field(default_factory=dict)
    hanging: set[str] = field(default_factory=set)
    missing: bool = False
    pids: int = 100
    neighbours: list[dict[str, object]] = field(default_factory=list)
    calls: list[Sequence[str]] = field(default_factory=list)

    def __call__(self, arguments: Sequence[str], _limit: float) -> Finished:
        self.calls.append(arguments)
        if self.missing:
            raise Missing(arguments[0])
        match arguments:
            case ["lxc-ls", *_]:
                return self._list()
            case ["lxc-info", "-P", _, "-n", name, *_]:
                return self._info(name)
            case ["ip", "-json", "neighbour", "show"]:
                return Finished(0, json.dumps(self.neighbours))
            case ["ip", "-json", "address", "show"]:
                return Finished(0, '[{"addr_info": [{"local": "192.0.2.1"}]}]')
            case ["nsenter", *_]:
                link = {"ifname": "eth0", "address": _INSIDE, "link_type": "ether"}
                return Finished(0, json.dumps([link]))
        raise AssertionError(arguments)

    def define(self, name: str, config: str = "", state: str = "STOPPED") -> GuestId:
        directory = self.path / name
        directory.mkdir()
        (directory / "config").write_text(config, encoding="utf-8")
        self.states[name] = state
        return GuestId(f"lxc:{directory}")

    def _list(self) -> Finished:
        if self.hanging:
            raise Hangs("lxc-ls")
        rows = ["STATE   PID   IPV4  IPV6 NAME"]
        rows += [
            f"{state} {self._pid(state)} {', '.join(self.told.get(name, [])) or '-'} - {name}   "
            for name, state in self.states.items()
        ]
        return Finished(0, "\n".join(rows) + "\n", "Failed to load config for bad\n")

    def _info(self, name: str) -> Finished:
        if name in self.hanging:
            raise Hangs("lxc-info")
        if name not in self.states:
            return Finished(1, "", f"Failed to load config for {name}\n")
        state = self.states[name]
        ips = "".join(f"IP:             {ip}\n" for ip in self.told.get(name, []))
        pid = "" if state == "STOPPED" else f"PID:            {self._pid(state)}\n"
        return Finished(0, f"State:          {state}\n{pid}{ips}")

    def _pid(self, state: str) -> str:
        return "-" if state == "STOPPED" else str(self.pids)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    path = tmp_path / "lxc"
    path.mkdir()
    return Host(path)


def _source(host: Host, *, trust: Trust | None = None, leases: str = "") -> LxcSource:
    file = host.path.parent / "leases"
    file.write_text(leases, encoding="utf-8")
    return LxcSource(host.path, leases=[file], trust=trust, execute=host, limits=Limits(), clock=lambda: _NOW)


def _only(source: LxcSource) -> Guest:
    [guest] = source.guests()
    assert source.guest(guest.id) == guest
    return guest


def test_each_address_has_its_origin(host: Host) -> None:
    host.define("web", f"{_NIC}lxc.net.0.hwaddr = {_MAC}\nlxc.net.0.ipv4.address = {_STATIC}/24", "RUNNING")
    host.told["web"] = [str(_TOLD), str(_LEASED), "127.0.0.1", "fe80::1"]
    host.neighbours = [{"dst": "192.0.2.30", "dev": "lab", "lladdr": _MAC, "state": ["STALE"]}]
    guest = _only(_source(host, leases=f"0 {_MAC} {_LEASED} ns1 *\n"))
    assert guest.addresses == (Address(_STATIC, Origin.STATIC), Address(_LEASED, Origin.LEASE))
    assert guest.heard == (Address(_TOLD, Origin.AGENT), Address(ip_address("192.0.2.30"), Origin.ARP))
    assert guest.hostnames == ("ns1",)
    assert guest.forbidden == {ip_address("192.0.2.1")}


def test_what_the_guest_says_counts_where_the_config_believes_it(host: Host) -> None:
    host.define("web", f"{_NIC}lxc.net.0.hwaddr = {_MAC}", "RUNNING")
    host.told["web"] = [str(_TOLD), "198.51.100.9"]
    guest = _only(_source(host, trust=Trust(agent=(ip_network("192.0.2.0/24"),))))
    assert guest.addresses == (Address(_TOLD, Origin.AGENT),)


def test_leases_of_another_mac_or_that_ended_do_not_count(host: Host) -> None:
    host.define("web", f"{_NIC}lxc.net.0.hwaddr = {_MAC}", "RUNNING")
    leases = f"{int(_NOW)} {_MAC} 192.0.2.9 * *\n0 00:16:3e:00:00:02 192.0.2.10 * *\n"
    assert _only(_source(host, leases=leases)).addresses == ()


def test_an_answer_to_arp_on_another_interface_does_not_count(host: Host) -> None:
    host.define("web", f"{_NIC}lxc.net.0.hwaddr = {_MAC}", "RUNNING")
    host.neighbours = [{"dst": "192.0.2.30", "dev": "eth9", "lladdr": _MAC, "state": ["STALE"]}]
    assert _only(_source(host)).heard == ()


def test_a_mac_that_the_config_leaves_open_is_found_once_for_each_start(host: Host) -> None:
    host.define("web", f"{_NIC}lxc.net.0.hwaddr = 00:16:3e:xx:xx:xx", "RUNNING")
    source = _source(host, leases=f"0 {_INSIDE} {_LEASED} * *\n")
    for _ in range(2):
        assert _only(source).addresses == (Address(_LEASED, Origin.LEASE),)
    host.pids += 1
    source.guests()
    asked = [call[2] for call in host.calls if call[0] == "nsenter"]
    assert asked == ["100", "101"]


def test_a_stopped_container_has_neither_leases_nor_an_open_mac(host: Host) -> None:
    host.define("web", f"{_NIC}lxc.net.0.ipv4.gateway = 192.0.2.254")
    guest = _only(_source(host, leases=f"0 {_INSIDE} {_LEASED} * *\n"))
    assert (guest.state, guest.addresses, guest.interfaces[0].mac) == (GuestState.STOPPED, (), None)
    assert ip_address("192.0.2.254") in guest.forbidden


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("RUNNING", GuestState.RUNNING),
        ("FROZEN", GuestState.RUNNING),
        ("THAWED", GuestState.RUNNING),
        ("STARTING", GuestState.STOPPED),
        ("STOPPING", GuestState.STOPPED),
        ("ABORTING", GuestState.STOPPED),
    ],
)
def test_states(host: Host, state: str, expected: GuestState) -> None:
    host.define("web", state=state)
    assert _only(_source(host)).state is expected


def test_a_bad_container_does_not_hide_the_others(host: Host) -> None:
    host.define("good")
    bad, odd = host.define("bad"), host.define("odd", "lxc.include = /nonexistent")
    del host.states["bad"]
    source = _source(host)
    assert [guest.name for guest in source.guests()] == ["good"]
    assert source.unreadable() == {bad, odd}
    for identity in (bad, odd):
        with pytest.raises(Unavailable) as error:
            source.guest(identity)
        assert error.value.cure


def test_a_running_container_without_its_config_is_not_missing(host: Host) -> None:
    identity = host.define("web", state="RUNNING")
    (host.path / "web" / "config").unlink()
    source = _source(host)
    assert source.guests() == []
    assert source.unreadable() == {identity}


def test_one_that_hangs_does_not_hide_the_others(host: Host) -> None:
    identities = {name: host.define(name, state="RUNNING") for name in ("a", "b", "c")}
    host.hanging = {"b"}
    source = _source(host)
    for _ in range(2):
        assert [guest.name for guest in source.guests()] == ["a", "c"]
        assert source.unreadable() == {identities["b"]}
    assert sum(call[0] == "lxc-ls" for call in host.calls) == 1
    with pytest.raises(Unavailable, match="does not answer"):
        source.guest(identities["b"])
    host.hanging = set()
    assert len(source.guests()) == 3
    assert sum(call[0] == "lxc-ls" for call in host.calls) == 2


def test_when_all_hang_the_source_is_unavailable(host: Host) -> None:
    host.hanging = {host.define(name).rpartition("/")[2] for name in ("a", "b")}
    with pytest.raises(Unavailable, match="no container answers"):
        _source(host).guests()


def test_without_lxcs_programs_the_source_is_unavailable(host: Host) -> None:
    identity = host.define("web")
    host.missing = True
    for look in (_source(host).guests, lambda: _source(host).guest(identity)):
        with pytest.raises(Unavailable, match="Debian package lxc"):
            look()


def test_a_path_that_is_gone_or_no_directory_is_unavailable(host: Host) -> None:
    identity = host.define("web")
    host.path.rename(host.path.with_suffix(".gone"))
    source = _source(host)
    for what in ("is gone", "no directory"):
        with pytest.raises(Unavailable, match=what):
            source.guests()
        with pytest.raises(Unavailable, match=what):
            source.guest(identity)
        if not host.path.exists():
            host.path.write_text("")


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../x", "x" * 300, "a\0b"])
def test_what_is_no_name_is_nobody(host: Host, name: str) -> None:
    assert _source(host).guest(GuestId(f"lxc:{host.path}/{name}")) is None
    assert host.calls == []


def test_a_thousand_containers_cost_one_that_starts_nothing(host: Host) -> None:
    identity = host.define("web", f"{_NIC}lxc.net.0.hwaddr = {_MAC}")
    source = _source(host)
    source.guests()
    alone = _calls_for_a_start(host, source, identity)
    for number in range(999):
        host.define(f"other{number}", _NIC, "RUNNING" if number % 2 else "STOPPED")
    source.guests()
    assert _calls_for_a_start(host, source, identity) == alone
    assert not any("other" in word for call in alone for word in call)


def test_a_look_at_everything_takes_the_same_calls_for_any_number(host: Host) -> None:
    for number in range(500):
        host.define(f"g{number}", f"{_NIC}lxc.net.0.hwaddr = {_MAC}", "RUNNING")
    assert len(_source(host).guests()) == 500
    assert [call[0] for call in host.calls] == ["lxc-ls", "ip", "ip"]


def _calls_for_a_start(host: Host, source: LxcSource, identity: GuestId) -> list[Sequence[str]]:
    host.states["web"] = "RUNNING"
    host.calls.clear()
    guest = source.guest(identity)
    assert guest is not None
    assert guest.state is GuestState.RUNNING
    return list(host.calls)


def test_the_list_of_all_is_read_whatever_the_names_are() -> None:
    text = (
        "STATE   PID   IPV4                        IPV6          NAME      \n"
        "RUNNING 23296 198.51.100.10, 198.51.100.9 2001:db8:7::9 a b       \n"
        "STOPPED -     -                           -             $(reboot) \n"
        "FROZEN  7     -                           2001:db8::1   2001:db8::2 \n"
        "STOPPED -     -                           -             - -       \n"
    )
    read = dict(parse_list(text))
    assert list(read) == ["a b", "$(reboot)", "2001:db8::2", "- -"]
    assert read["a b"].pid == 23296
    assert [str(ip) for ip in read["a b"].told] == ["198.51.100.10", "198.51.100.9", "2001:db8:7::9"]
    assert [str(ip) for ip in read["2001:db8::2"].told] == ["2001:db8::1"]
    assert not read["$(reboot)"].running


def test_the_answer_about_one_is_read() -> None:
    text = "State:          RUNNING\nPID:            23296\nIP:             192.0.2.9\nIP:             2001:db8::9\n"
    status = parse_info(text)
    assert (status.running, status.pid) == (True, 23296)
    assert [str(ip) for ip in status.told] == ["192.0.2.9", "2001:db8::9"]
    assert not parse_info("State:          STOPPED\n").running
