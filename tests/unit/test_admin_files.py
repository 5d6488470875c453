"""The admin's files are watched: the zone files, what they include, and where symlinks lead."""

import queue
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from skulldns.config import load
from skulldns.daemon.files import AdminFiles
from skulldns.model.observations import ZoneFile
from skulldns.wiring import ZoneFiles

_CONFIG = """\
state: state
keys:
  skulldns: {algorithm: hmac-sha256, secret_file: tsig.key}
zones:
  zone.test:
    file: zones/zone.test.yaml
    primary: {address: 192.0.2.53, key: skulldns}
"""
_PATIENCE = 30.0

Await = Callable[[str], ZoneFile]


@pytest.fixture
def zone_file(tmp_path: Path) -> Path:
    (tmp_path / "skulldns.yaml").write_text(_CONFIG)
    (tmp_path / "tsig.key").touch(mode=0o600)
    (tmp_path / "tsig.key").write_text("bm90IGEgcmVhbCBzZWNyZXQsIG9ubHkgYSB0ZXN0")
    path = tmp_path / "zones" / "zone.test.yaml"
    path.parent.mkdir()
    path.write_text("www: {type: A, value: 192.0.2.1}\n")
    return path


@pytest.fixture
def await_value(tmp_path: Path, zone_file: Path) -> Iterator[Await]:  # noqa: ARG001 - it is read
    """Watch, and wait until a reading has this in its records or its error."""
    found: queue.Queue[object] = queue.Queue()
    config, stop = load(tmp_path / "skulldns.yaml"), threading.Event()
    files = AdminFiles(config, ZoneFiles(config.state), found.put)
    thread = threading.Thread(target=files.watch, args=(stop,), daemon=True)
    thread.start()

    def wait(text: str) -> ZoneFile:
        while True:
            seen = found.get(timeout=_PATIENCE)
            assert isinstance(seen, ZoneFile)
            if text in f"{[str(one.rrset) for one in seen.records or ()]} {seen.error}":
                return seen

    yield wait
    stop.set()
    thread.join(_PATIENCE)
    assert not thread.is_alive()


def test_a_saved_file_is_read_and_a_broken_one_leaves_the_good_version(
    zone_file: Path, await_value: Await
) -> None:
    await_value("192.0.2.1")
    zone_file.write_text("www: {type: A, value: 192.0.2.2}\n")
    await_value("192.0.2.2")
    zone_file.write_text("www: {type: A, value: 192.0.2.\n")
    seen = await_value("zone.test.yaml:1:")
    assert "192.0.2.2" in str([str(one.rrset) for one in seen.records or ()])


def test_included_files_are_watched_too(zone_file: Path, await_value: Await) -> None:
    await_value("192.0.2.1")
    included = zone_file.parent / "hosts" / "mail.yaml"
    included.parent.mkdir()
    included.write_text("{type: A, value: 192.0.2.25}\n")
    zone_file.write_text("mail: !include hosts/mail.yaml\n")
    await_value("192.0.2.25")
    included.write_text("{type: A, value: 192.0.2.26}\n")
    await_value("192.0.2.26")
    included.write_text("{type: A, value: 192.0.2.27}\n")
    await_value("192.0.2.27")


def test_a_file_that_an_include_lacks_is_found_when_it_comes(zone_file: Path, await_value: Await) -> None:
    await_value("192.0.2.1")
    zone_file.write_text("mail: !include mail.yaml\n")
    await_value("there is no such file")
    (zone_file.parent / "mail.yaml").write_text("{type: A, value: 192.0.2.25}\n")
    await_value("192.0.2.25")


def test_a_file_behind_a_symlink_is_watched(zone_file: Path, tmp_path: Path, await_value: Await) -> None:
    await_value("192.0.2.1")
    elsewhere = tmp_path / "git" / "zone.yaml"
    elsewhere.parent.mkdir()
    elsewhere.write_text("www: {type: A, value: 192.0.2.3}\n")
    link = zone_file.with_name("link")
    link.symlink_to(elsewhere)
    link.replace(zone_file)
    await_value("192.0.2.3")
    elsewhere.write_text("www: {type: A, value: 192.0.2.4}\n")
    await_value("192.0.2.4")
