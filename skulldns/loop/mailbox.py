"""Letters between the loop's workers, and the worker that reads them."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")


class Worker(Protocol):
    """Something that works in steps, always in one thread."""

    def step(self) -> float | None:
        """Do what is due. Returns the seconds until the next step is due without a letter; None for never."""

    @property
    def mailbox(self) -> "Mailbox":
        """Where letters to it go; each wakes it."""


class Mailbox:
    """A thread-safe queue that is always emptied as a whole, so that what comes together is worked on together."""

    def __init__(self) -> None:
        self._letters: list[object] = []
        self._changed = threading.Condition()
        self._closed = False

    def put(self, *letters: object) -> None:
        with self._changed:
            self._letters.extend(letters)
            self._changed.notify_all()

    def drain(self) -> list[object]:
        with self._changed:
            letters, self._letters = self._letters, []
            return letters

    def wait(self, timeout: float | None) -> bool:
        """Wait for a letter, at most ``timeout`` seconds. False once the mailbox is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._letters or self._closed, timeout)
            return not self._closed

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()


class Call(Generic[T]):
    """A letter that asks the worker to call ``function`` in its own thread, between two steps."""

    def __init__(self, function: Callable[[], T]) -> None:
        self._function = function
        self.answer: Future[T] = Future()

    def run(self) -> None:
        try:
            self.answer.set_result(self._function())
        except BaseException as error:  # noqa: BLE001 - it is raised again where the answer is awaited
            self.answer.set_exception(error)
