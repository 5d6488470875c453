"""Running nginx's programs, and putting what they say into sentences."""

import os
import re
import shutil
import subprocess
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from skulldns.errors import ConfigError, Unavailable
from skulldns.targets.vhost.settings import Features

_ADMIN_DIRECTORIES = ("/usr/local/sbin", "/usr/sbin", "/sbin")
_PATIENCE = 60.0  # seconds; a test of thousands of certificates takes some
_LOG_LINE = re.compile(
    r"^(?:nginx: |\d{4}/\d\d/\d\d \d\d:\d\d:\d\d )\[(?P<level>emerg|alert|crit|error)\]"
    r" (?:\d+#\d+: )?(?:\*\d+ )?(?P<text>.*)",
    re.MULTILINE,
)
_LONGEST = 500


@dataclass(frozen=True, slots=True)
class Commands:
    """How nginx is run here. ``program`` tests on a private prefix; ``test`` and ``reload`` are the admin's commands
    for the real one.
    """

    program: str = "nginx"
    test: tuple[str, ...] = ("nginx", "-t")
    reload: tuple[str, ...] = ("nginx", "-s", "reload")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a program ended and what it said on both outputs."""

    good: bool
    text: str

    @property
    def complaint(self) -> str:
        """The gravest of what nginx said, without time and process."""
        return complaint(self.text) or self.text.strip()[-_LONGEST:] or "it said nothing"


def complaint(log: str) -> str | None:
    """The first emergency in nginx's words, else its first error; None if there is neither."""
    return emergency(log) or _first(log, {"alert", "crit", "error"})


def emergency(log: str) -> str | None:
    """The first that made nginx give up, in its words."""
    return _first(log, {"emerg"})


def _first(log: str, levels: Collection[str]) -> str | None:
    found = (match["text"][:_LONGEST] for match in _LOG_LINE.finditer(log) if match["level"] in levels)
    return next(found, None)


def run(command: Sequence[str]) -> Outcome:
    """Run a command to its end. Raises ConfigError if there is none, Unavailable if it does not end."""
    try:
        done = subprocess.run(
            [located(command[0]), *command[1:]],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_PATIENCE,
        )
    except PermissionError as error:
        raise ConfigError(
            f"{command[0]} cannot be run: {error.strerror}", cure="see `proxy` in the config"
        ) from None
    except subprocess.TimeoutExpired:
        raise Unavailable(
            f"`{' '.join(command)}` has not ended after {_PATIENCE:g} s", cure="see what it waits for"
        ) from None
    return Outcome(done.returncode == 0, done.stdout.decode(errors="replace"))


def located(program: str) -> str:
    """The path of a program, also of one in the sbin directories that a service's PATH may lack."""
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), *_ADMIN_DIRECTORIES))
    if found := shutil.which(program, path=path):
        return found
    raise ConfigError(f"{program} is not installed", cure="install it, or correct `proxy` in the config")


def features(program: str) -> Features:
    """What the installed nginx can do."""
    return Features.found(run([program, "-V"]).text)
