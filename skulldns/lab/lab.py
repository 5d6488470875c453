"""A lab seen from outside: bring it up, use it, fault it, take it down."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psutil
from libvirt import libvirtError, virConnect

from skulldns.errors import ConfigError, Unavailable
from skulldns.lab import guests
from skulldns.lab.control import Outcome, Request, Verb, ask
from skulldns.lab.info import LabInfo
from skulldns.lab.leftovers import end_servers, living_supervisor
from skulldns.lab.place import Place
from skulldns.lab.waiting import until


class Lab:
    """One lab. As a context manager it goes down at the end of the block.

    A lab started without `detach` belongs to the process that started it and goes down with it, however that
    ends. Nothing here prints.
    """

    def __init__(
        self, directory: Path, supervisor: subprocess.Popen[str] | None = None, *, temporary: bool = False
    ) -> None:
        self._place = Place(directory)
        self._supervisor = supervisor
        self._temporary = temporary

    @classmethod
    def up(
        cls,
        directory: Path | None = None,
        *,
        daemon: bool = True,
        extra: Sequence[str] = (),
        detach: bool = False,
    ) -> Self:
        """Start a lab and return when every part of it answers.

        ``extra`` names parts to start that are otherwise left until ``start`` asks for them; with `parts.HTTPS` guests
        have web servers and the daemon serves them as sites.

        Without a directory it lives in a temporary one, which is removed with it, also after a crash. A
        directory that holds a dead lab is used anew. Raises ConfigError if a lab is alive there or a program
        is not installed, and Unavailable if a server does not start.
        """
        temporary = directory is None
        home = Path(tempfile.mkdtemp(prefix="skulldns-lab-")) if directory is None else directory
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        options = {"--no-daemon": not daemon, "--detached": detach, "--temporary": temporary}
        supervisor = _spawn(
            home,
            [option for option, given in options.items() if given] + [f"--with={part}" for part in extra],
        )
        try:
            _await_outcome(supervisor)
        except BaseException:  # also Ctrl-C: the supervisor must not outlive a start that was given up
            _let_go(supervisor)
            if temporary:
                Place(home).remove_all()
            raise
        if detach:
            _let_go(supervisor)
            return cls(home, temporary=temporary)
        return cls(home, supervisor, temporary=temporary)

    @classmethod
    def at(cls, directory: Path) -> Self:
        """The lab that is alive in this directory.

        Raises ConfigError if there is none.
        """
        lab = cls(directory)
        lab._check_alive()
        return lab

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.down()

    @property
    def info(self) -> LabInfo:
        """`lab.json` as it is now."""
        return LabInfo.read(self._place.directory)

    def is_alive(self) -> bool:
        """Whether the lab's supervisor lives."""
        return living_supervisor(self._place) is not None

    def start(self, part: str) -> None:
        """Start one part on its old ports and paths, and return when it is ready.

        Raises ConfigError if there is no such part, Unavailable if it does not start.
        """
        self._ask(Request(Verb.START, part))

    def stop(self, part: str) -> None:
        """Stop one part in good order (SIGTERM, and SIGKILL if it does not listen)."""
        self._ask(Request(Verb.STOP, part))

    def kill(self, part: str) -> None:
        """SIGKILL one part, or the supervisor and with it everything; returns when it is gone.

        Raises ConfigError if it is not running.
        """
        pid = self.info.pid.get(part)
        if not pid:
            raise ConfigError(
                f"{part} is not running", file=self._place.directory, cure="see `skulldns lab status`"
            )
        os.kill(pid, signal.SIGKILL)
        if part == "supervisor":
            until(lambda: not self.is_alive(), "killing the supervisor")
        else:
            until(lambda: self.info.pid[part] is None, f"killing {part}")

    def wait(self) -> None:
        """Return when the lab has ended.

        Raises Unavailable if its supervisor was killed.
        """
        if self._supervisor and self._supervisor.wait() < 0:
            raise Unavailable(
                "the lab's supervisor was killed", where=str(self._place.directory), cure="start anew"
            )

    def down(self, *, remove: bool = False) -> None:
        """End the lab, alive or dead. Does nothing where there is no lab.

        Logs and zones stay to be looked at; with `remove` everything that the lab wrote goes, and the
        directory too unless something else is in it.
        """
        if supervisor := living_supervisor(self._place):
            self._end(supervisor)
        if self._supervisor:
            _let_go(self._supervisor)
        if not self._place.was_a_lab():
            return  # a temporary one is removed by its supervisor
        with self._place.lock():
            end_servers(self._place)
            self._place.retire()
            if self._temporary:
                self._place.remove_all()
            elif remove:
                self._place.remove()

    def libvirt(self) -> virConnect:
        """A new connection to the lab's hypervisor; the caller closes it."""
        return guests.connect(self.info.libvirt_uri)

    def guest(self, name: str) -> "Guest":
        """The guest of this name, existing or not."""
        return Guest(self, name)

    def guests(self) -> tuple[guests.GuestState, ...]:
        """All guests of the lab, by name."""
        with self.hypervisor() as connection:
            return guests.listing(connection)

    @contextmanager
    def hypervisor(self) -> Iterator[virConnect]:
        """A connection for the length of a block."""
        try:
            connection = self.libvirt()
        except libvirtError as error:
            what = f"the lab's libvirtd does not answer: {error.get_error_message()}"
            raise Unavailable(what, cure="start it with `skulldns lab start libvirtd`") from error
        try:
            yield connection
        finally:
            connection.close()

    def _check_alive(self) -> None:
        info = self.info
        if not self.is_alive():
            raise ConfigError(
                "the lab is dead", file=info.directory, cure="clean up with `skulldns lab down`"
            )

    def _end(self, supervisor: psutil.Process) -> None:
        with suppress(psutil.NoSuchProcess):
            supervisor.terminate()
            try:
                until(self._place.is_free, "ending the lab")
            except Unavailable:
                supervisor.kill()
                until(self._place.is_free, "killing the lab")

    def _ask(self, request: Request) -> None:
        try:
            ask(self._place, request)
        except TimeoutError as error:
            what = f"the lab's supervisor has not done it yet ({request.verb} {request.part})"
            raise Unavailable(what, cure="see `skulldns lab status`") from error
        except OSError as error:
            self._check_alive()
            raise Unavailable(
                f"the lab's supervisor does not answer: {error}", cure="use `skulldns lab down`"
            ) from error


@dataclass(frozen=True, slots=True)
class Guest:
    """A guest of a lab, by its name.

    Every method raises ConfigError if the hypervisor refuses, and Unavailable if it does not answer.
    """

    lab: Lab
    name: str

    def create(self, owner: str | None = None) -> None:
        """Define and start it; it says that ``owner`` owns it."""
        with self.lab.hypervisor() as connection:
            guests.create(connection, self.name, owner)

    def start(self) -> None:
        """Start it."""
        with self.lab.hypervisor() as connection:
            guests.start(connection, self.name)

    def stop(self) -> None:
        """Stop it at once; it stays defined."""
        with self.lab.hypervisor() as connection:
            guests.stop(connection, self.name)

    def destroy(self) -> None:
        """Stop and undefine it."""
        with self.lab.hypervisor() as connection:
            guests.destroy(connection, self.name)

    @property
    def addresses(self) -> tuple[str, ...]:
        """The addresses leased to it; none while it is stopped."""
        return next((guest.addresses for guest in self.lab.guests() if guest.name == self.name), ())


def _spawn(directory: Path, options: list[str]) -> subprocess.Popen[str]:
    """Start the supervisor in a session of its own, so that Ctrl-C in a terminal reaches only the starter."""
    return subprocess.Popen(
        [sys.executable, "-m", "skulldns.lab.supervisor", str(directory.absolute()), *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        text=True,
    )


def _await_outcome(supervisor: subprocess.Popen[str]) -> None:
    """Read what the supervisor says until it lets go of the pipe."""
    assert supervisor.stdout is not None
    with supervisor.stdout as pipe:
        lines = pipe.read().splitlines()
    try:
        outcome = Outcome.parse(lines[-1])
    except (IndexError, ValueError):
        last = lines[-1] if lines else f"it ended with code {supervisor.wait()}"
        raise Unavailable(f"the lab's supervisor did not start: {last}") from None
    outcome.check()


def _let_go(supervisor: subprocess.Popen[str]) -> None:
    """Close the pipe that says we are here, and wait for our child, which ends then."""
    if supervisor.stdin:
        supervisor.stdin.close()
    supervisor.wait()
