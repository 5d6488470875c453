"""DHCP lease files of this host, and their changes."""

import json
import queue
import threading
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest

from skulldns.errors import Unavailable
from skulldns.sources.host.leasefiles import LeaseWatch, read_leases
from skulldns.sources.host.leases import Lease, parse_dnsmasq, parse_ip, parse_status

_MAC = "00:16:3e:00:00:01"
_OTHER = "00:16:3e:00:00:02"
_PATIENCE = 10.0

_DNSMASQ = """\
1790000000 00:16:3E:00:00:01 192.0.2.9 wiki 01:00:16:3e:00:00:01
0 01-00:16:3e:00:00:02 192.0.2.10 * *
1790000000 06-00:16:3e:00:00:03 192.0.2.11 * *
half a line
duid 00:01:00:01:2c:00:00:00:00:16:3e:00:00:01
1790000000 4064769 2001:db8::9 wiki 00:01:00:01:2c:00:00:00:00:16:3e:00:00:01
"""

Changes = queue.Queue[frozenset[str]]


def test_dnsmasqs_file_ties_ipv4_leases_to_macs() -> None:
    assert parse_dnsmasq(_DNSMASQ) == (
        Lease(_MAC, ip_address("192.0.2.9"), "wiki", 1790000000),
        Lease(_OTHER, ip_address("192.0.2.10")),
    )


@pytest.mark.parametrize("client", ["*", f"01:{_MAC}", "01:02", "ff:00:16:3e:00:00:02", "01:" + "0" * 17])
def test_a_lease_counts_whatever_its_client_id_is(client: str) -> None:
    assert len(parse_dnsmasq(f"0 {_MAC} 192.0.2.9 wiki {client}\n")) == 1
    entry = {"mac-address": _MAC, "ip-address": "192.0.2.9", "client-id": client}
    assert len(parse_status(json.dumps([entry])) or ()) == 1


def test_an_address_with_a_text_behind_it_is_none() -> None:
    assert parse_ip("2001:db8::9") == ip_address("2001:db8::9")
    assert parse_ip("2001:db8::9%}; server {") is None


def test_a_lease_taken_by_anothers_client_id_counts_for_nobody() -> None:
    assert parse_dnsmasq(f"0 {_MAC} 192.0.2.9 wiki 01:{_OTHER}\n") == ()
    entry = {"mac-address": _MAC, "ip-address": "192.0.2.9", "client-id": f"01:{_OTHER}"}
    assert parse_status(json.dumps([entry])) == ()


def test_a_lease_of_a_duid_counts_for_nobody() -> None:
    assert not any(lease.ip.version == 6 for lease in parse_dnsmasq(_DNSMASQ))


def test_libvirts_file_ties_both_families_to_macs() -> None:
    entries = [
        {"mac-address": _MAC.upper(), "ip-address": "192.0.2.9", "hostname": "wiki", "expiry-time": 5},
        {"mac-address": _MAC, "ip-address": "2001:db8::9", "iaid": "1", "client-id": "00:01"},
        {"ip-address": "192.0.2.10"},
        7,
    ]
    assert parse_status(json.dumps(entries)) == (
        Lease(_MAC, ip_address("192.0.2.9"), "wiki", 5),
        Lease(_MAC, ip_address("2001:db8::9")),
    )


@pytest.mark.parametrize("text", ["{", "{}", "7", '"x"', "[" * 100_000, "null"])
def test_something_else_is_no_list_of_leases(text: str) -> None:
    assert parse_status(text) is None


def test_a_lease_holds_until_it_expires() -> None:
    lease = Lease(_MAC, ip_address("192.0.2.9"), None, 100)
    assert lease.holds(99.9)
    assert not lease.holds(100)
    assert Lease(_MAC, ip_address("192.0.2.9")).holds(1e12)


def test_a_file_that_is_missing_has_no_leases_and_one_that_cannot_be_read_is_unavailable(
    tmp_path: Path,
) -> None:
    assert read_leases([tmp_path / "missing.leases"]) == ()
    (tmp_path / "half.status").write_text("[{")
    with pytest.raises(Unavailable, match=r"half\.status"):
        read_leases([tmp_path / "half.status"])
    (tmp_path / "directory.leases").mkdir()
    with pytest.raises(Unavailable):
        read_leases([tmp_path / "directory.leases"])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "dnsmasq.leases"


@pytest.fixture
def changes(file: Path) -> Iterator[Changes]:
    """What the watcher tells of the file, which has one lease."""
    file.write_text(f"9 {_MAC} 192.0.2.9 * *\n")
    told, stop = Changes(), threading.Event()
    thread = threading.Thread(target=LeaseWatch(lambda: [file]).run, args=(told.put, stop))
    thread.start()
    yield told
    stop.set()
    thread.join(_PATIENCE)
    assert not thread.is_alive()


def _replace(file: Path, text: str) -> None:
    """Give a file another content in one step: on a busy machine an emptied one can look like a finished one."""
    file.with_suffix(".new").write_text(text)
    file.with_suffix(".new").replace(file)


def test_a_new_a_changed_and_a_lost_lease_are_told(file: Path, changes: Changes) -> None:
    _replace(file, f"9 {_MAC} 192.0.2.9 * *\n9 {_OTHER} 192.0.2.10 * *\n")
    assert changes.get(timeout=_PATIENCE) == {_OTHER}
    _replace(file, f"9 {_MAC} 192.0.2.9 ns1 *\n9 {_OTHER} 192.0.2.11 * *\n")
    assert changes.get(timeout=_PATIENCE) == {_MAC, _OTHER}
    file.unlink()
    assert changes.get(timeout=_PATIENCE) == {_MAC, _OTHER}


def test_a_renewed_lease_is_no_change(file: Path) -> None:
    file.write_text(f"9 {_MAC} 192.0.2.9 * *\n")
    watch = LeaseWatch(lambda: [file])
    file.write_text(f"10 {_MAC} 192.0.2.9 * *\n")
    assert watch._look() == frozenset()


def test_a_directory_that_comes_later_is_watched(tmp_path: Path) -> None:
    file = tmp_path / "later" / "x.leases"
    told, stop = Changes(), threading.Event()
    thread = threading.Thread(target=LeaseWatch(lambda: [file]).run, args=(told.put, stop))
    thread.start()
    file.parent.mkdir()
    file.write_text(f"9 {_MAC} 192.0.2.9 * *\n")
    assert told.get(timeout=_PATIENCE) == {_MAC}
    stop.set()
    thread.join(_PATIENCE)
