"""`skulldns run`: gives each worker of the installation its thread, and answers the command line."""

import fcntl
import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import watchfiles

from skulldns import wiring
from skulldns.config import Config
from skulldns.daemon.control import ControlServer
from skulldns.daemon.verbs import Verbs
from skulldns.errors import Unavailable
from skulldns.loop.mailbox import Call, Worker
from skulldns.plan.cadence import FULL_LOOK_EVERY

_log = logging.getLogger(__name__)


class Daemon:
    """A running installation."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._installation = wiring.build(config)
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self.failed: BaseException | None = None

    def run(self, started: Callable[[], None]) -> None:
        """Work until ``stop``; ``started`` is called once everything listens. Raises what a worker died of."""
        installation = self._installation
        with state_lock(self._config.state):
            followers = [one for group in installation.followers.values() for one in group]
            for looker in installation.lookers:
                looker.start()
            self._spawn(installation.engine, "engine")
            for publisher in installation.publishers:
                self._spawn(publisher, f"publisher {publisher.zone}")
            for follower in followers:
                self._spawn(follower, f"follower {follower.zone}")
            for looker in installation.lookers:
                self._spawn(looker, f"looker {looker.source.name}")
            self._thread(self._watch_zone_files, "zone files")
            control = ControlServer(self._config.state, Verbs(installation, _in_thread).table())
            try:
                started()
                self._stop.wait()
            finally:
                control.close()
                self._wind_down(installation)
        if self.failed is not None:
            raise self.failed

    def stop(self) -> None:
        """End the run; callable from a signal handler or another thread."""
        self._stop.set()

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
                self.failed = error
                self._stop.set()

        thread = threading.Thread(target=guarded_work, name=name, daemon=True)
        thread.start()
        self._threads.append(thread)

    def _watch_zone_files(self) -> None:
        """Read every zone file now, when one changes, and once a minute."""
        zones = [zone for zone in self._config.zones.values() if zone.file]
        read: dict[Path, Any] = {}

        def look() -> None:
            for zone in zones:
                assert zone.file is not None, "only zones with a file are listed"
                stamp = _stamp(zone.file)
                if read.get(zone.file) != stamp:
                    read[zone.file] = stamp
                    self._installation.engine.mailbox.put(wiring.zone_file(zone))

        look()
        directories = {zone.file.parent for zone in zones if zone.file and zone.file.parent.is_dir()}
        if not directories:
            return
        for _ in watchfiles.watch(
            *directories,
            stop_event=self._stop,
            debounce=100,
            step=20,
            rust_timeout=round(FULL_LOOK_EVERY * 1000),
            yield_on_timeout=True,
            recursive=False,
        ):
            look()

    def _wind_down(self, installation: wiring.Installation) -> None:
        self._stop.set()
        followers = [one for group in installation.followers.values() for one in group]
        workers: list[Worker] = [
            installation.engine,
            *installation.publishers,
            *installation.lookers,
            *followers,
        ]
        for worker in workers:
            worker.mailbox.close()
        for thread in self._threads:
            thread.join(timeout=2)
        installation.close()


@contextmanager
def state_lock(state: Path) -> Iterator[None]:
    """Hold the state directory for one writer. Raises ``Unavailable`` when another process has it."""
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(state / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Unavailable(
                "another skulldns already works here",
                where=str(state),
                cure="stop it first, or use its `skulldns status`",
            ) from None
        yield
    finally:
        os.close(descriptor)


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


def _stamp(path: Path) -> Any:
    """What tells one version of a file from the next."""
    try:
        found = path.stat()
    except OSError as error:
        return error.errno
    return (found.st_mtime_ns, found.st_size, found.st_ino)
