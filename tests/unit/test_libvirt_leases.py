"""Lease files of libvirt's networks."""

import json
import queue
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from skulldns.sources.libvirt.leases import LeaseWatch, parse_leases

_MAC = "52:54:00:00:00:01"
_OTHER_MAC = "52:54:00:00:00:02"
_PATIENCE = 10.0

Changes = queue.Queue[frozenset[str]]


def _text(*leases: tuple[str, str], **more: object) -> str:
    return json.dumps([{"mac-address": mac, "ip-address": ip, **more} for mac, ip in leases])


def _write(path: Path, text: str) -> None:
    """Replace a file as libvirt's helper does."""
    fresh = path.with_suffix(".new")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)


@pytest.fixture
def changes(tmp_path: Path) -> Iterator[Changes]:
    """What the watcher tells of `tmp_path`, which has one lease."""
    _write(tmp_path / "virbr0.status", _text((_MAC, "192.0.2.9")))
    told, stop = Changes(), threading.Event()
    thread = threading.Thread(target=LeaseWatch(tmp_path).run, args=(told.put, stop))
    thread.start()
    yield told
    stop.set()
    thread.join(_PATIENCE)
    assert not thread.is_alive()


def test_a_new_lease_is_told(tmp_path: Path, changes: Changes) -> None:
    _write(tmp_path / "virbr0.status", _text((_MAC, "192.0.2.9"), (_OTHER_MAC.upper(), "192.0.2.10")))
    assert changes.get(timeout=_PATIENCE) == {_OTHER_MAC}


def test_another_address_and_an_expired_lease_are_told(tmp_path: Path, changes: Changes) -> None:
    _write(tmp_path / "virbr0.status", _text((_MAC, "192.0.2.11")))
    assert changes.get(timeout=_PATIENCE) == {_MAC}
    _write(tmp_path / "virbr0.status", "")
    assert changes.get(timeout=_PATIENCE) == {_MAC}


def test_a_renewed_lease_is_no_change(tmp_path: Path) -> None:
    path = tmp_path / "virbr0.status"
    _write(path, _text((_MAC, "192.0.2.9"), **{"expiry-time": 1}))
    watch = LeaseWatch(tmp_path)
    _write(path, _text((_MAC, "192.0.2.9"), **{"expiry-time": 2}))
    assert watch._look() == frozenset()
    _write(path, "[{")
    assert watch._look() == frozenset()
    path.unlink()
    assert watch._look() == {_MAC}


def test_a_missing_directory_is_not_watched(tmp_path: Path) -> None:
    told = Changes()
    LeaseWatch(tmp_path / "missing").run(told.put, threading.Event())
    assert told.empty()


def test_the_host_name_of_a_lease_is_not_read() -> None:
    assert parse_leases(_text((_MAC, "192.0.2.9"), hostname="ns1")) == frozenset({(_MAC, "192.0.2.9")})


@pytest.mark.parametrize("text", ["{", "{}", "7", '"x"', "[" * 100_000, "null"])
def test_something_else_is_no_lease_file(text: str) -> None:
    assert parse_leases(text) is None


def test_bad_entries_are_left_out() -> None:
    assert parse_leases('[7, null, {}, {"mac-address": 7, "ip-address": "192.0.2.9"}]') == frozenset()
