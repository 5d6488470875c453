"""Certificates in a directory: `<identity>/current/{chain,key}.pem`, where `current` is a symbolic link."""

import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from dns.name import Name

from skulldns.errors import Refused, Unavailable
from skulldns.model.certificates import Certificate, KeyPair
from skulldns.targets.certificates.inspection import check, read_certificate
from skulldns.targets.durable import make_directory, sync_directory, write_durably

_IDENTITY = re.compile(r"[a-z0-9_][a-z0-9_.-]{0,254}")
_KEPT = 2  # versions: the one that is served, and the one before it


class CertificateDirectory:
    """Keeps ``CertificateFiles``.

    A version is written as a whole and durably before the link is switched to it by one rename, so whoever opens
    `current/chain.pem` and `current/key.pem` gets two that belong together, also after a power cut.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def paths(self, identity: str) -> tuple[Path, Path]:
        """Where the chain and the key of ``identity`` lie, there or not.

        The link is followed once, so that both are of one version; the version before stays for whoever reads it.
        """
        current = (self._home(identity) / "current").resolve()
        return current / "chain.pem", current / "key.pem"

    def identities(self) -> list[str]:
        """Everything that has a certificate."""
        if not self._directory.is_dir():
            return []
        return sorted(home.name for home in self._directory.iterdir() if (home / "current").is_symlink())

    def chain(self, identity: str) -> bytes | None:
        with _told(identity):
            try:
                return self.paths(identity)[0].read_bytes()
            except FileNotFoundError:
                return None

    def current(self, identity: str) -> Certificate | None:
        chain = self.chain(identity)
        if chain is None:
            return None
        with _told(identity):
            if not self.paths(identity)[1].is_file():
                return None
        try:
            return read_certificate(chain)
        except Refused:
            return None

    def install(self, identity: str, pair: KeyPair, names: Iterable[Name], now: float) -> Certificate:
        certificate = check(pair, names, now)
        home = self._home(identity)
        with _told(identity):
            version = home / self._next_version(home)
            make_directory(version)
            write_durably(version / "chain.pem", pair.chain)
            write_durably(version / "key.pem", pair.key)
            self._switch(home, version.name)
            self._tidy(home)
        return certificate

    def remove(self, identity: str) -> None:
        """Forget a certificate that nobody needs any more, with its key."""
        with _told(identity):
            shutil.rmtree(self._home(identity), ignore_errors=True)

    def _home(self, identity: str) -> Path:
        if not _IDENTITY.fullmatch(identity):
            raise Refused(f"{identity!r} cannot name a certificate", cure="use a host name in lower case")
        return self._directory / identity

    @staticmethod
    def _next_version(home: Path) -> str:
        return f"{max(_versions(home), default=0) + 1:06d}"

    @staticmethod
    def _switch(home: Path, version: str) -> None:
        fresh = home / ".current.new"
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(version)
        fresh.replace(home / "current")
        sync_directory(home)

    @staticmethod
    def _tidy(home: Path) -> None:
        for number in sorted(_versions(home))[:-_KEPT]:
            shutil.rmtree(home / f"{number:06d}", ignore_errors=True)


def _versions(home: Path) -> list[int]:
    return [int(path.name) for path in home.iterdir() if path.name.isdecimal()] if home.is_dir() else []


@contextmanager
def _told(identity: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unavailable(
            f"the certificate of {identity} cannot be read or written: {os.strerror(error.errno or 0)}",
            where=str(error.filename),
            cure="check the disk's space and health",
        ) from error
