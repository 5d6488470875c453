"""A real LXD's virtual machine, defined and not started: hardly any test machine has what it needs to run."""

from collections.abc import Iterator
from contextlib import closing
from ipaddress import ip_address

import pytest

from skulldns.model.guests import Address, Guest, GuestState, Origin, SourceName
from skulldns.sources.incus import IncusSource, LocalSocket
from tests.contract.source_stages import Hints
from tests.laboratory.laboratory import Laboratory
from tests.laboratory.lxd import Lxd

_FIRMWARE = 256 * 1024  # bytes; QEMU takes any multiple of 64 KiB


@pytest.fixture(scope="module")
def lxd(laboratory: Laboratory) -> Iterator[Lxd]:
    """An LXD that has made sure, without running any, that it can run virtual machines.

    It looks for a module of the kernel by its directory, and starts QEMU with its firmware and a stopped processor.
    """
    modules, firmware = laboratory.directory / "module", laboratory.directory / "firmware"
    (modules / "vhost_vsock").mkdir(parents=True)
    laboratory.run("mount", "--bind", modules, "/sys/module")
    firmware.mkdir()
    (firmware / "OVMF_CODE.fd").write_bytes(bytes(_FIRMWARE))
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("LXD_OVMF_PATH", str(firmware))
        lxd = laboratory.lxd
        if "qemu" not in lxd.ask("/1.0")["environment"]["driver"]:
            pytest.skip(f"LXD makes no virtual machines on this machine: {lxd.server.last_words()}")
        yield lxd


def test_a_machine_is_listed_with_its_options(laboratory: Laboratory, lxd: Lxd) -> None:
    hints = Hints(lambda guest: frozenset({guest}))
    source = IncusSource(LocalSocket(lxd.socket), name=SourceName("lxd"))
    with laboratory.network(), closing(source):
        options = {"user.skulldns.owner": "alice", "user.skulldns.port": "8080"}
        lxd.client(
            "init", "box", "--vm", "--empty", *(f"--config={key}={one}" for key, one in options.items())
        )
        assert lxd.ask("/1.0/instances/box")["type"] == "virtual-machine"
        source.watch(hints)
        [guest] = source.guests()
        hints.until_everything()
        assert (guest.name, guest.state, guest.addresses) == ("box", GuestState.STOPPED, ())
        assert (guest.options.owner, guest.options.port) == ("alice", 8080)
        assert [one.mac for one in guest.interfaces] == [
            lxd.client("config", "get", "box", "volatile.eth0.hwaddr").strip()
        ]
        assert source.guest(guest.id) == guest
        lxd.client("config", "device", "override", "box", "eth0", "ipv4.address=203.0.113.50")
        hints.until_guest(guest.id)
        assert _one(source, guest).addresses == (Address(ip_address("203.0.113.50"), Origin.STATIC),)
        lxd.client("rename", "box", "case")
        hints.until_guest(guest.id)
        assert _one(source, guest).name == "case"
        lxd.client("delete", "case")
        assert hints.until(lambda hint: hint.undefined).guest == guest.id
        assert list(source.guests()) == []


def _one(source: IncusSource, before: Guest) -> Guest:
    guest = source.guest(before.id)
    assert guest is not None
    return guest
