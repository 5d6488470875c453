"""Everything by which a laboratory can be noticed from outside: nothing of it may stay."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psutil

from tests.laboratory.keeper import hierarchies

# Where these servers write when they are not told otherwise.
_SYSTEM = (
    "/etc/libvirt /etc/lxc /run/libvirt /run/lxc /run/lxd /var/cache/libvirt /var/cache/lxc /var/lib/libvirt "
    "/var/lib/lxc /var/lib/lxd /var/lib/misc /var/log/libvirt /var/log/lxc /var/log/lxd"
).split()
_NAMESPACES = ("cgroup", "ipc", "mnt", "net", "pid", "uts")


@dataclass(frozen=True, slots=True)
class Traces:
    """How to know one laboratory again; made while it lives."""

    directory: Path
    namespaces: frozenset[str]

    @classmethod
    def of(cls, directory: Path, pid: int) -> Self:
        """Of the laboratory in this directory with this process 1."""
        return cls(directory, frozenset(_namespaces(pid)))

    def found(self) -> list[str]:
        """What there is of it now, a line for each."""
        return [*self._processes(), *self._mounts(), *self._links(), *self._groups(), *self._files()]

    def _processes(self) -> Iterator[str]:
        """Those in its namespaces, also threads' ones, and those that were started for it."""
        for process in psutil.process_iter():
            try:
                inside = self.namespaces & set(_namespaces(process.pid))
                if inside or str(self.directory) in " ".join(process.cmdline()):
                    yield f"process {process.pid} {process.name()}"
            except (psutil.Error, OSError):  # it has just ended
                continue

    def _mounts(self) -> Iterator[str]:
        for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
            if self.directory.name in line:
                yield f"mount {line}"

    def _links(self) -> Iterator[str]:
        token = self.directory.name.rpartition("-")[2]
        return (f"network device {name}" for name in psutil.net_if_stats() if token in name)

    def _groups(self) -> Iterator[str]:
        for hierarchy in hierarchies():
            for path, directories, _ in os.walk(hierarchy):
                yield from (
                    f"control group {path}/{one}" for one in directories if one == self.directory.name
                )

    def _files(self) -> Iterator[str]:
        if self.directory.exists():
            yield f"directory {self.directory}"


def system_files() -> set[str]:
    """Every path below where these servers write by default."""
    return {str(path) for place in _SYSTEM for path in Path(place).rglob("*")}


def _namespaces(pid: int) -> Iterator[str]:
    return (str(Path(f"/proc/{pid}/ns/{kind}").readlink()) for kind in _NAMESPACES)
