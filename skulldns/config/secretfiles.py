"""Secrets that are one line of text, in files of their own."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from skulldns.config.loading import Config
from skulldns.config.reading import read_text
from skulldns.errors import ConfigError

_LIMIT = 4096


def secret_line(path: Path) -> str:
    """The secret in the file ``path``, without the end of its line.

    Raises ``ConfigError`` when the file is missing, open to everyone, or holds none.
    """
    text = read_text(path, _LIMIT).strip()
    if path.stat().st_mode & stat.S_IROTH:
        raise ConfigError("it can be read by everyone", file=path, cure=f"run 'chmod o= {path}'")
    if not text or "\n" in text:
        raise ConfigError(
            "it does not hold one line with a secret", file=path, cure="write the secret into it"
        )
    return text


def secret_errors(config: Config) -> tuple[ConfigError, ...]:
    """What is wrong with the secrets of page and notices; the keys of zones are read together with the config."""
    found = []
    for path in _secrets(config):
        try:
            secret_line(path)
        except ConfigError as error:
            found.append(error)
    return tuple(found)


def secret_warnings(config: Config) -> tuple[ConfigError, ...]:
    """Secrets that only the page's user and root can look at."""
    return tuple(
        ConfigError("this user may not read it, so nobody looked at it", file=path, cure="check as root, too")
        for path in _of_page(config)
        if _is_hidden(path)
    )


def _secrets(config: Config) -> Iterator[Path]:
    yield from (path for path in _of_page(config) if not _is_hidden(path))
    if config.notices is not None:
        smtp = config.notices.smtp
        if smtp is not None and smtp.password_file is not None:
            yield smtp.password_file
        yield from dict.fromkeys(hook.secret_file for hook in config.notices.webhooks)


def _of_page(config: Config) -> Iterator[Path]:
    if config.web is not None and config.web.oidc is not None:
        yield config.web.oidc.client_secret_file


def _is_hidden(path: Path) -> bool:
    return os.access(path, os.F_OK) and not os.access(path, os.R_OK)
