"""A server inside a laboratory: start it, stop, kill or freeze it."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from skulldns.errors import Unavailable
from skulldns.lab.waiting import until

_PATIENCE = 20.0


class Server:
    """One program in the foreground. `nsenter` stands before it and ends with it."""

    def __init__(self, name: str, command: Sequence[str], logs: Path, environment: Mapping[str, str]) -> None:
        self.name = name
        self._command = command
        self._environment = environment
        logs.mkdir(exist_ok=True)
        self.log = logs / f"{name}.log"
        self._entry: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; whoever needs it waits until it answers."""
        with self.log.open("ab") as output:
            self._entry = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, **self._environment},
                start_new_session=True,
            )

    @property
    def process(self) -> psutil.Process:
        """The server itself, for signals.

        Raises Unavailable if it does not run.
        """
        if not self._entry or self._entry.poll() is not None:
            raise Unavailable(f"{self.name} is not running: {self.last_words()}")
        children = psutil.Process(self._entry.pid).children()
        if not children:
            raise Unavailable(f"{self.name} is not running yet")
        return children[0]

    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._entry is not None and self._entry.poll() is None

    def stop(self) -> None:
        """SIGTERM; returns when it is gone."""
        self.process.terminate()
        self.buried()

    def kill(self) -> None:
        """SIGKILL; returns when it is gone."""
        self.process.kill()
        self.buried()

    def buried(self) -> None:
        """Return when it has ended."""
        if self._entry:
            self._entry.send_signal(signal.SIGCONT)  # nsenter stopped itself if its program was stopped
            self._entry.wait(_PATIENCE)

    def await_file(self, path: Path) -> None:
        """Wait until the server has made a file, such as its socket.

        Raises Unavailable when it ends before.
        """
        until(lambda: path.exists() or not self.is_running(), f"{path} of {self.name}", patience=_PATIENCE)
        if not self.is_running():
            raise Unavailable(f"{self.name} ended: {self.last_words()}")

    def last_words(self) -> str:
        """The end of its log."""
        return self.log.read_text(errors="replace")[-600:].strip() if self.log.exists() else ""
