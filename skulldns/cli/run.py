"""`skulldns run`: the daemon, in the foreground."""

import logging
import signal
import sys
from pathlib import Path

import click

from skulldns.cli import config_option


@click.command()
@click.option("--verbose", is_flag=True, help="Log more.")
@config_option
def run(config: Path, *, verbose: bool) -> None:
    """Watch the sources and publish, until stopped by SIGTERM or Ctrl-C."""
    from skulldns.daemon.service import Daemon

    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.INFO,
        format="%(asctime)s %(levelname)s %(message)s",
        stream=sys.stderr,
    )
    for chatty in ("alembic", "httpx", "watchfiles"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    daemon = Daemon(config)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: daemon.stop())
    daemon.run(lambda: logging.getLogger(__name__).info("running"))
