"""What stands around a lab is read from a file in its directory, if there is one."""

import json
from pathlib import Path

import pytest

from skulldns.errors import ConfigError
from skulldns.lab.place import Place
from skulldns.lab.surroundings import Surroundings


def test_a_lab_stands_alone_without_the_file(tmp_path: Path) -> None:
    assert Surroundings.of(Place(tmp_path)) == Surroundings((), ("127.7.0.0/16",), ("7.127.in-addr.arpa",))


def test_the_labs_own_come_first(tmp_path: Path) -> None:
    source = {"kind": "lxc", "path": "/srv/lxc", "zone": "vmsrv.test"}
    content = {"sources": [source], "networks": ["192.0.2.0/24"], "reverse": ["2.0.192.in-addr.arpa"]}
    (tmp_path / "surroundings.json").write_text(json.dumps(content))
    found = Surroundings.of(Place(tmp_path))
    assert found.sources == (source,)
    assert found.networks == ("127.7.0.0/16", "192.0.2.0/24")
    assert found.reverse == ("7.127.in-addr.arpa", "2.0.192.in-addr.arpa")


@pytest.mark.parametrize("content", ["{", '{"network": []}', "[]", '"text"', "null"])
def test_what_is_no_description_is_told(tmp_path: Path, content: str) -> None:
    (tmp_path / "surroundings.json").write_text(content)
    with pytest.raises(ConfigError, match=r"surroundings\.json"):
        Surroundings.of(Place(tmp_path))


def test_a_lab_is_one_place_however_its_directory_is_written(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to(tmp_path)
    for text in ("elsewhere/../lab", "./lab", "link/lab", "lab/"):
        assert Place(tmp_path / text).directory == (tmp_path / "lab").resolve()
