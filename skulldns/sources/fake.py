"""A source in memory, for tests and for trying things out."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from skulldns.errors import Unavailable
from skulldns.model.guests import Guest, GuestId, Hint, SourceName


class FakeSource:
    """Keeps `skulldns.sources.protocol.Source`; what happens to its guests is told to it.

    ``calls`` counts looks by kind. ``patience`` is how many seconds a look waits while the source hangs.
    Hints come from the thread that tells it; every method may be called from any thread.
    """

    def __init__(self, name: str = "fake", guests: Sequence[Guest] = (), *, patience: float = 25.0) -> None:
        self._name = SourceName(name)
        self._guests = {guest.id: guest for guest in guests}
        self._patience = patience
        self._lock = threading.Lock()
        self._answering = threading.Event()
        self._answering.set()
        self._wake: Callable[[Hint], None] | None = None
        self._trouble: str | None = None
        self._empty = False
        self._failing: set[GuestId] = set()
        self._unreadable: frozenset[GuestId] = frozenset()
        self._closed = False
        self.calls: Counter[str] = Counter()

    # The contract.

    @property
    def name(self) -> SourceName:
        return self._name

    def watch(self, wake: Callable[[Hint], None]) -> None:
        self._wake = wake

    def guests(self) -> Sequence[Guest]:
        with self._look("guests"):
            if self._empty:
                self._unreadable = frozenset()
                return []
            self._unreadable = frozenset(self._failing & self._guests.keys())
            return [guest for guest in self._guests.values() if guest.id not in self._failing]

    def guest(self, identity: GuestId) -> Guest | None:
        with self._look("guest"):
            if self._empty or identity not in self._guests:
                return None
            if identity in self._failing:
                raise Unavailable("this guest cannot be read", where=self._name)
            return self._guests[identity]

    def unreadable(self) -> frozenset[GuestId]:
        return self._unreadable

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._wake = None
        self._answering.set()

    # The script.

    def put(self, guest: Guest, *, tell: bool = True) -> None:
        """Define or change a guest; with ``tell`` false its event is lost."""
        with self._lock:
            self._guests[guest.id] = guest
        self._tell(guest.id, tell=tell)

    def remove(self, identity: GuestId, *, undefined: bool = True, tell: bool = True) -> None:
        """Take a guest away; with ``undefined`` false the event does not say that its definition is gone."""
        with self._lock:
            self._guests.pop(identity, None)
            self._failing.discard(identity)
        self._tell(identity, undefined=undefined, tell=tell)

    def go_down(self, what: str = "the fake is down") -> None:
        """Let all looks fail until `come_up`; events in between are lost."""
        with self._lock:
            self._trouble = what
        self.wake(Hint(self._name))

    def come_up(self) -> None:
        """End `go_down`."""
        with self._lock:
            self._trouble = None
        self.wake(Hint(self._name))

    def hang(self) -> None:
        """Let all looks wait until `release`, or be given up after ``patience``."""
        self._answering.clear()

    def release(self) -> None:
        """End `hang`."""
        self._answering.set()

    def answer_empty(self, *, empty: bool = True) -> None:
        """Say that there are no guests, without an event; ``empty`` false says the truth again."""
        with self._lock:
            self._empty = empty

    def fail(self, identity: GuestId, *, failing: bool = True) -> None:
        """Let one guest be unreadable; ``failing`` false heals it."""
        with self._lock:
            (self._failing.add if failing else self._failing.discard)(identity)

    def wake(self, hint: Hint) -> None:
        """Send any hint: repeated, wrong or late."""
        if self._wake is not None:
            self._wake(hint)

    @contextmanager
    def _look(self, kind: str) -> Iterator[None]:
        self.calls[kind] += 1
        answered = self._answering.wait(self._patience)
        with self._lock:
            if self._closed:
                raise Unavailable("the source is closed", where=self._name)
            if not answered:
                raise Unavailable("the fake does not answer", where=self._name, cure="release it")
            if self._trouble is not None:
                raise Unavailable(self._trouble, where=self._name, cure="bring it up", retry_after=0.0)
            yield

    def _tell(self, guest: GuestId, *, undefined: bool = False, tell: bool = True) -> None:
        if tell and self._trouble is None:
            self.wake(Hint(self._name, guest, undefined))
