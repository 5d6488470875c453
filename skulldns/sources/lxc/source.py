"""Guests of classic LXC below one path."""

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from skulldns.errors import Unavailable
from skulldns.model.guests import Guest, GuestId, GuestState, Hint, SourceName, Trust
from skulldns.sources.host.commands import Run, run
from skulldns.sources.host.holders import Holders
from skulldns.sources.host.leasefiles import LeaseWatch
from skulldns.sources.host.neighbours import Claim, HostNetwork, listen
from skulldns.sources.lxc.config import BadConfig
from skulldns.sources.lxc.directory import DirectoryWatch
from skulldns.sources.lxc.limits import Limits
from skulldns.sources.lxc.monitor import Monitor
from skulldns.sources.lxc.reader import Reader
from skulldns.sources.lxc.tools import Tools

Result = TypeVar("Result")

_CLOSING = 2.0  # seconds for each thread


class LxcSource:
    """Keeps `skulldns.sources.protocol.Source` for the containers below ``path``.

    A container's identity is its directory: a rename is the end of one guest and the beginning of another.

    Rights: to read the containers' configs and to speak to their monitor processes. Root may do both; for the
    containers of another user (``~/.local/share/lxc``) it runs LXC's programs as that user (`account`). Or the
    daemon runs as that user. Either way that user's word is what the hypervisor says of these containers.

    ``command`` stands before each program; it may enter the namespaces that LXC runs in. ``leases`` are lease
    files of dnsmasq, or of libvirt (``.status``), beside the usual ones of each bridge. ``clock`` tells the
    seconds since 1970, by which leases end.
    """

    def __init__(
        self,
        path: Path,
        *,
        name: SourceName | None = None,
        leases: Sequence[Path] = (),
        trust: Trust | None = None,
        command: Sequence[str] = (),
        execute: Run = run,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._path = Path(path)
        self._name = name or SourceName(f"lxc {path}")
        limits = limits or Limits()
        tools = Tools(self._path, self._name, command=command, execute=execute, limits=limits)
        self._network = HostNetwork(command, execute)
        self._reader = Reader(
            self._path,
            self._name,
            tools,
            self._network,
            leases=leases,
            trust=trust or Trust(),
            clock=clock,
        )
        self._monitor = Monitor(self._name, tools.monitor_command, self, pauses=limits.pauses)
        self._wake: Callable[[Hint], None] = _nobody
        self._directory: DirectoryWatch | None = None
        self._threads: tuple[threading.Thread, ...] = ()
        self._closed = threading.Event()
        self._unreadable: frozenset[GuestId] = frozenset()
        self._holders = Holders()
        self._seen: dict[str, tuple[GuestState, float]] = {}

    @property
    def name(self) -> SourceName:
        return self._name

    @property
    def monitor_pid(self) -> int | None:
        """The process id of the running `lxc-monitor`."""
        return self._monitor.pid

    def watch(self, wake: Callable[[Hint], None]) -> None:
        self._wake = wake
        if self._closed.is_set():
            return
        directory = self._directory = DirectoryWatch(self._path, self)
        leases = LeaseWatch(self._reader.lease_files)
        self._threads = (
            self._thread("monitor", lambda: self._monitor.run(self._closed)),
            self._thread("directory", lambda: directory.run(self._closed)),
            self._thread("leases", lambda: leases.run(self._leases_changed, self._closed)),
            self._thread("neighbours", lambda: listen(self._network.neighbours, self._heard, self._closed)),
        )
        for thread in self._threads:
            thread.start()

    def guests(self) -> Sequence[Guest]:
        self._begin()
        started = time.monotonic()
        found, self._unreadable = self._asked(self._reader.guests)
        self._holders.saw_all(found)
        for guest in found:
            self._compare(guest.name, guest.state, started)
        for name in self._seen.keys() - {guest.name for guest in found}:
            self._forget(name)
        return found

    def guest(self, identity: GuestId) -> Guest | None:
        self._begin()
        name = self._reader.name_of(identity)
        if name is None:
            return None
        started = time.monotonic()
        found = self._asked(lambda: self._reader.guest(name))
        self._holders.saw(identity, found)
        if found:
            self._compare(name, found.state, started)
        else:
            self._forget(name)
        return found

    def unreadable(self) -> frozenset[GuestId]:
        return self._unreadable

    def close(self) -> None:
        self._closed.set()
        self._wake = _nobody
        self._monitor.end()
        for thread in self._threads:
            thread.join(_CLOSING)

    # What the watching threads tell.

    def container_changed(self, name: str, *, undefined: bool = False) -> None:
        self._wake(Hint(self._name, self._reader.identity(name), undefined))

    def everything_changed(self) -> None:
        self._wake(Hint(self._name))

    def _leases_changed(self, macs: frozenset[str]) -> None:
        for guest in self._holders.with_macs(macs):
            self._wake(Hint(self._name, guest))

    def _heard(self, claims: frozenset[Claim]) -> None:
        for guest in self._holders.surprised_by(claims):
            self._wake(Hint(self._name, guest))

    # The caller's side of a look.

    def _begin(self) -> None:
        if self._closed.is_set():
            raise Unavailable("the source is closed", where=self._name)
        if self._directory is not None:
            self._directory.meet()
            self._monitor.wait_until_ready()

    def _asked(self, ask: Callable[[], Result]) -> Result:
        try:
            return ask()
        except BadConfig as error:
            raise Unavailable(error.what, where=error.where or self._name, cure=error.cure) from None

    def _compare(self, name: str, state: GuestState, now: float) -> None:
        """Expect the monitor to tell what this look shows to have changed since the look before."""
        before = self._seen.get(name)
        self._seen[name] = state, now
        if before is not None and before[0] is not state:
            self._monitor.expect(name, before[1])

    def _forget(self, name: str) -> None:
        self._seen.pop(name, None)
        self._monitor.forget(name)

    def _thread(self, what: str, work: Callable[[], None]) -> threading.Thread:
        return threading.Thread(target=work, name=f"{self._name} {what}", daemon=True)


def _nobody(_hint: Hint) -> None:
    """Wake nobody: nobody watches yet, or no more."""
