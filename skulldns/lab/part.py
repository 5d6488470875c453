"""One part of a lab: which files it needs, how it is started, how one sees that it is ready."""

import json
import os
import shutil
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from skulldns.errors import ConfigError
from skulldns.lab.place import Place, write_private

_ADMIN_DIRECTORIES = ("/usr/local/sbin", "/usr/sbin", "/sbin")


class Part(ABC):
    """A server of the lab. The supervisor calls `write` once, then `argv` and `ready` at every start."""

    name: str
    after: frozenset[str] = frozenset()
    """Parts that must be ready before this one is started."""
    on_demand: bool = False
    """Whether it is started only where it was asked for: it costs time that few need."""

    dies_by: str = "KILL"
    """The signal that it gets when the supervisor dies."""

    def __init__(self, place: Place) -> None:
        self.place = place

    @abstractmethod
    def write(self) -> None:
        """Write the files of this part."""

    @abstractmethod
    def argv(self) -> Sequence[str]:
        """The command that runs the server in the foreground, as one process."""

    def wrapper(self) -> Sequence[str]:
        """A command to put before `argv` that changes the process and then becomes it."""
        return ()

    @abstractmethod
    async def ready(self) -> bool:
        """Ask the server whether it does its work now. False means ask again."""

    @abstractmethod
    def entry(self) -> Mapping[str, Any]:
        """The keys and values that this part adds to `lab.json`."""

    def environment(self) -> Mapping[str, str]:
        """Variables to set for the server beside the supervisor's own."""
        return {}

    def working_directory(self) -> Path | None:
        """Where the server starts; None means wherever the lab was started."""
        return None

    def starting(self) -> None:  # noqa: B027 - most parts have nothing to do here
        """Called before every start of the server."""

    def ended(self) -> None:  # noqa: B027 - same
        """Called after the server's process has ended, however it did."""

    def port_taken(self) -> bool:
        """Whether the server found a stranger on its port: the lab then begins again with other ports."""
        return False

    @property
    def output(self) -> Path:
        """Where standard output and error of the server go."""
        return self.place.log / f"{self.name}.log"

    def complaint(self) -> str:
        """The last line the server wrote, to say why it did not start."""
        lines = self.output.read_text(encoding="utf-8", errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "it wrote nothing")


def program(name: str, package: str) -> str:
    """The path of an installed program, also of one in the sbin directories that a user's PATH lacks.

    Raises ConfigError naming the Debian package to install.
    """
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), *_ADMIN_DIRECTORIES))
    if found := shutil.which(name, path=path):
        return found
    raise ConfigError(f"{name} is not installed", cure=f"install it with `apt-get install {package}`")


def render(template: str, path: Path, **values: object) -> None:
    """Write a file from `templates/` for its owner only."""
    write_private(path, _templates.get_template(template).render(values))


def _quoted(value: object) -> str:
    """A string in double quotes with backslash escapes, as YAML and named.conf both read it."""
    return json.dumps(str(value), ensure_ascii=False)


# The templates make named.conf, zone files and YAML, never HTML; every value is the lab's own.
_templates = Environment(  # noqa: S701
    loader=PackageLoader("skulldns.lab"),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
_templates.filters["quoted"] = _quoted
