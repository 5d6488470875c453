"""Real LXC containers with real leases: what the source says of their addresses."""

import re
from collections.abc import Iterator

import pytest

from skulldns.lab.waiting import until
from skulldns.model.guests import Guest, GuestId, GuestState, Origin
from skulldns.sources.lxc import LxcSource
from tests.laboratory.classic import LxcContainer
from tests.laboratory.guest import Wanted
from tests.laboratory.laboratory import Laboratory
from tests.laboratory.needs import require_laboratory

_PATIENCE = 60.0
_HWADDR = re.compile(r"^lxc\.net\.0\.hwaddr = .*\n", re.MULTILINE)


@pytest.fixture(scope="module")
def laboratory() -> Iterator[Laboratory]:
    require_laboratory()
    with Laboratory.up() as laboratory:
        yield laboratory


@pytest.fixture
def source(laboratory: Laboratory) -> Iterator[LxcSource]:
    lxc = laboratory.lxc
    source = LxcSource(lxc.path, leases=[lxc.leases_file], command=laboratory.command())
    yield source
    source.close()


def _look(source: LxcSource, container: LxcContainer) -> Guest:
    found = source.guest(GuestId(f"lxc:{container.directory}"))
    assert found is not None
    return found


def test_a_lease_is_tied_to_a_mac_that_the_config_leaves_open(
    laboratory: Laboratory, source: LxcSource
) -> None:
    container = laboratory.lxc.create(Wanted("open", asks="ns1"))
    config = container.directory / "config"
    config.write_text(_HWADDR.sub("", config.read_text()))
    container.start()
    until(lambda: bool(_look(source, container).addresses), "the lease", patience=_PATIENCE)
    guest = _look(source, container)
    [mac] = [mac for mac, ip in laboratory.lxc.leases().items() if ip == str(guest.addresses[0].ip)]
    assert guest.interfaces[0].mac == mac
    assert guest.interfaces[0].network == laboratory.lxc.bridge
    assert [address.origin for address in guest.addresses] == [Origin.LEASE]
    assert guest.hostnames == ("ns1",)
    container.destroy()


def test_a_static_address_counts_and_one_taken_by_hand_is_only_heard(
    laboratory: Laboratory, source: LxcSource
) -> None:
    container = laboratory.lxc.create(Wanted("static", dhcp=False), static="192.0.2.7/24")
    container.start()
    container.run("ip", "address", "add", "192.0.2.77/24", "dev", "eth0")
    guest = _look(source, container)
    assert [str(address) for address in guest.addresses] == ["192.0.2.7 (static)"]
    assert "192.0.2.77 (agent)" in [str(address) for address in guest.heard]
    assert "192.0.2.1" in [str(ip) for ip in guest.forbidden]
    container.stop()
    stopped = _look(source, container)
    assert (stopped.state, stopped.heard) == (GuestState.STOPPED, ())
    container.destroy()
