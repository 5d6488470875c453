"""Process 1 of a laboratory: gives it its own /proc, /sys, /run and libvirt directories, then buries the dead.

Run by the keeper as `python -I inside.py DIR CONTROL-GROUP...` in fresh namespaces.
"""

import ctypes
import os
import signal
import subprocess
import sys
from pathlib import Path

_CGROUPS = Path("/sys/fs/cgroup")
_CLONE_NEWCGROUP = 0x0200_0000  # sched.h
_JOIN = Path("/run/join")
# What libvirt writes outside of the directories that its configuration can move.
_LIBVIRT = ("/etc/libvirt", "/var/lib/libvirt", "/var/log/libvirt", "/var/cache/libvirt")


def _mount(*arguments: str | Path) -> None:
    subprocess.run(["mount", *map(str, arguments)], check=True)


def _enter_control_groups(groups: list[str]) -> None:
    """Join the groups, and take them for the roots of all control groups (cgroup_namespaces(7)).

    Only this process joins, not those that it came from: see `_delegate`.
    """
    for group in groups:
        (Path(group) / "cgroup.procs").write_text("0", encoding="ascii")
    libc = ctypes.CDLL(None, use_errno=True)  # os.unshare exists from Python 3.12 on
    if libc.unshare(_CLONE_NEWCGROUP):
        raise OSError(ctypes.get_errno(), "unshare of the control groups")


def _v1_hierarchies() -> dict[str, str]:
    """The mount options of each v1 hierarchy, by the name of its directory."""
    found: dict[str, str] = {}
    controllers = {line.split()[0] for line in Path("/proc/cgroups").read_text(encoding="ascii").splitlines()}
    for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines():
        _, where, kind, options, *_ = line.split()
        if kind == "cgroup":
            own = (one for one in options.split(",") if one in controllers or one.startswith("name="))
            found[Path(where).name] = ",".join(own)
    return found


def _mount_cgroups(hierarchies: dict[str, str]) -> None:
    """Show the subtree of this control group namespace only.

    Beside v1 hierarchies v2 is left out: libvirt's LXC driver fails on a machine that has both.
    """
    if not hierarchies:
        _mount("-t", "cgroup2", "cgroup2", _CGROUPS)
        return
    _mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", _CGROUPS)
    for name, options in hierarchies.items():
        directory = _CGROUPS / name
        directory.mkdir()
        if not options.startswith("name="):
            _mount("-t", "cgroup", "-o", options, "cgroup", directory)
        else:
            _mount("-t", "cgroup", "-o", f"none,{options}", "cgroup", directory)


def _delegate() -> None:
    """In v2 a group with processes cannot hand controllers down: this process goes to a leaf."""
    leaf = _CGROUPS / "servers"
    leaf.mkdir()
    (leaf / "cgroup.procs").write_text("1", encoding="ascii")
    available = (_CGROUPS / "cgroup.controllers").read_text(encoding="ascii").split()
    for controller in available:
        (_CGROUPS / "cgroup.subtree_control").write_text(f"+{controller}", encoding="ascii")


def _write_join(groups: str) -> None:
    """Write the command by which a process from outside joins the control groups before it becomes another.

    nsenter shows it this control group namespace, but leaves it in the groups that it came from.
    """
    _JOIN.write_text(
        f'#!/bin/sh\nfor group in {groups}; do echo 0 >"$group"; done\nexec "$@"\n', encoding="ascii"
    )
    _JOIN.chmod(0o755)


def main() -> None:
    """Make the place, say so, and reap until killed."""
    directory = Path(sys.argv[1])
    pid = Path("/proc/self").readlink()  # still the /proc of the world outside, so its number there
    hierarchies = _v1_hierarchies()
    _enter_control_groups(sys.argv[2:])
    _mount("-t", "proc", "proc", "/proc")
    _mount("-t", "sysfs", "sysfs", "/sys")
    _mount_cgroups(hierarchies)
    _mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")
    if hierarchies:
        _write_join("/sys/fs/cgroup/*/cgroup.procs")
    else:
        _delegate()
        _write_join("/sys/fs/cgroup/servers/cgroup.procs")
    for path in _LIBVIRT:
        own = directory / "root" / path.lstrip("/")
        own.mkdir(parents=True)
        _mount("--bind", own, path)
    subprocess.run(["hostname", "laboratory"], check=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    print(f"ready {pid}", flush=True)  # noqa: T201 - the user reads it from this pipe
    os.dup2(os.open(os.devnull, os.O_RDWR), 1)
    while True:
        signal.sigwait({signal.SIGCHLD})
        _reap()


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


if __name__ == "__main__":
    main()
