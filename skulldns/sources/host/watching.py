"""Hear that something in a directory may have changed."""

import threading
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import watchfiles

# Milliseconds. Changes are told once a step has passed without another one.
_STEP = 20
_DEBOUNCE = 100
_LOOK_ANYWAY = 1.0  # seconds


def changes(
    directories: Callable[[], Collection[Path]], stop: threading.Event, anyway: float = _LOOK_ANYWAY
) -> Iterator[frozenset[Path]]:
    """Yield at once, whenever something directly in one of the directories changes, and now and then; until `stop`.

    What is yielded are paths that changed. Others may have: that is for the caller to find out, by comparing.
    The directories are asked for anew each time; one that comes or goes is
    noticed after ``anyway`` seconds at the latest.
    """
    while not stop.is_set():
        watched = _existing(directories())
        yield frozenset()
        if not watched:
            stop.wait(anyway)
            continue
        try:
            for found in watchfiles.watch(
                *watched,
                watch_filter=None,
                stop_event=stop,
                step=_STEP,
                debounce=_DEBOUNCE,
                rust_timeout=round(anyway * 1000),
                recursive=False,
                raise_interrupt=False,
                yield_on_timeout=True,
            ):
                if stop.is_set():
                    return
                yield frozenset(Path(path) for _, path in found)
                if _existing(directories()) != watched:
                    break
        except OSError:
            # A directory went just now, or the system has no watches left: looking anyway remains.
            stop.wait(anyway)


def _existing(directories: Collection[Path]) -> frozenset[Path]:
    return frozenset(directory for directory in directories if directory.is_dir())
