"""Errors named by what to do next: edit a file, change a request, wait, or plan again.

Each is one sentence for a person: what, where, what to do. ``str(error)`` is that sentence; the parts stay
available as attributes for pages and machines.
"""

from collections.abc import Sequence
from pathlib import Path


class SkullDNSError(Exception):
    """Base of all errors that a person or the loop is meant to act on."""

    def __init__(self, what: str, *, where: str | None = None, cure: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.cure = cure

    def __str__(self) -> str:
        sentence = f"{self.where}: {self.what}" if self.where else self.what
        return f"{sentence}; {self.cure}" if self.cure else sentence


class ConfigError(SkullDNSError):
    """An admin edits: a config file, zone file or key is wrong.

    ``line`` and ``column`` count from 1, as editors do.
    """

    def __init__(
        self,
        what: str,
        *,
        file: str | Path | None = None,
        line: int | None = None,
        column: int | None = None,
        cure: str | None = None,
    ) -> None:
        self.file = str(file) if file is not None else None
        self.line = line
        self.column = column
        place = [str(part) for part in (self.file, line, column) if part is not None]
        super().__init__(what, where=":".join(place) or None, cure=cure)


class ConfigErrors(ConfigError):
    """Several things to edit at once: ``errors`` in the order of the file; ``str`` has one line for each."""

    def __init__(self, errors: Sequence[ConfigError]) -> None:
        first = errors[0]
        super().__init__(first.what, file=first.file, line=first.line, column=first.column, cure=first.cure)
        self.errors = tuple(errors)

    def __str__(self) -> str:
        return "\n".join(str(error) for error in self.errors)


class Refused(SkullDNSError):
    """A person changes what they asked for: a name, a target, or an update that the server's policy denies."""


class Unavailable(SkullDNSError):
    """Wait: a source or target does not answer, or answers that it cannot now.

    ``retry_after`` is the least number of seconds to wait before the next try; None leaves it to the caller's
    back-off.
    """

    def __init__(
        self,
        what: str,
        *,
        retry_after: float | None = None,
        where: str | None = None,
        cure: str | None = None,
    ) -> None:
        super().__init__(what, where=where, cure=cure)
        self.retry_after = retry_after


class OutcomeUnknown(Unavailable):
    """Wait, then read back: a change was sent and the answer was lost, so it may or may not have been made."""


class Conflict(SkullDNSError):
    """Plan again: the world is not as the plan expected it (RFC 2136 prerequisite not met, checksum differs)."""
