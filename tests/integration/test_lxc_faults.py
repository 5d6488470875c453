"""LXC fails: the monitor dies or goes silent, a container hangs, configs are bad, the directory is another one."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from skulldns.errors import Unavailable
from skulldns.lab.waiting import until
from skulldns.model.guests import GuestId, GuestState, Hint
from skulldns.sources.lxc import Limits, LxcSource, Pauses
from tests.contract.lxc_stage import LxcStage
from tests.contract.source_stages import Hints
from tests.laboratory.laboratory import Laboratory
from tests.laboratory.needs import require_laboratory

_PATIENCE = 30.0
_LIMITS = Limits(everything=1.0, one=2.0, pauses=Pauses(tick=0.1, overdue=0.5, first=0.1))

# Says nothing the first time that it stands for the monitor; all else it runs.
_SILENT_ONCE = """#!/bin/sh
case "$*" in
    *lxc-monitor*) mkdir {marker} 2>/dev/null && exec sleep 3600 ;;
esac
exec "$@"
"""

Watched = Callable[..., LxcSource]


@pytest.fixture(scope="module")
def laboratory() -> Iterator[Laboratory]:
    require_laboratory()
    with Laboratory.up() as laboratory:
        yield laboratory


@pytest.fixture
def stage(laboratory: Laboratory) -> LxcStage:
    stage = LxcStage(laboratory)
    stage.clear()
    return stage


@pytest.fixture
def hints(stage: LxcStage) -> Hints:
    return Hints(stage.heard_as)


@pytest.fixture
def watched(stage: LxcStage, hints: Hints) -> Iterator[Watched]:
    """Make a source that is watched and was looked at; it is closed at the end."""
    with ExitStack() as closing:

        def make(*prefix: str | Path) -> LxcSource:
            command = [*map(str, prefix), *stage.laboratory.command()]
            source = LxcSource(stage.path, command=command, limits=_LIMITS)
            closing.callback(source.close)
            source.watch(hints)
            source.guests()
            hints.until_everything()
            return source

        yield make


def _end(process: psutil.Process) -> None:
    process.kill()


def _stop(process: psutil.Process) -> None:
    process.suspend()


@pytest.mark.parametrize("harm", [_end, _stop])
def test_a_monitor_that_dies_or_stops_is_replaced(
    stage: LxcStage, hints: Hints, watched: Watched, harm: Callable[[psutil.Process], None]
) -> None:
    identity = stage.define("web")
    source = watched()
    former = source.monitor_pid
    assert former is not None
    harm(psutil.Process(former))
    hints.until_everything()
    until(lambda: source.monitor_pid not in {None, former}, "another monitor", patience=_PATIENCE)
    until(lambda: not psutil.pid_exists(former), "the end of the former one", patience=_PATIENCE)
    hints.until_everything()  # the new one hears
    stage.start(identity)
    hints.until_guest(identity)


def test_a_monitor_that_says_nothing_is_replaced(
    stage: LxcStage, hints: Hints, watched: Watched, tmp_path: Path
) -> None:
    script = tmp_path / "silent-once"
    script.write_text(_SILENT_ONCE.format(marker=tmp_path / "was-silent"))
    script.chmod(0o755)
    identity = stage.define("web")
    source = watched(script)
    assert (tmp_path / "was-silent").is_dir()
    former = source.monitor_pid
    stage.start(identity)
    assert hints.none_left()
    [guest] = source.guests()  # what it did not tell, a look finds
    assert guest.state is GuestState.RUNNING
    hints.until_everything()
    until(lambda: source.monitor_pid not in {None, former}, "another monitor", patience=_PATIENCE)
    hints.until_everything()
    stage.stop(identity)
    hints.until_guest(identity)


def test_a_monitor_that_tells_is_left_alone(stage: LxcStage, hints: Hints, watched: Watched) -> None:
    identity = stage.define("web")
    source = watched()
    former = source.monitor_pid
    for change in (stage.start, stage.stop, stage.start):
        change(identity)
        hints.until_guest(identity)
        source.guests()
    with source._monitor._lock:
        assert source._monitor._owed == {}
    assert source.monitor_pid == former


def test_a_container_that_hangs_does_not_hide_the_others(
    stage: LxcStage, watched: Watched, laboratory: Laboratory
) -> None:
    good, bad = stage.define("good"), stage.define("bad")
    stage.start(good)
    stage.start(bad)
    source = watched()
    process = _monitor_of(laboratory, stage.path, "bad")
    process.suspend()
    try:
        assert [guest.id for guest in source.guests()] == [good]
        assert source.unreadable() == {bad}
        with pytest.raises(Unavailable, match="does not answer"):
            source.guest(bad)
        found = source.guest(good)
        assert found is not None
        assert found.state is GuestState.RUNNING
    finally:
        process.resume()
    assert {guest.id for guest in source.guests()} == {good, bad}


def test_300_containers_some_of_them_bad(stage: LxcStage, hints: Hints, watched: Watched) -> None:
    source = watched()
    expected = {stage.define(f"g{number}", owner="alice") for number in range(300)}
    words, directory, missing = (
        GuestId(f"lxc:{stage.path}/{name}") for name in ("words", "directory", "missing")
    )
    for bad in (words, directory, missing):
        Path(bad.removeprefix("lxc:")).mkdir()
    (stage.path / "words" / "config").write_text("lxc.no.such.key = 1\n")
    (stage.path / "directory" / "config").mkdir()
    (stage.path / "plain-file").write_text("")
    hints.until_guest(words)
    found = source.guests()
    assert {guest.id for guest in found} == expected
    assert {guest.options.owner for guest in found} == {"alice"}
    assert source.unreadable() == {words, directory}
    assert source.guest(missing) is None


def test_another_directory_in_its_place_ends_no_guest(
    stage: LxcStage, hints: Hints, watched: Watched
) -> None:
    """As when the file system of the containers is not mounted."""
    identity = stage.define("web")
    source = watched()
    aside = stage.path.with_suffix(".aside")
    stage.path.rename(aside)
    stage.path.mkdir()
    hints.until_everything()
    assert source.guests() == []
    shutil.rmtree(stage.path)
    aside.rename(stage.path)
    until(lambda: _is_back(source, identity), "the directory's return", patience=_PATIENCE)
    hints.until_guest(stage.define("marker"))
    assert [hint for hint in hints.heard if _is_end_of(hint, identity)] == []


def test_without_lxcs_programs_the_source_says_so(stage: LxcStage) -> None:
    source = LxcSource(stage.path, command=["env", "PATH=/nonexistent"])
    with pytest.raises(Unavailable, match="Debian package lxc"):
        source.guests()
    source.close()


def _is_end_of(hint: Hint, identity: GuestId) -> bool:
    return hint.undefined and hint.guest == identity


def _is_back(source: LxcSource, identity: GuestId) -> bool:
    return source.guest(identity) is not None


def _monitor_of(laboratory: Laboratory, path: Path, name: str) -> psutil.Process:
    """The process of LXC that answers for a container."""
    title = f"[lxc monitor] {path} {name}"
    inside = psutil.Process(laboratory.pid).children(recursive=True)
    [found] = [process for process in inside if " ".join(process.cmdline()).strip() == title]
    return found
