"""The nginx that runs: asked for its generation, and its error log read for why it does not run another."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from skulldns.errors import Unavailable
from skulldns.targets.nginx.program import complaint, emergency
from skulldns.targets.vhost.settings import Listen

_PATIENCE = 2.0  # seconds for one answer
_LOOK_AGAIN = 0.005  # seconds at first, then longer
_LONGEST_PAUSE = 0.02
_MOST_OF_LOG = 64 * 1024


@dataclass(frozen=True, slots=True)
class Running:
    """The nginx that answers at ``status``; ``error_log`` is its log, if SkullDNS may read it."""

    status: Listen
    error_log: Path | None = None
    pause: Callable[[float], None] = time.sleep

    def generation(self) -> int | None:
        """Which generation answers; None if the answer is not one of ours. Raises Unavailable if there is none."""
        connection = HTTPConnection(str(self.status.address), self.status.port, timeout=_PATIENCE)
        try:
            connection.request("GET", "/")
            answer = connection.getresponse().read(64)
        except ConnectionRefusedError:
            raise self._silent("nothing listens there") from None
        except (OSError, HTTPException) as error:
            raise self._silent(f"no answer ({str(error) or type(error).__name__})") from None
        finally:
            connection.close()
        return int(answer) if answer.isdigit() else None

    def runs(self, generation: int) -> bool:
        """Whether this generation answers now."""
        try:
            return self.generation() == generation
        except Unavailable:
            return False  # perhaps it is just being started

    def reaches(self, generation: int, log: int, patience: float) -> bool:
        """Whether nginx says within so many seconds that it runs a generation.

        ``log`` is where the error log ended before: an emergency in it means that nginx gave up already.
        """
        deadline = time.monotonic() + patience
        pause = _LOOK_AGAIN
        while not self.runs(generation):
            if time.monotonic() > deadline or emergency(self._log_since(log)):
                return self.runs(generation)
            self.pause(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
        return True

    def end_of_log(self) -> int:
        """How long the error log is now."""
        try:
            return self.error_log.stat().st_size if self.error_log else 0
        except OSError:
            return 0

    def complaint_since(self, position: int) -> str | None:
        """The gravest that the error log says from ``position`` on."""
        return complaint(self._log_since(position))

    def _log_since(self, position: int) -> str:
        if self.error_log is None:
            return ""
        try:
            with self.error_log.open("rb") as log:
                end = log.seek(0, 2)
                log.seek(position if end - _MOST_OF_LOG <= position <= end else max(0, end - _MOST_OF_LOG))
                return log.read().decode(errors="replace")
        except OSError:
            return ""

    def _silent(self, what: str) -> Unavailable:
        return Unavailable(
            f"nginx does not tell its generation: {what}",
            where=str(self.status),
            cure="see that nginx runs and that its configuration includes current/skulldns.conf",
        )
