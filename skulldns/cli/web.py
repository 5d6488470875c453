"""`skulldns web`: the members' page, in the foreground."""

import ipaddress
import os
import secrets
import time
from collections.abc import Callable
from functools import lru_cache, partial
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from skulldns.cli import config_option
from skulldns.config import Config, WebConfig, load
from skulldns.config.secretfiles import secret_line
from skulldns.errors import ConfigError

if TYPE_CHECKING:
    from flask import Flask

    from skulldns.cli.following import Trouble
    from skulldns.store.office import Office
    from webui.settings import Service

SECRET = "web.secret"  # noqa: S105 - the name of the file that holds it
_SECRET_BYTES = 32
_THREADS = 8
_GRACE = 10  # seconds for requests that are on their way when the page is told to end


@click.command()
@click.option(
    "--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes that answer."
)
@config_option
def web(config: Path, *, workers: int) -> None:
    """Serve the members' page, until stopped by SIGTERM or Ctrl-C.

    It needs the config file and the database, and no key: run it as a user of its own.
    """
    from skulldns.cli.following import FollowingPage
    from skulldns.cli.serving import serve
    from skulldns.store.database import open_database
    from skulldns.store.office import open_office

    loaded = load(config, secrets=False)
    section = web_section(loaded)
    secret(loaded)
    open_database(loaded.database).dispose()  # made or migrated here, before several processes open it
    options = {"bind": section.listen, "workers": workers, "threads": _THREADS, "graceful_timeout": _GRACE}
    opened = lru_cache(maxsize=1)(open_office)  # one database, however often the config changes
    serve(lambda: FollowingPage(loaded, partial(page, processes=workers, opened=opened)), options)


def page(
    config: Config,
    trouble: "Trouble" = lambda: None,
    *,
    processes: int = 1,
    opened: "Callable[[str], Office] | None" = None,
) -> "Flask":
    """The page as a WSGI application, served by so many processes; ``trouble`` says why it is behind its config file.

    ``opened`` opens the database at its URL. Raises ``ConfigError`` or ``Unavailable``.
    """
    from skulldns.cli.desk import desk_of
    from webui.app import World, create_app
    from webui.settings import WebSettings

    section = web_section(config)
    leaked = section.leaked_passwords
    settings = WebSettings(
        url=section.url,
        secret=secret(config),
        installation=section.title,
        proxies=section.proxies,
        leaked=config.path.parent / leaked if leaked else None,
        service=_service(section),
        addresses=tuple(map(ip_address, config.proxy.addresses)) if config.proxy else (),
        processes=processes,
    )
    return create_app(World(desk_of(config, opened), settings, time.time, trouble))


def _service(section: WebConfig) -> "Service | None":
    """The other service through which members sign in, with its secret. Raises ``ConfigError``."""
    from webui.settings import Service

    oidc = section.oidc
    if oidc is None:
        return None
    return Service(
        oidc.name,
        oidc.issuer,
        oidc.client_id,
        secret_line(oidc.client_secret_file),
        oidc.groups_claim,
        oidc.admin_groups,
        oidc.create,
    )


def web_section(config: Config) -> WebConfig:
    """The section ``web``. Raises ``ConfigError`` if there is none, or its page would send passwords in clear."""
    if config.web is None:
        raise ConfigError(
            "there is no section web", file=config.path, cure="add one with a url: see docs/config.md"
        )
    parts = urlsplit(config.web.url)
    if parts.scheme != "https" and not _is_loopback(parts.hostname or ""):
        raise ConfigError(
            f"web: {config.web.url} would show passwords to the network", file=config.path, cure="use https"
        )
    return config.web


def secret(config: Config) -> bytes:
    """What the page signs cookies with; made at its first start, for its own user only. Raises ``ConfigError``.

    It lies beside the database, in the one directory that the page's user can write.
    """
    path = _beside_database(config) / SECRET
    try:
        if not path.exists():
            _make_secret(path)
        found = path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"the page's secret is not to be had: {error.strerror}",
            file=path,
            cure="let the page's user write there",
        ) from error
    if len(found) < _SECRET_BYTES:
        raise ConfigError("the page's secret is too short", file=path, cure="remove it; another is made")
    return found


def _make_secret(path: Path) -> None:
    """Write it whole or not at all; of several who do so at once, one wins."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_bytes(_SECRET_BYTES))
        file.flush()
        os.fsync(file.fileno())
    try:
        path.hardlink_to(fresh)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()


def _beside_database(config: Config) -> Path:
    scheme, _, path = config.database.partition(":///")
    return Path(path).parent if scheme.startswith("sqlite") and path else config.state


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
