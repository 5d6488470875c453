"""The host's network tables, and the programs that tell them."""

import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path

import psutil
import pytest

from skulldns.errors import Unavailable
from skulldns.lab.waiting import until
from skulldns.sources.host.commands import Finished, Hangs, Missing, run
from skulldns.sources.host.neighbours import (
    Claim,
    HostNetwork,
    Neighbours,
    listen,
    parse_neighbours,
    parse_own_addresses,
)

_NEIGHBOURS = """[
    {"dst": "192.0.2.9", "dev": "lxcbr0", "lladdr": "00:16:3E:00:00:01", "state": ["REACHABLE"]},
    {"dst": "2001:db8::9", "dev": "lxcbr0", "lladdr": "00:16:3e:00:00:01", "state": ["STALE"]},
    {"dst": "192.0.2.10", "dev": "lxcbr0", "state": ["FAILED"]},
    {"dst": "192.0.2.11", "dev": "lxcbr0", "lladdr": "00:16:3e:00:00:01", "state": ["FAILED"]},
    {"dst": "198.51.100.9", "dev": "eth0", "lladdr": "00:16:3e:00:00:01", "state": ["PERMANENT"]},
    "odd"
]"""


def test_neighbours_are_told_by_device_and_mac() -> None:
    mac = "00:16:3e:00:00:01"
    assert parse_neighbours(_NEIGHBOURS) == {
        "lxcbr0": {mac: (ip_address("192.0.2.9"), ip_address("2001:db8::9"))},
        "eth0": {mac: (ip_address("198.51.100.9"),)},
    }


def test_the_hosts_own_addresses() -> None:
    text = '[{"ifname": "lxcbr0", "addr_info": [{"local": "192.0.2.1"}, {}, 7]}, {"ifname": "down"}]'
    assert parse_own_addresses(text) == {ip_address("192.0.2.1")}


@pytest.mark.parametrize("text", ["", "{", "{}", "null", "[7]", "[" * 100_000])
def test_another_text_has_no_neighbours(text: str) -> None:
    assert parse_neighbours(text) == {}


@pytest.mark.parametrize("error", [Missing("ip"), Hangs("ip"), None])
def test_a_table_that_cannot_be_read_is_unavailable(error: Exception | None) -> None:
    def fails(_arguments: Sequence[str], _limit: float) -> Finished:
        if error:
            raise error
        return Finished(1, "", "Cannot open netlink socket")

    with pytest.raises(Unavailable) as unavailable:
        HostNetwork(execute=fails).neighbours()
    assert unavailable.value.cure


def test_a_program_is_run() -> None:
    assert run(["sh", "-c", "echo said; echo complained >&2; exit 3"], 30) == Finished(
        3, "said\n", "complained\n"
    )


def test_a_missing_program_is_told_also_behind_a_prefix() -> None:
    for arguments in (["/nonexistent/lxc-ls"], ["env", "/nonexistent/lxc-ls"]):
        with pytest.raises(Missing):
            run(arguments, 30)


def test_a_hanging_program_is_ended_with_its_children(tmp_path: Path) -> None:
    child = tmp_path / "child"
    with pytest.raises(Hangs):
        run(["sh", "-c", f"sleep 3600 & echo $! > {child}; wait"], 1.0)
    pid = int(child.read_text())
    until(lambda: not psutil.pid_exists(pid), "the child's end")


def test_a_program_ends_with_a_daemon_that_is_killed() -> None:
    script = "kill -STOP $PPID; exec sleep 3600"
    program = f"from skulldns.sources.host.commands import run; run(['sh', '-c', {script!r}], 3600)"
    with subprocess.Popen([sys.executable, "-c", program]) as daemon:
        owner = psutil.Process(daemon.pid)
        until(lambda: owner.status() == psutil.STATUS_STOPPED, "the program's start", patience=60)
        [child] = owner.children()
        os.kill(daemon.pid, signal.SIGKILL)
        until(lambda: not child.is_running(), "the program's end")


class TestListening:
    """What is new in the neighbour table is told; each table here is one that a look finds."""

    def test_each_new_claim_is_told_once(self) -> None:
        mac, first, second = "00:16:3e:00:00:01", ip_address("192.0.2.9"), ip_address("2001:db8::9")
        link_local = ip_address("fe80::1")
        tables: list[Neighbours | Unavailable] = [
            {"lab": {mac: (first, link_local)}},
            {"lab": {mac: (first,)}},
            Unavailable("the table is gone"),
            {"lab": {mac: (first, second)}},
            {},
            {"lab": {mac: (first,)}},
        ]
        assert _told(tables) == [{(mac, first)}, {(mac, second)}, {(mac, first)}]


def _told(tables: list[Neighbours | Unavailable]) -> list[frozenset[Claim]]:
    stop, told = threading.Event(), queue.SimpleQueue[frozenset[Claim]]()
    rest = iter(tables)

    def read() -> Neighbours:
        table = next(rest, None)
        if table is None:
            stop.set()
            return {}
        if isinstance(table, Unavailable):
            raise table
        return table

    listen(read, told.put, stop, every=0.0)
    return [told.get() for _ in range(told.qsize())]
