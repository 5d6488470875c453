"""Run a program of the host and get what it says, within a time limit."""

import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass

# Exit statuses of setpriv, nsenter and shells for a program that is not there, or not to be run.
_NOT_RUN = frozenset({126, 127})
_REASONS = ("No such file", "Not a directory", "Permission denied")
_MAX_OUTPUT = 64 * 1024 * 1024  # characters; a thousand containers take some 100,000


class Missing(Exception):
    """There is no such program; the text names it."""


class Hangs(Exception):
    """The program did not end in time and was killed; the text names it."""


@dataclass(frozen=True, slots=True)
class Finished:
    """How a program ended: its exit status and what it said. Bytes that are not UTF-8 are surrogates."""

    status: int
    output: str
    errors: str = ""

    @property
    def complaint(self) -> str:
        """The last line of its errors that says something, or its exit status."""
        lines = [line.strip() for line in self.errors.splitlines() if line.strip()]
        return lines[-1] if lines else f"exit status {self.status}"


Run = Callable[[Sequence[str], float], Finished]
"""Run a program with its arguments for at most so many seconds. Raises `Missing` and `Hangs`."""


def ends_with_us(arguments: Sequence[str]) -> Sequence[str]:
    """Return the command that runs a program, and kills it when the thread that starts it ends, however it ends.

    What a prefix such as runuser starts as a child of its own is not killed.
    """
    return "setpriv", "--pdeathsig", "KILL", "--", *arguments


def run(arguments: Sequence[str], limit: float) -> Finished:
    """Be a `Run` that really runs programs, without input, with messages in English."""
    try:
        process = subprocess.Popen(
            ends_with_us(arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
            encoding="utf-8",
            errors="surrogateescape",
            start_new_session=True,  # a prefix such as runuser has children of its own
        )
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        raise Missing("setpriv") from None
    with process:
        try:
            output, errors = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            raise Hangs(arguments[0]) from None
        finally:
            _end(process)
    if process.returncode in _NOT_RUN and any(reason in errors for reason in _REASONS):
        raise Missing(arguments[0])
    return Finished(process.returncode, output[:_MAX_OUTPUT], errors)


def _end(process: subprocess.Popen[str]) -> None:
    """Kill it with its children if it still runs, and wait for its end."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
