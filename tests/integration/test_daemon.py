"""The daemon's own life: one at a time, a quick end, and a disk, database or file that fails it."""

import errno
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import BinaryIO

import psutil
import pytest

from skulldns.lab import Lab
from skulldns.lab.waiting import until
from tests.integration.trial import Trial, is_a_sentence_with_cure, skulldns, stopped
from tests.support import require

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def trial(lab: Lab) -> Trial:
    return Trial(lab)


def _zone_file(trial: Trial) -> Path:
    return trial.lab.info.directory / "zones" / f"{trial.zone}.yaml"


# ----------------------------------------------------------------------------------------- beginning and end


def test_a_second_daemon_on_the_same_state_refuses(trial: Trial) -> None:
    _, before = trial.settle("web")
    second = trial.says("run")
    assert second.code == 1
    [line] = second.errors
    assert "another skulldns already works here" in line
    assert is_a_sentence_with_cure(line)
    assert trial.everything() == before
    assert trial.says("status", "--json").json["daemon"] is True
    trial.serve("later")


def test_apply_asks_the_daemon_and_does_not_write_beside_it(trial: Trial) -> None:
    trial.serve("web")
    with stopped(trial.lab.info.pid["ns1"]):
        pass
    assert trial.says("apply").code == 0
    assert trial.says("status", "--json").json["pid"] == trial.lab.info.pid["daemon"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("silent", [None, "ns1", "libvirtd"])
def test_a_signal_ends_it_and_no_socket_stays(
    trial: Trial, number: signal.Signals, silent: str | None
) -> None:
    trial.serve("web")
    trial.lab.stop("daemon")
    with _own_daemon(trial) as daemon:
        trial.until_answering()
        trial.serve("more")
        if silent:
            with stopped(trial.lab.info.pid[silent]):
                trial.define("never") if silent != "libvirtd" else None
                daemon.send_signal(number)
                assert daemon.wait(20) == 0
        else:
            daemon.send_signal(number)
            assert daemon.wait(20) == 0
    assert not (trial.state / "daemon.sock").exists()
    assert not [line for line in _own_log(trial) if "Traceback" in line or "CRITICAL" in line]
    assert trial.says("status", "--json").json["daemon"] is False


@contextmanager
def _own_daemon(trial: Trial) -> Iterator[subprocess.Popen[bytes]]:
    """The daemon as a child of the test, which sees how it ends."""
    command = [sys.executable, "-m", "skulldns", "run", "--config", str(trial.lab.info.config)]
    with (
        (trial.lab.info.directory / "log" / "own.log").open("wb") as log,
        subprocess.Popen(command, stdout=log, stderr=log) as daemon,
    ):
        try:
            yield daemon
        finally:
            if daemon.poll() is None:
                daemon.kill()


def _own_log(trial: Trial) -> list[str]:
    return (trial.lab.info.directory / "log" / "own.log").read_text(encoding="utf-8").splitlines()


def test_a_socket_left_by_a_killed_daemon_is_no_hindrance(trial: Trial) -> None:
    trial.serve("web")
    trial.lab.kill("daemon")
    assert (trial.state / "daemon.sock").exists()
    assert trial.says("status", "--json").json["daemon"] is False
    trial.start_daemon()
    assert trial.says("status", "--json").json["daemon"] is True
    trial.serve("later")


# ---------------------------------------------------------------------------------------------- the database


def _garbage(path: Path) -> None:
    path.write_bytes(b"this is no database\n" * 500)


def _broken_pages(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4096:] = os.urandom(len(content) - 4096)
    path.write_bytes(content)


def _cut(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def _emptied(path: Path) -> None:
    path.write_bytes(b"")


_HARMS: dict[str, Callable[[Path], object]] = {
    "garbage": _garbage,
    "broken pages": _broken_pages,
    "cut in half": _cut,
    "empty": _emptied,
    "missing": Path.unlink,
}


@pytest.mark.parametrize("harm", _HARMS)
def test_a_lost_database_is_built_anew_from_what_is_served(trial: Trial, harm: str) -> None:
    trial.serve(*(f"g{number}" for number in range(8)))
    trial.by_hand("update add hand.vmsrv.test. 300 A 127.7.66.66")
    before = trial.everything()
    trial.lab.stop("daemon")
    path = _database(trial)
    for leftover in (Path(f"{path}-wal"), Path(f"{path}-shm")):
        leftover.unlink(missing_ok=True)
    _HARMS[harm](path)
    trial.start_daemon()
    trial.until_well()
    assert trial.everything() == before
    if harm in {"garbage", "broken pages", "cut in half"}:
        assert path.with_name(f"{path.name}.corrupt").exists()
        assert "set aside" in trial.log()
    assert trial.says("plan", "--exit-code").code == 0
    # What was adopted is ours again, what somebody else made is not.
    trial.lab.guest("g3").destroy()
    until(lambda: trial.answers("ns2", "g3") == [], "the end of an adopted name", patience=30)
    trial.until_well()
    assert trial.answers("ns1", "hand") == ["127.7.66.66"]
    assert len(trial.holds("ns1")) == len(before["ns1", trial.zone]) - 1


def test_a_database_lost_while_the_hypervisor_is_silent_deletes_nothing(trial: Trial) -> None:
    guests = tuple(f"g{number}" for number in range(4))
    uuids, before = trial.settle(*guests)
    trial.lab.stop("daemon")
    _database(trial).unlink()
    trial.lab.kill("libvirtd")
    trial.start_daemon()
    trial.until_problem("libvirt", "start libvirt's daemon")
    assert trial.everything() == before
    trial.lab.start("libvirtd")
    trial.define(*guests, uuids=uuids)
    trial.until_states("served", *guests)
    trial.until_well()
    assert trial.everything() == before
    trial.lab.guest("g3").destroy()
    until(lambda: trial.answers("ns2", "g3") == [], "the end of an adopted name", patience=30)


def _database(trial: Trial) -> Path:
    [path] = trial.state.glob("*.db")
    return path


# -------------------------------------------------------------------------------------------------- the disk


@contextmanager
def _small_disk(trial: Trial) -> Iterator[Path]:
    """The state directory on a file system of its own, 2 MiB large; the daemon is stopped meanwhile."""
    require("mount", package="mount")
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small file system")
    trial.lab.stop("daemon")
    files = [path for path in trial.state.rglob("*") if path.is_file()]
    kept = {path.relative_to(trial.state): path.read_bytes() for path in files}
    mounted = _mount("-t", "tmpfs", "-o", "size=2m,mode=0700", "tmpfs", str(trial.state))
    if mounted.returncode:
        pytest.skip(f"a small file system cannot be mounted here: {mounted.stderr.strip()}")
    try:
        for name, content in kept.items():
            (trial.state / name).parent.mkdir(parents=True, exist_ok=True)
            (trial.state / name).write_bytes(content)
        trial.start_daemon()
        yield trial.state
    finally:
        trial.lab.stop("daemon")
        subprocess.run(["umount", str(trial.state)], check=True, timeout=20)


def _mount(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False, timeout=20)


@contextmanager
def _full(state: Path) -> Iterator[None]:
    """Not one byte is left."""
    ballast = state / "ballast"
    with ballast.open("wb", buffering=0) as file:
        while _fits(file):
            pass
    try:
        yield
    finally:
        ballast.unlink()


def _fits(file: BinaryIO) -> bool:
    try:
        file.write(b"x" * 512)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        return False
    return True


@contextmanager
def _locked(state: Path) -> Iterator[None]:
    """Another process keeps the database for itself."""
    with closing(sqlite3.connect(next(state.glob("*.db")), isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


@pytest.mark.parametrize("fault", [_full, _locked], ids=["full", "locked"])
def test_what_cannot_be_written_down_is_not_published(
    trial: Trial, fault: Callable[[Path], AbstractContextManager[None]]
) -> None:
    trial.serve("before")
    with _small_disk(trial) as state:
        trial.until_well()
        before = trial.everything()
        with fault(state):
            trial.define(*(f"new{number}" for number in range(60)))
            sentence = trial.until_problem("database", patience=60)
            assert is_a_sentence_with_cure(sentence)
            assert "disk" in sentence
            _nothing_is_served_unwritten(trial, state, before)
            trial.until_states("pending", "new59", patience=60)
            assert trial.answers("ns1", "before")
        healed = trial.until_well()
        print(f"healed after {healed:.1f} s")  # noqa: T201 - a figure for `pytest -s`
        assert all(trial.answers("ns2", f"new{number}") for number in range(60))


def _nothing_is_served_unwritten(
    trial: Trial, state: Path, before: dict[tuple[str, str], frozenset[str]]
) -> None:
    """Every record that is new on ns1 has a row in the ledger."""
    new = {line.split()[0] for line in trial.holds("ns1") - before["ns1", trial.zone]}
    with closing(sqlite3.connect(f"file:{next(state.glob('*.db'))}?mode=ro", uri=True)) as connection:
        rows = {row[0] for row in connection.execute("SELECT name FROM ledger")}
    assert new <= {row if row.endswith(".") else f"{row}." for row in rows}


def test_a_daemon_that_starts_on_a_full_disk_says_so(trial: Trial) -> None:
    _, before = trial.settle("web")
    with _small_disk(trial) as state:
        trial.until_well()
        trial.lab.stop("daemon")
        _database(trial).unlink()
        with _full(state):
            said = trial.says("run")
            assert said.code == 1
            line = said.errors[-1]
            assert is_a_sentence_with_cure(line)
            assert "disk" in line
            assert "Traceback" not in said.err
        trial.start_daemon()
        trial.until_well()
        assert trial.everything() == before


# -------------------------------------------------------------------------------------------- the admin's files


_BROKEN_SAVES = {
    "a tab": ("web2:\n\t- type: A\n", 6),
    "half a file": ("web2: {type: A, value: 127.7.2", 5),
    "a duplicate key": ("info: {type: A, value: 127.7.200.2}\n", 5),
    "no address": ("web2: {type: A, value: 127.7.200.999}\n", 5),
    "an unknown type": ("web2: {type: AAAAA, value: x}\n", 5),
}


@pytest.mark.parametrize("kind", _BROKEN_SAVES)
def test_a_broken_zone_file_is_said_and_the_last_good_stays(trial: Trial, kind: str) -> None:
    added, _ = _BROKEN_SAVES[kind]
    _, before = trial.settle("web")
    path = _zone_file(trial)
    good = path.read_text()
    path.write_text(good + added)
    sentence = trial.until_problem(f"{path}:", patience=20)
    line = int(sentence.split(f"{path}:")[1].split(":")[0])
    assert good.count("\n") <= line <= (good + added).count("\n") + 1  # the last line may lack its end
    assert is_a_sentence_with_cure(sentence)
    assert sentence in trial.says("status").out
    assert trial.everything() == before
    trial.serve("later")  # guests go on
    checked = trial.says("check")
    assert checked.code == 2
    assert any(error.startswith(f"{path}:{line}:") for error in checked.errors)
    path.write_text(good + "static2: {type: A, value: 127.7.200.2}\n")
    healed = trial.until_states("served", "static2", "info", patience=20)
    trial.until_well()
    print(f"{kind}: served after {healed:.2f} s")  # noqa: T201 - a figure for `pytest -s`
    assert trial.answers("ns2", "static2") == ["127.7.200.2"]


def test_a_zone_file_that_vanished_deletes_nothing(trial: Trial) -> None:
    before = trial.everything()
    path = _zone_file(trial)
    good = path.read_text()
    path.unlink()
    sentence = trial.until_problem(str(path), patience=20)
    assert is_a_sentence_with_cure(sentence)
    assert trial.everything() == before
    aside = path.with_name(".aside")  # as editors save: another file takes its place
    aside.write_text(good + "static2: {type: A, value: 127.7.200.2}\n")
    aside.replace(path)
    trial.until_states("served", "static2", "info", patience=20)
    trial.until_well()


def test_an_emptied_zone_file_is_held_by_the_guard(trial: Trial) -> None:
    path = _zone_file(trial)
    lines = [f"s{number}: {{type: A, value: 127.7.201.{number + 1}}}" for number in range(9)]
    path.write_text(path.read_text() + "\n".join(sorted(lines)) + "\n")
    trial.until_states("served", *(f"s{number}" for number in range(9)), patience=20)
    before = trial.everything()
    path.write_text("{}\n")
    trial.until_problem("skulldns apply --checksum", patience=20)
    assert trial.states(*(f"s{number}" for number in range(9))) == {"held"}
    assert trial.everything() == before
    assert trial.says("plan", "--exit-code").code == 4


_BROKEN_CONFIGS = {
    "an unknown key": ("networks:", "network:"),
    "no such mode": ("mode: sync", "mode: sink"),
    "half a file": ("on_stop: keep", "on_stop: {keep"),
    "a tab": ("  publish: guest", "\tpublish: guest"),
    "no such key file": ("tsig.key", "nowhere.key"),
}


@pytest.mark.parametrize("kind", _BROKEN_CONFIGS)
def test_a_wrong_config_stops_every_verb_and_changes_nothing(trial: Trial, kind: str, tmp_path: Path) -> None:
    trial.serve("web")
    trial.lab.stop("daemon")
    before, files = trial.everything(), _files(trial.state)
    good = trial.lab.info.config.read_text()
    wrong = trial.lab.info.directory / "wrong.yaml"
    old, new = _BROKEN_CONFIGS[kind]
    wrong.write_text(good.replace(old, new))
    assert wrong.read_text() != good
    for verb in (("run",), ("plan",), ("apply",), ("status",), ("why", "web"), ("guest", "list"), ("check",)):
        said = skulldns(*verb, config=wrong)
        assert said.code == 2, verb
        assert said.out == ""
        [line] = said.errors
        where, _, rest = line.partition(": ")
        file, number, column = where.rsplit(":", 2)
        assert (file, int(number) > 0, int(column) > 0) == (str(wrong), True, True)
        assert is_a_sentence_with_cure(rest)
    assert trial.everything() == before
    assert _files(trial.state) == files
    assert list(tmp_path.glob("*.corrupt")) == []


def _files(directory: Path) -> dict[str, int]:
    return {path.name: path.stat().st_size for path in directory.iterdir()}


@pytest.mark.parametrize("kind", _BROKEN_CONFIGS)
def test_a_config_broken_while_it_runs_is_said_and_the_last_good_stays(trial: Trial, kind: str) -> None:
    trial.serve("web")
    before, pid = trial.everything(), trial.lab.info.pid["daemon"]
    config = trial.lab.info.config
    good = config.read_text()
    old, new = _BROKEN_CONFIGS[kind]
    config.write_text(good.replace(old, new))
    sentence = trial.until_problem(f"{config}:", patience=20)
    assert is_a_sentence_with_cure(sentence)
    trial.define("later")
    trial.until_states("served", "later", patience=20)
    config.write_text(good)
    trial.until_well()
    assert all(records <= trial.everything()[key] for key, records in before.items())
    assert trial.lab.info.pid["daemon"] == pid


def test_a_changed_config_is_taken_without_a_restart(trial: Trial) -> None:
    trial.serve("web")
    pid = trial.lab.info.pid["daemon"]
    config = trial.lab.info.config
    config.write_text(config.read_text().replace("    ttl: 60\n", "    ttl: 77\n"))
    expected = f"web.{trial.zone}. 77 IN A {trial.answers('ns1', 'web')[0]}"
    until(lambda: expected in trial.holds("ns2"), "the new TTL on ns2", patience=30)
    trial.until_well()
    assert trial.lab.info.pid["daemon"] == pid
    assert psutil.Process(pid or 0).is_running()
