"""Secrets that are one line of text, in files of their own."""

import stat
from pathlib import Path

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
