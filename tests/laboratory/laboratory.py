"""The laboratory from outside: start it, run commands in it, end it."""

import ctypes
import os
import select
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, Self

from skulldns.errors import Unavailable
from skulldns.lab.waiting import until
from tests.laboratory.classic import ClassicLxc
from tests.laboratory.guest import Guest
from tests.laboratory.keeper import clean_up
from tests.laboratory.libvirtd import Libvirt
from tests.laboratory.lxd import Incus, Lxd
from tests.laboratory.server import Server
from tests.laboratory.unprivileged import UserLxc

_PREFIX = "skulldns-guests-"
_PATIENCE = 60.0  # seconds for one command inside
_NAMESPACES = ("--mount", "--net", "--ipc", "--uts", "--pid", "--cgroup")
_CLONE_NEWNET = 0x4000_0000  # sched.h


class Laboratory:
    """Hypervisors with real guests, in namespaces of their own. As a context manager it ends with the block.

    It also ends when the process that started it ends, however that happens. Its hypervisors are started when
    they are first used.
    """

    def __init__(self, directory: Path, keeper: subprocess.Popen[str], pid: int) -> None:
        self.directory = directory
        self.pid = pid
        """Of process 1 inside, as seen from outside."""
        self._keeper = keeper
        self._end = os.pidfd_open(pid)
        self._servers: list[Server] = []
        self._is_down = False

    @classmethod
    def up(cls) -> Self:
        """Start an empty laboratory in a new directory. Needs root.

        Raises Unavailable with the last words of what failed.
        """
        directory = Path(tempfile.mkdtemp(prefix=_PREFIX))
        errors = directory / "keeper.log"
        with errors.open("wb") as log:
            keeper = subprocess.Popen(
                [sys.executable, "-I", Path(__file__).with_name("keeper.py"), directory],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        assert keeper.stdout is not None
        with keeper.stdout as pipe:
            word, _, pid = pipe.readline().partition(" ")
        if word != "ready":
            said = errors.read_text() if errors.exists() else ""
            _end(keeper)
            clean_up(directory)
            raise Unavailable(f"the laboratory did not start: {said.strip() or 'no word'}")
        return cls(directory, keeper, int(pid))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.down()

    def down(self) -> None:
        """End every process and remove every trace; returns when that is done, at once if it was before."""
        if self._is_down:
            return
        self._is_down = True
        _end(self._keeper)
        select.select([self._end], [], [], _PATIENCE)  # process 1 ends last
        os.close(self._end)
        for server in self._servers:
            server.buried()
        clean_up(self.directory)  # the keeper did that, unless it was killed

    @cached_property
    def libvirt(self) -> Libvirt:
        """One libvirtd with the QEMU and LXC drivers, on 198.51.100.0/24."""
        return Libvirt(self)

    @cached_property
    def lxc(self) -> ClassicLxc:
        """Classic LXC with a bridge and dnsmasq of its own, on 192.0.2.0/24."""
        return ClassicLxc(self)

    @cached_property
    def user_lxc(self) -> UserLxc:
        """Classic LXC of a user who is not root, on the same bridge."""
        return UserLxc(self)

    @cached_property
    def lxd(self) -> Lxd:
        """LXD with a managed bridge, on 203.0.113.0/24."""
        return Lxd(self)

    @cached_property
    def incus(self) -> Incus:
        """Incus with a managed bridge, on 203.0.113.208/28."""
        return Incus(self)

    @property
    def keeper_pid(self) -> int:
        """The process whose end ends the laboratory."""
        return self._keeper.pid

    def bridge(self, kind: str) -> str:
        """A bridge's name (up to 15 characters, netdevice(7)) that no other laboratory uses."""
        return f"{kind}-{self.directory.name.removeprefix(_PREFIX)}"

    def command(self, *argv: str | Path) -> list[str]:
        """The command that runs `argv` inside, in `/` and with the caller's environment."""
        return ["nsenter", "--target", str(self.pid), *_NAMESPACES, "--", "/run/join", *map(str, argv)]

    def run(
        self,
        *argv: str | Path,
        check: bool = True,
        text: str = "",
        environment: Mapping[str, str] | None = None,
        patience: float = _PATIENCE,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command inside with `text` as its standard input, and return what it said.

        Raises Unavailable with that when it fails and `check` is set, subprocess.TimeoutExpired after
        `patience` seconds.
        """
        done = subprocess.run(
            self.command(*argv),
            check=False,
            input=text,
            capture_output=True,
            text=True,
            timeout=patience,
            env={**os.environ, **(environment or {})},
        )
        if check and done.returncode:
            said = (done.stderr or done.stdout).strip()
            raise Unavailable(f"{argv[0]} failed in the laboratory ({done.returncode}): {said}")
        return done

    def serve(self, name: str, *argv: str | Path, environment: Mapping[str, str] | None = None) -> Server:
        """Start a server in the foreground; its output goes to DIR/log/NAME.log."""
        server = Server(name, self.command(*argv), self.directory / "log", environment or {})
        self._servers.append(server)
        server.start()
        return server

    @contextmanager
    def network(self) -> Iterator[None]:
        """Put the calling thread into the laboratory's network: its new sockets and processes are there.

        Other threads stay where they are; threads and processes that it starts meanwhile are inside too.
        """
        with _network_of("thread-self") as home, _network_of(str(self.pid)) as there:
            _enter(there.fileno())
            try:
                yield
            finally:
                _enter(home.fileno())

    def await_lease(self, guest: Guest) -> str:
        """Wait until the host knows the guest's lease, and return its address."""
        until(lambda: guest.lease() is not None, f"the lease of {guest.name}", patience=_PATIENCE)
        address = guest.lease()
        assert address
        return address

    def page(self, address: str) -> str:
        """What the guest at this address says over HTTP; empty if nothing answers."""
        done = self.run("busybox", "wget", "-Y", "off", "-q", "-O", "-", f"http://{address}/", check=False)
        return done.stdout.strip()

    def await_page(self, address: str, text: str) -> None:
        """Wait until the guest at this address says this."""
        until(lambda: self.page(address) == text, f"the page {text!r} at {address}", patience=_PATIENCE)


def _network_of(process: str) -> BinaryIO:
    return Path(f"/proc/{process}/ns/net").open("rb")


def _enter(namespace: int) -> None:
    # os.setns exists from Python 3.12 on.
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(namespace, _CLONE_NEWNET):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _end(keeper: subprocess.Popen[str]) -> None:
    if keeper.stdin:
        keeper.stdin.close()
    keeper.wait()
