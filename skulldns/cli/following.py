"""The page follows its config file: a good change is taken with the next request, a bad one is reported and left."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from skulldns.config import Config, load
from skulldns.config.stamps import Stamp, stamp
from skulldns.errors import SkullDNSError

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_QUIET_NS = 100_000_000
"""An editor writes a file in several steps: what changed less than 0.1 s ago may be half of it."""

_log = logging.getLogger("gunicorn.error")
"""The log of the page's process."""

Trouble = Callable[[], str | None]
Build = Callable[[Config, Trouble], "WSGIApplication"]
"""Makes the page of a config; it shows admins why the file cannot be followed, when it cannot."""


class FollowingPage:
    """The page of a config file as it is now, as a WSGI application. May be called by many threads.

    ``loaded`` is the config that the process was started with: a worker that is started later begins with it when the
    file is bad by then. ``wall_ns`` is Unix time in nanoseconds. Raises ``SkullDNSError`` if that one makes no page.
    """

    def __init__(self, loaded: Config, build: Build, wall_ns: Callable[[], int] = time.time_ns) -> None:
        self.trouble: str | None = None
        self._config = self._started_with = loaded
        self._build = build
        self._wall_ns = wall_ns
        self._lock = threading.Lock()
        self._seen: Mapping[Path, Stamp] = self._look()
        self._page = self._built() or build(loaded, lambda: self.trouble)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        # Whoever comes while another thread reads the file gets the last good page meanwhile.
        if self._lock.acquire(blocking=False):
            try:
                self._follow()
            finally:
                self._lock.release()
        return self._page(environ, start_response)

    def _follow(self) -> None:
        seen = self._look()
        if seen == self._seen or any(map(self._is_fresh, seen.values())):
            return
        self._seen = seen
        if page := self._built():
            self._page = page
            _log.info("%s has changed and is in force", self._config.path)

    def _built(self) -> "WSGIApplication | None":
        """The page of the file as it is now; None if it is bad, which ``trouble`` says then."""
        try:
            config = load(self._config.path, secrets=False)
            self._watch(config)
            page = self._build(config, lambda: self.trouble)
        except SkullDNSError as error:
            self.trouble = str(error).splitlines()[0]
            _log.error("%s; the page goes on with the last good config", self.trouble)
            return None
        self.trouble = None
        before, now = (one.web.listen if one.web else None for one in (self._started_with, config))
        if before != now:
            _log.warning("web: listen is %s now; the page listens at %s until it is restarted", now, before)
        return page

    def _watch(self, config: Config) -> None:
        """Follow the files that it names from now on: as they were before they were read."""
        self._config = config
        self._seen = {path: self._seen.get(path) or stamp(path) for path in self._files()}

    def _look(self) -> dict[Path, Stamp]:
        return {path: stamp(path) for path in self._files()}

    def _files(self) -> Iterable[Path]:
        """The config file, and the secret that it names and the page reads."""
        yield self._config.path
        if self._config.web and self._config.web.oidc:
            yield self._config.web.oidc.client_secret_file

    def _is_fresh(self, seen: Stamp) -> bool:
        """Whether a file may still be in the making; one from the future, after a jump of the clock, is not."""
        return 0 <= self._wall_ns() - seen[0] < _QUIET_NS
