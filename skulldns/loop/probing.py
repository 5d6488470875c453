"""What visitors of members' sites meet: real requests through the proxy, some at once, none in the way of anything.

A site that fails is tried again soon and then less often; one that answers is asked every few minutes.
"""

import logging
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass

from dns.name import Name

from skulldns.loop.clock import Clock
from skulldns.model.probes import Probe
from skulldns.targets.protocol import Prober

_log = logging.getLogger(__name__)

_PAUSES = (0.2, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0)
_WELL_PAUSES = (0.3, 2.0, 300.0)
"""Soon once more, since workers of nginx that are about to go may have answered."""


@dataclass(slots=True)
class _Site:
    asked: "Future[Probe] | None" = None
    answer: Probe | None = None
    failures: int = 0
    successes: int = 0
    due: float = 0.0


class Probes:
    """Keeps the last answer of each site. One thread uses it; ``executor`` makes the requests."""

    def __init__(
        self, prober: Prober | None, executor: Executor, clock: Clock, ring: Callable[[], None]
    ) -> None:
        self._prober = prober
        self._executor = executor
        self._clock = clock
        self._ring = ring
        self._sites: dict[Name, _Site] = {}

    def of(self, name: Name, *, wanted: bool) -> tuple[str, str]:
        """How the site's last answer was (``good``, ``wait``, ``bad``) with a sentence; asks again when it is time.

        ``wanted`` says that all before it is well, so that an answer can be expected.
        """
        site = self._sites.setdefault(name, _Site())
        self._collect(site)
        if wanted and site.asked is None and self._prober is not None and self._clock.steady() >= site.due:
            site.asked = self._executor.submit(self._prober.site, name)
            site.asked.add_done_callback(lambda _: self._ring())
        if site.answer is None or not wanted:
            return "wait", "waits for the links before it" if not wanted else "being asked"
        if site.answer.good and site.answer.seconds is not None:
            return "good", f"{site.answer.text} after {site.answer.seconds * 1000:.0f} ms"
        return ("good" if site.answer.good else "bad"), site.answer.text

    def forget(self, name: Name) -> None:
        """Nobody is interested in the site any more."""
        self._sites.pop(name, None)

    def _collect(self, site: _Site) -> None:
        if site.asked is None or not site.asked.done():
            return
        asked, site.asked = site.asked, None
        if asked.cancelled():
            return
        error = asked.exception()
        if error is not None:
            _log.error("a request to a site failed: %r", error)
        site.answer = Probe(good=False, text=f"it could not be asked: {error}") if error else asked.result()
        good = site.answer.good
        site.failures, site.successes = (0, site.successes + 1) if good else (site.failures + 1, 0)
        pauses, count = (_WELL_PAUSES, site.successes) if good else (_PAUSES, site.failures)
        pause = pauses[min(count, len(pauses)) - 1]
        site.due = self._clock.steady() + pause
