"""A virtual machine of Incus or LXD that runs, with its agent and without: which of its addresses count.

The states are as `RenderState` (driver_qemu.go) of Incus 6.0 writes them. Without the agent the network is
the host's view (`State` in nic_bridged.go): leases, the address reckoned for SLAAC, and neighbours, stale ones too.
"""

from collections.abc import Iterator
from contextlib import closing
from ipaddress import ip_address, ip_network
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from skulldns.model.guests import GuestState, Origin, SourceName, Trust
from skulldns.sources.incus import IncusSource, LocalSocket
from tests.contract.incus_api import IncusApi

_LEASED, _TAKEN = "192.0.2.3", "192.0.2.77"
_RECKONED = "2001:db8::216:3eff:fe00:1"  # of the instance's MAC, RFC 4291 appendix A
_EVERYWHERE = (ip_network("0.0.0.0/0"), ip_network("::/0"))
_COUNTERS = dict.fromkeys(("bytes_received", "bytes_sent", "packets_received", "packets_sent"), 0)


@pytest.fixture
def api() -> Iterator[IncusApi]:
    with TemporaryDirectory() as directory:  # pytest's own is too long for a socket's path
        api = IncusApi(Path(directory) / "unix.socket")
        api.start()
        try:
            yield api
        finally:
            api.kill()


def _machine(api: IncusApi, *, agent: bool) -> None:
    """Let a machine run that has a lease, may use SLAAC, and has taken one more address."""
    uuid = api.define("box", config={"user.skulldns.owner": "alice"})
    instance = api.instances["default", "box"]
    mac = instance["expanded_config"]["volatile.eth0.hwaddr"]
    told = [_address(_LEASED), _address(_RECKONED, "64"), _address(_TAKEN)]
    network = {"enp5s0": _nic(mac, *told), "lo": _nic("", _address("127.0.0.1", "8"))}
    instance["type"] = "virtual-machine"
    instance["state"] = {
        "status": "Running",
        "status_code": 103,
        "pid": 4711,
        "processes": 17 if agent else -1,
        "network": network if agent else {"eth0": _nic(mac, *told)},
    }
    assert instance["address"] == _LEASED
    # The daemon lists it for every instance on a network with IPv6, whether that has IPv6 or not.
    reckoned = {"hostname": "box", "hwaddr": mac, "address": _RECKONED, "type": "dynamic"}
    api.leases = [{**reckoned, "location": "none"}]
    api.set_status(uuid, "Running", "instance-started")


def _address(text: str, netmask: str = "24") -> dict[str, str]:
    family = "inet6" if ":" in text else "inet"
    return {"family": family, "address": text, "netmask": netmask, "scope": "global"}


def _nic(mac: str, *addresses: dict[str, str]) -> dict[str, Any]:
    common = {"counters": _COUNTERS, "mtu": 1500, "state": "up", "type": "broadcast" if mac else "loopback"}
    return {"addresses": [*addresses], "hwaddr": mac, "host_name": "tap4f1c2a" if mac else "", **common}


@pytest.mark.parametrize(
    ("agent", "trust", "expected"),
    [
        (False, Trust(), {_LEASED: Origin.LEASE}),
        (False, Trust(agent=_EVERYWHERE), {_LEASED: Origin.LEASE}),
        (False, Trust(arp=_EVERYWHERE), {_LEASED: Origin.LEASE, _TAKEN: Origin.ARP}),
        (True, Trust(), {_LEASED: Origin.LEASE, _RECKONED: Origin.LEASE}),
        (True, Trust(arp=_EVERYWHERE), {_LEASED: Origin.LEASE, _RECKONED: Origin.LEASE}),
        (
            True,
            Trust(agent=_EVERYWHERE),
            {_LEASED: Origin.LEASE, _RECKONED: Origin.LEASE, _TAKEN: Origin.AGENT},
        ),
    ],
)
def test_a_machine_s_addresses_count_by_who_told_them(
    api: IncusApi, trust: Trust, expected: dict[str, Origin], *, agent: bool
) -> None:
    _machine(api, agent=agent)
    with closing(IncusSource(LocalSocket(api.socket), name=SourceName("incus"), trust=trust)) as source:
        [guest] = source.guests()
        assert source.guest(guest.id) == guest
    assert (guest.name, guest.state, guest.options.owner) == ("box", GuestState.RUNNING, "alice")
    assert {str(one.ip): one.origin for one in guest.addresses} == expected
    known = {one.ip for one in (*guest.addresses, *guest.heard)}
    assert ip_address(_TAKEN) in known, "what it took is told, so that an alarm can name it"
