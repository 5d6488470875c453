"""Real name servers on loopback, run from the files that `skulldns ns config` prints."""

import base64
import secrets as randomness
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.tsig
from dns.name import Name
from jinja2 import PackageLoader

from skulldns.lab.waiting import until
from skulldns.targets.nsconfig.rendering import render
from skulldns.targets.nsconfig.settings import Key, Places, Settings

_TEMPLATES = PackageLoader("skulldns.targets.nsconfig")
_PATIENCE = 30.0
_ONE_ANSWER = 0.5


def tsig(key: Key, secrets: Mapping[Key, str]) -> dns.tsig.Key:
    """The key as dnspython has it."""
    return dns.tsig.Key(key.name, secrets[key], key.algorithm)


def fresh_secret() -> str:
    """A TSIG secret, in base64."""
    return base64.b64encode(randomness.token_bytes(32)).decode("ascii")


class DnsProgram(ABC):
    """One server in a directory of its own. It may be stopped and started again, with what it has kept."""

    def __init__(self, settings: Settings, secrets: Mapping[Key, str], control_port: int) -> None:
        self.settings = settings
        self.control_port = control_port
        self.directory = Path(settings.places.data)
        self.zone: Name = settings.zones[0].name
        self.key = tsig(settings.server.key, secrets)
        self._process: subprocess.Popen[bytes] | None = None
        for name, text in render(settings, _TEMPLATES).items():
            file = self.directory / Path(name).name
            file.write_text(text, encoding="utf-8")
        for key, secret in secrets.items():
            self.write_key(key.name.to_text(omit_final_dot=True), key.algorithm, secret)
        self.prepare()

    @abstractmethod
    def write_key(self, name: str, algorithm: str, secret: str) -> None:
        """Write the file of a key, which the rendered files leave to the admin."""

    def prepare(self) -> None:  # noqa: B027 - most servers need nothing
        """Do what else is left to the admin before the first start."""

    @abstractmethod
    def command(self) -> Sequence[str]:
        """The server in the foreground."""

    def start(self) -> None:
        """Start it, and return when it answers for the zone."""
        with (self.directory / "output").open("ab") as output:
            self._process = subprocess.Popen(
                self.command(), cwd=self.directory, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        until(self._ready, f"starting {self.command()[0]}", patience=_PATIENCE)

    def stop(self) -> None:
        """Stop it, and return when it is gone."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def answers(self) -> int | None:
        """Its serial, if it answers for the zone with authority and our key."""
        query = dns.message.make_query(self.zone, dns.rdatatype.SOA)
        query.use_tsig(self.key)
        server = self.settings.server
        try:
            answer = dns.query.tcp(query, server.address, timeout=_ONE_ANSWER, port=server.port)
        except (OSError, EOFError, dns.exception.DNSException):
            return None
        if answer.rcode() != dns.rcode.NOERROR or not answer.flags & dns.flags.AA or not answer.answer:
            return None
        return int(answer.answer[0][0].serial)

    def run(self, *command: str) -> str:
        """Run one of its tools, and return what it says."""
        done = subprocess.run(
            command, cwd=self.directory, capture_output=True, text=True, timeout=30, check=False
        )
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def _ready(self) -> bool:
        assert self._process
        ended = self._process.poll()
        assert ended is None, f"it ended with {ended}: {(self.directory / 'output').read_text()[-2000:]}"
        return self.answers() is not None


class Primary(DnsProgram):
    """A server that takes updates, and what an admin does with it."""

    knows_types = True

    @abstractmethod
    def freeze(self) -> None:
        """Let the zone take no updates."""

    @abstractmethod
    def thaw(self) -> None:
        """Let it take them again."""

    @abstractmethod
    def rewind(self, serial: int) -> None:
        """Give the zone this lower serial, with the data as they are."""


def places(directory: Path) -> Places:
    """All of a server's files in one directory; the path of its control socket must stay short."""
    directory.mkdir(parents=True, exist_ok=True)
    return Places(str(directory), str(directory), str(directory))


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner reads."""
    path.touch(0o600)
    path.write_text(text, encoding="utf-8")
