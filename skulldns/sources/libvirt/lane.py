"""Calls that may hang, one at a time in a thread of their own, each with a time limit."""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

Result = TypeVar("Result")
_Job = tuple["Future[Any]", Callable[[], Any]]


class NoAnswer(Exception):
    """The call took longer than its limit, or an earlier one is still under way."""


class Closed(Exception):
    """The lane takes no more calls."""


class Lane:
    """Runs calls in one daemon thread, so that a call that never returns costs one thread and no more.

    A call that overruns its limit is left to itself; until it has returned, every other one is refused at
    once. The thread is a daemon: a hanging call does not keep the process from ending.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._current: Future[Any] | None = None
        self._closed = False

    def run(self, work: Callable[[], Result], limit: float) -> Result:
        """Return or raise what `work` does. Raises `NoAnswer` after `limit` seconds, and `Closed`."""
        future: Future[Result] = Future()
        with self._lock:
            if self._closed:
                raise Closed
            if self._current is not None and not self._current.done():
                raise NoAnswer
            self._current = future
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
                self._thread.start()
            self._jobs.put((future, work))
        try:
            return future.result(limit)
        except TimeoutError:
            if future.done():
                return future.result()
            raise NoAnswer from None

    def close(self, last: Callable[[], None], limit: float) -> None:
        """Refuse further calls, run `last` after the one under way, and wait at most `limit` seconds."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            thread = self._thread
            self._jobs.put((Future(), last))
            self._jobs.put(None)
        if thread is not None and thread is not threading.current_thread():
            thread.join(limit)

    def _work(self) -> None:
        for future, work in iter(self._jobs.get, None):
            try:
                future.set_result(work())
            except BaseException as error:  # noqa: BLE001  the border of the thread: the caller gets it
                future.set_exception(error)
