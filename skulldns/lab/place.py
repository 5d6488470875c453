"""Where a lab lives: its directory, the short directory of its sockets, and the lock of the living."""

import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from skulldns.errors import ConfigError

# The names directly under the directory that a lab writes, and may therefore remove. Nothing else is touched.
_OWNED = (
    "admin.password",
    "bin",
    "ca",
    "ca.pem",
    "hand.key",
    "lab.json",
    "log",
    "nginx",
    "ns1",
    "ns2",
    "page",
    "proxy",
    "run",
    "skulldns.yaml",
    "state",
    "tsig.key",
    "zones",
)
_LOCK = "lab.lock"
_SHORT_PREFIX = "skulldns-lab-"

# sun_path holds 108 bytes with its end (unix(7)); the longest name under run/ is libvirt/libvirt-admin-sock.
_LONGEST_RUN = 107 - len("/libvirt/libvirt-admin-sock")

# Characters that need no quoting in libvirtd.conf, in a libvirt URI or in a shell.
_PLAIN = re.compile(r"[A-Za-z0-9/._+-]+")


class Place:
    """The paths of one lab."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory.resolve()  # one spelling, by which its processes are known again
        self.lab_json = self.directory / "lab.json"
        self.config = self.directory / "skulldns.yaml"
        self.log = self.directory / "log"
        self.state = self.directory / "state"

    @property
    def run(self) -> Path:
        """The directory of sockets: `run`, or where the symbolic link `run` leads."""
        run = self.directory / "run"
        return run.readlink() if run.is_symlink() else run

    @property
    def control(self) -> Path:
        """The supervisor's unix socket."""
        return self.run / "control"

    def prepare(self) -> None:
        """Make the directories that every part may use; secrets live here, so they are private."""
        self.log.mkdir(mode=0o700)
        self.state.mkdir(mode=0o700)
        run = self.directory / "run"
        if len(os.fsencode(run)) <= _LONGEST_RUN and _PLAIN.fullmatch(str(run)):
            run.mkdir(mode=0o700)
        else:
            self.shorten()

    def shorten(self) -> None:
        """Move `run` (still empty) to a short private directory and leave a symbolic link to it."""
        run = self.directory / "run"
        if run.is_symlink():
            return
        if run.exists():
            run.rmdir()
        run.symlink_to(tempfile.mkdtemp(prefix=_SHORT_PREFIX))

    def retire(self) -> None:
        """Remove what only a living lab has, `lab.json` and the sockets; logs and zones stay."""
        self.lab_json.unlink(missing_ok=True)
        self._remove("run")

    def erase(self) -> None:
        """Remove everything a lab wrote here, except the lock file."""
        for name in _OWNED:
            self._remove(name)

    def remove(self) -> None:
        """Erase, then remove the lock file, and the directory unless something else is in it."""
        self.erase()
        (self.directory / _LOCK).unlink(missing_ok=True)
        if not any(self.directory.iterdir()):
            self.directory.rmdir()

    def remove_all(self) -> None:
        """Remove a temporary directory with whatever is in it."""
        self.erase()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _remove(self, name: str) -> None:
        path = self.directory / name
        if path.is_symlink() and path.readlink().name.startswith(_SHORT_PREFIX):
            shutil.rmtree(path.readlink(), ignore_errors=True)
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)

    def check_not_foreign(self) -> None:
        """Refuse a directory that holds files of a lab's names but never held a lab.

        Raises ConfigError.
        """
        if self.was_a_lab():
            return
        foreign = [name for name in _OWNED if os.path.lexists(self.directory / name)]
        if foreign:
            raise ConfigError(
                f"{foreign[0]} is here already and no lab wrote it",
                file=self.directory,
                cure="choose an empty directory for the lab",
            )

    def was_a_lab(self) -> bool:
        """Whether a lab ever lived here and was not removed."""
        return (self.directory / _LOCK).exists()

    def holder(self) -> int | None:
        """The pid of the last supervisor that took the lock; it may be dead."""
        try:
            return int((self.directory / _LOCK).read_text(encoding="ascii") or 0) or None
        except FileNotFoundError:
            return None

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the lab: whoever runs or removes it does so under this lock, which ends with its process.

        The file holds the pid, for whoever wants to end the lab.

        Raises BlockingIOError if somebody else holds it.
        """
        handle = self._take_lock()
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode("ascii"), 0)
        try:
            yield
        finally:
            os.close(handle)

    def is_free(self) -> bool:
        """Whether nobody holds the lab."""
        if not self.was_a_lab():
            return True
        try:
            os.close(self._take_lock())
        except BlockingIOError:
            return False
        return True

    def _take_lock(self) -> int:
        path = self.directory / _LOCK
        while True:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(handle)
                raise
            if os.fstat(handle).st_nlink:
                return handle
            os.close(handle)  # its holder removed the file meanwhile: this lock would guard nothing


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, complete or not at all (rename)."""
    fresh = path.with_name(f".{path.name}.new")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    fresh.replace(path)
