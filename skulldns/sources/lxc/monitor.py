"""Keep `lxc-monitor` running, hear what it prints, and notice when it dies or goes silent.

lxc-monitor(1) prints a line for each change of state, each at once. It gets them through lxc-monitord, which the
first monitor of a path starts and which ends half a minute after the last one; the two meet at an abstract socket
whose name has the path in it. So a monitor must run in the network namespace, and as the user, of the
containers' own monitor processes.
"""

import contextlib
import logging
import os
import random
import re
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import psutil

from skulldns.model.guests import SourceName
from skulldns.sources.host.commands import ends_with_us
from skulldns.sources.lxc.directory import Listener
from skulldns.sources.lxc.limits import Pauses

_log = logging.getLogger(__name__)

_LINE = re.compile(r"'(.*)' (?:changed state to \[[A-Z]+\]|exited with status \[-?\d+\])")
_LOOK_AGAIN = 0.02  # seconds, until it is subscribed
_MAX_LINE = 4096  # bytes


class Monitor:
    """Runs the program in a thread of its own. Every gap in its telling is told as "everything"."""

    def __init__(
        self,
        source: SourceName,
        command: Callable[[], Sequence[str]],
        listener: Listener,
        *,
        pauses: Pauses,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._source = source
        self._command = command
        self._listener = listener
        self._pauses = pauses
        self._jitter = jitter
        self._ready = threading.Event()
        self._lock = threading.Lock()
        self._told: dict[str, float] = {}
        self._owed: dict[str, float] = {}
        self._pid: int | None = None

    @property
    def pid(self) -> int | None:
        """The process id of the running monitor. Any thread may ask."""
        started = self._pid
        family = _family(started) if started else []
        return family[-1].pid if family else None

    def wait_until_ready(self) -> None:
        """Return when the first monitor hears events, or could not be made to within a moment."""
        self._ready.wait(self._pauses.subscribe)

    def end(self) -> None:
        """End the running monitor at once. Any thread may call."""
        with self._lock:
            if self._pid is not None:
                os.killpg(self._pid, signal.SIGKILL)

    def expect(self, name: str, since: float) -> None:
        """Know that a look found a container changed since ``since``, on the monotonic clock. Any thread may call.

        A monitor that has not told of it, and does not do so soon, is taken for silent.
        """
        with self._lock:
            if self._told.get(name, -1.0) < since:
                self._owed.setdefault(name, time.monotonic() + self._pauses.overdue)

    def forget(self, name: str) -> None:
        """Forget a container that is gone."""
        with self._lock:
            self._told.pop(name, None)
            self._owed.pop(name, None)

    def run(self, stop: threading.Event) -> None:
        """Keep a monitor until `stop` is set. Blocks: run it in a thread."""
        failures = 0
        while not stop.is_set():
            started = time.monotonic()
            trouble = self._run_once(stop)
            self._ready.set()
            if stop.is_set():
                return
            failures = 1 if time.monotonic() - started > self._pauses.healthy else failures + 1
            pause = min(self._pauses.first * (1 << min(failures - 1, 10)), self._pauses.longest)
            pause *= 1 - self._jitter() / 2
            level = logging.WARNING if failures == 1 else logging.DEBUG
            _log.log(level, "%s: lxc-monitor %s; it is started again in %.1f s", self._source, trouble, pause)
            self._listener.everything_changed()
            stop.wait(pause)

    def _run_once(self, stop: threading.Event) -> str:
        """Run one monitor until it ends or must be ended; say why."""
        with self._lock:
            self._owed.clear()
        try:
            process = subprocess.Popen(
                ends_with_us(self._command()),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                start_new_session=True,
                env={**os.environ, "LC_ALL": "C.UTF-8"},
            )
        except OSError as error:
            return f"cannot be started ({error.strerror})"
        self._pid = process.pid
        try:
            return self._listen(process, stop)
        finally:
            # A prefix may have made it the child of another. A stopped process hears nothing else.
            self.end()
            with self._lock:
                self._pid = None
            process.wait()
            if process.stdout:
                process.stdout.close()

    def _listen(self, process: subprocess.Popen[bytes], stop: threading.Event) -> str:
        assert process.stdout is not None
        output = process.stdout.fileno()
        subscribed_by = time.monotonic() + self._pauses.subscribe
        family: Sequence[psutil.Process] = ()
        subscribed, rest = False, b""
        while not stop.is_set():
            wait = self._pauses.tick if subscribed else _LOOK_AGAIN
            if select.select([output], [], [], wait)[0]:
                data = os.read(output, 65536)
                if not data:
                    return "has ended"
                *lines, rest = (rest + data).split(b"\n")
                rest = rest[-_MAX_LINE:]
                for name in _names(lines):
                    self._tell(name)
            if not subscribed:
                family = _family(process.pid)
                subscribed = any(map(_is_subscribed, family)) or time.monotonic() > subscribed_by
                if subscribed:
                    # What happened before it heard anything.
                    self._listener.everything_changed()
                    self._ready.set()
            if trouble := self._silent(family):
                return trouble
        return "is not needed any more"

    def _tell(self, name: str) -> None:
        with self._lock:
            self._told[name] = time.monotonic()
            self._owed.pop(name, None)
        self._listener.container_changed(name)

    def _silent(self, family: Sequence[psutil.Process]) -> str | None:
        """Say why this monitor should be ended, if it should."""
        with contextlib.suppress(psutil.NoSuchProcess):  # its end is heard as the end of its output
            if any(process.status() == psutil.STATUS_STOPPED for process in family):
                return "is stopped"
        now = time.monotonic()
        with self._lock:
            overdue = [name for name, by in self._owed.items() if by < now]
        if not overdue:
            return None
        return f"did not tell that container {overdue[0]!a} changed (if it stays so, end lxc-monitord)"


def _names(lines: Sequence[bytes]) -> Iterator[str]:
    for line in lines:
        if found := _LINE.fullmatch(os.fsdecode(line)):
            yield found[1]


def _family(pid: int) -> list[psutil.Process]:
    """Return the process that was started and those that it started, the monitor itself last."""
    try:
        started = psutil.Process(pid)
        return [started, *started.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _is_subscribed(one: psutil.Process) -> bool:
    """Whether this process has a connected Unix socket (proc(5), /proc/net/unix: state 03)."""
    process = Path("/proc", str(one.pid))
    try:
        own = {str(file.readlink()) for file in (process / "fd").iterdir()}
        sockets = (process / "net/unix").read_bytes().decode(errors="replace").splitlines()[1:]
    except OSError:
        return False
    fields = (line.split() for line in sockets)
    return any(f"socket:[{words[6]}]" in own and words[5] == "03" for words in fields)
