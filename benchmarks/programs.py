"""Programs as a person starts them: how long they take from start to end, and how much memory."""

import atexit
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from skulldns.errors import Unavailable


@dataclass(frozen=True, slots=True, order=True)
class Cost:
    """Seconds from start to end, the most memory it had, in megabytes, and seconds of a processor that it took."""

    seconds: float
    megabytes: float
    processor: float


def program(name: str, *arguments: str) -> list[str]:
    """The command line of a program that is installed beside this Python."""
    return [sys.executable, str(Path(sys.executable).with_name(name)), *arguments]


def measured(command: Sequence[str], *, runs: int = 1, codes: Sequence[int] = (0,)) -> Cost:
    """The cost of the quickest of ``runs``: what else the machine does makes a run slower only.

    Raises ``Unavailable`` when one ends with another code than ``codes``.
    """
    return min(_measured(command, codes) for _ in range(runs))


def environment() -> dict[str, str]:
    """As after an installation: modules are compiled once, also where this process keeps none of it."""
    found = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return found | {"PYTHONPYCACHEPREFIX": _compiled()}


@cache
def _compiled() -> str:
    """A directory for compiled modules that goes when this process ends."""
    directory = TemporaryDirectory(prefix="skulldns-compiled-")
    atexit.register(directory.cleanup)
    return directory.name


def _measured(command: Sequence[str], codes: Sequence[int]) -> Cost:
    begun = perf_counter()
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment()
    )
    _, status, usage = os.wait4(process.pid, 0)
    seconds = perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in codes:
        raise Unavailable(f"{' '.join(command[1:])} ended with {process.returncode}")
    return Cost(seconds, usage.ru_maxrss / 1024, usage.ru_utime + usage.ru_stime)
