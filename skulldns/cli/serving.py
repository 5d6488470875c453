"""Serves the page by gunicorn: one process with threads, another one that watches it."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_FORMAT = "%(asctime)s %(levelname)s %(message)s"
_ALWAYS = {
    "worker_class": "gthread",
    "control_socket_disable": True,
    "forwarded_allow_ips": "",  # which proxies are believed is for the config to say: webui.app
    "limit_request_line": 8190,  # its most, so that the page itself refuses what is too long: webui.security
    "limit_request_fields": 60,
    "proc_name": "skulldns-web",
}


class _PlainLogger(Logger):
    """Lines like those of the daemon; requests are not logged, since the audit has what changed anything."""

    error_fmt = _FORMAT
    datefmt = "%Y-%m-%d %H:%M:%S"


class _Server(BaseApplication):
    def __init__(self, build: Callable[[], "WSGIApplication"], options: Mapping[str, Any]) -> None:
        self._build = build
        self._options = {**_ALWAYS, "logger_class": _PlainLogger, **options}
        super().__init__()

    def load_config(self) -> None:
        for key, value in self._options.items():
            self.cfg.set(key, value)

    def load(self) -> "WSGIApplication":  # type: ignore[override]  # gunicorn's own type is another for the same
        """The application, in each worker anew: a database connection does not survive a fork."""
        return self._build()


def serve(build: Callable[[], "WSGIApplication"], options: Mapping[str, Any]) -> None:
    """Serve what ``build`` gives until SIGTERM or SIGINT; ``options`` are gunicorn's settings."""
    _Server(build, options).run()
