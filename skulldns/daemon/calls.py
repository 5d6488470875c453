"""How a verb reaches into a worker."""

from collections.abc import Callable
from typing import Any, Protocol

from skulldns.loop.mailbox import Worker


class InThread(Protocol):
    """Runs a function where it may touch the worker: in its thread, or at once where there are no threads."""

    def __call__(self, worker: Worker, function: Callable[[], Any]) -> Any: ...
