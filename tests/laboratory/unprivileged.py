"""Classic LXC of a user who is not root: containers in the user's home, run with the user's rights alone.

The account exists in the laboratory only, in files that are mounted over those of the system.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tests.laboratory.classic import LxcContainer, LxcPath
from tests.laboratory.guest import Wanted

if TYPE_CHECKING:
    from tests.laboratory.laboratory import Laboratory

USER = "member"
UID = 64321
_FIRST_ID = 3_000_000_000  # of those that the user's containers may have: far from any system's own
_IDS = 65_536

# What systemd does for a user's session: a runtime directory, and control groups of the user's own
# (cgroups(7), DELEGATION; cpuset in v1 takes nobody in before it has processors and memory).
_SESSION = """
set -e
install -d -o {uid} -g {uid} /run/user/{uid}
for parent in {groups}; do
    mkdir $parent/{user}
    for name in cpuset.cpus cpuset.mems; do
        [ ! -e $parent/tasks ] || [ ! -e $parent/$name ] || cat $parent/$name >$parent/{user}/$name
    done
    chown -R {uid}:{uid} $parent/{user}
done
"""
_ENTER = 'for group in {groups}; do echo 0 >$group/{user}/cgroup.procs; done; exec "$@"'


class UserLxc(LxcPath):
    """The user's containers; the bridge and its leases are root's."""

    def __init__(self, laboratory: "Laboratory") -> None:
        directory = laboratory.directory
        self.home = directory / "home" / USER
        super().__init__(laboratory, self.home / ".local/share/lxc", _as_user(laboratory, self.home))
        self.logs = self.home
        directory.chmod(0o711)
        self.path.mkdir(parents=True)
        for path in (
            self.home,
            *(self.home / part for part in (".local", ".local/share", ".local/share/lxc")),
        ):
            os.chown(path, UID, UID)
        bridge = laboratory.lxc.bridge
        for path, text in _accounts(self.home, bridge).items():
            self._mount(path, text)
        laboratory.run("sh", "-c", _SESSION.format(uid=UID, user=USER, groups=_groups(laboratory)))

    def create(self, wanted: Wanted) -> "UserContainer":
        """Make a container."""
        return UserContainer(self, wanted)

    def _mount(self, path: Path, text: str) -> None:
        """Show a file with this text added; a directory of the system may not be written to."""
        own = self.laboratory.directory / "etc" / path.relative_to("/etc")
        own.parent.mkdir(parents=True, exist_ok=True)
        if path.parent == Path("/etc"):
            shutil.copy(path, own)
            self.laboratory.run("mount", "--bind", own, path)
        else:
            shutil.copytree(path.parent, own.parent, dirs_exist_ok=True)
            self.laboratory.run("mount", "--bind", own.parent, path.parent)
        with own.open("a", encoding="utf-8") as file:
            file.write(text)


class UserContainer(LxcContainer):
    """One container of the user's."""

    def __init__(self, hypervisor: UserLxc, wanted: Wanted) -> None:
        maps = [f"lxc.idmap = {kind} 0 {_FIRST_ID} {_IDS}" for kind in "ug"]
        super().__init__(hypervisor, wanted, maps)
        for path in self.directory.rglob("*"):
            _give(path, _FIRST_ID if path.is_relative_to(self.root) else UID)
        _give(self.root, _FIRST_ID)
        _give(self.directory, UID)


def _give(path: Path, user: int) -> None:
    os.chown(path, user, user, follow_symlinks=False)


def _accounts(home: Path, bridge: str) -> dict[Path, str]:
    """What is added to the system's files so that there is such a user (subuid(5), lxc-usernet(5))."""
    return {
        Path("/etc/passwd"): f"{USER}:x:{UID}:{UID}::{home}:/bin/sh\n",
        Path("/etc/group"): f"{USER}:x:{UID}:\n",
        Path("/etc/subuid"): f"{USER}:{_FIRST_ID}:{_IDS}\n",
        Path("/etc/subgid"): f"{USER}:{_FIRST_ID}:{_IDS}\n",
        Path("/etc/lxc/lxc-usernet"): f"{USER} veth {bridge} 10\n",
    }


def _as_user(laboratory: "Laboratory", home: Path) -> Iterator[str]:
    """The command that runs another as this user would in a session."""
    yield from ("sh", "-c", _ENTER.format(user=USER, groups=_groups(laboratory)), "sh")
    yield from ("setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups", "--")
    yield from ("env", f"HOME={home}", f"XDG_RUNTIME_DIR=/run/user/{UID}")


def _groups(laboratory: "Laboratory") -> str:
    """The roots of the control groups inside: one in v2, one for each hierarchy in v1."""
    is_v2 = not laboratory.run("test", "-e", "/sys/fs/cgroup/cgroup.procs", check=False).returncode
    return "/sys/fs/cgroup" if is_v2 else "/sys/fs/cgroup/*"
