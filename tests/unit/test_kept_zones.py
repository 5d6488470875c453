"""The last good version of a zone file stays in force: after a bad save, half a save, and a restart."""

import json
from pathlib import Path

import dns.name
import pytest
from dns.rdata import Rdata
from dns.rdatatype import RdataType

from skulldns.config import ServerConfig, ViewConfig, ZoneConfig
from skulldns.model.observations import ZoneFile
from skulldns.wiring import ZoneFiles

_ZONE = dns.name.from_text("zone.test")
_BLOCK = """\
# static records of zone.test
'': {type: NS, values: [ns1.zone.test., ns2.zone.test.]}
ns1: {type: A, value: 192.0.2.53}
ns2:
  type: A
  value: 192.0.2.154
mail:
  - type: MX
    value: {preference: 10, exchange: mx.zone.test.}
  - {type: TXT, ttl: 3600, value: 'v=spf1 mx -all'}
www:
  type: A
  values:
    - 192.0.2.10
    - 192.0.2.111
"""
_ENDED = _BLOCK + "...\n"
_FLOW = "{a: {type: A, value: 192.0.2.1},\n b: {type: A, value: 192.0.2.2}}\n"


def _zone(tmp_path: Path, name: str = "zone.yaml", zone: dns.name.Name = _ZONE) -> ZoneConfig:
    primary = ServerConfig.model_validate({"address": "192.0.2.53", "key": "skulldns"})
    return ZoneConfig(zone, tmp_path / name, (ViewConfig(None, primary),))


def _files(tmp_path: Path, *, read_only: bool = False) -> ZoneFiles:
    """What a process that starts now has."""
    return ZoneFiles(tmp_path / "state", read_only=read_only)


def _data(found: ZoneFile) -> set[tuple[dns.name.Name, RdataType, Rdata]]:
    records = found.records or ()
    return {(one.rrset.name, one.rrset.type, rdata) for one in records for rdata in one.rrset.data}


@pytest.mark.parametrize("text", [_BLOCK, _ENDED, _FLOW], ids=["block", "with an end", "flow"])
@pytest.mark.parametrize("restarted", [False, True])
def test_a_file_cut_at_every_byte_never_removes_a_record(
    tmp_path: Path, text: str, *, restarted: bool
) -> None:
    zone = _zone(tmp_path)
    assert zone.file is not None
    zone.file.write_text(text)
    files = _files(tmp_path)
    whole = _data(files.look(zone))
    assert whole
    held = 0
    for length in range(len(text)):
        zone.file.write_text(text[:length])
        found = (_files(tmp_path, read_only=True) if restarted else files).look(zone)
        assert _data(found) == whole, f"cut at {length}: {text[:length]!r}"
        held += found.error is not None
    assert held >= len(text) - 1  # without its last line feed alone, a file may pass for whole
    zone.file.write_text(text)
    assert files.look(zone).error is None


def test_a_new_version_cut_on_its_way_removes_nothing_that_was_there(tmp_path: Path) -> None:
    zone = _zone(tmp_path)
    assert zone.file is not None
    zone.file.write_text(_ENDED)
    files = _files(tmp_path)
    before = _data(files.look(zone))
    text = _ENDED.replace("192.0.2.53", "192.0.2.153").replace(
        "...\n", "zz: {type: A, value: 192.0.2.9}\n...\n"
    )
    for length in range(len(text) - 1):
        zone.file.write_text(text[:length])
        found = files.look(zone)
        if found.error is None:
            assert text[length:].strip(" .\n") == "", f"cut at {length}"
        else:
            assert _data(found) == before
    zone.file.write_text(text)
    assert len(_data(files.look(zone)) - before) == 2


def test_a_bad_file_is_said_and_the_last_good_version_stays_for_this_zone_alone(tmp_path: Path) -> None:
    bad, other = _zone(tmp_path), _zone(tmp_path, "other.yaml", dns.name.from_text("other.test"))
    assert bad.file is not None
    assert other.file is not None
    bad.file.write_text(_BLOCK)
    other.file.write_text(_FLOW)
    files = _files(tmp_path)
    before = _data(files.look(bad))
    assert files.look(other).error is None
    bad.file.write_text(_BLOCK + "www: {type: A, value: 192.0.2.999}\n")
    other.file.write_text(_FLOW.replace("192.0.2.2", "192.0.2.3"))
    for process in (files, _files(tmp_path)):
        found = process.look(bad)
        assert found.error is not None
        assert found.error.startswith(f"{bad.file}:16:1")
        assert _data(found) == before
        found = process.look(other)
        assert found.error is None
        assert "192.0.2.3" in str([one.rrset for one in found.records or ()])


def test_the_first_file_of_a_zone_has_nothing_to_fall_back_on(tmp_path: Path) -> None:
    zone = _zone(tmp_path)
    found = _files(tmp_path).look(zone)
    assert (found.records, "there is no such file" in (found.error or "")) == (None, True)


@pytest.mark.parametrize("text", ["", "# words\n"])
@pytest.mark.parametrize("known", [False, True])
def test_an_empty_file_is_an_empty_zone_only_if_a_person_says_so(
    tmp_path: Path, text: str, *, known: bool
) -> None:
    zone = _zone(tmp_path)
    assert zone.file is not None
    files = _files(tmp_path)
    if known:
        zone.file.write_text(_BLOCK)
        files.look(zone)
    before = files.look(zone).records
    zone.file.write_text(text)
    found = files.look(zone)
    assert "the file is empty; write {}" in (found.error or "")
    assert found.records == before
    found = files.look(zone, accept=True)
    assert (found.error, found.records) == (None, ())
    assert (files.look(zone).error, _files(tmp_path).look(zone).error) == (None, None)


def test_a_file_that_vanished_leaves_its_last_good_version_in_force(tmp_path: Path) -> None:
    zone = _zone(tmp_path)
    assert zone.file is not None
    zone.file.write_text(_BLOCK)
    before = _data(_files(tmp_path).look(zone))
    zone.file.unlink()
    found = _files(tmp_path).look(zone)
    assert "there is no such file" in (found.error or "")
    assert _data(found) == before


def test_a_person_may_accept_a_file_that_looks_cut(tmp_path: Path) -> None:
    zone = _zone(tmp_path)
    assert zone.file is not None
    zone.file.write_text(_BLOCK)
    files = _files(tmp_path)
    before = _data(files.look(zone))
    zone.file.write_text(_BLOCK[: _BLOCK.index("www:")])
    assert "as if it were cut" in (files.look(zone).error or "")
    found = files.look(zone, accept=True)
    assert found.error is None
    assert len(_data(found)) == len(before) - 2
    assert files.look(zone).error is None
    assert _files(tmp_path).look(zone).error is None


def test_accepting_takes_no_broken_file(tmp_path: Path) -> None:
    zone = _zone(tmp_path)
    assert zone.file is not None
    zone.file.write_text(_BLOCK)
    files = _files(tmp_path)
    before = _data(files.look(zone))
    zone.file.write_text("www: {type: A")
    found = files.look(zone, accept=True)
    assert found.error is not None
    assert _data(found) == before


def test_included_files_and_split_directories_are_kept_too(tmp_path: Path) -> None:
    directory = tmp_path / "zone.test."
    (directory / "sub").mkdir(parents=True)
    (directory / "www.yaml").write_text("www: !include sub/addresses.yaml\n")
    (directory / "mail.yaml").write_text("mail: {type: A, value: 192.0.2.25}\n")
    included = directory / "sub" / "addresses.yaml"
    included.write_text("type: A\nvalues: [192.0.2.10, 192.0.2.11]\n")
    zone = _zone(tmp_path, "zone.test.")
    files = _files(tmp_path)
    before = _data(files.look(zone))
    assert len(before) == 3
    assert included in files.paths(zone)
    assert directory in files.paths(zone)
    included.write_text("type: A\nvalues: [192.0.2.10\n")
    found = _files(tmp_path).look(zone)
    assert str(included) in (found.error or "")
    assert _data(found) == before


def test_a_zone_with_a_slash_in_its_name_is_kept(tmp_path: Path) -> None:
    name = dns.name.from_text("0/25.2.0.192.in-addr.arpa")
    zone = _zone(tmp_path, "reverse.yaml", name)
    assert zone.file is not None
    zone.file.write_text("1: {type: PTR, value: www.zone.test.}\n")
    before = _data(_files(tmp_path).look(zone))
    zone.file.write_text("1: {")
    assert _data(_files(tmp_path).look(zone)) == before


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"files": [["a"]], "included": []}', b"\xff"])
def test_a_kept_version_that_is_damaged_is_none(tmp_path: Path, content: bytes) -> None:
    zone = _zone(tmp_path)
    assert zone.file is not None
    zone.file.write_text(_BLOCK)
    assert _files(tmp_path).look(zone).error is None
    [kept] = (tmp_path / "state" / "zones").iterdir()
    kept.write_bytes(content)
    assert _files(tmp_path).look(zone).error is None
    assert json.loads(kept.read_bytes())["files"] == [[str(zone.file), _BLOCK]]


def test_looking_only_keeps_nothing(tmp_path: Path) -> None:
    zone = _zone(tmp_path)
    assert zone.file is not None
    zone.file.write_text(_BLOCK)
    assert _files(tmp_path, read_only=True).look(zone).records
    assert not (tmp_path / "state").exists()


def test_a_version_that_cannot_be_kept_is_not_taken(tmp_path: Path) -> None:
    zone = _zone(tmp_path)
    assert zone.file is not None
    zone.file.write_text(_BLOCK)
    files = _files(tmp_path)
    before = _data(files.look(zone))
    kept = tmp_path / "state" / "zones"
    kept.rename(tmp_path / "aside")
    kept.write_text("in the way")
    zone.file.write_text(_BLOCK + "new: {type: A, value: 192.0.2.77}\n")
    found = files.look(zone)
    assert "cannot be kept" in (found.error or "")
    assert _data(found) == before
    kept.unlink()
    assert len(_data(files.look(zone))) == len(before) + 1
