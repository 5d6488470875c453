"""What a crashed lab leaves: servers are ended by pid, and only if they really are this lab's."""

import json
from collections.abc import Iterator

import psutil

from skulldns.lab.place import Place
from skulldns.lab.waiting import until


def end_servers(place: Place) -> None:
    """Kill what still runs of a dead lab. The caller holds the place's lock, so no lab is alive here."""
    processes = list(_survivors(place))
    for process in processes:
        process.kill()
    until(lambda: all(map(_is_over, processes)), "the end of the lab's servers")


def living_supervisor(place: Place) -> psutil.Process | None:
    """The process that holds this lab, or None if the lab is dead."""
    pid = place.holder()
    try:
        process = psutil.Process(pid) if pid else None
    except psutil.NoSuchProcess:
        return None
    return process if process and _is_ours(process, place) else None


def _is_ours(process: psutil.Process, place: Place) -> bool:
    """Whether this process was started for this lab, and is not a stranger that got a dead server's pid."""
    try:
        traces = (*process.cmdline(), process.cwd())
    except psutil.Error:
        return False
    homes = (str(place.directory), str(place.run))
    return any(home in trace for trace in traces for home in homes)


def _is_over(process: psutil.Process) -> bool:
    """Whether it is gone, or only waits for its new parent to notice."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _survivors(place: Place) -> Iterator[psutil.Process]:
    try:
        pids = json.loads(place.lab_json.read_text(encoding="utf-8"))["pid"]
    except FileNotFoundError:
        return
    for pid in pids.values():
        if pid and psutil.pid_exists(pid):
            process = psutil.Process(pid)
            if _is_ours(process, place):
                yield process
