"""A running installation on trial: what its command line says of it, and what its servers really hold."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from skulldns.daemon.control import ask
from skulldns.errors import Unavailable
from skulldns.lab import Lab
from skulldns.lab.waiting import until
from tests.integration import dnsview, hypervisor

HEALING = 120.0
"""Seconds after a fault's end within which everything must be as before, without a person."""


@dataclass(frozen=True, slots=True)
class Said:
    """What one command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, read as JSON."""
        return json.loads(self.out)

    @property
    def errors(self) -> list[str]:
        """Standard error, line by line."""
        return self.err.splitlines()


def skulldns(*arguments: str, config: Path, environment: Mapping[str, str] | None = None) -> Said:
    """Run the command line in a process of its own, as a person does."""
    done = subprocess.run(
        [sys.executable, "-m", "skulldns", *arguments, "--config", str(config)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, **(environment or {})},
    )
    return Said(done.returncode, done.stdout, done.stderr)


class Trial:
    """The lab and the questions that the tests ask about it."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        info = lab.info
        self.zone = info.zone
        self.zones = (info.zone, *info.reverse)
        self.state = info.directory / "state"
        self.servers = {"ns1": info.ns1, "ns2": info.ns2}
        self._hand = info.hand_tsig

    # The command line

    def says(self, *arguments: str) -> Said:
        """What the command line answers."""
        return skulldns(*arguments, config=self.lab.info.config)

    def status(self) -> Mapping[str, Any]:
        """What the daemon answers to `status`, without the cost of a process."""
        found: Mapping[str, Any] = ask(self.state, "status")
        return found

    def problems(self) -> list[str]:
        """The sentences of `status`."""
        return list(self.status()["problems"])

    def names(self) -> dict[str, dict[str, Any]]:
        """The report on each name, by the name without the zone."""
        return self._by_name(self.status())

    def _by_name(self, status: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        return {self.short(report["name"]): report for report in status["names"]}

    def states(self, *names: str) -> set[str]:
        """The states of these names; `absent` for one that `status` does not show."""
        return self._states_in(self.status(), names)

    def _states_in(self, status: Mapping[str, Any], names: Iterable[str]) -> set[str]:
        reports = self._by_name(status)
        return {_state(reports[name]) if name in reports else "absent" for name in names}

    def short(self, name: str) -> str:
        return name.removesuffix("." + self.zone)

    def until_problem(self, *words: str, patience: float = 60.0) -> str:
        """Wait until `status` has a sentence with all these words, and return it."""
        found: list[str] = []

        def said() -> bool:
            said = (self._answer() or {}).get("problems", ())
            found[:] = [one for one in said if all(word in one for word in words)]
            return bool(found)

        try:
            until(said, f"a sentence with {words}", patience=patience)
        except Unavailable as error:
            raise AssertionError(f"{error}; status says {self.problems()}") from error
        return found[0]

    def until_states(self, state: str, *names: str, patience: float = HEALING) -> float:
        """Wait until each of these names is in this state; returns the seconds that it took."""
        begun = time.monotonic()
        try:
            until(
                lambda: self._states_in(self._answer() or {"names": ()}, names) == {state},
                f"{names} being {state}",
                patience=patience,
            )
        except Unavailable as error:
            reports = self.names()
            seen = {name: (reports.get(name) or {}) for name in names}
            shown = {name: (one.get("state"), one.get("reason")) for name, one in seen.items()}
            raise AssertionError(f"{error}; {shown}; problems {self.problems()}") from error
        return time.monotonic() - begun

    def until_well(self, patience: float = HEALING) -> float:
        """Wait until everything is served and nothing is wrong; returns the seconds that it took."""
        begun = time.monotonic()

        def well() -> bool:
            status = self._answer()
            if status is None:
                return False
            return not status["problems"] and {one["state"] for one in status["names"]} == {"served"}

        try:
            until(well, "healing", patience=patience)
        except Unavailable as error:
            status = self.status()
            unserved = [
                (one["name"], one["state"], one["reason"])
                for one in status["names"]
                if one["state"] != "served"
            ]
            raise AssertionError(f"{error}; {unserved}; problems {status['problems']}") from error
        return time.monotonic() - begun

    # The daemon

    def start_daemon(self) -> None:
        """Start it and wait until it answers."""
        self.lab.start("daemon")
        self.until_answering()

    def until_answering(self) -> None:
        """Wait until the daemon answers the command line."""
        until(lambda: self._answer() is not None, "the daemon's answer")

    def _answer(self) -> Mapping[str, Any] | None:
        try:
            return self.status()
        except Unavailable:
            return None

    # The servers

    def holds(self, server: str, zone: str | None = None) -> frozenset[str]:
        """Every record of a zone on this server but its SOA, by zone transfer."""
        return dnsview.transfer(self.servers[server], zone or self.zone, self._hand)

    def everything(self) -> dict[tuple[str, str], frozenset[str]]:
        """What both servers hold of all zones."""
        return {(server, zone): self.holds(server, zone) for server in self.servers for zone in self.zones}

    def answers(self, server: str, name: str, kind: str = "A") -> list[str]:
        """What this server answers for a name of the zone."""
        return list(dnsview.ask(self.servers[server], f"{name}.{self.zone}", kind))

    def by_hand(self, *lines: str, zone: str | None = None) -> None:
        """Change a zone on ns1 as somebody with another key does it; the lines are nsupdate's."""
        dnsview.nsupdate(self.lab, self._hand, zone or self.zone, lines)

    def rndc(self, server: str, *command: str) -> None:
        """Control a name server."""
        dnsview.rndc(self.lab, self.servers[server], *command)

    @contextmanager
    def reconfigured(self, server: str, change: Callable[[str], str]) -> Iterator[None]:
        """Let a server run with another `named.conf` for the length of a block."""
        path = self.home(server) / "named.conf"
        before = path.read_text(encoding="utf-8")
        after = change(before)
        assert after != before, "the fault did not happen"
        path.write_text(after, encoding="utf-8")
        try:
            self.rndc(server, "reconfig")
            yield
        finally:
            path.write_text(before, encoding="utf-8")
            self.rndc(server, "reconfig")

    def requests(self, server: str) -> int:
        """How many requests a server has received since its start."""
        path = self.home(server) / "named.stats"
        path.unlink(missing_ok=True)
        self.rndc(server, "stats")
        lines = path.read_text(encoding="utf-8").splitlines()
        start = lines.index("++ Incoming Requests ++")
        end = next(at for at in range(start + 1, len(lines)) if lines[at].startswith("++"))
        return sum(int(line.split()[0]) for line in lines[start + 1 : end])

    def home(self, server: str) -> Path:
        return self.lab.info.directory / server

    def log(self, part: str = "daemon") -> str:
        """What the daemon has logged."""
        return (self.lab.info.directory / "log" / f"{part}.log").read_text(encoding="utf-8")

    # Guests

    def define(self, *names: str, uuids: Mapping[str, str] | None = None) -> dict[str, str]:
        """Define and start guests; returns the UUID of each. `uuids` brings guests back as they were."""
        found = {}
        with self.lab.hypervisor() as connection:
            for name in names:
                domain = hypervisor.define(connection, name, uuid=UUID(uuids[name]) if uuids else None)
                domain.create()
                found[name] = domain.UUIDString()
        return found

    def serve(self, *names: str) -> dict[str, str]:
        """Define guests, and wait until both servers answer each of them; returns their UUIDs."""
        found = self.define(*names)
        self.until_states("served", *names, patience=20)
        return found

    def settle(self, *names: str) -> tuple[dict[str, str], dict[tuple[str, str], frozenset[str]]]:
        """Serve guests, their reverse names too; returns their UUIDs and what all servers hold then."""
        found = self.serve(*names)
        self.until_well(patience=30)
        return found, self.everything()


def _state(report: Mapping[str, Any]) -> str:
    """A name's state; `starting` in the moment between a guest's definition and the look that shows it running."""
    found: str = report["state"]
    unseen = any(words in report["reason"] for words in ("was never seen with", "about to be sent"))
    return "starting" if found == "pending" and unseen else found


@contextmanager
def stopped(pid: int | None) -> Iterator[None]:
    """Keep a process from running for the length of a block."""
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def is_a_sentence_with_cure(sentence: str) -> bool:
    """One line: what is wrong, a semicolon, what to do."""
    what, mark, cure = sentence.rpartition("; ")
    return bool(what and mark and cure) and "\n" not in sentence and "Traceback" not in sentence
