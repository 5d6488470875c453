"""What changes in a directory of containers."""

import shutil
from collections.abc import Collection
from pathlib import Path

import pytest

from skulldns.sources.lxc.directory import DirectoryWatch


class _Heard:
    def __init__(self) -> None:
        self.told: list[str] = []

    def container_changed(self, name: str, *, undefined: bool = False) -> None:
        self.told.append(f"{name} is gone" if undefined else name)

    def everything_changed(self) -> None:
        self.told.append("everything")

    def take(self) -> Collection[str]:
        told, self.told = self.told, []
        return told


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "lxc"
    (path / "web").mkdir(parents=True)
    (path / "web" / "config").write_text("")
    (path / "plain").mkdir()
    return path


@pytest.fixture
def heard() -> _Heard:
    return _Heard()


@pytest.fixture
def watch(path: Path, heard: _Heard) -> DirectoryWatch:
    return DirectoryWatch(path, heard)


def test_nothing_is_told_while_nothing_changes(path: Path, heard: _Heard, watch: DirectoryWatch) -> None:
    watch._compare(frozenset())
    (path / "web" / "log").write_text("")
    watch._compare({"web", "plain"})
    assert heard.take() == []


def test_a_new_container_and_a_changed_config_are_told(
    path: Path, heard: _Heard, watch: DirectoryWatch
) -> None:
    (path / "web" / "config").write_text("lxc.uts.name = web")
    (path / "plain" / "config").write_text("")
    watch._compare(frozenset())
    assert sorted(heard.take()) == ["plain", "web"]


def test_the_end_is_told_when_the_directory_is_gone(path: Path, heard: _Heard, watch: DirectoryWatch) -> None:
    (path / "web" / "config").unlink()
    watch._compare(frozenset())
    assert heard.take() == ["web"]
    shutil.rmtree(path / "web")
    for _ in range(2):
        watch._compare(frozenset())
    assert heard.take() == ["web is gone"]


def test_one_that_came_and_went_between_two_looks_is_told(heard: _Heard, watch: DirectoryWatch) -> None:
    watch._compare({"short"})
    assert heard.take() == ["short is gone"]


def test_the_end_of_what_was_no_container_is_not_told(
    path: Path, heard: _Heard, watch: DirectoryWatch
) -> None:
    (path / "plain").rmdir()
    watch._compare({"plain"})
    assert heard.take() == []


def test_another_directory_under_the_name_ends_nobody(
    path: Path, heard: _Heard, watch: DirectoryWatch
) -> None:
    path.rename(path.with_suffix(".aside"))
    path.mkdir()
    watch.meet()
    assert heard.take() == ["everything"]
    watch._compare({"web"})  # events of the former directory may still come
    assert heard.take() == []


def test_a_directory_that_goes_and_comes_is_told_twice(
    path: Path, heard: _Heard, watch: DirectoryWatch
) -> None:
    aside = path.rename(path.with_suffix(".aside"))
    for _ in range(2):
        watch._compare({"web"})
    assert heard.take() == ["everything"]
    aside.rename(path)
    watch.meet()
    watch.meet()
    assert heard.take() == ["everything"]
