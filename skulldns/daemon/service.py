"""`skulldns run`: gives each worker of the installation its thread, and answers the command line."""

import gc
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from skulldns import wiring
from skulldns.config import Config, load
from skulldns.daemon.allocator import give_back
from skulldns.daemon.control import ControlServer
from skulldns.daemon.files import AdminFiles
from skulldns.daemon.lock import state_lock
from skulldns.daemon.verbs import Verbs
from skulldns.errors import Unavailable
from skulldns.loop.claims import Rang
from skulldns.loop.mailbox import Call, Worker

_log = logging.getLogger(__name__)

_JOIN_TIMEOUT = 2.0
"""Seconds that a worker gets to finish its step; one that waits for a dead server is left behind."""


_GARBAGE = 50_000
"""New objects after which Python looks for cycles among them; 700 without this."""

_WAKE_EVERY = 0.5
"""Seconds after which the main thread wakes: a wait without limit can miss a signal that comes as it begins."""


class Daemon:
    """The daemon of one config file. A good change of that file makes it begin anew with it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stopped = threading.Event()
        self._session: _Session | None = None

    def run(self, started: Callable[[], None]) -> None:
        """Work until ``stop``; ``started`` is called each time everything listens.

        Raises ``ConfigError`` and ``Unavailable`` when it cannot begin, and what a worker died of.
        """
        # Almost all that a large zone is made of lives on: each look for cycles among it would find none.
        gc.set_threshold(_GARBAGE)
        give_back()
        config: Config | None = load(self._path)
        while config is not None and not self._stopped.is_set():
            with state_lock(config.state):
                self._session = _Session(config)
                if self._stopped.is_set():
                    self._session.stop()
                config = self._session.run(started)

    def stop(self) -> None:
        """End the run; callable from a signal handler or another thread."""
        self._stopped.set()
        if self._session is not None:
            self._session.stop()


class _Session:
    """The workers of one config, from start to stop."""

    def __init__(self, config: Config) -> None:
        self._installation = wiring.build(config)
        self._files = AdminFiles(config, self._installation.zone_files, self._installation.engine.mailbox.put)
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._failed: BaseException | None = None
        self._changed: Config | None = None

    def run(self, started: Callable[[], None]) -> Config | None:
        """Work until stopped, or until the config file has changed for good: then that is returned."""
        installation = self._installation
        for looker in installation.lookers:
            looker.start()
        for name, worker in installation.workers():
            self._spawn(worker, name)
        self._thread(self._watch_files, "files")
        self._thread(self._hear_bell, "bell")
        control = ControlServer(installation.config.state, Verbs(installation, _in_thread).table())
        try:
            started()
            while not self._stop.wait(_WAKE_EVERY):
                pass
        finally:
            control.close()
            self._wind_down()
        if self._failed is not None:
            raise self._failed
        return self._changed

    def stop(self) -> None:
        self._stop.set()

    def _watch_files(self) -> None:
        self._changed = self._files.watch(self._stop)
        if self._changed is not None:
            _log.info("%s has changed; beginning anew with it", self._changed.path)
        self._stop.set()

    def _hear_bell(self) -> None:
        """Wake who waits for changes in the store, such as a claim made on the members' page."""
        members = self._installation.members
        if members is None or members.office.bell is None:
            return
        with members.office.bell.listen() as listener:
            while not self._stop.is_set():
                if listener.wait(_WAKE_EVERY):
                    for mailbox in members.woken():
                        mailbox.put(Rang())

    def _spawn(self, worker: Worker, name: str) -> None:
        def work() -> None:
            wait: float | None = 0.0
            while worker.mailbox.wait(wait) and not self._stop.is_set():
                wait = worker.step()

        self._thread(work, name)

    def _thread(self, work: Callable[[], None], name: str) -> None:
        def guarded_work() -> None:
            try:
                work()
            except Exception as error:  # noqa: BLE001 - a worker's last border: the daemon ends loudly, never half-alive
                _log.critical("%s failed: %r", name, error, exc_info=True)
                self._failed = error
                self._stop.set()

        thread = threading.Thread(target=guarded_work, name=name, daemon=True)
        thread.start()
        self._threads.append(thread)

    def _wind_down(self) -> None:
        self._stop.set()
        for _, worker in self._installation.workers():
            worker.mailbox.close()
        for thread in self._threads:
            thread.join(_JOIN_TIMEOUT)
        self._installation.engine.close()
        self._installation.close()


def _in_thread(worker: Worker, function: Callable[[], Any]) -> Any:
    """Run ``function`` in the worker's own thread and return what it gives."""
    call = Call(function)
    worker.mailbox.put(call)
    try:
        return call.answer.result(timeout=30)
    except TimeoutError:
        raise Unavailable(
            "the daemon is busy with a server that does not answer", cure="look at `skulldns status`"
        ) from None
