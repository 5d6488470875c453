"""Keeps one laboratory: makes its namespaces and control groups, and removes everything at the end.

Run as `python keeper.py DIR`. Standard output says `ready PID` (of the first process inside) or why not.
Standard input is a pipe from the user: when that closes, the user is gone, and the laboratory with it.

The first process inside is process 1 of a PID namespace: with it the kernel ends every process there, also
those that became daemons. It ends with the keeper, so even `kill -9` of the keeper leaves no process.
"""

import contextlib
import os
import select
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType
from typing import NoReturn

_NAMESPACES = ("--mount", "--net", "--ipc", "--uts", "--pid")


def hierarchies() -> list[Path]:
    """The mounted control group hierarchies that have controllers or are systemd's: all of v1, or v2 alone."""
    kinds: dict[str, list[Path]] = {"cgroup": [], "cgroup2": []}
    for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines():
        _, where, kind, *_ = line.split()
        if kind in kinds and where.startswith("/sys/fs/cgroup"):
            kinds[kind].append(Path(where))
    return kinds["cgroup"] or kinds["cgroup2"]


class ControlGroups:
    """One directory of the laboratory's name in every hierarchy."""

    def __init__(self, name: str) -> None:
        self.directories = [hierarchy / name for hierarchy in hierarchies()]

    def make(self) -> None:
        """Make the directories."""
        for directory in self.directories:
            directory.mkdir()
            # cpuset in v1 takes nobody in before it has processors and memory of its own.
            for name in ("cpuset.cpus", "cpuset.mems"):
                if (directory / name).exists() and (directory / "tasks").exists():
                    (directory / name).write_text((directory.parent / name).read_text())
            if (directory / "cgroup.clone_children").exists():
                (directory / "cgroup.clone_children").write_text("1")

    def thaw(self) -> None:
        """Let frozen processes go on: in v1 they cannot be killed before."""
        for directory in self.directories:
            for state in directory.rglob("freezer.state"):
                state.write_text("THAWED")

    def remove(self) -> None:
        """Remove the directories with all below them; their processes have been killed."""
        for directory in self.directories:
            for path, _, _ in os.walk(directory, topdown=False):
                Path(path).rmdir()


def _start_inside(directory: Path, groups: ControlGroups) -> subprocess.Popen[bytes]:
    inside = (str(Path(__file__).with_name("inside.py")), str(directory), *map(str, groups.directories))
    dies_with_us = ("setpriv", "--pdeathsig", "KILL", "--")
    unshare = ("unshare", *_NAMESPACES, "--fork", "--kill-child=KILL", "--")
    return subprocess.Popen(
        [*dies_with_us, *unshare, sys.executable, "-I", *inside], stdin=subprocess.DEVNULL
    )


def _wait(inside: subprocess.Popen[bytes]) -> None:
    """Return when the user has closed the pipe, or process 1 has ended."""
    ended = os.pidfd_open(inside.pid)
    select.select([sys.stdin, ended], [], [])
    os.close(ended)


def _end(inside: subprocess.Popen[bytes]) -> None:
    """Kill process 1 inside, and return when it and all others there are gone.

    It is the child of `unshare`, and the kernel lets it go as the last one (pid_namespaces(7)).
    """
    children = Path(f"/proc/{inside.pid}/task/{inside.pid}/children").read_text(encoding="ascii").split()
    for child in children:
        os.kill(int(child), signal.SIGKILL)
        _end_visits(child)
    if not children:
        inside.kill()
    inside.wait()


def _end_visits(pid: str) -> None:
    """Kill every `nsenter` that entered by process ``pid``: a stopped one would not bury what it started there.

    nsenter stops itself when what it started is stopped.
    """
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has just ended
            argv = (process / "cmdline").read_bytes().split(b"\0")
            if argv[:3] == [b"nsenter", b"--target", pid.encode()]:
                os.kill(int(process.name), signal.SIGKILL)


def _leave(number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)


def main() -> None:
    """Keep a laboratory until its user is gone or process 1 has ended."""
    directory = Path(sys.argv[1])
    groups = ControlGroups(directory.name)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _leave)
    try:
        groups.make()
        inside = _start_inside(directory, groups)
        try:
            os.close(sys.stdout.fileno())
            _wait(inside)
        finally:
            groups.thaw()
            _end(inside)
    finally:
        clean_up(directory)


def clean_up(directory: Path) -> None:
    """Remove the control groups and the directory of a laboratory whose processes have ended."""
    ControlGroups(directory.name).remove()
    shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
