"""Libvirt's event loop: one per process, in a thread of its own."""

import threading

import libvirt

_lock = threading.Lock()
_thread: threading.Thread | None = None


def start() -> None:
    """Register the event implementation and run it. Call it before the first connection is opened.

    Libvirt's own printing of each error to standard error ends here too: exceptions carry them.
    """
    global _thread  # noqa: PLW0603  libvirt has one event loop in a process
    with _lock:
        if _thread is None:
            libvirt.registerErrorHandler(_leave_to_exceptions, None)
            libvirt.virEventRegisterDefaultImpl()
            _thread = threading.Thread(target=_run, name="libvirt events", daemon=True)
            _thread.start()


def _run() -> None:
    while True:
        libvirt.virEventRunDefaultImpl()


def _leave_to_exceptions(_context: object, _error: object) -> None:
    """Print nothing."""
